"""From an error to an answer: the only place that knows status codes."""

import errno
from collections.abc import Mapping
from typing import Any

from flask import Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from grading import errors
from grading.db import FULL, db, failure_of
from grading.web.number_words import list_words

STATUS: dict[type[errors.GradingError], int] = {
    errors.NotFound: 404,
    errors.NotPermitted: 403,
    errors.StaleRecord: 409,
    errors.IllegalTransition: 409,
    errors.HoldLost: 410,
    errors.TooMany: 429,
    errors.Refused: 409,
    errors.FaultsFound: 422,
    errors.PassingFailure: 503,
    errors.PermanentFailure: 502,
}
# Every page has one of these; others share the nearest.
PAGES = {400, 403, 404, 409, 410, 413, 429, 500, 503}


def words(error: errors.GradingError) -> str:
    """Give the error's message in the reader's language."""
    return _translated(error.template, error.params)


def fault_words(fault: errors.Fault) -> str:
    """Give a fault's message in the reader's language, without its place."""
    return _translated(fault.template, fault.params)


def _translated(template: str, params: Mapping[str, object]) -> str:
    """Translate a message; flask-babel fills in places only where there are parameters."""
    return _(
        template,
        **{
            name: list_words(value) if isinstance(value, list | tuple) else value
            for name, value in params.items()
        },
    )


def status_of(error: errors.GradingError) -> int:
    """Give the status of the nearest class the table knows."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)


def wants_json() -> bool:
    """Whether a script asks rather than a reader."""
    return request.path.startswith("/api/") or request.is_json


def answer(status: int, message: str, **more: Any) -> ResponseReturnValue:
    """Show a message as a page, or give it as JSON."""
    db.session.rollback()
    if wants_json():
        return jsonify(error=more.get("reason") or str(status), message=message, **more), status
    page = (
        status
        if status in PAGES
        else (409 if status in (422, 405) else 400 if status < 500 else 500)
    )
    return render_template(f"errors/{page}.html", message=message, page_error=True, **more), status


def _grading(error: errors.GradingError) -> ResponseReturnValue:
    if isinstance(error, errors.PassingFailure) and isinstance(error.__cause__, Exception):
        current_app.logger.error("refused for now", exc_info=error)
    more: dict[str, Any] = {}
    if isinstance(error, errors.HoldLost):
        more["reason"] = error.reason
    if isinstance(error, errors.FaultsFound):
        more["faults"] = [
            {"where": fault.where, "message": fault_words(fault)} for fault in error.faults
        ]
    return answer(status_of(error), words(error), **more)


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error
    texts = {
        400: _("The request cannot be read."),
        403: _("You cannot see this page."),
        404: _("There is no such page."),
        405: _("This page cannot be used like that."),
        413: _("The file is larger than this service takes."),
    }
    return answer(code, texts.get(code, _("There is a problem with the service.")))


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    return answer(400, _("This page was open for too long. Go back, reload it and try again."))


def _unexpected(error: Exception) -> ResponseReturnValue:
    current_app.logger.exception("unexpected error", exc_info=error)
    return answer(500, _("There is a problem with the service."))


def _database(error: OperationalError) -> ResponseReturnValue:
    current_app.logger.error("the database failed", exc_info=error)
    return _grading(failure_of(error))


def _system(error: OSError) -> ResponseReturnValue:
    """Say that the disk is full or closed to us, which no reader can help."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return _unexpected(error)
    current_app.logger.error("the disk cannot be written", exc_info=error)
    return answer(503, _(FULL))


def register(app: Flask) -> None:
    """Teach an app to answer errors."""
    app.register_error_handler(errors.GradingError, _grading)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _unexpected)
