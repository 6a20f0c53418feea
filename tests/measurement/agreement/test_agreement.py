"""Agreement against published examples, other libraries, brute force, and where it is undefined."""

import csv
import math
import warnings
from collections.abc import Callable
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from grading.measurement import agreement
from grading.measurement.agreement import (
    between,
    brennan_prediger,
    coefficient,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac,
    krippendorff_alpha,
    pair_table,
    pairs_within,
    percent_adjacent,
    percent_exact,
    within,
)
from grading.measurement.agreement.units import (
    BLOCK,
    Patterns,
    Rows,
    units_from_counts,
    units_of,
)
from grading.measurement.agreement.weights import weighting
from grading.measurement.ratings import Ratings
from tests.measurement.published import (
    ABSTRACTORS,
    DIAGNOSIS,
    FLEISS,
    NEW_ORLEANS,
    VISION,
    WIKIPEDIA,
    WINNIPEG,
    coders,
    long,
    units_of_pairs,
)

ANY_RATERS = [percent_exact, gwet_ac, fleiss_kappa, brennan_prediger]
OF_RATINGS: list[Callable[..., Any]] = [*ANY_RATERS, krippendorff_alpha, percent_adjacent]


# Two raters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "weights", "kappa", "error"),
    [
        # Landis & Koch 1977 with the asymptotic standard errors of R's vcd.
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
    table: list[list[int]], weights: Any, kappa: float, error: float | None
) -> None:
    found = cohen_kappa(table, weights=weights)
    assert found.estimate == pytest.approx(kappa, abs=1e-9)
    if error is not None:
        assert found.standard_error == pytest.approx(error, abs=1e-9)
        low, high = found.interval
        assert (high - low) / 2 == pytest.approx(1.959963984540054 * error, abs=1e-8)


def test_cohen_1968_with_weights_of_disagreement() -> None:
    proportions = [[0.44, 0.07, 0.09], [0.05, 0.20, 0.05], [0.01, 0.03, 0.06]]
    weights = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
    assert cohen_kappa(proportions, n=200).estimate == pytest.approx(0.491525424, abs=1e-9)
    weighted = cohen_kappa(proportions, disagreement=weights, n=200)
    assert weighted.estimate == pytest.approx(0.347826087, abs=1e-9)
    assert weighted.n_works == 200


def test_gwets_tables_of_two_raters() -> None:
    """irrCAC 1.0 on contingency tables; Cohen's error there is Gwet's, which the table form shares."""
    # A table divides by n, raw ratings by n (n - 1): the errors differ by that factor (n = 100).
    factor = math.sqrt(99 / 100)
    units = units_of_pairs(ABSTRACTORS)
    for found, value, error in (
        # With two raters Fleiss' kappa is Scott's pi.
        (fleiss_kappa(units), 0.796239696, 0.059054733),
        (gwet_ac(units), 0.849330548, 0.043217468),
        (brennan_prediger(units), 0.835, 0.046933464),
    ):
        assert found.estimate == pytest.approx(value, abs=1e-9)
        assert found.standard_error * factor == pytest.approx(error, abs=1e-9)
    alpha = krippendorff_alpha(units, metric="nominal")
    assert alpha.estimate == pytest.approx(0.797258498, abs=1e-9)
    assert percent_exact(units).estimate == pytest.approx(0.89)
    assert percent_adjacent(units).estimate == 1.0


@pytest.mark.parametrize(
    ("weights", "value"),
    [("identity", 0.456157635), ("linear", 0.377067884), ("quadratic", 0.298572997)],
)
def test_gwets_diagnosis_table(weights: Any, value: float) -> None:
    assert gwet_ac(units_of_pairs(DIAGNOSIS), weights=weights).estimate == pytest.approx(
        value, abs=1e-9
    )


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=40)


@settings(max_examples=60, deadline=None)
@given(rows=pairs, weights=st.sampled_from(["identity", "linear", "quadratic"]))
def test_kappa_equals_statsmodels_and_scikit_learn(
    rows: list[tuple[int, int]], weights: Any
) -> None:
    one, other = (np.array(column) for column in zip(*rows, strict=True))
    table = pair_table(one, other, levels=range(4))
    ours = cohen_kappa(table, weights=weights)
    if math.isnan(ours.estimate):
        assert len(np.unique(np.concatenate([one, other]))) == 1
        assert ours.reason
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {} if weights == "identity" else {"wt": weights}
        theirs = cohens_kappa(table, **options)
    word = None if weights == "identity" else weights
    theirs_too = cohen_kappa_score(one, other, labels=range(4), weights=word)
    assert ours.estimate == pytest.approx(theirs.kappa, abs=1e-10)
    assert ours.estimate == pytest.approx(theirs_too, abs=1e-10)
    # Of a variance that is 0, statsmodels has the rounding error, negative at times.
    assert ours.standard_error**2 == pytest.approx(max(theirs.var_kappa, 0.0), abs=1e-12)


def test_pair_tables_of_integers_and_of_scores_are_the_same() -> None:
    one, other = [0.5, 1.5, math.nan, 1.5], [0.5, 0.5, 1.5, 1.5]
    table = pair_table(one, other, levels=[0.5, 1.5])
    assert table.tolist() == pair_table([0, 1, 1], [0, 0, 1], levels=range(2)).tolist()
    for bad in ([0, 2], [-1, 0]):
        with pytest.raises(ValueError, match="not on the scale"):
            pair_table(bad, [0, 1], levels=range(2))
    with pytest.raises(ValueError, match="not on the scale"):
        pair_table([0.5, 0.7], [0.5, 0.5], levels=[0.5, 1.5])


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.int64])
@pytest.mark.parametrize("q", [1, 2, 5, 8, 100])
def test_codes_of_any_width_are_counted_pair_by_pair(kind: Any, q: int) -> None:
    rng = np.random.default_rng(q)
    one, other = rng.integers(0, q, (2, 300)).astype(kind)
    table = np.zeros((q, q))
    np.add.at(table, (one.astype(int), other.astype(int)), 1)
    assert np.array_equal(pair_table(one, other, levels=range(q)), table)
    for wrong in (-1, q, min(2 * q + 5, 127), np.iinfo(kind).max, np.iinfo(kind).min):
        for column in (one, other):
            kept, column[7] = column[7], wrong
            with pytest.raises(ValueError, match="not on the scale"):
                pair_table(one, other, levels=range(q))
            column[7] = kept


@pytest.mark.parametrize("n", [1, 2, 3, 300, 301, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
@pytest.mark.parametrize("q", [2, 5, 9])
def test_codes_are_counted_whatever_their_number(n: int, q: int) -> None:
    """Pairs are counted two at a time, block by block: none is lost at an end, none seen twice."""
    rng = np.random.default_rng(n)
    one, other = rng.integers(0, q, (2, n))
    table = np.zeros((q, q))
    np.add.at(table, (one, other), 1)
    assert np.array_equal(pair_table(one, other, levels=range(q)), table)
    for place in {0, n // 2, n - 1}:
        for column in (one, other):
            kept, column[place] = column[place], q
            with pytest.raises(ValueError, match="not on the scale"):
                pair_table(one, other, levels=range(q))
            column[place] = kept


# Any number of raters -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "alpha"),
    [
        ("nominal", 0.743421052632),
        ("ordinal", 0.815387503755),
        ("interval", 0.849107142857),
        ("ratio", 0.797402774712),
    ],
)
def test_krippendorffs_example(metric: Any, alpha: float) -> None:
    found = krippendorff_alpha(coders(), metric=metric)
    assert found.estimate == pytest.approx(alpha, abs=1e-12)
    # The unit with one value says nothing; missing marks are no zeros: 7 of them and that value.
    assert (found.n_works, found.n_pairable, found.n_raters, found.dropped) == (11, 40, 4, 8)


@pytest.mark.parametrize(
    ("weights", "value", "error"),
    [
        # irrCAC for R 1.0, cac.raw4raters, rounded there to five decimals.
        ("identity", 0.77544, 0.14295),
        ("quadratic", 0.91400, 0.10396),
        ("linear", 0.85874, 0.11733),
        ("ordinal", 0.89894, 0.10690),
        ("radical", 0.81981, 0.12836),
        ("ratio", 0.85737, 0.12207),
        ("circular", 0.83020, 0.13265),
        ("bipolar", 0.90037, 0.10582),
    ],
)
def test_gwets_raw_ratings(weights: Any, value: float, error: float) -> None:
    found = gwet_ac(coders(), weights=weights)
    assert found.estimate == pytest.approx(value, abs=5.1e-6)
    assert found.standard_error == pytest.approx(error, abs=5.1e-6)


@pytest.mark.parametrize(
    ("function", "value", "error"),
    [
        (fleiss_kappa, 0.76117, 0.15302),
        (conger_kappa, 0.76282, 0.14917),
        (brennan_prediger, 0.77273, 0.14472),
        (lambda data: krippendorff_alpha(data, metric="nominal"), 0.74342, 0.14557),
    ],
)
def test_other_coefficients_on_gwets_raw_ratings(
    function: Callable[[Ratings], coefficient.Coefficient], value: float, error: float
) -> None:
    found = function(coders())
    assert found.estimate == pytest.approx(value, abs=5.1e-6)
    assert found.standard_error == pytest.approx(error, abs=5.1e-6)


def test_fleiss_1971() -> None:
    found = fleiss_kappa(FLEISS)
    assert found.estimate == pytest.approx(0.43024452, abs=1e-8)
    assert found.z == pytest.approx(17.651830583, abs=1e-8)
    assert found.standard_error == pytest.approx(0.054198936, abs=1e-9)
    assert found.categories == pytest.approx([0.245, 0.245, 0.520, 0.471, 0.566], abs=5e-4)
    ac = gwet_ac(FLEISS)
    assert ac.estimate == pytest.approx(0.447884516, abs=1e-9)
    assert ac.standard_error == pytest.approx(0.055662142, abs=1e-9)
    assert fleiss_kappa(WIKIPEDIA).estimate == pytest.approx(0.209931, abs=1e-6)


def test_conger_and_light_on_fleiss_1971() -> None:
    """The raters of irr's `diagnoses` are in the order of their diagnoses on each patient."""
    rows = [
        (patient, rater, level)
        for patient, counts in enumerate(FLEISS)
        for rater, level in enumerate(np.repeat(np.arange(5), counts).tolist())
    ]
    ratings = long(rows)
    assert conger_kappa(ratings).estimate == pytest.approx(0.441808540, abs=1e-9)
    light = [
        cohen_kappa(ratings.where(np.isin(ratings.rater, two))).estimate
        for two in combinations(range(6), 2)
    ]
    assert np.mean(light) == pytest.approx(0.459412144, abs=1e-9)


def test_gwets_distribution_of_six_raters() -> None:
    """irrCAC 1.0, distrib.6raters: the first fifteen rows of Fleiss 1971."""
    counts = [*FLEISS[:14], [0, 2, 0, 3, 1]]
    for found, value, error in (
        (gwet_ac(counts), 0.4448007329, 0.0841875668),
        (fleiss_kappa(counts), 0.413926499, 0.0811929092),
        (brennan_prediger(counts), 0.4388888889, 0.0831214237),
    ):
        assert found.estimate == pytest.approx(value, abs=1e-9)
        assert found.standard_error == pytest.approx(error, abs=1e-9)
    alpha = krippendorff_alpha(counts, metric="nominal")
    assert alpha.estimate == pytest.approx(0.4204384268, abs=1e-9)
    # irrCAC prints .0824322762 here: its form for distributions moves chance agreement once where its
    # own form for raw ratings, which the other tests meet, moves it twice, as chance is a square.
    assert alpha.standard_error == pytest.approx(0.0811929092, abs=1e-9)


sparse = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 4), st.integers(0, 3)),
    min_size=2,
    max_size=40,
    unique_by=lambda row: row[:2],
)


def of(rows: list[tuple[int, int, int]]) -> Ratings:
    work, rater, level = (list(column) for column in zip(*rows, strict=True))
    return Ratings.from_long(work, rater, level, levels=range(4))


@settings(max_examples=60, deadline=None)
@given(rows=sparse, metric=st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_alpha_equals_the_krippendorff_package(
    rows: list[tuple[int, int, int]], metric: Any
) -> None:
    table = np.full((5, 8), np.nan)
    for work, rater, level in rows:
        table[rater, work] = level
    ours = krippendorff_alpha(of(rows), metric=metric)
    works = [row[0] for row in rows]
    pairable = [row for row in rows if works.count(row[0]) > 1]
    if len({level for _, _, level in pairable}) < 2:
        assert math.isnan(ours.estimate)
        assert ours.reason
        return
    theirs = krippendorff.alpha(
        reliability_data=table, level_of_measurement=metric, value_domain=[0, 1, 2, 3]
    )
    assert ours.estimate == pytest.approx(theirs, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(table=st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=20))
def test_fleiss_equals_statsmodels(table: list[list[int]]) -> None:
    counts, _ = aggregate_raters(np.array(table), n_cat=4)
    ours = fleiss_kappa(long((w, r, x) for w, row in enumerate(table) for r, x in enumerate(row)))
    if math.isnan(ours.estimate):
        assert len({x for row in table for x in row}) == 1
        return
    assert ours.estimate == pytest.approx(statsmodels_fleiss(counts), abs=1e-10)


def beyond_chance(rows: list[tuple[int, int, int]], weights: str, kind: str) -> float:
    """The coefficients of several raters from their definitions, pair by pair."""
    w = weighting(weights, range(4)).full()  # type: ignore[arg-type]
    by_work: dict[int, list[int]] = {}
    for work, _, level in rows:
        by_work.setdefault(work, []).append(level)
    agreed = [
        np.mean([w[a, b] for a, b in permutations(levels, 2)])
        for levels in by_work.values()
        if len(levels) > 1
    ]
    if not agreed:
        return math.nan
    shares = np.mean(
        [np.bincount(levels, minlength=4) / len(levels) for levels in by_work.values()], 0
    )
    chance = {
        "gwet": w.sum() / 12 * float((shares * (1 - shares)).sum()),
        "fleiss": float(shares @ w @ shares),
        "blind": w.sum() / 16,
        "none": 0.0,
    }[kind]
    if chance >= 1 - 1e-12:
        return math.nan
    return float((np.mean(agreed) - chance) / (1 - chance))


@settings(max_examples=60, deadline=None)
@given(rows=sparse, weights=st.sampled_from(["identity", "linear", "quadratic", "radical"]))
def test_coefficients_by_their_definitions(rows: list[tuple[int, int, int]], weights: Any) -> None:
    for function, kind in (
        (gwet_ac, "gwet"),
        (fleiss_kappa, "fleiss"),
        (brennan_prediger, "blind"),
    ):
        expected = beyond_chance(rows, weights, kind)
        found = function(of(rows), weights=weights)
        assert found.estimate == pytest.approx(expected, abs=1e-10, nan_ok=True)
        assert math.isnan(expected) == bool(found.reason and math.isnan(found.estimate))


def conger_by_definition(rows: list[tuple[int, int, int]]) -> float:
    """Conger's chance: the mean over pairs of raters of the product of their own shares."""
    agreed = beyond_chance(rows, "identity", "none")
    shares = {}
    for rater in {row[1] for row in rows}:
        counts = np.bincount([row[2] for row in rows if row[1] == rater], minlength=4)
        shares[rater] = counts / counts.sum()
    if len(shares) < 2:
        return math.nan
    chance = float(np.mean([shares[a] @ shares[b] for a, b in permutations(shares, 2)]))
    return (agreed - chance) / (1 - chance) if chance < 1 - 1e-12 else math.nan


@settings(max_examples=60, deadline=None)
@given(rows=sparse)
def test_conger_by_its_definition(rows: list[tuple[int, int, int]]) -> None:
    expected = conger_by_definition(rows)
    assert conger_kappa(of(rows)).estimate == pytest.approx(expected, abs=1e-10, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(rows=sparse, data=st.data())
def test_the_order_of_rows_and_of_labels_means_nothing(
    rows: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    renamed = [(f"w{7 - w}", f"r{r}", level) for w, r, level in shuffled]
    again = Ratings.from_long(*(list(c) for c in zip(*renamed, strict=True)), levels=range(4))
    for function in (*OF_RATINGS, conger_kappa):
        one, other = function(of(rows)), function(again)
        assert one.estimate == pytest.approx(other.estimate, abs=1e-12, nan_ok=True)
        assert one.standard_error == pytest.approx(other.standard_error, abs=1e-12, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(rows=sparse)
def test_pairs_by_brute_force(rows: list[tuple[int, int, int]]) -> None:
    ratings = of(rows)
    table = pairs_within(ratings)
    brute = np.zeros((4, 4))
    for one, other in combinations(rows, 2):
        if one[0] == other[0]:
            brute[one[2], other[2]] += 0.5
            brute[other[2], one[2]] += 0.5
    assert np.allclose(table + table.T, brute * 2)
    pairs_there = brute.sum()
    exact = np.trace(brute) / pairs_there if pairs_there else math.nan
    assert percent_exact(ratings).estimate == pytest.approx(exact, nan_ok=True)


def test_a_scale_read_from_the_other_end_agrees_alike() -> None:
    ratings = coders()
    turned = Ratings.from_long(
        ratings.work, ratings.rater, ratings.values(), scale=(1, 5), reverse=True
    )
    for function in (*OF_RATINGS, conger_kappa):
        assert function(turned).estimate == pytest.approx(function(ratings).estimate)
    assert within(turned).quadratic_kappa.estimate == pytest.approx(
        within(ratings).quadratic_kappa.estimate
    )


def test_many_levels_and_works_keep_their_rows_and_agree_with_the_patterns() -> None:
    rng = np.random.default_rng(3)
    work = np.repeat(np.arange(60), 3)
    rater = np.tile(np.arange(3), 60)
    level = np.clip(rng.normal(50, 20, 60)[work] + rng.normal(0, 9, 180), 0, 100).round()
    ratings = Ratings.from_long(work, rater, level, scale=(0, 100))
    rows = Rows(ratings.work, ratings.level, 60, 101)
    assert isinstance(units_of(ratings), Patterns)
    levels = np.arange(101)
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        one = krippendorff_alpha(ratings, metric=metric)  # type: ignore[arg-type]
        other = krippendorff_alpha(rows, metric=metric, levels=levels)  # type: ignore[arg-type]
        assert one.estimate == pytest.approx(other.estimate, abs=1e-12)
        assert one.standard_error == pytest.approx(other.standard_error, abs=1e-12)
    for weights in ("identity", "quadratic", "linear"):
        one = gwet_ac(ratings, weights=weights)  # type: ignore[arg-type]
        other = gwet_ac(rows, weights=weights, levels=levels)  # type: ignore[arg-type]
        assert one.estimate == pytest.approx(other.estimate, abs=1e-12)
        assert one.standard_error == pytest.approx(other.standard_error, abs=1e-12)
    undrawn = krippendorff_alpha(rows, levels=levels, interval="bootstrap")
    assert math.isnan(undrawn.standard_error)
    assert undrawn.reason == coefficient.TOO_LARGE


# Intervals ------------------------------------------------------------------------------------------


def left_out(rows: list[tuple[int, int, int]], key: int, function: Callable[..., Any]) -> float:
    """Jackknife variance over works (key 0) or raters (key 1), by really leaving each out."""
    found = [
        function(of([row for row in rows if row[key] != one])).estimate
        for one in sorted({row[key] for row in rows})
    ]
    n = len(found)
    return float((n - 1) / n * ((np.array(found) - np.mean(found)) ** 2).sum())


@pytest.mark.parametrize("function", OF_RATINGS)
def test_the_two_way_jackknife_by_brute_force(function: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    rows = [
        (work, rater, int(np.clip(rng.normal(1.5 + np.sin(work), 0.8), 0, 3)))
        for work in range(12)
        for rater in rng.permutation(5)[: rng.integers(2, 5)].tolist()
    ]
    found = function(of(rows), interval="two_way")
    expected = left_out(rows, 0, function) + left_out(rows, 1, function)
    assert found.standard_error == pytest.approx(math.sqrt(expected), rel=1e-9)
    assert "t on 4 df" in found.method


def test_two_raters_say_nothing_about_raters() -> None:
    ratings = of([(w, r, (w + r * (w % 3 == 0)) % 4) for w in range(9) for r in range(2)])
    for function in (*OF_RATINGS, cohen_kappa):
        found = function(ratings, interval="two_way")
        assert not math.isnan(found.estimate)
        assert math.isnan(found.standard_error)
        assert all(math.isnan(end) for end in found.interval)
        assert found.reason == coefficient.TWO_RATERS


@pytest.mark.parametrize("function", [*OF_RATINGS, cohen_kappa])
def test_the_bootstrap_is_near_the_formula_and_repeats(function: Callable[..., Any]) -> None:
    rng = np.random.default_rng(2)
    true = rng.integers(0, 4, 400)
    rows = [
        (work, rater, int(np.clip(true[work] + rng.integers(-1, 2), 0, 3)))
        for work in range(400)
        for rater in range(2)
    ]
    analytic, one, other = (
        function(of(rows), interval=kind) for kind in ("analytic", "bootstrap", "bootstrap")
    )
    assert one == other
    assert one.estimate == analytic.estimate
    assert one.standard_error == pytest.approx(analytic.standard_error, rel=0.12)
    assert one.interval == pytest.approx(analytic.interval, abs=0.02)


def test_raters_and_works_redrawn_is_wider_than_works_alone() -> None:
    rng = np.random.default_rng(4)
    severity = rng.normal(0, 0.8, 12)
    rows = [
        (work, rater, int(np.clip(round(1.5 + np.sin(work) + severity[rater]), 0, 3)))
        for work in range(80)
        for rater in range(12)
    ]
    works = krippendorff_alpha(of(rows), interval="bootstrap")
    both = krippendorff_alpha(of(rows), interval="two_way")
    assert "redrawn" in both.method
    assert both.standard_error > 1.5 * works.standard_error
    assert both == krippendorff_alpha(of(rows), interval="two_way")


def test_options_are_checked() -> None:
    for function in OF_RATINGS:
        with pytest.raises(ValueError, match="interval must be one of"):
            function(coders(), interval="magic")
        with pytest.raises(ValueError, match="between 0 and 1"):
            function(coders(), confidence=95)
    with pytest.raises(ValueError, match="needs to know who rated"):
        gwet_ac(FLEISS, interval="two_way")
    with pytest.raises(ValueError, match="weights must be one of"):
        gwet_ac(coders(), weights="cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="metric must be one of"):
        krippendorff_alpha(coders(), metric="polar")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="symmetric"):
        gwet_ac(coders(), weights=[[1, 0], [1, 1]])
    with pytest.raises(ValueError, match="whole numbers"):
        units_from_counts([[0.5, 1.0]])
    with pytest.raises(ValueError, match="a row a work"):
        units_from_counts([1, 2])
    with pytest.raises(ValueError, match="square"):
        cohen_kappa([[1, 2, 3], [4, 5, 6]])


# The summary of a panel and of two pools ------------------------------------------------------------


def test_two_raters_are_cohens() -> None:
    rows = [(n, rater, level) for n, pair in enumerate([(0, 1), (1, 1), (2, 2), (2, 0)])
            for rater, level in zip("ab", pair, strict=True)]  # fmt: skip
    ratings = long(rows)
    table = [[0, 1, 0], [0, 1, 0], [1, 0, 1]]
    found = within(ratings).quadratic_kappa
    assert found.estimate == pytest.approx(cohen_kappa(table, weights="quadratic").estimate)
    assert cohen_kappa(ratings, weights="quadratic").estimate == found.estimate
    assert not math.isnan(found.standard_error)
    # With more raters the pairs share ratings, and the formula would claim too much.
    assert math.isnan(within(coders()).quadratic_kappa.standard_error)
    assert "there are more" in (cohen_kappa(coders()).reason or "")


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
    ratings = Ratings.from_long(*columns, levels=range(3))
    found = within(ratings)
    for one in (
        found.quadratic_kappa,
        found.alpha,
        krippendorff_alpha(ratings),
        fleiss_kappa(ratings),
        conger_kappa(ratings),
        cohen_kappa(ratings),
    ):
        assert math.isnan(one.estimate)
        assert all(math.isnan(end) for end in one.interval)
        assert words in (one.reason or "")
    if words == "not enough":
        for function in (gwet_ac, brennan_prediger, percent_exact):
            assert words in (function(ratings).reason or "")


def test_one_work_has_a_value_and_no_interval() -> None:
    ratings = long([("w", "a", 1), ("w", "b", 2), ("w", "c", 2)])
    found = gwet_ac(ratings)
    assert not math.isnan(found.estimate)
    assert math.isnan(found.standard_error)
    assert found.reason == coefficient.ONE_WORK


def test_the_kappa_paradox_is_said() -> None:
    rows = [(n, rater, 3) for n in range(97) for rater in "ab"]
    rows += [(97, "a", 2), (97, "b", 3), (98, "a", 3), (98, "b", 2), (99, "a", 3), (99, "b", 2)]
    ratings = Ratings.from_long(*(list(c) for c in zip(*rows, strict=True)), levels=range(4))
    found = within(ratings)
    assert found.exact == 0.97
    assert abs(found.quadratic_kappa.estimate) < 0.05
    for note in (
        found.note,
        fleiss_kappa(ratings).note,
        krippendorff_alpha(ratings).note,
        conger_kappa(ratings).note,
        cohen_kappa(ratings).note,
    ):
        assert "one level" in (note or "")
    # AC1 stays by the percent agreement, and needs no such note.
    assert gwet_ac(ratings).estimate > 0.95
    assert gwet_ac(ratings).note is None


def test_a_missing_mark_stored_as_zero_would_ruin_agreement() -> None:
    """A missing mark is dropped and counted; as a zero it would turn perfect agreement into little."""
    given = [
        (n, r, None if (n, r) in {(1, 1), (4, 2)} else 1 + n % 3)
        for n in range(6)
        for r in range(3)
    ]
    found = krippendorff_alpha(long(given), metric="interval")
    assert found.estimate == 1.0
    assert found.dropped == 2
    zeros = krippendorff_alpha(long((n, r, x or 0) for n, r, x in given), metric="interval")
    assert zeros.estimate < 0.8


def test_complete_data_of_more_than_two_raters_is_where_irr_goes_wrong() -> None:
    """R's irr 0.84.1 divides by 1 instead of m - 1 on complete data; the krippendorff package does not."""
    rng = np.random.default_rng(8)
    table = np.clip(rng.integers(0, 5, (100, 1)) + rng.integers(-1, 2, (100, 5)), 0, 4)
    ratings = long((w, r, int(x)) for w, row in enumerate(table) for r, x in enumerate(row))
    for metric in ("nominal", "ordinal", "interval"):
        theirs = krippendorff.alpha(reliability_data=table.T, level_of_measurement=metric)
        ours = krippendorff_alpha(ratings, metric=metric)  # type: ignore[arg-type]
        assert ours.estimate == pytest.approx(theirs, abs=1e-12)


def test_ordinal_weights_are_not_the_ordinal_metric() -> None:
    counts = units_of(coders())
    by_weights = fleiss_kappa(counts, weights="ordinal").estimate
    assert abs(by_weights - krippendorff_alpha(counts, metric="ordinal").estimate) > 0.01


def test_several_criteria_are_refused() -> None:
    ratings = Ratings.from_long(["w", "w"], ["a", "a"], [1, 1], criterion=["c", "d"])
    for function in (
        *OF_RATINGS,
        conger_kappa,
        cohen_kappa,
        within,
        agreement.icc,
        agreement.kendall_w,
    ):
        with pytest.raises(ValueError, match="one criterion"):
            function(ratings)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "folder", ["writing_windhua", "austria_writing_ratings2", "robitzsch_ptam4"]
)
def test_real_ratings_agree_with_an_independent_calculation(shared_data: Path, folder: str) -> None:
    from grading.measurement.files import read_csv

    ratings = read_csv(shared_data / folder / "scores.csv")
    with (shared_data / folder / "scores_agreement.csv").open() as file:
        expected = {row["criterion"]: row for row in csv.DictReader(file)}
    for criterion, row in expected.items():
        one = ratings.on(criterion)
        found = within(one)
        assert percent_exact(one).estimate == pytest.approx(float(row["exact"]), abs=5e-4)
        assert percent_adjacent(one).estimate == pytest.approx(float(row["adjacent"]), abs=5e-4)
        assert found.n_pairs == int(row["pairs"])
        assert found.exact == pytest.approx(float(row["exact"]), abs=5e-4)
        assert found.quadratic_kappa.estimate == pytest.approx(float(row["qwk_pooled"]), abs=5e-4)
        interval = krippendorff_alpha(one, metric="interval")
        assert interval.estimate == pytest.approx(float(row["alpha_int"]), abs=5e-4)
        forms = agreement.icc(one).forms
        assert forms["ICC(2,1)"].n_works == int(row["complete_n"])
        assert forms["ICC(2,1)"].estimate == pytest.approx(float(row["icc21_anova"]), abs=5.1e-4)
        assert forms["ICC(3,1)"].estimate == pytest.approx(float(row["icc31_anova"]), abs=5.1e-4)
