"""Shares of all pairs of ratings that agree, without a correction for chance."""

from dataclasses import replace
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.agreement.additive import (
    Additive,
    pair_sums,
    ratio,
)
from grading.measurement.agreement.coefficient import (
    ONE_WORK,
    Coefficient,
    undefined,
    with_spread,
)
from grading.measurement.agreement.seen import (
    Asked,
    Data,
    Intervals,
    Seen,
    linearised,
    pairs_share,
    resampled,
    seen_as,
)
from grading.measurement.agreement.weights import (
    Weighting,
    weighting,
)


def percent_exact(
    data: Data,
    *,
    levels: ArrayLike | None = None,
    **options: Unpack[Intervals],
) -> Coefficient:
    """Share of all pairs of ratings of a work that are on the same level.

    Parameters
    ----------
    data : Ratings, Units, or array_like of shape (works, q)
    levels : array_like, shape (q,), optional
        Scores of the levels where ``data`` is counts; 0, 1, 2 … by default.
    **options
        ``interval``, ``confidence``, ``resamples``, ``seed``: see `seen.Intervals`.

    Returns
    -------
    Coefficient
        NaN where no work was rated twice.

    Raises
    ------
    ValueError
        Several criteria, counts that are none, or an unknown option.

    Examples
    --------
    >>> round(percent_exact([[2, 0], [1, 1], [0, 3]]).estimate, 3)
    0.8
    """
    seen = seen_as(data, levels)
    w = weighting("identity", seen.levels)
    asked = Asked(**options)
    return _pooled(seen, w, "exact agreement", asked)


def percent_adjacent(
    data: Data,
    *,
    levels: ArrayLike | None = None,
    **options: Unpack[Intervals],
) -> Coefficient:
    """Share of all pairs of ratings of a work at most one level apart; otherwise as `percent_exact`.

    Examples
    --------
    >>> percent_adjacent([[1, 0, 1], [1, 1, 0]]).estimate
    0.5
    """
    seen = seen_as(data, levels)
    q = len(seen.levels)
    near = np.abs(np.subtract.outer(np.arange(q), np.arange(q))) <= 1
    w = Weighting("adjacent", seen.levels, near.astype(float))
    asked = Asked(**options)
    return _pooled(seen, w, "adjacent agreement", asked)


def _pooled(seen: Seen, w: Weighting, name: str, asked: Asked) -> Coefficient:
    found = seen.coefficient(f"{name}, share of all pairs")
    if found.reason:
        return found
    value = pairs_share(seen, w)
    found = replace(found, estimate=value)
    if asked.interval != "analytic":
        additive = Additive(partial(pair_sums, w), ratio, 2, 2)
        return with_spread(found, resampled(seen, additive, asked))
    units = seen.units.select(seen.units.sizes >= 2)
    n = float(units.times.sum())
    if n < 2:
        return with_spread(found, undefined("linearised over works", ONE_WORK))
    pairs = units.sizes * (units.sizes - 1)
    alike = units.agreeing(w) - units.sizes
    influence = value + (alike - value * pairs) / (float(units.times @ pairs) / n)
    return with_spread(found, linearised(influence, units.times, n, value, asked))
