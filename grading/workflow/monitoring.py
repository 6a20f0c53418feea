"""Alarms, pauses and quarantines: what follows when a rater's standard seems to move."""

from enum import StrEnum

from grading.workflow.machine import Machine


class AlarmState(StrEnum):
    """``open`` brings more check items; the lead answers it."""

    OPEN = "open"
    DISMISSED = "dismissed"
    UPHELD = "upheld"


class QuarantineState(StrEnum):
    IN_FORCE = "in_force"
    LIFTED = "lifted"


A = AlarmState
ALARM_MACHINE = Machine(
    "alarm", AlarmState, {(A.OPEN, "dismiss"): A.DISMISSED, (A.OPEN, "uphold"): A.UPHELD}
)
QUARANTINE_MACHINE = Machine(
    "quarantine",
    QuarantineState,
    {(QuarantineState.IN_FORCE, "lift"): QuarantineState.LIFTED},
)
