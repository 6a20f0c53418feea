"""Tables to the long form that the measurement core reads."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from grading.measurement.ratings import Collector, Ratings
from grading.measurement.scoring.resolution import CriterionScale
from grading.models import (
    Allocation,
    Cohort,
    Quarantine,
    QuarantinedRating,
    Rating,
    StruckReading,
)
from grading.rubric.definition import Rubric
from grading.workflow.allocation import OF_ANCHORS, AllocationState, Pool
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


@dataclass(frozen=True)
class LongRatings:
    """Sealed ratings of a cohort, one row each.

    Attributes
    ----------
    work, rater, criterion : list of str
        Ids of submission and rater, code of the criterion.
    level : list of int
    professional : ndarray of bool
        Whether the rater rated as a professional.
    """

    work: list[str]
    rater: list[str]
    criterion: list[str]
    level: list[int]
    professional: np.ndarray


def set_aside() -> ColumnElement[bool]:
    """Whether a `Rating` of the enclosing statement does not count, for a quarantine in force."""
    return exists().where(
        QuarantinedRating.rating_id == Rating.id,
        Quarantine.id == QuarantinedRating.quarantine_id,
        Quarantine.state == QuarantineState.IN_FORCE,
    )


def _of_works(cohort: Cohort) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a cohort's sealed ratings that say something of works, and count."""
    return (
        Allocation.cohort_id == cohort.id,
        Allocation.state == AllocationState.SEALED,
        Allocation.purpose.not_in(OF_ANCHORS),
        ~set_aside(),
    )


def fingerprint(session: Session, cohort: Cohort) -> str:
    """Tell one state of a cohort's sealed ratings from another; what is kept with results that rest on it."""
    count, last = session.execute(
        select(func.count(), func.max(Rating.id))
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(*_of_works(cohort)[:3])
    ).one()
    # Aside and back again is another count, and the same ones again are the same state.
    aside = session.execute(
        select(func.count(), func.sum(QuarantinedRating.rating_id))
        .join(Quarantine, Quarantine.id == QuarantinedRating.quarantine_id)
        .where(Quarantine.cohort_id == cohort.id, Quarantine.state == QuarantineState.IN_FORCE)
    ).one()
    struck = session.scalar(
        select(func.count())
        .select_from(StruckReading)
        .join(Allocation, Allocation.id == StruckReading.allocation_id)
        .where(Allocation.cohort_id == cohort.id)
    )
    return f"{count}.{last or 0}.{aside[0]}.{aside[1] or 0}.{struck}"


def sealed_ratings(session: Session, cohort: Cohort) -> LongRatings:
    """Read all sealed ratings of a cohort's works that are not set aside, in one query."""
    rows = session.execute(
        select(
            Rating.submission_id,
            Allocation.rater_id,
            Rating.criterion,
            Rating.level,
            Allocation.pool,
        )
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(*_of_works(cohort))
        .order_by(Rating.id)
    ).all()
    return LongRatings(
        work=[row[0] for row in rows],
        rater=[row[1] or "" for row in rows],
        criterion=[row[2] for row in rows],
        level=[row[3] for row in rows],
        professional=np.array([row[4] == Pool.PROFESSIONAL for row in rows], dtype=bool),
    )


def collected(
    session: Session, cohort: Cohort, *, progress: Callable[[int], None] | None = None
) -> Ratings:
    """Read all sealed ratings of a cohort as integer codes, however many, in bounded memory.

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
        .where(*_of_works(cohort))
        .order_by(Rating.id)
        .execution_options(yield_per=ROWS)
    )
    collector, done = Collector(), 0
    for block in rows.partitions():
        work, rater, level, criterion, pool = zip(*block, strict=True)
        collector.add(
            work,
            [one or "" for one in rater],
            level,
            criterion=criterion,
            columns={"role": [str(one) for one in pool]},
        )
        done += len(block)
        if progress is not None:
            progress(done)
    most = max(len(criterion.levels) for criterion in cohort.rubric_version.rubric.criteria)
    return collector.ratings(levels=range(most))
