"""Holds: an item is claimed, kept while it is worked on, and lapses when it is not."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
)
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


class Hindrance(StrEnum):
    """Why a rater is not given an item by a claim; the order is that in which they are told."""

    COHORT = "cohort"
    TAKEN = "taken"
    NOT_GRADABLE = "not_gradable"
    BARRIER = "barrier"
    PAUSED = "paused"
    NOT_CLEARED = "not_cleared"
    HOLDS = "holds"
    LOAD = "load"


def hindrances(
    rater: Person, cohort: Cohort, now: datetime
) -> Mapping[Hindrance, ColumnElement[bool]]:
    """State each thing that keeps a rater from an `Allocation` of a `Submission` of the statement.

    Everything that could forbid a claim stands here, so that nobody is told of what it would refuse, and
    a refusal names what is so.
    """
    plan = cohort.plan
    full = load_of(rater, cohort, Pool.PROFESSIONAL)
    return {
        Hindrance.COHORT: literal(cohort.state != CohortState.OPEN),
        Hindrance.TAKEN: or_(
            Allocation.state != AllocationState.OPEN, Allocation.pool != Pool.PROFESSIONAL
        ),
        Hindrance.NOT_GRADABLE: ~gradable(),
        Hindrance.BARRIER: ~may_read(rater.id),
        Hindrance.PAUSED: standings.is_paused(rater.id, cohort.id),
        Hindrance.NOT_CLEARED: ~standings.is_cleared(rater.id, cohort, now),
        Hindrance.HOLDS: _holding(rater) >= plan.most_holds,
        Hindrance.LOAD: false() if plan.grader_load is None else full >= plan.grader_load,
    }


def _holding(rater: Person) -> ScalarSelect[int]:
    held = aliased(Allocation, name="held_reading")
    return (
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


def claimable(rater: Person, cohort: Cohort, now: datetime) -> ColumnElement[bool]:
    """Whether an `Allocation` of a `Submission` of the statement is one that a rater could claim now."""
    if cohort.state != CohortState.OPEN:
        return false()
    return and_(
        Allocation.cohort_id == cohort.id,
        *(~hindrance for hindrance in hindrances(rater, cohort, now).values()),
    )


def refusals(
    session: Session, rater: Person, cohort: Cohort, items: Sequence[Allocation], *, now: datetime
) -> dict[str, Refused]:
    """Say, by id, why a rater cannot claim some of a cohort's items: the first hindrance that is so."""
    stated = hindrances(rater, cohort, now)
    rows = session.execute(
        select(Allocation.id, *(condition.label(name.value) for name, condition in stated.items()))
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(Allocation.id.in_([item.id for item in items]))
    )
    first = {row.id: next((name for name in stated if getattr(row, name)), None) for row in rows}
    barred = [item.submission_id for item in items if first[item.id] is Hindrance.BARRIER]
    barriers = eligibility.barriers_of(session, rater, barred)
    about_rater: dict[Hindrance, Refused] = {}
    told = {}
    for item in items:
        match first[item.id]:
            case None:
                continue
            case Hindrance.TAKEN:
                told[item.id] = _taken(item)
            case Hindrance.NOT_GRADABLE:
                told[item.id] = Refused("This project is not graded now.")
            case Hindrance.BARRIER:
                told[item.id] = Refused(BARRIER_WORDS[barriers[item.submission_id]])
            case hindrance:
                if hindrance not in about_rater:
                    about_rater[hindrance] = _about_rater(session, rater, cohort, hindrance, now)
                told[item.id] = about_rater[hindrance]
    return told


def _taken(item: Allocation) -> Refused:
    if item.state in (*HELD, AllocationState.FINISHED):
        return Refused("Somebody else has this case.")
    if item.state == AllocationState.SEALED:
        return Refused("This case was read already.")
    return Refused("This case is no longer open.")


def _about_rater(
    session: Session, rater: Person, cohort: Cohort, hindrance: Hindrance, now: datetime
) -> Refused:
    match hindrance:
        case Hindrance.PAUSED:
            return Refused("Your queue is paused by your lead.")
        case Hindrance.NOT_CLEARED:
            criteria = standings.uncleared_criteria(session, cohort, rater, now)
            return Refused(
                "You are not cleared to grade here for: %(criteria)s. Calibrate first, or ask another lead"
                " to clear you by hand.",
                criteria=[criterion.title for criterion in criteria],
            )
        case Hindrance.HOLDS:
            return Refused(
                "You hold %(n)s items, as many as you may. Finish one or hand one back first.",
                n=session.scalar(select(_holding(rater))),
            )
        case Hindrance.LOAD:
            return Refused(
                "You were given %(n)s readings, as many as the plan allows one person.",
                n=session.scalar(select(load_of(rater, cohort, Pool.PROFESSIONAL))),
            )
    return Refused("The cohort is not open.")


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
        The first of `Hindrance` that is so.
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
        session.refresh(item)
        refused = refusals(session, actor, cohort, [item], now=now).get(item.id)
        # What nothing hinders is locked by somebody who takes it at this moment.
        raise refused or Refused("Somebody else is taking this case at this moment. Try again.")
    return allocation


def own(session: Session, rater: Person, allocation: Allocation, now: datetime) -> None:
    """See that the rater still has the item; raises `HoldLost` with the reason, or `NotFound`."""
    if allocation.rater_id != rater.id:
        raise NotFound("There is no such item.")
    state = allocation.state
    if allocation.submission.state == SubmissionState.WITHHELD and state != AllocationState.SEALED:
        raise HoldLost("closed", "This project is no longer graded. Your draft is kept.")
    if state == AllocationState.CANCELLED:
        if allocation.submission.state == SubmissionState.WITHDRAWN:
            raise HoldLost("withdrawn", "The learner took this project back. Your draft is kept.")
        raise HoldLost("cancelled", "This item is no longer needed. Your draft is kept.")
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
