"""The life of a discrepancy: readings further apart than the plan allows, until a third settles it."""

from enum import StrEnum

from grading.workflow.machine import Machine


class DiscrepancyState(StrEnum):
    OPEN = "open"
    ADJUDICATED = "adjudicated"
    CANCELLED = "cancelled"


S = DiscrepancyState

MACHINE = Machine(
    "discrepancy",
    DiscrepancyState,
    {
        (S.OPEN, "adjudicate"): S.ADJUDICATED,
        (S.OPEN, "cancel"): S.CANCELLED,
    },
)
