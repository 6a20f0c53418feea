"""From readings to a score: each rule as rows of a table."""

import doctest
import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.measurement.allocation import balanced
from grading.measurement.scoring import scale
from grading.measurement.scoring.combining import NoRange, Resolution
from grading.measurement.scoring.resolution import (
    Discrepant,
    Finding,
    NeedsReading,
    Reading,
    Resolved,
    Rule,
    Waiting,
    resolve,
)
from grading.measurement.scoring.scale import CriterionScale, composite_of, graded, passed

# Two criteria of five levels: each level is worth 12.5 of 100.
CRITERIA = (
    CriterionScale("idea", 1.0, (0.0, 1.0, 2.0, 3.0, 4.0)),
    CriterionScale("proof", 1.0, (0.0, 1.0, 2.0, 3.0, 4.0)),
)
PLAN = Rule(
    peers_needed=2,
    professional_readings=1,
    tolerance_levels=1,
    tolerance_total=15.0,
    across_cut=True,
    cut=60.0,
    resolution=Resolution.MEAN,
    near_cut=5.0,
    readings_near_cut=2,
    readings_before_not_passed=2,
)
# Nothing but the score: no check, no further reading.
LENIENT = replace(
    PLAN,
    tolerance_levels=9,
    tolerance_total=100.0,
    across_cut=False,
    near_cut=0.0,
    readings_near_cut=0,
    readings_before_not_passed=0,
)


def _professional(key: str, idea: int, proof: int, *, adjudication: bool = False) -> Reading:
    return Reading(key, "professional", adjudication, {"idea": idea, "proof": proof})


def test_a_level_that_was_set_aside_counts_for_nothing() -> None:
    partly = Reading("r", "professional", False, {"idea": 0, "proof": 1}, frozenset({"idea"}))
    score = _score(_professional("p", 3, 3), _professional("q", 3, 3), partly)
    assert score.levels["idea"] == 3


def _peer(key: str, idea: int, proof: int) -> Reading:
    return Reading(key, "peer", False, {"idea": idea, "proof": proof})


def _score(*readings: Reading, rule: Rule = LENIENT) -> Resolved:
    result = resolve(readings, CRITERIA, rule)
    assert isinstance(result, Resolved)
    return result


P, Q, R = _professional("p", 3, 3), _professional("q", 3, 4), _professional("r", 4, 4)
A, B, C = _peer("a", 3, 3), _peer("b", 4, 3), _peer("c", 4, 4)


# Waiting


@pytest.mark.parametrize(
    ("readings", "changes", "expected"),
    [
        ([], {}, Waiting("professional", 1, 2)),
        ([A], {}, Waiting("professional", 1, 1)),
        ([A, B, C], {}, Waiting("professional", 1, 0)),
        ([P], {"professional_readings": 2}, Waiting("professional", 1, 2)),
        ([], {"professional_readings": 0}, Waiting("peers", 0, 2)),
        ([A], {"professional_readings": 0}, Waiting("peers", 0, 1)),
        ([], {"professional_readings": 0, "peers_needed": 0}, Waiting("peers", 0, 1)),
    ],
)
def test_waits_for_readings(
    readings: list[Reading], changes: dict[str, Any], expected: Waiting
) -> None:
    assert resolve(readings, CRITERIA, replace(PLAN, **changes)) == expected


def test_a_professional_reading_does_not_wait_for_peers() -> None:
    assert _score(P, rule=PLAN).composite == 75.0


def test_waiting_comes_before_a_discrepancy() -> None:
    far = [_professional("p", 0, 0), _professional("q", 4, 4)]
    rule = replace(PLAN, professional_readings=3)
    assert resolve(far, CRITERIA, rule) == Waiting("professional", 1, 2)


# Score


@pytest.mark.parametrize(
    ("readings", "combine", "points", "composite", "keys"),
    [
        ([P], "mean", (3.0, 3.0), 75.0, ("p",)),
        ([P, Q], "mean", (3.0, 3.5), 81.25, ("p", "q")),
        ([P, Q, R], "mean", (10 / 3, 11 / 3), 87.5, ("p", "q", "r")),
        ([P, Q, R], "median", (3.0, 4.0), 87.5, ("p", "q", "r")),
        ([P, R], "median", (3.5, 3.5), 87.5, ("p", "r")),
        ([P, _peer("a", 0, 0), _peer("b", 1, 0)], "mean", (3.0, 3.0), 75.0, ("p",)),
    ],
)
def test_the_score_combines_the_professional_readings(
    readings: list[Reading],
    combine: Any,
    points: tuple[float, float],
    composite: float,
    keys: tuple[str, ...],
) -> None:
    result = _score(*readings, rule=replace(LENIENT, resolution=Resolution(combine)))
    assert tuple(result.points.values()) == pytest.approx(points, abs=1e-12)
    assert tuple(result.levels.values()) == pytest.approx(points, abs=1e-12)
    assert result.composite == pytest.approx(composite, abs=1e-12)
    assert result.keys == keys
    assert (result.n_professional, result.n_peer) == (len(keys), 0)
    assert result.method == f"{combine}-of-professional-readings/1"


def test_without_professionals_the_score_is_the_peers_median() -> None:
    result = _score(
        *(_peer("c", 4, 1), _peer("a", 0, 3), _peer("b", 3, 2)),
        rule=replace(LENIENT, professional_readings=0),
    )
    assert dict(result.points) == {"idea": 3.0, "proof": 2.0}
    assert result.composite == 62.5
    assert result.keys == ("a", "b", "c")
    assert (result.n_professional, result.n_peer) == (0, 3)
    assert result.method == "median-of-peer-readings/1"


def test_a_professional_reading_replaces_the_peers_even_where_none_is_required() -> None:
    rule = replace(LENIENT, professional_readings=0)
    assert _score(_peer("a", 0, 0), _peer("b", 0, 0), P, rule=rule).keys == ("p",)


def test_weights_and_points_make_the_composite() -> None:
    criteria = (
        CriterionScale("idea", 3.0, (0.0, 2.0, 5.0)),
        CriterionScale("proof", 1.0, (6.0, 4.5, 0.0)),  # from best to worst
    )
    result = resolve([_professional("p", 1, 1)], criteria, LENIENT)
    assert isinstance(result, Resolved)
    assert result.composite == pytest.approx(100 * (3 * 2 / 5 + 1 * 4.5 / 6) / 4, abs=1e-12)
    assert dict(result.points) == {"idea": 2.0, "proof": 4.5}
    assert dict(result.levels) == {"idea": 1.0, "proof": 1.0}


def test_full_points_are_exactly_100_whatever_the_weights() -> None:
    for weights in product((0.1, 0.2, 0.3, 1 / 3, 7.7), repeat=3):
        criteria = [CriterionScale(str(n), w, (0.0, 0.7)) for n, w in enumerate(weights)]
        assert composite_of({"0": 0.7, "1": 0.7, "2": 0.7}, criteria) == 100.0


# Standard error


@pytest.mark.parametrize(
    ("readings", "changes", "error", "no_range"),
    [
        ([P], {}, math.nan, NoRange.ONE_READING),
        ([A, B], {"professional_readings": 0}, math.nan, NoRange.PEERS_ONLY),
        ([P, Q], {}, 6.25, None),  # 75 and 87.5: half their difference
        ([P, R], {"resolution": Resolution.MEDIAN}, 12.5, None),
        ([P, Q, R], {"resolution": Resolution.MEDIAN}, math.nan, NoRange.MEDIAN),
        # Two that agree: an error of 0 by chance, of which no range is made.
        ([P, _professional("same", 3, 3)], {}, 0.0, NoRange.ALIKE),
        # 75, 87.5, 100: standard deviation 12.5
        ([P, Q, R], {}, 12.5 / math.sqrt(3), None),
    ],
)
def test_standard_error(
    readings: list[Reading], changes: dict[str, Any], error: float, no_range: NoRange | None
) -> None:
    result = _score(*readings, rule=replace(LENIENT, **changes))
    assert result.standard_error == pytest.approx(error, abs=1e-12, nan_ok=True)
    assert result.no_range == no_range


# Discrepancy

NO_FURTHER = {"readings_near_cut": 0, "readings_before_not_passed": 0}
ONLY_LEVELS = replace(PLAN, tolerance_total=100.0, across_cut=False, **NO_FURTHER)
ONLY_TOTAL = replace(PLAN, tolerance_levels=9, across_cut=False, **NO_FURTHER)
ONLY_CUT = replace(PLAN, tolerance_levels=9, tolerance_total=100.0, **NO_FURTHER)


@pytest.mark.parametrize(
    ("rule", "readings", "findings"),
    [
        # between professionals, per criterion: strictly more than one level
        (ONLY_LEVELS, [P, _professional("q", 2, 4)], None),
        (
            ONLY_LEVELS,
            [P, _professional("q", 1, 4)],
            [Finding("criterion", "idea", ("p", "q"), 2.0)],
        ),
        (
            ONLY_LEVELS,
            [P, _professional("q", 1, 0)],
            [
                Finding("criterion", "idea", ("p", "q"), 2.0),
                Finding("criterion", "proof", ("p", "q"), 3.0),
            ],
        ),
        (
            replace(ONLY_LEVELS, tolerance_levels=0),
            [P, Q],
            [Finding("criterion", "proof", ("p", "q"), 1.0)],
        ),
        # every pair of professionals
        (
            ONLY_LEVELS,
            [_professional("p", 1, 1), _professional("q", 2, 2), _professional("r", 3, 2)],
            [Finding("criterion", "idea", ("p", "r"), 2.0)],
        ),
        # on the total: strictly more than 15 points
        (ONLY_TOTAL, [P, Q], None),  # 12.5
        (ONLY_TOTAL, [P, R], [Finding("total", None, ("p", "r"), 25.0)]),
        (replace(ONLY_TOTAL, tolerance_total=25.0), [P, R], None),
        (
            replace(ONLY_TOTAL, tolerance_total=24.9),
            [P, R],
            [Finding("total", None, ("p", "r"), 25.0)],
        ),
        # across the cut: 50 and 62.5
        (
            ONLY_CUT,
            [_professional("p", 2, 2), _professional("q", 2, 3)],
            [Finding("cut", None, ("p", "q"), 12.5)],
        ),
        (
            replace(ONLY_CUT, across_cut=False),
            [_professional("p", 2, 2), _professional("q", 2, 3)],
            None,
        ),
        (
            replace(ONLY_CUT, cut=62.5, decimals=1),
            [_professional("p", 2, 2), _professional("q", 2, 3)],
            [Finding("cut", None, ("p", "q"), 12.5)],
        ),
        (ONLY_CUT, [P, _professional("q", 2, 3)], None),
        # two peers may differ freely, but their median is held against the professional
        (PLAN, [P, _peer("a", 2, 2), _peer("b", 4, 4)], None),
        (
            ONLY_LEVELS,
            [P, _peer("a", 1, 3), _peer("b", 1, 4)],
            [Finding("criterion", "idea", ("p", "peers"), 2.0)],
        ),
        (
            ONLY_LEVELS,
            [P, _peer("a", 1, 3), _peer("b", 2, 4)],
            [Finding("criterion", "idea", ("p", "peers"), 1.5)],
        ),
        (ONLY_LEVELS, [P, _peer("a", 1, 3), _peer("b", 3, 4)], None),
        (ONLY_LEVELS, [P, _peer("a", 0, 3), _peer("b", 3, 4), _peer("c", 4, 4)], None),
        (
            ONLY_TOTAL,
            [P, _peer("a", 4, 4), _peer("b", 4, 4)],
            [Finding("total", None, ("p", "peers"), 25.0)],
        ),
        (
            ONLY_CUT,
            [P, _peer("a", 2, 2), _peer("b", 2, 2)],
            [Finding("cut", None, ("p", "peers"), 25.0)],
        ),
        # fewer peers than needed say nothing
        (PLAN, [P, _peer("a", 0, 0)], None),
        (replace(PLAN, peers_needed=3), [P, _peer("a", 0, 0), _peer("b", 0, 0)], None),
        (replace(PLAN, peers_needed=0), [P], None),
        # several professionals stand against the peers together: 2.5 against 1
        (
            ONLY_LEVELS,
            [_professional("o", 2, 3), P, _peer("a", 1, 3), _peer("b", 1, 3)],
            [Finding("criterion", "idea", ("professionals", "peers"), 1.5)],
        ),
    ],
)
def test_discrepancies(rule: Rule, readings: list[Reading], findings: list[Finding] | None) -> None:
    result = resolve(readings, CRITERIA, rule)
    if findings is None:
        assert isinstance(result, Resolved)
    else:
        assert result == Discrepant(tuple(findings))


def test_findings_of_one_pair_name_everything_that_is_apart() -> None:
    result = resolve([_professional("p", 1, 2), R], CRITERIA, PLAN)
    assert result == Discrepant(
        (
            Finding("criterion", "idea", ("p", "r"), 3.0),
            Finding("criterion", "proof", ("p", "r"), 2.0),
            Finding("total", None, ("p", "r"), 62.5),
            Finding("cut", None, ("p", "r"), 62.5),
        )
    )


def test_two_peers_differ_freely_where_they_are_the_score() -> None:
    rule = replace(PLAN, professional_readings=0, near_cut=0.0, readings_before_not_passed=0)
    assert _score(_peer("a", 0, 4), _peer("b", 4, 4), rule=rule).composite == 75.0


def test_float_noise_is_no_discrepancy() -> None:
    criteria = [
        replace(criterion, weight=weight)
        for criterion, weight in zip(CRITERIA, (0.3, 0.7), strict=True)
    ]
    one, other = {"idea": 2.0, "proof": 3.0}, {"idea": 0.0, "proof": 3.0}
    # 67.5 and 52.5, which floats miss by a bit: 15 is still not more than 15.
    assert composite_of(one, criteria) - composite_of(other, criteria) > 15.0
    readings = [_professional("p", 2, 3), _professional("q", 0, 3)]
    assert isinstance(resolve(readings, criteria, ONLY_TOTAL), Resolved)


# Adjudication


def test_after_adjudication_the_score_is_the_mean_of_three() -> None:
    readings = [
        _professional("p", 1, 2),
        _professional("q", 4, 4),
        _professional("r", 4, 3, adjudication=True),
    ]
    assert isinstance(resolve(readings[:2], CRITERIA, PLAN), Discrepant)
    result = _score(*readings, rule=PLAN)
    assert dict(result.points) == {"idea": 3.0, "proof": 3.0}
    assert result.composite == 75.0  # not the mean of the adjudicator and the nearer reading
    assert result.keys == ("p", "q", "r")


def test_after_adjudication_the_median_of_three_where_the_plan_says_so() -> None:
    readings = [
        _professional("p", 0, 0),
        _professional("q", 4, 4),
        _professional("r", 3, 4, adjudication=True),
    ]
    assert _score(*readings, rule=replace(PLAN, resolution=Resolution.MEDIAN)).composite == 87.5


def test_an_adjudicator_stands_with_the_one_professional_who_differed_from_the_peers() -> None:
    apart = [P, _peer("a", 0, 0), _peer("b", 0, 0)]
    assert isinstance(resolve(apart, CRITERIA, PLAN), Discrepant)
    result = _score(*apart, _professional("z", 3, 4, adjudication=True), rule=PLAN)
    assert result.composite == 81.25
    assert result.keys == ("p", "z")


def test_an_adjudicator_stands_alone_where_only_peers_had_read() -> None:
    rule = replace(PLAN, professional_readings=0)
    judged = _professional("z", 3, 4, adjudication=True)
    assert _score(A, _peer("b", 0, 0), judged, rule=rule).keys == ("z",)


# A further reading

PEERS_ALONE = {"professional_readings": 0}


@pytest.mark.parametrize(
    ("readings", "changes", "expected"),
    [
        # 62.5 is printed 63: within 5 of 60
        ([_professional("p", 2, 3)], {}, NeedsReading("near_cut", 1)),
        ([_professional("p", 2, 3), _professional("q", 2, 3)], {}, None),
        ([_professional("p", 2, 3)], {"readings_near_cut": 1}, None),
        ([_professional("p", 2, 3)], {"readings_near_cut": 3}, NeedsReading("near_cut", 2)),
        ([_professional("p", 2, 3)], {"near_cut": 3.0}, NeedsReading("near_cut", 1)),
        ([_professional("p", 2, 3)], {"near_cut": 2.9}, None),
        ([_professional("p", 3, 3)], {}, None),
        # 50 is not near, but not a pass on one person's word
        ([_professional("p", 2, 2)], {}, NeedsReading("not_passed", 1)),
        ([_professional("p", 2, 2), _professional("q", 2, 2)], {}, None),
        ([_professional("p", 0, 0)], {"readings_before_not_passed": 1}, None),
        # both: near comes first, and as many as either asks for
        (
            [_professional("p", 2, 2)],
            {"near_cut": 10.0, "readings_before_not_passed": 4},
            NeedsReading("near_cut", 3),
        ),
        # peers alone can neither tip a result nor fail anybody
        ([_peer("a", 2, 3), _peer("b", 2, 3)], PEERS_ALONE, NeedsReading("near_cut", 2)),
        ([_peer("a", 1, 1), _peer("b", 1, 1)], PEERS_ALONE, NeedsReading("not_passed", 2)),
        ([_peer("a", 3, 3), _peer("b", 3, 3)], PEERS_ALONE, None),
        # after adjudication too
        (
            [_professional("p", 2, 3), _professional("z", 2, 3, adjudication=True)],
            {"readings_near_cut": 3},
            NeedsReading("near_cut", 1),
        ),
    ],
)
def test_results_that_may_not_rest_on_so_few_readings(
    readings: list[Reading], changes: dict[str, Any], expected: NeedsReading | None
) -> None:
    result = resolve(readings, CRITERIA, replace(PLAN, **changes))
    if expected is None:
        assert isinstance(result, Resolved)
    else:
        assert result == expected


def test_a_discrepancy_comes_before_a_further_reading() -> None:
    readings = [_professional("p", 2, 2), _professional("q", 2, 3)]  # 56.25, across the cut
    rule = replace(PLAN, readings_near_cut=3)
    assert isinstance(resolve(readings, CRITERIA, rule), Discrepant)


# The cut is asked of the printed value


@pytest.mark.parametrize(
    ("composite", "decimals", "value", "band"),
    [
        (59.499999, 0, "59", None),
        (59.5, 0, "60", "Pass"),
        (59.49999999999999, 0, "60", "Pass"),  # 59.5 but for a float's last bits
        (59.4999999, 0, "59", None),
        (60.0, 0, "60", "Pass"),
        (60.5, 0, "61", "Pass"),  # half up, not half to even
        (69.49, 0, "69", "Pass"),
        (69.5, 0, "70", "Merit"),
        (59.94, 1, "59.9", None),
        (59.95, 1, "60.0", "Pass"),
        (100.0, 0, "100", "Merit"),
        (0.0, 0, "0", None),
        (-0.0, 0, "0", None),
        (100.00000000000001, 0, "100", "Merit"),
    ],
)
def test_the_band_and_the_pass_are_read_from_the_rounded_value(
    composite: float, decimals: int, value: str, band: str | None
) -> None:
    given = graded(composite, [(70.0, "Merit"), (60.0, "Pass")], decimals=decimals)
    assert str(given.value) == value
    assert given.band == band
    assert passed(composite, 60.0, decimals=decimals) == (band is not None)


@given(st.floats(0, 100), st.integers(0, 2), st.integers(0, 100))
def test_what_is_printed_never_contradicts_the_band(
    composite: float, decimals: int, cut: int
) -> None:
    value, band = graded(composite, [(float(cut), "Pass")], decimals=decimals)
    assert abs(value - Decimal(composite)) <= Decimal("0.5").scaleb(-decimals) + Decimal("1e-9")
    assert (band == "Pass") == (value >= cut) == passed(composite, cut, decimals=decimals)


def test_readings_that_are_printed_alike_are_not_across_the_cut() -> None:
    # 59.6 and 60.4 are both printed 60.
    criteria = (CriterionScale("idea", 1.0, (0.0, 59.6, 60.4, 100.0)),)
    one, other = (
        Reading(key, "professional", False, {"idea": level}) for key, level in [("p", 1), ("q", 2)]
    )
    result = resolve([one, other], criteria, PLAN)
    assert isinstance(result, Resolved)
    assert passed(result.composite, PLAN.cut)
    finer = resolve([one, other], criteria, replace(PLAN, decimals=1))
    assert isinstance(finer, Discrepant)
    assert [finding.kind for finding in finer.findings] == ["cut"]


@pytest.mark.parametrize("number", [math.nan, math.inf, -0.1, 100.1])
def test_a_grade_needs_a_composite_of_100(number: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        graded(number, [(60.0, "Pass")])
    with pytest.raises(ValueError, match="between 0 and 100"):
        passed(number, 60.0)


# A missing reading is never a zero


@pytest.mark.parametrize("missing", ["idea", "proof"])
@pytest.mark.parametrize("pool", ["professional", "peer"])
def test_a_reading_without_a_criterion_is_refused_by_name(missing: str, pool: Any) -> None:
    levels = {"idea": 3, "proof": 3}
    del levels[missing]
    with pytest.raises(ValueError, match=f"reading z is incomplete: .* {missing}"):
        resolve([P, Reading("z", pool, False, levels)], CRITERIA, PLAN)


def test_a_composite_without_some_points_is_refused() -> None:
    with pytest.raises(ValueError, match="proof has no points"):
        composite_of({"idea": 3.0}, CRITERIA)


def test_one_zero_reviewer_and_one_no_show_do_not_halve_a_result() -> None:
    # Three peers were asked: one honest, one who gave zeros, one who never came. Mistaken systems
    # turned 75 into 37.5, or into 25 by counting the absent one as well.
    peers = [_peer("a", 3, 3), _peer("b", 0, 0)]

    # With a professional the result is questioned, then settled by professionals alone.
    assert isinstance(resolve([P, *peers], CRITERIA, PLAN), Discrepant)
    settled = _score(P, *peers, _professional("z", 3, 3, adjudication=True), rule=PLAN)
    assert settled.composite == 75.0

    # With peers alone no result comes of it before a professional has read the work.
    economy = replace(
        PLAN, professional_readings=0, readings_near_cut=1, readings_before_not_passed=1
    )
    assert resolve(peers, CRITERIA, economy) == NeedsReading("not_passed", 1)
    assert resolve(peers, CRITERIA, replace(economy, peers_needed=3)) == Waiting("peers", 0, 1)

    # With three peers the one who gave zeros does not move it at all.
    assert _score(*peers, _peer("c", 3, 3), rule=economy).composite == 75.0


def test_nothing_is_rounded_at_a_criterion() -> None:
    # Rounding the mean of two up at each criterion of 0 to 4 points adds .24 on average.
    pairs = list(product(range(5), repeat=2))
    ours = [
        _score(_professional("p", one, one), _professional("q", other, other)).points["idea"]
        for one, other in pairs
    ]
    assert math.fsum(ours) / len(pairs) == 2.0
    assert sum(map(math.ceil, ours)) / len(pairs) == pytest.approx(2.24)


# Invariance

_levels = st.tuples(st.integers(0, 4), st.integers(0, 4))


@given(st.lists(_levels, max_size=4), st.lists(_levels, max_size=4), st.booleans(), st.randoms())
def test_the_order_of_readings_and_criteria_does_not_matter(
    professionals: list[tuple[int, int]], peers: list[tuple[int, int]], judged: bool, chance: Any
) -> None:
    readings = [
        _professional(f"p{n}", *levels, adjudication=judged and n == 2)
        for n, levels in enumerate(professionals)
    ]
    readings += [_peer(f"a{n}", *levels) for n, levels in enumerate(peers)]
    criteria = list(CRITERIA)
    first = resolve(readings, criteria, PLAN)
    chance.shuffle(readings)
    second = resolve(readings, criteria[::-1], PLAN)
    if isinstance(first, Resolved) and math.isnan(first.standard_error):
        assert isinstance(second, Resolved)
        assert math.isnan(second.standard_error)
        first, second = (replace(result, standard_error=0.0) for result in (first, second))
    assert first == second


def test_three_readings_in_every_order_give_the_same_bits() -> None:
    criteria = tuple(
        CriterionScale(code, weight, (0.0, 0.1, 0.7, 1.3, 2.9))
        for code, weight in [("idea", 0.1), ("proof", 0.7)]
    )
    found = {
        (result.composite, result.standard_error)
        for order in permutations([_professional("p", 1, 3), Q, R])
        for result in [resolve(order, criteria, LENIENT)]
        if isinstance(result, Resolved)
    }
    assert len(found) == 1


# Refused input


def _reading(levels: Mapping[str, Any], **changes: Any) -> Reading:
    usual = {"key": "p", "pool": "professional", "adjudication": False}
    return Reading(levels=levels, **(usual | changes))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: resolve([_reading({"idea": 5, "proof": 0})], CRITERIA, PLAN), "no level 5"),
        (lambda: resolve([_reading({"idea": -1, "proof": 0})], CRITERIA, PLAN), "no level -1"),
        (lambda: resolve([_reading({"idea": True, "proof": 0})], CRITERIA, PLAN), "no level True"),
        (lambda: resolve([_reading({"idea": 1.5, "proof": 0})], CRITERIA, PLAN), r"no level 1\.5"),
        (lambda: resolve([_reading({"idea": None, "proof": 0})], CRITERIA, PLAN), "no level None"),
        (
            lambda: resolve([_reading({"idea": 1, "proof": 0, "style": 1})], CRITERIA, PLAN),
            "unknown criterion style",
        ),
        (lambda: resolve([P, P], CRITERIA, PLAN), "two readings are called p"),
        (lambda: resolve([], (), PLAN), "no criterion has a weight"),
        (lambda: composite_of({}, ()), "no criterion has a weight"),
        (lambda: resolve([], CRITERIA[:1] * 2, PLAN), "two criteria have one code"),
        (lambda: _reading({}, pool="machine"), "unknown pool"),
        (lambda: _reading({}, pool="peer", adjudication=True), "only a professional"),
        (lambda: _reading({}, key="peers"), "cannot be called"),
        (lambda: CriterionScale("idea", -1.0, (0.0, 1.0)), "idea: the weight"),
        (lambda: CriterionScale("idea", math.nan, (0.0, 1.0)), "idea: the weight"),
        (lambda: CriterionScale("idea", 1.0, ()), "idea: some level"),
        (lambda: CriterionScale("idea", 1.0, (0.0, 0.0)), "idea: some level"),
        (lambda: CriterionScale("idea", 1.0, (-1.0, 2.0)), "idea: points"),
        (lambda: CriterionScale("idea", 1.0, (0.0, math.nan)), "idea: points"),
        (lambda: replace(PLAN, peers_needed=-1), "peers_needed"),
        (lambda: replace(PLAN, cut=math.nan), "cut must"),
        (lambda: replace(PLAN, resolution="tertium quid"), "resolution must"),
    ],
)
def test_bad_input_is_refused(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()


@pytest.mark.parametrize("module", [balanced, scale])
def test_the_examples_in_the_docstrings_run(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
