"""The life of an allocation: one rater given one submission, for a stated purpose."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from grading.workflow.machine import Machine


class AllocationState(StrEnum):
    OPEN = "open"
    ALLOCATED = "allocated"
    BEGUN = "begun"
    FINISHED = "finished"
    SEALED = "sealed"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"


class Pool(StrEnum):
    """Who rates: the two pools are compared, never mixed."""

    PROFESSIONAL = "professional"
    PEER = "peer"


class Purpose(StrEnum):
    LIVE = "live"
    SECOND_READING = "second_reading"
    ADJUDICATION = "adjudication"
    APPEAL = "appeal"
    PRACTICE = "practice"
    QUALIFICATION = "qualification"
    VALIDITY = "validity"


class DeclineReason(StrEnum):
    """Why a rater cannot grade an item; none of them counts against the rater."""

    DOES_NOT_OPEN = "does_not_open"
    WRONG_TASK = "wrong_task"
    KNOWS_AUTHOR = "knows_author"
    SHOWS_AUTHOR = "shows_author"
    OUTSIDE_FIELD = "outside_field"
    SUSPECTED_COPYING = "suspected_copying"
    AT_RISK = "at_risk"
    OTHER = "other"


S = AllocationState

MACHINE = Machine(
    "item",
    AllocationState,
    {
        (S.OPEN, "claim"): S.ALLOCATED,
        (S.ALLOCATED, "begin"): S.BEGUN,
        (S.BEGUN, "finish"): S.FINISHED,
        (S.FINISHED, "undo"): S.BEGUN,
        (S.FINISHED, "seal"): S.SEALED,
        (S.ALLOCATED, "decline"): S.DECLINED,
        (S.BEGUN, "decline"): S.DECLINED,
        (S.ALLOCATED, "lapse"): S.LAPSED,
        (S.BEGUN, "lapse"): S.LAPSED,
        (S.LAPSED, "reclaim"): S.ALLOCATED,
        (S.OPEN, "cancel"): S.CANCELLED,
        (S.ALLOCATED, "cancel"): S.CANCELLED,
        (S.BEGUN, "cancel"): S.CANCELLED,
        (S.FINISHED, "cancel"): S.CANCELLED,
        (S.LAPSED, "cancel"): S.CANCELLED,
    },
)

# These settle what others gave, and are made without knowing it.
THIRD_READINGS = (Purpose.ADJUDICATION, Purpose.APPEAL)
# Readings of anchor papers: they say something of the rater, nothing of the work.
OF_ANCHORS = (Purpose.PRACTICE, Purpose.QUALIFICATION, Purpose.VALIDITY)
# Of these the rater knows what they are.
ATTEMPTED = (Purpose.PRACTICE, Purpose.QUALIFICATION)
# The rater has the item to themself, and it counts towards the most one may hold.
HELD = (S.ALLOCATED, S.BEGUN)
# The reading may still come.
OUTSTANDING = (S.OPEN, S.ALLOCATED, S.BEGUN, S.FINISHED)
# It is nobody's any more; a lapsed one may be taken up again by the same rater.
ENDED = (S.DECLINED, S.LAPSED, S.CANCELLED)
# Handed back or called back: it counts for nobody.
GONE = (S.DECLINED, S.CANCELLED)


def reading_signs(readings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Name each of a work's readings: professionals A, B …, peers 1, 2 …

    Parameters
    ----------
    readings : iterable of (id, pool)
        In the order in which they are shown; an id that comes again keeps its sign.
    """
    counts: Counter[str] = Counter()
    signs: dict[str, str] = {}
    for reading_id, pool in readings:
        if reading_id not in signs:
            count = counts[pool]
            signs[reading_id] = (
                chr(ord("A") + count) if pool == Pool.PROFESSIONAL else str(count + 1)
            )
            counts[pool] += 1
    return signs
