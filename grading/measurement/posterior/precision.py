"""How exact each rater is, as far as a few readings can tell.

A pool's raters differ in their error variance. Three or four readings say little of one rater, but a
cohort of them says how much they differ; each rater's own is then drawn to the pool's by as much as
chance explains. With x the rater's error variance as a multiple of the pool's,

    x ~ inverse gamma with mean 1 and variance t²,    E(1 / x) = (a + d/2) / (a - 1 + d y/2),  a = 2 + 1/t²

where y = 1 + (r - 1) / k estimates x: r is the rater's mean squared residual as a multiple of what the
model expects of it, and k how far a residual is the rater's own (the rest of it is what other readers of
the work got wrong); d is the degrees of freedom that y has left. t² is the spread of the estimates beyond
that of chance; where it is not beyond chance, all raters of the pool count the same.

References
----------
Smyth 2004, doi:10.2202/1544-6115.1027 (variances drawn together by an inverse gamma whose parameters
are learned from all of them); Pinheiro, Liu & Wu 2001, doi:10.1198/10618600152628059.
"""

import math
from dataclasses import dataclass

import numpy as np

from grading.measurement.posterior.elimination import Works
from grading.measurement.posterior.joint import Joint
from grading.measurement.posterior.pools import LARGE, PEER, Design, Floats, summed
from grading.measurement.posterior.spread import Messages, propagated_spread

# Standard errors of no spread at all that the ratios' spread must pass.
_CHANCE = 2.0
_PART = 1 << 16


@dataclass(frozen=True, eq=False)
class Precision:
    """What is known of a pool's raters.

    Attributes
    ----------
    weight : ndarray, shape (n_raters,)
        Expected 1 / x of each rater; all 1 where raters do not differ by more than chance.
    spread : float
        The variance of x, t².
    """

    weight: Floats
    spread: float


def precision_of(design: Design, joint: Joint, pool: int) -> Precision:
    """Learn a pool's precisions from the residuals of a fit in which its raters counted the same."""
    part, parameters = design.pools[pool], joint.parameters
    n, error = part.in_rater, parameters.error_variance(pool)
    alike = Precision(np.ones(len(n)), 0.0)
    if part.n == 0 or error <= 0:
        return alike
    squares = _squares(design, joint, pool)
    if sum(one.n for one in design.pools) > LARGE:
        # Millions of readings have no room for a variance each: all their raters lean alike.
        expected = n * (float(np.sum(squares)) / part.n)
    else:
        messages = Messages()
        propagated_spread(Works(design, parameters), messages, 1e-3)
        expected = summed(part.matrix.indices, error**2 / messages.spread[pool], len(n))
    read = (n > 1) & (expected > 1e-9 * n * error)
    if np.sum(read) < 2 or not np.sum(squares) > 0:
        return alike
    own = np.minimum(expected[read] / (n[read] * error), 1.0)
    estimate = 1.0 + (squares[read] / expected[read] - 1.0) / own
    # Residuals of one rater lean against each other, as the bias was taken from them.
    prior = max(parameters.bias_variance(pool), 1e-12)
    taken = np.clip(1.0 - joint.bias_variance[pool][read] / prior, 0.0, 1.0) / n[read]
    lean = taken / np.maximum(1.0 - taken, 1e-9)
    chance = 2.0 * (1.0 + (n[read] - 1.0) * lean**2) / n[read]
    noise = chance / own**2
    by = 1.0 / noise**2
    total = float(np.sum(by))
    excess = float(by @ ((estimate - 1.0) ** 2 - noise)) / total
    # The fourth moment of a gamma variable.
    unsure = math.sqrt(float(by**2 @ (noise**2 * (2.0 + 6.0 * chance)))) / total
    if excess <= _CHANCE * unsure:
        return alike
    spread = excess / (1.0 + float(by @ chance) / total)
    shape, degrees = 2.0 + 1.0 / spread, 2.0 / noise
    weight = np.full(len(n), shape / (shape - 1.0))
    weight[read] = (shape + degrees / 2.0) / (
        shape - 1.0 + degrees * np.maximum(estimate, 0.0) / 2.0
    )
    return Precision(weight, spread)


def _squares(design: Design, joint: Joint, pool: int) -> Floats:
    """Each rater's summed squared residuals: readings less all that the posterior expects of them."""
    part, parameters = design.pools[pool], joint.parameters
    signal = joint.mean - design.centre
    if pool == PEER:
        # What peers see of a work: slope and shared error, given everything.
        bias = part.matrix @ (joint.bias[PEER] - parameters.leniency)
        prior = parameters.prior_mean - design.centre
        there = prior + parameters.leniency + parameters.slope * (signal - prior)
        left = part.by_work - bias - part.in_work * there
        error = parameters.error_variance(pool)
        held = part.in_work + error / max(parameters.shared_variance, 1e-12)
        signal = there - parameters.leniency + left / held
    squares = np.zeros(part.matrix.shape[1])
    bounds = part.matrix.indptr
    for first in range(0, design.n_works, _PART):
        last = min(first + _PART, design.n_works)
        rows = np.repeat(np.arange(first, last), np.diff(bounds[first : last + 1]))
        columns = part.matrix.indices[bounds[first] : bounds[last]]
        residual = part.value[bounds[first] : bounds[last]] - design.centre
        residual -= signal[rows] + joint.bias[pool][columns]
        squares += summed(columns, residual**2, len(squares))
    return squares
