"""Exact and careless peers are told apart as far as their few readings allow, and no further."""

import numpy as np
import pytest

from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.fitting import fit, reweighted
from grading.measurement.posterior.pools import PEER, PROFESSIONAL, Design, Floats
from grading.measurement.posterior.precision import precision_of
from grading.measurement.posterior.readings import Readings

WORKS, PER_WORK, PROFESSIONALS = 600, 4, 12


def cohort(ratio: float, seed: int) -> tuple[Floats, Floats, Readings]:
    """Truth, each peer's error SD and readings: half of the peers err ``ratio`` times as much."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(66, 11, WORKS)
    error = 8.0 * np.where(np.arange(WORKS) % 2 == 0, 1.0, ratio)
    work = np.repeat(np.arange(WORKS), PER_WORK)
    steps = rng.choice(np.arange(1, WORKS // 2), PER_WORK, replace=False)
    peer = (work + np.tile(steps, WORKS)) % WORKS
    bias = rng.normal(3, 4, WORKS)
    value = truth[work] + bias[peer] + error[peer] * rng.normal(size=len(work))
    read = np.repeat(np.arange(90), 2)
    who = WORKS + np.tile(np.arange(PROFESSIONALS), 15)
    marks = truth[read] + rng.normal(0, 6, len(read))
    return (
        truth,
        error,
        Readings(
            np.concatenate([work, read]).astype(np.int32),
            np.concatenate([peer, who]).astype(np.int32),
            np.concatenate([value, marks]),
            range(WORKS),
            range(WORKS + PROFESSIONALS),
        ),
    )


def design_of(readings: Readings) -> Design:
    peers = readings.rater < WORKS
    return Design.from_rows(
        (readings.work[peers], readings.work[~peers]),
        (readings.rater[peers], readings.rater[~peers] - np.int32(WORKS)),
        (readings.value[peers], readings.value[~peers]),
        WORKS,
        (WORKS, PROFESSIONALS),
    )


def test_careless_peers_weigh_less_and_the_scores_come_nearer() -> None:
    spread, gained, covered = [], [], []
    for seed in range(4):
        truth, error, readings = cohort(2.5, seed)
        design = design_of(readings)
        plain = fit(design)
        found = precision_of(design, plain.joint, PEER)
        spread.append(found.spread)
        exact, careless = found.weight[error == 8], found.weight[error == 20]
        chance = np.sqrt(exact.var() / len(exact) + careless.var() / len(careless))
        assert exact.mean() - careless.mean() > 5 * chance
        better = reweighted(design, found.weight, plain)
        gained.append(
            np.mean((better.joint.mean - truth) ** 2) / np.mean((plain.joint.mean - truth) ** 2)
        )
        inside = np.abs(better.joint.mean - truth) <= 1.645 * np.sqrt(better.variance)
        covered.append(np.mean(inside))
    # Error variances of 64 and 400 about their mean of 232.
    assert np.mean(spread) == pytest.approx((168 / 232) ** 2, abs=0.12)
    assert np.mean(gained) < 0.95
    assert np.mean(covered) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("pool", [PEER, PROFESSIONAL])
def test_raters_who_do_not_differ_all_count_the_same(pool: int) -> None:
    alike = 0
    for seed in range(8):
        design = design_of(cohort(1.0, seed)[2])
        found = precision_of(design, fit(design, laplace=False).joint, pool)
        alike += bool(np.all(found.weight == 1) and found.spread == 0)
    # Two standard errors of chance: one cohort in forty is taken in.
    assert alike >= 7


def test_residuals_are_as_large_as_the_model_expects() -> None:
    # At the maximum of the likelihood the error variance makes the two sums equal; the weak prior on
    # it moves them apart by as good as nothing. A wrong leverage would show here.
    readings = cohort(2.5, 1)[2]
    found = aggregate(readings, professionals=set(range(WORKS, WORKS + PROFESSIONALS)))
    peers = found.rater_pool == PEER
    error = found.parameters.peer_error_variance
    assert error == pytest.approx((8**2 + 20**2) / 2, rel=0.1)
    # E(1 / x) is at least 1 / E(x).
    assert np.mean(found.rater_precision[peers]) * error > 1.0


def test_what_was_read_keeps_its_order() -> None:
    design = design_of(cohort(2.5, 2)[2])
    before = [pool.matrix.indices.copy() for pool in design.pools]
    joint = fit(design, laplace=False).joint
    reweighted(design, precision_of(design, joint, PEER).weight, fit(design))
    for pool, indices in zip(design.pools, before, strict=True):
        assert np.array_equal(pool.matrix.indices, indices)
