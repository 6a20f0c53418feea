"""What further readings would buy, by simulation from the posterior."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from grading.measurement.allocation.decisions import Decisions
from grading.measurement.allocation.routing import Board
from grading.measurement.posterior.pools import Floats

_ROUNDS, _FEW = 10, 8


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
