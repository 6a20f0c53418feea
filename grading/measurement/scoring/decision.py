"""Decisions: how often a pass or a band is right, and what a wrong one costs.

`livingston_lewis` asks it of a test as a whole, from its scores and their reliability;
`misclassification` of each work, from what is believed of its score.

References
----------
Livingston & Lewis 1995, doi:10.1111/j.1745-3984.1995.tb00462.x; Lord 1965, doi:10.1007/BF02289490
(the four-parameter beta).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from grading.measurement.agreement.weights import Table
from grading.phrases import phrase

NODES = 400


@dataclass(frozen=True)
class FourBeta:
    """A beta distribution between two limits.

    Attributes
    ----------
    alpha, beta, lower, upper : float
    """

    alpha: float
    beta: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Classification:
    """How well a cut score sorts works.

    Attributes
    ----------
    accuracy : float
        Probability that a work falls on the side of the cut on which its true score lies.
    consistency, kappa : float
        Probability that two parallel tests agree on it, and that beyond chance.
    sensitivity, specificity : float
        Of those who truly pass (fail), the share that does; NaN where there are none.
    false_passes, false_fails : float
        Shares of all works.
    effective_length : float
        Of the binomial test with this mean, variance and reliability, unrounded.
    true_scores : FourBeta
        On the scale from 0 to 1.
    reason : str or None
        Why the values are NaN.
    """

    accuracy: float
    consistency: float
    kappa: float
    sensitivity: float
    specificity: float
    false_passes: float
    false_fails: float
    effective_length: float
    true_scores: FourBeta
    reason: str | None = None


def effective_length(
    mean: float, variance: float, reliability: float, *, lowest: float, highest: float
) -> float:
    """Length of the binomial test with this mean, variance and reliability (Livingston & Lewis 1995).

    Examples
    --------
    >>> round(effective_length(60, 218.7437, 0.85, lowest=0, highest=100), 2)
    67.48
    """
    return ((mean - lowest) * (highest - mean) - reliability * variance) / (
        variance * (1 - reliability)
    )


def livingston_lewis(
    scores: ArrayLike,
    *,
    reliability: float,
    cut: float,
    lowest: float,
    highest: float,
) -> Classification:
    """Accuracy and consistency of passing at a cut, by Livingston and Lewis' procedure.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Scores of works; NaN is left out.
    reliability : float
        Between 0 and 1; Phi for a cut that stands, see `grading.measurement.components.generalizability`.
    cut : float
        The lowest score that passes.
    lowest, highest : float
        Ends of the scale.

    Returns
    -------
    Classification
        NaN with a reason where the scores do not vary, are fewer than ten, or are spread wider than
        a binomial test allows.

    Raises
    ------
    ValueError
        A score off the scale, a cut outside it, or a reliability outside (0, 1).

    Notes
    -----
    True scores are a four-parameter beta fitted to the first four moments of the true-score
    distribution; where that gives no beta within the scale, a two-parameter one. Given a true score,
    observed scores are binomial with the effective length, rounded. Integrals by Gauss-Legendre.

    Examples
    --------
    >>> marks = [41, 48, 52, 55, 58, 60, 61, 63, 66, 68, 70, 72, 75, 79, 84]
    >>> found = livingston_lewis(marks, reliability=0.8, cut=60, lowest=0, highest=100)
    >>> round(found.accuracy, 2)
    0.87
    """
    x = np.asarray(scores, dtype=float)
    x = x[~np.isnan(x)]
    if not lowest < cut <= highest:
        raise ValueError("the cut must lie on the scale, above its lowest score")
    if not 0 < reliability < 1:
        raise ValueError("the reliability must lie between 0 and 1")
    if np.any(x < lowest) or np.any(x > highest):
        raise ValueError("a score is off the scale")
    nan = math.nan
    blank = Classification(nan, nan, nan, nan, nan, nan, nan, nan, FourBeta(nan, nan, nan, nan))
    if len(x) < 10:
        return _without(blank, phrase("not enough works: the procedure needs ten at least"))
    mean, variance = float(x.mean()), float(x.var(ddof=1))
    if variance <= 0:
        return _without(blank, phrase("all scores are the same"))
    length = effective_length(mean, variance, reliability, lowest=lowest, highest=highest)
    if length < 1:
        return _without(blank, phrase("the scores are spread wider than a binomial test allows"))
    true = _true_scores((x - lowest) / (highest - lowest), length)
    n = max(1, round(length))
    needed = math.floor((cut - lowest) / (highest - lowest) * n + 1e-9)
    return _classified(true, length, n, needed, (cut - lowest) / (highest - lowest))


def _without(blank: Classification, reason: str) -> Classification:
    return Classification(**{**vars(blank), "reason": reason})


def _true_scores(shares: Table, length: float) -> FourBeta:
    """Fit a beta to the moments of the true scores, which are factorial moments of the observed."""
    moments = []
    observed = shares * length
    factor, product = 1.0, np.ones_like(observed)
    for order in range(4):
        product = product * (observed - order)
        factor *= length - order
        moments.append(float(product.mean()) / factor if factor > 0 else math.nan)
    m1, m2, m3, m4 = moments
    variance = m2 - m1**2
    skew = (m3 - 3 * m1 * m2 + 2 * m1**3) / variance**1.5 if variance > 0 else math.nan
    kurtosis = (
        (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / variance**2 if variance else math.nan
    )
    four = _four_parameters(m1, variance, skew, kurtosis)
    if four is not None:
        return four
    common = m1 * (1 - m1) / variance - 1 if variance > 0 else math.nan
    if not common > 0:
        # No variance is left to true scores: they are all the mean.
        common = 1e9
    return FourBeta(m1 * common, (1 - m1) * common, 0.0, 1.0)


def _four_parameters(m: float, variance: float, skew: float, kurtosis: float) -> FourBeta | None:
    """Invert the four moments of a beta; None where they are not those of one within the scale."""
    if not variance > 0 or math.isnan(kurtosis):
        return None
    below = 6 + 3 * skew**2 - 2 * kurtosis
    r = 6 * (kurtosis - skew**2 - 1) / below if below else math.nan
    if not r > 0:
        return None
    inner = 1 - 24 * (r + 1) / ((r + 2) * (r + 3) * kurtosis - 3 * (r + 1) * (r - 6))
    if inner < 0:
        return None
    larger, smaller = r / 2 * (1 + math.sqrt(inner)), r / 2 * (1 - math.sqrt(inner))
    alpha, beta = (larger, smaller) if skew < 0 else (smaller, larger)
    if smaller <= 0:
        return None
    spread = math.sqrt(variance) * math.sqrt(r + 1)
    lower = m - alpha * spread / math.sqrt(alpha * beta)
    upper = m + beta * spread / math.sqrt(alpha * beta)
    if lower < 0 or upper > 1:
        return None
    return FourBeta(alpha, beta, lower, upper)


@cache
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of the integral; finding them costs an eigenproblem of 400 by 400."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return nodes, weights


def _classified(true: FourBeta, length: float, n: int, needed: int, cut: float) -> Classification:
    """Integrate over the true scores, on either side of the cut."""
    middle = min(max((cut - true.lower) / (true.upper - true.lower), 0.0), 1.0)
    # In the beta's own distribution function the integrand is smooth on either side.
    split = float(special.betainc(true.alpha, true.beta, middle))
    nodes, weights = _nodes()
    parts = []
    for low, high in ((0.0, split), (split, 1.0)):
        share = low + (high - low) * (nodes + 1) / 2
        score = true.lower + (true.upper - true.lower) * special.betaincinv(
            true.alpha, true.beta, share
        )
        passing = special.bdtrc(needed - 1, n, score) if needed > 0 else np.ones(NODES)
        w = weights * (high - low) / 2
        parts.append((float(w @ passing), float(w @ passing**2)))
    (false_pass, fails_twice), (true_pass, passes_twice) = parts
    passes = false_pass + true_pass
    both = fails_twice + passes_twice
    consistency = 1 - 2 * passes + 2 * both
    chance = passes**2 + (1 - passes) ** 2
    truly = 1 - split
    return Classification(
        accuracy=true_pass + split - false_pass,
        consistency=consistency,
        kappa=(consistency - chance) / (1 - chance) if chance < 1 else math.nan,
        sensitivity=true_pass / truly if truly > 0 else math.nan,
        specificity=1 - false_pass / split if split > 0 else math.nan,
        false_passes=false_pass,
        false_fails=truly - true_pass,
        effective_length=length,
        true_scores=true,
    )


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is released of works, and how likely it is wrong.

    Attributes
    ----------
    band : ndarray of int, shape (n,)
        The band released: number of cuts at or below the mean.
    probabilities : ndarray, shape (n, bands)
        Of each band, lowest first.
    wrong : ndarray, shape (n,)
        Probability that another band is the right one.
    cost : ndarray, shape (n,)
        Expected cost of releasing the band.
    cheapest : ndarray of int, shape (n,)
        The band of least expected cost.
    """

    band: NDArray[np.int64]
    probabilities: Table
    wrong: Table
    cost: Table
    cheapest: NDArray[np.int64]

    @cached_property
    def expected_accuracy(self) -> float:
        """Share of works expected to be released in the right band; NaN without works."""
        return float(1 - np.nanmean(self.wrong)) if np.any(~np.isnan(self.wrong)) else math.nan

    @cached_property
    def total_cost(self) -> float:
        """Expected cost of releasing all works as they stand."""
        return float(np.nansum(self.cost))


def band_probabilities(mean: ArrayLike, standard_error: ArrayLike, cuts: Sequence[float]) -> Table:
    """Probability of each band, of a normal posterior.

    Parameters
    ----------
    mean, standard_error : array_like, shape (n,)
        NaN gives NaN; a standard error of 0 is certainty.
    cuts : sequence of numbers, rising
        The lowest score of every band but the lowest.

    Returns
    -------
    ndarray, shape (n, len(cuts) + 1)

    Raises
    ------
    ValueError
        Cuts that do not rise, or a standard error below 0.

    Examples
    --------
    >>> band_probabilities([60.0], [5.0], [60.0]).tolist()
    [[0.5, 0.5]]
    """
    m = np.atleast_1d(np.asarray(mean, dtype=float))
    s = np.broadcast_to(np.asarray(standard_error, dtype=float), m.shape)
    edges = np.asarray(cuts, dtype=float)
    if not len(edges) or np.any(np.diff(edges) <= 0):
        raise ValueError("the cuts must rise")
    if np.any(s < 0):
        raise ValueError("a standard error is 0 or more")
    gap = edges[None, :] - m[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        below = np.where(s[:, None] > 0, special.ndtr(gap / s[:, None]), (gap > 0).astype(float))
    below[np.isnan(m) | np.isnan(s)] = math.nan
    ends = np.column_stack([np.zeros(len(m)), below, np.ones(len(m))])
    return np.asarray(np.diff(ends, axis=1))


def misclassification(
    mean: ArrayLike,
    standard_error: ArrayLike,
    cuts: Sequence[float],
    *,
    costs: ArrayLike | None = None,
) -> Decisions:
    """Tell for each work how likely the band released is wrong, and what that is expected to cost.

    Parameters
    ----------
    mean, standard_error : array_like, shape (n,)
        Of the posterior of each work's score.
    cuts : sequence of numbers, rising
        The lowest score of every band but the lowest; one cut is pass or fail.
    costs : array_like, shape (bands, bands), optional
        Of releasing the row's band where the column's is right; 1 for any wrong one by default.

    Returns
    -------
    Decisions
        NaN for works without a posterior.

    Raises
    ------
    ValueError
        As in `band_probabilities`, or costs of another shape.

    Examples
    --------
    >>> found = misclassification([58.0, 75.0], [4.0, 4.0], [60.0], costs=[[0, 5], [1, 0]])
    >>> found.band.tolist(), found.wrong.round(3).tolist(), found.cheapest.tolist()
    ([0, 1], [0.309, 0.0], [1, 1])
    """
    p = band_probabilities(mean, standard_error, cuts)
    bands = p.shape[1]
    table = 1 - np.eye(bands) if costs is None else np.asarray(costs, dtype=float)
    if table.shape != (bands, bands):
        raise ValueError(f"the costs must be a table of {bands} by {bands}")
    m = np.atleast_1d(np.asarray(mean, dtype=float))
    band = np.searchsorted(np.asarray(cuts, dtype=float), m, side="right")
    rows = np.arange(len(m))
    known = np.asarray(~np.isnan(p).any(axis=1), dtype=bool)
    band = np.where(known, band, 0)
    expected = p @ table.T
    least = np.argmin(np.where(known.reshape(-1, 1), expected, 0.0), axis=1)
    return Decisions(
        band,
        p,
        np.where(known, 1 - p[rows, band], math.nan),
        np.where(known, expected[rows, band], math.nan),
        np.where(known, least, 0),
    )
