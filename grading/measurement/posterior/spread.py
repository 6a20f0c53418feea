"""The parts of the joint posterior that do not depend on what was read: exact, or by belief propagation.

Exact while the raters' matrix is small. Above that, variances and the determinant come from belief
propagation on the graph of readings: exact where that graph has no loop, and close where raters meet
each other seldom, which is how large designs are drawn (Weiss & Freeman 2001,
doi:10.1162/089976601750541769).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grading.measurement.posterior.elimination import Works
from grading.measurement.posterior.pools import Floats, summed

_SWEEPS = 60


@dataclass(eq=False)
class Messages:
    """Belief propagation's variances per reading, kept from one evaluation to the next.

    ``spread`` is, a reading, the variance of what was read given every other reading.
    """

    to_rater: list[Floats | None] = field(default_factory=lambda: [None, None])
    spread: list[Floats] = field(default_factory=lambda: [np.zeros(0), np.zeros(0)])


@dataclass(frozen=True, eq=False)
class Spread:
    """The parts of the posterior that do not depend on what was read, given mean and leniency.

    ``weight`` (n_works, 3) holds the entries (uu, ux, xx) of Z'PZ a work, ``of_rater`` and ``of_noise``
    the traces of P over raters and readings of each pool, ``variance`` each rater's posterior variance.
    """

    weight: Floats
    of_rater: tuple[float, float]
    of_noise: tuple[float, float]
    variance: tuple[Floats, Floats]
    log_determinant: float


def exact_spread(works: Works, factor: Any, inverse: Floats) -> Spread:
    pools, cut = works.design.pools, works.design.pools[0].matrix.shape[1]
    a, b = works.a, works.b
    uu, ux, xx = works.m
    blocks = {
        (p, q): inverse[slice(cut * p, None if p else cut), slice(cut * q, None if q else cut)]
        for p, q in ((0, 0), (0, 1), (1, 1))
    }

    def form(p: int, q: int) -> Floats:
        """Covariance of the summed biases of a work's readers in pools p and q, a work."""
        image = pools[p].matrix @ blocks[p, q]
        rows, columns = pools[q].rows(), pools[q].matrix.indices
        each = pools[q].matrix.data * image[rows, columns]
        return summed(rows, each, works.design.n_works) / (works.errors[p] * works.errors[q])

    f00, f01, f11 = form(0, 0), form(0, 1), form(1, 1)

    def through(left: tuple[Floats, Floats], right: tuple[Floats, Floats]) -> Floats:
        return (
            left[0] * right[0] * f00
            + (left[0] * right[1] + left[1] * right[0]) * f01
            + left[1] * right[1] * f11
        )

    u, x = (1.0 - a * uu, -a * ux), (-b * ux, 1.0 - b * xx)
    weight = np.column_stack(
        [
            a - a * a * uu - through(u, u),
            -a * b * ux - through(u, x),
            b - b * b * xx - through(x, x),
        ]
    )
    own = np.diag(inverse)
    variance = (own[:cut], own[cut:])
    noise, of_rater = [], []
    for p, row in ((0, (uu, ux)), (1, (ux, xx))):
        pool, error, prior = pools[p], works.errors[p], works.priors[p]
        single = ((row[0] * f00 + row[1] * f01), (row[0] * f01 + row[1] * f11))[p] * error
        spread = (
            float(pool.in_work @ (works.m[2 * p] + through(row, row)))
            + float(pool.in_rater @ variance[p])
            - 2.0 * float(np.sum(single))
        )
        noise.append(pool.n / error - spread / error**2)
        of_rater.append(float(np.sum((prior - variance[p]) / prior**2)))
    determinant = (
        sum(pools[p].n * np.log(works.errors[p]) for p in (0, 1))
        + np.sum(np.log(works.determinant()))
        + sum(pools[p].matrix.shape[1] * np.log(works.priors[p]) for p in (0, 1))
        + 2.0 * np.sum(np.log(np.diag(factor)))
    )
    return Spread(
        weight, (of_rater[0], of_rater[1]), (noise[0], noise[1]), variance, float(determinant)
    )


def propagated_spread(works: Works, messages: Messages, tolerance: float) -> Spread:
    """Belief propagation: what each work would tell a rater without that rater's own reading."""
    pools, n = works.design.pools, works.design.n_works
    rows = [pool.rows() if pool.n else np.zeros(0, np.int32) for pool in pools]
    columns = [pool.matrix.indices for pool in pools]
    raters = [pool.matrix.shape[1] for pool in pools]
    errors = [error / pool.matrix.data for error, pool in zip(works.errors, pools, strict=True)]
    to_rater = [
        kept if kept is not None else np.full(pool.n, prior)
        for kept, pool, prior in zip(messages.to_rater, pools, (works.uu, works.xx), strict=True)
    ]
    to_work = [np.zeros(0), np.zeros(0)]
    known = [np.zeros(0), np.zeros(0)]
    precise = [np.zeros(n), np.zeros(n)]
    for _ in range(_SWEEPS):
        for p in (0, 1):
            told = 1.0 / (errors[p] + to_rater[p])
            known[p] = summed(columns[p], told, raters[p])
            to_work[p] = 1.0 / (1.0 / works.priors[p] + known[p][columns[p]] - told)
            told = 1.0 / (errors[p] + to_work[p])
            precise[p] = summed(rows[p], told, n)
        change = 0.0
        for p in (0, 1):
            # What the other pool leaves unknown of this pool's signal, then this pool's other readers.
            own, other = ((works.uu, works.xx), (works.xx, works.uu))[p]
            rest = own - works.ux**2 * precise[1 - p] / (1.0 + other * precise[1 - p])
            told = 1.0 / (errors[p] + to_work[p])
            before = to_rater[p]
            to_rater[p] = 1.0 / (1.0 / rest[rows[p]] + precise[p][rows[p]] - told)
            if len(before):
                change = max(change, float(np.max(np.abs(to_rater[p] / before - 1.0))))
        if change < tolerance:
            break
    messages.to_rater = list(to_rater)
    a, b = precise
    determinant = 1.0 + works.uu * a + works.xx * b + works.minor * a * b
    weight = np.column_stack(
        [
            a * (1.0 + works.xx * b) / determinant,
            -works.ux * a * b / determinant,
            b * (1.0 + works.uu * a) / determinant,
        ]
    )
    total = float(np.sum(np.log(determinant)))
    noise, of_rater, variance = [], [], []
    for p in (0, 1):
        edge = errors[p] + to_work[p] + to_rater[p]
        messages.spread[p] = edge
        prior = works.priors[p]
        noise.append(float(np.sum(1.0 / (edge * pools[p].matrix.data))))
        of_rater.append(float(np.sum(known[p] / (1.0 + prior * known[p]))))
        variance.append(prior / (1.0 + prior * known[p]))
        total += float(
            np.sum(np.log((errors[p] + to_work[p]) / edge * (errors[p] + to_rater[p])))
            + np.sum(np.log1p(prior * known[p]))
        )
    return Spread(
        weight, (of_rater[0], of_rater[1]), (noise[0], noise[1]), (variance[0], variance[1]), total
    )
