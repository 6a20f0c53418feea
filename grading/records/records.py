"""The credential record: what was released, added to what was completed; shared by its owner alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from grading.batches import batches
from grading.errors import NotFound, Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import (
    Cohort,
    Completion,
    Course,
    CredentialRecord,
    Grade,
    Person,
    Program,
    RecordEntry,
    Submission,
)
from grading.models.codes import new_id
from grading.models.conditions import in_force, is_current_record
from grading.people.queries import identity_checks
from grading.people.queries.identity_checks import PresentName
from grading.programs.queries import course_standings
from grading.records import issuers
from grading.records.queries import entitlement_lists, program_record
from grading.workflow.credential import USUALLY_SHOWN, RecordState, chosen_facts
from grading.workflow.deadlines import last_day_over, local_day


def open_record(
    session: Session, program: Program, person: Person, *, now: datetime
) -> CredentialRecord:
    """Give a learner's record for a program, making it the first time."""
    record = program_record.current_record(session, program.id, person.id)
    if record is None:
        name = identity_checks.present_name(session, person, now=now)
        record = _begin(session, program, person, name, now)
        session.flush()
    return record


def _begin(
    session: Session, program: Program, person: Person, name: PresentName, now: datetime
) -> CredentialRecord:
    record = CredentialRecord(
        id=new_id(),
        program=program,
        person=person,
        name=name.name,
        name_how=name.how,
        name_checked_on=name.checked_on,
        created_at=now,
    )
    session.add(record)
    audit.record(session, None, "record:open", record, now=now, after={"person": person.id})
    return record


def open_partial(
    session: Session, learner: Person, program: Program, *, now: datetime
) -> CredentialRecord:
    """Give a learner the record of the courses they have completed so far, to share before the capstone.

    Raises
    ------
    Refused
        There is nothing to enter yet.
    """
    take_turns(session, learner)
    standings = course_standings.courses(session, program.id, learner.id, over=last_day_over(now))
    if not any(one.completion for one in standings):
        raise Refused("There is nothing to share yet. Complete a course first.")
    record = open_record(session, program, learner, now=now)
    if record.state == RecordState.VALID:
        catch_up_courses(session, record, now)
    return record


@dataclass(frozen=True)
class _Behind:
    """What stands behind the records of some learners of a program, gathered for all of them at once.

    ``entitled`` is None where the program does not ask.
    """

    records: Mapping[str, CredentialRecord]
    completions: Mapping[str, Sequence[tuple[Completion, Course]]]
    entitled: set[tuple[str, str | None]] | None
    names: Mapping[str, PresentName]

    def may(self, person_id: str, course_id: str | None) -> bool:
        return self.entitled is None or (person_id, course_id) in self.entitled


def _behind(
    session: Session, program: Program, person_ids: Sequence[str], *, now: datetime
) -> _Behind:
    records: dict[str, CredentialRecord] = {}
    completions: dict[str, list[tuple[Completion, Course]]] = {}
    for ids in batches(person_ids):
        records |= {
            record.person_id: record
            for record in session.scalars(
                select(CredentialRecord)
                .options(selectinload(CredentialRecord.entries))
                .where(
                    CredentialRecord.program_id == program.id,
                    CredentialRecord.person_id.in_(ids),
                    is_current_record(),
                )
            )
        }
        for completion, course in session.execute(
            select(Completion, Course)
            .join(Course, Course.id == Completion.course_id)
            .where(Course.program_id == program.id, Completion.person_id.in_(ids))
            .order_by(Course.position)
        ):
            completions.setdefault(completion.person_id, []).append((completion, course))
    return _Behind(
        records,
        completions,
        entitlement_lists.entitled_pairs(session, program, person_ids),
        identity_checks.verified_names(session, person_ids, now=now),
    )


def enter(
    session: Session, submission: Submission, grade: Grade, *, now: datetime
) -> CredentialRecord | None:
    """Add a released grade, and the courses completed by now, to the learner's record.

    With every course of the program and a passed capstone the program is complete. Where the program
    asks for an entitlement and the learner has none for the capstone, nothing is added.
    """
    learner = session.get_one(Person, grade.person_id)
    return enter_all(
        session, submission.cohort.program, [(submission, grade, learner)], now=now
    ).get(grade.person_id)


def enter_all(
    session: Session,
    program: Program,
    released: Sequence[tuple[Submission, Grade, Person]],
    *,
    now: datetime,
) -> dict[str, CredentialRecord]:
    """Add many grades to their learners' records, in a number of queries that does not grow.

    Returns
    -------
    dict
        Person to record; who is not entitled is left out.
    """
    behind = _behind(session, program, [person.id for _, _, person in released], now=now)
    entered: dict[str, CredentialRecord] = {}
    for submission, grade, learner in released:
        if not behind.may(learner.id, None):
            continue
        # Two works of one learner go into one record.
        record = entered.get(learner.id) or behind.records.get(learner.id)
        if record is None:
            name = behind.names.get(learner.id, PresentName(learner.name))
            record = _begin(session, program, learner, name, now)
        _enter_courses(record, behind, now)
        record.entries.append(grade_entry(submission, grade, now))
        mark_complete(record, now)
        audit.record(
            session,
            None,
            "record:enter",
            record,
            now=now,
            after={"grade": grade.id, "complete": record.completed_at is not None},
        )
        entered[learner.id] = record
    issuers.ask_new(
        session,
        program.id,
        [(learner.id, grade.id) for _, grade, learner in released if learner.id in entered],
        now=now,
    )
    session.flush()
    return entered


def ask_to_issue(session: Session, record: CredentialRecord, because: str, now: datetime) -> None:
    """Have the signed credentials follow, after the act."""
    issuers.ask(session, record.program_id, record.person_id, because=because, now=now)


def catch_up_courses(session: Session, record: CredentialRecord, now: datetime) -> None:
    """Enter the courses completed by now, and have their credentials follow."""
    if _enter_courses(record, _behind(session, record.program, [record.person_id], now=now), now):
        session.flush()
        entered = sum(entry.course_id is not None for entry in record.entries)
        ask_to_issue(session, record, f"courses:{record.id}:{entered}", now)


def _enter_courses(record: CredentialRecord, behind: _Behind, now: datetime) -> bool:
    """Enter what is completed and not entered yet; says whether there was any."""
    known = {entry.course_id for entry in record.entries if entry.course_id}
    before = len(known)
    person_id = record.person.id
    for completion, course in behind.completions.get(person_id, ()):
        if course.id in known or not behind.may(person_id, course.id):
            continue
        known.add(course.id)
        detail: dict[str, Any] = {"identity_assurance": completion.identity_assurance}
        if course.hours:
            detail["hours"] = course.hours
        if completion.via:
            detail["via"] = completion.via
        record.entries.append(
            RecordEntry(
                course_id=course.id,
                title=course.title,
                on=completion.completed_on,
                detail=detail,
                added_at=now,
            )
        )
    return len(known) > before


def grade_entry(submission: Submission, grade: Grade, now: datetime) -> RecordEntry:
    cohort = submission.cohort
    # What lateness cost, and why one member has other points, is between the learner and the program.
    detail = {
        key: value for key, value in grade.detail.items() if key not in ("late", "own_points")
    }
    hours = {"hours": cohort.program.capstone_hours} if cohort.program.capstone_hours else {}
    return RecordEntry(
        grade_id=grade.id,
        title=cohort.program.capstone_title,
        on=local_day(now, cohort.zone),
        detail={
            "value": grade.value,
            "band": grade.band,
            "passed": grade.passed,
            "cohort": cohort.name,
            **hours,
            **detail,
        },
        added_at=now,
    )


def mark_complete(record: CredentialRecord, now: datetime) -> None:
    courses = {entry.course_id for entry in record.entries if entry.course_id}
    passed = any(entry.detail.get("passed") for entry in record.entries if entry.grade_id)
    wanted = {course.id for course in record.program.courses}
    if passed and courses >= wanted and record.completed_at is None:
        record.completed_at = now
        months = record.program.valid_months
        record.expires_on = course_standings.add_months(now.date(), months) if months else None


def catch_up(session: Session, program: Program, person: Person, *, now: datetime) -> None:
    """Enter what was released, and the courses completed, before the learner was entitled to it."""
    if not entitlement_lists.is_entitled(session, program, person.id, None):
        return
    record = program_record.current_record(session, program.id, person.id)
    known = {entry.grade_id for entry in record.entries} if record else set()
    rows = session.execute(
        select(Submission, Grade)
        .join(Grade, Grade.submission_id == Submission.id)
        .join(Cohort, Cohort.id == Submission.cohort_id)
        .where(
            Cohort.program_id == program.id,
            Grade.person_id == person.id,
            in_force(),
        )
        .order_by(Grade.released_at)
    )
    for submission, grade in list(rows):
        if grade.id not in known:
            record = enter(session, submission, grade, now=now)
    if record is not None and record.state == RecordState.VALID:
        before = len(record.entries)
        catch_up_courses(session, record, now)
        mark_complete(record, now)
        if len(record.entries) > before:
            audit.record(
                session,
                None,
                "record:enter",
                record,
                now=now,
                after={"complete": record.completed_at is not None},
            )


def share(
    session: Session,
    learner: Person,
    record: CredentialRecord,
    *,
    shows: Iterable[str] = USUALLY_SHOWN,
    now: datetime,
) -> None:
    """Switch the public page on, or choose anew which facts it shows."""
    take_turns(session, record)
    see_that_owns(learner, record)
    if record.state != RecordState.VALID:
        raise Refused("Only a valid record can be shared.")
    facts = chosen_facts(shows)
    if record.shared_at is None or facts != record.shows:
        record.shared_at, record.shows = record.shared_at or now, facts
        audit.record(session, learner, "record:share", record, now=now, after={"shows": facts})


def unshare(session: Session, learner: Person, record: CredentialRecord, *, now: datetime) -> None:
    """Switch the public page off, and those of the records it replaced: as if they had never been."""
    take_turns(session, record)
    see_that_owns(learner, record)
    for one in session.scalars(
        select(CredentialRecord).where(
            CredentialRecord.program_id == record.program_id,
            CredentialRecord.person_id == record.person_id,
            CredentialRecord.shared_at.is_not(None),
        )
    ).all():
        one.shared_at = None
        audit.record(session, learner, "record:unshare", one, now=now)


def see_that_owns(learner: Person, record: CredentialRecord) -> None:
    if record.person_id != learner.id:
        raise NotFound("There is no such record.")
