"""A cohort's professionals as their charts see them: sheets in order, with what each was expected to be."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.prediction import leave_one_out
from grading.measurement.posterior.readings import Readings
from grading.models import Allocation, AnchorPaper, AnchorReading, Cohort, Rating
from grading.readings.queries.ratings import set_aside, struck
from grading.rubric.definition import Rubric
from grading.workflow.allocation import ATTEMPTED, AllocationState, Pool, Purpose

Floats = NDArray[np.float64]
Rater = tuple[str, bool]
# The total of a sheet beside its criteria, on the scale of the mean level.
TOTAL = None


@dataclass(frozen=True)
class Sheet:
    """One sealed reading: levels by criterion, and the definitive ones where it was a check item.

    Levels on the criteria in ``aside`` do not count: they were set aside, or the reading was struck.
    """

    allocation_id: str
    submission_id: str
    rater_id: str
    professional: bool
    finished_at: datetime
    begun_at: datetime | None
    levels: dict[str, int]
    definitive: dict[str, int] | None
    aside: frozenset[str]


@dataclass(frozen=True, eq=False)
class Series:
    """One rater's sheets on one criterion or the total, oldest first.

    Attributes
    ----------
    sheets : list of Sheet
    level, expected, residual, variance : ndarray, shape (n,)
        In levels, from 0 (lowest).
    check : ndarray of bool
    """

    sheets: Sequence[Sheet]
    level: Floats
    expected: Floats
    residual: Floats
    variance: Floats
    check: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Column:
    """All professionals on one criterion, or on the total (None)."""

    criterion: str | None
    found: Aggregation
    series: dict[str, Series]
    # How much standards differ between professionals, and a professional's error (SD, in levels).
    spread: float
    error: float


def anybody_read(session: Session, cohort: Cohort, least: int) -> bool:
    """Whether some professional has so many sealed sheets: before that there is nothing to chart."""
    found = session.scalar(
        select(Allocation.rater_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state == AllocationState.SEALED,
            Allocation.purpose.not_in(ATTEMPTED),
        )
        .group_by(Allocation.rater_id)
        .having(func.count() >= least)
        .limit(1)
    )
    return found is not None


def sheets(session: Session, cohort: Cohort) -> list[Sheet]:
    """Read every sealed sheet of a cohort in two queries: works and check items, no practice."""
    rows = session.execute(
        select(
            Rating.allocation_id,
            Rating.criterion,
            Rating.level,
            or_(set_aside(), struck()),
            Allocation.submission_id,
            Allocation.rater_id,
            Allocation.pool,
            Allocation.finished_at,
            Allocation.begun_at,
        )
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.state == AllocationState.SEALED,
            Allocation.purpose.not_in(ATTEMPTED),
        )
        .order_by(Allocation.finished_at, Allocation.id)
    )
    definitive: dict[str, dict[str, int]] = {
        allocation_id: levels or {}
        for allocation_id, levels in session.execute(
            select(AnchorReading.allocation_id, AnchorPaper.levels)
            .join(AnchorPaper, AnchorPaper.id == AnchorReading.anchor_id)
            .join(Allocation, Allocation.id == AnchorReading.allocation_id)
            .where(Allocation.cohort_id == cohort.id, Allocation.purpose == Purpose.VALIDITY)
        )
    }
    heads: dict[str, Any] = {}
    levels: dict[str, dict[str, int]] = defaultdict(dict)
    aside: dict[str, set[str]] = defaultdict(set)
    for allocation_id, criterion, level, is_aside, *head in rows:
        heads[allocation_id] = head
        levels[allocation_id][criterion] = level
        if is_aside:
            aside[allocation_id].add(criterion)
    return [
        Sheet(
            allocation_id=allocation_id,
            submission_id=submission_id,
            rater_id=rater_id,
            professional=pool == Pool.PROFESSIONAL,
            finished_at=finished_at,
            begun_at=begun_at,
            levels=levels[allocation_id],
            definitive=definitive.get(allocation_id),
            aside=frozenset(aside[allocation_id]),
        )
        for allocation_id, (submission_id, rater_id, pool, finished_at, begun_at) in heads.items()
    ]


def _value(levels: dict[str, int], criterion: str | None, rubric: Rubric) -> float:
    if criterion is not None:
        return float(levels[criterion])
    weights = [one.weight for one in rubric.criteria]
    steps = [levels[one.code] / (len(one.levels) - 1) for one in rubric.criteria]
    # On the scale of the commonest criterion length, so that half a level means the same here.
    longest = max(len(one.levels) for one in rubric.criteria) - 1
    return longest * float(np.average(steps, weights=weights))


def _counts(sheet: Sheet, criterion: str | None) -> bool:
    return not sheet.aside if criterion is None else criterion not in sheet.aside


def live_readings(
    rubric: Rubric, found: Sequence[Sheet], criterion: str | None
) -> tuple[list[Sheet], Readings, set[Rater]]:
    """Code what counts on a criterion, or on the total: sheets, readings row by row, professionals.

    A person who is peer and professional is two raters.
    """
    live = [sheet for sheet in found if sheet.definitive is None and _counts(sheet, criterion)]
    raters = [(sheet.rater_id, sheet.professional) for sheet in live]
    readings = Readings.from_long(
        [sheet.submission_id for sheet in live],
        raters,
        [_value(sheet.levels, criterion, rubric) for sheet in live],
    )
    return live, readings, {rater for rater in raters if rater[1]}


def column(rubric: Rubric, found: Sequence[Sheet], criterion: str | None) -> Column | None:
    """Predict every professional sheet on a criterion, or on the total, without itself.

    Returns
    -------
    Column or None
        None where no professional has read anything, or where the size of errors cannot be known.
    """
    live, readings, professionals = live_readings(rubric, found, criterion)
    checks = [sheet for sheet in found if sheet.definitive and _counts(sheet, criterion)]
    if not len(readings) or not (professionals or checks):
        return None
    found_model = (
        aggregate(readings, professionals=professionals, rule="model")
        if len(readings) > 2
        else None
    )
    if found_model is None or not np.isfinite(found_model.parameters.professional_error_variance):
        return None
    predicted = leave_one_out(readings, found_model)
    error = found_model.parameters.professional_error_variance
    rows: dict[str, list[tuple[Sheet, float, float, float, bool]]] = defaultdict(list)
    for index, sheet in enumerate(live):
        if sheet.professional:
            rows[sheet.rater_id].append(
                (
                    sheet,
                    float(readings.value[index]),
                    float(predicted.expected[index]),
                    float(predicted.variance[index]),
                    False,
                )
            )
    for sheet in checks:
        rows[sheet.rater_id].append(
            (
                sheet,
                _value(sheet.levels, criterion, rubric),
                _value(sheet.definitive or {}, criterion, rubric),
                float(error),
                True,
            )
        )
    series = {}
    for rater_id, given in rows.items():
        given.sort(key=lambda row: (row[0].finished_at, row[0].allocation_id))
        level, expected, variance = (
            np.array([row[place] for row in given], dtype=float) for place in (1, 2, 3)
        )
        series[rater_id] = Series(
            [row[0] for row in given],
            level,
            expected,
            level - expected,
            np.maximum(variance, 1e-6),
            np.array([row[4] for row in given], dtype=bool),
        )
    return Column(
        criterion,
        found_model,
        series,
        spread=max(float(np.sqrt(found_model.parameters.professional_bias_variance)), 0.05),
        error=float(np.sqrt(max(error, 1e-6))),
    )


def columns(session: Session, cohort: Cohort) -> list[Column]:
    """The total and every criterion of a cohort, where there is enough to predict from."""
    rubric = cohort.rubric_version.rubric
    found = sheets(session, cohort)
    wanted: list[str | None] = [TOTAL, *(one.code for one in rubric.criteria)]
    return [made for code in wanted if (made := column(rubric, found, code)) is not None]
