"""Where the next reading goes: against Monte Carlo, against looking at everything, and when it stops."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from grading.measurement.allocation.decisions import Decisions
from grading.measurement.allocation.forecast import what_if
from grading.measurement.allocation.routing import Board, Choice, Limits, Stop
from grading.measurement.allocation.worlds import CUTS, PASS_MARK, World, simulate
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.readings import Readings

BOTH = Decisions(CUTS, PASS_MARK)


@pytest.fixture(scope="module")
def world() -> World:
    return simulate("plain", 200, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def known(world: World) -> Aggregation:
    work = np.repeat(np.arange(30, dtype=np.int32), 2)
    who = np.arange(60, dtype=np.int32) % 40
    return aggregate(world.readings(work, who), professionals=world.professionals)


def chosen(board: Board, rater: str | None = None, **options: object) -> Choice:
    found = board.next_reading(rater, **options)  # type: ignore[arg-type]
    assert isinstance(found, Choice)
    return found


@pytest.mark.parametrize(
    ("mean", "deviation", "noise"),
    [(61.0, 5.0, 7.0), (66.0, 4.0, 9.0), (79.0, 8.0, 6.0), (40, 3, 5)],
)
def test_the_expected_loss_is_that_of_simulated_readings(
    mean: float, deviation: float, noise: float
) -> None:
    rng = np.random.default_rng(2)
    truth = mean + deviation * rng.normal(size=400_000)
    seen = truth + noise * rng.normal(size=len(truth))
    left = 1.0 / (1.0 / deviation**2 + 1.0 / noise**2)
    after = left * (mean / deviation**2 + seen / noise**2)
    # Decide as one would, and count how often that is wrong of the truth.
    side_wrong = np.mean((after >= PASS_MARK) != (truth >= PASS_MARK))
    edges = np.array([-np.inf, *CUTS, np.inf])
    below = norm.cdf((edges - after[:, None]) / math.sqrt(left))
    band_wrong = np.mean(np.argmax(np.diff(below, axis=1), axis=1) != np.digitize(truth, CUTS))
    side, band = BOTH.expected(np.array([mean]), np.array([deviation**2]), 1.0 / noise**2)
    assert side[0] == pytest.approx(side_wrong, abs=0.004)
    assert band[0] == pytest.approx(band_wrong, abs=0.006)


def test_a_decision_now_is_wrong_as_often_as_is_said() -> None:
    side, band = BOTH.wrong(np.array([60.0, 65.0]), np.array([25.0, 25.0]))
    assert side[0] == pytest.approx(0.5)
    assert side[1] == pytest.approx(0.15866, abs=1e-5)
    assert band[1] == pytest.approx(2 * 0.15866, abs=1e-4)


def test_more_precise_readings_are_worth_more(known: Aggregation) -> None:
    board, works = Board(known, BOTH), np.arange(200)
    one, two = board.gains(works, 1 / 80.0), board.gains(works, 1 / 40.0)
    assert np.all(two >= one - 1e-3)
    assert np.all(one >= -1e-3)


@pytest.mark.parametrize("rater", ["r0", "r7", None, "never seen"])
def test_the_choice_is_the_best_of_all(known: Aggregation, rater: str | None) -> None:
    board = Board(known, BOTH)
    for _ in range(20):
        found = chosen(board, rater)
        gains = board.gains(np.arange(200), board.precision(rater))
        barred = sorted(board._forbidden.get(rater, set()))
        gains[barred] = -np.inf
        gains[board._promised > 0] = -np.inf
        assert found.gain == pytest.approx(np.max(gains), abs=2e-3)
        board.promise(found.work, rater)


def test_a_sentence_has_its_numbers(known: Aggregation) -> None:
    found = chosen(Board(known, BOTH), "r1")
    assert found.gain == pytest.approx(
        found.wrong_side - found.side_after + found.wrong_band - found.band_after
    )
    assert found.label == known.labels[found.work]
    assert chosen(Board(known, Decisions((), PASS_MARK)), "r1").reason == "pass mark"
    assert chosen(Board(known, Decisions(CUTS)), "r1").reason == "band"


def test_with_a_pass_mark_alone_the_work_nearest_to_it_is_read() -> None:
    readings = Readings.from_long(
        ["far", "far", "near", "near", "top", "top"], ["x", "y"] * 3, [40, 44, 58, 61, 90, 94]
    )
    board = Board(aggregate(readings, rule="mean"), Decisions((), 60.0))
    assert chosen(board).label == "near"


def test_weights_steer(known: Aggregation) -> None:
    side = chosen(Board(known, Decisions(CUTS, PASS_MARK, band_weight=0.0)))
    band = chosen(Board(known, Decisions(CUTS, PASS_MARK, side_weight=0.0)))
    assert (side.reason, band.reason) == ("pass mark", "band")
    assert abs(known.mean[side.work] - PASS_MARK) < 5


def test_squared_error_is_least_known_first(known: Aggregation) -> None:
    board = Board(known, Decisions(error_weight=1.0))
    found = chosen(board, "r1")
    assert found.reason == "error"
    assert found.work == int(np.argmax(known.standard_error))
    variance, precision = known.standard_error[found.work] ** 2, board.precision("r1")
    assert found.gain == pytest.approx(variance - 1.0 / (1.0 / variance + precision))


def test_what_is_forbidden_or_not_eligible_is_not_chosen(known: Aggregation) -> None:
    first = chosen(Board(known, BOTH), "r3")
    barred = Board(known, BOTH, forbidden=[(first.label, "r3")])
    assert chosen(barred, "r3").work != first.work
    assert chosen(barred, "r4").work == chosen(Board(known, BOTH), "r4").work
    mask = np.zeros(200, dtype=bool)
    mask[[5, 17]] = True
    assert chosen(barred, "r3", eligible=mask).work in (5, 17)
    barred.forbid(5, "r3")
    barred.forbid(17, "r3")
    assert barred.next_reading("r3", eligible=mask) == Stop("none eligible")


def test_a_promised_reading_is_counted_on_and_can_be_withdrawn(known: Aggregation) -> None:
    board = Board(known, BOTH, budget=3)
    first = chosen(board, "r3")
    before = board.gains(np.array([first.work]), board.precision("r4"))[0]
    board.promise(first.work, "r3")
    assert board.budget == 2
    assert board.gains(np.array([first.work]), board.precision("r4"))[0] < before
    assert chosen(board, "r3").work != first.work
    board.withdraw(first.work, "r3")
    assert board.budget == 3
    assert board.gains(np.array([first.work]), board.precision("r4"))[0] == pytest.approx(before)
    assert chosen(board, "r3").work != first.work  # the rater stays forbidden


def test_a_work_waits_for_its_promised_reading_while_another_may_be_read(
    known: Aggregation,
) -> None:
    board, mask = Board(known, BOTH), np.zeros(200, dtype=bool)
    mask[[50, 60]] = True
    first = chosen(board, "r0", eligible=mask)
    board.promise(first.work, "r0")
    second = chosen(board, "r1", eligible=mask)
    assert second.work != first.work
    board.promise(second.work, "r1")
    assert chosen(board, "r2", eligible=mask).work in (50, 60)
    board.record(first.work, "r0", 60.0)
    assert chosen(board, "r2", eligible=mask).work == first.work


def test_a_recorded_reading_moves_its_work_as_normal_algebra_says(known: Aggregation) -> None:
    board = Board(known, BOTH)
    bias, doubt = known.raters["r2"].bias, known.raters["r2"].standard_error ** 2
    noise = known.parameters.professional_error_variance + doubt
    mean, variance = board.mean[9], board.variance[9]
    others = np.delete(board.mean, 9).copy()
    board.promise(9, "r2")
    board.record(9, "r2", 75.0)
    gain = variance / (variance + noise)
    assert board.mean[9] == pytest.approx(mean + gain * (75.0 - bias - mean))
    assert board.variance[9] == pytest.approx(variance * (1 - gain))
    np.testing.assert_array_equal(np.delete(board.mean, 9), others)
    fresh = Board(known, BOTH)
    fresh.record(9, "r2", 75.0, promised=False)
    assert fresh.mean[9] == board.mean[9]


def test_the_board_follows_the_model(world: World, known: Aggregation) -> None:
    """A recorded reading and a new aggregation at the same parameters agree on the work that was read."""
    board = Board(known, BOTH)
    board.record(100, "r5", float(world.marks[100, 5]))
    work = np.concatenate([np.repeat(np.arange(30), 2), [100]]).astype(np.int32)
    who = np.concatenate([np.arange(60) % 40, [5]]).astype(np.int32)
    again = aggregate(
        world.readings(work, who), professionals=world.professionals, parameters=known.parameters
    )
    assert board.mean[100] == pytest.approx(again.mean[100], abs=0.3)
    assert math.sqrt(board.variance[100]) == pytest.approx(again.standard_error[100], rel=0.05)


def test_a_work_is_settled_below_its_limits(known: Aggregation) -> None:
    board = Board(known, BOTH, limits=Limits(side=0.05))
    side, _ = board.wrong()
    np.testing.assert_array_equal(board.settled(), side < 0.05)
    both = Board(known, BOTH, limits=Limits(side=0.05, band=0.3))
    assert np.all(both.settled() <= board.settled())
    assert not np.any(Board(known, BOTH).settled())
    assert not board.settled()[chosen(board).work]


def test_the_cohort_stops_when_all_are_settled_or_the_budget_is_spent(known: Aggregation) -> None:
    assert Board(known, BOTH, limits=Limits(side=0.6)).next_reading() == Stop("all settled")
    board = Board(known, BOTH, budget=1)
    board.promise(chosen(board, "r0").work, "r0")
    assert board.next_reading("r0") == Stop("budget spent")
    with pytest.raises(ValueError, match="spent"):
        board.promise(3, "r0")


def test_a_work_without_a_posterior_is_never_chosen(known: Aggregation) -> None:
    mean = known.mean.copy()
    mean[:150] = np.nan
    board = Board(replace(known, mean=mean), BOTH)
    assert chosen(board).work >= 150
    assert np.all(np.isnan(board.wrong()[0][:150]))
    nothing = aggregate(Readings.from_long(["a"], ["x"], [60]))
    assert Board(nothing, BOTH).next_reading() == Stop("undefined")


def test_a_first_professional_reading_can_be_weighed(world: World) -> None:
    board = Board(aggregate(world.peers), BOTH)
    assert chosen(board).gain > 0.05


def test_routing_prevents_more_than_chance_does() -> None:
    """Sixty readings spent by the board leave fewer works on the wrong side than sixty at random."""
    wrong = {"routed": 0, "random": 0}
    for seed in range(6):
        cohort = simulate("plain", 300, rng=np.random.default_rng(seed))
        work, who = np.repeat(np.arange(30), 2), np.arange(60) % 40
        first = aggregate(cohort.readings(work, who), professionals=cohort.professionals)
        made = zip(work.tolist(), [f"r{code}" for code in who], strict=True)
        board = Board(first, Decisions((), PASS_MARK), forbidden=made)
        routed = []
        for number in range(60):
            found = chosen(board, f"r{number % 40}")
            board.promise(found.work, f"r{number % 40}")
            routed.append(found.work)
        anywhere = 30 + np.random.default_rng(seed).permutation(270)[:60]
        for name, works in (("routed", np.array(routed)), ("random", anywhere)):
            readings = cohort.readings(
                np.concatenate([work, works]), np.concatenate([who, np.arange(60) % 40])
            )
            then = aggregate(readings, professionals=cohort.professionals)
            wrong[name] += int(np.sum((then.mean >= PASS_MARK) != (cohort.truth >= PASS_MARK)))
    assert wrong["routed"] < wrong["random"]


def test_what_if(known: Aggregation) -> None:
    board = Board(known, BOTH)
    found = what_if(board, 100, rng=np.random.default_rng(3))
    side, band = board.wrong()
    assert found.side_now.expected == pytest.approx(np.sum(side), rel=0.15)
    assert found.band_now.expected == pytest.approx(np.sum(band), rel=0.1)
    assert found.band_after.expected < found.band_now.expected
    assert found.double_readings == 2 * 200 - 60
    assert found.double_band.expected < found.band_after.expected
    for part in (found.side_now, found.band_after, found.double_side):
        assert part.low <= part.expected <= part.high
    assert found.matching is not None
    assert 0 < found.matching < found.double_readings


def test_nothing_more_buys_nothing(known: Aggregation) -> None:
    found = what_if(Board(known, BOTH), 0, rng=np.random.default_rng(4))
    assert found.band_after == found.band_now
    with pytest.raises(ValueError, match="draws"):
        what_if(Board(known, BOTH), 1, rng=np.random.default_rng(4), draws=1)


def test_what_if_is_about_right(world: World, known: Aggregation) -> None:
    """The wrong bands forecast after single readings are those that really are left."""
    board = Board(known, Decisions(CUTS))
    forecast = what_if(board, 150, rng=np.random.default_rng(5))
    for number in range(150):
        name = f"r{number % 40}"
        found = chosen(board, name)
        board.promise(found.work, name)
        board.record(found.work, name, float(world.marks[found.work, number % 40]))
    _, band = board.wrong()
    assert np.sum(band) == pytest.approx(forecast.band_after.expected, rel=0.15)


def test_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        Decisions((60, 50))
    with pytest.raises(ValueError, match="nothing to decide"):
        Decisions()
    with pytest.raises(ValueError, match="weights"):
        Decisions(CUTS, band_weight=-1)
    with pytest.raises(ValueError, match="budget"):
        Board(aggregate(Readings.from_long([], [], [])), BOTH, budget=-1)
