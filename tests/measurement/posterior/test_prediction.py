"""Predictions without one's own reading, against the same algebra done work by work with matrices."""

import numpy as np
import pytest

from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.prediction import leave_one_out
from grading.measurement.posterior.readings import Readings


def some(seed: int = 3) -> tuple[Readings, Aggregation]:
    rng = np.random.default_rng(seed)
    rows = []
    truth = rng.normal(60, 10, 40)
    for work in range(40):
        shared = rng.normal(0, 3)
        rows += [
            (work, f"p{peer}", truth[work] + 4 + shared + rng.normal(0, 6))
            for peer in rng.permutation(30)[: rng.integers(0, 4)]
        ]
        rows += [
            (work, f"g{grader}", truth[work] + rng.normal(0, 5))
            for grader in rng.permutation(6)[: rng.integers(1, 4)]
        ]
    readings = Readings.from_long(*zip(*rows, strict=True))
    graders = {name for name in readings.raters if str(name).startswith("g")}
    return readings, aggregate(readings, professionals=graders, rule="model")


def by_matrix(readings: Readings, found: Aggregation, row: int) -> tuple[float, float]:
    """Condition the joint normal of one work's readings and its truth on all rows but one."""
    p = found.parameters
    place = {label: index for index, label in enumerate(found.rater_labels)}
    rows = [r for r in np.flatnonzero(readings.work == readings.work[row]) if r != row]
    loads, noise, given = [], np.zeros((len(rows), len(rows))), []
    for i, r in enumerate(rows):
        index = place[readings.raters[readings.rater[r]]]
        peer = found.rater_pool[index] == 0
        loads.append(p.slope if peer else 1.0)
        error = p.peer_error_variance if peer else p.professional_error_variance
        noise[i, i] += error + found.rater_error[index] ** 2
        given.append(
            readings.value[r]
            - p.prior_mean
            - found.rater_bias[index]
            - (p.leniency if peer else 0.0)
        )
    kinds = np.array(
        [found.rater_pool[place[readings.raters[readings.rater[r]]]] == 0 for r in rows]
    )
    noise += p.shared_variance * np.outer(kinds, kinds)
    load = np.array(loads)
    if not rows:
        return p.prior_mean, p.prior_variance + p.professional_error_variance
    inverse = np.linalg.inv(noise)
    precision = 1 / p.prior_variance + load @ inverse @ load
    mean = load @ inverse @ np.array(given) / precision
    return p.prior_mean + mean, 1 / precision + p.professional_error_variance


def test_predictions_equal_a_matrix_twin() -> None:
    readings, found = some()
    predicted = leave_one_out(readings, found)
    professional = np.array([str(readings.raters[r]).startswith("g") for r in readings.rater])
    assert np.isnan(predicted.expected[~professional]).all()
    for row in np.flatnonzero(professional)[:60]:
        mean, variance = by_matrix(readings, found, int(row))
        # Peers of unequal uncertainty are weighed alike, so the two part in the third digit only.
        assert predicted.expected[row] == pytest.approx(mean, abs=0.05)
        assert predicted.variance[row] == pytest.approx(variance, rel=0.01)


def test_ones_own_reading_does_not_move_its_prediction() -> None:
    readings, found = some()
    row = int(np.flatnonzero([str(readings.raters[r]).startswith("g") for r in readings.rater])[5])
    value = readings.value.copy()
    value[row] += 25
    moved = Readings(readings.work, readings.rater, value, readings.works, readings.raters)
    before, after = leave_one_out(readings, found), leave_one_out(moved, found)
    assert after.expected[row] == pytest.approx(before.expected[row])
    assert after.residual[row] == pytest.approx(before.residual[row] + 25)


def test_an_unknown_rater_is_refused() -> None:
    readings, found = some()
    strange = Readings(readings.work, readings.rater, readings.value, readings.works,
                       tuple(f"x{label}" for label in readings.raters))  # fmt: skip
    with pytest.raises(ValueError, match="not in the aggregation"):
        leave_one_out(strange, found)
