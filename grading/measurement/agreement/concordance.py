"""Agreement of scores and ranks: Lin's concordance, Bland-Altman's limits, Kendall's W.

References
----------
Lin 1989, doi:10.2307/2532051; Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8; Kendall &
Babington Smith 1939, doi:10.1214/aoms/1177732186.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from grading.measurement.agreement.coefficient import Coefficient, Spread, with_spread
from grading.measurement.agreement.weights import Table
from grading.measurement.ratings import Ratings
from grading.phrases import phrase

Pairs = Ratings | tuple[ArrayLike, ArrayLike]

TOO_FEW = phrase("not enough ratings: fewer than three works were rated by both")
NO_SPREAD = phrase("all ratings are the same level, so there is nothing to follow")
NOT_TWO = phrase("this is a comparison of two raters")


def _two_columns(data: Pairs) -> tuple[Table, Table, int, int]:
    """Scores of the works that both raters read, how many raters there are, and rows left out."""
    if not isinstance(data, Ratings):
        one, other = (np.asarray(column, dtype=float) for column in data)
        if one.shape != other.shape or one.ndim != 1:
            raise ValueError("the two columns must have one length")
        there = ~(np.isnan(one) | np.isnan(other))
        return one[there], other[there], 2, int((~there).sum())
    if not data.one_criterion:
        raise ValueError("agreement is of one criterion at a time")
    raters = np.unique(data.rater)
    if len(raters) != 2:
        return np.zeros(0), np.zeros(0), len(raters), data.dropped + len(data)
    values = data.values()
    rows = [np.flatnonzero(data.rater == rater) for rater in raters]
    _, one, other = np.intersect1d(
        data.work[rows[0]], data.work[rows[1]], assume_unique=True, return_indices=True
    )
    dropped = data.dropped + len(data) - 2 * len(one)
    return values[rows[0][one]], values[rows[1][other]], 2, dropped


def lin_concordance(data: Pairs, *, confidence: float = 0.95) -> Coefficient:
    """Lin's concordance correlation of two raters: how near the pairs lie to the line of identity.

    Parameters
    ----------
    data : Ratings of two raters on one criterion, or a pair of aligned columns
    confidence : float

    Returns
    -------
    Coefficient
        With moments by n, as Lin gave it, and the interval by Fisher's transformation. NaN below
        three works, for other than two raters, or where nothing varies.

    Raises
    ------
    ValueError
        Several criteria, or columns of two lengths.

    References
    ----------
    Lin 1989, doi:10.2307/2532051, and its correction, Biometrics 56 (2000), 324-325.

    Examples
    --------
    >>> round(lin_concordance(([1, 2, 3, 4], [1, 2, 4, 4])).estimate, 3)
    0.917
    """
    one, other, raters, dropped = _two_columns(data)
    n = len(one)
    found = Coefficient(
        estimate=math.nan,
        method="Lin's concordance",
        n_works=n,
        n_raters=raters,
        n_pairable=2 * n,
        dropped=dropped,
    )
    if raters != 2:
        return replace(found, reason=NOT_TWO)
    if n < 3:
        return replace(found, reason=TOO_FEW)
    apart = float(one.mean() - other.mean())
    sxx, syy = float(one.var()), float(other.var())
    sxy = float(((one - one.mean()) * (other - other.mean())).mean())
    below = sxx + syy + apart**2
    if below <= 0:
        return replace(found, reason=NO_SPREAD)
    value = 2 * sxy / below
    found = replace(found, estimate=value)
    if sxy == 0 or abs(value) >= 1 - 1e-12:
        reason = phrase("at 0 and at 1 the formula gives no standard error")
        return with_spread(
            found, Spread(math.nan, (math.nan, math.nan), "Fisher's transformation", reason)
        )
    r = sxy / math.sqrt(sxx * syy)
    u = apart**2 / math.sqrt(sxx * syy)
    variance = (
        (1 - r**2) * value**2 * (1 - value**2) / r**2
        + 2 * value**3 * (1 - value) * u / r
        - value**4 * u**2 / (2 * r**2)
    ) / (n - 2)
    error = math.sqrt(max(variance, 0.0))
    reach = float(special.ndtri((1 + confidence) / 2)) * error / (1 - value**2)
    middle = math.atanh(value)
    interval = math.tanh(middle - reach), math.tanh(middle + reach)
    return with_spread(found, Spread(error, interval, "Fisher's transformation"))


@dataclass(frozen=True)
class BlandAltman:
    """Differences of two raters, first minus second.

    Attributes
    ----------
    bias : Coefficient
        Mean difference, with its t interval.
    lower, upper : Coefficient
        Limits of agreement: 95 % of differences lie between them if they are normal; with the
        approximate standard errors of Bland & Altman.
    standard_deviation : float
        Of the differences.
    slope : float
        Of the difference on the mean of the pair: far from 0, the bias depends on the level.
    """

    bias: Coefficient
    lower: Coefficient
    upper: Coefficient
    standard_deviation: float
    slope: float


def bland_altman(data: Pairs, *, confidence: float = 0.95) -> BlandAltman:
    """Bland and Altman's limits of agreement of two raters.

    Parameters
    ----------
    data : Ratings of two raters on one criterion, or a pair of aligned columns
        Ratings take their raters in the order of their codes.
    confidence : float
        Of the intervals about the bias and the limits; the limits are always those of 95 %.

    Returns
    -------
    BlandAltman
        NaN below three works, or for other than two raters.

    Raises
    ------
    ValueError
        Several criteria, or columns of two lengths.

    References
    ----------
    Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8.

    Examples
    --------
    >>> found = bland_altman(([3, 5, 4, 6], [2, 5, 4, 5]))
    >>> found.bias.estimate, round(found.upper.estimate, 2)
    (0.5, 1.63)
    """
    one, other, raters, dropped = _two_columns(data)
    n = len(one)
    reason = NOT_TWO if raters != 2 else TOO_FEW if n < 3 else None
    blank = Coefficient(
        estimate=math.nan,
        method="Bland-Altman",
        n_works=n,
        n_raters=raters,
        n_pairable=2 * n,
        dropped=dropped,
        reason=reason,
    )
    if reason:
        return BlandAltman(blank, blank, blank, math.nan, math.nan)
    gaps, means = one - other, (one + other) / 2
    bias, spread = float(gaps.mean()), float(gaps.std(ddof=1))
    reach = float(special.stdtrit(n - 1, (1 + confidence) / 2))
    edge = float(special.ndtri(0.975))
    wide = spread * math.sqrt(1 / n + edge**2 / (2 * (n - 1)))

    def bounded(name: str, value: float, error: float) -> Coefficient:
        interval = value - reach * error, value + reach * error
        method = f"Bland-Altman {name}; t on {n - 1} df"
        return replace(
            blank, estimate=value, standard_error=error, interval=interval, method=method
        )

    about = means - means.mean()
    across = float(about @ about)
    return BlandAltman(
        bounded("bias", bias, spread / math.sqrt(n)),
        bounded("lower limit", bias - edge * spread, wide),
        bounded("upper limit", bias + edge * spread, wide),
        spread,
        float(about @ gaps) / across if across > 0 else math.nan,
    )


@dataclass(frozen=True, kw_only=True)
class KendallW(Coefficient):
    """Kendall's W with its test.

    Attributes
    ----------
    chi_square, df, p_value : float
        Of the hypothesis that the rankings have nothing in common.
    """

    chi_square: float = math.nan
    df: int = 0
    p_value: float = math.nan


def kendall_w(data: Ratings | ArrayLike, *, correct_ties: bool = True) -> KendallW:
    """Kendall's W: how far raters put works in one order; severity plays no part.

    Parameters
    ----------
    data : Ratings on one criterion, or array_like of shape (works, raters)
        Works that a rater left out are passed over and counted.
    correct_ties : bool

    Returns
    -------
    KendallW
        Without a standard error: the chi-square test is its inference. NaN below two complete
        works or raters, or where every rater ties all works.

    Raises
    ------
    ValueError
        Several criteria, or no table.

    References
    ----------
    Kendall & Babington Smith 1939, doi:10.1214/aoms/1177732186.

    Examples
    --------
    >>> round(kendall_w([[1, 2], [2, 1], [3, 3]]).estimate, 3)
    0.75
    """
    table, dropped = _complete(data)
    n, m = table.shape
    method = "Kendall's W" + (", corrected for ties" if correct_ties else "")
    found = KendallW(
        estimate=math.nan,
        method=method,
        n_works=n,
        n_raters=m,
        n_pairable=n * m,
        dropped=dropped,
    )
    if n < 2 or m < 2:
        return replace(found, reason=phrase("fewer than two works were rated by all raters"))
    ranks = stats.rankdata(table, axis=0)
    sums = ranks.sum(axis=1)
    above = 12 * float(((sums - sums.mean()) ** 2).sum())
    ties = 0.0
    if correct_ties:
        for column in table.T:
            _, counts = np.unique(column, return_counts=True)
            ties += float((counts.astype(float) ** 3 - counts).sum())
    below = m**2 * (float(n) ** 3 - n) - m * ties
    if below <= 0:
        return replace(found, reason=NO_SPREAD)
    w = above / below
    chi_square = m * (n - 1) * w
    return replace(
        found,
        estimate=w,
        chi_square=chi_square,
        df=n - 1,
        p_value=float(special.chdtrc(n - 1, chi_square)),
    )


def _complete(data: Ratings | ArrayLike) -> tuple[Table, int]:
    """The table of the works that every rater read; it holds those alone, so nothing is pivoted."""
    if not isinstance(data, Ratings):
        table = np.asarray(data, dtype=float)
        if table.ndim != 2:
            raise ValueError("the table must have a row a work and a column a rater")
        kept = table[~np.isnan(table).any(axis=1)]
        return kept, int(table.size - kept.size)
    if not data.one_criterion:
        raise ValueError("agreement is of one criterion at a time")
    raters, rater = np.unique(data.rater, return_inverse=True)
    sizes = np.bincount(data.work, minlength=len(data.works))
    rows = (sizes == len(raters))[data.work]
    order = np.lexsort((rater[rows], data.work[rows]))
    kept = data.values()[rows][order].reshape(-1, max(len(raters), 1))
    return kept, data.dropped + len(data) - kept.size
