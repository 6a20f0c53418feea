"""Records that say something else than what they rest on, and what they would say if they were amended."""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.ledger.transitions import move
from grading.models import (
    Completion,
    Course,
    CredentialRecord,
    Entitlement,
    Person,
    Program,
)
from grading.people.consequences import Consequence
from grading.people.queries import identity_checks
from grading.phrases import phrase
from grading.records import reissues
from grading.records.queries import entitlement_lists
from grading.workflow.credential import RecordState


def _says(text: str, **params: object) -> dict[str, Any]:
    return {"text": text, "params": params}


def under_another_name(
    session: Session, actor: Person | None, person: Person, *, now: datetime
) -> list[Consequence]:
    """List a person's records that say another name than their present one."""
    name = identity_checks.present_name(session, person, now=now)
    issued_to = phrase("The record is issued to %(name)s.")
    return [
        Consequence(
            subject=record,
            who=person.name,
            before=_says(issued_to, name=record.name),
            after=_says(issued_to, name=name.name),
            amend=partial(reissues.issue_renamed, session, actor, record, now=now),
            named=True,
        )
        for record in reissues.records_under_another_name(session, person, now=now)
    ]


def without_completion(
    session: Session, actor: Person | None, completion: Completion, *, now: datetime
) -> list[Consequence]:
    """List the valid record, if there is one, that lacks a completion or says another day of it."""
    course = session.get_one(Course, completion.course_id)
    person = session.get_one(Person, completion.person_id)
    record = session.scalar(
        select(CredentialRecord).where(
            CredentialRecord.program_id == course.program_id,
            CredentialRecord.person_id == person.id,
            CredentialRecord.state == RecordState.VALID,
        )
    )
    program = session.get_one(Program, course.program_id)
    entitled = entitlement_lists.is_entitled(session, program, person.id, course.id)
    if record is None or not entitled:
        return []
    entry = next((one for one in record.entries if one.course_id == course.id), None)
    day = phrase("The record says: %(course)s, completed on %(day)s.")
    after = _says(day, course=course.title, day=completion.completed_on.isoformat())
    if entry is not None:
        before = _says(day, course=course.title, day=entry.on.isoformat())
        if before == after:
            return []
    else:
        before = _says(phrase("The record does not have %(course)s."), course=course.title)
    return [
        Consequence(
            subject=record,
            who=person.name,
            before=before,
            after=after,
            amend=partial(reissues.renew_course, session, actor, record, course.id, now=now),
        )
    ]


def resting_on_entitlement(
    session: Session,
    actor: Person | None,
    entitlement: Entitlement,
    record: CredentialRecord,
    *,
    now: datetime,
) -> Consequence:
    """Give the valid record that rests on an entitlement which is taken back."""
    person = session.get_one(Person, entitlement.person_id)
    return Consequence(
        subject=record,
        who=person.name,
        before=_says(phrase("The record is valid.")),
        after=_says(
            phrase("The record is revoked, for good: paying again does not bring it back.")
        ),
        amend=partial(
            move, session, record, "revoke", actor=actor, now=now, reason="refunded", revoked_at=now
        ),
    )
