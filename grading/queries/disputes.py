"""What whoever settles a dispute sees: sheets side by side, the work, what waits."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    Explanation,
    MisconductCase,
    Rating,
    Review,
    StruckReading,
    Submission,
    SubmittedCopy,
)
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.appeal import PENDING, ExplanationState
from grading.workflow.misconduct import PENDING as CASE_PENDING


@dataclass
class Sheet:
    """One sealed reading under a name that tells only its kind."""

    allocation_id: str
    pool: str
    sign: str
    remark: bool
    fault: str | None
    levels: dict[str, int] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def side_by_side(session: Session, appeal: Appeal) -> list[Sheet]:
    """List every sealed reading of an appealed work, struck ones with their fault."""
    rows = session.execute(
        select(Allocation, StruckReading.fault, Rating)
        .join(Rating, Rating.allocation_id == Allocation.id)
        .join(StruckReading, StruckReading.allocation_id == Allocation.id, isouter=True)
        .where(
            Allocation.submission_id == appeal.submission_id,
            Allocation.state == AllocationState.SEALED,
        )
        .order_by(Allocation.pool.desc(), Allocation.sealed_at, Allocation.id)
    )
    found: dict[str, Sheet] = {}
    counts = {Pool.PROFESSIONAL: 0, Pool.PEER: 0}
    for allocation, fault, rating in rows:
        if allocation.id not in found:
            pool = Pool(allocation.pool)
            number = counts[pool]
            counts[pool] += 1
            found[allocation.id] = Sheet(
                allocation_id=allocation.id,
                pool=pool,
                sign=chr(ord("A") + number) if pool is Pool.PROFESSIONAL else str(number + 1),
                remark=allocation.id == appeal.allocation_id,
                fault=fault,
            )
        found[allocation.id].levels[rating.criterion] = rating.level
        found[allocation.id].comments[rating.criterion] = rating.comment
    return list(found.values())


def copy(session: Session, submission: Submission) -> SubmittedCopy | None:
    """Find what was handed in last."""
    return session.scalar(
        select(SubmittedCopy)
        .where(SubmittedCopy.submission_id == submission.id)
        .order_by(SubmittedCopy.number.desc())
        .limit(1)
    )


def own_sheet(session: Session, submission: Submission, person_id: str) -> Review | None:
    """Find what a person gave a work themself."""
    return session.scalar(
        select(Review)
        .join(Allocation, Allocation.id == Review.allocation_id)
        .where(
            Allocation.submission_id == submission.id,
            Allocation.rater_id == person_id,
            Allocation.state == AllocationState.SEALED,
        )
    )


def open_appeals(session: Session, cohort: Cohort) -> Sequence[Appeal]:
    """List the appeals that are not decided, the most urgent first."""
    return list(
        session.scalars(
            select(Appeal)
            .options(selectinload(Appeal.allocation))
            .where(Appeal.cohort_id == cohort.id, Appeal.state.in_(PENDING))
            .order_by(Appeal.decide_by, Appeal.id)
            .limit(200)
        )
    )


def open_questions(session: Session, cohort: Cohort) -> Sequence[Explanation]:
    """List the questions that are not answered, the most urgent first."""
    return list(
        session.scalars(
            select(Explanation)
            .options(selectinload(Explanation.owner))
            .where(Explanation.cohort_id == cohort.id, Explanation.state == ExplanationState.OPEN)
            .order_by(Explanation.answer_by, Explanation.id)
            .limit(200)
        )
    )


def misconduct_cases(
    session: Session, cohort: Cohort, *, pending: bool
) -> Sequence[MisconductCase]:
    """List misconduct cases, oldest first."""
    wanted = (
        MisconductCase.state.in_(CASE_PENDING)
        if pending
        else MisconductCase.state.not_in(CASE_PENDING)
    )
    return list(
        session.scalars(
            select(MisconductCase)
            .where(MisconductCase.cohort_id == cohort.id, wanted)
            .order_by(MisconductCase.opened_at, MisconductCase.id)
            .limit(200)
        )
    )
