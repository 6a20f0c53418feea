"""Where the next professional reading buys most.

A board holds, for each work, what is known of its true score (a normal posterior) and which readings are
already promised. A reading is worth the wrong decisions it is expected to prevent: the probability of a
wrong decision now, less its expectation over what the reading may say (one-step look-ahead, Gauss-Hermite
quadrature over the reading's predictive distribution). A decision is the side of the pass mark, and the
band, each taken where it is likeliest.

The look-ahead is myopic: it does not see that two readings together may turn what one cannot. It is also
what the best known sequential rules for this problem approximate, and it never asks for a reading that
cannot change anything.

References
----------
Gupta & Miescke 1996, doi:10.1016/0378-3758(95)00169-7; Frazier, Powell & Dayanik 2008,
doi:10.1137/070693424 (knowledge gradient).
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from grading.measurement.posterior.aggregation import Aggregation
from grading.measurement.posterior.pools import Floats

Reason = Literal["pass mark", "band", "error"]
_POINTS, _POINT_WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_POINT_WEIGHTS = _POINT_WEIGHTS / np.sum(_POINT_WEIGHTS)
# Works looked at exactly before the bound has to prove that none behind them is better.
_FIRST_LOOK = 64
_ROUNDS, _FEW = 10, 8
# Works whose outcomes are worked out at once: what fits a processor's cache.
_PART = 2048


@dataclass(frozen=True)
class Decisions:
    """What is decided on a true score, and how much each kind of mistake counts.

    Attributes
    ----------
    cuts : rising numbers
        Where bands begin; none means that no band is given.
    pass_mark : float or None
    band_weight, side_weight : float
        Loss of a wrong band and of the wrong side of the pass mark, at least 0.
    error_weight : float
        Loss of a squared point of error, for scores that are released as numbers; at least 0.
    """

    cuts: tuple[float, ...] = ()
    pass_mark: float | None = None
    band_weight: float = 1.0
    side_weight: float = 1.0
    error_weight: float = 0.0

    def __post_init__(self) -> None:
        if np.any(np.diff(self.cuts) <= 0):
            raise ValueError("cuts must rise")
        if not self.cuts and self.pass_mark is None and self.error_weight == 0:
            raise ValueError("there is nothing to decide: neither cuts nor a pass mark")
        if min(self.band_weight, self.side_weight, self.error_weight) < 0:
            raise ValueError("weights must be at least 0")

    def wrong(self, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """Probability of the wrong side and of the wrong band, when the likeliest is taken."""
        width = np.sqrt(np.maximum(variance, 1e-18))
        side, band = np.zeros(np.shape(mean)), np.zeros(np.shape(mean))
        if self.pass_mark is not None:
            side = ndtr(-np.abs(mean - self.pass_mark) / width)
        if self.cuts:
            below, likeliest = np.zeros(np.shape(mean)), np.zeros(np.shape(mean))
            for cut in self.cuts:
                here = ndtr((cut - mean) / width)
                np.maximum(likeliest, here - below, out=likeliest)
                below = here
            band = 1.0 - np.maximum(likeliest, 1.0 - below)
        return side, band

    def expected(
        self, mean: Floats, variance: Floats, precision: Floats | float
    ) -> tuple[Floats, Floats]:
        """The same, expected after readings of a total ``precision`` (1 / variance) are in."""
        left = np.asarray(1.0 / (1.0 / variance + precision))
        spread = np.sqrt(np.maximum(variance - left, 0.0))
        side, band = np.empty(len(mean)), np.empty(len(mean))
        for first in range(0, len(mean), _PART):
            part = slice(first, first + _PART)
            outcomes = mean[part] + _POINTS[:, None] * spread[part]
            one, two = self.wrong(outcomes, left[part])
            side[part], band[part] = _POINT_WEIGHTS @ one, _POINT_WEIGHTS @ two
        return side, band

    def loss(
        self, mean: Floats, variance: Floats, precision: Floats | float | None = None
    ) -> Floats:
        """Loss now, or expected after readings of a total ``precision``."""
        if precision is None:
            left, (side, band) = variance, self.wrong(mean, variance)
        else:
            left = 1.0 / (1.0 / variance + precision)
            side, band = self.expected(mean, variance, precision)
        return np.asarray(
            self.side_weight * side + self.band_weight * band + self.error_weight * left
        )


@dataclass(frozen=True)
class Limits:
    """A work is settled when its probabilities of a wrong decision are below every limit given."""

    side: float | None = None
    band: float | None = None


@dataclass(frozen=True)
class Choice:
    """The next reading, and what a sentence about it needs.

    Attributes
    ----------
    work : int
        Code; ``label`` is the work's.
    gain : expected fall of the loss
    wrong_side, wrong_band : probability of a wrong decision now, promised readings counted
    side_after, band_after : the same, expected after this reading
    reason : which decision the reading is worth most to
    """

    work: int
    label: Hashable
    gain: float
    wrong_side: float
    wrong_band: float
    side_after: float
    band_after: float
    reason: Reason


@dataclass(frozen=True)
class Stop:
    """Why there is no next reading."""

    reason: Literal["budget spent", "all settled", "none eligible", "undefined"]


class Board:
    """What is known of a cohort's works, kept up to date between two aggregations.

    Mutable: ``promise`` and ``record`` change one work, and only that work is worked out anew. A reading
    that is recorded moves its own work exactly as the model would with the rater's bias as it was; the
    other works and the raters follow at the next aggregation, from which a new board is made.

    A work with a promised reading waits for it as long as another may be read: what the first reading says
    decides whether a second is worth anything.

    Parameters
    ----------
    aggregation : Aggregation
    decisions : Decisions
    limits : Limits
    budget : int, optional
        Readings that may still be promised; None means no end.
    forbidden : pairs of work label and rater label
        Who must not read what: conflicts of interest, and readings already made.
    """

    def __init__(
        self,
        aggregation: Aggregation,
        decisions: Decisions,
        *,
        limits: Limits = Limits(),
        budget: int | None = None,
        forbidden: Iterable[tuple[Hashable, Hashable]] = (),
    ) -> None:
        if budget is not None and budget < 0:
            raise ValueError("a budget is at least 0")
        self.labels: Sequence[Hashable] = aggregation.labels
        self.decisions, self.limits, self.budget = decisions, limits, budget
        self.mean = aggregation.mean.astype(float)
        self.variance = aggregation.standard_error**2
        self.readings = aggregation.n_professionals.copy()
        self._promised = np.zeros(len(self.mean))
        learned = aggregation.parameters
        self._error = learned.professional_error_variance
        self._new = learned.professional_bias_variance
        self._raters: dict[Hashable, tuple[float, float]] = {}
        for code in np.flatnonzero(aggregation.rater_pool).tolist():
            bias, error = aggregation.rater_bias[code], aggregation.rater_error[code]
            if not (math.isnan(bias) or math.isnan(error)):
                self._raters[aggregation.rater_labels[code]] = (float(bias), float(error) ** 2)
        self._forbidden: dict[Hashable, set[int]] = {}
        self._codes: Mapping[Hashable, int] = {
            label: code for code, label in enumerate(self.labels)
        }
        for work, rater in forbidden:
            self.forbid(self._codes[work], rater)
        # The best reader there is bounds what any reader's reading is worth (Blackwell).
        least = min((variance for _, variance in self._raters.values()), default=self._new)
        self._best = 1.0 / (self._error + min(least, self._new))
        self._defined = np.isfinite(self.mean) & np.isfinite(self.variance) & (self.variance > 0)
        self._bound = np.full(len(self.mean), -np.inf)
        self._open = np.zeros(len(self.mean), dtype=bool)
        self._refresh(np.flatnonzero(self._defined))

    def precision(self, rater: Hashable | None) -> float:
        """1 / variance of one reading about the true score: the rater's error, and the doubt of the bias."""
        _, doubt = self._raters.get(rater, (0.0, self._new))
        return 1.0 / (self._error + doubt)

    def forbid(self, work: int, rater: Hashable) -> None:
        self._forbidden.setdefault(rater, set()).add(work)

    def promise(self, work: int, rater: Hashable) -> None:
        """A reading is under way: the next choice counts on it, and the budget pays for it."""
        if self.budget is not None:
            if self.budget == 0:
                raise ValueError("the budget is spent")
            self.budget -= 1
        self.forbid(work, rater)
        self._promised[work] += self.precision(rater)
        self._refresh(np.array([work]))

    def withdraw(self, work: int, rater: Hashable) -> None:
        """A promised reading will not come: the budget gets it back; the rater stays forbidden."""
        if self.budget is not None:
            self.budget += 1
        self._promised[work] = max(0.0, self._promised[work] - self.precision(rater))
        self._refresh(np.array([work]))

    def record(self, work: int, rater: Hashable, value: float, *, promised: bool = True) -> None:
        """A reading is in."""
        bias, _ = self._raters.get(rater, (0.0, self._new))
        precision = self.precision(rater)
        if promised:
            self._promised[work] = max(0.0, self._promised[work] - precision)
        self.forbid(work, rater)
        self.readings[work] += 1
        if self._defined[work]:
            left = 1.0 / (1.0 / self.variance[work] + precision)
            self.mean[work] += left * precision * (value - bias - self.mean[work])
            self.variance[work] = left
            self._refresh(np.array([work]))

    def settled(self) -> NDArray[np.bool_]:
        """Which works need no further reading."""
        return np.asarray(self._defined & ~self._open)

    def wrong(self) -> tuple[Floats, Floats]:
        """Probability of the wrong side and the wrong band, a work each, without promised readings."""
        side, band = np.full((2, len(self.mean)), np.nan)
        known = self._defined
        side[known], band[known] = self.decisions.wrong(self.mean[known], self.variance[known])
        return side, band

    def gains(self, works: NDArray[np.intp], precision: float) -> Floats:
        """Expected fall of the loss by one more reading of ``precision`` each."""
        mean, variance, promised = self.mean[works], self.variance[works], self._promised[works]
        before = self.decisions.loss(mean, variance, promised)
        return np.asarray(before - self.decisions.loss(mean, variance, promised + precision))

    def _refresh(self, works: NDArray[np.intp]) -> None:
        works = works[self._defined[works]]
        self._bound[works] = self.gains(works, self._best)
        self._open[works] = True
        limits = (self.limits.side, self.limits.band)
        if limits != (None, None):
            now = self.decisions.expected(
                self.mean[works], self.variance[works], self._promised[works]
            )
            below = [
                one < limit for one, limit in zip(now, limits, strict=True) if limit is not None
            ]
            self._open[works] = ~np.all(below, axis=0)

    def next_reading(
        self,
        rater: Hashable | None = None,
        *,
        eligible: NDArray[np.bool_] | None = None,
    ) -> Choice | Stop:
        """The work whose reading by this rater is expected to prevent most.

        Parameters
        ----------
        rater : label, optional
            Whose reading it would be; without one, somebody's whose bias is not known.
        eligible : ndarray of bool, shape (n_works,), optional
            The works that may be chosen, besides what is forbidden.

        Returns
        -------
        Choice or Stop
            The lowest code of equal works.
        """
        if self.budget == 0:
            return Stop("budget spent")
        if not np.any(self._defined):
            return Stop("undefined")
        if not np.any(self._open):
            return Stop("all settled")
        bound = np.where(self._open, self._bound, -np.inf)
        if eligible is not None:
            bound[~eligible] = -np.inf
        if rater is not None and rater in self._forbidden:
            bound[list(self._forbidden[rater])] = -np.inf
        waiting = np.where(self._promised > 0, -np.inf, bound)
        if np.any(np.isfinite(waiting)):
            bound = waiting
        precision, n = self.precision(rater), len(bound)
        look = min(_FIRST_LOOK, n)
        while True:
            top = np.argpartition(bound, n - look)[n - look :] if look < n else np.arange(n)
            top = np.sort(top[np.isfinite(bound[top])])
            if len(top) == 0:
                return Stop("none eligible")
            gains = self.gains(top, precision)
            best = int(np.argmax(gains))
            # Everything left out is bounded by the lowest bound looked at.
            if look == n or gains[best] >= np.min(bound[top]):
                return self._choice(int(top[best]), precision)
            look = min(8 * look, n)

    def _choice(self, work: int, precision: float) -> Choice:
        at = (self.mean[[work]], self.variance[[work]])
        now = [float(part[0]) for part in self.decisions.expected(*at, self._promised[work])]
        then = [
            float(part[0])
            for part in self.decisions.expected(*at, self._promised[work] + precision)
        ]
        promised = self._promised[work]
        left = [1.0 / (1.0 / at[1][0] + q) for q in (promised, promised + precision)]
        weights = (
            self.decisions.side_weight,
            self.decisions.band_weight,
            self.decisions.error_weight,
        )
        falls = [
            weight * (before - after)
            for weight, before, after in zip(
                weights, (*now, left[0]), (*then, left[1]), strict=True
            )
        ]
        reasons: tuple[Reason, ...] = ("pass mark", "band", "error")
        return Choice(
            work,
            self.labels[work],
            sum(falls),
            now[0],
            now[1],
            then[0],
            then[1],
            reasons[falls.index(max(falls))],
        )


def next_reading(
    board: Board,
    rater: Hashable | None = None,
    *,
    eligible: NDArray[np.bool_] | None = None,
) -> Choice | Stop:
    """As ``Board.next_reading``."""
    return board.next_reading(rater, eligible=eligible)


@dataclass(frozen=True)
class Expectation:
    """Wrong decisions expected in the cohort, and where nine in ten outcomes lie."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """What readings would buy.

    Attributes
    ----------
    readings : int
    side_now, band_now, side_after, band_after : Expectation
        Works on the wrong side and in the wrong band, now and after ``readings`` more by routing.
    double_readings : int
        What giving every work two professional readings would cost from here.
    double_side, double_band : Expectation
        What it would leave.
    matching : int or None
        Readings after which routing is as good as that by expected loss; None where it is not before.
    """

    readings: int
    side_now: Expectation
    band_now: Expectation
    side_after: Expectation
    band_after: Expectation
    double_readings: int
    double_side: Expectation
    double_band: Expectation
    matching: int | None


def what_if(
    board: Board,
    readings: int,
    *,
    rng: np.random.Generator,
    draws: int = 40,
) -> Forecast:
    """What so many further readings would buy, by simulating them from the posterior.

    True scores are drawn from the posterior, readings from the true scores; the cohort is then routed in
    ten rounds, and the decisions are compared with the truth drawn. Intervals are of the count of wrong
    decisions, not of its expectation. Works without a posterior are left out.

    Parameters
    ----------
    readings : int
        At least 0.
    draws : int
        At least 2; simulated cohorts.
    """
    if readings < 0 or draws < 2:
        raise ValueError("readings must be at least 0 and draws at least 2")
    known = np.flatnonzero(np.isfinite(board.mean) & np.isfinite(board.variance))
    mean, variance = board.mean[known], board.variance[known]
    precision = board.precision(None)
    missing = np.maximum(2 - board.readings[known], 0)
    double = int(np.sum(missing))
    decisions = board.decisions
    now, after, doubled = [], [], []
    few = min(draws, _FEW)
    path = np.zeros((_ROUNDS * 2 + 1, few))
    aim = 0.0
    for _ in range(draws):
        truth = mean + np.sqrt(variance) * rng.normal(size=len(mean))
        now.append(_counts(decisions, mean, variance, truth))
        m, v = _read(mean, variance, truth, precision * missing, rng)
        doubled.append(_counts(decisions, m, v, truth))
        aim += float(np.sum(decisions.loss(m, v))) / draws
        m, v, _ = _route(board, known, truth, readings, _ROUNDS, precision, rng)
        after.append(_counts(decisions, m, v, truth))
    for draw in range(few):
        truth = mean + np.sqrt(variance) * rng.normal(size=len(mean))
        *_, losses = _route(board, known, truth, double, 2 * _ROUNDS, precision, rng)
        path[:, draw] = losses
    reached = np.flatnonzero(np.mean(path, axis=1) <= aim)
    matching = round(double * int(reached[0]) / (2 * _ROUNDS)) if len(reached) else None
    count = [_expectation(part) for part in (now, after, doubled)]
    return Forecast(readings, *count[0], *count[1], double, *count[2], matching if double else 0)


def _counts(decisions: Decisions, mean: Floats, variance: Floats, truth: Floats) -> tuple[int, int]:
    """Works on the wrong side and in the wrong band."""
    side = band = 0
    if decisions.pass_mark is not None:
        mark = decisions.pass_mark
        side = int(np.sum((mean >= mark) != (truth >= mark)))
    if decisions.cuts:
        edges = np.array(decisions.cuts)
        below = ndtr((edges - mean[:, None]) / np.sqrt(np.maximum(variance, 1e-18))[:, None])
        shares = np.diff(below, axis=1, prepend=0.0, append=1.0)
        band = int(np.sum(np.argmax(shares, axis=1) != np.digitize(truth, edges)))
    return side, band


def _expectation(counts: Sequence[tuple[int, int]]) -> tuple[Expectation, Expectation]:
    table = np.array(counts, dtype=float)
    low, high = np.quantile(table, (0.05, 0.95), axis=0)
    middle = np.mean(table, axis=0)
    side, band = (Expectation(float(middle[k]), float(low[k]), float(high[k])) for k in range(2))
    return side, band


def _read(
    mean: Floats,
    variance: Floats,
    truth: Floats,
    precision: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Posterior after readings of the given precision; none where it is 0."""
    left = 1.0 / (1.0 / np.maximum(variance, 1e-18) + precision)
    spread = np.divide(1.0, np.sqrt(precision), out=np.zeros_like(mean), where=precision > 0)
    seen = truth + spread * rng.normal(size=len(mean))
    return mean + left * precision * (seen - mean), left


def _route(
    board: Board,
    known: NDArray[np.intp],
    truth: Floats,
    readings: int,
    rounds: int,
    precision: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Spend readings where they are worth most, in rounds; the loss after each round too."""
    mean, variance = board.mean[known].copy(), board.variance[known].copy()
    decisions = board.decisions
    loss = decisions.loss(mean, variance)
    gain = loss - decisions.loss(mean, variance, precision)
    losses = [float(np.sum(loss))]
    done = 0
    for number in range(1, rounds + 1):
        share = round(readings * number / rounds) - done
        done += share
        while share > 0 and len(mean):
            some = min(share, len(mean))
            chosen = np.argpartition(gain, len(gain) - some)[len(gain) - some :]
            mean[chosen], variance[chosen] = _read(
                mean[chosen], variance[chosen], truth[chosen], np.full(some, precision), rng
            )
            loss[chosen] = decisions.loss(mean[chosen], variance[chosen])
            then = decisions.loss(mean[chosen], variance[chosen], precision)
            gain[chosen] = loss[chosen] - then
            share -= some
        losses.append(float(np.sum(loss)))
    return mean, variance, np.array(losses)
