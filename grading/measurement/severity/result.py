"""What a many-facet fit says: measures, their summaries, and comparisons that the design allows."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from grading.measurement.severity.design import Bools, Floats, Ints

FacetName = Literal["work", "rater", "facet", "criterion"]


class Disconnected(ValueError):
    """A comparison between groups that nothing in the ratings connects.

    Attributes
    ----------
    groups : tuple of tuple
        The labels of each group concerned.
    """

    def __init__(self, refused: str, groups: tuple[tuple[Hashable, ...], ...]) -> None:
        self.groups = groups
        named = "; ".join(f"[{_listed(group)}]" for group in groups)
        super().__init__(f"{refused}: nothing in the ratings connects these groups: {named}")


def _listed(labels: tuple[Hashable, ...], most: int = 10) -> str:
    text = ", ".join(str(label) for label in labels[:most])
    return text if len(labels) <= most else f"{text} and {len(labels) - most} more"


@dataclass(frozen=True)
class RaterMeasure:
    """A rater, or an element of the further facet.

    Attributes
    ----------
    severity, standard_error : float
        Logits; positive is stricter than the average of the rater's group, or than the anchors' zero.
    infit, outfit : float
        Mean-squares; near 1 as modelled, above noisier, below more uniform. NaN where undefined.
    infit_z, outfit_z : float
        The same as approximate standard normal deviates.
    n : int
        Ratings.
    observed_average : float
        Mean of the ratings' values.
    fair_average : float
        Value this rater is expected to give an average work, over all criteria.
    group : int
        Number of the component; only raters of one group can be compared.
    extreme : str or None
        "lowest" or "highest" where every rating is the lowest or highest possible: the severity then
        rests on a convention (0.3 of a score point), not on data.
    anchored : bool
    """

    severity: float
    standard_error: float
    infit: float
    outfit: float
    infit_z: float
    outfit_z: float
    n: int
    observed_average: float
    fair_average: float
    group: int
    extreme: str | None
    anchored: bool


@dataclass(frozen=True)
class WorkMeasure:
    """A work.

    Attributes
    ----------
    measure, standard_error : float
        Logits. Warm's weighted likelihood estimate under "mml", the joint estimate under "jmle".
    eap, posterior_sd : float
        Mean and standard deviation of the posterior; NaN under "jmle" and where anchored.
    infit, outfit, infit_z, outfit_z : float
        As of a rater; NaN for an extreme work.
    n : int
        Ratings.
    observed_average : float
        Raw mean of the values.
    fair_average, fair_standard_error : float
        Value expected from a rater of severity 0, averaged over all criteria.
    rater_severity : float
        Mean severity of those who rated it, over ratings.
    group : int
        Only works of one group can be compared.
    extreme : str or None
        "lowest" or "highest" where every rating is the lowest or highest possible.
    anchored : bool
    """

    measure: float
    standard_error: float
    eap: float
    posterior_sd: float
    infit: float
    outfit: float
    infit_z: float
    outfit_z: float
    n: int
    observed_average: float
    fair_average: float
    fair_standard_error: float
    rater_severity: float
    group: int
    extreme: str | None
    anchored: bool


@dataclass(frozen=True)
class CriterionMeasure:
    """A criterion.

    Attributes
    ----------
    difficulty, standard_error : float
        Logits, positive is harder: the mean of its thresholds, each counted once per level it spans.
    thresholds : mapping of level value to float
        From the level below, relative to ``difficulty``; NaN for a level that was never given.
    infit, outfit, infit_z, outfit_z : float
    n : int
    observed_average, fair_average : float
        ``fair_average`` is for an average work and a rater of severity 0.
    group : int
    anchored : bool
    reason : str or None
        Why there is no measure.
    """

    difficulty: float
    standard_error: float
    thresholds: Mapping[float, float]
    infit: float
    outfit: float
    infit_z: float
    outfit_z: float
    n: int
    observed_average: float
    fair_average: float
    group: int
    anchored: bool
    reason: str | None


@dataclass(frozen=True)
class Step:
    """One threshold: where a level becomes likelier than the last one given below it.

    ``criterion`` is None on a common rating scale; ``reason`` says why ``threshold`` is NaN.
    """

    criterion: Hashable | None
    level: float
    threshold: float
    standard_error: float
    count: int
    reason: str | None


@dataclass(frozen=True)
class Component:
    """Raters whose severities can be compared, and the works they rated."""

    number: int
    raters: tuple[Hashable, ...]
    works: tuple[Hashable, ...]


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


@dataclass(frozen=True, eq=False)
class Parameters:
    """The fit in the codes of the ratings it was made from; NaN where something has no measure.

    Attributes
    ----------
    severity, severity_group : (R,)
    effect : (F,)
        Of the further facet; one 0 where there is none.
    category : float (I, K)
        Logits of a criterion's levels for a work and rater of 0; -inf where unsupported.
    values : float (K,)
        Values of the levels, from the worst level to the best.
    theta, theta_error : float (W,)
        The works' measures and their standard errors.
    work_group : int (W,), -1 where a work has no measure
    """

    severity: Floats
    severity_group: Ints
    effect: Floats
    category: Floats
    values: Floats
    theta: Floats
    theta_error: Floats
    work_group: Ints

    @property
    def measured_criteria(self) -> Bools:
        """Criteria that have a measure, (I,)."""
        return np.asarray(np.isfinite(self.category).any(axis=1))


@dataclass(frozen=True, eq=False)
class SeverityFit:
    """A fitted many-facet model.

    Attributes
    ----------
    raters, works, criteria, facets : label -> measure
        Those with ratings. ``facets`` is empty where no further facet was given.
    steps : tuple of Step
    model, estimator : str
    deviance : float
        -2 log-likelihood: marginal under "mml", joint under "jmle" (never compare the two).
    n_parameters : int
        Estimated, the population's included; under "jmle" the works' also.
    mean, variance : float
        Of the population of works; the mean is NaN where groups have one each, both under "jmle".
    eap_reliability : float
        Variance of the posterior means over that plus the mean posterior variance.
    nodes : int, bounds : (float, float)
        The quadrature; 0 and NaN under "jmle".
    iterations : int
    converged : bool
        Whether a further Newton step would move no parameter by ``tol`` logits.
    components : tuple of Component
        More than one: measures are centred within each and comparisons across are refused.
    n, dropped : int
        Ratings used; rows without a level.
    notes : tuple of str
    parameters : Parameters
    """

    raters: Mapping[Hashable, RaterMeasure]
    works: Mapping[Hashable, WorkMeasure]
    criteria: Mapping[Hashable, CriterionMeasure]
    facets: Mapping[Hashable, RaterMeasure]
    steps: tuple[Step, ...]
    model: str
    estimator: str
    deviance: float
    n_parameters: int
    mean: float
    variance: float
    eap_reliability: float
    nodes: int
    bounds: tuple[float, float]
    iterations: int
    converged: bool
    components: tuple[Component, ...]
    n: int
    dropped: int
    notes: tuple[str, ...]
    parameters: Parameters

    def measures(self, facet: FacetName) -> dict[Hashable, tuple[float, float, int, bool]]:
        """Label -> measure, standard error, group, and whether it is extreme."""
        if facet == "work":
            return {
                label: (m.measure, m.standard_error, m.group, m.extreme is not None)
                for label, m in self.works.items()
            }
        if facet == "criterion":
            return {
                label: (m.difficulty, m.standard_error, m.group, False)
                for label, m in self.criteria.items()
            }
        table = self.raters if facet == "rater" else self.facets
        return {
            label: (m.severity, m.standard_error, m.group, m.extreme is not None)
            for label, m in table.items()
        }

    def summary(
        self, facet: FacetName, *, group: int | None = None, population: bool = True
    ) -> Summary:
        """Separation of a facet's elements that are not extreme.

        Parameters
        ----------
        group : int, optional
            The group to summarise; may be left out where there is one.

        Raises
        ------
        Disconnected
            There are several groups and none is chosen.
        """
        table = self.measures(facet)
        groups = {found[2] for found in table.values()} - {-1}
        if group is None and len(groups) > 1:
            raise Disconnected(f"no summary of a {facet} over all groups", _members(table, groups))
        rows = [
            (measure, error)
            for measure, error, of, extreme in table.values()
            if not extreme and of >= 0 and group in (None, of)
        ]
        return summarise([m for m, _ in rows], [e for _, e in rows], population=population)


def _members(
    table: Mapping[Hashable, tuple[float, float, int, bool]], groups: set[int]
) -> tuple[tuple[Hashable, ...], ...]:
    return tuple(
        tuple(label for label, found in table.items() if found[2] == group)
        for group in sorted(groups)
    )
