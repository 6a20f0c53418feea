"""How the charts of agreement and severity write numbers, and say that there are too few."""

from collections.abc import Mapping

from flask_babel import gettext as _

from grading.scores.queries.agreement import ENOUGH

Names = Mapping[str, str]
MINUS = "\N{MINUS SIGN}"


def number(value: float | None, places: int = 2) -> str:
    """Write a number with a real minus sign."""
    if value is None:
        return "–"
    text = f"{value:.{places}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", MINUS)


def not_enough(n: int) -> str:
    return _("Not enough yet (%(n)s of %(enough)s)", n=n, enough=ENOUGH)
