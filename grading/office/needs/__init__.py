"""What waits for a person, in every part and cohort they have: the landing page and the daily mail.

Each source is a small function ``(session, who, now) -> list[Need]`` with a fixed number of queries,
however many cohorts there are. A new kind of need is a new source in `SOURCES` and its words in
``templates/macros/needs.html``; nothing else changes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars
from grading.models import Cohort
from grading.office.needs import calibration, learner, reader, service, staff
from grading.office.needs.base import (
    LEARNS,
    MANAGES,
    OPTIONAL,
    ORDER,
    READS,
    REVIEWS,
    SETTLES,
    WATCHES,
    Kind,
    Need,
    Who,
    who,
)
from grading.workflow.cohort import CohortState, Role

__all__ = ["OPTIONAL", "Coming", "Kind", "Need", "Next", "Who", "coming", "of", "who"]

Source = Callable[[Session, Who, datetime], list[Need]]

# Who asks each source: a person without such a part costs it nothing.
SOURCES: tuple[tuple[frozenset[Role], Source], ...] = (
    (frozenset(LEARNS), learner.to_submit),
    (frozenset(REVIEWS), learner.to_review),
    (frozenset(LEARNS), learner.results),
    (frozenset(LEARNS), learner.hearings),
    (frozenset(LEARNS), learner.group),
    (frozenset(READS), reader.to_read),
    (frozenset(READS), reader.to_decide),
    (frozenset(READS), reader.questions),
    (frozenset({Role.GRADER}), calibration.to_calibrate),
    (frozenset(SETTLES), calibration.graders),
    (frozenset(SETTLES), calibration.examples),
    (frozenset(SETTLES), staff.disputed),
    (frozenset(WATCHES), staff.stranded),
    (frozenset({Role.INSTRUCTOR}), staff.to_release),
    (frozenset({Role.INSTRUCTOR}), staff.misconduct),
    (frozenset(MANAGES), staff.objections),
    (frozenset({Role.COORDINATOR}), staff.identities),
    (frozenset(MANAGES), staff.to_manage),
)


def of(session: Session, me: Who, *, now: datetime) -> list[Need]:
    """List what waits for a person, the most urgent first; what has no date comes last."""
    held = frozenset[Role]().union(*me.roles.values())
    found = [need for roles, source in SOURCES if held & roles for need in source(session, me, now)]
    if me.person.administrator:
        found += service.erasures(session, now) + service.failed_jobs(session, now)
    far = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(
        found,
        key=lambda need: (
            need.by or far,
            ORDER[need.kind],
            need.cohort.name if need.cohort else "",
            need.target,
        ),
    )


class Next(StrEnum):
    """What comes without anybody's doing."""

    OPENS = "opens"
    PEERS_GIVEN = "peers_given"
    ITEMS_GIVEN = "items_given"
    GRADING_ENDS = "grading_ends"
    RESULTS = "results"


@dataclass(frozen=True)
class Coming:
    """One thing that comes, and when."""

    kind: Next
    role: Role
    cohort: Cohort
    at: datetime


_COMING: Sequence[tuple[Next, tuple[Role, ...], str]] = (
    (Next.OPENS, LEARNS, "opens_at"),
    (Next.PEERS_GIVEN, REVIEWS, "due_at"),
    (Next.ITEMS_GIVEN, (Role.GRADER,), "due_at"),
    (Next.GRADING_ENDS, WATCHES, "grading_due_at"),
    (Next.RESULTS, LEARNS, "results_at"),
    (Next.RESULTS, WATCHES, "results_at"),
)


def coming(session: Session, me: Who, *, now: datetime, most: int = 5) -> list[Coming]:
    """List what comes next from the calendars, soonest first; one query."""
    come = learner.has_result(session, me)

    def each() -> Iterable[Coming]:
        for cohort_id, held in me.roles.items():
            cohort = me.cohorts[cohort_id]
            if cohort.state == CohortState.ENDED:
                continue
            general = calendars.of_cohort(cohort)
            for kind, roles, name in _COMING:
                if kind == Next.PEERS_GIVEN and not cohort.plan.peer_readings:
                    continue
                part = next((role for role in roles if role in held), None)
                if part is None:
                    continue
                # Only what a learner does moves with their extension; projects are given out at once.
                own = part == Role.LEARNER and kind == Next.RESULTS
                if own and cohort_id in come:
                    continue
                at: datetime = getattr(me.calendar(cohort_id) if own else general, name)
                if at > now:
                    yield Coming(kind, part, cohort, at)

    return sorted(each(), key=lambda one: (one.at, one.kind))[:most]
