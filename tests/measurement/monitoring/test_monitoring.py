"""Control charts and rater effects: published patterns, brute-force twins, stated false-alarm rates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.measurement.monitoring import control_charts, effects

PLAIN = {"shift": 0.5, "limit": 7.0, "prior_variance": 0.03}


def plain_cusum(residual: list[float], variance: list[float], side: int) -> list[float]:
    """The same sum in plain steps: run apart, standard before it, set back at an alarm of its own."""
    total, precision, weighted = 0.0, 1 / 0.03, 0.0
    run: list[tuple[float, float]] = []
    path = []
    for index, (r, v) in enumerate(zip(residual, variance, strict=True)):
        spread = v + 1 / precision
        ratio = 0.5 / spread * (side * (r - weighted / precision) - 0.25)
        total = max(total + ratio, 0.0) if index >= control_charts.SETTLING else 0.0
        run.append((r, v))
        path.append(total)
        if total <= 0:
            precision += sum(1 / v for _, v in run)
            weighted += sum(r / v for r, v in run)
            run = []
    return path


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_chart_equals_a_plain_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    residual = rng.normal(0, 0.6, 80).tolist()
    variance = rng.uniform(0.2, 0.8, 80).tolist()
    chart = control_charts.drift_chart(
        residual, variance, shift=0.5, limit=1e9, prior_variance=0.03
    )
    np.testing.assert_allclose(chart.milder, plain_cusum(residual, variance, 1), atol=1e-9)
    np.testing.assert_allclose(chart.stricter, plain_cusum(residual, variance, -1), atol=1e-9)


def test_many_charts_side_by_side_alarm_where_each_alone_does() -> None:
    rng = np.random.default_rng(5)
    residual = rng.normal(0, 0.7, (12, 150)) + np.where(np.arange(150) >= 90, 0.6, 0.0)
    variance = rng.uniform(0.3, 0.7, (12, 150))
    found = control_charts.alarms_in(residual, variance, **PLAIN)
    for row in range(12):
        chart = control_charts.drift_chart(residual[row], variance[row], **PLAIN)
        assert [alarm.index for alarm in chart.alarms] == np.flatnonzero(found[row]).tolist()
    assert found[:, 90:].any(axis=1).mean() > 0.9


def test_sides_are_mirror_images() -> None:
    rng = np.random.default_rng(6)
    residual = rng.normal(0, 0.6, 120)
    residual[70:] += 0.7
    up = control_charts.drift_chart(residual, np.full(120, 0.36), **PLAIN)
    down = control_charts.drift_chart(-residual, np.full(120, 0.36), **PLAIN)
    np.testing.assert_allclose(up.milder, down.stricter)
    assert [alarm.side for alarm in up.alarms] == ["milder"] * len(up.alarms) != []
    assert [alarm.index for alarm in up.alarms] == [alarm.index for alarm in down.alarms]


def test_a_steadily_strict_rater_is_not_drifting() -> None:
    rng = np.random.default_rng(7)
    steady = rng.normal(-0.4, 0.5, 400)
    chart = control_charts.drift_chart(
        steady, np.full(400, 0.25), shift=0.5, limit=9.0, prior_variance=0.16
    )
    assert chart.alarms == ()
    assert chart.standard[-1] == pytest.approx(-0.4, abs=0.1)
    assert effects.severity(steady, np.full(400, 0.25)).estimate == pytest.approx(0.4, abs=0.1)


def test_the_limit_keeps_its_false_alarm_rate_on_raters_it_was_not_found_with() -> None:
    rate = 1 / 300
    limit = control_charts.drift_limit(
        rate, shift=0.5, deviation=0.7, standard_deviation=0.2, raters=1_500
    )
    rng = np.random.default_rng(99)
    residual = rng.normal(0, 0.2, (1_500, 1)) + rng.normal(0, 0.7, (1_500, 400))
    found = control_charts.alarms_in(
        residual, np.full(residual.shape, 0.49), shift=0.5, limit=limit, prior_variance=0.04
    )[:, control_charts.SETTLING :]
    # Alarms of different raters are independent, so their count is close to Poisson.
    assert found.sum() <= rate * found.size + 4 * math.sqrt(rate * found.size)
    assert found.mean() > rate / 2


def test_what_cannot_be_charted_is_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        control_charts.drift_chart([0.0], [1.0, 1.0], **PLAIN)
    with pytest.raises(ValueError, match="positive"):
        control_charts.drift_chart([0.0], [0.0], **PLAIN)
    with pytest.raises(ValueError, match="rate"):
        control_charts.drift_limit(0.2, shift=0.5, deviation=0.7, standard_deviation=0.2)
    with pytest.raises(ValueError, match="rise"):
        effects.sittings([3, 1])


def test_ewma_limits_are_those_of_the_formula() -> None:
    # Lucas & Saccucci 1990, eq. 2: variance lambda/(2 - lambda) [1 - (1 - lambda)^(2t)] sigma².
    chart = control_charts.ewma([0.0] * 6, [4.0] * 6, weight=0.2, sigmas=3)
    t = np.arange(1, 7)
    np.testing.assert_allclose(chart.limit, 3 * 2 * np.sqrt(0.2 / 1.8 * (1 - 0.8 ** (2 * t))))
    assert chart.outside == ()


def test_run_rules() -> None:
    z = [0.1, 2.1, 0.2, 2.3, -0.1] + [0.5] * 8
    assert [(item.rule, item.index) for item in control_charts.run_rules(z)] == [
        ("2 of 3 beyond 2 s", 3),
        ("8 on one side", 12),
    ]
    assert control_charts.run_rules([0.0] * 30) == ()


def test_undefined_is_undefined_with_its_reason() -> None:
    assert math.isnan(effects.halo(np.zeros((5, 3))).estimate)
    assert effects.halo(np.zeros((50, 3))).reason == "the residuals do not vary"
    assert effects.halo(np.zeros((50, 1))).reason == "one criterion has no halo"
    assert effects.range_use([1] * 12, [2] * 12, [1] * 12).reason == "all works were expected alike"
    assert effects.order_effect([0.1], [0]).reason == effects.TOO_FEW
    assert math.isnan(effects.pace([3.0] * 9).median)
    assert math.isnan(effects.validity([], [], tolerance=1).exact)
    assert effects.severity([], []).reason == effects.TOO_FEW
    assert effects.validity([2], [2], tolerance=1).difference.reason


def test_halo_is_the_share_of_deviation_that_criteria_have_in_common() -> None:
    rng = np.random.default_rng(11)
    shared, own = 0.5, 0.7
    table = rng.normal(0, shared, (4_000, 1)) + rng.normal(0, own, (4_000, 5))
    effect = effects.halo(table)
    truth = shared**2 / (shared**2 + own**2)
    assert abs(effect.estimate - truth) < 3 * effect.standard_error
    assert effect.interval[0] < truth < effect.interval[1]
    # A sheet with a gap has no halo to show, and does not become a zero.
    gap = np.vstack([table, np.full((1, 5), np.nan)])
    assert effects.halo(gap) == effect


def test_central_tendency_shows_as_a_slope_below_one() -> None:
    rng = np.random.default_rng(12)
    expected = rng.normal(2, 0.8, 500)
    given = 2 + 0.4 * (expected - 2) + rng.normal(0, 0.3, 500)
    effect = effects.range_use(given, expected, np.full(500, 0.09))
    assert effect.interval[0] < 0.4 < effect.interval[1] < 1
