"""What waits for a person, in every part and cohort they have: the landing page and the daily mail.

Each source is a small function ``(session, who, now) -> list[Need]`` with a fixed number of queries,
however many cohorts there are; what concerns clearances alone is asked of each cohort. A new kind of need
is a new source in `SOURCES` and its words in `grading.web.need_words`; nothing else changes.
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
    PersonParts,
    parts_of,
)
from grading.workflow.cohort import CohortState, Role

__all__ = [
    "OPTIONAL",
    "ComingDate",
    "ComingKind",
    "Kind",
    "Need",
    "PersonParts",
    "dates_to_come",
    "needs_of",
    "parts_of",
]

Source = Callable[[Session, PersonParts, datetime], list[Need]]

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
    (frozenset(SETTLES), calibration.to_clear),
    (frozenset(SETTLES), calibration.examples),
    (frozenset(SETTLES), staff.disputed),
    (frozenset(WATCHES), staff.stranded),
    (frozenset({Role.INSTRUCTOR}), staff.to_release),
    (frozenset({Role.INSTRUCTOR}), staff.misconduct),
    (frozenset(MANAGES), staff.objections),
    (frozenset({Role.COORDINATOR}), staff.identities),
    (frozenset(MANAGES), staff.to_manage),
)


def needs_of(session: Session, me: PersonParts, *, now: datetime) -> list[Need]:
    """List what waits for a person, the most urgent first; what has no date comes last."""
    held = frozenset[Role]().union(*me.roles.values())
    needs = [need for roles, source in SOURCES if held & roles for need in source(session, me, now)]
    if me.person.administrator:
        needs += service.erasures(session, now) + service.failed_jobs(session, now)
    far = datetime.max.replace(tzinfo=now.tzinfo)
    return sorted(
        needs,
        key=lambda need: (
            need.by or far,
            ORDER[need.kind],
            need.cohort.name if need.cohort else "",
            need.target,
        ),
    )


class ComingKind(StrEnum):
    """What comes without anybody's doing."""

    OPENS = "opens"
    PEERS_GIVEN = "peers_given"
    ITEMS_GIVEN = "items_given"
    GRADING_ENDS = "grading_ends"
    RESULTS = "results"


@dataclass(frozen=True)
class ComingDate:
    """One thing that comes, and when."""

    kind: ComingKind
    role: Role
    cohort: Cohort
    at: datetime


_COMING: Sequence[tuple[ComingKind, tuple[Role, ...], str]] = (
    (ComingKind.OPENS, LEARNS, "opens_at"),
    (ComingKind.PEERS_GIVEN, REVIEWS, "due_at"),
    (ComingKind.ITEMS_GIVEN, (Role.GRADER,), "due_at"),
    (ComingKind.GRADING_ENDS, WATCHES, "grading_due_at"),
    (ComingKind.RESULTS, LEARNS, "results_at"),
    (ComingKind.RESULTS, WATCHES, "results_at"),
)


def dates_to_come(
    session: Session, me: PersonParts, *, now: datetime, most: int = 5
) -> list[ComingDate]:
    """List what comes next from the calendars, soonest first; one query."""
    awaiting = learner.awaiting_result(session, me, now)

    def each() -> Iterable[ComingDate]:
        for cohort_id, held in me.roles.items():
            cohort = me.cohorts[cohort_id]
            if cohort.state == CohortState.ENDED:
                continue
            general = calendars.of_cohort(cohort)
            for kind, roles, name in _COMING:
                if kind == ComingKind.PEERS_GIVEN and not cohort.plan.peer_readings:
                    continue
                part = next((role for role in roles if role in held), None)
                if part is None:
                    continue
                # Only what a learner does moves with their extension; projects are given out at once.
                personal = part == Role.LEARNER and kind == ComingKind.RESULTS
                if personal and cohort_id not in awaiting:
                    continue
                at: datetime = getattr(me.calendar(cohort_id) if personal else general, name)
                if at > now:
                    yield ComingDate(kind, part, cohort, at)

    return sorted(each(), key=lambda date: (date.at, date.kind))[:most]
