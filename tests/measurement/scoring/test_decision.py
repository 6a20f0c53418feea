"""Classification accuracy and misclassification against published code, brute force and edges."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from grading.measurement.scoring.decision import (
    band_probabilities,
    effective_length,
    livingston_lewis,
    misclassification,
)


def betafunctions_scores() -> np.ndarray:
    """``round(100 * qbeta(ppoints(200), 6, 4))`` in R."""
    return np.round(100 * stats.beta.ppf((np.arange(1, 201) - 0.5) / 200, 6, 4))


def test_livingston_and_lewis_by_betafunctions() -> None:
    """R betafunctions 1.9.0, reliability .85, cut 60 on 0 to 100.

    It integrates numerically, so its classification agrees to seven digits; its positives are those
    below the cut, so that its sensitivity is our specificity.
    """
    scores = betafunctions_scores()
    assert (scores.mean(), scores.std(ddof=1)) == (60.0, pytest.approx(14.7899871, abs=5e-8))
    found = livingston_lewis(scores, reliability=0.85, cut=60, lowest=0, highest=100)
    assert found.effective_length == pytest.approx(67.4782908, abs=5e-8)
    true = found.true_scores
    assert true.alpha == pytest.approx(5.04881296492, abs=1e-10)
    assert true.beta == pytest.approx(3.45243427648, abs=1e-10)
    assert true.lower == pytest.approx(0.0932438103153, abs=1e-11)
    assert true.upper == pytest.approx(0.946525500398, abs=1e-11)
    assert found.accuracy == pytest.approx(0.876708367255, abs=1.1e-7)
    assert found.consistency == pytest.approx(0.830653707607, abs=1.1e-7)
    assert found.kappa == pytest.approx(0.658739208466, abs=1.1e-7)
    assert found.specificity == pytest.approx(0.845564, abs=1e-6)
    assert found.sensitivity == pytest.approx(0.905723, abs=1e-6)
    assert found.false_passes + found.false_fails == pytest.approx(1 - found.accuracy, abs=1e-12)


def test_the_integrals_by_simulation() -> None:
    found = livingston_lewis(
        betafunctions_scores(), reliability=0.85, cut=60, lowest=0, highest=100
    )
    rng = np.random.default_rng(0)
    true = found.true_scores
    share = true.lower + (true.upper - true.lower) * rng.beta(true.alpha, true.beta, 400_000)
    one, other = (rng.binomial(67, share) >= 40 for _ in range(2))
    assert found.consistency == pytest.approx(np.mean(one == other), abs=0.003)
    assert found.accuracy == pytest.approx(np.mean(one == (share >= 0.6)), abs=0.003)


def test_more_reliable_scores_are_sorted_better() -> None:
    scores = betafunctions_scores()
    found = [
        livingston_lewis(scores, reliability=r, cut=60, lowest=0, highest=100)
        for r in (0.5, 0.7, 0.9, 0.95)
    ]
    assert all(a.accuracy < b.accuracy for a, b in pairwise(found))
    assert all(a.consistency < b.consistency for a, b in pairwise(found))


def test_scores_that_fit_no_four_parameter_beta_still_have_an_answer() -> None:
    """Two heaps: the fourth moment is below what a beta within the scale can have."""
    scores = np.array([20.0] * 30 + [90.0] * 30)
    found = livingston_lewis(scores, reliability=0.9, cut=60, lowest=0, highest=100)
    assert 0.8 < found.accuracy <= 1
    assert (found.true_scores.lower, found.true_scores.upper) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("scores", "words"),
    [([50.0] * 20, "the same"), ([1.0, 2.0], "not enough"), ([0.0, 100.0] * 20, "wider")],
)
def test_undefined_says_why(scores: list[float], words: str) -> None:
    found = livingston_lewis(scores, reliability=0.8, cut=60, lowest=0, highest=100)
    assert math.isnan(found.accuracy)
    assert words in (found.reason or "")


def test_input_is_checked() -> None:
    for wrong in ({"cut": 0}, {"cut": 101}, {"reliability": 1.0}, {"lowest": 55}):
        options = {"reliability": 0.8, "cut": 60, "lowest": 0, "highest": 100, **wrong}
        with pytest.raises(ValueError, match=r"must lie|off the scale"):
            livingston_lewis([50.0, 60.0] * 10, **options)  # type: ignore[arg-type]


def test_length_of_a_binomial_test_is_its_own() -> None:
    """Binomial scores with a beta of true scores: KR-21 gives the reliability, and the length returns."""
    n, a, b = 40, 6.0, 4.0
    mean = n * a / (a + b)
    variance = n * a * b * (a + b + n) / ((a + b) ** 2 * (a + b + 1))
    kr21 = n / (n - 1) * (1 - mean * (n - mean) / (n * variance))
    assert effective_length(mean, variance, kr21, lowest=0, highest=n) == pytest.approx(n)


def test_bands_by_the_normal_distribution() -> None:
    p = band_probabilities([55, 70, math.nan], [5, 0, 2], [50, 60, 70])
    edges = stats.norm.cdf([50, 60, 70], 55, 5)
    assert p[0] == pytest.approx(np.diff([0, *edges, 1]))
    # A work on the cut, for certain, has reached it.
    assert p[1].tolist() == [0, 0, 0, 1]
    assert np.isnan(p[2]).all()
    for cuts, error, words in (([], 1, "rise"), ([60, 50], 1, "rise"), ([50], -1, "0 or more")):
        with pytest.raises(ValueError, match=words):
            band_probabilities([55], [error], cuts)


def test_a_wrong_fail_may_cost_more_than_a_wrong_pass() -> None:
    found = misclassification([58, 75, math.nan], [4, 4, 4], [60], costs=[[0, 5], [1, 0]])
    p = float(stats.norm.cdf(60, 58, 4))
    assert found.band.tolist() == [0, 1, 0]
    assert found.wrong[0] == pytest.approx(1 - p)
    # Failing it costs 5 where it should pass, passing it 1 where it should fail: pass it.
    assert found.cost[0] == pytest.approx(5 * (1 - p))
    assert found.cheapest.tolist() == [1, 1, 0]
    assert math.isnan(found.wrong[2])
    assert found.expected_accuracy == pytest.approx(1 - np.mean(found.wrong[:2]))
    assert found.total_cost == pytest.approx(found.cost[:2].sum())
    with pytest.raises(ValueError, match="2 by 2"):
        misclassification([58], [4], [60], costs=[[0, 1, 2]])


def test_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(66, 11, 20_000)
    error = rng.uniform(2, 8, 20_000)
    posterior_variance = 1 / (1 / 121 + 1 / error**2)
    mean = posterior_variance * (66 / 121 + (true + rng.normal(0, error)) / error**2)
    found = misclassification(mean, np.sqrt(posterior_variance), [50, 60, 70, 80])
    right = np.searchsorted([50, 60, 70, 80], true, side="right") == found.band
    assert found.expected_accuracy == pytest.approx(right.mean(), abs=0.01)
