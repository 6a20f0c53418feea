"""Agreement in a cohort: per criterion, per pool and between the pools, and the release gates on it."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from grading.measurement import agreement
from grading.measurement.agreement import Agreement, Coefficient
from grading.measurement.ratings import Ratings
from grading.models import Cohort
from grading.queries.ratings import LongRatings, sealed_ratings
from grading.rubric.definition import Rubric

# Below this many works a page shows no value: a few pairs say nothing about a panel.
ENOUGH = 10


@dataclass(frozen=True)
class CriterionAgreement:
    """One criterion, or the total where ``code`` is None."""

    code: str | None
    title: str
    professionals: Agreement
    peers: Agreement
    between: Agreement


@dataclass(frozen=True)
class Gate:
    """A release gate that is not met."""

    key: str
    title: str
    estimate: float
    needed: float
    pairs: int


def _agreements(
    code: str | None, title: str, ratings: Ratings, professional: Any
) -> CriterionAgreement:
    pools = ratings.where(professional), ratings.where(~professional)
    return CriterionAgreement(
        code,
        title,
        agreement.within(pools[0]),
        agreement.within(pools[1]),
        agreement.between(*pools),
    )


def report(session: Session, cohort: Cohort) -> list[CriterionAgreement]:
    """Compute agreement on each criterion and on the total, from one query."""
    rubric = cohort.rubric_version.rubric
    rows = sealed_ratings(session, cohort)
    found = []
    for criterion in rubric.criteria:
        mask = [code == criterion.code for code in rows.criterion]
        ratings = Ratings.from_long(
            _kept(rows.work, mask),
            _kept(rows.rater, mask),
            _kept(rows.level, mask),
            levels=range(len(criterion.levels)),
        )
        found.append(_agreements(criterion.code, criterion.title, ratings, rows.professional[mask]))
    found.append(_total(rubric, rows))
    return found


def _kept(values: list[Any], mask: list[bool]) -> list[Any]:
    return [value for value, keep in zip(values, mask, strict=True) if keep]


def _total(rubric: Rubric, rows: LongRatings) -> CriterionAgreement:
    """Agreement on whole points of 100: each reading's composite, rounded for this alone."""
    weights = {criterion.code: criterion.weight for criterion in rubric.criteria}
    shares = {
        criterion.code: [level.points / criterion.levels[-1].points for level in criterion.levels]
        for criterion in rubric.criteria
    }
    totals: dict[tuple[str, str, bool], float] = defaultdict(float)
    for work, rater, criterion, level, professional in zip(
        rows.work, rows.rater, rows.criterion, rows.level, rows.professional, strict=True
    ):
        totals[work, rater, bool(professional)] += weights[criterion] * shares[criterion][level]
    scale = 100 / math.fsum(weights.values())
    ratings = Ratings.from_long(
        [work for work, _, _ in totals],
        [rater for _, rater, _ in totals],
        [round(total * scale) for total in totals.values()],
        levels=range(101),
    )
    pool = np.array([professional for _, _, professional in totals], dtype=bool)
    return _agreements(None, "Total", ratings, pool)


def failed_gates(session: Session, cohort: Cohort) -> list[Gate]:
    """List the gates on professional agreement that are not met, once there are enough pairs."""
    plan = cohort.plan
    failed = []
    for item in report(session, cohort):
        needed = plan.gate_total_kappa if item.code is None else plan.gate_criterion_kappa
        kappa = item.professionals.quadratic_kappa
        if item.professionals.n_pairs < plan.gate_minimum or math.isnan(kappa.estimate):
            continue
        if kappa.estimate < needed:
            failed.append(
                Gate(
                    f"kappa:{item.code or 'total'}",
                    item.title,
                    kappa.estimate,
                    needed,
                    item.professionals.n_pairs,
                )
            )
    return failed


def _value(coefficient: Coefficient) -> float | None:
    return None if math.isnan(coefficient.estimate) else coefficient.estimate


def as_dict(items: list[CriterionAgreement]) -> dict[str, dict[str, dict[str, Any]]]:
    """Give a report as plain data; what is undefined is None with its reason."""

    def pool(found: Agreement) -> dict[str, Any]:
        return {
            "exact": None if math.isnan(found.exact) else found.exact,
            "adjacent": None if math.isnan(found.adjacent) else found.adjacent,
            "quadratic_kappa": _value(found.quadratic_kappa),
            "alpha": _value(found.alpha),
            "works": found.n_works,
            "pairs": found.n_pairs,
            "reason": found.quadratic_kappa.reason,
            "note": found.note,
        }

    return {
        item.code or "total": {
            "professionals": pool(item.professionals),
            "peers": pool(item.peers),
            "between": pool(item.between),
        }
        for item in items
    }
