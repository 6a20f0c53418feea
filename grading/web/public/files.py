"""Answers that hold signed files: for programs of any site, kept for a while by caches."""

from datetime import timedelta
from typing import Any

from flask import Response, json, request

from grading.errors import NotFound
from grading.models import IssuedCredential

MEDIA_TYPE = "application/vc"
# A credential's owner can withdraw it; a copy elsewhere should not outlive that by much.
CREDENTIAL_FOR = timedelta(minutes=1)


def answer(body: str, media_type: str, keep: timedelta) -> Response:
    """Answer with a text that is public and may be kept for a time."""
    response = Response(body, mimetype=media_type)
    response.headers["Cache-Control"] = f"public, max-age={round(keep.total_seconds())}"
    # Verifiers run in browsers too, on any site; there is nothing here to protect from them.
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["X-Robots-Tag"] = "noindex"
    response.add_etag()
    response.make_conditional(request)
    return response


def json_answer(document: dict[str, Any], media_type: str, keep: timedelta) -> Response:
    return answer(json.dumps(document), media_type, keep)


def document(credential: IssuedCredential) -> Response:
    """Answer with a signed document; raises `NotFound` where its owner had it taken away."""
    if credential.document is None:
        raise NotFound("We cannot find that credential.")
    return json_answer(credential.document, MEDIA_TYPE, CREDENTIAL_FOR)


def token(credential: IssuedCredential) -> Response:
    """Answer with a signed token; raises as `document`."""
    if credential.token is None:
        raise NotFound("We cannot find that credential.")
    return answer(credential.token, "application/vc+jwt", CREDENTIAL_FOR)
