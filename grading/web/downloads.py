"""What leaves as a file: a submission's, under the name the reader may know, and tables as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any

from flask import Response

from grading.models import SubmissionFile
from grading.web import access
from grading.workflow import files


def send(file: SubmissionFile, name: str) -> Response:
    """Stream a stored file.

    Parameters
    ----------
    name : str
        What the file is called for this reader: the learner's own name for it, or a neutral one.
    """
    response = Response(
        access.installation().files.read(file.key),
        mimetype=files.KINDS[file.kind].media_type,
    )
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Length"] = str(file.size)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def cell(value: Any) -> Any:
    """Write a value for a spreadsheet: undefined is empty, and text is never taken for a formula."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


def table(name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Send rows as CSV, in UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([cell(heading) for heading in headings])
    writer.writerows([cell(value) for value in row] for row in rows)
    answer = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
