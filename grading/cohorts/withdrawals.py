"""Leaving the capstone and coming back to it."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import members
from grading.cohorts.queries import calendars, group_members
from grading.errors import Refused
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Allocation,
    Discrepancy,
    Person,
    Submission,
    SubmissionMember,
)
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import MACHINE as ALLOCATION_MACHINE
from grading.workflow.allocation import AllocationState
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import end_of_day
from grading.workflow.group import MemberState
from grading.workflow.submission import MACHINE as SUBMISSION_MACHINE
from grading.workflow.submission import SubmissionState


def withdraw(session: Session, learner: Person, submission: Submission, *, now: datetime) -> None:
    """Leave the capstone. The others of a group go on without whoever leaves.

    With the last member what raters hold is called back; finished reviews still count for them.

    Raises
    ------
    Refused
        It is not the learner's.
    IllegalTransition
        The result is released, or held back.
    """
    member = members.own(session, learner, submission)
    withdraw_member(session, member, actor=learner, now=now)


def withdraw_member(
    session: Session, member: SubmissionMember, *, actor: Person | None, now: datetime
) -> None:
    """Take a learner's part out of a work, for themself or because they left the cohort; see `withdraw`."""
    submission = member.submission
    take_turns(session, submission)
    # Asked of the work itself, so that nobody leaves a result behind.
    SUBMISSION_MACHINE.after(submission.state, "withdraw")
    members.end(session, member, "withdraw", actor=actor, now=now)
    for objection in group_members.objections(session, submission, only_open=True):
        if objection.person_id == member.person_id:
            move(session, objection, "withdraw", actor=actor, now=now)
    if submission.state == SubmissionState.WITHDRAWN:
        call_back(session, actor, submission, now=now)
    else:
        settle_objections(session, submission, actor=actor, now=now)


def settle_objections(
    session: Session, submission: Submission, *, actor: Person | None, now: datetime
) -> None:
    """Let a contested work go on when no objection to it is open any more."""
    session.flush()
    if submission.state == SubmissionState.CONTESTED and not group_members.objections(
        session, submission, only_open=True
    ):
        move(session, submission, "settle", actor=actor, now=now)


def call_back(
    session: Session, actor: Person | None, submission: Submission, *, now: datetime
) -> None:
    """Cancel what raters still have of a work that is no longer graded, and close its case."""
    for allocation in session.scalars(
        select(Allocation).where(Allocation.submission_id == submission.id)
    ):
        if ALLOCATION_MACHINE.allows(allocation.state, "cancel"):
            move(session, allocation, "cancel", actor=actor, now=now, ended_at=now)
    for discrepancy in session.scalars(
        select(Discrepancy).where(
            Discrepancy.submission_id == submission.id,
            Discrepancy.state == DiscrepancyState.OPEN,
        )
    ):
        move(session, discrepancy, "cancel", actor=actor, now=now, settled_at=now)
    for objection in group_members.objections(session, submission, only_open=True):
        move(session, objection, "withdraw", actor=actor, now=now)


def may_return_until(member: SubmissionMember | None) -> datetime | None:
    """Say until when a withdrawn learner can come back; None when they have not withdrawn."""
    if member is None or member.state != MemberState.WITHDRAWN or member.ended_at is None:
        return None
    cohort = member.submission.cohort
    return end_of_day(member.ended_at, cohort.plan.return_days, cohort.zone)


def come_back(session: Session, learner: Person, submission: Submission, *, now: datetime) -> None:
    """Undo a withdrawal. Before the deadline it is a draft again; after it, what was handed in counts.

    Readings that were sealed before stay; others are called anew. Whoever comes back to a group has
    what the group has.

    Raises
    ------
    Refused
        Too late, nothing had been handed in when the window closed, or the group has its result.
    """
    take_turns(session, submission)
    own = group_members.part(session, submission, learner.id)
    until = may_return_until(own)
    if own is None or until is None or submission.cohort.state != CohortState.OPEN:
        raise Refused("There is nothing to come back to.")
    if now > until:
        raise Refused("The time to come back is over.")
    if submission.state in (SubmissionState.RELEASED, SubmissionState.WITHHELD):
        raise Refused("Your group's work is decided. Ask the program office about another attempt.")
    move(session, own, "return", actor=learner, now=now, ended_at=None)
    if submission.state != SubmissionState.WITHDRAWN:
        return
    # Who comes back first is the one it belongs to now.
    submission.learner_id = learner.id
    if now <= calendars.window(session, submission)[1]:
        move(session, submission, "return", actor=learner, now=now, withdrawn_at=None)
        return
    if not submission.copies:
        raise Refused("The deadline has passed, so you can no longer submit.")
    sealed = session.scalar(
        select(Allocation.id).where(
            Allocation.submission_id == submission.id,
            Allocation.state == AllocationState.SEALED,
        )
    )
    # Without an allocation time the upkeep treats it as one that came late, and finds its readers.
    move(
        session,
        submission,
        "resume_begun" if sealed else "resume",
        actor=learner,
        now=now,
        withdrawn_at=None,
        allocated_at=None,
    )
