"""The measures of raters, works, criteria and steps."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass


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
