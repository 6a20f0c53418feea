"""Intraclass correlation: the six forms, from the analysis of variance of complete data.

With marks missing there is no such analysis; use `grading.measurement.components.generalizability`.

References
----------
Shrout & Fleiss 1979, doi:10.1037/0033-2909.86.2.420; McGraw & Wong 1996,
doi:10.1037/1082-989X.1.1.30.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from grading.measurement.agreement.coefficient import NO_PAIRS, Coefficient
from grading.measurement.ratings import Ratings
from grading.phrases import phrase

AverageInterval = Literal["shrout_fleiss", "mcgraw_wong"]

FORMS = {
    "ICC(1,1)": "one reading, other raters for each work",
    "ICC(2,1)": "one reading, raters drawn at random, absolute agreement; ICC(A,1)",
    "ICC(3,1)": "one reading, these very raters, consistency; ICC(C,1)",
    "ICC(1,k)": "mean of the readings, other raters for each work",
    "ICC(2,k)": "mean of the readings, raters drawn at random, absolute agreement; ICC(A,k)",
    "ICC(3,k)": "mean of the readings, these very raters, consistency; ICC(C,k)",
}
INCOMPLETE = phrase("no work was rated by all raters; use variance components instead")
NO_SPREAD = phrase("all ratings are the same, so there is nothing to tell works apart by")


@dataclass(frozen=True)
class IntraclassCorrelations:
    """The six forms, and the mean squares they come from.

    Attributes
    ----------
    forms : mapping of str to Coefficient
        ``ICC(1,1)``, ``ICC(2,1)``, ``ICC(3,1)``, ``ICC(1,k)``, ``ICC(2,k)``, ``ICC(3,k)``.
    works, raters, residual, within : float
        Mean squares between works, between raters, of the residual, and within works.
    n_works, n_raters, dropped : int
        Works read by all raters; ratings on the others, and missing marks.
    """

    forms: Mapping[str, Coefficient]
    works: float
    raters: float
    residual: float
    within: float
    n_works: int
    n_raters: int
    dropped: int


def icc(
    data: Ratings | ArrayLike,
    *,
    confidence: float = 0.95,
    average_interval: AverageInterval = "shrout_fleiss",
) -> IntraclassCorrelations:
    """Compute the six intraclass correlations with their F intervals.

    Parameters
    ----------
    data : Ratings, or array_like of shape (works, raters)
        On one criterion. Works that a rater left out are passed over and counted.
    confidence : float
    average_interval : {"shrout_fleiss", "mcgraw_wong"}
        For ICC(2,k): the limits of ICC(2,1) stepped up by Spearman-Brown, or McGraw and Wong's own
        degrees of freedom. Programs differ here, so a report should say which.

    Returns
    -------
    IntraclassCorrelations
        NaN with a reason where fewer than two works or raters are complete, or nothing varies.

    Raises
    ------
    ValueError
        Several criteria, no table, or an unknown option.

    Examples
    --------
    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> round(icc(judges).forms["ICC(2,1)"].estimate, 2)
    0.29
    """
    if average_interval not in get_args(AverageInterval):
        raise ValueError(f"average_interval must be one of {', '.join(get_args(AverageInterval))}")
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    found = _from_ratings(data) if isinstance(data, Ratings) else _from_table(data)
    n, k = found.n, found.k
    if n < 2 or k < 2:
        reason = INCOMPLETE if found.paired else NO_PAIRS
        return _without(found, reason)
    between = found.between / (n - 1)
    raters = found.raters / (k - 1)
    residual = max(found.total - found.between - found.raters, 0.0) / ((n - 1) * (k - 1))
    within = max(found.total - found.between, 0.0) / (n * (k - 1))
    # Sums of squares of whole scores come out as a rounding error where nothing varies.
    if found.total <= 1e-12 * max(found.scale, 1.0):
        return _without(found, NO_SPREAD)
    squares = _Squares(n, k, between, raters, residual, within)
    intervals = _intervals(squares, confidence, average_interval)
    values = {
        "ICC(1,1)": _ratio(between - within, between + (k - 1) * within),
        "ICC(2,1)": _ratio(
            between - residual, between + (k - 1) * residual + k * (raters - residual) / n
        ),
        "ICC(3,1)": _ratio(between - residual, between + (k - 1) * residual),
        "ICC(1,k)": _ratio(between - within, between),
        "ICC(2,k)": _ratio(between - residual, between + (raters - residual) / n),
        "ICC(3,k)": _ratio(between - residual, between),
    }
    forms = {}
    for name, value in values.items():
        method = f"{name}: {FORMS[name]}; F interval"
        if name == "ICC(2,k)":
            method += {
                "shrout_fleiss": ", Spearman-Brown of ICC(2,1) (Shrout & Fleiss)",
                "mcgraw_wong": ", own degrees of freedom (McGraw & Wong)",
            }[average_interval]
        undefined = math.isnan(value)
        forms[name] = Coefficient(
            estimate=value,
            method=method,
            interval=(math.nan, math.nan) if undefined else intervals[name],
            n_works=n,
            n_raters=k,
            n_pairable=n * k,
            dropped=found.dropped,
            reason=phrase("works do not differ, so the ratio has no value") if undefined else None,
        )
    return IntraclassCorrelations(forms, between, raters, residual, within, n, k, found.dropped)


@dataclass(frozen=True)
class _Sums:
    """Sums of squares of complete works about the mean, and how many were complete."""

    n: int
    k: int
    between: float
    raters: float
    total: float
    scale: float
    dropped: int
    paired: bool


@dataclass(frozen=True)
class _Squares:
    n: int
    k: int
    between: float
    raters: float
    residual: float
    within: float


def _from_ratings(ratings: Ratings) -> _Sums:
    if not ratings.one_criterion:
        raise ValueError("agreement is of one criterion at a time")
    if not len(ratings):
        return _Sums(0, 0, 0.0, 0.0, 0.0, 0.0, ratings.dropped, False)
    k = ratings.n_raters
    work, rater, level = ratings.work, ratings.rater, ratings.level
    n, paired = len(ratings.works), True
    # Nobody rates a work twice, so as many ratings as works times raters can only be all of them.
    if n * k != len(ratings):
        sizes = np.bincount(work, minlength=n)
        complete = sizes == k
        n, paired = int(complete.sum()), bool(np.any(sizes > 1))
        rows = complete[work]
        work, rater, level = work[rows], rater[rows], level[rows]
    dropped = ratings.dropped + len(ratings) - n * k
    if n < 2 or k < 2:
        return _Sums(n, k, 0.0, 0.0, 0.0, 0.0, dropped, paired)
    q = len(ratings.levels)
    cells = np.bincount(rater * np.int64(q) + level, minlength=len(ratings.raters) * q)
    given = cells.reshape(-1, q)
    counts = given.sum(axis=0)
    values = np.asarray(ratings.levels, dtype=float)
    scale = float(counts @ values**2)
    # About the mean first: sums of squares of large numbers would swallow small differences.
    values = values - float(counts @ values) / (n * k)
    by_work = np.bincount(work, weights=values[level])
    by_rater = given @ values
    return _Sums(
        n,
        k,
        float(by_work @ by_work) / k,
        float(by_rater @ by_rater) / n,
        float(counts @ values**2),
        scale,
        dropped,
        True,
    )


def _from_table(data: ArrayLike) -> _Sums:
    table = np.asarray(data, dtype=float)
    if table.ndim != 2:
        raise ValueError("the table must have a row a work and a column a rater")
    there = ~np.isnan(table)
    complete = table[there.all(axis=1)]
    n, k = complete.shape
    dropped = int(table.size - complete.size)
    if n < 2 or k < 2:
        return _Sums(n, k, 0.0, 0.0, 0.0, 0.0, dropped, bool(np.any(there.sum(axis=1) > 1)))
    scores = complete - complete.mean()
    return _Sums(
        n,
        k,
        float((scores.mean(axis=1) ** 2).sum()) * k,
        float((scores.mean(axis=0) ** 2).sum()) * n,
        float((scores**2).sum()),
        float((complete**2).sum()),
        dropped,
        True,
    )


def _without(found: _Sums, reason: str) -> IntraclassCorrelations:
    forms = {
        name: Coefficient(
            estimate=math.nan,
            method=f"{name}: {words}",
            n_works=found.n,
            n_raters=found.k,
            n_pairable=found.n * found.k,
            dropped=found.dropped,
            reason=reason,
        )
        for name, words in FORMS.items()
    }
    nan = math.nan
    return IntraclassCorrelations(forms, nan, nan, nan, nan, found.n, found.k, found.dropped)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan


def _quantile(df1: float, df2: float, tail: float) -> float:
    return float(special.fdtri(df1, df2, tail))


def _by(above: float, below: float) -> float:
    """A ratio that may be infinite: perfect agreement leaves no residual."""
    return above / below if below else math.inf


def _intervals(
    s: _Squares, confidence: float, average_interval: AverageInterval
) -> dict[str, tuple[float, float]]:
    n, k, tail = s.n, s.k, (1 + confidence) / 2
    one_way = _f_limits(_by(s.between, s.within), n - 1, n * (k - 1), tail)
    two_way = _f_limits(_by(s.between, s.residual), n - 1, (n - 1) * (k - 1), tail)
    absolute = _absolute(s, tail, average=False)
    if average_interval == "shrout_fleiss":
        average = (_stepped_up(absolute[0], k), _stepped_up(absolute[1], k))
    else:
        average = _absolute(s, tail, average=True)
    return {
        "ICC(1,1)": (_single(one_way[0], k), _single(one_way[1], k)),
        "ICC(2,1)": absolute,
        "ICC(3,1)": (_single(two_way[0], k), _single(two_way[1], k)),
        "ICC(1,k)": (1 - _by(1.0, one_way[0]), 1 - _by(1.0, one_way[1])),
        "ICC(2,k)": average,
        "ICC(3,k)": (1 - _by(1.0, two_way[0]), 1 - _by(1.0, two_way[1])),
    }


def _f_limits(f: float, df1: int, df2: int, tail: float) -> tuple[float, float]:
    return f / _quantile(df1, df2, tail), f * _quantile(df2, df1, tail)


def _single(f: float, k: int) -> float:
    return 1.0 if math.isinf(f) else (f - 1) / (f + k - 1)


def _stepped_up(value: float, k: int) -> float:
    return _ratio(k * value, 1 + (k - 1) * value)


def _absolute(s: _Squares, tail: float, *, average: bool) -> tuple[float, float]:
    """McGraw & Wong's limits for absolute agreement, of one reading or of the mean of k."""
    n, k = s.n, s.k
    below = s.between + (s.raters - s.residual) / n
    single = below + (k - 1) * (s.residual + (s.raters - s.residual) / n)
    value = _ratio(s.between - s.residual, below if average else single)
    if math.isnan(value):
        return math.nan, math.nan
    if value >= 1:
        return 1.0, 1.0
    c = k * value / (n * (1 - value))
    d = 1 + k * value * (n - 1) / (n * (1 - value))
    parts = (c * s.raters) ** 2 / (k - 1) + (d * s.residual) ** 2 / ((n - 1) * (k - 1))
    df = (c * s.raters + d * s.residual) ** 2 / parts if parts > 0 else math.nan
    upper, lower = _quantile(n - 1, df, tail), _quantile(df, n - 1, tail)
    if average:
        low = (
            n * (s.between - upper * s.residual) / (upper * (s.raters - s.residual) + n * s.between)
        )
        high = (
            n * (lower * s.between - s.residual) / (s.raters - s.residual + n * lower * s.between)
        )
        return low, high
    rest = k * s.raters + (k * n - k - n) * s.residual
    low = n * (s.between - upper * s.residual) / (upper * rest + n * s.between)
    high = n * (lower * s.between - s.residual) / (rest + n * lower * s.between)
    return low, high
