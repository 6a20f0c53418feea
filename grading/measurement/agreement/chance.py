"""How far raters agree beyond chance, on one criterion, from long ratings or counts.

Every coefficient takes `Ratings`, or a table of counts with a row a work and a column a level, or
`Units` made beforehand. What is undefined is NaN with the reason in words, never 0 or 1.

References
----------
Gwet, Handbook of Inter-Rater Reliability (2014), chapters 5 and 6 with their linearised standard
errors for incomplete data; Gwet 2008, doi:10.1348/000711006X126600; Krippendorff, Content Analysis
(2019), doi:10.4135/9781071878781.
"""

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.agreement.additive import (
    Additive,
    Chance,
    agreeing,
    beyond,
)
from grading.measurement.agreement.coefficient import (
    ONE_LEVEL,
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
    named,
    resampled,
    seen_as,
    with_paradox,
)
from grading.measurement.agreement.units import Patterns, Rows, Units
from grading.measurement.agreement.weights import (
    Table,
    Weighting,
    Weights,
    weighting,
)


def gwet_ac(
    data: Data,
    *,
    weights: Weights | ArrayLike = "identity",
    levels: ArrayLike | None = None,
    **options: Unpack[Intervals],
) -> Coefficient:
    """Gwet's AC1 (identity weights) or AC2 (any others), for any number of raters and missing marks.

    It stays near the percent agreement where nearly all works are alike, which kappa does not.

    Parameters
    ----------
    data : Ratings, Units, or array_like of shape (works, q)
        Works rated once count for the margins, not for the agreement, as in Gwet's own programs.
    weights : str or array_like, shape (q, q)
        See `grading.measurement.agreement.weights.weighting`.
    levels, **options
        As in `percent_exact`. The analytic interval is t on the number of works less one.

    Returns
    -------
    Coefficient
        NaN where no work was rated twice.

    Raises
    ------
    ValueError
        Several criteria, counts that are none, or an unknown option.

    References
    ----------
    Gwet 2008, doi:10.1348/000711006X126600.

    Examples
    --------
    >>> round(gwet_ac([[2, 0], [1, 1], [2, 0], [0, 2]]).estimate, 3)
    0.529
    """
    name = "AC1" if isinstance(weights, str) and weights == "identity" else "AC2"
    asked = Asked(**options)
    return _corrected(data, levels, weights, _gwet_chance, f"Gwet's {name}", asked)


def brennan_prediger(
    data: Data,
    *,
    weights: Weights | ArrayLike = "identity",
    levels: ArrayLike | None = None,
    **options: Unpack[Intervals],
) -> Coefficient:
    """Brennan & Prediger's coefficient: chance is a blind draw from the levels. As `gwet_ac`.

    It depends on how many levels the scale has, so give the scale, not only the levels that occur.

    References
    ----------
    Brennan & Prediger 1981, doi:10.1177/001316448104100307.

    Examples
    --------
    >>> brennan_prediger([[2, 0], [1, 1], [2, 0], [0, 2]]).estimate
    0.5
    """
    asked = Asked(**options)
    return _corrected(data, levels, weights, _blind_chance, "Brennan-Prediger", asked)


@dataclass(frozen=True, kw_only=True)
class FleissKappa(Coefficient):
    """Fleiss' kappa with what only it has.

    Attributes
    ----------
    null_standard_error, z : float
        Where all works were rated equally often: the standard error if there were no agreement, and
        ``estimate`` by it (Fleiss, Nee & Landis 1979); else NaN.
    categories : tuple of float
        Kappa of each level against all others; NaN where nobody or everybody used it.
    """

    null_standard_error: float = math.nan
    z: float = math.nan
    categories: tuple[float, ...] = ()


def fleiss_kappa(
    data: Data,
    *,
    weights: Weights | ArrayLike = "identity",
    levels: ArrayLike | None = None,
    **options: Unpack[Intervals],
) -> FleissKappa:
    """Fleiss' kappa, generalised to missing marks and weights (Gwet 2014). As `gwet_ac`.

    ``standard_error`` is Gwet's linearised one, right whether or not there is agreement;
    ``null_standard_error`` is for the test of none. With two raters it is Scott's pi.

    Returns
    -------
    FleissKappa
        NaN where no work was rated twice or all ratings are one level.

    References
    ----------
    Fleiss 1971, doi:10.1037/h0031619; Fleiss, Nee & Landis 1979, doi:10.1037/0033-2909.86.5.974.

    Examples
    --------
    >>> found = fleiss_kappa([[3, 0], [0, 3], [1, 2]])
    >>> round(found.estimate, 3), round(found.z, 2)
    (0.55, 1.65)
    """
    asked = Asked(**options)
    seen = seen_as(data, levels)
    found = _corrected(seen, levels, weights, _fleiss_chance, "Fleiss' kappa", asked)
    error, categories = math.nan, (math.nan,) * len(seen.levels)
    units = seen.units.select(seen.units.sizes >= 1)
    sizes = units.sizes
    if len(sizes) and sizes.min() == sizes.max() >= 2:
        n, m = float(units.times.sum()), float(sizes[0])
        p = units.margins / (n * m)
        chance = float(p @ (1 - p))
        if chance > 0:
            spread = chance**2 - float((p * (1 - p)) @ (1 - 2 * p))
            error = math.sqrt(max(spread, 0.0) * 2 / (n * m * (m - 1))) / chance
        if isinstance(units, Patterns):
            split = units.times @ (units.counts * (m - units.counts)) / (n * m * (m - 1))
            with np.errstate(invalid="ignore", divide="ignore"):
                categories = tuple((1 - split / (p * (1 - p))).tolist())
    identity = isinstance(weights, str) and weights == "identity"
    error = error if identity else math.nan
    return FleissKappa(
        **vars(found),
        null_standard_error=error,
        z=found.estimate / error if error > 0 else math.nan,
        categories=categories,
    )


def _blind_chance(shares: Table, w: Weighting) -> tuple[Table, Table]:
    q = len(w.values)
    return np.full(shares.shape[:-1], w.total() / q**2), np.zeros(shares.shape)


def _fleiss_chance(shares: Table, w: Weighting) -> tuple[Table, Table]:
    weighed = w.times(shares)
    return np.asarray((shares * weighed).sum(-1)), weighed


def _gwet_chance(shares: Table, w: Weighting) -> tuple[Table, Table]:
    q = len(w.values)
    # On a scale of one level there is nothing to agree upon by chance.
    factor = w.total() / (q * (q - 1)) if q > 1 else 0.0
    return np.asarray(factor * (shares * (1 - shares)).sum(-1)), factor * (1 - shares)


def observed_agreement(units: Units, w: Weighting) -> tuple[float, float, Table]:
    """Mean agreement of works rated twice, their number, and each group's agreement, 0 for others."""
    sizes = units.sizes
    parts = np.zeros(len(sizes))
    paired = sizes >= 2
    parts[paired] = (units.agreeing(w) - sizes)[paired] / (sizes * (sizes - 1))[paired]
    n_paired = float(units.times[paired].sum())
    return float(units.times @ parts) / n_paired, n_paired, parts


def _corrected(
    data: Data | Seen,
    levels: ArrayLike | None,
    weights: Weights | ArrayLike,
    chance: Chance,
    name: str,
    asked: Asked,
) -> Coefficient:
    seen = seen_as(data, levels)
    found = seen.coefficient(f"{name}, {named(weights)} weights")
    w = weighting(weights, seen.levels)
    if found.reason:
        return found
    units = seen.units.select(seen.units.sizes >= 1)
    sizes, n = units.sizes, float(units.times.sum())
    agreed, n_paired, parts = observed_agreement(units, w)
    shares = _shares(units, n)
    expected, slope = chance(shares, w)
    e = float(expected)
    if e >= 1 - 1e-15:
        return replace(found, reason=ONE_LEVEL)
    value = (agreed - e) / (1 - e)
    found = with_paradox(replace(found, estimate=value), seen)
    if asked.interval != "analytic":
        width = len(seen.levels) + 3
        additive = Additive(partial(agreeing, w), partial(beyond, w, chance), width, 1)
        return with_spread(found, resampled(seen, additive, asked))
    if n < 2:
        return with_spread(found, undefined("linearised over works", ONE_WORK))
    own = n / n_paired * (parts - e * (sizes >= 2)) / (1 - e)
    if np.any(slope):
        # Twice the deviation, as chance is quadratic in the shares; for AC the constant cancels.
        moved = units.sums(slope) / sizes
        own = own - 2 * (1 - value) * (moved - e) / (1 - e)
    return with_spread(found, linearised(own, units.times, n, value, asked))


def _shares(units: Units, n: float) -> Table:
    """Mean over works of the share of a work's ratings on each level."""
    if isinstance(units, Patterns):
        return np.asarray((units.times / units.sizes) @ units.counts) / n
    assert isinstance(units, Rows)
    each = (1.0 / units.sizes)[units.work]
    return np.bincount(units.level, weights=each, minlength=units.q) / n
