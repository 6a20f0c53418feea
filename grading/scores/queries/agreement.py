"""Agreement in a cohort: by criterion, in and between the pools; pairs of graders; levels and totals."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform
from sqlalchemy.orm import Session

from grading.measurement import agreement
from grading.measurement.agreement import Agreement, Coefficient
from grading.measurement.agreement.coefficient import Interval
from grading.measurement.ratings import Ratings
from grading.models import Cohort
from grading.readings.queries.ratings import SealedReading, readings_of_cohort, scales
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


@dataclass(frozen=True, eq=False)
class Part:
    """The ratings of one criterion, or of the total where ``code`` is None, with who gave them."""

    code: str | None
    title: str
    ratings: Ratings
    professional: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Totals:
    """Each whole reading's composite, of 100, unrounded."""

    works: list[str]
    raters: list[str]
    totals: list[float]
    professional: NDArray[np.bool_]


def _totals(rubric: Rubric, readings: Sequence[SealedReading]) -> Totals:
    criteria = scales(rubric)
    whole = [reading for reading in readings if reading.is_whole(criteria)]
    return Totals(
        [reading.submission_id for reading in whole],
        [reading.rater_id for reading in whole],
        [reading.composite(criteria) for reading in whole],
        np.array([reading.professional for reading in whole], dtype=bool),
    )


def _parts(rubric: Rubric, readings: Sequence[SealedReading], totals: Totals) -> Iterator[Part]:
    for criterion in rubric.criteria:
        given = [reading for reading in readings if criterion.code in reading.levels]
        yield Part(
            criterion.code,
            criterion.title,
            Ratings.from_long(
                [reading.submission_id for reading in given],
                [reading.rater_id for reading in given],
                [reading.levels[criterion.code] for reading in given],
                levels=range(len(criterion.levels)),
            ),
            np.array([reading.professional for reading in given], dtype=bool),
        )
    yield Part(
        None,
        "Total",
        Ratings.from_long(
            totals.works,
            totals.raters,
            [round(total) for total in totals.totals],
            levels=range(101),
        ),
        totals.professional,
    )


def report(session: Session, cohort: Cohort) -> list[CriterionAgreement]:
    """Compute agreement on each criterion and on the total, from one query."""
    rubric = cohort.rubric_version.rubric
    readings = readings_of_cohort(session, cohort)
    return [
        _agreements(part.code, part.title, part.ratings, part.professional)
        for part in _parts(rubric, readings, _totals(rubric, readings))
    ]


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


# Resamples of the two-way intervals: they are computed by a worker, and their ends move by about 3 % of
# their length from one seed to another.
RESAMPLES = 400
# Bland-Altman's points are counted on a grid of so many points of 100 where works are many.
FINE, COARSE, MANY = 1.0, 4.0, 200
HISTOGRAM = 5


def detailed(session: Session, cohort: Cohort) -> dict[str, Any]:
    """Compute all that the agreement page shows; what is undefined is None with its reason."""
    rubric = cohort.rubric_version.rubric
    readings = readings_of_cohort(session, cohort)
    totals = _totals(rubric, readings)
    parts = list(_parts(rubric, readings, totals))
    return {
        "criteria": [
            {
                "code": part.code,
                "title": part.title,
                "pools": {
                    "professionals": _pool(part, part.professional),
                    "peers": _pool(part, ~part.professional),
                    "between": _between(part),
                },
            }
            for part in parts
        ],
        "pairs": _pairs(parts[-1]),
        "bland_altman": _bland_altman(totals),
        "levels": _levels(rubric, readings),
        "totals": _histogram(totals),
    }


def _coefficient(coefficient: Coefficient) -> dict[str, Any]:
    low, high = coefficient.interval
    return {
        "estimate": _value(coefficient),
        "low": None if math.isnan(low) else low,
        "high": None if math.isnan(high) else high,
        "method": coefficient.method,
        "reason": coefficient.reason,
    }


def _summed(agreed: Agreement, alpha: Coefficient, ac2: Coefficient) -> dict[str, Any]:
    return {
        "works": agreed.n_works,
        "pairs": agreed.n_pairs,
        "exact": None if math.isnan(agreed.exact) else agreed.exact,
        "adjacent": None if math.isnan(agreed.adjacent) else agreed.adjacent,
        "quadratic_kappa": _coefficient(agreed.quadratic_kappa),
        "alpha": _coefficient(alpha),
        "ac2": _coefficient(ac2),
        "note": agreed.note,
    }


def _pool(part: Part, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """One pool: intervals speak of graders in general where there are three or more."""
    ratings = part.ratings.where(rows)
    raters = len(np.unique(ratings.rater))
    agreed = agreement.within(ratings)
    interval: Interval = "two_way" if raters > 2 else "analytic"
    return _summed(
        agreed,
        agreement.krippendorff_alpha(
            ratings,
            metric="ordinal" if part.code else "interval",
            interval=interval,
            resamples=RESAMPLES,
        ),
        agreement.gwet_ac(ratings, weights="quadratic", interval=interval, resamples=RESAMPLES),
    )


def _between(part: Part) -> dict[str, Any]:
    """The two pools as if each were one rater: intervals are over works, as two raters are no sample."""
    graders, peers = part.ratings.where(part.professional), part.ratings.where(~part.professional)
    agreed = agreement.between(graders, peers)
    units = agreement.units_between(graders, peers)
    levels = np.arange(len(part.ratings.levels))
    return _summed(
        agreed,
        agreed.alpha,
        agreement.gwet_ac(units, weights="quadratic", levels=levels),
    )


def _pairs(total: Part) -> dict[str, Any]:
    """Quadratic kappa of each two graders on the total, where they share enough works."""
    ratings = total.ratings.where(total.professional)
    codes = np.unique(ratings.rater)
    given = {code: ratings.where(ratings.rater == code) for code in codes.tolist()}
    n = len(codes)
    kappa: list[list[float | None]] = [[None] * n for _ in range(n)]
    shared = [[0] * n for _ in range(n)]
    for i, one in enumerate(codes.tolist()):
        for j, other in enumerate(codes.tolist()[:i]):
            both = len(np.intersect1d(given[one].work, given[other].work))
            shared[i][j] = shared[j][i] = both
            if both < ENOUGH:
                continue
            table = agreement.pairs_between(given[one], given[other])
            coefficient = agreement.cohen_kappa(table, weights="quadratic", levels=ratings.levels)
            kappa[i][j] = kappa[j][i] = _value(coefficient)
    order = _clustered(kappa)
    return {
        "graders": [str(ratings.raters[int(codes[i])]) for i in order],
        "kappa": [[kappa[i][j] for j in order] for i in order],
        "works": [[shared[i][j] for j in order] for i in order],
    }


def _clustered(kappa: Sequence[Sequence[float | None]]) -> list[int]:
    """Put graders who agree beside each other; pairs that are not known stand at the mean."""
    n = len(kappa)
    known = [value for row in kappa for value in row if value is not None]
    if n < 3 or not known:
        return list(range(n))
    middle = math.fsum(known) / len(known)
    apart = np.array([[1 - (middle if value is None else value) for value in row] for row in kappa])
    np.fill_diagonal(apart, 0.0)
    tree = hierarchy.linkage(squareform(np.maximum(apart, 0.0), checks=False), "average")
    return [int(i) for i in hierarchy.leaves_list(tree)]


def _means(totals: Totals, *, professional: bool) -> dict[str, float]:
    """Mean total of each work over the readings of one pool."""
    given: dict[str, list[float]] = defaultdict(list)
    for work, total, pool in zip(
        totals.works, totals.totals, totals.professional.tolist(), strict=True
    ):
        if pool == professional:
            given[work].append(total)
    return {work: math.fsum(each) / len(each) for work, each in given.items()}


def _bland_altman(totals: Totals) -> dict[str, Any]:
    """Peers' mean totals less graders', against the mean of both."""
    graders, peers = (_means(totals, professional=pool) for pool in (True, False))
    both = sorted(graders.keys() & peers.keys())
    if len(both) < ENOUGH:
        return {"works": len(both), "points": []}
    columns = [peers[work] for work in both], [graders[work] for work in both]
    limits = agreement.bland_altman(columns)
    step = FINE if len(both) <= MANY else COARSE
    points: dict[tuple[float, float], int] = defaultdict(int)
    for peer, grader in zip(*columns, strict=True):
        points[round((peer + grader) / 2 / step) * step, round((peer - grader) / step) * step] += 1
    return {
        "works": len(both),
        "bias": _coefficient(limits.bias),
        "lower": _coefficient(limits.lower),
        "upper": _coefficient(limits.upper),
        "standard_deviation": limits.standard_deviation,
        "slope": None if math.isnan(limits.slope) else limits.slope,
        "step": step,
        "points": [[x, y, count] for (x, y), count in sorted(points.items())],
    }


def _levels(rubric: Rubric, readings: Sequence[SealedReading]) -> dict[str, Any]:
    """How often each level was given, by criterion and pool."""
    counts = {
        criterion.code: {pool: [0] * len(criterion.levels) for pool in ("professionals", "peers")}
        for criterion in rubric.criteria
    }
    works: dict[str, set[str]] = {"professionals": set(), "peers": set()}
    for reading in readings:
        pool = "professionals" if reading.professional else "peers"
        works[pool].add(reading.submission_id)
        for criterion, level in reading.levels.items():
            counts[criterion][pool][level] += 1
    return {"counts": counts, "works": {pool: len(found) for pool, found in works.items()}}


def _histogram(totals: Totals) -> dict[str, Any]:
    """How the graders' mean totals are spread, in steps of five points."""
    means = _means(totals, professional=True)
    edges = list(range(0, 101, HISTOGRAM))
    counts, _ = np.histogram(list(means.values()), edges)
    return {
        "works": len(means),
        "edges": edges,
        "counts": counts.tolist(),
        # Whole points, so that a page can say how many lie near the pass mark.
        "near": np.bincount(
            [round(min(max(mean, 0.0), 100.0)) for mean in means.values()], minlength=101
        ).tolist()
        if means
        else [],
    }
