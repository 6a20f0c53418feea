"""The ways out of a cohort, so that nothing waits for, or is decided about, somebody who has gone.

Whatever way somebody goes, what they hold is given back in the same act. Whose part as a learner ends
also leaves the capstone; who is merely away, or whose account is closed, does not.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from grading.cohorts import withdrawals
from grading.cohorts.queries import group_members
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Allocation, Membership, Person, Submission, SubmissionMember
from grading.models.conditions import takes_part
from grading.people import accounts
from grading.workflow.allocation import HELD, Pool
from grading.workflow.cohort import Role
from grading.workflow.group import MemberState
from grading.workflow.submission import MACHINE as SUBMISSION_MACHINE

READERS: dict[Pool, tuple[Role, ...]] = {
    Pool.PROFESSIONAL: (Role.GRADER, Role.LEAD, Role.INSTRUCTOR),
    Pool.PEER: (Role.LEARNER, Role.PEER),
}


def holder_has_left() -> ColumnElement[bool]:
    """Whether an `Allocation` of the statement is held by somebody who reads for its pool no more."""
    return and_(
        Allocation.state.in_(HELD),
        *(
            or_(
                Allocation.pool != pool,
                ~select(Membership.id)
                .where(
                    takes_part(
                        *roles, cohort_id=Allocation.cohort_id, person_id=Allocation.rater_id
                    )
                )
                .correlate(Allocation)
                .exists(),
            )
            for pool, roles in READERS.items()
        ),
    )


def end_part(
    session: Session, actor: Person | None, membership: Membership, *, reason: str, now: datetime
) -> None:
    """End a person's part in a cohort.

    What they hold and may read no more goes to others at once. What a learner handed in leaves grading
    unless its result is out or held back; a group goes on without them.
    """
    take_turns(session, membership)
    if membership.ended_at is not None:
        return
    membership.ended_at = now
    audit.record(
        session,
        actor,
        "membership:end",
        membership,
        now=now,
        after={"person": membership.person_id, "role": membership.role},
        reason=reason,
    )
    _give_back(session, membership.person, now=now)
    if membership.role == Role.LEARNER:
        _leave_works(session, actor, membership, now=now)


def close_account(
    session: Session, actor: Person | None, person: Person, *, reason: str = "", now: datetime
) -> None:
    """Close an account; what it holds goes to others at once, and its own works go on.

    Raises
    ------
    Refused
        As `accounts.deactivate`.
    """
    accounts.deactivate(session, actor, person, reason=reason, now=now)
    _give_back(session, person, now=now)


def _give_back(session: Session, person: Person, *, now: datetime) -> None:
    session.flush()
    for allocation in session.scalars(
        select(Allocation).where(Allocation.rater_id == person.id, holder_has_left())
    ).all():
        # Nobody waits for a draft that cannot be gone on with.
        move(session, allocation, "lapse", actor=None, now=now, ended_at=now, covers_until=now)
    session.flush()


def _leave_works(
    session: Session, actor: Person | None, membership: Membership, *, now: datetime
) -> None:
    members = session.scalars(
        select(SubmissionMember)
        .join(Submission, Submission.id == SubmissionMember.submission_id)
        .where(
            SubmissionMember.cohort_id == membership.cohort_id,
            SubmissionMember.person_id == membership.person_id,
            SubmissionMember.state == MemberState.JOINED,
        )
        .order_by(SubmissionMember.attempt)
    ).all()
    for member in members:
        work = member.submission
        # What one learner never handed in hinders nobody, and waits in case they are enrolled again.
        waits = not work.copies and len(group_members.people(session, work)) < 2
        if not waits and SUBMISSION_MACHINE.allows(work.state, "withdraw"):
            withdrawals.withdraw_member(session, member, actor=actor, now=now)
