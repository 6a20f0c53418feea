"""How agreement sees its data, and how the interval that was asked for is found."""

import math
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.agreement.additive import Additive
from grading.measurement.agreement.coefficient import (
    NO_PAIRS,
    PARADOX,
    PARADOX_EXACT,
    PARADOX_VALUE,
    TOO_LARGE,
    Coefficient,
    Interval,
    Spread,
    check_interval,
    over_works,
    over_works_and_raters,
    symmetric,
    undefined,
)
from grading.measurement.agreement.units import (
    Patterns,
    Rows,
    Units,
    units_from_counts,
    units_of,
)
from grading.measurement.agreement.weights import Table, Weighting, Weights, weighting
from grading.measurement.ratings import Ratings

Data = Ratings | Units | ArrayLike


class Intervals(TypedDict, total=False):
    """Options about the interval, keywords of every coefficient.

    ``interval`` is "analytic", "bootstrap" or "two_way" (see the module `coefficient`; two-way
    needs `Ratings` of three raters or more); ``confidence`` .95 unless given; ``resamples`` (1000) and
    ``seed`` (0) are the bootstrap's: the same seed gives the same interval.
    """

    interval: Interval
    confidence: float
    resamples: int
    seed: int


@dataclass(frozen=True)
class Asked:
    """The options about the interval, checked."""

    interval: Interval = "analytic"
    confidence: float = 0.95
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_interval(self.interval, self.confidence)


@dataclass(frozen=True, eq=False)
class Seen:
    """Data as units with their levels, and who and what they came from."""

    units: Units
    levels: Table
    ratings: Ratings | None

    def coefficient(self, method: str) -> Coefficient:
        """A coefficient with its counts, and no value yet."""
        sizes, times = self.units.sizes, self.units.times
        paired = sizes >= 2
        n_works = round(float(times[paired].sum()))
        n_pairable = round(float(times[paired] @ sizes[paired]))
        dropped = round(float(times @ sizes)) - n_pairable
        if self.ratings is None:
            n_raters = int(sizes.max(initial=0))
        else:
            n_raters = self.ratings.n_raters
            dropped += self.ratings.dropped
        return Coefficient(
            estimate=math.nan,
            method=method,
            n_works=n_works,
            n_raters=n_raters,
            n_pairable=n_pairable,
            dropped=dropped,
            reason=None if n_works else NO_PAIRS,
        )


def seen_as(data: Data | Seen, levels: ArrayLike | None) -> Seen:
    if isinstance(data, Seen):
        return data
    if isinstance(data, Ratings):
        scale = np.asarray(data.levels if len(data.levels) else (0.0,), dtype=float)
        return Seen(units_of(data), scale, data)
    units = data if isinstance(data, Patterns | Rows) else units_from_counts(data)
    q = units.q if isinstance(units, Rows) else units.counts.shape[1]
    scale = np.arange(q, dtype=float) if levels is None else np.asarray(levels, dtype=float)
    if scale.shape != (q,):
        raise ValueError("there must be one score a level")
    return Seen(units, scale, None)


def named(weights: Weights | ArrayLike) -> str:
    return weights if isinstance(weights, str) else "custom"


def with_paradox(found: Coefficient, seen: Seen) -> Coefficient:
    """Say so where the percent agreement is high and the coefficient low."""
    if not found.estimate < PARADOX_VALUE:
        return found
    identity = weighting("identity", seen.levels)
    return replace(found, note=PARADOX) if pairs_share(seen, identity) >= PARADOX_EXACT else found


def pairs_share(seen: Seen, w: Weighting) -> float:
    """Weighted share of all pairs."""
    units = seen.units.select(seen.units.sizes >= 2)
    pairs = float(units.times @ (units.sizes * (units.sizes - 1)))
    return float(units.times @ (units.agreeing(w) - units.sizes)) / pairs if pairs else math.nan


def resampled(seen: Seen, additive: Additive, asked: Asked) -> Spread:
    options = {
        "confidence": asked.confidence,
        "resamples": asked.resamples,
        "seed": asked.seed,
    }
    if not isinstance(seen.units, Patterns):
        return undefined(asked.interval, TOO_LARGE)
    if asked.interval == "bootstrap":
        return over_works(additive, seen.units, **options)  # type: ignore[arg-type]
    if seen.ratings is None:
        raise ValueError("a two-way interval needs to know who rated")
    return over_works_and_raters(additive, seen.units, seen.ratings, **options)  # type: ignore[arg-type]


def linearised(influence: Table, times: Table, n: float, estimate: float, asked: Asked) -> Spread:
    error = math.sqrt(float(times @ (influence - estimate) ** 2) / (n * (n - 1)))
    interval = symmetric(estimate, error, confidence=asked.confidence, df=n - 1)
    return Spread(error, interval, f"linearised over works, t on {round(n - 1)} df")
