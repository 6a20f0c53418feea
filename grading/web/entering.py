"""What comes with an address: its parts and its query, cleaned before any view reads them."""

from functools import cached_property

from flask import Flask, request
from flask import Request as FlaskRequest
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter

from grading import texts

LONGEST_SEARCH = 100


class Request(FlaskRequest):
    """A request whose query holds what databases take."""

    @cached_property
    def args(self) -> MultiDict[str, str]:
        return ImmutableMultiDict(
            (texts.clean_text(name), texts.clean_text(value))
            for name, value in super().args.items(multi=True)
        )


class WordConverter(UnicodeConverter):
    """A part of an address: no page has a control in its address."""

    def __init__(self, map: Map) -> None:  # noqa: A002 - werkzeug's name
        super().__init__(map)
        self.regex = r"[^/\x00-\x1f\x7f]+"


class NumberConverter(IntegerConverter):
    """A number in an address, no larger than a column holds."""

    regex = r"\d{1,9}"


def query_number(name: str) -> int | None:
    """Give a number of the query; None where there is none, or none that a column holds."""
    return texts.whole_number(request.args.get(name, ""))


def page_number() -> int:
    """Say which page of a list is asked for."""
    return max(query_number("page") or 1, 1)


def search_words(name: str = "text") -> str:
    """Give what a list is searched for, as it would be seen; databases search for so much and no more."""
    return texts.seen_line(request.args.get(name, ""))[:LONGEST_SEARCH]


def register(app: Flask) -> None:
    """Teach an app to clean what comes with an address; before any address is known to it."""
    app.request_class = Request
    app.url_map.converters |= {"default": WordConverter, "int": NumberConverter}
