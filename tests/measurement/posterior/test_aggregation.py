"""The joint posterior against dense algebra; invariances, refusals; never worse than simpler rules."""

import doctest
import math
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.measurement.allocation.worlds import KINDS, Kind, World, simulate
from grading.measurement.posterior import aggregation, large
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.difference import difference
from grading.measurement.posterior.fitting import fit
from grading.measurement.posterior.joint import Joint, joint_posterior
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import Design, Floats
from grading.measurement.posterior.readings import Readings
from grading.measurement.ratings import Ratings
from grading.measurement.scoring.decision import band_probabilities

PARAMETERS = Parameters(0.0, 110.0, 0.0, 0.8, 20.0, 40.0, 100.0, 10.0, 30.0)
FIELDS = (
    "prior_variance",
    "slope",
    "shared_variance",
    "peer_bias_variance",
    "peer_error_variance",
    "professional_bias_variance",
    "professional_error_variance",
)


def small_design(
    seed: int, *, works: int = 9, peers: int = 5, professionals: int = 3, per_work: int = 3
) -> Design:
    rng = np.random.default_rng(seed)
    work = np.repeat(np.arange(works), per_work)
    peer = np.concatenate([rng.permutation(peers)[:per_work] for _ in range(works)])
    read = np.repeat(rng.permutation(works)[: works // 2], 2)
    who = np.concatenate([rng.permutation(professionals)[:2] for _ in range(works // 2)])
    truth = rng.normal(66, 11, works)
    value = truth[work] + rng.normal(5, 7, peers)[peer] + rng.normal(0, 10, len(work))
    other = truth[read] + rng.normal(0, 4, professionals)[who] + rng.normal(0, 6, len(read))
    codes = [np.asarray(part, np.int32) for part in (work, read, peer, who)]
    return Design.from_rows(
        (codes[0], codes[1]), (codes[2], codes[3]), (value, other), works, (peers, professionals)
    )


def dense(design: Design, parameters: Parameters) -> tuple[Floats, Floats, float, Floats]:
    """Mean, variance, restricted log likelihood and biases from the covariance of all readings."""
    sizes = [pool.n for pool in design.pools]
    value = np.concatenate([pool.value for pool in design.pools]) - design.centre
    work = np.concatenate([pool.rows() for pool in design.pools])
    rater = np.concatenate([pool.matrix.indices for pool in design.pools])
    pool = np.repeat([0, 1], sizes)
    signal = parameters.signal()
    same_work = work[:, None] == work[None, :]
    same_rater = (rater[:, None] == rater[None, :]) & (pool[:, None] == pool[None, :])
    bias = np.array([parameters.bias_variance(p) for p in pool])
    error = np.array([parameters.error_variance(p) for p in pool])
    v = signal[pool[:, None], pool[None, :]] * same_work + same_rater * bias[:, None]
    weight = np.concatenate([pool.matrix.data for pool in design.pools])
    v += np.diag(error / weight)
    x = np.column_stack([np.ones(len(value)), pool == 0]).astype(float)
    x = x if all(sizes) else x[:, :1]
    inverse = np.linalg.inv(v)
    gram = x.T @ inverse @ x
    effects = np.linalg.solve(gram, x.T @ inverse @ value)
    rest = value - x @ effects
    likelihood = -0.5 * (
        np.linalg.slogdet(v)[1] + np.linalg.slogdet(gram)[1] + rest @ inverse @ rest
    ) - 0.5 * np.sum(np.log(weight))
    cross = signal[1, pool] * (np.arange(design.n_works)[:, None] == work[None, :])
    moved = -cross @ inverse @ x
    moved[:, 0] += 1.0
    mean = design.centre + effects[0] + cross @ inverse @ rest
    variance = signal[1, 1] - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    variance += np.einsum("ij,jk,ik->i", moved, np.linalg.inv(gram), moved)
    n_peers = design.pools[0].matrix.shape[1]
    peers = (rater[None, :] == np.arange(n_peers)[:, None]) & (pool[None, :] == 0)
    return mean, variance, float(likelihood), (peers * bias) @ inverse @ rest


def moved(parameters: Parameters, name: str, step: float) -> Parameters:
    now = getattr(parameters, name)
    return replace(
        parameters, **{name: now + step if name == "slope" else now * math.exp(2 * step)}
    )


UNEQUAL = np.array([0.4, 1.0, 2.5, 0.7, 1.6])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("weight", [np.ones(5), UNEQUAL])
def test_means_equal_dense_algebra(seed: int, exact: bool, weight: Floats) -> None:
    design = small_design(seed).weighted(weight)
    found = joint_posterior(design, PARAMETERS, exact=exact, tolerance=1e-12)
    mean, _, _, bias = dense(design, PARAMETERS)
    np.testing.assert_allclose(found.mean, mean, atol=1e-8)
    np.testing.assert_allclose(found.bias[0] - found.parameters.leniency, bias, atol=1e-8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weight", [np.ones(5), UNEQUAL])
def test_exact_variances_and_likelihood_equal_dense_algebra(seed: int, weight: Floats) -> None:
    design = small_design(seed).weighted(weight)
    found = joint_posterior(design, PARAMETERS)
    _, variance, likelihood, _ = dense(design, PARAMETERS)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-10)
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-8)


def test_without_shared_error_or_slope_it_is_still_exact() -> None:
    plain = replace(PARAMETERS, slope=1.0, shared_variance=0.0)
    design = small_design(1)
    found = joint_posterior(design, plain)
    mean, variance, likelihood, _ = dense(design, plain)
    np.testing.assert_allclose(found.mean, mean, atol=1e-8)
    np.testing.assert_allclose(found.variance, variance, rtol=1e-9)
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-8)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("position", range(7))
@pytest.mark.parametrize("weight", [np.ones(5), UNEQUAL])
def test_the_gradient_is_that_of_the_likelihood(position: int, exact: bool, weight: Floats) -> None:
    design, name, step = small_design(2).weighted(weight), FIELDS[position], 1e-4

    def at(parameters: Parameters) -> Joint:
        return joint_posterior(design, parameters, exact=exact, tolerance=1e-13)

    up = at(moved(PARAMETERS, name, step)).log_likelihood
    down = at(moved(PARAMETERS, name, -step)).log_likelihood
    assert at(PARAMETERS).gradient[position] == pytest.approx((up - down) / (2 * step), abs=1e-5)


def test_belief_propagation_is_exact_where_readings_make_no_loop() -> None:
    # A chain: work 0 - peer 0 - work 1 - peer 1 - work 2, and a professional at each end.
    work, peer = np.array([0, 1, 1, 2], np.int32), np.array([0, 0, 1, 1], np.int32)
    read, who = np.array([0, 2], np.int32), np.array([0, 1], np.int32)
    value = (np.array([60.0, 71.0, 75.0, 50.0]), np.array([58.0, 55.0]))
    design = Design.from_rows((work, read), (peer, who), value, 3, (2, 2))
    tree = joint_posterior(design, PARAMETERS, exact=False, tolerance=1e-13)
    full = joint_posterior(design, PARAMETERS, exact=True)
    np.testing.assert_allclose(tree.variance, full.variance, rtol=1e-10)
    assert tree.log_likelihood == pytest.approx(full.log_likelihood, abs=1e-9)


def test_belief_propagation_is_close_in_a_large_design() -> None:
    world = simulate("shared-error", 400, rng=np.random.default_rng(3))
    design = design_of(world, 40)
    tree = joint_posterior(design, PARAMETERS, exact=False)
    full = joint_posterior(design, PARAMETERS, exact=True)
    np.testing.assert_allclose(tree.mean, full.mean, atol=1e-4)
    np.testing.assert_allclose(tree.variance, full.variance, rtol=0.06)
    assert np.mean(tree.variance / full.variance) == pytest.approx(1.0, abs=0.003)


def design_of(world: World, n_read: int) -> Design:
    peers, (work, who) = world.peers, spread(world, n_read)
    return Design.from_rows(
        (peers.work, work),
        (peers.rater, who),
        (peers.value, world.marks[work, who]),
        len(world.truth),
        (len(peers.raters), world.marks.shape[1]),
    )


def spread(world: World, n_read: int) -> tuple[np.ndarray, np.ndarray]:
    """Two readings each of the first works, by professionals who may."""
    work = np.repeat(np.arange(n_read, dtype=np.int32), 2)
    who = [np.flatnonzero(world.eligible[w]) for w in range(n_read)]
    pairs = [(each[2 * w % len(each)], each[(2 * w + 1) % len(each)]) for w, each in enumerate(who)]
    return work, np.array(pairs, dtype=np.int32).ravel()


def cohort(kind: Kind, n_works: int, n_read: int, seed: int) -> tuple[World, Readings]:
    world = simulate(kind, n_works, rng=np.random.default_rng(seed))
    return world, world.readings(*spread(world, n_read))


def rmse(result: Aggregation, world: World) -> float:
    return float(np.sqrt(np.mean((result.mean - world.truth) ** 2)))


def test_the_fit_is_a_maximum() -> None:
    world = simulate("shared-error", 300, rng=np.random.default_rng(4))
    design = design_of(world, 60)
    found = fit(design)
    values, vectors = np.linalg.eigh(found.covariance)
    assert np.all(values > 0)
    again = fit(design, start=found)
    scaled = vectors.T @ (again.point - found.point) / np.sqrt(values)
    assert np.max(np.abs(scaled)) < 0.1


@pytest.mark.parametrize(
    ("kind", "slope", "shared"),
    [("plain", 1.0, 0.0), ("regressing", 0.5, 0.0), ("shared-error", 1.0, 6.0)],
)
def test_what_peers_do_is_learned(kind: Kind, slope: float, shared: float) -> None:
    world, readings = cohort(kind, 1500, 500, 5)
    learned = aggregate(readings, professionals=world.professionals).parameters
    assert learned.slope == pytest.approx(slope, abs=0.12)
    assert math.sqrt(learned.shared_variance) == pytest.approx(shared, abs=2.6)
    assert learned.leniency == pytest.approx(5.0, abs=1.5)
    assert math.sqrt(learned.peer_bias_variance) == pytest.approx(7.0, abs=1.0)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_order_and_labels_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, readings = cohort("plain", 40, 10, 6)
    known = aggregate(readings, professionals=world.professionals, rule="model", cuts=(50, 60))
    order = rng.permutation(len(readings))
    mixed = Readings.from_long(
        [f"w{readings.work[i]}" for i in order],
        [f"x{readings.raters[readings.rater[i]]}" for i in order],
        readings.value[order],
    )
    names = {f"x{name}" for name in world.professionals}
    found = aggregate(mixed, professionals=names, rule="model", cuts=(50, 60))
    for work, expected in known.works.items():
        other = found.works[f"w{work}"]
        assert other.mean == pytest.approx(expected.mean, abs=0.02)
        assert other.standard_error == pytest.approx(expected.standard_error, rel=0.02)
        assert (other.n_peers, other.n_professionals) == (
            expected.n_peers,
            expected.n_professionals,
        )


def test_a_shift_of_the_scale_shifts_the_means() -> None:
    world, readings = cohort("plain", 60, 20, 7)
    one = aggregate(readings, professionals=world.professionals, rule="model")
    two = aggregate(
        replace(readings, value=2.0 * readings.value - 30.0),
        professionals=world.professionals,
        rule="model",
    )
    np.testing.assert_allclose(two.mean, 2.0 * one.mean - 30.0, atol=0.05)
    np.testing.assert_allclose(two.standard_error, 2.0 * one.standard_error, rtol=0.01)


def test_professionals_apart_are_the_same_as_professionals_named() -> None:
    world, readings = cohort("plain", 60, 20, 8)
    named = aggregate(readings, professionals=world.professionals, rule="model")
    n = len(world.peers)
    theirs = Readings.from_long(
        readings.work[n:].tolist(),
        [readings.raters[code] for code in readings.rater[n:]],
        readings.value[n:],
    )
    apart = aggregate(world.peers, professionals=theirs, rule="model")
    np.testing.assert_allclose(apart.mean, named.mean, atol=1e-3)
    assert apart.raters["r1"].pool == "professional"


def test_the_same_label_in_both_pools_is_refused() -> None:
    peers = Readings.from_long(["a", "b"], ["x", "x"], [1, 2])
    with pytest.raises(ValueError, match="both peer and professional"):
        aggregate(peers, professionals=Readings.from_long(["a"], ["x"], [3]))


def test_raters_who_do_not_differ_get_the_mean_and_it_is_said() -> None:
    world, readings = cohort("alike", 300, 30, 9)
    found = aggregate(readings, professionals=world.professionals)
    assert found.rule == "mean"
    assert found.note == aggregation.ALIKE
    count = np.bincount(readings.work)
    np.testing.assert_allclose(found.mean, np.bincount(readings.work, readings.value) / count)
    assert np.mean(
        np.abs(found.mean - world.truth) < 1.6449 * found.standard_error
    ) == pytest.approx(0.9, abs=0.05)


def test_the_gate_is_seldom_wrong_when_raters_are_alike_and_seldom_blind_when_not() -> None:
    def calls(kind: Kind) -> int:
        return sum(
            difference(design_of(simulate(kind, 150, rng=np.random.default_rng(seed)), 15)).is_real
            for seed in range(40)
        )

    # Four tests at two standard errors each: about one alarm in seven.
    assert calls("alike") <= 12
    assert calls("plain") == 40


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_read", [30, 300])
def test_never_worse_than_the_professionals_alone(kind: Kind, n_read: int) -> None:
    world, readings = cohort(kind, 600, n_read, 10)
    ours = aggregate(readings, professionals=world.professionals)
    alone = aggregate(
        world.readings(*spread(world, n_read), peers=False),
        professionals=world.professionals,
        rule="model",
    )
    assert rmse(ours, world) <= 1.02 * rmse(alone, world)


@pytest.mark.parametrize("seed", range(5))
def test_never_worse_than_the_mean_where_raters_do_not_differ(seed: int) -> None:
    world, readings = cohort("alike", 600, 60, seed)
    ours = aggregate(readings, professionals=world.professionals)
    plain = aggregate(readings, professionals=world.professionals, rule="mean")
    assert rmse(ours, world) <= 1.01 * rmse(plain, world)


@pytest.mark.parametrize("kind", ["plain", "shared-error", "weak-peers", "ring", "regressing"])
def test_intervals_hold(kind: Kind) -> None:
    inside = []
    for seed in range(3):
        world, readings = cohort(kind, 600, 150, 20 + seed)
        found = aggregate(readings, professionals=world.professionals)
        inside.append(np.abs(found.mean - world.truth) < 1.6449 * found.standard_error)
    assert 0.86 <= float(np.mean(inside)) <= 0.94


def test_no_readings() -> None:
    found = aggregate(Readings.from_long([], [], []))
    assert (found.works, found.raters, found.groups) == ({}, {}, 0)
    assert found.note == aggregation.NO_READINGS
    kept = aggregate(Readings.from_long(["a"], ["x"], [None]), cuts=(50,))
    assert kept.dropped == 1
    assert math.isnan(kept.works["a"].mean)
    assert all(math.isnan(p) for p in kept.works["a"].bands)


def test_one_peer_for_everything_has_no_standard_error() -> None:
    found = aggregate(Readings.from_long(["a", "b", "c"], ["x"] * 3, [60, 70, 80]))
    assert (found.rule, found.note) == ("mean", aggregation.NO_REPEAT)
    assert found.works["b"].mean == 70
    assert math.isnan(found.works["b"].standard_error)
    assert math.isnan(found.raters["x"].bias)


def test_one_number_for_everything_has_no_standard_error() -> None:
    found = aggregate(Readings.from_long(["a", "a", "b"], ["x", "y", "x"], [70, 70, 70]))
    assert (found.note, found.works["a"].mean) == (aggregation.SAME, 70)
    assert math.isnan(found.works["a"].standard_error)


@pytest.mark.parametrize("rule", ["auto", "model"])
@pytest.mark.parametrize(
    ("peers", "reason", "mean"), [(70, aggregation.SAME, 70), (76, aggregation.FLAT, 74)]
)
def test_without_any_variation_within_a_pool_even_the_model_falls_back(
    rule: Literal["auto", "model"], peers: float, reason: str, mean: float
) -> None:
    works, raters = np.repeat(np.arange(40), 3).tolist(), ["p", "q", "r"] * 40
    readings = Readings.from_long(works, raters, [peers, peers, 70] * 40)
    found = aggregate(readings, professionals={"r"}, rule=rule, cuts=(60,))
    assert (found.rule, found.note) == ("mean", reason)
    assert found.mean.tolist() == [mean] * 40
    assert np.all(np.isnan(found.standard_error))
    assert math.isnan(found.parameters.professional_error_variance)


def test_raters_who_agree_to_the_point_are_believed() -> None:
    scores = np.random.default_rng(8).integers(0, 20, 40)
    readings = Readings.from_long(
        np.repeat(np.arange(40), 3).tolist(), ["p", "q", "r"] * 40, np.repeat(scores, 3)
    )
    found = aggregate(readings, professionals={"p", "q", "r"}, rule="model")
    np.testing.assert_allclose(found.mean, scores, atol=0.2)
    assert np.all((found.standard_error > 0) & (found.standard_error < np.std(scores)))


def test_without_professionals_the_peers_anchor_and_it_is_said() -> None:
    world = simulate("plain", 300, rng=np.random.default_rng(11))
    found = aggregate(world.peers)
    assert found.rule == "model"
    assert found.note is not None
    assert aggregation.NO_PROFESSIONALS in found.note
    assert found.parameters.slope == 1.0
    assert found.parameters.shared_variance == 0.0
    assert np.mean(found.mean) == pytest.approx(np.mean(world.truth) + 5.0, abs=1.5)


def test_pools_without_a_common_work_are_not_compared() -> None:
    world = simulate("plain", 200, rng=np.random.default_rng(12))
    half = world.peers.work < 100
    peers = replace(
        world.peers,
        work=world.peers.work[half],
        rater=world.peers.rater[half],
        value=world.peers.value[half],
    )
    work = np.repeat(np.arange(100, 200, dtype=np.int32), 2)
    who = np.tile(np.array([0, 1, 2, 3], np.int32), 50)
    theirs = Readings(work, who, world.marks[work, who], world.peers.works, ("a", "b", "c", "d"))
    found = aggregate(peers, professionals=theirs)
    assert found.note is not None
    assert aggregation.NO_OVERLAP in found.note


def test_panels_that_never_meet_are_counted() -> None:
    world, readings = cohort("panels", 200, 200, 13)
    found = aggregate(readings, professionals=world.professionals)
    assert found.groups == 2
    assert found.note is not None
    assert "2 groups" in found.note


def test_a_work_that_nobody_read_has_the_prior() -> None:
    world, readings = cohort("plain", 200, 40, 14)
    more = replace(readings, works=(*readings.works, "unread"))
    found = aggregate(more, professionals=world.professionals)
    unread = found.works["unread"]
    assert (unread.n_peers, unread.n_professionals) == (0, 0)
    assert unread.mean == pytest.approx(found.parameters.prior_mean)
    assert unread.standard_error >= math.sqrt(found.parameters.prior_variance)


def test_parameters_from_an_earlier_cohort_serve_a_single_reading() -> None:
    known = replace(PARAMETERS, leniency=5.0)
    found = aggregate(Readings.from_long(["a"], ["x"], [71]), parameters=known)
    assert found.rule == "model"
    assert found.works["a"].mean == pytest.approx(66.0)
    assert found.works["a"].standard_error > 10


def test_bands_sum_to_one_and_hold_their_lower_cut() -> None:
    bands = band_probabilities(np.array([60.0, 75.0]), np.array([0.0, 5.0]), (50, 60, 70))
    np.testing.assert_allclose(bands.sum(axis=1), 1.0)
    assert bands[0].tolist() == [0, 0, 1, 0]
    sure = band_probabilities(np.array([60.1]), np.array([0.0]), (50, 60, 70))
    assert sure[0].tolist() == [0, 0, 1, 0]
    with pytest.raises(ValueError, match="rise"):
        band_probabilities(np.array([60.0]), np.array([1.0]), (60, 50))


def test_means_stay_on_the_scale() -> None:
    world, readings = cohort("plain", 60, 20, 15)
    found = aggregate(readings, professionals=world.professionals, scale=(60, 70))
    assert found.mean.min() >= 60
    assert found.mean.max() <= 70


def test_sheets_become_composites_and_incomplete_ones_are_dropped() -> None:
    ratings = Ratings.from_long(
        ["a", "a", "a", "a", "b"],
        ["x", "x", "y", "y", "x"],
        [0, 4, 2, 2, 3],
        criterion=["p", "q", "p", "q", "p"],
        levels=[0, 1, 2, 3, 4],
    )
    sheets = Readings.from_ratings(ratings, weights={"p": 1, "q": 3})
    assert sheets.value.tolist() == [3.0, 2.0]
    assert sheets.dropped == 1
    assert sheets.works == ("a", "b")
    with pytest.raises(ValueError, match="no weight"):
        Readings.from_ratings(ratings, weights={"p": 1})
    with pytest.raises(ValueError, match="more than 0"):
        Readings.from_ratings(ratings, weights={"p": 0, "q": 0})


def test_refused_readings() -> None:
    with pytest.raises(ValueError, match="more than once"):
        Readings.from_long(["a", "b", "a"], ["x", "x", "x"], [1, 2, 3])
    with pytest.raises(ValueError, match="one length"):
        Readings.from_long(["a"], ["x", "y"], [1, 2])
    with pytest.raises(ValueError, match="infinite"):
        Readings.from_long(["a"], ["x"], [math.inf])


def test_a_rater_with_many_wild_readings_is_less_precise() -> None:
    rng = np.random.default_rng(16)
    n, raters = 120, 8
    truth = rng.normal(66, 11, n)
    value = truth[:, None] + rng.normal(0, 4, raters) + rng.normal(0, 6, (n, raters))
    value[:, 0] += rng.normal(0, 18, n)
    readings = Readings.from_long(
        np.repeat(np.arange(n), raters).tolist(), list(range(raters)) * n, value.ravel()
    )
    found = aggregate(readings)
    assert found.raters[0].precision < 0.5 * min(
        found.raters[k].precision for k in range(1, raters)
    )


@pytest.mark.parametrize("kind", ["shared-error", "plain"])
def test_the_way_for_millions_agrees_with_the_other(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "_PART", 64)
    design = design_of(simulate(kind, 700, rng=np.random.default_rng(17)), 200)
    known, certain = fit(design), fit(design, laplace=False)
    found = large.solve_large(design, certain.joint.parameters, certain)
    np.testing.assert_allclose(found.joint.mean, known.joint.mean, atol=1e-3)
    np.testing.assert_allclose(found.variance, certain.variance, rtol=0.005)
    # With the biases held the parameters' uncertainty moves the works a little less.
    held = large.solve_large(design, known.joint.parameters, known)
    assert np.mean(held.variance / known.variance) == pytest.approx(1.0, abs=0.01)
    assert np.all(held.variance >= found.variance)
    for p in (0, 1):
        np.testing.assert_allclose(found.joint.bias[p], known.joint.bias[p], atol=1e-3)
        np.testing.assert_allclose(
            found.joint.bias_variance[p], known.joint.bias_variance[p], rtol=0.05
        )
    assert found.joint.parameters.leniency == pytest.approx(
        known.joint.parameters.leniency, abs=1e-3
    )


def test_a_sample_of_works_learns_the_same_cohort(monkeypatch: pytest.MonkeyPatch) -> None:
    world = simulate("plain", 3000, rng=np.random.default_rng(18))
    monkeypatch.setattr(aggregation, "LARGE", 1000)
    monkeypatch.setattr(large, "SAMPLE", 6000)
    found = aggregate(world.peers)
    assert math.sqrt(found.parameters.peer_bias_variance) == pytest.approx(7.0, abs=1.0)
    inside = np.abs(found.mean - 5.0 - world.truth) < 1.6449 * found.standard_error
    assert float(np.mean(inside)) == pytest.approx(0.9, abs=0.04)


def test_the_examples_run() -> None:
    assert doctest.testmod(aggregation).failed == 0
