"""Who is to be told in the morning what waits: a step of the upkeep.

Whoever grades or looks after a cohort is told each working day; a learner or peer some days before a date
of theirs, and when a hold is about to end. What the mail says is gathered when it is sent; where nothing
waits by then, none is.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars
from grading.ledger import outbox
from grading.models import Allocation, Cohort, Membership, Person, Submission, SubmissionMember
from grading.models.conditions import takes_part
from grading.office.upkeep_run import BATCH, UpkeepRun
from grading.workflow.allocation import ATTEMPTED, HELD, Pool
from grading.workflow.cohort import Role
from grading.workflow.deadlines import local_day, own_zone, shifted
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.submission import SubmissionState

# Days between the morning of the mail and the day of the date; a date of 11:59pm is nearer than it looks.
DAYS_BEFORE = (3, 1)
STAFF = (Role.GRADER, Role.LEAD, Role.INSTRUCTOR, Role.COORDINATOR)
SATURDAY = 5


def remind(session: Session, cohort: Cohort, run: UpkeepRun) -> int:
    """Ask for the mails of the next morning; gives how many are new."""
    now = run.now
    people = {person.id: person for person in _staff(session, cohort, now)}
    for person, at in _dates(session, cohort, now):
        morning = outbox.morning_of(person, now, cohort.zone)
        own = own_zone(person.time_zone, cohort.zone)
        if (local_day(at, own) - local_day(morning, own)).days in DAYS_BEFORE:
            people[person.id] = person
    people |= {person.id: person for person in _holders(session, cohort, now)}
    return outbox.tell(session, list(people.values()), now=now, zone=cohort.zone, most=BATCH)


def _staff(session: Session, cohort: Cohort, now: datetime) -> Iterable[Person]:
    rows = session.scalars(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            takes_part(*STAFF, cohort_id=cohort.id),
        )
    )
    return [
        person
        for person in rows
        if outbox.morning_of(person, now, cohort.zone).weekday() < SATURDAY
    ]


def _dates(session: Session, cohort: Cohort, now: datetime) -> list[tuple[Person, datetime]]:
    """List learners and peers who still have something to do, each with their own date for it."""
    granted = calendars.granted_by_person(session, cohort)
    days = calendars.of_members(session, cohort)
    longest = max(days.values(), default=0)

    def near(base: datetime) -> bool:
        return base - timedelta(days=5) <= now <= shifted(base, longest, cohort.zone)

    def own(person: Person, base: datetime) -> datetime:
        return shifted(base, days.get(person.id, 0), cohort.zone)

    dates = [
        (person, own(person, due_at))
        for person, due_at in session.execute(
            select(Person, Submission.due_at)
            .join(SubmissionMember, SubmissionMember.person_id == Person.id)
            .join(Submission, Submission.id == SubmissionMember.submission_id)
            .where(
                Submission.cohort_id == cohort.id,
                Submission.state == SubmissionState.DRAFT,
                Submission.due_at.is_not(None),
                SubmissionMember.state == MemberState.JOINED,
            )
        )
        if due_at is not None
    ]
    if near(cohort.due_at):
        # Handed in, or withdrawn: from a group, that is the member's doing alone.
        settled = exists(
            select(SubmissionMember.id)
            .join(Submission, Submission.id == SubmissionMember.submission_id)
            .where(
                SubmissionMember.cohort_id == cohort.id,
                SubmissionMember.person_id == Person.id,
                SubmissionMember.state.in_(PRESENT),
                or_(
                    Submission.state != SubmissionState.DRAFT,
                    SubmissionMember.state == MemberState.WITHDRAWN,
                ),
            )
        )
        dates += [
            (person, own(person, cohort.due_at))
            for person in session.scalars(
                select(Person)
                .join(Membership, Membership.person_id == Person.id)
                .where(
                    takes_part(Role.LEARNER, cohort_id=cohort.id),
                    ~settled,
                )
            )
        ]
    if near(cohort.peers_due_at):
        owes = exists(
            select(Allocation.id).where(
                Allocation.cohort_id == cohort.id,
                Allocation.rater_id == Person.id,
                Allocation.pool == Pool.PEER,
                Allocation.purpose.not_in(ATTEMPTED),
                Allocation.state.in_(HELD),
            )
        )
        dates += [
            (person, shifted(cohort.peers_due_at, granted.get(person.id, 0), cohort.zone))
            for person in session.scalars(select(Person).where(owes))
        ]
    return dates


def _holders(session: Session, cohort: Cohort, now: datetime) -> list[Person]:
    """List peers whose hold ends within a day of their next morning; a grader's is too short for that."""
    rows = session.execute(
        select(Person, Allocation.hold_until)
        .join(Allocation, Allocation.rater_id == Person.id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PEER,
            Allocation.state.in_(HELD),
            Allocation.hold_until > now,
            Allocation.hold_until < now + timedelta(days=2),
        )
    )
    return [
        person
        for person, hold_until in rows
        if hold_until is not None
        and timedelta(0)
        < hold_until - outbox.morning_of(person, now, cohort.zone)
        <= timedelta(days=1)
    ]
