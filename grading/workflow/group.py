"""Who is in a submission, and what a member can object to.

Every submission has members; a group is one with several. They write and hand in one work, and each of
them has a result and a record of their own.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from grading.workflow.machine import Machine


class MemberState(StrEnum):
    """``left`` and ``removed`` are out for good unless asked again; ``withdrawn`` can come back.

    ``author`` wrote what an anchor paper is a copy of: it is nobody's attempt, and never theirs to read.
    """

    INVITED = "invited"
    JOINED = "joined"
    DECLINED = "declined"
    LEFT = "left"
    REMOVED = "removed"
    WITHDRAWN = "withdrawn"
    AUTHOR = "author"


M = MemberState
MEMBER_MACHINE = Machine(
    "member",
    MemberState,
    {
        (M.INVITED, "join"): M.JOINED,
        (M.INVITED, "decline"): M.DECLINED,
        (M.DECLINED, "invite"): M.INVITED,
        (M.JOINED, "leave"): M.LEFT,
        (M.LEFT, "invite"): M.INVITED,
        (M.JOINED, "remove"): M.REMOVED,
        (M.REMOVED, "invite"): M.INVITED,
        (M.JOINED, "withdraw"): M.WITHDRAWN,
        (M.WITHDRAWN, "return"): M.JOINED,
    },
)

# They hold a place, so that a learner is in one work at a time.
PRESENT = (M.JOINED, M.WITHDRAWN)
# What is read is theirs.
WROTE = (M.JOINED, M.AUTHOR)
# They have had a part in the work, so they never read it as raters.
TOOK_PART = (M.JOINED, M.WITHDRAWN, M.LEFT, M.REMOVED, M.AUTHOR)
# More time for one of them is more time for all; it stays when they are taken out after handing in.
GIVE_TIME = (M.JOINED, M.WITHDRAWN, M.REMOVED)


class ObjectionState(StrEnum):
    """``returned`` made a draft of it again; ``upheld`` took the objector out of the group."""

    OPEN = "open"
    RETURNED = "returned"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


O = ObjectionState  # noqa: E741 - one letter, as every machine's table has it
OBJECTION_MACHINE = Machine(
    "objection",
    ObjectionState,
    {
        (O.OPEN, "return"): O.RETURNED,
        (O.OPEN, "uphold"): O.UPHELD,
        (O.OPEN, "dismiss"): O.DISMISSED,
        (O.OPEN, "withdraw"): O.WITHDRAWN,
    },
)


def objections_until(submitted_at: datetime, hours: float) -> datetime:
    """Say until when a member can object to what another one handed in."""
    return submitted_at + timedelta(hours=hours)
