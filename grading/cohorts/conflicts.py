"""Conflicts of interest: a rater and a learner who must not meet in a cohort."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import Cohort, ConflictOfInterest, Person


def declare_conflict(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    *,
    rater: Person,
    learner: Person,
    reason: str,
    now: datetime,
) -> ConflictOfInterest:
    """Keep a rater and a learner apart in this cohort."""
    take_turns(session, cohort)
    if rater.id == learner.id:
        raise Refused("Nobody ever rates their own work; this needs no entry.")
    conflict = session.scalar(
        select(ConflictOfInterest).where(
            ConflictOfInterest.cohort_id == cohort.id,
            ConflictOfInterest.rater_id == rater.id,
            ConflictOfInterest.learner_id == learner.id,
        )
    )
    if conflict is not None:
        return conflict
    conflict = ConflictOfInterest(
        cohort_id=cohort.id,
        rater_id=rater.id,
        learner_id=learner.id,
        reason=reason,
        created_at=now,
    )
    session.add(conflict)
    session.flush()
    note_conflict(session, actor, conflict, now=now)
    return conflict


def note_conflict(
    session: Session, actor: Person | None, conflict: ConflictOfInterest, *, now: datetime
) -> None:
    """Write a declared conflict of interest into the chain."""
    audit.record(
        session,
        actor,
        "conflict_of_interest:declare",
        conflict,
        now=now,
        after={"rater": conflict.rater_id, "learner": conflict.learner_id},
        reason=conflict.reason,
    )


def withdraw_conflict(
    session: Session,
    actor: Person | None,
    conflict: ConflictOfInterest,
    *,
    reason: str,
    now: datetime,
) -> None:
    """Let a rater and a learner meet again; the chain keeps what was declared.

    Raises
    ------
    Refused
        No reason, or the actor is one of the two.
    """
    take_turns(session, conflict)
    if not reason.strip():
        raise Refused("Give the reason.")
    if actor is not None and actor.id in (conflict.rater_id, conflict.learner_id):
        raise Refused("You are one of the two, so a colleague decides this.")
    audit.record(
        session,
        actor,
        "conflict_of_interest:withdraw",
        conflict,
        now=now,
        before={"rater": conflict.rater_id, "learner": conflict.learner_id},
        reason=reason.strip(),
    )
    session.delete(conflict)
    session.flush()
