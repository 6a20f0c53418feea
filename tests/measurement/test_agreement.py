"""Agreement against published examples, another library, brute force, and where it is undefined."""

import csv
import doctest
import math
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.measurement import agreement
from grading.measurement.agreement import (
    between,
    cohen_kappa,
    counts_by_work,
    krippendorff_alpha,
    pairs_within,
    percent_adjacent,
    percent_exact,
    within,
)
from grading.measurement.ratings import Ratings

# Landis & Koch 1977, multiple sclerosis patients, two neurologists (R package vcd): kappa and its
# asymptotic standard error by identity, linear and quadratic weights.
WINNIPEG = [[38, 5, 0, 1], [33, 11, 3, 0], [10, 14, 5, 6], [3, 7, 3, 10]]
NEW_ORLEANS = [[5, 3, 0, 0], [3, 11, 4, 0], [2, 13, 3, 4], [1, 2, 4, 14]]
# Gwet's examples (irrCAC for R 1.0).
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
DIAGNOSIS = [[40, 6, 4, 15], [4, 25, 1, 5], [4, 2, 21, 9], [17, 13, 12, 45]]
# Stuart 1953: unaided vision of 7,477 women.
VISION = [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]


@pytest.mark.parametrize(
    ("table", "weights", "kappa", "error"),
    [
        (WINNIPEG, "identity", 0.207942464, 0.050455365),
        (WINNIPEG, "linear", 0.379730548, 0.051666826),
        (WINNIPEG, "quadratic", 0.524576464, 0.060055099),
        (NEW_ORLEANS, "identity", 0.296516568, 0.078503871),
        (NEW_ORLEANS, "linear", 0.477272727, 0.073030987),
        (NEW_ORLEANS, "quadratic", 0.625581395, 0.078731874),
        (ABSTRACTORS, "identity", 0.796409402, None),
        (DIAGNOSIS, "identity", 0.431500776, None),
        (DIAGNOSIS, "linear", 0.406810874, None),
        (DIAGNOSIS, "quadratic", 0.383185944, None),
        (VISION, "identity", 0.595388828, None),
        (VISION, "linear", 0.652380430, None),
        (VISION, "quadratic", 0.702334253, None),
    ],
)
def test_published_kappas(
    table: list[list[int]], weights: str, kappa: float, error: float | None
) -> None:
    found = cohen_kappa(table, weights=weights)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(kappa, abs=1e-9)
    if error is not None:
        assert found.standard_error == pytest.approx(error, abs=1e-9)


def test_percent_of_the_abstractors() -> None:
    assert percent_exact(ABSTRACTORS) == pytest.approx(0.89)
    assert percent_adjacent(ABSTRACTORS) == 1.0


def test_cohen_1968_with_weights_of_disagreement() -> None:
    proportions = [[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]]
    weights = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
    assert cohen_kappa(proportions, n=200).estimate == pytest.approx(0.491525424, abs=1e-9)
    weighted = cohen_kappa(proportions, disagreement=weights, n=200)
    assert weighted.estimate == pytest.approx(0.347826087, abs=1e-9)
    assert weighted.n == 200


# Krippendorff's own example, four coders and twelve units; "." is missing.
CODERS = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}


def coders() -> Ratings:
    rows = [
        (unit, coder, None if value == "." else int(value))
        for coder, line in CODERS.items()
        for unit, value in enumerate(line.split())
    ]
    return Ratings.from_long(*(list(column) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize(
    ("metric", "alpha"),
    [
        ("nominal", 0.743421052632),
        ("ordinal", 0.815387503755),
        ("interval", 0.849107142857),
        ("ratio", 0.797402774712),
    ],
)
def test_krippendorffs_example(metric: str, alpha: float) -> None:
    ratings = coders()
    found = krippendorff_alpha(counts_by_work(ratings), metric=metric, levels=ratings.levels)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(alpha, abs=1e-12)
    # The unit with one value says nothing and is passed over; missing marks are no zeros.
    assert found.n == 11
    assert ratings.dropped == 7


sparse = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 4), st.integers(0, 3)),
    min_size=2,
    max_size=40,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=60, deadline=None)
@given(rows=sparse, metric=st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_equals_the_krippendorff_package(
    rows: list[tuple[int, int, int]], metric: str
) -> None:
    works, raters, levels = (list(column) for column in zip(*rows, strict=True))
    ratings = Ratings.from_long(works, raters, levels, levels=range(4))
    table = np.full((5, 8), np.nan)
    for work, rater, level in rows:
        table[rater, work] = level
    ours = krippendorff_alpha(counts_by_work(ratings), metric=metric)  # type: ignore[arg-type]
    pairable = [row for row in rows if works.count(row[0]) > 1]
    if len({level for _, _, level in pairable}) < 2:
        assert math.isnan(ours.estimate)
        assert ours.reason
        return
    theirs = krippendorff.alpha(
        reliability_data=table, level_of_measurement=metric, value_domain=[0, 1, 2, 3]
    )
    assert ours.estimate == pytest.approx(theirs, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(rows=sparse)
def test_pairs_by_brute_force_and_in_any_order(rows: list[tuple[int, int, int]]) -> None:
    works, raters, levels = (list(column) for column in zip(*rows, strict=True))
    ratings = Ratings.from_long(works, raters, levels, levels=range(4))
    table = pairs_within(ratings)
    brute = np.zeros((4, 4))
    for one, other in combinations(rows, 2):
        if one[0] == other[0]:
            brute[one[2], other[2]] += 0.5
            brute[other[2], one[2]] += 0.5
    assert table.sum() == brute.sum()
    assert percent_exact(table) == pytest.approx(percent_exact(brute), nan_ok=True)
    assert np.allclose(table + table.T, brute * 2)
    order = sorted(range(len(rows)), key=lambda index: (rows[index][2], -index))
    again = Ratings.from_long(
        [works[i] for i in order], [raters[i] for i in order], [levels[i] for i in order],
        levels=range(4),
    )  # fmt: skip
    if len(set(raters)) != 2:
        assert np.allclose(pairs_within(again), table)


def test_a_scale_read_from_the_other_end_agrees_alike() -> None:
    ratings = coders()
    turned = Ratings.from_long(
        ratings.work.tolist(), ratings.rater.tolist(), (4 - ratings.level).tolist(), levels=range(5)
    )
    assert within(turned).alpha.estimate == pytest.approx(within(ratings).alpha.estimate)
    assert within(turned).quadratic_kappa.estimate == pytest.approx(
        within(ratings).quadratic_kappa.estimate
    )


def test_two_raters_are_cohens() -> None:
    rows = [(n, rater, level) for n, pair in enumerate([(0, 1), (1, 1), (2, 2), (2, 0)])
            for rater, level in zip("ab", pair, strict=True)]  # fmt: skip
    ratings = Ratings.from_long(*(list(column) for column in zip(*rows, strict=True)))
    table = [[0, 1, 0], [0, 1, 0], [1, 0, 1]]
    found = within(ratings).quadratic_kappa
    assert found.estimate == pytest.approx(cohen_kappa(table, weights="quadratic").estimate)
    assert not math.isnan(found.standard_error)
    assert math.isnan(within(coders()).quadratic_kappa.standard_error)


def test_between_pools_counts_pairs_across_only() -> None:
    ratings = Ratings.from_long(
        ["w", "w", "w", "x", "y"], ["p", "q", "r", "p", "q"], [2, 1, 1, 0, 2], levels=range(3)
    )
    professional = np.array([True, False, False, True, False])
    found = between(ratings.where(professional), ratings.where(~professional))
    assert (found.n_works, found.n_pairs, found.exact, found.adjacent) == (1, 2, 0.0, 1.0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("w", "a", 1), ("x", "b", 2)], "not enough"),
        ([("w", "a", 1), ("w", "b", 1), ("x", "a", 1), ("x", "b", 1)], "same level"),
        ([], "not enough"),
    ],
)
def test_undefined_is_nan_with_a_reason(rows: list[tuple[str, str, int]], words: str) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], []]
    found = within(Ratings.from_long(*columns, levels=range(3)))
    for coefficient in (found.quadratic_kappa, found.alpha):
        assert math.isnan(coefficient.estimate)
        assert words in (coefficient.reason or "")


def test_the_kappa_paradox_is_said() -> None:
    rows = [(n, rater, 3) for n in range(97) for rater in "ab"]
    rows += [(97, "a", 2), (97, "b", 3), (98, "a", 3), (98, "b", 2), (99, "a", 3), (99, "b", 2)]
    found = within(Ratings.from_long(*(list(c) for c in zip(*rows, strict=True)), levels=range(4)))
    assert found.exact == 0.97
    assert abs(found.quadratic_kappa.estimate) < 0.05
    assert "one level" in (found.note or "")


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'a' rated work 'w' more than once"):
        Ratings.from_long(["w", "w"], ["a", "a"], [1, 2])
    with pytest.raises(ValueError, match=r"not on the scale: \[7\.0\]"):
        Ratings.from_long(["w"], ["a"], [7], levels=range(4))
    with pytest.raises(ValueError, match="one length"):
        Ratings.from_long(["w"], ["a", "b"], [1])
    with pytest.raises(ValueError, match="rise"):
        Ratings.from_long(["w"], ["a"], [1], levels=[2, 1])
    with pytest.raises(ValueError, match="square"):
        cohen_kappa([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(ValueError, match="one criterion"):
        within(Ratings.from_long(["w", "w"], ["a", "a"], [1, 1], criterion=["c", "d"]))


@pytest.mark.shared_data
def test_real_ratings_agree_with_an_independent_calculation(shared_data: Path) -> None:
    folder = shared_data / "writing_windhua"
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    ratings = Ratings.from_long(
        [row["work"] for row in rows],
        [row["rater"] for row in rows],
        [float(row["score"]) for row in rows],
        criterion=[row["criterion"] for row in rows],
    )
    with (folder / "scores_agreement.csv").open() as file:
        expected = {row["criterion"]: row for row in csv.DictReader(file)}
    for criterion, row in expected.items():
        one = ratings.on(criterion)
        found = within(one)
        assert found.n_pairs == int(row["pairs"])
        assert found.exact == pytest.approx(float(row["exact"]), abs=5e-4)
        assert found.adjacent == pytest.approx(float(row["adjacent"]), abs=5e-4)
        assert found.quadratic_kappa.estimate == pytest.approx(float(row["qwk_pooled"]), abs=5e-4)
        interval = krippendorff_alpha(counts_by_work(one), metric="interval")
        assert interval.estimate == pytest.approx(float(row["alpha_int"]), abs=5e-4)


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(agreement).attempted > 0
    assert doctest.testmod(agreement).failed == 0
