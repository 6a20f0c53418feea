"""Checking in front of a reader: within a polite limit, and never “not valid” where the fault is ours."""

from collections.abc import Callable
from contextlib import suppress

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from grading.db import db, transaction
from grading.errors import NotFound, PassingFailure, TooMany
from grading.records import sharing
from grading.web import access
from grading.web.errors import words
from grading.web.public import looks


def unlisted(answer: ResponseReturnValue) -> Response:
    """Let no search engine keep an answer, and let it say nowhere where its reader came from."""
    response = make_response(answer)
    response.headers.update({"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"})
    return response


def checked(public_id: str, make: Callable[[], str]) -> ResponseReturnValue:
    """Answer with the page of what is checked, and count that it was looked at.

    Parameters
    ----------
    make : callable
        Checks and gives the page; raises `NotFound` for what is hidden or unknown: one answer for both.
    """
    try:
        with suppress(PassingFailure), transaction() as session:
            sharing.count_check(session, address=request.remote_addr or "", now=access.now())
        page = make()
    except TooMany as error:
        page = render_template("errors/429.html", message=words(error), page_error=True)
        refused = unlisted((page, 429))
        refused.headers["Retry-After"] = "60"
        return refused
    except NotFound:
        return unlisted((render_template("public/unknown.html"), 404))
    except SQLAlchemyError:
        db.session.rollback()
        return unlisted((render_template("public/unavailable.html"), 503))
    looks.count([public_id])
    return unlisted(page)
