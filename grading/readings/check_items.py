"""Check items: agreed anchor papers mixed blind into a professional's queue."""

import hashlib
from datetime import datetime
from typing import cast

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger.turns import take_turns
from grading.measurement.scoring.scale import composite_of
from grading.models import (
    Alarm,
    Allocation,
    AnchorPaper,
    AnchorReading,
    Cohort,
    Person,
    Standing,
)
from grading.models.codes import new_id
from grading.readings import allocations, holds
from grading.readings.queries import example_stock, standings
from grading.readings.queries.ratings import scales
from grading.rubric.definition import Rubric
from grading.workflow.allocation import (
    HELD,
    OF_ANCHORS,
    OUTSTANDING,
    AllocationState,
    Pool,
    Purpose,
)
from grading.workflow.calibration import StandingState
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import day_begins, hold_until, local_day, own_zone
from grading.workflow.monitoring import AlarmState
from grading.workflow.plan import GradingPlan
from grading.workflow.validity import Facts, draw, due

DONE = (AllocationState.FINISHED, AllocationState.SEALED)


def next_item(
    session: Session, rater: Person, cohort: Cohort, *, now: datetime
) -> Allocation | None:
    """Give a professional their next item: what they began, a check item when one is due, or work.

    Raises
    ------
    Refused
        Their queue is paused, or they are not cleared for every criterion.
    """
    if cohort.state != CohortState.OPEN:
        return None
    if standings.pause_of(session, cohort.id, rater.id) is not None:
        raise Refused("Your queue is paused by your lead.")
    # Two presses of one person take turns, so that they get one item.
    take_turns(session, rater)
    held = holds.next_held(session, rater, cohort)
    if held is not None and held.state == AllocationState.BEGUN:
        return held
    if not standings.grading(session, cohort, [rater], now):
        if held is not None and held.purpose not in OF_ANCHORS:
            return held
        raise Refused("You are not cleared to grade yet. Calibration comes first.")
    return (
        _check_item(session, rater, cohort, held, now)
        or held
        or holds.claim(session, rater, cohort, now=now)
    )


def _facts(session: Session, rater: Person, cohort: Cohort, now: datetime) -> Facts | None:
    """What decides whether a check item is due; None while one is at hand."""
    mine = (Allocation.rater_id == rater.id, Allocation.cohort_id == cohort.id)
    of_work = Allocation.purpose.not_in((Purpose.PRACTICE, Purpose.QUALIFICATION))
    at_hand = session.scalar(
        select(Allocation.id)
        .where(*mine, Allocation.purpose == Purpose.VALIDITY, Allocation.state.in_(HELD))
        .limit(1)
    )
    if at_hand is not None:
        return None
    zone = own_zone(rater.time_zone, cohort.zone)
    morning = day_begins(local_day(now, zone), zone)
    sheets, checks, today = session.execute(
        select(
            func.count(),
            func.count().filter(Allocation.purpose == Purpose.VALIDITY),
            func.count().filter(Allocation.finished_at >= morning),
        ).where(*mine, of_work, Allocation.state.in_(DONE))
    ).one()
    alarm = session.scalar(
        select(Alarm.id)
        .where(
            Alarm.cohort_id == cohort.id,
            Alarm.person_id == rater.id,
            Alarm.state == AlarmState.OPEN,
        )
        .limit(1)
    )
    provisional = session.scalar(
        select(Standing.id)
        .where(
            Standing.rubric_version_id == cohort.rubric_version_id,
            Standing.person_id == rater.id,
            Standing.state == StandingState.PROVISIONAL,
        )
        .limit(1)
    )
    return Facts(
        sheets=sheets,
        checks=checks,
        today=today,
        missed=_missed_last(session, rater, cohort),
        alarmed=alarm is not None or provisional is not None,
    )


def _missed_last(session: Session, rater: Person, cohort: Cohort) -> bool:
    row = session.execute(
        select(Allocation, AnchorPaper)
        .join(AnchorReading, AnchorReading.allocation_id == Allocation.id)
        .join(AnchorPaper, AnchorPaper.id == AnchorReading.anchor_id)
        .where(
            Allocation.rater_id == rater.id,
            Allocation.cohort_id == cohort.id,
            Allocation.purpose == Purpose.VALIDITY,
            Allocation.state.in_(DONE),
        )
        .order_by(Allocation.finished_at.desc())
        .limit(1)
    ).first()
    if row is None or row[0].review is None:
        return False
    given = cast("dict[str, int]", row[0].review.levels)
    return is_miss(cohort.rubric_version.rubric, cohort.plan, given, row[1].levels or {})


def is_miss(
    rubric: Rubric, plan: GradingPlan, given: dict[str, int], definitive: dict[str, int]
) -> bool:
    """Whether a sheet is outside the plan's tolerance, on a criterion or on the total."""
    if any(
        abs(given[code] - level) > plan.check_tolerance_levels for code, level in definitive.items()
    ):
        return True
    criteria = scales(rubric)
    totals = [
        composite_of({one.code: one.points[levels[one.code]] for one in criteria}, criteria)
        for levels in (given, definitive)
    ]
    return abs(totals[0] - totals[1]) > plan.check_tolerance_total


def _check_item(
    session: Session, rater: Person, cohort: Cohort, held: Allocation | None, now: datetime
) -> Allocation | None:
    plan = cohort.plan
    if plan.check_every <= 0:
        return None
    facts = _facts(session, rater, cohort, now)
    if facts is None or not due(
        facts,
        every=plan.check_every,
        early_every=plan.check_every_early,
        early=plan.check_early,
        first_of_day=plan.check_first_of_day,
        chance=draw(rater.id, cohort.id, facts.sheets),
    ):
        return None
    paper = _paper(session, rater, cohort, facts.sheets)
    if paper is None:
        return None
    item = allocations.give_in(
        session,
        cohort,
        paper.submission,
        rater,
        Pool.PROFESSIONAL,
        Purpose.VALIDITY,
        codes=allocations.BlindCodes(session, cohort.id),
        now=now,
        id_=_id_before(held, rater),
    )
    if held is None:
        # What is claimed has a hold from the start, what the batch gave has none: as its neighbours.
        item.held_since = now
        item.hold_until = hold_until(
            now, now, idle_hours=plan.grader_hold_hours, cap_hours=plan.grader_hold_cap_hours
        )
    session.flush()
    session.add(AnchorReading(allocation_id=item.id, anchor_id=paper.id))
    session.flush()
    return item


def _id_before(held: Allocation | None, rater: Person) -> str:
    """Draw an id that the rater's own order puts before what they hold, so that it comes next."""
    while True:
        candidate = new_id()
        if held is None or _place(candidate, rater) < _place(held.id, rater):
            return candidate


def _place(allocation_id: str, rater: Person) -> str:
    """The same hash as `holds.own_order`."""
    return hashlib.md5((allocation_id + rater.id).encode(), usedforsecurity=False).hexdigest()


def _paper(session: Session, rater: Person, cohort: Cohort, number: int) -> AnchorPaper | None:
    """Choose a check paper that the rater has not met; None when there is none left.

    Who meets a copy may not read the work it is of, so works still to be read in this cohort come last.
    """
    fresh = example_stock.stock_of_one(session, cohort, rater).checks
    if not fresh:
        return None
    waiting = set(
        session.scalars(
            select(Allocation.submission_id).where(
                Allocation.submission_id.in_([paper.source_id for paper in fresh]),
                Allocation.cohort_id == cohort.id,
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.state.in_(OUTSTANDING),
            )
        )
    )
    fresh = [paper for paper in fresh if paper.source_id not in waiting] or fresh
    rng = np.random.default_rng(int(draw(rater.id, cohort.id, -1 - number) * 2**53))
    return fresh[int(rng.integers(len(fresh)))]
