"""How far raters agree, from long ratings or from a table of pairs.

What is undefined is NaN with the reason in words, never 0 or 1.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grading.measurement.ratings import Ratings

Table = NDArray[np.float64]
Weights = Literal["identity", "linear", "quadratic"]
Metric = Literal["nominal", "ordinal", "interval", "ratio"]

NO_PAIRS = "not enough ratings: no work was rated twice"
ONE_LEVEL = "all ratings are the same level, so agreement beyond chance is undefined"
# Where this many pairs agree and kappa is still below that, its margins explain it, not the raters.
PARADOX_EXACT, PARADOX_KAPPA = 0.9, 0.4


@dataclass(frozen=True)
class Coefficient:
    """A chance-corrected coefficient.

    Attributes
    ----------
    estimate, standard_error : float
        NaN where undefined; ``standard_error`` also where none is given.
    n : int
        Pairs for a kappa, works with at least two ratings for alpha.
    method : str
    reason : str or None
        Why ``estimate`` is NaN.
    """

    estimate: float
    standard_error: float
    n: int
    method: str
    reason: str | None = None


@dataclass(frozen=True)
class Agreement:
    """How far a set of raters agree.

    Attributes
    ----------
    exact, adjacent : float
        Shares of pairs on the same level, and at most one level apart; NaN without pairs.
    quadratic_kappa, alpha : Coefficient
        ``alpha`` is Krippendorff's, ordinal.
    n_works : int
        Works with at least one pair.
    n_pairs, dropped : int
    note : str or None
        Says so where percent agreement and kappa part because nearly all ratings are alike.
    """

    exact: float
    adjacent: float
    quadratic_kappa: Coefficient
    alpha: Coefficient
    n_works: int
    n_pairs: int
    dropped: int
    note: str | None


def agreement_weights(q: int, weights: Weights) -> Table:
    """Weights of agreement for q levels: 1 on the diagonal, falling with distance.

    ``linear`` is ``1 - |i - j| / (q - 1)``, ``quadratic`` the same with squares (Fleiss & Cohen 1973).
    """
    i, j = np.indices((q, q))
    if weights == "identity" or q < 2:
        return np.asarray(i == j, dtype=float)
    distance = np.abs(i - j) / (q - 1)
    return np.asarray(1.0 - (distance if weights == "linear" else distance**2))


def cohen_kappa(
    table: ArrayLike,
    *,
    weights: Weights = "identity",
    disagreement: ArrayLike | None = None,
    n: float | None = None,
) -> Coefficient:
    """Cohen's (weighted) kappa of a table of pairs, with its large-sample standard error.

    Parameters
    ----------
    table : array_like, shape (q, q)
        Counts, or proportions together with ``n``.
    disagreement : array_like, shape (q, q), optional
        General weights of disagreement, 0 on the diagonal, instead of ``weights`` (Cohen 1968).

    Returns
    -------
    Coefficient
        NaN where there are no pairs, or chance agreement is complete.

    References
    ----------
    Cohen 1968, doi:10.1037/h0026256; Fleiss, Cohen & Everitt 1969, doi:10.1037/h0028106.

    Examples
    --------
    >>> round(cohen_kappa([[20, 5], [10, 15]]).estimate, 3)
    0.4
    """
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or np.any(counts < 0):
        raise ValueError("the table must be square, of counts that are at least 0")
    total = float(counts.sum())
    size = total if n is None else n
    method = (
        f"Cohen's kappa, {weights} weights" if disagreement is None else "Cohen's weighted kappa"
    )
    if total <= 0:
        return Coefficient(math.nan, math.nan, 0, method, NO_PAIRS)
    if disagreement is None:
        w = agreement_weights(len(counts), weights)
    else:
        d = np.asarray(disagreement, dtype=float)
        w = 1.0 - d / d.max()
    p = counts / total
    rows, columns = p.sum(1), p.sum(0)
    observed = float((p * w).sum())
    expected = float(rows @ w @ columns)
    if math.isclose(expected, 1.0, abs_tol=1e-15):
        return Coefficient(math.nan, math.nan, round(size), method, ONE_LEVEL)
    kappa = (observed - expected) / (1 - expected)
    mean_weights = (w @ columns)[:, None] + (w.T @ rows)[None, :]
    spread = (p * (w * (1 - expected) - mean_weights * (1 - observed)) ** 2).sum()
    variance = (spread - (observed * expected - 2 * expected + observed) ** 2) / (
        size * (1 - expected) ** 4
    )
    return Coefficient(kappa, math.sqrt(max(variance, 0.0)), round(size), method)


def counts_by_work(ratings: Ratings) -> Table:
    """Count each work's ratings by level: shape (works that have any, q). One criterion only."""
    q = len(ratings.levels)
    if not len(ratings):
        return np.zeros((0, max(q, 1)))
    _, work = np.unique(ratings.work, return_inverse=True)
    cells = work.astype(np.int64) * q + ratings.level
    return np.bincount(cells, minlength=(int(work.max()) + 1) * q).reshape(-1, q).astype(float)


def _metric(margins: Table, levels: Table, metric: Metric) -> Table:
    """Krippendorff's squared differences between levels."""
    q = len(margins)
    if metric == "nominal":
        return 1.0 - np.eye(q)
    if metric == "interval":
        return np.asarray((levels[:, None] - levels[None, :]) ** 2)
    if metric == "ratio":
        total = levels[:, None] + levels[None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = ((levels[:, None] - levels[None, :]) / total) ** 2
        return np.asarray(np.where(total == 0, 0.0, ratio))
    upto = np.cumsum(margins)
    between = np.abs(upto[:, None] - upto[None, :])
    # All ratings from one level to the other, half of those on the two themselves.
    low = np.minimum.outer(np.arange(q), np.arange(q))
    high = np.maximum.outer(np.arange(q), np.arange(q))
    ends = (margins[low] - margins[high]) / 2
    return np.asarray((between + ends) ** 2)


def krippendorff_alpha(
    counts: ArrayLike, *, metric: Metric = "ordinal", levels: ArrayLike | None = None
) -> Coefficient:
    """Krippendorff's alpha from the counts of each work's ratings by level.

    Parameters
    ----------
    counts : array_like, shape (works, q)
        As `counts_by_work` gives them; works with fewer than two ratings are passed over.
    levels : array_like, shape (q,), optional
        Values of the levels for ``interval`` and ``ratio``; 0, 1, 2 … by default.

    Returns
    -------
    Coefficient
        NaN without a work rated twice, or when all ratings are one level.

    References
    ----------
    Krippendorff, Content Analysis (2019), chapter 12; doi:10.4135/9781071878781.

    Examples
    --------
    >>> round(krippendorff_alpha([[2, 0], [0, 2], [1, 1]]).estimate, 3)
    0.444
    """
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2:
        raise ValueError("the counts must have a row a work and a column a level")
    method = f"Krippendorff's alpha, {metric}"
    sizes = table.sum(1)
    table, sizes = table[sizes >= 2], sizes[sizes >= 2]
    if not len(table):
        return Coefficient(math.nan, math.nan, 0, method, NO_PAIRS)
    margins = table.sum(0)
    n = float(margins.sum())
    share = table / (sizes - 1)[:, None]
    coincidences = share.T @ table - np.diag(share.sum(0))
    values = np.arange(table.shape[1], dtype=float) if levels is None else np.asarray(levels, float)
    delta = _metric(margins, values, metric)
    observed = float((coincidences * delta).sum()) / n
    expected = float(margins @ delta @ margins) / (n * (n - 1))
    if expected <= 0:
        return Coefficient(math.nan, math.nan, len(table), method, ONE_LEVEL)
    return Coefficient(1 - observed / expected, math.nan, len(table), method)


def percent_exact(table: ArrayLike) -> float:
    """Share of pairs on the same level; NaN without pairs."""
    counts = np.asarray(table, dtype=float)
    total = counts.sum()
    return float(np.trace(counts) / total) if total > 0 else math.nan


def percent_adjacent(table: ArrayLike) -> float:
    """Share of pairs at most one level apart; NaN without pairs."""
    counts = np.asarray(table, dtype=float)
    total = counts.sum()
    i, j = np.indices(counts.shape)
    return float(counts[np.abs(i - j) <= 1].sum() / total) if total > 0 else math.nan


def pairs_within(ratings: Ratings) -> Table:
    """Count all pairs of ratings of the same work, by their two levels.

    With exactly two raters the first is the row, the second the column, so that `cohen_kappa` is
    Cohen's. With more, who comes first means nothing, and each pair is counted half in either order.
    """
    raters = np.unique(ratings.rater)
    q = len(ratings.levels)
    if len(raters) == 2:
        return pairs_between(
            ratings.where(ratings.rater == raters[0]), ratings.where(ratings.rater == raters[1])
        )
    counts = counts_by_work(ratings)
    if not len(counts):
        return np.zeros((q, q))
    return np.asarray((counts.T @ counts - np.diag(counts.sum(0))) / 2)


def pairs_between(one: Ratings, other: Ratings) -> Table:
    """Count all pairs of a rating of one pool and one of the other, of the same work: rows, columns.

    Both must be of one coding, as two `Ratings.where` of the same ratings are.
    """
    if one.levels != other.levels or one.works != other.works:
        raise ValueError("the two pools must be coded alike")
    q, n = len(one.levels), len(one.works)
    first = np.bincount(one.work.astype(np.int64) * q + one.level, minlength=n * q).reshape(n, q)
    second = np.bincount(other.work.astype(np.int64) * q + other.level, minlength=n * q).reshape(
        n, q
    )
    return np.asarray(first.T.astype(float) @ second.astype(float))


def _agreement(
    table: Table, alpha: Coefficient, n_works: int, dropped: int, *, independent: bool
) -> Agreement:
    exact = percent_exact(table)
    kappa = cohen_kappa(table, weights="quadratic")
    if not independent:
        # Pairs that share a rating are not independent, and the formula would claim too much.
        kappa = replace(kappa, standard_error=math.nan)
    paradox = exact >= PARADOX_EXACT and (
        kappa.estimate < PARADOX_KAPPA or math.isnan(kappa.estimate)
    )
    return Agreement(
        exact=exact,
        adjacent=percent_adjacent(table),
        quadratic_kappa=kappa,
        alpha=alpha,
        n_works=n_works,
        n_pairs=round(float(table.sum())),
        dropped=dropped,
        note="nearly all ratings are one level, so kappa says little here" if paradox else None,
    )


def within(ratings: Ratings) -> Agreement:
    """Agreement of raters among each other, on one criterion.

    Raises
    ------
    ValueError
        The ratings are of several criteria.
    """
    if len(np.unique(ratings.criterion)) > 1:
        raise ValueError("agreement is of one criterion at a time")
    counts = counts_by_work(ratings)
    return _agreement(
        pairs_within(ratings),
        krippendorff_alpha(counts),
        int((counts.sum(1) >= 2).sum()),
        ratings.dropped,
        independent=len(np.unique(ratings.rater)) == 2,
    )


def between(one: Ratings, other: Ratings) -> Agreement:
    """Agreement of two pools on the same works: every pair across, none within.

    Alpha is of the two pools' medians on works that both read, as if each pool were one rater.
    """
    table = pairs_between(one, other)
    both = np.intersect1d(one.work, other.work)
    counts = np.zeros((len(both), len(one.levels)))
    for pool in (one, other):
        medians = _medians(pool, both)
        counts[np.arange(len(both)), medians] += 1
    return _agreement(table, krippendorff_alpha(counts), len(both), one.dropped, independent=False)


def _medians(ratings: Ratings, works: NDArray[np.int32]) -> NDArray[np.int64]:
    """The lower median level of each of the works."""
    rows = np.isin(ratings.work, works)
    order = np.lexsort((ratings.level[rows], ratings.work[rows]))
    work, level = ratings.work[rows][order], ratings.level[rows][order]
    starts = np.searchsorted(work, works)
    sizes = np.searchsorted(work, works, side="right") - starts
    return np.asarray(level[starts + (sizes - 1) // 2], dtype=np.int64)
