"""Generalizability: how far a score would come out the same with other raters, and how many are enough.

A G study estimates the components of variance; a D study asks what they mean for a number of raters
and criteria that might be chosen.

References
----------
Brennan, Generalizability Theory (2001), doi:10.1007/978-1-4757-3456-0; Cronbach, Gleser, Nanda &
Rajaratnam, The Dependability of Behavioral Measurements (1972).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import special

from grading.measurement.agreement.weights import Table
from grading.measurement.components.effects import RESIDUAL, default_effects
from grading.measurement.components.result import VarianceComponents
from grading.measurement.components.variance import variance_components
from grading.phrases import phrase

__all__ = [
    "DStudy",
    "RatersNeeded",
    "VarianceComponents",
    "d_study",
    "default_effects",
    "raters_needed",
    "variance_components",
]

Kind = Literal["phi", "e_rho2"]
NO_WORKS = phrase("works were not found to differ, so there is nothing to measure reliably")
MOST_RATERS = 1000


@dataclass(frozen=True)
class Reliability:
    """A generalizability coefficient.

    Attributes
    ----------
    estimate, standard_error : float
    interval : (float, float)
        From the covariance of the components, on the scale of the log of signal to noise.
    method : str
    reason : str or None
        Why the estimate, or else the interval, is NaN.
    """

    estimate: float
    standard_error: float
    interval: tuple[float, float]
    method: str
    reason: str | None = None


@dataclass(frozen=True)
class DStudy:
    """What a design would give.

    Attributes
    ----------
    e_rho2 : Reliability
        For comparing works with each other (relative decisions).
    phi : Reliability
        For a score as it stands, against a pass mark (absolute decisions).
    universe, relative_error, absolute_error : float
        Variances: of works' universe scores, and of the two errors of a work's mean.
    relative_sem, absolute_sem : float
        Standard errors of measurement, in points of the scale.
    n : mapping of str to int
        Raters, criteria … a work.
    fixed, nested : tuple of str
    """

    e_rho2: Reliability
    phi: Reliability
    universe: float
    relative_error: float
    absolute_error: float
    relative_sem: float
    absolute_sem: float
    n: Mapping[str, int]
    fixed: tuple[str, ...]
    nested: tuple[str, ...]


@dataclass(frozen=True)
class RatersNeeded:
    """How many raters a reliability takes.

    Attributes
    ----------
    raters : int or None
        None where no number is enough.
    reliability : float
        What that number gives, or, where none is enough, what the largest number tried gives.
    ceiling : float
        What raters without end would give.
    readings : int or None
        For all works.
    cost : float
        Of those readings; NaN where none is enough.
    reason : str or None
    """

    raters: int | None
    reliability: float
    ceiling: float
    readings: int | None
    cost: float
    reason: str | None = None


def d_study(
    components: VarianceComponents,
    *,
    n: Mapping[str, int],
    fixed: Collection[str] = (),
    nested: Collection[str] = (),
    objects: str = "work",
    confidence: float = 0.95,
) -> DStudy:
    """Tell what a design with these numbers would give.

    Parameters
    ----------
    components : VarianceComponents
    n : mapping of str to int
        How many of each facet read or make up a work: ``{"rater": 2, "criterion": 4}``. A facet that
        is left out counts one.
    fixed : collection of str
        Facets of which these levels are the whole universe, as the criteria of a rubric are: their
        interaction with works is part of the score, and their main effect no error.
    nested : collection of str
        Facets with other levels for each work, as when every work has its own graders: how they
        differ then disturbs comparisons too.
    objects : str
        What is measured.
    confidence : float

    Returns
    -------
    DStudy
        NaN with a reason where the components are, or works do not differ.

    Raises
    ------
    ValueError
        A number below 1, a facet that no effect has, or one that is both fixed and nested.

    Examples
    --------
    >>> from grading.measurement.ratings import Ratings
    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> rows = [(w, r, x) for w, given in enumerate(judges) for r, x in enumerate(given)]
    >>> found = d_study(variance_components(Ratings.from_long(*zip(*rows))), n={"rater": 4})
    >>> round(found.e_rho2.estimate, 4), round(found.phi.estimate, 4)
    (0.9093, 0.6201)
    """
    facets = {f for name in components.names for f in name.split(":")} - {objects, RESIDUAL}
    for name in (*n, *fixed, *nested):
        if name not in facets:
            raise ValueError(f"no effect has the facet {name!r}")
    if set(fixed) & set(nested):
        raise ValueError("a facet is fixed or nested, not both")
    if any(count < 1 for count in n.values()):
        raise ValueError("there must be at least one of each facet")
    counts = {facet: n.get(facet, 1) for facet in sorted(facets)}
    universe, relative, absolute = _shares(components, counts, set(fixed), set(nested), objects)
    values = np.array([max(value, 0.0) for value in components.components.values()])
    if components.reason:
        values = np.full(len(values), math.nan)
    signal, near, far = (float(share @ values) for share in (universe, relative, absolute))
    return DStudy(
        _reliability(components, values, universe, relative, "E rho^2", confidence),
        _reliability(components, values, universe, absolute, "Phi", confidence),
        signal,
        near,
        far,
        math.sqrt(near),
        math.sqrt(far),
        counts,
        tuple(sorted(fixed)),
        tuple(sorted(nested)),
    )


def _shares(
    components: VarianceComponents,
    n: Mapping[str, int],
    fixed: set[str],
    nested: set[str],
    objects: str,
) -> tuple[Table, Table, Table]:
    """How much of each component goes into universe score, relative and absolute error."""
    names = components.names
    universe, relative, absolute = (np.zeros(len(names)) for _ in range(3))
    for i, name in enumerate(names):
        facets = {objects, *n} if name == RESIDUAL else set(name.split(":"))
        others = facets - {objects}
        share = 1 / math.prod(n[facet] for facet in others)
        if objects in facets and others <= fixed and name != RESIDUAL:
            universe[i] = share
        elif not others <= fixed or name == RESIDUAL:
            absolute[i] = share
            if objects in facets or others & nested:
                relative[i] = share
    return universe, relative, absolute


def _reliability(
    components: VarianceComponents,
    values: Table,
    universe: Table,
    error: Table,
    name: str,
    confidence: float,
) -> Reliability:
    method = f"{name} from {components.method}"
    nan = math.nan
    if components.reason:
        return Reliability(nan, nan, (nan, nan), method, components.reason)
    signal, noise = float(universe @ values), float(error @ values)
    if signal <= 0:
        return Reliability(nan, nan, (nan, nan), method, NO_WORKS)
    value = signal / (signal + noise)
    slope = universe / signal - (error / noise if noise > 0 else nan)
    variance = float(slope @ components.covariance @ slope)
    if not variance > 0:
        reason = (
            phrase("moments give no covariance; use REML for an interval") if noise > 0 else None
        )
        return Reliability(value, nan, (nan, nan), method, reason)
    reach = float(special.ndtri((1 + confidence) / 2)) * math.sqrt(variance)
    middle = math.log(signal / noise)
    interval = (float(special.expit(middle - reach)), float(special.expit(middle + reach)))
    error_of = value * (1 - value) * math.sqrt(variance)
    return Reliability(value, error_of, interval, f"{method}; delta method on log(signal/noise)")


def raters_needed(
    components: VarianceComponents,
    *,
    reliability: float = 0.8,
    kind: Kind = "phi",
    n: Mapping[str, int] | None = None,
    fixed: Collection[str] = (),
    nested: Collection[str] = (),
    facet: str = "rater",
    works: int = 1,
    cost_per_reading: float = 1.0,
) -> RatersNeeded:
    """Find the smallest number of raters that reaches a reliability, and what they cost.

    Parameters
    ----------
    components, n, fixed, nested
        As in `d_study`; ``n`` is of the other facets.
    reliability : float
        Between 0 and 1.
    kind : {"phi", "e_rho2"}
        Whether scores stand against a pass mark or are compared with each other.
    facet : str
        Whose number is looked for.
    works : int
    cost_per_reading : float
        In any money.

    Returns
    -------
    RatersNeeded

    Raises
    ------
    ValueError
        A reliability outside (0, 1), an unknown kind, or as in `d_study`.

    Examples
    --------
    >>> from grading.measurement.ratings import Ratings
    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> rows = [(w, r, x) for w, given in enumerate(judges) for r, x in enumerate(given)]
    >>> found = raters_needed(variance_components(Ratings.from_long(*zip(*rows))), works=100)
    >>> found.raters, found.readings
    (10, 1000)
    """
    if not 0 < reliability < 1:
        raise ValueError("the reliability must lie between 0 and 1")
    if kind not in get_args(Kind):
        raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}")

    def given(raters: int) -> float:
        study = d_study(components, n={**(n or {}), facet: raters}, fixed=fixed, nested=nested)
        return (study.phi if kind == "phi" else study.e_rho2).estimate

    most, ceiling = given(MOST_RATERS), given(10**12)
    if math.isnan(most):
        reason = components.reason or NO_WORKS
        return RatersNeeded(None, math.nan, math.nan, None, math.nan, reason)
    if most < reliability:
        reason = (
            phrase("no number of raters is enough: what else differs weighs too much")
            if ceiling < reliability
            else f"more than {MOST_RATERS} raters would be needed"
        )
        return RatersNeeded(None, most, ceiling, None, math.nan, reason)
    low, high = 0, MOST_RATERS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if given(middle) >= reliability else (middle, high)
    readings = high * works
    return RatersNeeded(high, given(high), ceiling, readings, readings * cost_per_reading)
