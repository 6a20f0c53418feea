"""Release: from a dry run to results in learners' hands, stoppable until the delay has ended."""

from dataclasses import dataclass
from enum import StrEnum

from grading.workflow.machine import Machine


class ReleaseState(StrEnum):
    PROPOSED = "proposed"
    SCHEDULED = "scheduled"
    RELEASED = "released"
    STOPPED = "stopped"
    VOID = "void"


S = ReleaseState
PENDING = (ReleaseState.PROPOSED, ReleaseState.SCHEDULED)

MACHINE = Machine(
    "release",
    ReleaseState,
    {
        (S.PROPOSED, "schedule"): S.SCHEDULED,
        (S.SCHEDULED, "carry_out"): S.RELEASED,
        (S.PROPOSED, "stop"): S.STOPPED,
        (S.SCHEDULED, "stop"): S.STOPPED,
        # What the first person signed is no longer so; nobody can sign the same list any more.
        (S.PROPOSED, "void"): S.VOID,
    },
)


class Amended(StrEnum):
    """Why a grade replaced the one before it."""

    APPEAL = "appeal"
    OWN_POINTS = "own_points"
    LATENESS = "lateness"
    CONFLICT = "conflict"


class Hindrance(StrEnum):
    """Why a submission cannot be released yet; each is fixed on a page of its own."""

    NOT_ALLOCATED = "not_allocated"
    READING_OUTSTANDING = "reading_outstanding"
    NOBODY_ELIGIBLE = "nobody_eligible"
    UNDO_OPEN = "undo_open"
    DISCREPANT = "discrepant"
    UNRESOLVED = "unresolved"
    REVIEWS_OWED = "reviews_owed"
    IN_ANOTHER_RELEASE = "in_another_release"
    MISCONDUCT = "misconduct"
    NOT_ADJUSTED = "not_adjusted"


@dataclass(frozen=True)
class Facts:
    """What decides whether one submission may be released."""

    state: str
    allocations: int
    outstanding: int
    undo_open: int
    nobody_eligible: bool
    reviews_owed: int
    in_another_release: bool
    misconduct: bool
    not_adjusted: bool = False


def hindrances(facts: Facts) -> tuple[Hindrance, ...]:
    """Name everything that holds a submission back; empty means it is ready."""
    found: list[Hindrance] = []
    if facts.state == "discrepant":
        found.append(Hindrance.DISCREPANT)
    elif facts.state != "resolved" and not facts.allocations:
        found.append(Hindrance.NOT_ALLOCATED)
    if facts.state != "resolved":
        if facts.nobody_eligible:
            found.append(Hindrance.NOBODY_ELIGIBLE)
        elif facts.outstanding:
            found.append(Hindrance.READING_OUTSTANDING)
        elif not found:
            found.append(Hindrance.UNRESOLVED)
    elif facts.not_adjusted:
        found.append(Hindrance.NOT_ADJUSTED)
    if facts.undo_open:
        found.append(Hindrance.UNDO_OPEN)
    if facts.reviews_owed:
        found.append(Hindrance.REVIEWS_OWED)
    if facts.in_another_release:
        found.append(Hindrance.IN_ANOTHER_RELEASE)
    if facts.misconduct:
        found.append(Hindrance.MISCONDUCT)
    return tuple(found)
