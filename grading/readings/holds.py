"""Holds: an item is claimed, kept while it is worked on, and lapses when it is not."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, false, func, select
from sqlalchemy.orm import Session, aliased

from grading.cohorts.queries import calendars
from grading.errors import HoldLost, NotFound, Refused
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Allocation, Cohort, Person, Submission
from grading.readings import eligibility
from grading.readings.eligibility import BARRIER_WORDS, gradable, may_read
from grading.readings.loads import load_of
from grading.readings.queries import standings
from grading.workflow.allocation import (
    ATTEMPTED,
    HELD,
    THIRD_READINGS,
    AllocationState,
    Pool,
)
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import hold_until
from grading.workflow.submission import SubmissionState

# So long a lapsed hold with a draft still keeps others away.
DRAFT_KEPT = timedelta(hours=24)


def next_held(session: Session, rater: Person, cohort: Cohort) -> Allocation | None:
    """Give what a professional has at hand: what they began first, else by their own stable order."""
    return session.scalar(
        select(Allocation)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            Allocation.rater_id == rater.id,
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state.in_(HELD),
            Allocation.purpose.not_in(ATTEMPTED),
            gradable(),
        )
        .order_by(case((Allocation.state == AllocationState.BEGUN, 0), else_=1), own_order(rater))
        .limit(1)
    )


def own_order(rater: Person) -> ColumnElement[str]:
    """Order items by a hash of item and rater: stable for one, different for each, blind to time."""
    return func.md5(Allocation.id + rater.id)


def claimable(rater: Person, cohort: Cohort, now: datetime) -> ColumnElement[bool]:
    """Whether an `Allocation` of a `Submission` of the statement is one that a rater could claim now.

    Everything that could forbid a claim stands here, so that nobody is told of what it would refuse.
    """
    if cohort.state != CohortState.OPEN:
        return false()
    held = aliased(Allocation, name="held_reading")
    holding = (
        select(func.count())
        .select_from(held)
        .where(
            held.rater_id == rater.id,
            held.state.in_(HELD),
            held.hold_until.is_not(None),
        )
        .correlate(None)
        .scalar_subquery()
    )
    conditions = [
        Allocation.cohort_id == cohort.id,
        Allocation.state == AllocationState.OPEN,
        Allocation.pool == Pool.PROFESSIONAL,
        gradable(),
        may_read(rater.id),
        standings.may_grade(rater.id, cohort, now),
        holding < cohort.plan.most_holds,
    ]
    if cohort.plan.grader_load is not None:
        conditions.append(load_of(rater, cohort, Pool.PROFESSIONAL) < cohort.plan.grader_load)
    return and_(*conditions)


def count_claimable(session: Session, rater: Person, cohort: Cohort, *, now: datetime) -> int:
    """Count the open items of a cohort that a claim would give a rater now."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Allocation)
            .join(Submission, Submission.id == Allocation.submission_id)
            .where(claimable(rater, cohort, now))
        )
        or 0
    )


def claim(
    session: Session,
    rater: Person,
    cohort: Cohort,
    *,
    now: datetime,
    allocation_id: str | None = None,
    hold_hours: float | None = None,
) -> Allocation | None:
    """Take the next open item, or a named one, for a professional; None when there is none.

    Two raters never get one item: the row is locked as it is found, and a locked one is passed over.
    """
    # One rater's own claims take turns, so that two tabs cannot pass the most they may hold.
    take_turns(session, rater)
    statement = (
        select(Allocation)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(claimable(rater, cohort, now))
    )
    if allocation_id is not None:
        statement = statement.where(Allocation.id == allocation_id)
    allocation = session.scalar(
        statement.order_by(own_order(rater))
        .limit(1)
        .with_for_update(of=Allocation, skip_locked=True, key_share=True)
    )
    if allocation is None:
        return None
    allocation.rater = rater
    hours = cohort.plan.grader_hold_hours if hold_hours is None else hold_hours
    move(
        session,
        allocation,
        "claim",
        actor=rater,
        now=now,
        rater_id=rater.id,
        held_since=now,
        hold_until=hold_until(
            now, now, idle_hours=hours, cap_hours=max(cohort.plan.grader_hold_cap_hours, hours)
        ),
    )
    return allocation


def claim_case(session: Session, actor: Person, item: Allocation, *, now: datetime) -> Allocation:
    """Take the third reading of a disputed grade, or the re-mark of an appeal, oneself, blind.

    Raises
    ------
    Refused
        Taken by somebody else, or not for this person: a barrier stands between them and the
        project, their queue is paused, they are not cleared, or they hold as many items as they may.
    """
    if item.purpose not in THIRD_READINGS:
        raise NotFound("There is no such case.")
    cohort = item.cohort
    if item.rater_id == actor.id and item.state in HELD:
        return item
    allocation = claim(
        session,
        actor,
        cohort,
        now=now,
        allocation_id=item.id,
        hold_hours=cohort.plan.case_hold_hours,
    )
    if allocation is None:
        if item.state != AllocationState.OPEN:
            raise Refused("Somebody else has this case, or it is settled.")
        barrier = eligibility.barriers_of(session, actor, [item.submission_id])
        if barrier:
            raise Refused(BARRIER_WORDS[barrier[item.submission_id]])
        raise Refused(
            "You are given no items now: you hold as many as you may, your queue is paused, or you are "
            "not cleared to grade here."
        )
    return allocation


def own(session: Session, rater: Person, allocation: Allocation, now: datetime) -> None:
    """See that the rater still has the item; raises `HoldLost` with the reason, or `NotFound`."""
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    state = allocation.state
    if allocation.submission.state == SubmissionState.WITHHELD and state != AllocationState.SEALED:
        raise HoldLost("closed", "This project is no longer graded. Your draft is kept.")
    if state == AllocationState.CANCELLED:
        raise HoldLost("withdrawn", "The learner took this project back. Your draft is kept.")
    if state == AllocationState.DECLINED:
        raise HoldLost("declined", "You handed this item back.")
    live = allocation.pool == Pool.PROFESSIONAL and allocation.purpose not in ATTEMPTED
    if (
        live
        and state in HELD
        and standings.pause_of(session, allocation.cohort_id, rater.id) is not None
    ):
        raise HoldLost("paused", "Your queue is paused by your lead. Your draft is kept.")
    if state == AllocationState.LAPSED:
        if allocation.replaced:
            raise HoldLost("reassigned", "Someone else is grading this now. Your draft is kept.")
        raise _ended(session, rater, allocation, now)
    if state in HELD and allocation.hold_until is not None and allocation.hold_until < now:
        raise _ended(session, rater, allocation, now)


def _ended(session: Session, rater: Person, allocation: Allocation, now: datetime) -> HoldLost:
    """Say that a hold ended, and whether the item can be taken back."""
    cohort = allocation.cohort
    if cohort.state == CohortState.ENDED:
        return HoldLost("closed", "The cohort has ended. Your draft is kept.")
    if (
        allocation.pool == Pool.PEER
        and allocation.purpose not in ATTEMPTED
        and now > calendars.personal(session, cohort, rater.id).peers_due_at
    ):
        return HoldLost(
            "over", "Your hold ended, and so did the time for reviews. Your draft is kept."
        )
    return HoldLost("expired", "Your hold ended. Your draft is kept, and you can take it back.")


def reclaim(session: Session, rater: Person, allocation: Allocation, *, now: datetime) -> None:
    """Take a lapsed item back while nobody else has it."""
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    late = allocation.hold_until is not None and allocation.hold_until < now
    if allocation.state in HELD and late:
        lapse(session, allocation, now=now)
    if allocation.state != AllocationState.LAPSED:
        own(session, rater, allocation, now)
        return
    if allocation.replaced:
        raise HoldLost("reassigned", "Someone else is grading this now. Your draft is kept.")
    ended = _ended(session, rater, allocation, now)
    if ended.reason != "expired":
        raise ended
    move(
        session,
        allocation,
        "reclaim",
        actor=rater,
        now=now,
        held_since=now,
        hold_until=_fresh_hold(session, allocation, now, now),
        ended_at=None,
        covers_until=None,
    )


def _fresh_hold(
    session: Session, allocation: Allocation, now: datetime, since: datetime
) -> datetime:
    plan = allocation.cohort.plan
    if allocation.pool == Pool.PEER and allocation.rater_id is not None:
        hours = calendars.peer_hold_hours(session, allocation.cohort, allocation.rater_id)
        return hold_until(now, since, idle_hours=hours, cap_hours=hours)
    if allocation.purpose in THIRD_READINGS:
        idle = max(plan.case_hold_hours, plan.grader_hold_hours)
    else:
        idle = plan.grader_hold_hours
    return hold_until(now, since, idle_hours=idle, cap_hours=max(plan.grader_hold_cap_hours, idle))


def keep(session: Session, allocation: Allocation, *, now: datetime) -> None:
    """Lengthen a hold that is in use, up to its cap."""
    if allocation.held_since is None:
        allocation.held_since = now
    allocation.hold_until = _fresh_hold(session, allocation, now, allocation.held_since)


def lapse(session: Session, allocation: Allocation, *, now: datetime) -> None:
    """End a hold that ran out. A draft keeps the item for its rater for another day."""
    grace = DRAFT_KEPT if allocation.begun_at is not None else timedelta(0)
    move(
        session,
        allocation,
        "lapse",
        actor=None,
        now=now,
        ended_at=now,
        covers_until=now + grace,
    )
