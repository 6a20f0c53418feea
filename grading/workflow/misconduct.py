"""The life of a misconduct case: opened by whoever sees the work, heard, decided by two."""

from enum import StrEnum

from grading.workflow.machine import Machine


class MisconductState(StrEnum):
    OPEN = "open"
    HEARING = "hearing"
    HEARD = "heard"
    PROPOSED = "proposed"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class MisconductKind(StrEnum):
    COPYING = "copying"
    ANOTHERS_WORK = "anothers_work"


M = MisconductState
MACHINE = Machine(
    "misconduct_case",
    MisconductState,
    {
        (M.OPEN, "hear"): M.HEARING,
        (M.HEARING, "answer"): M.HEARD,
        (M.HEARING, "close_hearing"): M.HEARD,
        (M.OPEN, "propose_dismissal"): M.PROPOSED,
        (M.HEARD, "propose"): M.PROPOSED,
        (M.PROPOSED, "disagree"): M.HEARD,
        (M.PROPOSED, "disagree_unheard"): M.OPEN,
        (M.PROPOSED, "uphold"): M.UPHELD,
        (M.PROPOSED, "dismiss"): M.DISMISSED,
    },
)
# A case in one of these holds a result back.
PENDING = (M.OPEN, M.HEARING, M.HEARD, M.PROPOSED)
