"""“What is this?” of every page, kept beside it; the Help page lists them all by role.

The help of an endpoint is ``templates/AREA/help/ENDPOINT.html``, which sets ``reader`` (whom the page
is for), ``title`` (what it is called in a list) and ``text`` (what it is, in a few sentences).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from flask import Flask, current_app, request
from flask_babel import lazy_gettext as _l


class Reader(StrEnum):
    """Whom a page is for."""

    EVERYBODY = "everybody"
    LEARNER = "learner"
    READER = "reader"
    STAFF = "staff"
    OFFICE = "office"
    EMPLOYER = "employer"


READERS: dict[Reader, Any] = {
    Reader.EVERYBODY: _l("Everybody"),
    Reader.LEARNER: _l("Learners"),
    Reader.READER: _l("Graders and peers"),
    Reader.STAFF: _l("Instructors and leads"),
    Reader.OFFICE: _l("Coordinators and administrators"),
    Reader.EMPLOYER: _l("Employers"),
}


def templates_by_endpoint(names: Iterable[str]) -> dict[str, str]:
    """Pick the help from the names of templates, keyed by the endpoint each is for."""
    return {
        name.rpartition("/")[2].removesuffix(".html"): name for name in names if "/help/" in name
    }


def help_of(endpoint: str | None) -> Any:
    """Give the help of a page in the reader's language, or None for a page that has none."""
    name = current_app.extensions["page_help"].get(endpoint)
    return current_app.jinja_env.get_template(name).make_module() if name else None


def help_by_reader() -> list[tuple[Any, list[Any]]]:
    """List every page's help by who reads it, in the order of titles."""
    pages = sorted(map(help_of, current_app.extensions["page_help"]), key=lambda page: page.title)
    return [
        (label, [page for page in pages if page.reader == reader])
        for reader, label in READERS.items()
    ]


def register(app: Flask) -> None:
    """Let every page say what it is."""
    app.extensions["page_help"] = templates_by_endpoint(app.jinja_env.list_templates())
    app.jinja_env.globals["help_of_page"] = lambda: help_of(request.endpoint)
