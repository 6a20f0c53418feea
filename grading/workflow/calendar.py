"""Extensions and adjustments: more time for one learner."""

from enum import StrEnum

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
