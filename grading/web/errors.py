"""From an error to an answer: the only place that knows status codes."""

import errno
from collections.abc import Mapping
from typing import Any

from flask import (
    Flask,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Rule

from grading import errors
from grading.db import FULL, db, failure_of
from grading.texts import isolated
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


# What answers with a file is no page to come back to.
FILES = frozenset({"learner.own_file"})


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
            name: list_words(value) if isinstance(value, list | tuple) else isolated(value)
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


def page_above(app: Flask, taken: Rule) -> Rule | None:
    """Find the page that an address belongs to which only takes forms: the nearest above it that shows."""
    shows = {
        rule.rule.rstrip("/"): rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.arguments <= taken.arguments
        and rule.endpoint not in FILES
    }
    path = taken.rule.rstrip("/")
    while path and path not in shows:
        path = path.rpartition("/")[0]
    return shows.get(path)


def _to_its_page(error: MethodNotAllowed) -> ResponseReturnValue | None:
    """Lead who reloads or opens an address that only takes forms to the page it belongs to."""
    if request.method not in ("GET", "HEAD") or wants_json():
        return None
    adapter = current_app.url_map.bind_to_environ(request.environ)
    takes = next(iter(error.valid_methods or ["POST"]))
    rule, places = adapter.match(method=takes, return_rule=True)
    page = page_above(current_app, rule)
    if page is None:
        return None
    flash(_("Nothing was done: that address only takes what a page sends. This is the page."))
    known = {name: value for name, value in places.items() if name in page.arguments}
    return redirect(url_for(page.endpoint, **known), 303)


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:
        return error
    if isinstance(error, MethodNotAllowed) and (led := _to_its_page(error)) is not None:
        return led
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
