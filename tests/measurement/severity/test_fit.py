"""The many-facet model: recovery, published formulas, brute force, and what it refuses."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp

from grading.measurement.ratings import Ratings
from grading.measurement.severity import (
    Disconnected,
    SeverityFit,
    fit,
    separation_reliability,
    strata,
    summarise,
)

STEPS = np.array([-1.5, -0.5, 0.5, 1.5])
DIFFICULTIES = np.linspace(-0.6, 0.6, 5)


@dataclass(frozen=True)
class World:
    ratings: Ratings
    theta: NDArray[np.float64]
    severities: NDArray[np.float64]


def world(n_works: int = 400, n_raters: int = 20, *, per_work: int = 3, seed: int = 1) -> World:
    """Works N(0, 1), severities N(0, .5) centred, five criteria of one rating scale 0 to 4."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=n_works)
    severities = rng.normal(0, 0.5, n_raters)
    severities -= severities.mean()
    readers = np.array([rng.choice(n_raters, per_work, replace=False) for _ in range(n_works)])
    work = np.repeat(np.arange(n_works), per_work * len(DIFFICULTIES))
    rater = np.repeat(readers.ravel(), len(DIFFICULTIES))
    criterion = np.tile(np.arange(len(DIFFICULTIES)), n_works * per_work)
    eta = theta[work] - severities[rater] - DIFFICULTIES[criterion]
    logits = np.concatenate([np.zeros((len(eta), 1)), np.cumsum(eta[:, None] - STEPS, axis=1)], 1)
    p = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    level = (rng.random((len(eta), 1)) > p.cumsum(axis=1)).sum(axis=1)
    labels = [f"w{code}" for code in range(n_works)]
    rows = Ratings.from_long(
        [labels[code] for code in work], rater.tolist(), np.minimum(level, 4),
        criterion=[f"c{code}" for code in criterion], levels=range(5),
    )  # fmt: skip
    return World(rows, theta, severities)


def severities_of(found: SeverityFit, n: int) -> NDArray[np.float64]:
    return np.array([found.raters[label].severity for label in range(n)])


@pytest.fixture(scope="module")
def drawn() -> World:
    return world()


@pytest.fixture(scope="module")
def fitted(drawn: World) -> SeverityFit:
    return fit(drawn.ratings)


def expected_levels(found: SeverityFit, rows: Ratings) -> NDArray[np.float64]:
    """The level that the fitted measures lead one to expect of each rating."""
    p, k = found.parameters, np.arange(len(rows.levels))
    logits = k * (p.theta[rows.work] - p.severity[rows.rater])[:, None] + p.category[rows.criterion]
    return np.asarray(np.exp(logits - logsumexp(logits, axis=1, keepdims=True)) @ k)


def small(seed: int = 3) -> Ratings:
    """Twelve works, three raters, two criteria of 0 to 2, some rows missing."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"w{w}", f"r{r}", f"c{c}", int(np.clip(round(rng.normal(w / 6 - 0.3 * r, 0.8)), 0, 2)))
        for w in range(12) for r in range(3) for c in range(2) if (w + r) % 4
    ]  # fmt: skip
    work, rater, criterion, level = (list(column) for column in zip(*rows, strict=True))
    return Ratings.from_long(work, rater, level, criterion=criterion)


# What it finds


@pytest.mark.parametrize("model", ["partial_credit", "rating_scale"])
def test_it_recovers_what_the_ratings_were_drawn_from(drawn: World, model: Any) -> None:
    found = fit(drawn.ratings, model=model)
    assert found.converged
    assert found.notes == () or "lowest" in found.notes[0]
    ours = severities_of(found, 20)
    errors = np.array([found.raters[label].standard_error for label in range(20)])
    # 20 standardised errors: their mean square is chi-square(19)/20; .99 quantiles are .38 and 1.94.
    assert 0.35 < np.mean(((ours - drawn.severities) / errors) ** 2) < 1.95
    measures = np.array([found.works[f"w{code}"].measure for code in range(400)])
    spread = np.array([found.works[f"w{code}"].standard_error for code in range(400)])
    z = (measures - measures.mean() - drawn.theta + drawn.theta.mean()) / spread
    assert 0.8 < np.mean(z**2) < 1.2
    assert found.variance == pytest.approx(1.0, abs=0.25)
    assert [found.criteria[f"c{code}"].difficulty for code in range(5)] == pytest.approx(
        DIFFICULTIES.tolist(), abs=0.15
    )
    thresholds = [step.threshold for step in found.steps][:4]
    assert thresholds == pytest.approx(STEPS.tolist(), abs=0.3)
    mean_squares = [rater.infit for rater in found.raters.values()]
    assert 0.8 < min(mean_squares) < max(mean_squares) < 1.2


def test_joint_estimates_agree_and_spread_further(drawn: World, fitted: SeverityFit) -> None:
    joint = fit(drawn.ratings, estimator="jmle")
    assert joint.converged
    ours, theirs = severities_of(fitted, 20), severities_of(joint, 20)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999
    # Known bias of the joint estimator, about L/(L-1) with L = 15 ratings a work.
    assert 1.02 < np.polyfit(ours, theirs, 1)[0] < 1.15
    assert math.isnan(joint.works["w0"].eap)
    assert math.isnan(joint.variance)


def test_a_joint_estimate_meets_its_likelihood_equations(drawn: World) -> None:
    """Observed and expected totals agree for every rater, criterion and work that is not extreme."""
    found = fit(drawn.ratings, estimator="jmle")
    rows = drawn.ratings
    inside = np.array([found.works[label].extreme is None for label in rows.works])[rows.work]
    residual = (rows.level - expected_levels(found, rows))[inside]
    for codes in (rows.work, rows.rater, rows.criterion):
        assert np.abs(np.bincount(codes[inside], residual)).max() < 1e-5


def test_a_mean_rating_needs_no_model_where_everybody_reads_everything() -> None:
    """Complete design: severities order as the raw means do, and fair averages as the raw ones."""
    rng = np.random.default_rng(5)
    level = np.clip(
        np.round(rng.normal(1.5, 1, (60, 1)) + rng.normal(0, 0.7, (60, 5)) + np.linspace(-0.5, 0.5, 5)),
        0, 3,
    ).astype(int)  # fmt: skip
    work, rater = np.indices(level.shape)
    found = fit(Ratings.from_long(work.ravel().tolist(), rater.ravel().tolist(), level.ravel()))
    by_severity = np.argsort([-found.raters[label].severity for label in range(5)])
    assert by_severity.tolist() == np.argsort(level.mean(axis=0)).tolist()
    averages = [found.raters[label].observed_average for label in range(5)]
    assert averages == pytest.approx(level.mean(axis=0).tolist())
    assert sum(rater.severity for rater in found.raters.values()) == pytest.approx(0, abs=1e-12)


def test_stricter_raters_have_positive_severity_and_their_works_are_raised() -> None:
    drawn = world(200, 4, per_work=2)
    found = fit(drawn.ratings)
    strict = int(np.argmax(drawn.severities))
    assert found.raters[strict].severity > 0
    assert found.raters[strict].fair_average < min(
        rater.fair_average for label, rater in found.raters.items() if label != strict
    )
    middling = [work for work in found.works.values() if 1 < work.observed_average < 3]
    raised, lowered = (
        [work.fair_average - work.observed_average for work in middling if of_raters(work)]
        for of_raters in (lambda w: w.rater_severity > 0.4, lambda w: w.rater_severity < -0.1)
    )
    assert np.mean(raised) > 0.1 > -0.02 > np.mean(lowered)


def test_fair_averages_are_nearer_the_truth_than_raw_means(
    drawn: World, fitted: SeverityFit
) -> None:
    # What an average rater would give, from the truth: the expected level over the five criteria.
    eta = drawn.theta[:, None, None] - DIFFICULTIES[:, None] - np.zeros(1)
    logits = np.concatenate([np.zeros((400, 5, 1)), np.cumsum(eta - STEPS, axis=2)], axis=2)
    p = np.exp(logits - logsumexp(logits, axis=2, keepdims=True))
    truth = (p @ np.arange(5.0)).mean(axis=1)
    works = [fitted.works[f"w{code}"] for code in range(400)]
    fair = np.array([work.fair_average for work in works])
    raw = np.array([work.observed_average for work in works])
    error = np.array([work.fair_standard_error for work in works])
    assert np.sqrt(np.mean((fair - truth) ** 2)) < 0.9 * np.sqrt(np.mean((raw - truth) ** 2))
    assert 0.85 < np.mean(np.abs(fair - truth) < 1.96 * error) <= 0.99
    logits = np.arange(5) * works[7].measure + fitted.parameters.category
    by_criterion = np.exp(logits - logsumexp(logits, axis=1, keepdims=True)) @ np.arange(5)
    assert fair[7] == pytest.approx(by_criterion.mean())


# Against brute force


def brute_deviance(
    rows: Ratings, severities: list[float], categories: NDArray[np.float64], mean: float, sd: float,
    nodes: NDArray[np.float64],
) -> float:  # fmt: skip
    """-2 log-likelihood by loops. ``categories`` are cumulative logits (criterion, level)."""
    total = 0.0
    density = -0.5 * ((nodes - mean) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))
    k = np.arange(categories.shape[1])
    for work in range(len(rows.works)):
        log = density + math.log(nodes[1] - nodes[0])
        for n in np.flatnonzero(rows.work == work):
            logits = (
                k * (nodes[:, None] - severities[rows.rater[n]]) + categories[rows.criterion[n]]
            )
            log += logits[:, rows.level[n]] - np.logaddexp.reduce(logits, axis=1)
        total += float(np.logaddexp.reduce(log))
    return -2 * total


def unpacked(x: NDArray[np.float64]) -> tuple[list[float], NDArray[np.float64], float, float]:
    """Free parameters of ``small``: two severities, one difficulty, a step each, mean, log SD."""
    difficulties = (x[2], -x[2])
    categories = np.array(
        [[0.0, -d + s, -2 * d] for d, s in zip(difficulties, x[3:5], strict=True)]
    )
    return [x[0], x[1], -x[0] - x[1]], categories, float(x[5]), math.exp(x[6])


def test_deviance_maximum_and_standard_errors_equal_a_brute_force_twin() -> None:
    rows = small()
    found = fit(rows, nodes=25, bounds=(-7.0, 7.0))
    nodes = np.linspace(-7, 7, 25)
    p = found.parameters
    x = np.array([
        *p.severity[:2], found.criteria["c0"].difficulty,
        *(p.category[i, 1] + found.criteria[f"c{i}"].difficulty for i in range(2)),
        found.mean, math.log(found.variance) / 2,
    ])  # fmt: skip

    def deviance(at: NDArray[np.float64]) -> float:
        severities, categories, mean, sd = unpacked(at)
        return brute_deviance(rows, severities, categories, mean, sd, nodes)

    assert deviance(x) == pytest.approx(found.deviance, abs=1e-8)
    h, n = 1e-3, len(x)
    unit = np.eye(n) * h
    slope = [(deviance(x + e) - deviance(x - e)) / (2 * h) for e in unit]
    assert np.abs(slope).max() < 1e-4
    hessian = np.array([
        [
            (deviance(x + a + b) - deviance(x + a - b) - deviance(x - a + b) + deviance(x - a - b))
            / (4 * h * h)
            for b in unit
        ]
        for a in unit
    ])  # fmt: skip
    covariance = np.linalg.inv(hessian / 2)
    last = np.array([-1.0, -1.0])
    errors = [
        math.sqrt(covariance[0, 0]), math.sqrt(covariance[1, 1]),
        math.sqrt(last @ covariance[:2, :2] @ last),
    ]  # fmt: skip
    ours = [found.raters[label].standard_error for label in rows.raters]
    # Also for the last rater, whose severity is minus the sum of the others'.
    assert ours == pytest.approx(errors, rel=1e-4)
    assert found.criteria["c0"].standard_error == pytest.approx(
        math.sqrt(covariance[2, 2]), rel=1e-4
    )
    assert found.criteria["c1"].standard_error == pytest.approx(
        math.sqrt(covariance[2, 2]), rel=1e-4
    )
    # A step parameter s gives thresholds -s and s.
    step = found.steps[0]
    assert step.threshold == pytest.approx(-x[3])
    assert step.standard_error == pytest.approx(math.sqrt(covariance[3, 3]), rel=1e-4)


def test_the_default_quadrature_has_converged() -> None:
    rows = small()
    found = fit(rows)
    finest = fit(rows, nodes=301, bounds=(-25.0, 25.0))
    assert found.deviance == pytest.approx(finest.deviance, rel=1e-6)
    for label in rows.raters:
        assert found.raters[label].severity == pytest.approx(
            finest.raters[label].severity, abs=1e-4
        )


def test_weighted_likelihood_maximises_likelihood_times_root_information() -> None:
    rows = small()
    found = fit(rows)
    p = found.parameters
    grid = np.linspace(-6, 6, 24001)
    for code in (0, 5, 11):
        mine = np.flatnonzero(rows.work == code)
        log, information = np.zeros(len(grid)), np.zeros(len(grid))
        for n in mine:
            k = np.arange(3)
            logits = k * (grid[:, None] - p.severity[rows.rater[n]]) + p.category[rows.criterion[n]]
            probability = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
            log += np.log(probability[:, rows.level[n]])
            information += probability @ k**2 - (probability @ k) ** 2
        best = grid[np.argmax(log + 0.5 * np.log(information))]
        work = found.works[rows.works[code]]
        assert work.measure == pytest.approx(best, abs=6e-4)
        at = np.argmin(np.abs(grid - work.measure))
        assert work.standard_error == pytest.approx(1 / math.sqrt(information[at]), rel=1e-3)


def test_mean_squares_by_hand(drawn: World, fitted: SeverityFit) -> None:
    rows, p = drawn.ratings, fitted.parameters
    usable = np.array([fitted.works[label].extreme is None for label in rows.works])[rows.work]
    mine = np.flatnonzero((rows.rater == 4) & usable)
    k = np.arange(5)
    squares, weights, fourths = [], [], []
    residuals = []
    for n in mine:
        logits = k * (p.theta[rows.work[n]] - p.severity[4]) + p.category[rows.criterion[n]]
        probability = np.exp(logits - logsumexp(logits))
        mean = probability @ k
        variance = probability @ (k - mean) ** 2
        residuals.append(rows.level[n] - mean)
        squares.append((rows.level[n] - mean) ** 2 / variance)
        weights.append(variance)
        fourths.append(probability @ (k - mean) ** 4)
    w, c = np.array(weights), np.array(fourths)
    rater = fitted.raters[rows.raters[4]]
    assert rater.outfit == pytest.approx(np.mean(squares))
    assert rater.infit == pytest.approx(np.sum(np.square(residuals)) / w.sum())
    q = math.sqrt(np.sum(c / w**2 - 1)) / len(mine)
    assert rater.outfit_z == pytest.approx((np.cbrt(np.mean(squares)) - 1) * 3 / q + q / 3)
    q = math.sqrt(np.sum(c - w**2)) / w.sum()
    assert rater.infit_z == pytest.approx((np.cbrt(rater.infit) - 1) * 3 / q + q / 3)


# Published formulas


@pytest.mark.parametrize(
    ("separation", "distinct", "reliability"),
    # Facets' manual, table 7 summary statistics: population, then sample; printed to two decimals,
    # so each may be computed from a separation anywhere within half of the last one.
    [(2.17, 3.22, 0.82), (2.28, 3.38, 0.84)],
)
def test_facets_summary_block(separation: float, distinct: float, reliability: float) -> None:
    low, high = separation - 0.005, separation + 0.005
    assert strata(low) - 0.005 <= distinct <= strata(high) + 0.005
    assert (
        separation_reliability(low) - 0.005 <= reliability <= separation_reliability(high) + 0.005
    )


def test_summary_identities() -> None:
    rng = np.random.default_rng(2)
    measures, errors = rng.normal(0, 0.2, 12), rng.uniform(0.06, 0.1, 12)
    for population in (True, False):
        found = summarise(measures, errors, population=population)
        assert found.sd**2 == pytest.approx(np.var(measures, ddof=0 if population else 1))
        assert found.sd**2 == pytest.approx(found.adjusted_sd**2 + found.rmse**2)
        assert found.reliability == pytest.approx(found.adjusted_sd**2 / found.sd**2)
        weighted = np.average(measures, weights=errors**-2)
        assert found.chi_square == pytest.approx(np.sum(((measures - weighted) / errors) ** 2))
        assert found.df == 11
    assert summarise([0.0, 0.0], [1.0, 1.0]).separation == 0
    assert math.isnan(summarise([0.4], [0.1]).separation)


# What the ratings do not tell


def two_panels() -> Ratings:
    left, right = world(60, 4, seed=4).ratings, world(60, 3, per_work=2, seed=9).ratings

    def labels(rows: Ratings, side: str) -> tuple[list[str], list[str], list[int], list[str]]:
        return (
            [f"{side}{rows.works[code]}" for code in rows.work],
            [f"{side}{rows.raters[code]}" for code in rows.rater],
            rows.level.tolist(),
            [str(rows.criteria[code]) for code in rows.criterion],
        )

    a, b = labels(left, "L"), labels(right, "R")
    return Ratings.from_long(a[0] + b[0], a[1] + b[1], a[2] + b[2], criterion=a[3] + b[3])


@pytest.mark.parametrize("estimator", ["mml", "jmle"])
def test_disjoint_panels_are_named_and_not_compared(estimator: Any) -> None:
    rows = two_panels()
    found = fit(rows, estimator=estimator)
    groups = [set(component.raters) for component in found.components]
    assert groups == [{f"L{code}" for code in range(4)}, {f"R{code}" for code in range(3)}]
    assert {len(component.works) for component in found.components} == {60}
    assert any("2 groups" in note for note in found.notes)
    with pytest.raises(Disconnected, match=r"connects these groups.*L3.*R2") as caught:
        found.summary("rater")
    assert {frozenset(group) for group in caught.value.groups} == {frozenset(x) for x in groups}
    with pytest.raises(Disconnected):
        found.summary("work")
    assert found.works["Lw0"].group == found.raters["L0"].group != found.works["Rw0"].group
    assert found.summary("rater", group=1).n == 3
    assert found.summary("criterion").n == 5
    for names in groups:
        assert sum(found.raters[name].severity for name in names) == pytest.approx(0, abs=1e-9)


def test_each_panel_is_measured_as_if_the_other_were_easier_or_harder() -> None:
    """Moving one panel's works up as a whole changes no severity, as its mean is its own."""
    rows = two_panels()
    found = fit(rows)
    left = np.array([str(rows.works[code]).startswith("L") for code in rows.work])
    alone = fit(rows.where(left))
    assert set(alone.raters) == {f"L{code}" for code in range(4)}
    for label, rater in alone.raters.items():
        assert found.raters[label].severity == pytest.approx(rater.severity, abs=0.05)
    assert math.isnan(found.mean)


def test_an_anchor_in_each_panel_connects_them() -> None:
    rows = two_panels()
    found = fit(rows, anchors={("rater", "L0"): 0.3, ("rater", "R0"): -0.2})
    assert len(found.components) == 1
    assert found.raters["L0"].group == found.raters["R0"].group
    assert found.raters["L0"].severity - found.raters["R0"].severity == pytest.approx(0.5)
    assert found.raters["L0"].anchored
    assert not found.raters["L1"].anchored


def test_raters_nested_in_criteria_cannot_be_told_from_them() -> None:
    """One rater reads the style of every work, the other the proofs: who is strict, nobody knows."""
    rng = np.random.default_rng(1)
    quality = rng.normal(1.5, 0.8, 40)
    style = np.clip(np.round(quality + rng.normal(0, 0.6, 40)), 0, 3)
    proof = np.clip(np.round(quality - 0.7 + rng.normal(0, 0.6, 40)), 0, 3)
    works = [f"w{code}" for code in range(40)]
    found = fit(Ratings.from_long(
        works * 2, ["Ann"] * 40 + ["Ben"] * 40, np.concatenate([style, proof]),
        criterion=["style"] * 40 + ["proof"] * 40,
    ))  # fmt: skip
    assert found.raters["Ann"].group != found.raters["Ben"].group
    assert found.criteria["style"].group != found.criteria["proof"].group
    assert len({work.group for work in found.works.values()}) == 1
    for facet in ("rater", "criterion"):
        with pytest.raises(Disconnected):
            found.summary(facet)  # type: ignore[arg-type]


def test_a_panel_of_extreme_works_only_has_no_mean_of_its_own() -> None:
    rows = small()
    work = [*[rows.works[code] for code in rows.work], "x"]
    found = fit(Ratings.from_long(
        work, [*[rows.raters[code] for code in rows.rater], "alone"], [*rows.level.tolist(), 2],
        criterion=[*[rows.criteria[code] for code in rows.criterion], "c0"],
    ))  # fmt: skip
    assert found.converged
    assert found.works["x"].extreme == "highest"
    assert found.raters["alone"].severity == 0
    assert math.isfinite(found.works["x"].measure)


# Anchors


@pytest.mark.parametrize("estimator", ["mml", "jmle"])
def test_anchors_at_the_estimates_change_nothing(estimator: Any) -> None:
    rows = small()
    found = fit(rows, estimator=estimator)
    anchors: dict[Any, float] = {
        ("rater", "r1"): found.raters["r1"].severity,
        ("criterion", "c0"): found.criteria["c0"].difficulty,
    }
    again = fit(rows, estimator=estimator, anchors=anchors)
    for label in rows.raters:
        assert again.raters[label].severity == pytest.approx(found.raters[label].severity, abs=1e-4)
    assert again.deviance == pytest.approx(found.deviance, rel=1e-6)
    assert again.raters["r1"].standard_error == 0
    shifted = fit(
        rows, estimator=estimator, anchors={("rater", "r1"): found.raters["r1"].severity + 2}
    )
    assert shifted.raters["r0"].severity == pytest.approx(found.raters["r0"].severity + 2, abs=1e-4)
    work = next(label for label in rows.works if found.works[label].extreme is None)
    assert shifted.works[work].measure == pytest.approx(found.works[work].measure + 2, abs=1e-3)


@pytest.mark.parametrize("estimator", ["mml", "jmle"])
def test_anchored_works_fix_the_origin(estimator: Any, drawn: World) -> None:
    works = range(0, 400, 4)
    anchors: dict[Any, float] = {("work", f"w{code}"): drawn.theta[code] + 1 for code in works}
    found = fit(drawn.ratings, estimator=estimator, anchors=anchors)
    assert found.converged
    assert found.works["w4"].measure == drawn.theta[4] + 1
    assert found.works["w4"].standard_error == 0
    measures = np.array([found.works[f"w{code}"].measure for code in range(400)])
    assert np.mean(measures - drawn.theta) == pytest.approx(1, abs=0.15)
    origin = [found.criteria[f"c{code}"].difficulty for code in range(5)]
    assert np.mean(origin) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        ({("rater", "nobody"): 0.0}, "nobody"),
        ({("pencil", "r0"): 0.0}, "pencil"),
        ({("rater", "r0"): math.nan}, "finite"),
    ],
)
def test_impossible_anchors_are_refused(anchors: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(small(), anchors=anchors)


# Labels, order, direction, missing


def as_long(rows: Ratings) -> tuple[list[Hashable], list[Hashable], list[int], list[Hashable]]:
    return (
        [rows.works[code] for code in rows.work], [rows.raters[code] for code in rows.rater],
        rows.level.tolist(), [rows.criteria[code] for code in rows.criterion],
    )  # fmt: skip


def test_the_order_of_rows_and_the_kind_of_labels_do_not_matter(
    drawn: World, fitted: SeverityFit
) -> None:
    """Raters 0 to 19: as text, 10 sorts before 2, and nothing may follow that order."""
    work, rater, level, criterion = as_long(drawn.ratings)
    order = np.random.default_rng(8).permutation(len(work)).tolist()
    again = fit(Ratings.from_long(
        [work[i] for i in order], [str(rater[i]) for i in order], [level[i] for i in order],
        criterion=[criterion[i] for i in order], levels=range(5),
    ))  # fmt: skip
    for label, found in fitted.raters.items():
        other = again.raters[str(label)]
        assert other.severity == pytest.approx(found.severity, abs=1e-6)
        assert other.standard_error == pytest.approx(found.standard_error, abs=1e-6)
        assert other.infit == pytest.approx(found.infit, abs=1e-6)
        assert other.n == found.n
    assert again.works["w11"].measure == pytest.approx(fitted.works["w11"].measure, abs=1e-6)
    assert again.deviance == pytest.approx(fitted.deviance, abs=1e-6)


@pytest.mark.parametrize("estimator", ["mml", "jmle"])
def test_a_scale_that_runs_from_best_to_worst(estimator: Any) -> None:
    rows = small()
    found = fit(rows, estimator=estimator)
    mirrored = replace(rows, level=(2 - rows.level).astype(np.int32))
    turned = fit(mirrored, estimator=estimator, reverse=True)
    for label in rows.raters:
        assert turned.raters[label].severity == pytest.approx(
            found.raters[label].severity, abs=1e-6
        )
        # Points stay those of the scale as it was given: 1 is better than 2 here.
        assert turned.raters[label].fair_average == pytest.approx(
            2 - found.raters[label].fair_average, abs=1e-6
        )
    for label in rows.works:
        if label in found.works:
            assert turned.works[label].measure == pytest.approx(
                found.works[label].measure, abs=1e-6
            )


def test_a_missing_rating_is_no_rating() -> None:
    work, rater, level, criterion = as_long(small())
    holes: list[float | None] = [None if i % 7 == 3 else value for i, value in enumerate(level)]
    keep = [i for i, value in enumerate(holes) if value is not None]
    with_holes = fit(Ratings.from_long(work, rater, holes, criterion=criterion))
    without = fit(Ratings.from_long(
        [work[i] for i in keep], [rater[i] for i in keep], [level[i] for i in keep],
        criterion=[criterion[i] for i in keep],
    ))  # fmt: skip
    assert with_holes.dropped == len(holes) - len(keep)
    assert with_holes.n == len(keep)
    assert with_holes.deviance == without.deviance
    assert with_holes.raters == without.raters


# Levels that nobody gave


def with_levels(change: dict[int, int], on: str, levels: range) -> Ratings:
    work, rater, level, criterion = as_long(small())
    moved = [
        change.get(value, value) if name == on else value
        for value, name in zip(level, criterion, strict=True)
    ]
    return Ratings.from_long(work, rater, moved, criterion=criterion, levels=levels)


@pytest.mark.parametrize("estimator", ["mml", "jmle"])
def test_a_level_within_the_scale_that_was_never_given(estimator: Any) -> None:
    found = fit(with_levels({2: 3}, "c1", range(4)), estimator=estimator)
    assert found.converged
    steps = {(step.criterion, step.level): step for step in found.steps}
    assert math.isnan(steps["c1", 2.0].threshold)
    assert steps["c1", 2.0].reason == "no rating has this level"
    assert math.isfinite(steps["c1", 3.0].threshold)
    assert math.isnan(found.criteria["c1"].thresholds[2.0])
    # No probability is left for it, and none for what the other criterion never saw.
    p = found.parameters
    assert p.category[1, 2] == p.category[0, 3] == -math.inf
    # Thresholds count once for each level they span: 1 from 0 to 1, 2 from 1 to 3.
    assert steps["c1", 1.0].threshold + 2 * steps["c1", 3.0].threshold == pytest.approx(0, abs=1e-9)


def test_the_never_given_level_is_where_maximum_likelihood_leads() -> None:
    """With one rating at the level, its probability is near 1 in n; the rest of the model hardly moves."""
    drawn = world(300, 6, per_work=2, seed=11).ratings
    gone = drawn.where((drawn.level != 2) | (drawn.criterion != 0))
    rare = drawn.where(
        (drawn.level != 2) | (drawn.criterion != 0)
        | (np.arange(len(drawn)) == np.flatnonzero((drawn.level == 2) & (drawn.criterion == 0))[0])
    )  # fmt: skip
    without, one = fit(gone), fit(rare)
    for label in drawn.raters:
        assert without.raters[label].severity == pytest.approx(one.raters[label].severity, abs=0.02)


def test_lowest_level_never_given_and_scales_of_different_length() -> None:
    low = fit(with_levels({0: 1, 1: 2, 2: 3}, "c1", range(4)))
    plain = fit(small())
    for label in plain.raters:  # the position of a criterion's scale is arbitrary
        assert low.raters[label].severity == pytest.approx(plain.raters[label].severity, abs=1e-4)
    assert low.deviance == pytest.approx(plain.deviance, rel=1e-6)


def test_a_criterion_on_which_all_are_alike_says_nothing() -> None:
    found = fit(with_levels({0: 1, 2: 1}, "c1", range(3)))
    assert math.isnan(found.criteria["c1"].difficulty)
    assert "same level" in str(found.criteria["c1"].reason)
    assert math.isfinite(found.criteria["c0"].difficulty)
    assert any("c1" in note for note in found.notes)
    assert found.parameters.measured_criteria.tolist() == [True, False]
    assert math.isfinite(found.works["w3"].fair_average)


@pytest.mark.parametrize("estimator", ["mml", "jmle"])
def test_a_rater_who_gives_full_marks_only_has_a_finite_marked_severity(estimator: Any) -> None:
    work, rater, level, criterion = as_long(small())
    level = [2 if name == "r1" else value for name, value in zip(rater, level, strict=True)]
    found = fit(Ratings.from_long(work, rater, level, criterion=criterion), estimator=estimator)
    assert found.converged
    assert found.raters["r1"].extreme == "highest"
    assert -12 < found.raters["r1"].severity < found.raters["r0"].severity
    assert found.raters["r0"].extreme is None


def test_a_rater_of_extreme_works_only_has_no_joint_measure() -> None:
    work, rater, level, criterion = as_long(small())
    rows = Ratings.from_long(
        [*work, "x", "x"],
        [*rater, "odd", "odd"],
        [*level, 2, 2],
        criterion=[*criterion, "c0", "c1"],
    )
    found = fit(rows, estimator="jmle")
    assert "odd" not in found.raters
    assert any("odd" in note for note in found.notes)
    assert "odd" in fit(rows).raters


def test_extreme_works_are_measured_and_marked() -> None:
    drawn = world(400, 10, per_work=1, seed=3)
    for estimator in ("mml", "jmle"):
        found = fit(drawn.ratings, estimator=estimator)  # type: ignore[arg-type]
        ends = [work for work in found.works.values() if work.extreme]
        assert ends
        assert len(found.works) == 400
        assert all(math.isfinite(work.measure) for work in ends)
        assert all(math.isnan(work.infit) for work in ends)
        top = [work.measure for work in ends if work.extreme == "highest"]
        assert min(top) > np.mean([work.measure for work in found.works.values()])


@pytest.mark.parametrize(
    ("work", "rater", "level", "message"),
    [
        ([], [], [], "not enough ratings"),
        (["a", "b"], ["r", "r"], [1, 1], "same level"),
        (["a", "a", "b", "b"], ["r", "s", "r", "s"], [0, 0, 1, 1], "lowest or only highest"),
    ],
)
def test_ratings_that_say_nothing_are_refused(
    work: list[str], rater: list[str], level: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit(Ratings.from_long(work, rater, level))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "two_parameter"}, "model"),
        ({"estimator": "guess"}, "estimator"),
        ({"facet": ["spring"]}, "facet"),
        ({"nodes": 2}, "nodes"),
    ],
)
def test_unknown_options_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(small(), **options)


def test_raters_who_do_not_differ_and_works_that_do_not() -> None:
    rng = np.random.default_rng(6)
    work, rater = np.indices((150, 3))
    noise = fit(Ratings.from_long(
        work.ravel().tolist(), rater.ravel().tolist(), rng.integers(0, 4, work.size)
    ))  # fmt: skip
    assert noise.variance < 0.15
    assert noise.summary("rater").separation < 1.5
    assert all(math.isfinite(found.standard_error) for found in noise.raters.values())


def test_ratings_without_chance_have_no_finite_scale() -> None:
    """Ben gives every work one level less than Ann: the likelihood rises for ever."""
    works = list("abcdef")
    found = fit(Ratings.from_long(
        works * 2, ["Ann"] * 6 + ["Ben"] * 6, [1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2]
    ))  # fmt: skip
    assert any("no finite scale" in note for note in found.notes)
    assert found.variance == pytest.approx(100)
    assert found.raters["Ben"].severity > 0


# A further facet


def test_a_further_facet_is_found() -> None:
    drawn = world(300, 8, seed=12)
    rows = drawn.ratings
    late = np.random.default_rng(1).random(len(rows)) < 0.5
    # In the second half of the term everybody takes a level off with probability .4.
    harsher = late & (np.random.default_rng(2).random(len(rows)) < 0.4) & (rows.level > 0)
    moved = replace(rows, level=(rows.level - harsher).astype(np.int32))
    terms = ["late" if is_late else "early" for is_late in late]
    found = fit(moved, facet=terms)
    assert found.facets["late"].severity > 0.15
    assert found.facets["late"].severity == pytest.approx(-found.facets["early"].severity)
    assert found.summary("facet").p < 1e-6
    assert fit(moved).facets == {}
    anchored = fit(moved, facet=terms, anchors={("facet", "early"): 0.0})
    assert anchored.facets["late"].severity == pytest.approx(
        2 * found.facets["late"].severity, abs=1e-4
    )


def test_criteria_beyond_one_key_and_unequal_readings() -> None:
    """More criteria than one bit mask holds, and readings that leave some out."""
    rng = np.random.default_rng(7)
    rows = [
        (w, r, c, int(np.clip(round(rng.normal(w / 10 + (c % 3) / 3, 0.7)), 0, 2)))
        for w in range(20) for r in range(3) for c in range(70) if rng.random() < 0.5
    ]  # fmt: skip
    work, rater, criterion, level = (list(column) for column in zip(*rows, strict=True))
    data = Ratings.from_long(work, rater, level, criterion=criterion)
    found = fit(data, nodes=61, bounds=(-6.0, 6.0), model="rating_scale")
    p = found.parameters
    assert found.deviance == pytest.approx(
        brute_deviance(
            data,
            p.severity.tolist(),
            p.category,
            found.mean,
            math.sqrt(found.variance),
            np.linspace(-6, 6, 61),
        ),
        rel=1e-9,
    )


def test_thresholds_are_in_the_order_of_the_scale(fitted: SeverityFit) -> None:
    for criterion in fitted.criteria.values():
        assert list(criterion.thresholds) == [1.0, 2.0, 3.0, 4.0]
        assert all(a < b for a, b in pairwise(criterion.thresholds.values()))
