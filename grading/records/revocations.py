"""Revoking a record: with a reason that stays within the house, and signed where the plan asks for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Challenge,
    Cohort,
    CredentialRecord,
    Grade,
    Person,
    RecordEntry,
)
from grading.models.conditions import in_force
from grading.people import approvals
from grading.people.approvals import Answer
from grading.records import records
from grading.workflow.approval import Action


def revoke_record(
    session: Session, actor: Person, record: CredentialRecord, *, reason: str, now: datetime
) -> None:
    """Declare a record no longer valid, with a reason that stays within the house.

    Raises
    ------
    Refused
        No reason, or it is the actor's own.
    """
    take_turns(session, record)
    _may_revoke(actor, record, reason)
    move(session, record, "revoke", actor=actor, now=now, reason=reason.strip(), revoked_at=now)
    records.ask_to_issue(session, record, f"revoked:{record.id}", now)


def _may_revoke(actor: Person, record: CredentialRecord, reason: str) -> None:
    if not reason.strip():
        raise Refused("Give the reason.")
    if record.person_id == actor.id:
        raise Refused("Nobody decides on their own record.")


def lay_revocation_before(
    session: Session,
    actor: Person,
    record: CredentialRecord,
    cohort: Cohort,
    *,
    reason: str,
    now: datetime,
) -> Challenge:
    """Put before a person the record that they would revoke, for them to sign; raises as `revoke`."""
    _may_revoke(actor, record, reason)
    return approvals.lay_before(
        session,
        actor,
        Action.REVOKE,
        record.id,
        cohort_id=cohort.id,
        records=record_lines(session, record),
        note={"reason": reason.strip()},
        now=now,
    )


def revoke_as_signed(
    session: Session,
    actor: Person,
    record: CredentialRecord,
    cohort: Cohort,
    answer: Answer,
    *,
    now: datetime,
) -> None:
    """Revoke a record as it was put before a person, with their signature kept; raises as `revoke`.

    Raises
    ------
    ListChanged
        A result in the record is another one since.
    """
    reason = str(answer.challenge.note.get("reason", ""))
    approvals.accept(
        session,
        actor,
        answer,
        Action.REVOKE,
        record.id,
        cohort_id=cohort.id,
        records=record_lines(session, record),
        note={"reason": reason.strip()},
        now=now,
    )
    revoke_record(session, actor, record, reason=reason, now=now)


def record_lines(session: Session, record: CredentialRecord) -> list[dict[str, Any]]:
    """Say what a record holds: its results that are in force."""
    rows = session.scalars(
        select(Grade)
        .join(RecordEntry, RecordEntry.grade_id == Grade.id)
        .where(RecordEntry.record_id == record.id, in_force())
        .order_by(Grade.id)
    )
    return [
        {
            "submission": grade.submission_id,
            "person": grade.person_id,
            "grade": grade.id,
            "value": grade.value,
            "band": grade.band,
        }
        for grade in rows
    ]
