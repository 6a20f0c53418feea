"""Who rates what, against a brute-force optimum on small designs."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.measurement.allocation.balanced import allocate
from grading.measurement.allocation.linking import components
from grading.measurement.allocation.placing import Allocation


def _rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def _own(n: int) -> set[tuple[int, int]]:
    return {(person, person) for person in range(n)}


def _pairs(drawn: Allocation) -> list[tuple[int, int]]:
    return list(zip(drawn.works.tolist(), drawn.raters.tolist(), strict=True))


def _groups(drawn: Allocation) -> list[list[int]]:
    return [group.tolist() for group in drawn.components]


def _spread(loads: np.ndarray) -> int:
    return int(loads.max() - loads.min())


# Designs that nothing or little forbids


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [5, 6, 17, 120])
def test_peers_read_and_are_read_exactly_k_times_and_never_themselves(n: int, k: int) -> None:
    for seed in range(5):
        drawn = allocate(n, n, [k] * n, forbidden=_own(n), rng=_rng(seed))
        assert np.bincount(drawn.works, minlength=n).tolist() == [k] * n
        assert drawn.loads.tolist() == [k] * n
        assert not set(_pairs(drawn)) & _own(n)
        assert len(set(_pairs(drawn))) == n * k
        assert drawn.unmet == {}


def test_five_peers_of_whom_each_must_read_all_others() -> None:
    drawn = allocate(5, 5, [4] * 5, forbidden=_own(5), rng=_rng())
    assert set(_pairs(drawn)) == {(w, r) for w in range(5) for r in range(5) if w != r}


@pytest.mark.parametrize(("n_works", "n_raters", "k"), [(10, 3, 1), (372, 6, 1), (50, 7, 3)])
def test_loads_are_within_one_where_nothing_forbids(n_works: int, n_raters: int, k: int) -> None:
    drawn = allocate(n_works, n_raters, [k] * n_works, rng=_rng())
    assert drawn.loads.sum() == n_works * k
    assert _spread(drawn.loads) <= 1


def test_second_readings_are_spread_as_well_as_all_readings() -> None:
    readings = [1] * 298 + [2] * 74
    drawn = allocate(372, 6, readings, link=True, rng=_rng())
    twice = np.bincount(drawn.raters[drawn.works >= 298], minlength=6)
    assert _spread(drawn.loads) <= 1
    assert _spread(twice) <= 4  # 148 readings of 74 works; chance alone would give about 12


def test_partners_vary() -> None:
    drawn = allocate(300, 8, [2] * 300, link=True, rng=_rng())
    partners = Counter(tuple(drawn.raters[drawn.works == work].tolist()) for work in range(300))
    assert len(partners) == 28  # every pair of eight
    assert max(partners.values()) < 35  # about eleven each


# Loads


def test_caps_hold_and_what_they_prevent_is_named() -> None:
    drawn = allocate(4, 3, [2] * 4, load=[1, 2, 9], rng=_rng())
    assert drawn.loads.tolist() == [1, 2, 4]
    assert sum(drawn.unmet.values()) == 1
    assert set(drawn.unmet) <= {0, 1, 2, 3}


def test_one_cap_stands_for_all() -> None:
    drawn = allocate(10, 4, [3] * 10, load=5, rng=_rng())
    assert drawn.loads.tolist() == [5, 5, 5, 5]
    received = np.bincount(drawn.works, minlength=10)
    assert received.tolist() == [2] * 10  # missing readings are missing evenly
    assert drawn.unmet == dict.fromkeys(range(10), 1)


def test_balances_on_top_of_loads_that_raters_already_have() -> None:
    drawn = allocate(6, 3, [1] * 6, already=[4, 0, 1], rng=_rng())
    assert drawn.loads.tolist() == [4, 4, 3] or drawn.loads.tolist() == [4, 3, 4]
    assert 0 not in drawn.raters


def test_a_cap_counts_loads_that_raters_already_have() -> None:
    drawn = allocate(5, 2, [1] * 5, already=[3, 9], load=5, rng=_rng())
    assert drawn.loads.tolist() == [5, 9]
    assert sum(drawn.unmet.values()) == 3


def test_a_work_that_everybody_must_avoid_is_named_unmet() -> None:
    forbidden = {(1, 0), (1, 1), (1, 2)}
    drawn = allocate(3, 3, [2, 2, 2], forbidden=forbidden, rng=_rng())
    assert drawn.unmet == {1: 2}


def test_more_readings_than_raters_are_named_unmet() -> None:
    drawn = allocate(1, 3, [10], rng=_rng())
    assert _pairs(drawn) == [(0, 0), (0, 1), (0, 2)]
    assert drawn.unmet == {0: 7}


def test_a_rater_gives_way_to_a_work_that_has_nobody_else() -> None:
    # Work 2 may only go to rater 0, who has room for one.
    forbidden = [(2, 1), (2, 2)]
    for seed in range(20):
        drawn = allocate(3, 3, [1, 1, 1], forbidden=forbidden, load=1, rng=_rng(seed))
        assert drawn.unmet == {}
        assert (2, 0) in _pairs(drawn)


@pytest.mark.parametrize(("n_works", "n_raters"), [(0, 0), (0, 3), (3, 0)])
def test_no_works_or_no_raters(n_works: int, n_raters: int) -> None:
    drawn = allocate(n_works, n_raters, [2] * n_works, link=True, rng=_rng())
    assert _pairs(drawn) == []
    assert drawn.loads.tolist() == [0] * n_raters
    assert drawn.unmet == dict.fromkeys(range(n_works), 2)
    assert _groups(drawn) == [[rater] for rater in range(n_raters)]


# Against brute force


def _optimum(
    readings: list[int], n_raters: int, forbidden: set[tuple[int, int]], cap: list[int]
) -> dict[tuple[int, ...], set[tuple[int, ...]]]:
    """Every reachable pair of (readings received by each work, load of each rater)."""
    reached = {((), (0,) * n_raters)}
    for work, needed in enumerate(readings):
        free = [rater for rater in range(n_raters) if (work, rater) not in forbidden]
        reached = {
            (
                (*received, len(chosen)),
                tuple(load + (rater in chosen) for rater, load in enumerate(loads)),
            )
            for received, loads in reached
            for size in range(needed + 1)
            for chosen in combinations(free, size)
            if all(loads[rater] < cap[rater] for rater in chosen)
        }
    designs: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for received, loads in reached:
        designs.setdefault(received, set()).add(loads)
    return designs


@st.composite
def _small_designs(draw: st.DrawFn) -> dict:
    n_works, n_raters = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    grid = st.tuples(st.integers(0, n_works - 1), st.integers(0, n_raters - 1))
    return {
        "readings": draw(st.lists(st.integers(0, 3), min_size=n_works, max_size=n_works)),
        "n_raters": n_raters,
        "forbidden": draw(st.sets(grid)),
        "load": draw(st.lists(st.integers(0, 5), min_size=n_raters, max_size=n_raters)),
        "already": draw(st.lists(st.integers(0, 3), min_size=n_raters, max_size=n_raters)),
        "seed": draw(st.integers(0, 9)),
    }


@settings(max_examples=300, deadline=None)
@given(_small_designs())
def test_places_as_many_and_balances_as_well_as_any_design_could(case: dict) -> None:
    readings, n_raters = case["readings"], case["n_raters"]
    drawn = allocate(
        len(readings),
        n_raters,
        readings,
        forbidden=case["forbidden"],
        load=case["load"],
        already=case["already"],
        rng=_rng(case["seed"]),
    )
    already = np.array(case["already"])
    room = [max(0, cap - had) for cap, had in zip(case["load"], case["already"], strict=True)]
    designs = _optimum(readings, n_raters, case["forbidden"], room)

    received = np.bincount(drawn.works, minlength=len(readings))
    new = np.bincount(drawn.raters, minlength=n_raters)
    assert (drawn.loads == new + already).all()
    assert tuple(new) in designs[tuple(received)]  # it is a lawful design
    assert {w: readings[w] - n for w, n in enumerate(received) if n < readings[w]} == drawn.unmet

    most = max(sum(got) for got in designs)
    assert len(drawn.works) == most
    for turn in (1, 2):  # first readings go before second ones, second before third
        assert np.minimum(received, turn).sum() == max(
            sum(min(n, turn) for n in got) for got in designs
        )
    best = [
        np.array(loads) + already for got in designs if sum(got) == most for loads in designs[got]
    ]
    assert _spread(drawn.loads) == min(_spread(loads) for loads in best)
    assert drawn.loads.max() == min(loads.max() for loads in best)
    assert (drawn.loads**2).sum() == min((loads**2).sum() for loads in best)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.3, 0.95), st.integers(3, 12))
def test_places_a_maximum_flow_on_larger_designs(seed: int, share: float, cap: int) -> None:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    n_works, n_raters = 40, 12
    rng = _rng(seed)
    barred = rng.random((n_works, n_raters)) < share
    readings = rng.integers(0, 4, n_works)
    drawn = allocate(
        n_works, n_raters, readings, forbidden=np.argwhere(barred), load=cap, rng=_rng(seed)
    )

    capacity = np.zeros((n_works + n_raters + 2,) * 2, dtype=np.int32)
    capacity[-2, :n_works] = readings
    capacity[:n_works, n_works:-2] = ~barred
    capacity[n_works:-2, -1] = cap
    flow = maximum_flow(csr_array(capacity), n_works + n_raters, n_works + n_raters + 1)
    assert len(drawn.works) == flow.flow_value
    assert not barred[drawn.works, drawn.raters].any()
    assert len(set(_pairs(drawn))) == len(drawn.works)
    assert drawn.loads.max() <= cap


# Links


@pytest.mark.parametrize("n_raters", [2, 3, 6, 12, 40])
def test_joins_all_raters_with_the_fewest_shared_works_and_keeps_the_balance(n_raters: int) -> None:
    readings = [2] * (n_raters - 1) + [1] * 100
    for seed in range(20):
        drawn = allocate(len(readings), n_raters, readings, link=True, rng=_rng(seed))
        assert _groups(drawn) == [list(range(n_raters))]
        assert _spread(drawn.loads) <= 1


def test_chance_alone_would_seldom_have_joined_them() -> None:
    readings = [2] * 39 + [1] * 100
    parts = [len(allocate(139, 40, readings, rng=_rng(seed)).components) for seed in range(20)]
    assert sum(n_groups > 1 for n_groups in parts) >= 15


def test_too_few_shared_works_leave_as_few_groups_as_they_can() -> None:
    drawn = allocate(20, 6, [2, 2, 2] + [1] * 17, link=True, rng=_rng())
    assert len(drawn.components) == 3
    assert sorted(rater for group in _groups(drawn) for rater in group) == [0, 1, 2, 3, 4, 5]


def test_raters_whom_conflicts_keep_apart_are_named_as_groups() -> None:
    # Two departments that may not read each other's works.
    forbidden = {(w, r) for w in range(40) for r in range(6) if w % 2 != r % 2}
    drawn = allocate(40, 6, [2] * 40, forbidden=forbidden, link=True, rng=_rng())
    assert _groups(drawn) == [[0, 2, 4], [1, 3, 5]]
    assert drawn.unmet == {}


def test_the_one_work_that_can_join_two_departments_is_used() -> None:
    forbidden = {(w, r) for w in range(1, 41) for r in range(6) if w % 2 != r % 2}
    for seed in range(20):
        drawn = allocate(41, 6, [2] * 41, forbidden=forbidden, link=True, rng=_rng(seed))
        assert len(drawn.components) == 1
        assert _spread(drawn.loads) <= 1


def test_joining_may_cost_balance_where_conflicts_leave_no_exchange() -> None:
    # Rater 2 may read works 0, 2 and 3, and is the only one who may read 2 and 3.
    forbidden = {(1, 2)} | {(work, rater) for work in (2, 3) for rater in (0, 1)}
    for seed in range(10):
        plain = allocate(4, 3, [2, 2, 1, 1], forbidden=forbidden, rng=_rng(seed))
        assert _groups(plain) == [[0, 1], [2]]
        assert plain.loads.tolist() == [2, 2, 2]
        drawn = allocate(4, 3, [2, 2, 1, 1], forbidden=forbidden, link=True, rng=_rng(seed))
        assert _groups(drawn) == [[0, 1, 2]]
        assert sorted(drawn.loads.tolist()) == [1, 2, 3]


def test_readings_of_before_are_not_repeated_and_link() -> None:
    existing = {(0, 0), (1, 1), (2, 2)}
    for seed in range(10):
        drawn = allocate(
            3, 3, [1, 1, 0], existing=existing, already=[1, 1, 1], link=True, rng=_rng(seed)
        )
        assert not set(_pairs(drawn)) & existing
        assert _groups(drawn) == [[0, 1, 2]]
        assert _spread(drawn.loads) == 1


def test_linking_places_no_fewer_readings() -> None:
    rng = _rng(3)
    for _ in range(30):
        forbidden = np.argwhere(rng.random((12, 8)) < 0.6)
        readings = rng.integers(0, 3, 12)
        plain = allocate(12, 8, readings, forbidden=forbidden, load=3, rng=rng)
        linked = allocate(12, 8, readings, forbidden=forbidden, load=3, link=True, rng=rng)
        assert len(linked.works) == len(plain.works)
        assert linked.loads.max() <= 3
        assert len(set(_pairs(linked))) == len(linked.works)
        assert not set(_pairs(linked)) & set(map(tuple, forbidden.tolist()))


def _fewest_groups(readings: list[int], n_raters: int, forbidden: set[tuple[int, int]]) -> int:
    """The fewest groups of any design that places as many readings as possible, no caps."""
    reached = {tuple(range(n_raters))}
    for work, needed in enumerate(readings):
        free = [rater for rater in range(n_raters) if (work, rater) not in forbidden]
        size = min(needed, len(free))
        if size < 2:
            continue
        reached = {
            tuple(min(label[r] for r in chosen) if part in met else part for part in label)
            for label in reached
            for chosen in combinations(free, size)
            for met in [{label[r] for r in chosen}]
        }
    return min(len(set(label)) for label in reached)


def test_links_as_well_as_any_design_could_under_random_conflicts() -> None:
    rng = _rng(11)
    missed = 0
    for _ in range(300):
        n_works, n_raters = int(rng.integers(2, 9)), int(rng.integers(2, 7))
        barred = rng.random((n_works, n_raters)) < rng.uniform(0, 0.7)
        readings = rng.integers(1, 4, n_works).tolist()
        forbidden = set(map(tuple, np.argwhere(barred).tolist()))
        drawn = allocate(n_works, n_raters, readings, forbidden=forbidden, link=True, rng=rng)
        best = _fewest_groups(readings, n_raters, forbidden)
        assert len(drawn.components) >= best
        missed += len(drawn.components) > best
    assert missed == 0


# Chance


def test_a_seed_repeats_a_draw_and_another_gives_another() -> None:
    def draw(seed: int) -> list[tuple[int, int]]:
        return _pairs(allocate(60, 60, [3] * 60, forbidden=_own(60), link=True, rng=_rng(seed)))

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_the_order_of_conflicts_does_not_matter() -> None:
    rng = _rng(5)
    barred = np.argwhere(rng.random((30, 10)) < 0.4)
    shuffled = rng.permutation(barred)
    forms = [barred, shuffled, set(map(tuple, shuffled.tolist())), np.vstack((barred, shuffled))]
    draws = [
        _pairs(allocate(30, 10, [3] * 30, forbidden=form, load=8, link=True, rng=_rng()))
        for form in forms
    ]
    assert draws.count(draws[0]) == len(forms)


def test_every_rater_is_as_likely_as_another() -> None:
    rng = _rng(2)
    first = Counter(int(allocate(1, 5, [1], rng=rng).raters[0]) for _ in range(1000))
    # Binomial(1000, 1/5) has a standard deviation of 12.6; the seed is fixed.
    assert all(140 < first[rater] < 260 for rater in range(5))


# Refused input


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"readings": [1, 1]}, "readings must have 3 entries"),
        ({"readings": [1, -1, 1]}, "readings must be at least 0"),
        ({"readings": [1.5, 1, 1]}, "readings must be whole numbers"),
        ({"load": [1]}, "load must have 2 entries"),
        ({"load": -1}, "load must be at least 0"),
        ({"already": [1, 2, 3]}, "already must have 2 entries"),
        ({"forbidden": [(0, 2)]}, "forbidden has a work or rater out of range"),
        ({"forbidden": [(3, 0)]}, "forbidden has a work or rater out of range"),
        ({"forbidden": [(-1, 0)]}, "forbidden has a work or rater out of range"),
        ({"forbidden": [(0, 1, 1)]}, "forbidden must be pairs"),
        ({"existing": [(0.5, 1.0)]}, "existing must be pairs"),
        ({"n_works": -1}, "fewer than no works"),
        ({"rng": 7}, "rng must be"),
    ],
)
def test_bad_input_is_refused(arguments: dict, words: str) -> None:
    usual = {"n_works": 3, "n_raters": 2, "readings": [1, 1, 1], "rng": _rng()}
    with pytest.raises(ValueError, match=words):
        allocate(**(usual | arguments))


# Components


@pytest.mark.parametrize(
    ("pairs", "groups"),
    [
        ([], [[0], [1], [2], [3]]),
        ([(0, 0), (0, 1)], [[0, 1], [2], [3]]),
        ([(0, 3), (0, 1), (5, 1), (5, 2)], [[0], [1, 2, 3]]),
        ([(0, 0), (1, 1), (2, 2), (3, 3)], [[0], [1], [2], [3]]),
        ([(0, 0), (0, 2), (1, 1), (1, 3), (9, 0)], [[0, 2], [1, 3]]),
    ],
)
def test_components_are_groups_of_raters_through_shared_works(
    pairs: list[tuple[int, int]], groups: list[list[int]]
) -> None:
    for order in (pairs, pairs[::-1]):
        works, raters = [work for work, _ in order], [rater for _, rater in order]
        assert [group.tolist() for group in components(works, raters, 4)] == groups


@pytest.mark.parametrize(
    ("works", "raters"), [([0], [4]), ([0], [-1]), ([0, 1], [0]), ([[0]], [[0]])]
)
def test_components_refuses_bad_input(works: list, raters: list) -> None:
    with pytest.raises(ValueError, match="must"):
        components(works, raters, 4)
