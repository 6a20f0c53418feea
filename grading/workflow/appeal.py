"""The life of an appeal, and of a request for more explanation: two questions, two owners."""

from enum import StrEnum

from grading.workflow.machine import Machine


class AppealState(StrEnum):
    """``open`` waits for somebody fresh to read; ``remarked`` for a decision with a reason."""

    OPEN = "open"
    REMARKED = "remarked"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


class ExplanationState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


A = AppealState
MACHINE = Machine(
    "appeal",
    AppealState,
    {
        (A.OPEN, "remark"): A.REMARKED,
        (A.OPEN, "withdraw"): A.WITHDRAWN,
        (A.REMARKED, "uphold"): A.UPHELD,
        (A.REMARKED, "dismiss"): A.DISMISSED,
        (A.OPEN, "end"): A.WITHDRAWN,
        (A.REMARKED, "end"): A.WITHDRAWN,
    },
)
# An appeal in one of these is not decided yet.
PENDING = (A.OPEN, A.REMARKED)

E = ExplanationState
EXPLANATION_MACHINE = Machine(
    "explanation",
    ExplanationState,
    {
        (E.OPEN, "answer"): E.ANSWERED,
        (E.OPEN, "withdraw"): E.WITHDRAWN,
    },
)
