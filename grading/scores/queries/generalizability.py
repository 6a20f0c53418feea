"""How far a cohort's totals would come out the same with other graders, and how many are enough."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.measurement.components.generalizability import (
    RatersNeeded,
    VarianceComponents,
    d_study,
    raters_needed,
    variance_components,
)
from grading.measurement.ratings import Ratings
from grading.measurement.scoring.decision import livingston_lewis
from grading.measurement.scoring.scale import HALF_POINT, CriterionScale
from grading.models import Allocation, Cohort
from grading.phrases import phrase
from grading.readings.queries.ratings import SealedReading, readings_of_cohort, scales
from grading.scores.queries.severity import ENOUGH, known
from grading.workflow.allocation import OF_ANCHORS, AllocationState, Pool

TARGET = 0.8
# A sheet that lay open longer was not read all that time.
LONGEST_MINUTES = 240.0


def detailed(session: Session, cohort: Cohort) -> dict[str, Any]:
    """Study the professionals' readings: components, reliability by number of readings, decisions.

    Returns
    -------
    dict
        Of totals in points of 100, and of single ratings in points of 100 of their criterion; only
        ``works`` and a ``reason`` where there is too little.
    """
    rubric = cohort.rubric_version.rubric
    criteria = scales(rubric)
    whole = [
        reading
        for reading in readings_of_cohort(session, cohort)
        if reading.professional and reading.is_whole(criteria)
    ]
    totals = [reading.composite(criteria) for reading in whole]
    by_work: dict[str, list[float]] = defaultdict(list)
    for reading, total in zip(whole, totals, strict=True):
        by_work[reading.submission_id].append(total)
    head: dict[str, Any] = {
        "works": len(by_work),
        "readings": len(whole),
        "twice": sum(len(given) > 1 for given in by_work.values()),
        "reason": None,
    }
    if head["twice"] < ENOUGH:
        return head | {"reason": phrase("too few projects were read twice")}
    ratings = Ratings.from_long(
        [reading.submission_id for reading in whole],
        [reading.rater_id for reading in whole],
        totals,
    )
    variances = variance_components(ratings, effects=("work", "rater"))
    if variances.reason is not None:
        return head | {"reason": variances.reason}
    minutes = _minutes(session, cohort)
    return head | {
        "components": _components(variances),
        "by_readings": [_study(variances, n) for n in (1, 2, 3, 4)],
        "needed": {
            "as_read": _needed(
                raters_needed(variances, reliability=TARGET, kind="phi", works=len(by_work)),
                minutes,
            ),
            "severity_out": _needed(
                raters_needed(variances, reliability=TARGET, kind="e_rho2", works=len(by_work)),
                minutes,
            ),
        },
        "minutes": minutes,
        "single": _single(whole, criteria),
        "decision": _decision(cohort, variances, by_work),
        "note": variances.note,
    }


def _components(variances: VarianceComponents) -> list[dict[str, Any]]:
    total = math.fsum(max(value, 0.0) for value in variances.components.values())
    errors = np.sqrt(np.diag(variances.covariance))
    return [
        {
            "effect": name,
            "variance": known(value),
            "standard_error": known(float(error)),
            "share": known(max(value, 0.0) / total) if total > 0 else None,
        }
        for (name, value), error in zip(variances.components.items(), errors, strict=True)
    ]


def _study(variances: VarianceComponents, n: int) -> dict[str, Any]:
    study = d_study(variances, n={"rater": n})
    return {
        "readings": n,
        "phi": known(study.phi.estimate),
        "interval": [known(value) for value in study.phi.interval],
        "e_rho2": known(study.e_rho2.estimate),
        "sem": known(study.absolute_sem),
        "sem_severity_out": known(study.relative_sem),
    }


def _needed(needed: RatersNeeded, minutes: float | None) -> dict[str, Any]:
    hours = None if minutes is None or needed.readings is None else needed.readings * minutes / 60
    return {
        "raters": needed.raters,
        "reliability": known(needed.reliability),
        "ceiling": known(needed.ceiling),
        "readings": needed.readings,
        "hours": known(hours, 1),
        "reason": needed.reason,
    }


def _single(
    whole: Sequence[SealedReading], criteria: Sequence[CriterionScale]
) -> list[dict[str, Any]]:
    """Components of single ratings, by moments: instant, whatever the design."""
    rows = [
        (reading.submission_id, reading.rater_id, criterion.code, points / max(criterion.points))
        for reading in whole
        for criterion, points in zip(criteria, reading.points(criteria).values(), strict=True)
    ]
    ratings = Ratings.from_long(
        [row[0] for row in rows],
        [row[1] for row in rows],
        [round(100 * row[3], 6) for row in rows],
        criterion=[row[2] for row in rows],
    )
    variances = variance_components(ratings, method="moments")
    return [] if variances.reason is not None else _components(variances)


def _decision(
    cohort: Cohort, variances: VarianceComponents, by_work: dict[str, list[float]]
) -> dict[str, Any]:
    """How often a result lies on the side of the pass mark where the true score lies."""
    readings = max(round(statistics.fmean(len(given) for given in by_work.values())), 1)
    phi = d_study(variances, n={"rater": readings}).phi.estimate
    if not 0 < phi < 1:
        return {"readings": readings, "reason": phrase("the reliability is not known")}
    result = livingston_lewis(
        [min(max(statistics.fmean(given), 0.0), 100.0) for given in by_work.values()],
        reliability=phi,
        cut=cohort.plan.cut - HALF_POINT,
        lowest=0.0,
        highest=100.0,
    )
    return {
        "readings": readings,
        "reliability": known(phi),
        "accuracy": known(result.accuracy),
        "consistency": known(result.consistency),
        "false_passes": known(result.false_passes),
        "false_fails": known(result.false_fails),
        "reason": result.reason,
    }


def _minutes(session: Session, cohort: Cohort) -> float | None:
    """The median time a professional's sheet took, from opening to finishing, in minutes."""
    spans = [
        (finished - begun).total_seconds() / 60
        for begun, finished in session.execute(
            select(Allocation.begun_at, Allocation.finished_at).where(
                Allocation.cohort_id == cohort.id,
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.state == AllocationState.SEALED,
                Allocation.purpose.not_in(OF_ANCHORS),
            )
        )
        if begun is not None and finished is not None
    ]
    spans = [span for span in spans if 0 < span <= LONGEST_MINUTES]
    return round(statistics.median(spans), 1) if len(spans) >= ENOUGH else None
