"""How a rater differs from others and over time: severity, halo, range, order, pace.

Residuals are those of ``control_charts``: never against a mean that holds the rater's own reading.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from grading.measurement.monitoring.control_charts import checked
from grading.phrases import phrase

TOO_FEW = phrase("not enough yet")


@dataclass(frozen=True)
class Effect:
    """A number with its uncertainty; NaN with a reason where undefined.

    Attributes
    ----------
    estimate, standard_error : float
    interval : tuple of float
        95 %.
    n : int
    reason : str or None
    """

    estimate: float
    standard_error: float
    interval: tuple[float, float]
    n: int
    reason: str | None = None


def _undefined(n: int, reason: str = TOO_FEW) -> Effect:
    return Effect(math.nan, math.nan, (math.nan, math.nan), n, reason)


def _effect(estimate: float, error: float, n: int, degrees: float = math.inf) -> Effect:
    half = float(stats.t.ppf(0.975, degrees) if math.isfinite(degrees) else stats.norm.ppf(0.975))
    return Effect(estimate, error, (estimate - half * error, estimate + half * error), n)


def severity(residual: ArrayLike, variance: ArrayLike) -> Effect:
    """How much stricter than expected a rater marks, in levels: positive is stricter.

    Examples
    --------
    >>> effect = severity([-0.5, -0.5, -0.5, -0.5], [0.25] * 4)
    >>> effect.estimate, effect.standard_error
    (0.5, 0.25)
    """
    r, v = checked(residual, variance)
    if not len(r):
        return _undefined(0)
    precision = float((1 / v).sum())
    return _effect(-float((r / v).sum()) / precision, math.sqrt(1 / precision), len(r))


@dataclass(frozen=True)
class ValidityAgreement:
    """A rater against definitive levels on one criterion.

    Attributes
    ----------
    exact, adjacent : float
        Shares; NaN without any.
    difference : Effect
        Mean of reading less definitive level.
    beyond : int
        Readings further away than the tolerance.
    n : int
    """

    exact: float
    adjacent: float
    difference: Effect
    beyond: int
    n: int


def validity(
    levels: Sequence[int], definitive: Sequence[int], *, tolerance: int
) -> ValidityAgreement:
    """Compare readings of validity papers with their definitive levels.

    Examples
    --------
    >>> found = validity([2, 3, 1, 4], [2, 2, 1, 1], tolerance=1)
    >>> found.exact, found.adjacent, found.beyond
    (0.5, 0.75, 1)
    """
    gap = np.asarray(levels, dtype=float) - np.asarray(definitive, dtype=float)
    n = len(gap)
    if not n:
        return ValidityAgreement(math.nan, math.nan, _undefined(0), 0, 0)
    if n < 2 or not gap.std():
        difference = Effect(
            float(gap.mean()), math.nan, (math.nan, math.nan), n, "no spread to judge by"
        )
    else:
        difference = _effect(
            float(gap.mean()), float(gap.std(ddof=1)) / math.sqrt(n), n, degrees=n - 1
        )
    away = np.abs(gap)
    return ValidityAgreement(
        float((away == 0).mean()),
        float((away <= 1).mean()),
        difference,
        int((away > tolerance).sum()),
        n,
    )


def halo(residual: ArrayLike) -> Effect:
    """How much of a rater's deviation is common to all criteria of a sheet: 0 none, 1 all.

    Parameters
    ----------
    residual : array_like, shape (sheets, criteria)

    Returns
    -------
    Effect
        The intraclass correlation of residuals within sheets (one-way), with its large-sample standard
        error; undefined below ten sheets or two criteria.

    References
    ----------
    Fisher 1925, Statistical Methods, §39; Murphy & Cleveland 1995 on halo as shared deviation.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> shared = rng.normal(size=(2000, 1))
    >>> round(halo(shared + rng.normal(size=(2000, 4))).estimate, 1)
    0.5
    """
    table = np.asarray(residual, dtype=float)
    if table.ndim != 2 or table.shape[1] < 2:
        return _undefined(len(table), phrase("one criterion has no halo"))
    table = table[~np.isnan(table).any(axis=1)]
    n, k = table.shape
    if n < 10:
        return _undefined(n)
    table = table - table.mean(axis=0)
    between = k * float(table.mean(axis=1).var(ddof=1))
    within = float(((table - table.mean(axis=1, keepdims=True)) ** 2).sum()) / ((n - 1) * (k - 1))
    total = between + (k - 1) * within
    if total <= 0:
        return _undefined(n, phrase("the residuals do not vary"))
    share = (between - within) / total
    error = (1 - share) * (1 + (k - 1) * share) * math.sqrt(2 / (k * (k - 1) * n))
    return _effect(share, error, n)


def range_use(levels: ArrayLike, expected: ArrayLike, variance: ArrayLike) -> Effect:
    """How far a rater's levels follow the works: 1 as expected, below it central tendency.

    Parameters
    ----------
    levels, expected : array_like, shape (n,)
        What was given, and what the work was expected to get without it.
    variance : array_like, shape (n,)
        Of the difference.

    Returns
    -------
    Effect
        The slope of levels on expectations (weighted); undefined below ten sheets or where all works
        were expected alike. A restricted range shows as the same: a slope near 0.

    References
    ----------
    Myford & Wolfe 2004, J. Applied Measurement 5(2): 189-227.

    Examples
    --------
    >>> given, expected = [1, 1, 2, 2, 3] * 3, [0, 1, 2, 3, 4] * 3
    >>> round(range_use(given, expected, [0.25] * 15).estimate, 6)
    0.5
    """
    y, x = np.asarray(levels, dtype=float), np.asarray(expected, dtype=float)
    w = 1 / np.asarray(variance, dtype=float)
    n = len(y)
    if n < 10:
        return _undefined(n)
    centre = float((w * x).sum() / w.sum())
    spread = float((w * (x - centre) ** 2).sum())
    if spread < 1e-9 * float(w.sum()):
        return _undefined(n, phrase("all works were expected alike"))
    slope = float((w * (x - centre) * y).sum()) / spread
    fitted = float((w * y).sum() / w.sum()) + slope * (x - centre)
    noise = float((w * (y - fitted) ** 2).sum()) / (n - 2)
    return _effect(slope, math.sqrt(noise / spread), n, degrees=n - 2)


def order_effect(residual: ArrayLike, position: ArrayLike) -> Effect:
    """How residuals move through a sitting: levels for each ten sheets.

    Parameters
    ----------
    residual : array_like, shape (n,)
    position : array_like of int, shape (n,)
        0 for the first sheet of a sitting.

    Examples
    --------
    >>> round(order_effect([-0.01 * i for i in range(20)], range(20)).estimate, 6)
    -0.1
    """
    y = np.asarray(residual, dtype=float)
    x = np.asarray(position, dtype=float) / 10
    n = len(y)
    if n < 10 or np.ptp(x) == 0:
        return _undefined(n)
    found = stats.linregress(x, y)
    return _effect(float(found.slope), float(found.stderr), n, degrees=n - 2)


def sittings(minutes: ArrayLike, *, pause: float = 30.0) -> NDArray[np.int64]:
    """Number sheets within their sitting, from the minutes at which they were finished, rising.

    Examples
    --------
    >>> sittings([0, 10, 20, 90, 100]).tolist()
    [0, 1, 2, 0, 1]
    """
    at = np.asarray(minutes, dtype=float)
    if np.any(np.diff(at) < 0):
        raise ValueError("the instants must rise")
    starts = np.concatenate([[True], np.diff(at) > pause]) if len(at) else np.zeros(0, bool)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(at)), 0))
    return np.asarray(np.arange(len(at)) - first, dtype=np.int64)


@dataclass(frozen=True)
class Pace:
    """Minutes a sheet: the usual span, and the sheets far below it.

    Attributes
    ----------
    median, low, high : float
        The middle half lies between ``low`` and ``high``; NaN below ten sheets.
    hasty : tuple of int
        Sheets faster than a fifth of the median.
    n : int
    """

    median: float
    low: float
    high: float
    hasty: tuple[int, ...]
    n: int


def pace(minutes: ArrayLike) -> Pace:
    """Summarise the active time of sheets.

    Examples
    --------
    >>> pace([10.0] * 12 + [1.0]).hasty
    (12,)
    """
    given = np.asarray(minutes, dtype=float)
    if len(given) < 10:
        return Pace(math.nan, math.nan, math.nan, (), len(given))
    low, median, high = (float(value) for value in np.percentile(given, [25, 50, 75]))
    hasty = np.flatnonzero(given < median / 5)
    return Pace(median, low, high, tuple(int(index) for index in hasty), len(given))
