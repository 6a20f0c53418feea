"""Intraclass correlation, Kendall's W, Lin's concordance and Bland-Altman against published values."""

import math
import warnings

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.measurement.agreement import bland_altman, icc, kendall_w, lin_concordance
from grading.measurement.ratings import Ratings
from tests.measurement.published import ANXIETY, JUDGES, judges, long

# Shrout & Fleiss 1979, values and intervals by R's psych 2.2.9 and, for ICC(2,k), irr 0.84.1 too.
SHROUT_FLEISS = {
    "ICC(1,1)": (0.1657417684, (-0.1329323, 0.7225601)),
    "ICC(2,1)": (0.2897637795, (0.0187865, 0.7610844)),
    "ICC(3,1)": (0.7148407148, (0.3424648, 0.9458583)),
    "ICC(1,k)": (0.4427971337, (-0.8844422, 0.9124154)),
    "ICC(2,k)": (0.6200505476, (0.0711368, 0.9272320)),
    "ICC(3,k)": (0.9093155424, (0.6756747, 0.9858917)),
}


@pytest.mark.parametrize("data", [JUDGES, judges()])
def test_shrout_and_fleiss(data: object) -> None:
    found = icc(data)  # type: ignore[arg-type]
    assert found.works == pytest.approx(11.2416667, abs=5e-8)
    assert found.raters == pytest.approx(32.4861111, abs=5e-8)
    assert found.residual == pytest.approx(1.0194444, abs=5e-8)
    assert found.within == pytest.approx(6.2638889, abs=5e-8)
    for name, (value, interval) in SHROUT_FLEISS.items():
        assert found.forms[name].estimate == pytest.approx(value, abs=1e-10)
        assert found.forms[name].interval == pytest.approx(interval, abs=5e-8)
    other = icc(data, average_interval="mcgraw_wong").forms["ICC(2,k)"]  # type: ignore[arg-type]
    assert other.interval == pytest.approx((0.0394402, 0.9285732), abs=5e-8)
    assert "McGraw & Wong" in other.method


def test_mcgraw_and_wong() -> None:
    forms = icc(ANXIETY).forms
    assert forms["ICC(3,1)"].estimate == pytest.approx(0.216049383, abs=1e-9)
    assert forms["ICC(3,1)"].interval == pytest.approx((-0.046257885, 0.522259078), abs=1e-9)
    assert forms["ICC(2,1)"].estimate == pytest.approx(0.197998259, abs=1e-9)
    assert forms["ICC(2,1)"].interval == pytest.approx((-0.038910626, 0.493573946), abs=1e-9)


def test_kendalls_w() -> None:
    found = kendall_w(ANXIETY)
    assert found.estimate == pytest.approx(0.539656876, abs=1e-9)
    assert found.chi_square == pytest.approx(30.7604419, abs=1e-7)
    assert found.p_value == pytest.approx(0.0428834731, abs=1e-10)
    plain = kendall_w(ANXIETY, correct_ties=False)
    assert plain.estimate == pytest.approx(0.501921470, abs=1e-9)
    assert plain.chi_square == pytest.approx(28.6095238, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(table=st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=5, max_size=9))
def test_icc_equals_pingouin(table: list[list[int]]) -> None:
    found = icc(table)
    if math.isnan(found.works) or found.residual < 1e-9 or found.works < 1e-9:
        return
    rows = [(w, r, float(x)) for w, given in enumerate(table) for r, x in enumerate(given)]
    frame = pd.DataFrame(rows, columns=["u", "r", "s"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pingouin.intraclass_corr(frame, "u", "r", "s")
    ours = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
    for name, value in zip(ours, theirs["ICC"], strict=True):
        if np.isfinite(value):
            assert found.forms[name].estimate == pytest.approx(value, abs=1e-10, nan_ok=True)


def test_works_that_a_rater_left_out_are_passed_over() -> None:
    rows = [(w, r, x) for w, given in enumerate(JUDGES) for r, x in enumerate(given)]
    more = long([*rows, (6, 0, 3), (6, 1, 5), (7, 2, None)])
    found = icc(more)
    assert found.forms["ICC(3,1)"].estimate == pytest.approx(0.7148407148, abs=1e-10)
    assert (found.n_works, found.n_raters, found.dropped) == (6, 4, 3)
    table = [*JUDGES, [3, 5, math.nan, math.nan]]
    assert icc(table).forms["ICC(3,1)"].estimate == pytest.approx(0.7148407148, abs=1e-10)
    assert kendall_w(more).estimate == pytest.approx(kendall_w(JUDGES).estimate)
    assert kendall_w(more).dropped == 3


def test_undefined_says_why() -> None:
    sparse = long([(0, 0, 1), (0, 1, 2), (1, 1, 2), (1, 2, 3), (2, 2, 1), (2, 0, 1)])
    assert "variance components" in (icc(sparse).forms["ICC(2,1)"].reason or "")
    assert "not enough" in (icc(long([(0, 0, 1), (1, 1, 1)])).forms["ICC(2,1)"].reason or "")
    same = icc([[3, 3], [3, 3], [3, 3]])
    assert all(math.isnan(form.estimate) and form.reason for form in same.forms.values())
    assert "all raters" in (kendall_w(sparse).reason or "")
    assert "same level" in (kendall_w([[1, 1], [1, 1]]).reason or "")
    with pytest.raises(ValueError, match="average_interval"):
        icc(JUDGES, average_interval="other")  # type: ignore[arg-type]


def test_perfect_agreement_is_one() -> None:
    found = icc([[1, 1], [2, 2], [4, 4]])
    for form in found.forms.values():
        assert form.estimate == 1.0
        assert form.interval == (1.0, 1.0)


def test_lins_concordance_by_its_parts() -> None:
    """Concordance is Pearson's correlation times what bias and scale take away (Lin 1989)."""
    rng = np.random.default_rng(1)
    one = rng.normal(60, 10, 50)
    other = 0.8 * one + 15 + rng.normal(0, 4, 50)
    found = lin_concordance((one, other))
    r = float(np.corrcoef(one, other)[0, 1])
    v = one.std() / other.std()
    u = (one.mean() - other.mean()) / math.sqrt(one.std() * other.std())
    assert found.estimate == pytest.approx(r * 2 / (v + 1 / v + u**2), abs=1e-12)
    # The standard error is near that of resampled pairs.
    draws = rng.integers(0, 50, (2000, 50))
    drawn = [lin_concordance((one[rows], other[rows])).estimate for rows in draws]
    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.2)
    assert lin_concordance((one, one)).estimate == 1.0
    assert "nothing to follow" in (lin_concordance(([1, 1, 1], [1, 1, 1])).reason or "")


def test_bland_altman_and_two_raters_from_long_ratings() -> None:
    one, other = [3, 5, 4, 6, 2], [2, 5, 4, 5, 4]
    rows = [(w, "a", x) for w, x in enumerate(one)] + [(w, "b", x) for w, x in enumerate(other)]
    ratings = long([*rows, (9, "a", 3), (8, "b", None)])
    found, by_columns = bland_altman(ratings), bland_altman((one, other))
    gaps = np.subtract(one, other)
    assert found.bias.estimate == pytest.approx(gaps.mean())
    assert found.upper.estimate == pytest.approx(gaps.mean() + 1.959963984540054 * gaps.std(ddof=1))
    assert found.lower.estimate == pytest.approx(by_columns.lower.estimate)
    assert found.slope == pytest.approx(np.polyfit(np.add(one, other) / 2, gaps, 1)[0])
    assert (found.bias.n_works, found.bias.dropped) == (5, 2)
    assert lin_concordance(ratings).estimate == lin_concordance((one, other)).estimate
    three = Ratings.from_long("aaa", "xyz", [1, 2, 3])
    assert "two raters" in (bland_altman(three).bias.reason or "")
    assert "two raters" in (lin_concordance(three).reason or "")
    assert "fewer than three" in (lin_concordance(([1, 2], [1, 2])).reason or "")
