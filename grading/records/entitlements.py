"""Entitlements: what is paid, waived, sponsored or refunded, course by course, and for the capstone.

Without one, where the program asks for it, a learner gets everything but the credential. Nobody who
scores learns who has which.

A refund after the credential was issued takes it away: the record is revoked, because what it rests on
is gone. That cannot be undone, so whoever refunds says so, or why the record stays.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Course, CredentialRecord, Entitlement, Person, Program, RecordEntry
from grading.people import consequences
from grading.people.consequences import UNDECIDED, Decided
from grading.records import outdated, records
from grading.records.queries import entitlement_lists
from grading.workflow.credential import EntitlementState, RecordState

EVENTS = {
    EntitlementState.PAID: "pay",
    EntitlementState.WAIVED: "waive",
    EntitlementState.SPONSORED: "sponsor",
    EntitlementState.REFUNDED: "refund",
}


def not_a_scorer(session: Session, actor: Person | None, program: Program) -> None:
    """Keep from somebody who scores in the program what its learners paid; raises `Refused`."""
    if actor is not None and entitlement_lists.is_scorer(session, program, actor.id):
        raise Refused(
            "You give or decide scores in a cohort of this program, so a colleague looks after this."
        )


def grant_entitlement(
    session: Session,
    actor: Person | None,
    program: Program,
    person: Person,
    course: Course | None,
    state: EntitlementState,
    *,
    note: str = "",
    now: datetime,
) -> Entitlement:
    """Note that a course, or the capstone (no course), is paid, waived or sponsored.

    What was released before is entered in the learner's record now.

    Raises
    ------
    Refused
        The actor scores in the program, it is their own, or there is nothing to refund.
    IllegalTransition
        There is one already, from which the state cannot be reached.
    """
    take_turns(session, person)
    not_a_scorer(session, actor, program)
    found = entitlement_lists.find_entitlement(
        session, program, person.id, course.id if course else None
    )
    if found is not None:
        if found.state != state:
            change_entitlement(session, actor, found, state, reason=note, now=now)
        return found
    _not_own(actor, person.id)
    if state == EntitlementState.REFUNDED:
        raise Refused("There is nothing to refund.")
    made = Entitlement(
        program_id=program.id,
        course_id=course.id if course else None,
        person_id=person.id,
        state=state,
        note=note.strip(),
        recorded_at=now,
    )
    session.add(made)
    session.flush()
    record_grant(session, actor, made, now)
    records.catch_up(session, program, person, now=now)
    return made


def record_grant(session: Session, actor: Person | None, made: Entitlement, now: datetime) -> None:
    """Write a new entitlement into the chain."""
    audit.record(
        session,
        actor,
        "entitlement:grant",
        made,
        now=now,
        after={"person": made.person_id, "course": made.course_id, "state": str(made.state)},
    )


def change_entitlement(
    session: Session,
    actor: Person | None,
    entitlement: Entitlement,
    state: EntitlementState,
    *,
    reason: str,
    decided: Decided = UNDECIDED,
    now: datetime,
) -> None:
    """Move an entitlement to another state, with a reason; a refund asks about the record that rests on it.

    Raises
    ------
    Undecided
        As `consequences.settle`: a credential was issued on what is to be refunded.
    Refused
        No reason, the actor scores in the program or it is their own.
    IllegalTransition
    """
    take_turns(session, entitlement)
    program = session.get_one(Program, entitlement.program_id)
    not_a_scorer(session, actor, program)
    _not_own(actor, entitlement.person_id)
    if not reason.strip():
        raise Refused("Give the reason.")
    record = issued_on(session, entitlement) if state == EntitlementState.REFUNDED else None
    move(
        session,
        entitlement,
        EVENTS[state],
        actor=actor,
        now=now,
        reason=reason.strip(),
        recorded_at=now,
    )
    entitlement.note = reason.strip()
    session.flush()
    if record is not None:
        resting = outdated.resting_on_entitlement(session, actor, entitlement, record, now=now)
        consequences.settle(session, actor, [resting], decided, now=now)
    elif state != EntitlementState.REFUNDED:
        records.catch_up(session, program, session.get_one(Person, entitlement.person_id), now=now)


def _not_own(actor: Person | None, person_id: str) -> None:
    if actor is not None and actor.id == person_id:
        raise Refused("Nobody decides on what they owe themselves.")


def issued_on(session: Session, entitlement: Entitlement) -> CredentialRecord | None:
    """Find the valid record with a line that rests on an entitlement, if the program asks for one."""
    program = session.get_one(Program, entitlement.program_id)
    if not program.entitlement_required:
        return None
    line = (
        RecordEntry.grade_id.is_not(None)
        if entitlement.course_id is None
        else RecordEntry.course_id == entitlement.course_id
    )
    return session.scalar(
        select(CredentialRecord)
        .join(RecordEntry, RecordEntry.record_id == CredentialRecord.id)
        .where(
            CredentialRecord.program_id == program.id,
            CredentialRecord.person_id == entitlement.person_id,
            CredentialRecord.state == RecordState.VALID,
            line,
        )
        .limit(1)
    )
