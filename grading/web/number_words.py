"""How numbers and lists are written on pages and in mail, in the reader's language."""

from collections.abc import Iterable
from decimal import Decimal
from math import isnan
from typing import Any

from babel.lists import format_list
from flask_babel import format_decimal, format_percent, get_locale
from flask_babel import gettext as _


def size_words(size: int) -> str:
    """Write a number of bytes for people."""
    if size < 1_000:
        return _("%(n)s bytes", n=number(size, 0))
    if size < 1_000_000:
        return _("%(n)s KB", n=number(size / 1_000, 0))
    return _("%(n)s MB", n=number(size / 1_000_000))


def number(value: float | None, places: int = 1) -> str:
    """Write a number; what is undefined is a dash, never a zero."""
    if value is None or isnan(value):
        return "–"
    return str(format_decimal(_rounded(value, places), format=_pattern(places)))


def signed_number(value: float, places: int = 1) -> str:
    """Write a number with its sign, be it a plus."""
    pattern = _pattern(places)
    return str(format_decimal(_rounded(value, places), format=f"+{pattern};-{pattern}"))


def short_number(value: float) -> str:
    """Write a number to six digits, without zeros that say nothing."""
    return str(format_decimal(Decimal(f"{value:g}"), format=f"0.{'#' * 12}"))


def percent_words(percent: float) -> str:
    """Write so many of a hundred as whole percent; what is undefined is a dash."""
    if isnan(percent):
        return "–"
    return str(format_percent(_rounded(percent, 0) / 100, format="0 %"))


def list_words(words: Iterable[Any]) -> str:
    """Write texts one after the other: A, B, C."""
    return format_list([str(word) for word in words], "unit", get_locale())


def _rounded(value: float, places: int) -> Decimal:
    """Round the number itself: Babel would round its shortest decimal, which can lie half-way."""
    return Decimal(f"{value:.{places}f}")


def _pattern(places: int) -> str:
    return f"0.{'0' * places}" if places else "0"
