"""Severity on composites: against a dense solution, simulated truth, and where nothing can be told."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from grading.measurement.scoring.correction import (
    FEW_LINKS,
    ONE_RATER,
    SEPARATE,
    Parameters,
    correct,
    leniency,
    severities,
)

Floats = NDArray[np.float64]


def design(
    rng: np.random.Generator, works: int, raters: int, twice: float
) -> tuple[list[int], list[int]]:
    rows = []
    for work in range(works):
        for rater in rng.permutation(raters)[: 2 if rng.random() < twice else 1].tolist():
            rows.append((work, rater))
    return [work for work, _ in rows], [rater for _, rater in rows]


def dense(work: Floats, rater: Floats, y: Floats, ratio: float) -> Floats:
    """Henderson's equations for all works and raters at once, with works fixed."""
    x = (work[:, None] == np.unique(work)).astype(float)
    z = (rater[:, None] == np.unique(rater)).astype(float)
    both = np.column_stack([x, z])
    left = both.T @ both
    left[x.shape[1] :, x.shape[1] :] += np.eye(z.shape[1]) / ratio
    return np.asarray(np.linalg.solve(left, both.T @ y))


def test_it_is_the_solution_of_all_equations_at_once() -> None:
    rng = np.random.default_rng(1)
    work, rater = design(rng, 60, 5, 0.5)
    bias = rng.normal(0, 5, 5)
    y = rng.normal(65, 12, 60)[work] - bias[rater] + rng.normal(0, 6, len(work))
    found = severities(work, rater, y.tolist())
    ratio = found.severity_variance / found.error_variance
    solved = dense(np.array(work), np.array(rater), y, ratio)
    effects = solved[len(set(work)) :]
    for label, one in found.severities.items():
        assert one.shift == pytest.approx(-effects[label], abs=1e-8)  # type: ignore[call-overload]
    # A work's score is the mean of its readings with severity taken out, as the equations have it.
    for place, label in enumerate(sorted(set(work))):
        mine = [
            value + found.severities[who].shift
            for where, who, value in zip(work, rater, y.tolist(), strict=True)
            if where == label
        ]
        assert np.mean(mine) == pytest.approx(solved[place], abs=1e-8)


def test_order_does_not_matter_and_severities_add_up_to_nothing() -> None:
    rng = np.random.default_rng(2)
    work, rater = design(rng, 50, 4, 0.6)
    y = rng.normal(60, 10, len(work))
    turn = rng.permutation(len(work))
    one = severities(work, rater, y.tolist())
    other = severities([work[i] for i in turn], [rater[i] for i in turn], y[turn].tolist())
    for label, found in one.severities.items():
        assert other.severities[label].shift == pytest.approx(found.shift, abs=1e-6)
    assert sum(found.shift for found in one.severities.values()) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("spread", [0.0, 4.0, 8.0])
def test_correction_never_costs_much_and_its_interval_holds(spread: float) -> None:
    """200 works, 8 graders, a fifth read twice, error of 7 points: the default plan's design."""
    rng = np.random.default_rng(3)
    raw, corrected, inside, n = 0.0, 0.0, 0, 0
    for _ in range(40):
        work, rater = design(rng, 200, 8, 0.2)
        bias = rng.normal(0, spread, 8)
        bias -= bias.mean()
        truth = rng.normal(65, 12, 200)
        y = truth[work] - bias[rater] + rng.normal(0, 7, len(work))
        panel = severities(work, rater, y.tolist())
        learned = Parameters(
            severity={
                str(label): (one.shift, one.standard_error)
                for label, one in panel.severities.items()
            },
            severity_variance=panel.severity_variance,
            error_variance=panel.error_variance,
        )
        for label in range(200):
            rows = [i for i, where in enumerate(work) if where == label]
            mean = float(np.mean(y[rows]))
            shares = {str(rater[i]): 1 / len(rows) for i in rows}
            found = correct(mean, shares, learned)
            raw += (mean - truth[label]) ** 2
            corrected += (found.composite - truth[label]) ** 2
            reach = 1.96 * found.standard_error
            inside += abs(found.composite - truth[label]) <= reach
            n += 1
    assert 0.92 <= inside / n <= 0.97
    gain = math.sqrt(corrected / raw)
    # Without any severity little is lost; with as much as errors have, a fifth of the error goes.
    assert gain <= {0.0: 1.02, 4.0: 0.97, 8.0: 0.80}[spread]


def test_where_nothing_can_be_told_there_is_a_reason() -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(60, 10, 40).tolist()
    assert severities(list(range(40)), ["a"] * 40, y).reason == ONE_RATER
    few = severities(list(range(20)) * 2, ["a"] * 20 + ["b"] * 5 + ["a2"] * 15, y)
    assert few.reason is None
    single = severities(list(range(40)), ["a", "b"] * 20, y)
    assert single.reason == FEW_LINKS
    assert len(single.groups) == 2
    apart = severities(
        [w for w in range(20) for _ in range(2)], ["a", "b"] * 10 + ["c", "d"] * 10, y
    )
    assert apart.reason == SEPARATE
    assert {frozenset(group) for group in apart.groups} == {frozenset("ab"), frozenset("cd")}
    assert apart.severities == {}


def test_readings_that_all_agree_move_nothing() -> None:
    works = [w for w in range(20) for _ in range(2)]
    found = severities(works, ["a", "b"] * 20, [50.0 + w for w in works])
    assert {one.shift for one in found.severities.values()} == {0.0}
    assert found.error_variance == 0.0


def test_refused_input() -> None:
    with pytest.raises(ValueError, match="one length"):
        severities([1], ["a", "b"], [50.0])
    with pytest.raises(ValueError, match="finite"):
        severities([1], ["a"], [math.nan])


def test_peers_are_centred_and_only_then_count() -> None:
    told = leniency([5.0, 7.0] * 20, 0.0)
    learned = Parameters(
        error_variance=49.0, severity_variance=0.0, leniency=told.shift,
        leniency_error=told.standard_error, peer_variance=told.variance, peer_weight=0.2,
    )  # fmt: skip
    found = correct(60.0, {"a": 1.0}, learned, peers=76.0)
    assert found.composite == pytest.approx(0.8 * 60 + 0.2 * (76 - 6))
    assert found.standard_error == pytest.approx(
        math.sqrt(0.64 * 49 + 0.04 * (told.variance + told.standard_error**2))
    )
    alone = correct(60.0, {"a": 1.0}, learned)
    assert (alone.composite, alone.weight) == (60.0, 0.0)
    # A work that only peers read is centred whole.
    assert correct(76.0, {}, learned).composite == pytest.approx(70.0)
    assert correct(99.0, {"a": 1.0}, Parameters(severity={"a": (5.0, 1.0)})).composite == 100.0


def test_parameters_come_back_as_they_were_kept() -> None:
    learned = Parameters(
        severity={"a": (1.5, 0.25)}, severity_variance=4.0, error_variance=49.0, leniency=3.0,
        leniency_error=0.5, peer_variance=9.0, peer_weight=0.2,
    )  # fmt: skip
    again = Parameters(**learned.to_dict())
    assert correct(50.0, {"a": 1.0}, again, peers=60.0) == correct(
        50.0, {"a": 1.0}, learned, peers=60.0
    )
