"""What leaves as a file: a submission's, under the name the reader may know, and tables as CSV."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any
from urllib.parse import quote

from flask import Response
from flask_babel import gettext as _

from grading.models import SubmissionFile
from grading.texts import file_name
from grading.web import access
from grading.workflow import files

# What spreadsheets compute, or cut off before they look.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")


def attach(response: Response, name: str) -> Response:
    """Have an answer kept as a file of a name, whatever its script; headers themselves are Latin alone."""
    name = file_name(name)
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    whole = {} if plain == name else {"filename*": f"UTF-8''{quote(name, safe='')}"}
    response.headers.set("Content-Disposition", "attachment", filename=plain, **whole)
    return response


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
    response.headers["Content-Length"] = str(file.size)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return attach(response, name)


def printing_note(name: str) -> list[str]:
    """Say which signs of a name no certificate can show; nothing where it shows them all."""
    signs = access.installation().printer.unsettable(name)
    if not signs:
        return []
    return [
        _(
            "Certificates cannot be printed with “%(signs)s”: their fonts do not have it. Records and "
            "pages show the name as it is.",
            signs=signs,
        )
    ]


def cell(value: Any) -> Any:
    """Write a value for a spreadsheet: undefined is empty, and text is never taken for a formula."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    if isinstance(value, str) and _FORMULA.match(value):
        return "'" + value
    return value


def table(name: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Send rows as CSV, in UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([cell(heading) for heading in headings])
    writer.writerows([cell(value) for value in row] for row in rows)
    answer = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    return attach(answer, name)
