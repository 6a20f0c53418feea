"""Two raters: Cohen's kappa of a table of pairs, and how to make that table.

References
----------
Cohen 1960, doi:10.1177/001316446002000104; Cohen 1968, doi:10.1037/h0026256; Fleiss, Cohen &
Everitt 1969, doi:10.1037/h0028106.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grading.measurement.agreement.additive import Additive
from grading.measurement.agreement.coefficient import (
    NO_PAIRS,
    ONE_LEVEL,
    PARADOX,
    PARADOX_EXACT,
    PARADOX_VALUE,
    TWO_RATERS,
    Coefficient,
    Interval,
    Spread,
    check_interval,
    over_works,
    symmetric,
    undefined,
    with_spread,
)
from grading.measurement.agreement.units import BLOCK, Patterns, units_of
from grading.measurement.agreement.weights import Table, Weighting, Weights, weighting
from grading.measurement.ratings import Ratings
from grading.phrases import phrase

# 4,096 counters of 8 bytes are as many as the nearest cache holds.
MOST_BITS = 12


def pair_table(first: ArrayLike, second: ArrayLike, *, levels: Sequence[float]) -> Table:
    """Count the pairs of two aligned columns of ratings: the first is the row, the second the column.

    Parameters
    ----------
    first, second : array_like, shape (n,)
        Two ratings of each work; a pair with a NaN is left out.
    levels : sequence of numbers
        The scale, rising.

    Raises
    ------
    ValueError
        Lengths differ, or a rating is not on the scale.

    Examples
    --------
    >>> pair_table([0, 1, 1], [0, 1, 0], levels=range(2)).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError("the two columns must have one length")
    q = len(levels)
    if not len(one) or not q:
        return np.zeros((q, q))
    if one.dtype.kind == other.dtype.kind == "i" and list(levels) == list(range(q)):
        return _codes_counted(one, other, q)
    both = np.column_stack([one, other]).astype(float)
    both = both[~np.isnan(both).any(axis=1)]
    scale = np.asarray(levels, dtype=float)
    index = np.minimum(np.searchsorted(scale, both), q - 1)
    if np.any(scale[index] != both):
        raise ValueError("a rating is not on the scale")
    return np.bincount(index[:, 0] * q + index[:, 1], minlength=q * q).reshape(q, q).astype(float)


def _codes_counted(one: NDArray[Any], other: NDArray[Any], q: int) -> Table:
    """`pair_table` of whole numbers from 0 to q - 1: shifts and masks, block by block in the cache."""
    bits = (q - 1).bit_length()
    # Two pairs counted as one are half as much to count, as long as the counters stay in the cache.
    at_once = 2 if 4 * bits <= MOST_BITS else 1
    counts = np.zeros(1 << 2 * bits * at_once, np.int64)
    room = np.empty(min(len(one), BLOCK), np.int64)
    for start in range(0, len(one), BLOCK):
        first, second = one[start : start + BLOCK], other[start : start + BLOCK]
        # Below 0 and above the bits that the scale needs, one look at both sees a wrong number.
        if int(np.bitwise_or.reduce(first) | np.bitwise_or.reduce(second)) >> bits:
            raise ValueError("a rating is not on the scale")
        n = len(first) // at_once
        cells = np.left_shift(first[:n], bits, out=room[:n], dtype=np.int64)
        cells |= second[:n]
        for part in range(1, at_once):
            for column in (first, second):
                cells <<= bits
                cells |= column[part * n : (part + 1) * n]
        counts += np.bincount(cells, minlength=len(counts))
    if at_once == 2:
        both = counts.reshape(1 << 2 * bits, 1 << 2 * bits)
        counts = both.sum(0) + both.sum(1)
        if len(one) % 2:
            counts[(int(one[-1]) << bits) | int(other[-1])] += 1
    table = counts.reshape(1 << bits, 1 << bits)
    # The bits of five levels would hold eight.
    if table[q:].any() or table[:, q:].any():
        raise ValueError("a rating is not on the scale")
    return table[:q, :q].astype(float)


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
    units = units_of(ratings)
    if isinstance(units, Patterns):
        counts, times = units.counts, units.times
        both = counts.T @ (counts * times[:, None])
        table = (both - np.diag(times @ counts)) / 2
    else:
        table = np.zeros((q, q))
        order = np.argsort(units.work, kind="stable")
        work, level = units.work[order], units.level[order]
        for apart in range(1, int(units.sizes.max(initial=0))):
            same = work[apart:] == work[:-apart]
            cells = level[apart:][same] * np.int64(q) + level[:-apart][same]
            table += np.bincount(cells, minlength=q * q).reshape(q, q)
        table = (table + table.T) / 2
    return np.asarray(table) if q else np.zeros((0, 0))


def pairs_between(one: Ratings, other: Ratings) -> Table:
    """Count all pairs of a rating of one pool and one of the other, of the same work: rows, columns.

    Both must be of one coding, as two `Ratings.where` of the same ratings are.

    Raises
    ------
    ValueError
        The two are coded differently.
    """
    if one.levels != other.levels or one.works != other.works:
        raise ValueError("the two pools must be coded alike")
    q = len(one.levels)
    works = np.intersect1d(one.work, other.work)
    tables = []
    for pool in (one, other):
        place = np.minimum(np.searchsorted(works, pool.work), max(len(works) - 1, 0))
        there = works[place] == pool.work if len(works) else np.zeros(len(pool), dtype=bool)
        cells = place[there] * np.int64(q) + pool.level[there]
        tables.append(np.bincount(cells, minlength=len(works) * q).reshape(len(works), q))
    return np.asarray(tables[0].T.astype(float) @ tables[1].astype(float))


def cohen_kappa(
    data: Ratings | ArrayLike,
    *,
    weights: Weights | ArrayLike = "identity",
    disagreement: ArrayLike | None = None,
    n: float | None = None,
    levels: ArrayLike | None = None,
    interval: Interval = "analytic",
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Coefficient:
    """Cohen's (weighted) kappa of two raters, with its large-sample standard error.

    Parameters
    ----------
    data : Ratings, or array_like of shape (q, q)
        Ratings by two raters on one criterion; or the table of their pairs: counts, or proportions
        together with ``n``.
    weights : str or array_like, shape (q, q)
        Weights of agreement, see `grading.measurement.agreement.weights.weighting`.
    disagreement : array_like, shape (q, q), optional
        General weights of disagreement, 0 on the diagonal, instead of ``weights`` (Cohen 1968).
    levels : array_like, shape (q,), optional
        Scores of the levels of a table; 0, 1, 2 … by default.
    interval : {"analytic", "bootstrap", "two_way"}
        The analytic one is normal. ``two_way`` is undefined: there are two raters.
    confidence, resamples, seed
        As in `grading.measurement.agreement.percent_exact`.

    Returns
    -------
    Coefficient
        NaN where there are no pairs, more than two raters, or chance agreement is complete.

    Raises
    ------
    ValueError
        No square table, or weights that do not fit.

    References
    ----------
    Cohen 1968, doi:10.1037/h0026256; Fleiss, Cohen & Everitt 1969, doi:10.1037/h0028106.

    Examples
    --------
    >>> round(cohen_kappa([[20, 5], [10, 15]]).estimate, 3)
    0.4
    """
    check_interval(interval, confidence)
    found = Coefficient(estimate=math.nan, method="Cohen's kappa", n_raters=2)
    if isinstance(data, Ratings):
        raters = data.n_raters
        if not data.one_criterion:
            raise ValueError("agreement is of one criterion at a time")
        if raters > 2:
            return replace(
                found,
                n_raters=raters,
                reason=phrase("Cohen's kappa is of two raters; there are more"),
            )
        counts = pairs_within(data) if raters == 2 else np.zeros((0, 0))
        scale = np.asarray(data.levels, dtype=float)
        paired = 2 * round(float(counts.sum()))
        found = replace(found, n_raters=raters, dropped=data.dropped + len(data) - paired)
    else:
        counts = np.asarray(data, dtype=float)
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or np.any(counts < 0):
            raise ValueError("the table must be square, of counts that are at least 0")
        scale = np.arange(len(counts), dtype=float) if levels is None else np.asarray(levels, float)
    total = float(counts.sum())
    size = total if n is None else n
    name = weights if isinstance(weights, str) else "custom"
    method = (
        "Cohen's weighted kappa" if disagreement is not None else f"Cohen's kappa, {name} weights"
    )
    if total <= 0:
        return replace(found, method=method, reason=NO_PAIRS)
    w = _agreement(weights, disagreement, scale)
    p = counts / total
    exact = float(np.trace(p))
    table = w.full()
    kappa = float(_kappa(p.ravel(), table))
    found = replace(
        found,
        method=method,
        n_works=round(size),
        n_pairable=2 * round(size),
        note=PARADOX if exact >= PARADOX_EXACT and not kappa >= PARADOX_VALUE else None,
        estimate=kappa,
        reason=ONE_LEVEL if math.isnan(kappa) else None,
    )
    if math.isnan(kappa):
        return found
    if interval == "two_way":
        return with_spread(found, undefined("two-way", TWO_RATERS))
    if interval == "bootstrap":
        # The table as one long row, so that a resample is a row too.
        additive = Additive(lambda cells, _: cells, lambda cells: _kappa(cells, table), p.size, 0)
        cells = Patterns(np.eye(p.size), np.round(p.ravel() * size))
        options = {"confidence": confidence, "resamples": resamples, "seed": seed}
        return with_spread(found, over_works(additive, cells, **options))  # type: ignore[arg-type]
    return with_spread(found, _large_sample(p, table, kappa, size, confidence))


def _agreement(
    weights: Weights | ArrayLike, disagreement: ArrayLike | None, scale: Table
) -> Weighting:
    if disagreement is None:
        return weighting(weights, scale)
    d = np.asarray(disagreement, dtype=float)
    return Weighting("custom", scale, 1.0 - d / d.max())


def _kappa(cells: Table, w: Table) -> Table:
    q = len(w)
    p = cells.reshape(*cells.shape[:-1], q, q)
    p = p / p.sum((-1, -2), keepdims=True)
    rows, columns = p.sum(-1), p.sum(-2)
    observed = (p * w).sum((-1, -2))
    expected = ((rows @ w) * columns).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            np.where(expected < 1 - 1e-15, (observed - expected) / (1 - expected), np.nan)
        )


def _large_sample(p: Table, w: Table, kappa: float, size: float, confidence: float) -> Spread:
    rows, columns = p.sum(1), p.sum(0)
    observed, expected = float((p * w).sum()), float(rows @ w @ columns)
    means = (w @ columns)[:, None] + (w.T @ rows)[None, :]
    spread = (p * (w * (1 - expected) - means * (1 - observed)) ** 2).sum()
    variance = (spread - (observed * expected - 2 * expected + observed) ** 2) / (
        size * (1 - expected) ** 4
    )
    error = math.sqrt(max(float(variance), 0.0))
    return Spread(error, symmetric(kappa, error, confidence=confidence), "large-sample normal")
