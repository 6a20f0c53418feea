"""Variance components and D studies against published values and brute force."""

import csv
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from grading.measurement.components import mixed_model
from grading.measurement.components.effects import default_effects
from grading.measurement.components.generalizability import (
    d_study,
    raters_needed,
)
from grading.measurement.components.variance import variance_components
from grading.measurement.ratings import Ratings
from tests.measurement.published import brennan, judges, long

# p x (r:t): persons crossed with tasks, raters nested in tasks.
NESTED = ("work", "criterion", "rater:criterion", "work:criterion")


@pytest.mark.parametrize("method", ["moments", "reml"])
def test_brennan_2001_data_set_3_2(method: Any) -> None:
    """Book p. 116 and R gtheory's analysis of variance; balanced, so REML is the same."""
    found = variance_components(brennan(), effects=NESTED, method=method)
    assert found.converged
    for name, value in zip(
        (*NESTED, "residual"), (0.473148, 0.325154, 0.647531, 0.559568, 2.380247), strict=True
    ):
        assert found.components[name] == pytest.approx(value, abs=5.1e-7)
    study = d_study(found, n={"criterion": 3, "rater": 4})
    assert study.e_rho2.estimate == pytest.approx(0.551439, abs=5.1e-7)
    assert study.phi.estimate == pytest.approx(0.463702, abs=5.1e-7)


def test_brennan_by_lme4() -> None:
    """lme4 stops a little before the top: within its own tolerance of ours."""
    found = variance_components(brennan(), effects=NESTED).components
    theirs = (0.473023, 0.325322, 0.647489, 0.559550, 2.380286)
    for name, value in zip((*NESTED, "residual"), theirs, strict=True):
        assert found[name] == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("method", ["moments", "reml"])
def test_shrout_and_fleiss_as_a_g_study(method: Any) -> None:
    found = variance_components(judges(), method=method)
    expected = {"work": 2.555556, "rater": 5.244444, "residual": 1.019444}
    assert found.components == pytest.approx(expected, abs=5.1e-7)
    study = d_study(found, n={"rater": 4})
    assert study.e_rho2.estimate == pytest.approx(0.9093155424, abs=1e-8)
    assert study.phi.estimate == pytest.approx(0.6200505476, abs=1e-8)


def sparse_world(seed: int, works: int = 40, raters: int = 8) -> Ratings:
    rng = np.random.default_rng(seed)
    work, rater = np.nonzero(rng.random((works, raters)) < 0.4)
    value = (
        rng.normal(0, 1.2, works)[work]
        + rng.normal(0, 0.6, raters)[rater]
        + rng.normal(0, 0.8, len(work))
    )
    return Ratings.from_long(work, rater, np.round(value, 1))


def by_dense_likelihood(ratings: Ratings, effects: tuple[str, ...]) -> np.ndarray:
    """REML by the whole covariance matrix and a general optimiser."""
    y, n = ratings.values(), len(ratings)
    parts = []
    for name in effects:
        codes = np.zeros(n, dtype=int)
        for facet in name.split(":"):
            column = ratings.facet(facet)
            codes = codes * len(column.labels) + column.codes
        parts.append((codes[:, None] == codes[None, :]).astype(float))
    parts.append(np.eye(n))
    ones = np.ones(n)

    def deviance(logs: np.ndarray) -> float:
        v = sum(np.exp(log) * part for log, part in zip(logs, parts, strict=True))
        inverse = np.linalg.inv(v)
        information = ones @ inverse @ ones
        rest = y - (ones @ inverse @ y) / information
        return float(np.linalg.slogdet(v)[1] + math.log(information) + rest @ inverse @ rest)

    found = optimize.minimize(
        deviance, np.zeros(len(parts)), method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 20000, "maxfev": 20000},
    )  # fmt: skip
    return np.exp(found.x)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_reml_is_the_top_of_the_likelihood(seed: int) -> None:
    ratings = sparse_world(seed)
    found = variance_components(ratings)
    expected = by_dense_likelihood(ratings, ("work", "rater"))
    assert list(found.components.values()) == pytest.approx(expected, rel=1e-4)


def test_reml_of_an_unbalanced_design_with_interactions() -> None:
    rng = np.random.default_rng(6)
    base = sparse_world(5, 15, 5)
    rows = [
        (w, r, c, round(float(x + 0.5 * rng.normal() + [0, 0.4, -0.3][c]), 1))
        for w, r, x in zip(base.work, base.rater, base.values(), strict=True)
        for c in range(3)
        if rng.random() < 0.9
    ]
    work, rater, criterion, value = zip(*rows, strict=True)
    ratings = Ratings.from_long(work, rater, value, criterion=criterion)
    effects = ("work", "rater", "work:rater")
    found = variance_components(ratings, effects=effects)
    expected = by_dense_likelihood(ratings, effects)
    assert list(found.components.values()) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_reml_equals_statsmodels() -> None:
    import pandas as pd
    from statsmodels.regression.mixed_linear_model import MixedLM

    ratings = sparse_world(4)
    frame = pd.DataFrame({"s": ratings.values(), "u": ratings.work, "r": ratings.rater, "one": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MixedLM.from_formula(
            "s ~ 1", groups="one", vc_formula={"u": "0 + C(u)", "r": "0 + C(r)"}, data=frame
        )
        theirs = model.fit(reml=True)
    named = dict(zip(theirs.model.exog_vc.names, theirs.vcomp, strict=True))
    found = variance_components(ratings).components
    assert found["work"] == pytest.approx(named["u"], rel=1e-3)
    assert found["rater"] == pytest.approx(named["r"], rel=1e-3)
    assert found["residual"] == pytest.approx(theirs.scale, rel=1e-3)


def test_very_large_designs_by_probes_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same data, solved exactly and by conjugate gradients with traces from probes."""
    ratings = sparse_world(9, 600, 80)
    exact = variance_components(ratings)
    monkeypatch.setattr(mixed_model, "EXACT_LEVELS", 10)
    probed = variance_components(ratings)
    assert probed.converged
    for name, value in exact.components.items():
        assert probed.components[name] == pytest.approx(value, rel=0.02)
    assert probed.components == variance_components(ratings).components


def test_moments_by_quadratic_forms() -> None:
    """Henderson's first method, its expectations written out as matrices."""
    ratings = sparse_world(7, 12, 5)
    y, n = ratings.values(), len(ratings)
    designs = [
        (codes[:, None] == np.unique(codes)[None, :]).astype(float)
        for codes in (ratings.work, ratings.rater)
    ]
    forms = [z @ np.diag(1 / z.sum(0)) @ z.T for z in designs] + [np.eye(n)]
    centre = np.ones((n, n)) / n
    covariances = [z @ z.T for z in designs] + [np.eye(n)]
    expected = np.linalg.solve(
        [[np.trace((form - centre) @ v) for v in covariances] for form in forms],
        [y @ (form - centre) @ y for form in forms],
    )
    found = variance_components(ratings, method="moments")
    assert list(found.components.values()) == pytest.approx(expected, rel=1e-9)


def test_order_and_labels_mean_nothing() -> None:
    ratings = sparse_world(2)
    order = np.random.default_rng(0).permutation(len(ratings))
    again = Ratings.from_long(
        [f"w{c}" for c in ratings.work[order]],
        [f"r{c}" for c in ratings.rater[order]],
        ratings.values()[order],
    )
    for method in ("reml", "moments"):
        one, other = (variance_components(data, method=method) for data in (ratings, again))  # type: ignore[arg-type]
        assert one.components == pytest.approx(other.components, rel=1e-6)


def test_a_component_of_nothing_is_zero_and_said() -> None:
    rng = np.random.default_rng(3)
    rows = [(w, r, round(float(rng.normal(w % 7, 0.5)), 1)) for w in range(40) for r in range(5)]
    # Deviations from each work's mean taken out of the raters: less variance than chance gives.
    table = np.array([x for _, _, x in rows]).reshape(40, 5)
    table -= table.mean(0) - table.mean()
    ratings = long((w, r, float(table[w, r])) for w in range(40) for r in range(5))
    found = variance_components(ratings)
    assert found.components["rater"] == 0.0
    assert "rater" in (found.note or "")
    assert found.components["work"] > 1
    assert variance_components(ratings, method="moments").components["rater"] < 0


def test_effects_by_default_and_wrong_ones() -> None:
    assert default_effects(judges()) == ("work", "rater")
    # Each rater reads one task only: rater is rater within task, and so are its interactions.
    assert default_effects(brennan()) == ("work", "rater", "criterion", "work:criterion")
    with pytest.raises(ValueError, match="it is the residual"):
        variance_components(judges(), effects=("work", "work:rater"))
    with pytest.raises(ValueError, match="named twice"):
        variance_components(judges(), effects=("work", "work"))
    with pytest.raises(ValueError, match="no column 'time'"):
        variance_components(judges(), effects=("work", "time"))
    with pytest.raises(ValueError, match="method must be one of"):
        variance_components(judges(), method="ml")  # type: ignore[arg-type]
    confounded = long([(0, "a", 1), (1, "b", 2), (2, "c", 4)])
    assert "not enough" in (variance_components(confounded).reason or "")
    doubled = variance_components(brennan(), effects=("rater", "rater:criterion"))
    assert "cannot tell" in (doubled.reason or "")
    study = d_study(doubled, n={"criterion": 2}, objects="rater")
    assert math.isnan(study.phi.estimate)
    assert study.phi.reason == doubled.reason


def test_d_studies_of_fixed_and_nested_facets() -> None:
    """Written out for p x r x c with the criteria fixed and each work's raters its own."""
    rows = [
        (w, r, c, w % 4 + (r * c) % 3 + (w * r) % 2)
        for w in range(12)
        for r in range(3)
        for c in range(4)
    ]
    work, rater, criterion, value = zip(*rows, strict=True)
    ratings = Ratings.from_long(work, rater, value, criterion=criterion)
    found = variance_components(ratings, method="moments")
    v = {name: max(value, 0.0) for name, value in found.components.items()}
    study = d_study(found, n={"rater": 2, "criterion": 4}, fixed={"criterion"}, nested={"rater"})
    universe = v["work"] + v["work:criterion"] / 4
    error = (v["rater"] + v["work:rater"]) / 2 + (v["rater:criterion"] + v["residual"]) / 8
    assert study.universe == pytest.approx(universe)
    # All a work's raters are its own, so no error is left that is absolute only.
    assert study.relative_error == pytest.approx(error)
    assert study.absolute_error == pytest.approx(error)
    crossed = d_study(found, n={"rater": 2, "criterion": 4}, fixed={"criterion"})
    assert crossed.relative_error == pytest.approx(v["work:rater"] / 2 + v["residual"] / 8)
    with pytest.raises(ValueError, match="facet 'time'"):
        d_study(found, n={"time": 2})
    with pytest.raises(ValueError, match="not both"):
        d_study(found, n={}, fixed={"rater"}, nested={"rater"})
    with pytest.raises(ValueError, match="at least one"):
        d_study(found, n={"rater": 0})


def test_intervals_of_reliability_hold_what_they_should() -> None:
    """Of 200 replications of a known design the 95 % interval of E rho^2 holds the true value."""
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        value = rng.normal(0, 1, (60, 1)) + rng.normal(0, 0.5, (1, 6)) + rng.normal(0, 1, (60, 6))
        ratings = long((w, r, float(value[w, r])) for w in range(60) for r in range(6))
        low, high = d_study(variance_components(ratings), n={"rater": 2}).e_rho2.interval
        inside += low <= 2 / 3 <= high
    # Binomial: 95 % of 200 is 190, standard deviation 3.1.
    assert 180 <= inside <= 200


def test_raters_needed_is_the_smallest_number() -> None:
    found = variance_components(judges())
    needed = raters_needed(found, reliability=0.8, works=50, cost_per_reading=20)
    assert needed.raters is not None
    assert needed.cost == needed.raters * 50 * 20
    for raters, reached in ((needed.raters, True), (needed.raters - 1, False)):
        phi = d_study(found, n={"rater": raters}).phi.estimate
        assert (phi >= 0.8) == reached
    never = raters_needed(
        variance_components(brennan(), effects=NESTED), n={"criterion": 3}, reliability=0.9
    )
    assert never.raters is None
    assert never.ceiling < 0.9
    assert "no number" in (never.reason or "")
    with pytest.raises(ValueError, match="between 0 and 1"):
        raters_needed(found, reliability=1.0)
    with pytest.raises(ValueError, match="kind must be one of"):
        raters_needed(found, kind="alpha")  # type: ignore[arg-type]


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "folder", ["writing_windhua", "austria_writing_ratings2", "robitzsch_ptam4"]
)
def test_real_ratings_have_the_components_of_an_independent_calculation(
    shared_data: Path, folder: str
) -> None:
    from grading.measurement.files import read_csv

    ratings = read_csv(shared_data / folder / "scores.csv")
    with (shared_data / folder / "scores_agreement.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = variance_components(ratings.on(row["criterion"]), method="moments").components
        assert found["work"] == pytest.approx(float(row["var_work"]), abs=5.1e-5)
        assert found["rater"] == pytest.approx(float(row["var_rater"]), abs=5.1e-5)
        assert found["residual"] == pytest.approx(float(row["var_res"]), abs=5.1e-5)
