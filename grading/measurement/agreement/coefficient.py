"""What every coefficient of agreement gives back, and how its interval is found.

Three intervals answer three questions. *Analytic* and *bootstrap* ask how the value would move with
other works read by the same raters. *Two-way* asks how it would move with other raters as well, which
is what a statement about graders in general needs: with a fixed panel of three raters an interval over
works alone, at a nominal 95 %, may hold the true value little more than half of the time.

References
----------
Efron & Stein 1981, doi:10.1214/aos/1176345462; Owen 2007, doi:10.1214/07-AOAS122.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy import sparse, special

from grading.measurement.agreement.additive import Additive
from grading.measurement.agreement.units import LARGE, Patterns
from grading.measurement.agreement.weights import Table
from grading.measurement.coding import Codes, compact
from grading.measurement.ratings import Ratings
from grading.phrases import phrase

Interval = Literal["analytic", "bootstrap", "two_way"]

NO_PAIRS = phrase("not enough ratings: no work was rated twice")
ONE_LEVEL = phrase("all ratings are the same level, so agreement beyond chance is undefined")
ONE_WORK = phrase("one work says nothing about how the value varies between works")
TWO_RATERS = phrase("two raters say nothing about raters in general")
TOO_LARGE = phrase("too many levels and works for resampling")
# Where this many pairs agree and a coefficient is still below that, the margins explain it.
PARADOX_EXACT, PARADOX_VALUE = 0.9, 0.4
PARADOX = phrase("nearly all ratings are one level, so kappa says little here")
# From this many raters on, resampling works and raters is steadier than leaving them out in turn.
MANY_RATERS = 10
# Ratings times resamples that are drawn before the jackknife takes over.
PATIENCE = 200_000_000


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """A coefficient of agreement.

    Attributes
    ----------
    estimate, standard_error : float
        NaN where undefined.
    interval : (float, float)
        NaN at both ends where undefined.
    method : str
        The coefficient and its variant, and how the interval was found.
    n_works : int
        Works that were rated at least twice.
    n_raters : int
        Raters with a rating on any work; of a table of counts, the most ratings a work has.
    n_pairable : int
        Ratings on those works.
    dropped : int
        Ratings that form no pair: missing marks, and marks on works that nobody else rated.
    reason : str or None
        Why ``estimate``, or else ``interval``, is NaN.
    note : str or None
        What to know before reading the number.
    """

    estimate: float
    method: str
    standard_error: float = math.nan
    interval: tuple[float, float] = (math.nan, math.nan)
    n_works: int = 0
    n_raters: int = 0
    n_pairable: int = 0
    dropped: int = 0
    reason: str | None = None
    note: str | None = None


class Spread(NamedTuple):
    """A standard error and an interval, how they were found, or why there are none."""

    standard_error: float
    interval: tuple[float, float]
    method: str
    reason: str | None = None


def undefined(method: str, reason: str) -> Spread:
    """No interval, for a reason."""
    return Spread(math.nan, (math.nan, math.nan), method, reason)


def with_spread(found: Coefficient, spread: Spread) -> Coefficient:
    """Give a coefficient its interval."""
    return replace(
        found,
        standard_error=spread.standard_error,
        interval=spread.interval,
        method=f"{found.method}; {spread.method}",
        reason=found.reason or spread.reason,
    )


def symmetric(
    estimate: float, error: float, *, confidence: float, df: float = math.inf, top: float = 1.0
) -> tuple[float, float]:
    """An interval of t (or normal) quantiles about the estimate, cut at what is possible."""
    if math.isnan(error):
        return math.nan, math.nan
    tail = (1 + confidence) / 2
    reach = error * float(special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail))
    return max(-top, estimate - reach), min(top, estimate + reach)


def check_interval(interval: str, confidence: float) -> None:
    """Refuse an interval's kind or confidence that does not exist; raises ValueError."""
    if interval not in get_args(Interval):
        raise ValueError(f"interval must be one of {', '.join(get_args(Interval))}")
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")


def over_works(
    additive: Additive, units: Patterns, *, confidence: float, resamples: int, seed: int
) -> Spread:
    """Bootstrap over works: percentiles of multinomial draws from the patterns."""
    method = f"bootstrap over works, {resamples} resamples"
    units = units.select(units.sizes >= additive.smallest)
    if len(units.times) * additive.width > LARGE:
        return undefined(method, TOO_LARGE)
    features = additive.features(units.counts, units.counts)
    n = int(units.times.sum())
    if n < 2:
        return undefined(method, ONE_WORK)
    rng = np.random.default_rng(seed)
    found = np.empty(resamples)
    step = max(1, LARGE // max(len(units.times), additive.width))
    for start in range(0, resamples, step):
        drawn = rng.multinomial(n, units.times / n, size=min(step, resamples - start))
        found[start : start + step] = additive.estimate(drawn @ features)
    return _percentiles(found, method, confidence)


def _percentiles(found: Table, method: str, confidence: float) -> Spread:
    there = found[~np.isnan(found)]
    # A resample of one level has no value; where that is common, the rest are no fair sample.
    if len(there) < 0.9 * len(found):
        return undefined(method, phrase("more than one resample in ten has no value"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(there, [tail, 1 - tail])
    return Spread(float(there.std(ddof=1)), (float(low), float(high)), method)


def over_works_and_raters(
    additive: Additive,
    units: Patterns,
    ratings: Ratings,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Spread:
    """Two-way: jackknife for a small panel or very many ratings, else works and raters redrawn.

    The variances over works and over raters are added and t has one degree of freedom less than there
    are raters. The sum counts what belongs to both twice, so it errs on the wide side.
    """
    raters, rater = compact(ratings.rater, len(ratings.raters))
    r = len(raters)
    if r <= 2:
        return undefined("two-way jackknife", TWO_RATERS)
    redraw = r >= MANY_RATERS and len(ratings) * resamples <= PATIENCE
    if len(units.times) * additive.width * (1 if redraw else units.counts.shape[1]) > LARGE:
        return undefined("two-way jackknife", TOO_LARGE)
    features = additive.features(units.counts, units.counts)
    sums = units.times @ features
    estimate = float(additive.estimate(sums))
    if redraw:
        error = _redrawn(additive, ratings, rater, resamples=resamples, seed=seed)
        method = f"works and raters redrawn, {resamples} resamples"
    else:
        counting = units.sizes >= additive.smallest
        works = additive.estimate(sums - features[counting])
        without = additive.estimate(sums + _without_each_rater(additive, units, ratings, rater))
        error = math.sqrt(
            _jackknife(works, units.times[counting]) + _jackknife(without, np.ones(r))
        )
        method = "two-way jackknife over works and raters"
    method = f"{method}, t on {r - 1} df"
    if math.isnan(error):
        return undefined(method, phrase("without one of the works or raters there is no value"))
    return Spread(error, symmetric(estimate, error, confidence=confidence, df=r - 1), method)


def _jackknife(found: Table, times: Table) -> float:
    n = float(times.sum())
    middle = float(times @ found) / n
    return (n - 1) / n * float(times @ (found - middle) ** 2)


def _without_each_rater(
    additive: Additive, units: Patterns, ratings: Ratings, rater: Codes
) -> Table:
    """How the sums change without each rater: a work that loses one rating is another pattern."""
    q = units.counts.shape[1]
    assert units.of_work is not None
    cells = units.of_work[ratings.work] * np.int64(q) + ratings.level
    present, cell = compact(cells, len(units.times) * q)
    pattern, level = np.divmod(present, q)
    before = units.counts[pattern]
    after = before.copy()
    after[np.arange(len(present)), level] -= 1
    change = additive.features(after, after) - additive.features(before, before)
    given = sparse.csr_matrix(
        (np.ones(len(rater)), (rater, cell)), shape=(int(rater.max()) + 1, len(present))
    )
    return np.asarray(given @ change)


def _redrawn(
    additive: Additive, ratings: Ratings, rater: Codes, *, resamples: int, seed: int
) -> float:
    """Standard error with works and raters both drawn with replacement (Owen's pigeonholes).

    A rater who is drawn twice is not paired with themself.
    """
    rng = np.random.default_rng(seed)
    q = len(ratings.levels)
    works, work = compact(ratings.work, len(ratings.works))
    n, r = len(works), int(rater.max()) + 1
    cells = work * np.int64(q) + ratings.level
    found = np.empty(resamples)
    for turn in range(resamples):
        drawn = rng.multinomial(r, np.full(r, 1 / r)).astype(float)
        times = rng.multinomial(n, np.full(n, 1 / n)).astype(float)
        weight = drawn[rater]
        counts, own = (
            np.asarray(np.bincount(cells, weights=by, minlength=n * q), float).reshape(n, q)
            for by in (weight, weight**2)
        )
        found[turn] = additive.estimate(times @ additive.features(counts, own))
    there = found[~np.isnan(found)]
    return float(there.std(ddof=1)) if len(there) >= 0.9 * resamples else math.nan
