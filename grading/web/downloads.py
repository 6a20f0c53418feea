"""Sending a submission's file: as an attachment, under the name the reader may know, never as a page."""

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
