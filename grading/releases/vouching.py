"""Vouching: whether what is to be signed is what acts left, and what the readings come to."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.ledger import verifying
from grading.models import (
    Completion,
    Course,
    CredentialRecord,
    Entitlement,
    Grade,
    IdentityCheck,
    IssuedCredential,
    Person,
    Program,
    RecordEntry,
    Sponsor,
)
from grading.records import records
from grading.releases import recomputing


def faults_before_signing(session: Session, record: CredentialRecord) -> Sequence[str]:
    """Say what keeps a record from being signed; empty where all of it agrees.

    The record, its owner and the program stand as acts left them. Each result in it is the grade's own,
    which the audit chain tells of and the readings come to.
    """
    return [*_row_faults(session, record), *_result_faults(session, record)]


def _row_faults(session: Session, record: CredentialRecord) -> Sequence[str]:
    program = record.program
    courses = [course.id for course in program.courses]

    def of_owner(model: Any, *conditions: Any) -> list[str]:
        return list(
            session.scalars(
                select(model.id).where(model.person_id == record.person_id, *conditions)
            )
        )

    return verifying.row_faults(
        session,
        {
            CredentialRecord: [record.id],
            Person: [record.person_id],
            Program: [program.id],
            Sponsor: [program.sponsor_id],
            Course: courses,
            Completion: of_owner(Completion, Completion.course_id.in_(courses)),
            Entitlement: of_owner(Entitlement, Entitlement.program_id == program.id),
            IdentityCheck: of_owner(IdentityCheck),
            IssuedCredential: of_owner(IssuedCredential, IssuedCredential.program_id == program.id),
        },
    )


def _result_faults(session: Session, record: CredentialRecord) -> Iterator[str]:
    for entry in record.entries:
        grade = entry.grade
        if grade is None:
            continue
        if grade.person_id != record.person_id:
            yield f"grade {grade.id} is another person's"
        if differing := _differing(entry, grade):
            yield f"the record says otherwise than grade {grade.id}: {', '.join(differing)}"
        for check in recomputing.checks_of(session, grade):
            if not check.agrees:
                yield f"grade {grade.id}: {check.what}: kept {check.kept}, found {check.found}"


def _differing(entry: RecordEntry, grade: Grade) -> list[str]:
    """Name what an entry of a record tells otherwise than the grade that it is of."""
    told = records.grade_entry(grade.submission, grade, entry.added_at).detail
    # The cohort's name and the program's hours are those of the day on which it was entered.
    return sorted(
        name
        for name in (told.keys() | entry.detail.keys()) - {"cohort", "hours"}
        if told.get(name) != entry.detail.get(name)
    )
