"""Issuing a record anew: with an amended grade, or under another name. The old address says “Replaced”."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    CredentialRecord,
    Grade,
    Person,
    RecordEntry,
    Submission,
)
from grading.people.queries import identity_checks
from grading.people.queries.identity_checks import PresentName
from grading.records import records, sharing
from grading.records.queries import program_record
from grading.workflow.credential import RecordState


def _issue_anew(
    session: Session,
    record: CredentialRecord,
    *,
    name: PresentName,
    leave_out: str | None,
    actor: Person | None,
    reason: str,
    now: datetime,
) -> CredentialRecord:
    """Make the record that replaces one, with its entries; the old address says “Replaced”.

    Parameters
    ----------
    leave_out : str or None
        The grade or the course whose entry is another in the new one.
    """
    # The old one must be out of force before the new one can be in it.
    move(session, record, "replace", actor=actor, now=now, reason=reason, replaced_at=now)
    session.flush()
    newer = CredentialRecord(
        program=record.program,
        person=record.person,
        name=name.name,
        name_how=name.how,
        name_checked_on=name.checked_on,
        created_at=now,
        shared_at=record.shared_at,
        shows=record.shows,
        completed_at=record.completed_at,
        expires_on=record.expires_on,
        replaces_id=record.id,
    )
    newer.entries = [
        RecordEntry(
            course_id=entry.course_id,
            grade_id=entry.grade_id,
            title=entry.title,
            on=entry.on,
            detail=entry.detail,
            added_at=entry.added_at,
        )
        for entry in record.entries
        if leave_out is None or leave_out not in (entry.grade_id, entry.course_id)
    ]
    session.add(newer)
    session.flush()
    sharing.carry_over(session, record, newer, now=now)
    audit.record(
        session,
        actor,
        "record:issue",
        newer,
        now=now,
        after={"replaces": record.id, "person": record.person_id},
        reason=reason,
    )
    records.ask_to_issue(session, newer, newer.id, now)
    return newer


def replace_grade(
    session: Session,
    submission: Submission,
    before: Grade,
    grade: Grade,
    *,
    actor: Person | None,
    now: datetime,
) -> CredentialRecord | None:
    """Issue the record anew with an amended grade; a revoked record stays as it is."""
    program, learner = submission.cohort.program, session.get_one(Person, grade.person_id)
    record = program_record.current_record(session, program.id, learner.id)
    if record is None:
        return records.enter(session, submission, grade, now=now)
    if record.state == RecordState.REVOKED:
        return record
    newer = _issue_anew(
        session,
        record,
        name=PresentName(record.name, record.name_how, record.name_checked_on),
        leave_out=before.id,
        actor=actor,
        reason="amended",
        now=now,
    )
    newer.entries.append(records.grade_entry(submission, grade, now))
    passed = any(entry.detail.get("passed") for entry in newer.entries if entry.grade_id)
    if not passed:
        newer.completed_at = newer.expires_on = None
    records.mark_complete(newer, now)
    return newer


def records_under_another_name(
    session: Session, person: Person, *, now: datetime
) -> list[CredentialRecord]:
    """List a person's valid records that say another name than theirs, or call a verified one unverified."""
    name = identity_checks.present_name(session, person, now=now)
    records_in_force = session.scalars(
        select(CredentialRecord)
        .where(
            CredentialRecord.person_id == person.id,
            CredentialRecord.state == RecordState.VALID,
        )
        .order_by(CredentialRecord.created_at, CredentialRecord.id)
    )
    return [record for record in records_in_force if says_another_name(record, name)]


def says_another_name(record: CredentialRecord, name: PresentName) -> bool:
    """Say whether a record would say something else if it were issued anew under a name.

    That a name was verified once stays so; a later check of the same name is no news.
    """
    return record.name != name.name or (record.name_how is None and name.how is not None)


def issue_under_new_name(
    session: Session, actor: Person | None, person: Person, *, now: datetime
) -> int:
    """Issue every valid record of a person anew under the name they have now, verified or their own.

    Returns
    -------
    int
        How many records were replaced.
    """
    found = records_under_another_name(session, person, now=now)
    for record in found:
        issue_renamed(session, actor, record, now=now)
    return len(found)


def issue_renamed(
    session: Session, actor: Person | None, record: CredentialRecord, *, now: datetime
) -> CredentialRecord:
    """Issue one record anew under the name its owner has now, verified or their own."""
    return _issue_anew(
        session,
        record,
        name=identity_checks.present_name(session, record.person, now=now),
        leave_out=None,
        actor=actor,
        reason="renamed",
        now=now,
    )


def renew_course(
    session: Session,
    actor: Person | None,
    record: CredentialRecord,
    course_id: str,
    *,
    now: datetime,
) -> CredentialRecord:
    """Issue a record anew with a course as its completion is now."""
    newer = _issue_anew(
        session,
        record,
        name=PresentName(record.name, record.name_how, record.name_checked_on),
        leave_out=course_id,
        actor=actor,
        reason="completion",
        now=now,
    )
    records.catch_up_courses(session, newer, now)
    records.mark_complete(newer, now)
    return newer


def issue_under_present_name(
    session: Session, learner: Person, record: CredentialRecord, *, now: datetime
) -> CredentialRecord:
    """Issue one record anew for its owner under the name they have now; the old address says “Replaced”.

    A name that somebody verified comes before that of the account.

    Raises
    ------
    NotFound
        It is somebody else's.
    Refused
        It has this name already, or is not valid.
    """
    take_turns(session, record)
    records.see_that_owns(learner, record)
    name = identity_checks.present_name(session, learner, now=now)
    if record.state != RecordState.VALID:
        raise Refused("Only a valid record can be issued anew.")
    if not says_another_name(record, name):
        raise Refused("This record has your present name already.")
    return issue_renamed(session, learner, record, now=now)
