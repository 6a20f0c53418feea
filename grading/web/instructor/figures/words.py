"""How the charts of agreement and severity write numbers, and say that there are too few."""

from collections.abc import Mapping

from flask_babel import gettext as _

from grading.scores.queries.agreement import ENOUGH
from grading.web import number_words

Names = Mapping[str, str]
MINUS = "\N{MINUS SIGN}"


def number(value: float | None, places: int = 2) -> str:
    """Write a number with a real minus sign, and a zero without one."""
    rounded = None if value is None else float(f"{value:.{places}f}") + 0.0
    return number_words.number(rounded, places).replace("-", MINUS)


def not_enough(n: int) -> str:
    return _("Not enough yet (%(n)s of %(enough)s)", n=n, enough=ENOUGH)
