"""Extensions and adjustments: more time for one learner."""

from enum import StrEnum
from math import ceil

from grading.workflow.machine import Machine


class ExtensionKind(StrEnum):
    """An extension answers an event; an adjustment a lasting need."""

    EXTENSION = "extension"
    ADJUSTMENT = "adjustment"


class ExtensionState(StrEnum):
    GRANTED = "granted"
    ENDED = "ended"


EXTENSION_MACHINE = Machine(
    "extension",
    ExtensionState,
    {(ExtensionState.GRANTED, "end"): ExtensionState.ENDED},
)

# Usual adjustments of time, as multiples of the time everybody has.
FACTORS = (1.25, 1.5)


def days_of_factor(factor: float, window_days: int) -> int:
    """Turn a multiple of a window's time into whole days more, rounded up.

    >>> days_of_factor(1.25, 28)
    7
    """
    return ceil(round((factor - 1) * window_days, 9))


def lengthened(hours: float, days: int, window_days: int) -> float:
    """Lengthen a hold in the same proportion as the window in which one hands in.

    >>> lengthened(48.0, 7, 28)
    60.0
    """
    return hours * (1 + days / window_days)
