"""The joint posterior of millions of readings, in little memory.

Slope and variances are learned on a random part of the works: they belong to the cohort, and some
hundred thousand readings settle them. Everything else uses every reading: biases and posterior means
are exact (conjugate gradients), marginal variances come from belief propagation. How the parameters'
own uncertainty moves a work's mean is taken with the raters' biases held.
"""

from dataclasses import replace

import numpy as np

from grading.measurement.posterior.elimination import Works
from grading.measurement.posterior.fitting import Fit, fit, parameters_at
from grading.measurement.posterior.joint import Joint
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import (
    PEER,
    PROFESSIONAL,
    Codes,
    Design,
    Floats,
    summed,
)

# Readings that settle the parameters, and professional ones among them.
SAMPLE, SAMPLE_PROFESSIONAL = 100_000, 1_000
_SEED = 20_260_101
_TOLERANCE, _SPREAD_TOLERANCE, _SWEEPS = 1e-6, 1e-3, 30
_PART = 100_000


def fit_large(design: Design) -> Fit:
    """Learn on a sample of works, then solve for all of them."""
    learned = fit(_sample(design), tolerance=0.1, precision=1e-5)
    return solve_large(design, learned.joint.parameters, learned)


def _sample(design: Design) -> Design:
    """Works drawn at random; a share large enough to hold the professional readings it takes."""
    total = sum(pool.n for pool in design.pools)
    share = SAMPLE / total
    if design.pools[PROFESSIONAL].n:
        share = max(share, SAMPLE_PROFESSIONAL / design.pools[PROFESSIONAL].n)
    if share >= 1.0:
        return design
    drawn = np.random.default_rng(_SEED).random(design.n_works) < share
    number = np.cumsum(drawn, dtype=np.int32) - 1
    work: list[Codes] = []
    rater: list[Codes] = []
    value: list[Floats] = []
    for pool in design.pools:
        rows = pool.rows()
        kept = drawn[rows]
        work.append(number[rows[kept]])
        rater.append(pool.matrix.indices[kept])
        value.append(pool.value[kept])
    sizes = [pool.matrix.shape[1] for pool in design.pools]
    return Design.from_rows(
        (work[0], work[1]),
        (rater[0], rater[1]),
        (value[0], value[1]),
        int(np.sum(drawn)),
        (sizes[0], sizes[1]),
    )


def solve_large(design: Design, parameters: Parameters, learned: Fit) -> Fit:
    """The posterior of all works at given slope and variances, whose uncertainty is ``learned``'s."""
    pools = design.pools
    works = Works(design, parameters)
    cut = pools[PEER].matrix.shape[1]
    # Columns as in joint_posterior, one at a time: values, mean, leniency.
    n = 3 if all(pool.n for pool in pools) else 2
    solved = np.column_stack([_column(works, column) for column in range(n)])
    gram = np.column_stack([_products(works, solved[:, column], column, n) for column in range(n)])
    covariance = np.linalg.inv((gram[1:, 1:] + gram[1:, 1:].T) / 2)
    effects = covariance @ gram[1:, 0]
    leniency = float(effects[1]) if len(effects) == 2 else 0.0
    bias = solved @ np.concatenate([[1.0], -effects])
    halves = [bias[:cut], bias[cut:]]
    left = []
    for p in (0, 1):
        fixed = effects[0] + (leniency if p == PEER else 0.0)
        rest = pools[p].by_work - fixed * pools[p].in_work
        left.append((rest - pools[p].matrix @ halves[p])[:, None] if pools[p].n else rest[:, None])
    variance, bias_variance = _variances(works, parameters)
    # How mean and leniency, which are estimated too, move each work's mean.
    moves = [
        float(column == 1) - _signal(works, solved[:, column], column) for column in range(1, n)
    ]
    for i, one in enumerate(moves):
        for j, other in enumerate(moves):
            variance += covariance[i, j] * one * other
    del moves
    mean = works.signal(1, left)[:, 0]
    del works
    active = np.flatnonzero(learned.learned)
    directions = np.linalg.cholesky(
        learned.covariance[np.ix_(active, active)] + 1e-12 * np.eye(len(active))
    )
    for direction in directions.T:
        point = learned.point.copy()
        point[active] += direction
        moved = Works(design, parameters_at(point, learned.learned)).signal(1, left)[:, 0]
        moved -= mean
        variance += moved**2
    mean += design.centre + effects[0]
    shift = covariance[1, 1] if n == 3 else 0.0
    joint = Joint(
        mean,
        variance,
        (halves[0] + leniency, halves[1]),
        (bias_variance[0] + shift, bias_variance[1]),
        replace(parameters, prior_mean=design.centre + float(effects[0]), leniency=leniency),
        float("nan"),
        np.full(len(learned.point), np.nan),
    )
    return replace(learned, joint=joint, variance=variance)


def _sums(design: Design, column: int) -> tuple[list[Floats], list[Floats]]:
    """A column's sums by work and by rater, a pool each."""
    pools = design.pools
    if column == 0:
        return [pool.by_work for pool in pools], [pool.by_rater for pool in pools]
    flags = (1.0, 1.0 if column == 1 else 0.0)
    return (
        [
            pool.in_work if flag else 0.0 * pool.in_work
            for flag, pool in zip(flags, pools, strict=True)
        ],
        [flag * pool.in_rater for flag, pool in zip(flags, pools, strict=True)],
    )


def _column(works: Works, column: int) -> Floats:
    """The raters' part of the solution for one column."""
    pools = works.design.pools
    by_work, by_rater = _sums(works.design, column)
    wide = [part[:, None] for part in by_work]
    right = [
        (by_rater[p] - pools[p].transposed @ works.signal(p, wide)[:, 0]) / works.errors[p]
        for p in (0, 1)
    ]
    return works.solve(np.concatenate(right)[:, None], _TOLERANCE)[:, 0]


def _left(works: Works, solved: Floats, column: int) -> list[Floats]:
    """What the raters' part leaves of a column's sums by work."""
    pools, cut = works.design.pools, works.design.pools[PEER].matrix.shape[1]
    by_work, _ = _sums(works.design, column)
    halves = (solved[:cut], solved[cut:])
    return [(by_work[p] - pools[p].matrix @ halves[p])[:, None] for p in (0, 1)]


def _signal(works: Works, solved: Floats, column: int) -> Floats:
    """The true scores' part of the solution for one column."""
    return works.signal(1, _left(works, solved, column))[:, 0]


def _products(works: Works, solved: Floats, column: int, n: int) -> Floats:
    """Inner products of one column with all, in the metric of the inverse covariance."""
    pools, cut = works.design.pools, works.design.pools[PEER].matrix.shape[1]
    halves = [solved[:cut], solved[cut:]]
    left = _left(works, solved, column)
    out = np.zeros(n)
    for p in (0, 1):
        total, count = float(np.sum(pools[p].by_rater)), float(pools[p].n)
        flag = float(p == PEER)
        product = np.array(
            [[pools[p].square, total, total], [total, count, count], [total, count, count]]
        )
        product *= np.array([[1.0, 1.0, flag], [1.0, 1.0, flag], [flag, flag, flag]])
        seen = works.signal(p, left)[:, 0]
        for row in range(n):
            other_work, other_rater = _sums(works.design, row)
            out[row] += (
                product[row, column] - other_work[p] @ seen - other_rater[p] @ halves[p]
            ) / works.errors[p]
    return out


def _variances(works: Works, parameters: Parameters) -> tuple[Floats, tuple[Floats, Floats]]:
    """Belief propagation of the variances, a hundred thousand works at a time.

    Only what a work tells each rater is kept, in single precision; what a rater tells a work follows
    from it.
    """
    pools, n_works = works.design.pools, works.design.n_works
    to_rater = [
        np.full(pool.n, prior, dtype=np.float32)
        for pool, prior in zip(pools, (works.uu, works.xx), strict=True)
    ]
    known = [np.zeros(pool.matrix.shape[1]) for pool in pools]
    for p in (0, 1):
        known[p] = pools[p].in_rater / (works.errors[p] + to_rater[p][0] if pools[p].n else 1.0)
    variance = np.empty(n_works)
    signal = ((works.uu, works.xx), (works.xx, works.uu))
    for _ in range(_SWEEPS):
        fresh, change = [np.zeros_like(one) for one in known], 0.0
        for first in range(0, n_works, _PART):
            last = min(first + _PART, n_works)
            rows, columns, spans = [], [], []
            told, precise = [], []
            for p in (0, 1):
                bounds = pools[p].matrix.indptr[first : last + 1]
                span = slice(int(bounds[0]), int(bounds[-1]))
                row = np.repeat(np.arange(last - first, dtype=np.int32), np.diff(bounds))
                column = pools[p].matrix.indices[span]
                rest = known[p][column] - 1.0 / (works.errors[p] + to_rater[p][span])
                rater_tells = 1.0 / (1.0 / works.priors[p] + np.maximum(rest, 0.0))
                message = 1.0 / (works.errors[p] + rater_tells)
                rows.append(row)
                columns.append(column)
                spans.append(span)
                told.append(message)
                precise.append(summed(row, message, last - first))
            for p in (0, 1):
                own, other = signal[p]
                cross = precise[1 - p]
                rest = own - works.ux**2 * cross / (1.0 + other * cross)
                news = 1.0 / ((1.0 / rest + precise[p])[rows[p]] - told[p])
                if len(news):
                    change = max(change, float(np.max(np.abs(to_rater[p][spans[p]] / news - 1.0))))
                to_rater[p][spans[p]] = news
                fresh[p] += summed(columns[p], 1.0 / (works.errors[p] + news), len(fresh[p]))
            told_x = parameters.slope**2 / (
                parameters.shared_variance + 1.0 / np.maximum(precise[0], 1e-300)
            )
            variance[first:last] = 1.0 / (1.0 / works.xx + precise[1] + told_x)
        known = fresh
        if change < _SPREAD_TOLERANCE:
            break
    left = [prior / (1.0 + prior * one) for prior, one in zip(works.priors, known, strict=True)]
    return variance, (left[0], left[1])
