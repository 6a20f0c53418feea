"""How a reader from outside is told what a released level means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

NOT_PASSED = "Not passed"


@dataclass(frozen=True)
class Band:
    """One level of the scale: from ``low`` to below ``high`` of 100."""

    name: str
    low: float
    high: float | None
    reached: bool


def bands(detail: Mapping[str, Any]) -> list[Band]:
    """List the levels of a released result's scale, lowest first."""
    listed: Sequence[tuple[float, str]] = detail["scale"]["bands"]
    highs = [low for low, _name in listed[1:]] + [None]
    return [
        Band(name, low, high, name == detail["band"])
        for (low, name), high in zip(listed, highs, strict=True)
    ]


def likely(detail: Mapping[str, Any]) -> tuple[float, float] | None:
    """Give the range another panel's score would most likely lie in; None where no error is known."""
    error = detail.get("standard_error")
    if not error:
        return None
    value = float(detail["value"])
    return max(value - 1.96 * error, 0.0), min(value + 1.96 * error, 100.0)


def likely_words(detail: Mapping[str, Any]) -> str:
    """Say in words, without a number, how sure the level is."""
    found = likely(detail)
    if found is None:
        return _("It rests on one reading, so that no likely range can be given.")
    low, high = (_band(detail, value) for value in found)
    if low == high:
        return _("Read again by others, the work would most likely reach the same level.")
    return _(
        "Read again by others, the work would most likely reach a level between “%(low)s” and “%(high)s”.",
        low=_(low),
        high=_(high),
    )


def _band(detail: Mapping[str, Any], value: float) -> str:
    reached = [name for low, name in detail["scale"]["bands"] if value >= low]
    return reached[-1] if reached else NOT_PASSED


def who_judged(detail: Mapping[str, Any]) -> str:
    """Say how many of which kind the result rests on."""
    professional, peer = detail["raters"]["professional"], detail["raters"]["peer"]
    if professional and peer:
        return _(
            "%(professional)s professional and %(peer)s peer readings, each made alone",
            professional=professional,
            peer=peer,
        )
    if professional:
        return (
            _("%(n)s professional readings, each made alone", n=professional)
            if (professional > 1)
            else _("1 professional reading")
        )
    return _("%(n)s peer readings; no professional read it", n=peer)
