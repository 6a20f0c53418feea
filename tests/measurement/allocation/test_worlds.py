"""Each simulated world has the defect it is named for, and nothing else."""

import doctest

import numpy as np
import pytest

from grading.measurement.allocation import worlds
from grading.measurement.allocation.worlds import KINDS, Kind, World, simulate


def world_of(kind: Kind, n: int = 1000) -> World:
    return simulate(kind, n, rng=np.random.default_rng(42))


def deviations(world: World) -> np.ndarray:
    return world.peers.value - world.truth[world.peers.work]


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_world(kind: Kind) -> None:
    one, two = world_of(kind, 100), world_of(kind, 100)
    np.testing.assert_array_equal(one.truth, two.truth)
    np.testing.assert_array_equal(one.peers.value, two.peers.value)
    np.testing.assert_array_equal(one.marks, two.marks)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_reads_their_own_work_or_one_work_twice(kind: Kind) -> None:
    peers = world_of(kind, 200).peers
    assert not np.any(peers.work == peers.rater)
    peers.refuse_repeats()
    assert np.all(np.bincount(peers.work) == (3 if kind == "weak-peers" else 4))


@pytest.mark.parametrize("kind", KINDS)
def test_marks_are_whole_numbers_of_the_scale(kind: Kind) -> None:
    world = world_of(kind, 100)
    for values in (world.peers.value, world.marks):
        np.testing.assert_array_equal(values, np.rint(values))
        assert values.min() >= 0
        assert values.max() <= 100


def test_plain() -> None:
    world = world_of("plain", 3000)
    assert np.std(world.truth) == pytest.approx(11.0, abs=0.5)
    assert np.mean(deviations(world)) == pytest.approx(5.0, abs=1.0)
    errors = world.marks - world.truth[:, None]
    assert np.std(np.mean(errors, axis=0)) == pytest.approx(4.0, abs=1.2)
    assert np.mean(np.std(errors, axis=0)) == pytest.approx(6.0, abs=0.4)


def shared(world: World) -> float:
    """Covariance of two peers' deviations on one work."""
    pairs = deviations(world).reshape(len(world.truth), -1)
    return float(np.mean(np.cov(pairs.T)[np.triu_indices(pairs.shape[1], 1)]))


def test_only_shared_error_is_shared() -> None:
    assert shared(world_of("shared-error", 4000)) == pytest.approx(36.0, abs=8.0)
    assert abs(shared(world_of("plain", 4000))) < 8.0


def test_weak_peers_err_more() -> None:
    assert np.std(deviations(world_of("weak-peers"))) > 1.3 * np.std(deviations(world_of("plain")))


def test_ring_members_give_each_other_nearly_everything() -> None:
    world = world_of("ring")
    readers = world.peers.rater.reshape(1000, 4)
    ring = [
        work for work in range(1000) if all(work in readers[reader] for reader in readers[work])
    ]
    assert len(ring) == worlds.RINGS_SHARE * 1000
    values = world.peers.value.reshape(1000, 4)
    assert np.mean(values[ring]) == pytest.approx(worlds.RING_MARK, abs=1.0)
    assert np.mean(np.delete(values, ring, axis=0)) < 80


def test_lazy_peers_do_not_look() -> None:
    world = world_of("lazy")
    spread = np.array(
        [np.std(world.peers.value[world.peers.rater == peer]) for peer in range(1000)]
    )
    assert 0.2 < np.mean(spread < 5.0) < 0.45


def test_regressing_peers_follow_half_the_way() -> None:
    world = world_of("regressing", 3000)
    slope = np.polyfit(world.truth[world.peers.work], world.peers.value, 1)[0]
    assert slope == pytest.approx(0.5, abs=0.05)


def test_some_raters_drift() -> None:
    errors = world_of("drifting", 2000).marks - world_of("plain", 2000).marks
    moved = np.mean(errors[-200:], axis=0) - np.mean(errors[:200], axis=0)
    assert np.any(moved > 5)
    assert np.any(moved < -5)
    assert np.any(np.abs(moved) < 1)


def test_panels_never_meet() -> None:
    world = world_of("panels", 200)
    assert not np.any((world.peers.work < 100) != (world.peers.rater < 100))
    assert not np.any(world.eligible[:100, 20:])
    assert not np.any(world.eligible[100:, :20])


def test_alike_raters_do_not_differ() -> None:
    world = world_of("alike", 3000)
    by_rater = np.bincount(world.peers.rater, deviations(world)) / 4
    assert np.std(by_rater) == pytest.approx(worlds.ALIKE_ERROR / 2, rel=0.1)
    assert np.std(np.mean(world.marks - world.truth[:, None], axis=0)) < 0.5


def test_readings_can_leave_the_peers_out() -> None:
    world = world_of("plain", 50)
    work, who = np.array([3, 4], np.int32), np.array([0, 1], np.int32)
    assert len(world.readings(work, who)) == 202
    alone = world.readings(work, who, peers=False)
    assert alone.value.tolist() == [world.marks[3, 0], world.marks[4, 1]]
    assert [alone.raters[code] for code in alone.rater] == ["r0", "r1"]


def test_refused() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="unknown world"):
        simulate("sunny", rng=rng)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="20 works"):
        simulate("plain", 10, rng=rng)
    with pytest.raises(ValueError, match="two panels"):
        simulate("panels", 50, n_professionals=3, rng=rng)


def test_the_examples_run() -> None:
    assert doctest.testmod(worlds).failed == 0
