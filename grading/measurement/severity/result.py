"""What a many-facet fit says: measures, their summaries, and comparisons that the design allows."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grading.measurement.severity.design import Bools, Floats, Ints
from grading.measurement.severity.measures import (
    Component,
    CriterionMeasure,
    RaterMeasure,
    Step,
    WorkMeasure,
)
from grading.measurement.severity.summary import Summary, summarise

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
