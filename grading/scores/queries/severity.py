"""Severity of a cohort's professional graders, with works, criteria and levels on one scale."""

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from grading.measurement import severity
from grading.measurement.ratings import Ratings
from grading.measurement.scoring.scale import HALF_POINT, level_worth
from grading.measurement.severity import SeverityFit, Summary
from grading.measurement.severity.expected_total import expected_total, measure_of_total
from grading.models import Cohort
from grading.phrases import phrase
from grading.readings.queries.ratings import coded_ratings, scales
from grading.workflow.allocation import Pool

BIN = 0.5
# Beyond this many logits a measure says only "at the end of the scale".
END = 6.0
# Works below which nothing is shown of them.
ENOUGH = 10


def known(value: float | None, digits: int = 6) -> float | None:
    """Give a number for storing: None where it is not finite."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def professionals(session: Session, cohort: Cohort) -> Ratings:
    """Read the professionals' ratings alone: peers are too many and too different to share the model."""
    rows = coded_ratings(session, cohort)
    if not len(rows):
        return rows
    role = rows.columns["role"]
    wanted = [i for i, label in enumerate(role.labels) if label == Pool.PROFESSIONAL]
    return rows.where(np.isin(role.codes, wanted))


def detailed(session: Session, cohort: Cohort) -> dict[str, Any]:
    """Fit the many-facet model to the professionals' ratings, and give what pages show of it.

    Returns
    -------
    dict
        Measures in logits, positive is stricter, harder, better. Where there is too little, only
        ``works``, ``graders`` and the ``reason``.
    """
    ratings = professionals(session, cohort)
    works = len(np.unique(ratings.work)) if len(ratings) else 0
    graders = len(np.unique(ratings.rater)) if len(ratings) else 0
    head: dict[str, Any] = {"works": works, "graders": graders, "n": len(ratings), "reason": None}
    if works < ENOUGH or graders < 2:
        return head | {"reason": phrase("too few projects or graders")}
    try:
        fit = severity.fit(ratings)
    except ValueError as fault:
        return head | {"reason": str(fault)}
    return head | _found(fit, cohort)


def _found(fit: SeverityFit, cohort: Cohort) -> dict[str, Any]:
    rubric = cohort.rubric_version.rubric
    adds = level_worth(scales(rubric))
    measures = np.array([one.measure for one in fit.works.values()])
    measures = measures[np.isfinite(measures)]
    middle = float(np.mean(measures)) if len(measures) else 0.0
    at = np.array([middle, *(middle - one.severity for one in fit.raters.values())])
    totals = expected_total(fit, at, adds)
    edges, counts = _bins(measures)
    shared = _works_of(fit)
    return {
        "raters": [
            {
                "id": str(label),
                "severity": known(one.severity),
                "standard_error": known(one.standard_error),
                "points": known(float(total - totals[0])),
                "infit": known(one.infit),
                "outfit": known(one.outfit),
                "infit_z": known(one.infit_z),
                "outfit_z": known(one.outfit_z),
                "n": one.n,
                "works": shared.get(label, 0),
                "fair_average": known(one.fair_average),
                "observed_average": known(one.observed_average),
                "group": one.group,
                "extreme": one.extreme,
            }
            for (label, one), total in zip(fit.raters.items(), totals[1:], strict=True)
        ],
        "criteria": [
            {
                "code": str(label),
                "difficulty": known(one.difficulty),
                "standard_error": known(one.standard_error),
                "thresholds": [
                    {
                        "level": int(level),
                        "at": known(one.difficulty + threshold),
                    }
                    for level, threshold in one.thresholds.items()
                ],
                "infit": known(one.infit),
                "outfit": known(one.outfit),
                "n": one.n,
                "reason": one.reason,
            }
            for label, one in fit.criteria.items()
        ],
        "histogram": {"edges": edges, "counts": counts},
        "extreme_works": sum(one.extreme is not None for one in fit.works.values()),
        "mean": known(middle),
        "spread": known(float(np.std(measures))) if len(measures) > 1 else None,
        "cut": known(measure_of_total(fit, cohort.plan.cut - HALF_POINT, adds)),
        "per_logit": known(float(_slope(fit, middle, adds))),
        "groups": [
            {"raters": [str(label) for label in part.raters], "works": len(part.works)}
            for part in fit.components
        ],
        "summaries": [
            {"group": part.number, **_summary(fit.summary("rater", group=part.number))}
            for part in fit.components
        ],
        "work_reliability": known(fit.eap_reliability),
        "converged": fit.converged,
        "notes": list(fit.notes),
    }


def _works_of(fit: SeverityFit) -> dict[Hashable, int]:
    return {label: one.n // max(len(fit.criteria), 1) for label, one in fit.raters.items()}


def _slope(fit: SeverityFit, middle: float, adds: dict[Hashable, list[float]]) -> float:
    low, high = expected_total(fit, [middle - 0.5, middle + 0.5], adds)
    return float(high - low)


def _bins(measures: np.ndarray) -> tuple[list[float], list[int]]:
    inside = np.clip(measures, -END, END)
    low = math.floor(float(inside.min(initial=0.0)) / BIN) * BIN
    high = max(math.ceil(float(inside.max(initial=0.0)) / BIN) * BIN, low + BIN)
    edges = np.arange(low, high + BIN / 2, BIN)
    counts, _ = np.histogram(inside, edges)
    return edges.tolist(), counts.tolist()


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "n": summary.n,
        "sd": known(summary.sd),
        "rmse": known(summary.rmse),
        "separation": known(summary.separation),
        "strata": known(summary.strata),
        "reliability": known(summary.reliability),
        "chi_square": known(summary.chi_square),
        "df": summary.df,
        "p": known(summary.p),
    }
