"""What a learner's pages show; none of it depends on how many others there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    Grade,
    GradeSeen,
    MisconductCase,
    Rating,
    Review,
    Submission,
)
from grading.models.conditions import in_force, is_member
from grading.readings.queries.ratings import READING_ORDER
from grading.workflow.allocation import Pool, reading_signs


def released_attempts(
    session: Session, cohort: Cohort, person_id: str
) -> list[tuple[Submission, Grade]]:
    """List the learner's released attempts with the grade in force, newest first."""
    return list(
        session.execute(
            select(Submission, Grade)
            .join(Grade, Grade.submission_id == Submission.id)
            .where(
                Submission.cohort_id == cohort.id,
                Grade.person_id == person_id,
                in_force(),
            )
            .order_by(Submission.attempt.desc())
        ).all()
    )


def was_seen(session: Session, found: Grade) -> bool:
    """Say whether the learner has opened this result before."""
    return session.get(GradeSeen, found.id) is not None


def earlier_grades(session: Session, found: Grade) -> Sequence[Grade]:
    """List the grades that one replaced, oldest first."""
    return list(
        session.scalars(
            select(Grade)
            .where(
                Grade.submission_id == found.submission_id,
                Grade.person_id == found.person_id,
                Grade.number < found.number,
            )
            .order_by(Grade.number)
        )
    )


def latest_hearing(session: Session, cohort: Cohort, person_id: str) -> MisconductCase | None:
    """Find the newest suspicion that was put to a learner."""
    return session.scalar(
        select(MisconductCase)
        .join(Submission, Submission.id == MisconductCase.submission_id)
        .where(
            MisconductCase.cohort_id == cohort.id,
            is_member(person_id),
            MisconductCase.allegation.is_not(None),
        )
        .order_by(MisconductCase.opened_at.desc())
        .limit(1)
    )


def appeals_of(session: Session, found: Submission) -> Sequence[Appeal]:
    """List a work's appeals, oldest first."""
    return list(
        session.scalars(
            select(Appeal)
            .where(Appeal.submission_id == found.id)
            .order_by(Appeal.made_at, Appeal.id)
        )
    )


@dataclass(frozen=True)
class ReaderComment:
    """What one rater wrote on one criterion, under a name that tells only the kind of rater."""

    label: tuple[str, str]
    level: int
    text: str


def comments_by_criterion(session: Session, found: Grade) -> dict[str, list[ReaderComment]]:
    """List every rater's level and comment by criterion code, in a stable order.

    All raters whose readings were sealed before the release are heard, not only those who count.
    """
    rows = list(
        session.execute(
            select(Allocation.id, Allocation.pool, Rating.criterion, Rating.level, Rating.comment)
            .join(Allocation, Allocation.id == Rating.allocation_id)
            .where(
                Rating.submission_id == found.submission_id,
                Allocation.sealed_at <= found.released_at,
            )
            .order_by(*READING_ORDER, Rating.criterion)
        )
    )
    signs = reading_signs((allocation_id, pool) for allocation_id, pool, *_ in rows)
    heard: dict[str, list[ReaderComment]] = {}
    for allocation_id, pool, criterion, level, text in rows:
        heard.setdefault(criterion, []).append(
            ReaderComment((pool, signs[allocation_id]), level, text)
        )
    return heard


@dataclass(frozen=True)
class ReadingColumn:
    """One reading in the table of how a result was worked out.

    Attributes
    ----------
    label : (pool, sign)
        As in `Comment`.
    levels : mapping of criterion to level
        Of what counted.
    share : float
        How much of the professionals' composite is this reading's; 0 for a peer's.
    severity : float
        Points added to it; positive: its grader is stricter than the panel.
    """

    label: tuple[str, str]
    levels: dict[str, int]
    share: float
    severity: float


def reading_columns(session: Session, found: Grade) -> list[ReadingColumn]:
    """List the readings that a result rests on, with what each weighs; in the order of `comments`."""
    score = found.score
    rows = session.execute(
        select(Allocation.id, Allocation.pool, Rating.id, Rating.criterion, Rating.level)
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(
            Rating.submission_id == found.submission_id,
            Allocation.sealed_at <= found.released_at,
        )
        .order_by(*READING_ORDER, Rating.criterion)
    ).all()
    detail = score.adjustment or {}
    adjusted = {one["allocation"]: one for one in detail.get("readings", ())}
    resting = set(score.rating_ids)
    pools = {allocation_id: pool for allocation_id, pool, *_ in rows}
    signs = reading_signs(pools.items())
    levels: dict[str, dict[str, int]] = {}
    for allocation_id, _pool, rating_id, criterion, level in rows:
        if rating_id in resting:
            levels.setdefault(allocation_id, {})[criterion] = level
    professionals = sum(pools[allocation_id] == Pool.PROFESSIONAL for allocation_id in levels)
    columns = []
    for allocation_id, counted in levels.items():
        pool = pools[allocation_id]
        adjustment = adjusted.get(allocation_id)
        equal = 1 / professionals if pool == Pool.PROFESSIONAL else 0.0
        columns.append(
            ReadingColumn(
                label=(pool, signs[allocation_id]),
                levels=counted,
                share=adjustment["share"] if adjustment else equal,
                severity=adjustment["severity"] if adjustment else 0.0,
            )
        )
    return columns


def overall_comments(session: Session, found: Grade) -> list[str]:
    """List what raters wrote on the work as a whole."""
    return [
        text
        for text in session.scalars(
            select(Review.comment)
            .join(Allocation, Allocation.id == Review.allocation_id)
            .where(
                Allocation.submission_id == found.submission_id,
                Allocation.sealed_at <= found.released_at,
            )
            .order_by(*READING_ORDER)
        )
        if text
    ]
