"""The life of a cohort, and the parts people play in one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from grading.workflow.machine import Machine


class CohortState(StrEnum):
    PREPARING = "preparing"
    OPEN = "open"
    ENDED = "ended"


class Role(StrEnum):
    """A part in a cohort; a person may have several that do not clash, and no page mixes two."""

    LEARNER = "learner"
    PEER = "peer"
    GRADER = "grader"
    INSTRUCTOR = "instructor"
    LEAD = "lead"
    COORDINATOR = "coordinator"
    OBSERVER = "observer"


class ImportKind(StrEnum):
    """What comes in by the hundred, from a file."""

    ROSTER = "roster"
    COMPLETIONS = "completions"
    ENTITLEMENTS = "entitlements"
    CONFLICTS = "conflicts"


# Whoever has one of these parts gives scores or decides on them.
SCORING = (Role.GRADER, Role.LEAD, Role.INSTRUCTOR)
# Whoever has one of these is graded or reviews others beside them; the other parts run the cohort.
LEARNING = (Role.LEARNER, Role.PEER)


def clashes(roles: Iterable[str]) -> bool:
    """Whether one person cannot have all of these parts in one cohort: they would run what grades them."""
    return len({role in LEARNING for role in roles}) > 1


S = CohortState

MACHINE = Machine(
    "cohort",
    CohortState,
    {
        (S.PREPARING, "open"): S.OPEN,
        (S.OPEN, "end"): S.ENDED,
    },
)


class Unfinished(StrEnum):
    """What is still under way when somebody wants to end a cohort."""

    APPEALS = "appeals"
    APPEAL_WINDOW = "appeal_window"
    MISCONDUCT = "misconduct"
    RELEASES = "releases"
    EXPLANATIONS = "explanations"
    UNRELEASED = "unreleased"
    HANDING_IN = "handing_in"
    RETURNING = "returning"


# What somebody has a right to: no reason ends a cohort over it.
RIGHTS = frozenset(
    {Unfinished.APPEALS, Unfinished.APPEAL_WINDOW, Unfinished.MISCONDUCT, Unfinished.RELEASES}
)


@dataclass(frozen=True)
class Obstacle:
    """One kind of unfinished business, and how many there are of it."""

    what: Unfinished
    count: int

    @property
    def overridable(self) -> bool:
        return self.what not in RIGHTS


def obstacles(counts: dict[Unfinished, int]) -> tuple[Obstacle, ...]:
    """Name what stands against ending a cohort; what cannot be overridden comes first."""
    obstacles_met = [Obstacle(what, counts[what]) for what in Unfinished if counts.get(what)]
    return tuple(sorted(obstacles_met, key=lambda obstacle: obstacle.overridable))
