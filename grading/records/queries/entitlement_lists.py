"""Whether a learner is entitled to a credential; never asked on a page of somebody who scores."""

from collections.abc import Iterable

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from grading.batches import batches
from grading.models import (
    Cohort,
    CredentialRecord,
    Entitlement,
    Grade,
    Membership,
    Person,
    Program,
    RecordEntry,
    Submission,
)
from grading.models.conditions import in_force, takes_part
from grading.paging import Page, page_of
from grading.workflow.cohort import SCORING, CohortState
from grading.workflow.credential import EntitlementState, RecordState


def find_entitlement(
    session: Session, program: Program, person_id: str, course_id: str | None
) -> Entitlement | None:
    """Find the entitlement for a course, or for the capstone (no course)."""
    return session.scalar(
        select(Entitlement).where(
            Entitlement.program_id == program.id,
            Entitlement.person_id == person_id,
            Entitlement.course_id.is_(None)
            if course_id is None
            else Entitlement.course_id == course_id,
        )
    )


def is_entitled(session: Session, program: Program, person_id: str, course_id: str | None) -> bool:
    """Say whether it is paid, waived or sponsored, or whether the program does not ask."""
    if not program.entitlement_required:
        return True
    found = find_entitlement(session, program, person_id, course_id)
    return found is not None and found.state != EntitlementState.REFUNDED


def entitled_pairs(
    session: Session, program: Program, person_ids: Iterable[str]
) -> set[tuple[str, str | None]] | None:
    """List the (person, course or None for the capstone) that are entitled; None: everybody to all."""
    if not program.entitlement_required:
        return None
    found: set[tuple[str, str | None]] = set()
    for ids in batches(person_ids):
        rows = session.execute(
            select(Entitlement.person_id, Entitlement.course_id).where(
                Entitlement.program_id == program.id,
                Entitlement.person_id.in_(ids),
                Entitlement.state != EntitlementState.REFUNDED,
            )
        )
        found |= {(person, course) for person, course in rows}
    return found


def is_scorer(session: Session, program: Program, person_id: str) -> bool:
    """Say whether somebody gives or decides scores in a cohort of the program that has not ended."""
    return (
        session.scalar(
            select(Membership.id)
            .join(Cohort, Cohort.id == Membership.cohort_id)
            .where(
                Cohort.program_id == program.id,
                Cohort.state != CohortState.ENDED,
                takes_part(*SCORING, person_id=person_id),
            )
            .limit(1)
        )
        is not None
    )


def list_entitlements(
    session: Session, program: Program, *, state: str, text: str, page: int
) -> Page[Entitlement]:
    """Give one page of a program's entitlements, by learner."""
    conditions = [Entitlement.program_id == program.id]
    if state:
        conditions.append(Entitlement.state == state)
    if text:
        like = f"%{text.lower()}%"
        conditions.append(or_(func.lower(Person.name).like(like), Person.email.like(like)))
    statement = (
        select(Entitlement)
        .join(Person, Person.id == Entitlement.person_id)
        .where(*conditions)
        .options(selectinload(Entitlement.person), selectinload(Entitlement.course))
        .order_by(Person.name, Person.email, Entitlement.course_id)
    )
    return page_of(session, statement, page)


def issued_lines(session: Session, program: Program) -> set[tuple[str, str | None]]:
    """List the (learner, course or None for the capstone) that a valid record has a line of."""
    rows = session.execute(
        select(CredentialRecord.person_id, RecordEntry.course_id)
        .join(RecordEntry, RecordEntry.record_id == CredentialRecord.id)
        .where(
            CredentialRecord.program_id == program.id,
            CredentialRecord.state == RecordState.VALID,
        )
    )
    return {(person, course) for person, course in rows}


def learners_behind(session: Session, program: Program) -> set[str]:
    """List the learners with a released result that no record of theirs has a line of."""
    entered = (
        select(RecordEntry.id)
        .join(CredentialRecord, CredentialRecord.id == RecordEntry.record_id)
        .where(RecordEntry.grade_id == Grade.id)
        .exists()
    )
    return set(
        session.scalars(
            select(Grade.person_id)
            .join(Submission, Submission.id == Grade.submission_id)
            .join(Cohort, Cohort.id == Submission.cohort_id)
            .where(Cohort.program_id == program.id, in_force(), ~entered)
        )
    )
