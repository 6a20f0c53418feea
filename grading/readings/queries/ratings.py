"""The one reader of ratings: which of them count, and the readings that they make up.

Everything that computes with ratings (settling, adjusting, statistics, routing, recomputing) reads them here,
so that a reading that was struck, or a level that was set aside, counts nowhere or everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from grading.measurement.ratings import Collector, Ratings
from grading.measurement.scoring.scale import CriterionScale, composite_of
from grading.models import (
    Allocation,
    Cohort,
    Quarantine,
    QuarantinedRating,
    Rating,
    StruckReading,
)
from grading.rubric.definition import Rubric
from grading.workflow.allocation import OF_ANCHORS, THIRD_READINGS, AllocationState, Pool
from grading.workflow.monitoring import QuarantineState

# Grader A is the same reading on every page, for a learner and for staff, and stays so when one is added.
READING_ORDER = (Allocation.pool.desc(), Allocation.sealed_at, Allocation.id)

# Rows that are fetched at a time.
ROWS = 20_000


def scales(rubric: Rubric) -> tuple[CriterionScale, ...]:
    """Give the rubric as the measurement core wants it."""
    return tuple(
        CriterionScale(
            criterion.code,
            criterion.weight,
            tuple(float(level.points) for level in criterion.levels),
        )
        for criterion in rubric.criteria
    )


def set_aside() -> ColumnElement[bool]:
    """True of a `Rating` that does not count, for a quarantine in force."""
    return Rating.id.in_(
        select(QuarantinedRating.rating_id)
        .join(Quarantine, Quarantine.id == QuarantinedRating.quarantine_id)
        .where(Quarantine.state == QuarantineState.IN_FORCE)
    )


def struck(reading: type[Allocation] = Allocation) -> ColumnElement[bool]:
    """True of an `Allocation` whose whole reading does not count, for a fault found in an appeal."""
    return reading.id.in_(select(StruckReading.allocation_id))


def _sealed_in(cohort: Cohort) -> tuple[ColumnElement[bool], ...]:
    """The conditions of an `Allocation` that is a sealed reading of one of a cohort's works."""
    return (
        Allocation.cohort_id == cohort.id,
        Allocation.state == AllocationState.SEALED,
        Allocation.purpose.not_in(OF_ANCHORS),
    )


@dataclass(frozen=True)
class SealedReading:
    """One sealed reading of a work.

    Attributes
    ----------
    third : bool
        Whether it settles a discrepancy or an appeal.
    levels, rating_ids : dict
        By criterion, of the ratings that count.
    set_aside : dict
        Levels by criterion that count for nothing while a quarantine is in force.
    """

    allocation_id: str
    submission_id: str
    rater_id: str
    professional: bool
    third: bool
    levels: dict[str, int]
    rating_ids: dict[str, int]
    set_aside: dict[str, int]

    def is_whole(self, criteria: Sequence[CriterionScale]) -> bool:
        """Whether a level counts on every criterion."""
        return len(self.levels) == len(criteria)

    def points(self, criteria: Sequence[CriterionScale]) -> dict[str, float]:
        """Points by criterion of a whole reading."""
        return {one.code: one.points[self.levels[one.code]] for one in criteria}

    def composite(self, criteria: Sequence[CriterionScale]) -> float:
        """The total of a whole reading, of 100, unrounded."""
        return composite_of(self.points(criteria), criteria)


def readings_of_cohort(session: Session, cohort: Cohort) -> list[SealedReading]:
    """Read all that counts in a cohort, in one query, oldest first."""
    return [
        reading for reading in _readings(session, *_sealed_in(cohort), ~struck()) if reading.levels
    ]


def readings_of_work(session: Session, submission_id: str) -> list[SealedReading]:
    """Read what counts of a work; levels that are set aside are named apart."""
    return _readings(
        session,
        Rating.submission_id == submission_id,
        Allocation.state == AllocationState.SEALED,
        ~struck(),
    )


def readings_resting_on(
    session: Session, submission_id: str, rating_ids: Sequence[int]
) -> list[SealedReading]:
    """Read the very ratings that a score of a work names, as far as they are sealed ratings of it.

    What was struck or set aside since counts as it did when the score was made.
    """
    return _readings(
        session,
        Rating.id.in_(rating_ids),
        Rating.submission_id == submission_id,
        Allocation.submission_id == submission_id,
        Allocation.state == AllocationState.SEALED,
        aside=false(),
    )


def _readings(
    session: Session, *conditions: ColumnElement[bool], aside: ColumnElement[bool] | None = None
) -> list[SealedReading]:
    rows = session.execute(
        select(
            Rating.allocation_id,
            Rating.submission_id,
            Allocation.rater_id,
            Allocation.pool,
            Allocation.purpose,
            Rating.id,
            Rating.criterion,
            Rating.level,
            set_aside() if aside is None else aside,
        )
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(*conditions)
        .order_by(Rating.id)
    )
    readings: dict[str, SealedReading] = {}
    for (
        allocation_id,
        work_id,
        rater_id,
        pool,
        purpose,
        rating_id,
        criterion,
        level,
        is_aside,
    ) in rows:
        if allocation_id not in readings:
            readings[allocation_id] = SealedReading(
                allocation_id=allocation_id,
                submission_id=work_id,
                rater_id=rater_id or "",
                professional=pool == Pool.PROFESSIONAL,
                third=purpose in THIRD_READINGS,
                levels={},
                rating_ids={},
                set_aside={},
            )
        reading = readings[allocation_id]
        if is_aside:
            reading.set_aside[criterion] = level
        else:
            reading.levels[criterion] = level
            reading.rating_ids[criterion] = rating_id
    return list(readings.values())


def fingerprint(session: Session, cohort: Cohort) -> str:
    """Fingerprint a cohort's counting ratings, to know whether statistics computed from them are stale.

    Setting ratings aside and restoring them must give the first fingerprint again.
    """
    count, last = session.execute(
        select(func.count(), func.max(Rating.id))
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(*_sealed_in(cohort))
    ).one()
    aside, aside_sum = session.execute(
        select(func.count(), func.sum(QuarantinedRating.rating_id))
        .join(Quarantine, Quarantine.id == QuarantinedRating.quarantine_id)
        .where(Quarantine.cohort_id == cohort.id, Quarantine.state == QuarantineState.IN_FORCE)
    ).one()
    n_struck = session.scalar(
        select(func.count())
        .select_from(Allocation)
        .where(Allocation.cohort_id == cohort.id, struck())
    )
    return f"{count}.{last or 0}.{aside}.{aside_sum or 0}.{n_struck}"


def coded_ratings(
    session: Session, cohort: Cohort, *, progress: Callable[[int], None] | None = None
) -> Ratings:
    """Read all ratings of a cohort that count as integer codes, however many, in bounded memory.

    Levels are their index on the criterion; the column ``role`` is the pool of the rater.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of rows read.
    """
    rows = session.execute(
        select(
            Rating.submission_id,
            Allocation.rater_id,
            Rating.level,
            Rating.criterion,
            Allocation.pool,
        )
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(*_sealed_in(cohort), ~struck(), ~set_aside())
        .order_by(Rating.id)
        .execution_options(yield_per=ROWS)
    )
    collector, done = Collector(), 0
    for block in rows.partitions():
        work, rater, level, criterion, pool = zip(*block, strict=True)
        collector.add(
            work,
            [rater_id or "" for rater_id in rater],
            level,
            criterion=criterion,
            columns={"role": [str(name) for name in pool]},
        )
        done += len(block)
        if progress is not None:
            progress(done)
    most = max(len(criterion.levels) for criterion in cohort.rubric_version.rubric.criteria)
    return collector.ratings(levels=range(most))
