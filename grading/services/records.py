"""The credential record: what was released, added to what was completed; shared by its owner alone."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import NotFound, Refused
from grading.models import (
    Completion,
    Course,
    CredentialRecord,
    Grade,
    Person,
    Program,
    RecordEntry,
    Submission,
)
from grading.services import audit
from grading.services.transitions import move
from grading.workflow.credential import RecordState


def open_record(
    session: Session, program: Program, person: Person, *, now: datetime
) -> CredentialRecord:
    """Give a learner's record for a program, making it the first time."""
    record = session.scalar(
        select(CredentialRecord).where(
            CredentialRecord.program_id == program.id, CredentialRecord.person_id == person.id
        )
    )
    if record is None:
        record = CredentialRecord(program=program, person=person, name=person.name, created_at=now)
        session.add(record)
        session.flush()
        audit.record(session, None, "record:open", record, now=now, after={"person": person.id})
    return record


def enter(
    session: Session, submission: Submission, grade: Grade, *, now: datetime
) -> CredentialRecord:
    """Add a released grade, and the courses completed by now, to the learner's record.

    With every course of the program and a passed capstone the program is complete.
    """
    cohort = submission.cohort
    record = open_record(session, cohort.program, submission.learner, now=now)
    known = {entry.course_id for entry in record.entries if entry.course_id}
    rows = session.execute(
        select(Completion, Course)
        .join(Course, Course.id == Completion.course_id)
        .where(
            Course.program_id == cohort.program_id,
            Completion.person_id == submission.learner_id,
        )
        .order_by(Course.position)
    )
    for completion, course in rows:
        if course.id in known:
            continue
        known.add(course.id)
        record.entries.append(
            RecordEntry(
                course_id=course.id,
                title=course.title,
                on=completion.completed_on,
                detail={"identity_assurance": completion.identity_assurance},
                added_at=now,
            )
        )
    record.entries.append(
        RecordEntry(
            grade_id=grade.id,
            title=cohort.program.capstone_title,
            on=now.astimezone(cohort.zone).date(),
            detail={
                "value": grade.value,
                "band": grade.band,
                "passed": grade.passed,
                "cohort": cohort.name,
                **grade.detail,
            },
            added_at=now,
        )
    )
    complete = grade.passed and known >= {course.id for course in cohort.program.courses}
    if complete and record.completed_at is None:
        record.completed_at = now
    audit.record(
        session,
        None,
        "record:enter",
        record,
        now=now,
        after={"grade": grade.id, "complete": record.completed_at is not None},
    )
    return record


def share(session: Session, learner: Person, record: CredentialRecord, *, now: datetime) -> None:
    """Switch the public page on."""
    _own(learner, record)
    if record.state == RecordState.REVOKED:
        raise Refused("A revoked record cannot be shared anew.")
    if record.shared_at is None:
        record.shared_at = now
        audit.record(session, learner, "record:share", record, now=now)


def unshare(session: Session, learner: Person, record: CredentialRecord, *, now: datetime) -> None:
    """Switch the public page off; from then on it is as if it had never been."""
    _own(learner, record)
    if record.shared_at is not None:
        record.shared_at = None
        audit.record(session, learner, "record:unshare", record, now=now)


def _own(learner: Person, record: CredentialRecord) -> None:
    if record.person_id != learner.id:
        raise NotFound("There is no such record.")


def revoke(
    session: Session, actor: Person, record: CredentialRecord, *, reason: str, now: datetime
) -> None:
    """Declare a record no longer valid, with a reason that stays within the house.

    Raises
    ------
    Refused
        No reason, or it is the actor's own.
    """
    if not reason.strip():
        raise Refused("Give the reason.")
    if record.person_id == actor.id:
        raise Refused("Nobody decides on their own record.")
    move(session, record, "revoke", actor=actor, now=now, reason=reason.strip(), revoked_at=now)


def public(session: Session, public_id: str) -> CredentialRecord:
    """Find a shared record; hidden and unknown ones are alike."""
    record = session.scalar(
        select(CredentialRecord).where(
            CredentialRecord.public_id == public_id, CredentialRecord.shared_at.is_not(None)
        )
    )
    if record is None:
        raise NotFound("We cannot find that credential.")
    return record
