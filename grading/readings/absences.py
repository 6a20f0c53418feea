"""A grader is away: what they have not begun goes to their cover, or back to the queue."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import participants
from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import Absence, Allocation, Cohort, Person
from grading.readings import allocations, eligibility, holds
from grading.workflow.allocation import THIRD_READINGS, AllocationState, Pool, Purpose
from grading.workflow.cohort import CohortState, Role

LONGEST_ABSENCE = timedelta(days=366)


def declare_absence(
    session: Session,
    actor: Person,
    cohort: Cohort,
    person: Person,
    *,
    starts_at: datetime,
    ends_at: datetime,
    cover: Person | None,
    now: datetime,
) -> Absence:
    """Note that a grader is away. The upkeep passes on what they have not begun by then.

    Raises
    ------
    FaultsFound
        The days are out of order, past or within another absence, or one of the two is no grader of
        the cohort.
    Refused
        The cohort has ended.
    """
    take_turns(session, cohort)
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    faults = []
    if not participants.has_role(session, cohort, person, Role.GRADER):
        faults.append(Fault("person", "This person is no grader of the cohort."))
    if not starts_at < ends_at or ends_at <= now:
        faults.append(Fault("ends_on", "The last day must not come before the first, nor be past."))
    elif ends_at - starts_at > LONGEST_ABSENCE:
        faults.append(Fault("ends_on", "That is longer than a year. End their part instead."))
    elif _away(session, cohort, person, starts_at, ends_at):
        faults.append(Fault("starts_on", "They are away on some of these days already."))
    if cover is not None and not participants.has_role(session, cohort, cover, Role.GRADER):
        faults.append(Fault("cover", "The cover must be a grader of the cohort."))
    if cover is not None and cover.id == person.id:
        faults.append(Fault("cover", "Nobody covers for themself."))
    if faults:
        raise FaultsFound(faults)
    absence = Absence(
        cohort_id=cohort.id,
        person=person,
        cover=cover,
        starts_at=starts_at,
        ends_at=ends_at,
        declared_at=now,
    )
    session.add(absence)
    session.flush()
    audit.record(
        session,
        actor,
        "absence:declare",
        absence,
        now=now,
        after={
            "person": person.id,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "cover": cover.id if cover else None,
        },
    )
    return absence


def _away(
    session: Session, cohort: Cohort, person: Person, starts_at: datetime, ends_at: datetime
) -> bool:
    found = session.scalar(
        select(Absence.id)
        .where(
            Absence.cohort_id == cohort.id,
            Absence.person_id == person.id,
            Absence.ended_at.is_(None),
            Absence.starts_at < ends_at,
            Absence.ends_at > starts_at,
        )
        .limit(1)
    )
    return found is not None


def end_absence(session: Session, actor: Person, absence: Absence, *, now: datetime) -> None:
    """They are back, or never went; what was given on stays given."""
    take_turns(session, absence)
    if absence.ended_at is None:
        absence.ended_at = now
        audit.record(session, actor, "absence:end", absence, now=now)


def pass_on(session: Session, allocation: Allocation, absence: Absence, *, now: datetime) -> None:
    """Take an item nobody has begun from an absent grader: to their cover if they may read it."""
    holds.lapse(session, allocation, now=now)
    allocation.covers_until = now
    cover = absence.cover
    if cover is None or allocation.purpose in THIRD_READINGS:
        return
    if not eligibility.readable(session, cover, [allocation.submission_id]):
        return
    allocation.replaced = True
    allocations.give(
        session,
        allocation.submission,
        cover,
        Pool.PROFESSIONAL,
        Purpose(allocation.purpose),
        codes=allocations.BlindCodes(session, allocation.cohort_id),
        now=now,
    )


def unbegun_of_absent(
    session: Session, cohort: Cohort, people: list[str], *, limit: int
) -> list[Allocation]:
    """List what absent graders were given and have not begun."""
    return list(
        session.scalars(
            select(Allocation)
            .where(
                Allocation.cohort_id == cohort.id,
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.state == AllocationState.ALLOCATED,
                Allocation.rater_id.in_(people),
            )
            .limit(limit)
        )
    )
