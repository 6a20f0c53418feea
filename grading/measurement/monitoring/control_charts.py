"""Is a rater's standard moving: control charts on residuals, oldest first.

Every residual is a reading less what the work was expected to get *without that reading*, with the
variance of that difference, so that nobody is charted against their own marks and a routed work (which is
no random one) is compared with its own expectation, never with a raw mean.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Side = Literal["stricter", "milder"]

# A chart says nothing before it knows a rater's own standard a little.
SETTLING = 30
# A milder rater marks higher than expected, a stricter one lower.
_SIDES: tuple[Side, Side] = ("milder", "stricter")


@dataclass(frozen=True)
class Alarm:
    """A chart left its limits.

    Attributes
    ----------
    index : int
        The sheet at which it did.
    since : int
        The sheet from which the movement shows: the first of the run that led here.
    side : "stricter" or "milder"
    shift : float
        How far the run lies from the rater's own standard before it.
    """

    index: int
    since: int
    side: Side
    shift: float


@dataclass(frozen=True, eq=False)
class DriftChart:
    """Two one-sided CUSUM charts of one rater against their own earlier standard.

    Attributes
    ----------
    milder, stricter : ndarray, shape (n,)
        The sums, 0 at rest; an alarm sets them back to 0.
    limit : float
    alarms : tuple of Alarm
    standard : ndarray, shape (n,)
        The rater's own standard (mean residual) as known before each sheet.
    """

    milder: Floats
    stricter: Floats
    limit: float
    alarms: tuple[Alarm, ...]
    standard: Floats


def checked(residual: ArrayLike, variance: ArrayLike) -> tuple[Floats, Floats]:
    """Residuals and their variances as arrays; raises ValueError where they are none."""
    r, v = np.asarray(residual, dtype=float), np.asarray(variance, dtype=float)
    if r.shape != v.shape or r.ndim not in (1, 2):
        raise ValueError("residual and variance must have one shape, a row a rater or none")
    if not (np.all(np.isfinite(r)) and np.all(v > 0)):
        raise ValueError("residuals must be finite and their variances positive")
    return r, v


class _Cusum:
    """Both sums of many raters side by side: shape (2, raters), milder first.

    The log-likelihood ratio of a shift by ``shift`` against none, sheet by sheet. The standard is the
    posterior mean of the rater's residuals before the present run: while a sum is above zero its sheets
    are kept apart, so that a shift does not become the standard it is measured by.
    """

    def __init__(self, raters: int, shift: float, prior_variance: float, limit: float) -> None:
        self.shift, self.limit = shift, limit
        self.sums = np.zeros((2, raters))
        self.precision = np.full((2, raters), 1 / prior_variance)
        self.weighted = np.zeros((2, raters))
        self.apart_precision = np.zeros((2, raters))
        self.apart_weighted = np.zeros((2, raters))
        self.since = np.zeros((2, raters), dtype=np.int64)
        self._signs = np.array([[1.0], [-1.0]])

    def step(self, index: int, residual: Floats, variance: Floats) -> NDArray[np.bool_]:
        """Take one sheet of each rater; says which sums passed the limit."""
        spread = variance + 1 / self.precision
        step = self._signs * (residual - self.weighted / self.precision) - self.shift / 2
        resting = self.sums <= 0
        self.since[resting] = index
        self.sums = np.maximum(self.sums + self.shift * step / spread, 0.0)
        self.apart_precision += 1 / variance
        self.apart_weighted += residual / variance
        if index < SETTLING:
            self.sums[:] = 0.0
        crossed = np.asarray(self.sums > self.limit)
        self._absorb(self.sums <= 0)
        return crossed

    def moved(self, side: int, rater: int) -> float:
        """How far the present run lies from the standard."""
        run = self.apart_weighted[side, rater] / self.apart_precision[side, rater]
        return float(run - self.weighted[side, rater] / self.precision[side, rater])

    def restart(self, raters: NDArray[np.bool_]) -> None:
        """Set both sums of some raters to rest; what they did is their standard now."""
        self.sums[:, raters] = 0.0
        where = np.zeros_like(self.sums, dtype=bool)
        where[:, raters] = True
        self._absorb(where)

    def _absorb(self, where: NDArray[np.bool_]) -> None:
        self.precision[where] += self.apart_precision[where]
        self.weighted[where] += self.apart_weighted[where]
        self.apart_precision[where] = self.apart_weighted[where] = 0.0


def drift_chart(
    residual: ArrayLike,
    variance: ArrayLike,
    *,
    shift: float,
    limit: float,
    prior_variance: float,
) -> DriftChart:
    """Chart one rater's sheets, oldest first, against the standard they had themself.

    Parameters
    ----------
    residual, variance : array_like, shape (n,)
        Reading less expectation without it, and the variance of that difference (levels, levels²).
    shift : float
        The movement to be found soonest, in levels.
    limit : float
        From `drift_limit`.
    prior_variance : float
        How much raters' standards differ, before anything is known of this one.

    Returns
    -------
    DriftChart

    References
    ----------
    Page 1954, doi:10.1093/biomet/41.1-2.100; Hawkins 1987, doi:10.2307/2348827 (unknown standard);
    Moustakides 1986, doi:10.1214/aos/1176350164 (why no other chart finds that shift sooner).

    Examples
    --------
    >>> steady = [0.3, -0.3] * 40
    >>> chart = drift_chart(steady + [0.9, 0.4] * 10, [0.25] * 100, shift=0.5, limit=7.0,
    ...                     prior_variance=0.03)
    >>> [(alarm.side, alarm.since) for alarm in chart.alarms]
    [('milder', 80)]
    """
    r, v = checked(residual, variance)
    cusum = _Cusum(1, shift, prior_variance, limit)
    paths = np.zeros((2, len(r)))
    standard = np.zeros(len(r))
    alarms = []
    for index in range(len(r)):
        standard[index] = cusum.weighted[0, 0] / cusum.precision[0, 0]
        crossed = cusum.step(index, r[index : index + 1], v[index : index + 1])
        paths[:, index] = cusum.sums[:, 0]
        if crossed.any():
            side = int(np.argmax(cusum.sums[:, 0]))
            alarms.append(
                Alarm(index, int(cusum.since[side, 0]), _SIDES[side], cusum.moved(side, 0))
            )
            cusum.restart(np.array([True]))
    return DriftChart(paths[0], paths[1], limit, tuple(alarms), standard)


def alarms_in(
    residual: ArrayLike,
    variance: ArrayLike,
    *,
    shift: float,
    limit: float,
    prior_variance: float,
) -> NDArray[np.bool_]:
    """Say at which sheets the charts of many raters alarm: shape (raters, n), as `drift_chart` would."""
    r, v = checked(residual, variance)
    cusum = _Cusum(len(r), shift, prior_variance, limit)
    found = np.zeros(r.shape, dtype=bool)
    for index in range(r.shape[1]):
        crossed = np.asarray(cusum.step(index, r[:, index], v[:, index]).any(axis=0))
        found[:, index] = crossed
        if crossed.any():
            cusum.restart(crossed)
    return found


@lru_cache(maxsize=64)
def drift_limit(
    rate: float,
    *,
    shift: float,
    deviation: float,
    standard_deviation: float,
    sheets: int = 400,
    raters: int = 4_000,
    seed: int = 20_261_125,
) -> float:
    """Find the limit at which steady raters' charts alarm at most at a stated rate.

    Steady raters are simulated: standards drawn with ``standard_deviation``, residuals around them with
    ``deviation``. Nothing but the rate is chosen; the seed makes the limit repeatable.

    Parameters
    ----------
    rate : float
        Alarms a sheet, both sides of one rater's chart together, after it has settled.
    shift, deviation, standard_deviation : float
        In levels.

    Returns
    -------
    float
        Rounded up to a twentieth.
    """
    if not 0 < rate < 0.05:
        raise ValueError("the rate must be above 0 and below .05 alarms a sheet")
    rng = np.random.default_rng(seed)
    variance = np.full((raters, sheets), deviation**2)
    residual = rng.normal(0, standard_deviation, (raters, 1)) + rng.normal(
        0, deviation, (raters, sheets)
    )

    def rate_at(limit: float) -> float:
        found = alarms_in(
            residual, variance, shift=shift, limit=limit, prior_variance=standard_deviation**2
        )
        return float(found[:, SETTLING:].mean())

    low, high = 0.0, 5.0
    while rate_at(high) > rate:
        low, high = high, high * 1.5
    while high - low > 0.05:
        middle = (low + high) / 2
        low, high = (middle, high) if rate_at(middle) > rate else (low, middle)
    return math.ceil(high * 20) / 20


@dataclass(frozen=True, eq=False)
class Ewma:
    """An exponentially weighted mean of residuals with its limits.

    Attributes
    ----------
    value, limit : ndarray, shape (n,)
        In control the value stays within ``centre ± limit``.
    centre : float
    outside : tuple of int
        Sheets at which it does not.
    """

    value: Floats
    limit: Floats
    centre: float
    outside: tuple[int, ...]


def ewma(
    residual: ArrayLike,
    variance: ArrayLike,
    *,
    centre: float = 0.0,
    weight: float = 0.1,
    sigmas: float = 3.0,
) -> Ewma:
    """Smooth residuals, oldest first; the limits follow each sheet's own variance.

    References
    ----------
    Roberts 1959, doi:10.2307/1266443; Lucas & Saccucci 1990, doi:10.2307/1269835.

    Examples
    --------
    >>> ewma([0.0, 0.0, 4.0, 4.0], [1.0] * 4, weight=0.5).outside
    (2, 3)
    """
    r, v = checked(residual, variance)
    if not 0 < weight <= 1:
        raise ValueError("the weight must be above 0 and at most 1")
    value, spread = np.empty(len(r)), np.empty(len(r))
    mean, square = centre, 0.0
    for index in range(len(r)):
        mean = weight * r[index] + (1 - weight) * mean
        square = weight**2 * v[index] + (1 - weight) ** 2 * square
        value[index], spread[index] = mean, square
    limit = sigmas * np.sqrt(spread)
    outside = np.flatnonzero(np.abs(value - centre) > limit)
    return Ewma(value, limit, centre, tuple(int(index) for index in outside))


@dataclass(frozen=True)
class RunRule:
    """A pattern that chance seldom makes: its name and the sheet that completed it."""

    rule: Literal["beyond 3 s", "8 on one side", "2 of 3 beyond 2 s"]
    index: int


def run_rules(standardised: ArrayLike) -> tuple[RunRule, ...]:
    """Look for the classical patterns in standardised residuals, oldest first.

    References
    ----------
    Western Electric 1956, Statistical Quality Control Handbook; their false alarms add up to about one
    in 90 points (Champ & Woodall 1987, doi:10.2307/1269779), so they draw an eye and pause nobody.

    Examples
    --------
    >>> run_rules([0.2, 3.4, 0.1])
    (RunRule(rule='beyond 3 s', index=1),)
    """
    z = np.asarray(standardised, dtype=float)
    found = [RunRule("beyond 3 s", int(index)) for index in np.flatnonzero(np.abs(z) > 3)]
    side, run = 0.0, 0
    for index, value in enumerate(z):
        sign = float(np.sign(value))
        run = run + 1 if sign and sign == side else int(sign != 0)
        side = sign
        if run == 8:
            found.append(RunRule("8 on one side", index))
            run = 0
    for index in range(2, len(z)):
        last = z[index - 2 : index + 1]
        far = max(int((last > 2).sum()), int((last < -2).sum()))
        if far >= 2 and abs(last[-1]) > 2:
            found.append(RunRule("2 of 3 beyond 2 s", index))
    return tuple(sorted(found, key=lambda item: (item.index, item.rule)))
