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

from grading.measurement.allocation.decisions import Decisions
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.pools import Floats

Reason = Literal["pass mark", "band", "error"]
# Works looked at exactly before the bound has to prove that none behind them is better.
_FIRST_LOOK = 64


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
