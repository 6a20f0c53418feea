"""How many items are left, day by day, and whether they will be done in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Allocation, Cohort, Submission
from grading.workflow.allocation import (
    OF_ANCHORS,
    OUTSTANDING,
    THIRD_READINGS,
    AllocationState,
    Pool,
)
from grading.workflow.submission import IN_GRADING

DONE = (AllocationState.FINISHED, AllocationState.SEALED)
COUNTED = (AllocationState.OPEN, AllocationState.ALLOCATED, AllocationState.BEGUN, *DONE)
# What the present rate is taken from.
RECENT = timedelta(days=3)


class Stage(StrEnum):
    PEERS = "peers"
    READINGS = "readings"
    THIRD = "third"


@dataclass(frozen=True)
class Burndown:
    """One stage of a cohort's work.

    Attributes
    ----------
    points : list of (datetime, int)
        Items left at the end of each day since the first was given out; the last is now.
    left, rate : items left now, and items finished a day of late
    late : int
        Items that will be left at the deadline at that rate, rounded up; 0 where nothing is left.
    """

    stage: Stage
    points: Sequence[tuple[datetime, int]]
    left: int
    rate: float
    due_at: datetime
    late: int


def _stage(pool: str, purpose: str) -> Stage:
    if pool == Pool.PEER:
        return Stage.PEERS
    return Stage.THIRD if purpose in THIRD_READINGS else Stage.READINGS


def cohort_burndown(session: Session, cohort: Cohort, *, now: datetime) -> list[Burndown]:
    """Follow each stage in which items were given out; one query."""
    rows: dict[Stage, list[tuple[datetime, datetime | None]]] = {}
    for pool, purpose, state, created_at, finished_at in session.execute(
        select(
            Allocation.pool,
            Allocation.purpose,
            Allocation.state,
            Allocation.created_at,
            Allocation.finished_at,
        ).where(
            Allocation.cohort_id == cohort.id,
            Allocation.state.in_(COUNTED),
            Allocation.purpose.not_in(OF_ANCHORS),
        )
    ):
        done = finished_at if state in DONE else None
        rows.setdefault(_stage(pool, purpose), []).append((created_at, done))
    # What is called for but not given out yet is left to do as well.
    if Stage.READINGS in rows:
        rows[Stage.READINGS] += [(now, None)] * not_given_out(session, cohort)
    return [_follow(stage, rows[stage], cohort, now) for stage in Stage if stage in rows]


def not_given_out(session: Session, cohort: Cohort) -> int:
    """Count the professional readings that works want and nobody has been asked for."""
    called = (
        select(func.count())
        .select_from(Allocation)
        .where(
            Allocation.submission_id == Submission.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.purpose.not_in(THIRD_READINGS),
            Allocation.state.in_((*OUTSTANDING, AllocationState.SEALED)),
        )
        .correlate(Submission)
        .scalar_subquery()
    )
    return int(
        session.scalar(
            select(func.coalesce(func.sum(Submission.professionals_wanted - called), 0)).where(
                Submission.cohort_id == cohort.id,
                Submission.state.in_(IN_GRADING),
                Submission.professionals_wanted > called,
            )
        )
        or 0
    )


def _follow(
    stage: Stage,
    rows: Sequence[tuple[datetime, datetime | None]],
    cohort: Cohort,
    now: datetime,
) -> Burndown:
    start = min(created for created, _done in rows)
    days = max(0, int((now - start) / timedelta(days=1)))
    instants = [start + timedelta(days=number) for number in range(days + 1)]
    if now > instants[-1]:
        instants.append(now)

    def left(at: datetime) -> int:
        return sum(created <= at and (done is None or done > at) for created, done in rows)

    points = [(at, left(at)) for at in instants]
    since = max(start, now - RECENT)
    span = max((now - since) / timedelta(days=1), 1 / 24)
    rate = sum(done is not None and done > since for _created, done in rows) / span
    due_at = cohort.peers_due_at if stage is Stage.PEERS else cohort.grading_due_at
    remaining = points[-1][1]
    ahead = max((due_at - now) / timedelta(days=1), 0.0)
    late = max(0, remaining - int(rate * ahead))
    return Burndown(stage, points, remaining, rate, due_at, late)
