"""The life of a cohort, and the parts people play in one."""

from enum import StrEnum

from grading.workflow.machine import Machine


class CohortState(StrEnum):
    PREPARING = "preparing"
    OPEN = "open"
    ENDED = "ended"


class Role(StrEnum):
    """A part in a cohort; a person may have several, and no page mixes two."""

    LEARNER = "learner"
    PEER = "peer"
    GRADER = "grader"
    INSTRUCTOR = "instructor"
    LEAD = "lead"
    COORDINATOR = "coordinator"
    OBSERVER = "observer"


S = CohortState

MACHINE = Machine(
    "cohort",
    CohortState,
    {
        (S.PREPARING, "open"): S.OPEN,
        (S.OPEN, "end"): S.ENDED,
    },
)
