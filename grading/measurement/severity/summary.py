"""How well a set of measures is told apart."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Summary:
    """How well a set of measures is told apart. NaN where fewer than two are there.

    Attributes
    ----------
    n : int
    mean, sd, rmse : float
        ``rmse`` is the root mean square of the standard errors.
    adjusted_sd : float
        Standard deviation without error: sqrt(sd^2 - rmse^2), at least 0.
    separation, strata, reliability : float
        G = adjusted_sd / rmse, (4 G + 1) / 3 and G^2 / (1 + G^2).
    chi_square, df, p
        Of "all are equal".
    """

    n: int
    mean: float
    sd: float
    rmse: float
    adjusted_sd: float
    separation: float
    strata: float
    reliability: float
    chi_square: float
    df: int
    p: float


def summarise(measures: ArrayLike, errors: ArrayLike, *, population: bool = True) -> Summary:
    """Separation of measures with standard errors.

    Parameters
    ----------
    measures, errors : array_like (n,)
        Logits. Those without a finite measure or a positive error (anchors) are left out.
    population : bool
        Whether these are all there are (divide by n) or a sample (by n - 1).

    References
    ----------
    Wright & Masters 1982, Rating Scale Analysis, ch. 5. The strata and the fixed chi-square as the
    program Facets prints them.

    Examples
    --------
    >>> found = summarise([-0.3, 0.0, 0.3], [0.1, 0.1, 0.1])
    >>> round(found.separation, 3), round(found.strata, 3), round(found.reliability, 3), found.df
    (2.236, 3.315, 0.833, 2)
    """
    m, e = np.asarray(measures, dtype=float), np.asarray(errors, dtype=float)
    keep = np.isfinite(m) & np.isfinite(e) & (e > 0)
    m, e = m[keep], e[keep]
    n = len(m)
    if n < 2:
        mean = float(m.mean()) if n else math.nan
        nan = math.nan
        return Summary(n, mean, nan, nan, nan, nan, nan, nan, nan, max(n - 1, 0), nan)
    sd = float(m.std(ddof=0 if population else 1))
    rmse = float(np.sqrt(np.mean(e**2)))
    adjusted = math.sqrt(max(sd**2 - rmse**2, 0.0))
    g = adjusted / rmse
    w = 1 / e**2
    chi_square = float((w * m**2).sum() - (w * m).sum() ** 2 / w.sum())
    return Summary(
        n, float(m.mean()), sd, rmse, adjusted, g, strata(g), separation_reliability(g), chi_square,
        n - 1, float(scipy.stats.chi2.sf(chi_square, n - 1)),
    )  # fmt: skip


def strata(separation: float) -> float:
    """Statistically distinct levels: (4 G + 1) / 3."""
    return (4 * separation + 1) / 3


def separation_reliability(separation: float) -> float:
    """G^2 / (1 + G^2)."""
    return separation**2 / (1 + separation**2)
