"""Readings that stand out: the stated rate among sound ones, and planted ones that hide each other."""

import numpy as np
import pytest
from numpy.typing import NDArray

from grading.measurement.posterior import outliers as judged
from grading.measurement.posterior.outliers import outliers
from grading.measurement.posterior.readings import Readings

RATERS = 6


def sound(rng: np.random.Generator, works: int, each: int = 3) -> Readings:
    """Normal readings: truth SD 10, severity SD 2, error SD 5."""
    work = np.repeat(np.arange(works, dtype=np.int32), each)
    rater = np.concatenate([rng.permutation(RATERS)[:each] for _ in range(works)])
    value = (
        rng.normal(60, 10, works)[work]
        + rng.normal(0, 2, RATERS)[rater]
        + rng.normal(0, 5, len(work))
    )
    return Readings(work, rater.astype(np.int32), value, range(works), range(RATERS))


def planted(readings: Readings, rows: NDArray[np.int64], by: NDArray[np.float64]) -> Readings:
    value = readings.value.copy()
    value[rows] += by
    return Readings(readings.work, readings.rater, value, readings.works, readings.raters)


@pytest.mark.slow
def test_sound_readings_are_named_at_the_stated_rate() -> None:
    rng = np.random.default_rng(1)
    worlds, works = 20, 400
    named = sum(
        len(outliers(sound(rng, works), professionals=range(RATERS)).index) for _ in range(worlds)
    )
    expected = worlds * works * 3 * judged.RATE
    # Four standard deviations of a count.
    assert abs(named - expected) < 4 * np.sqrt(expected)


def test_those_that_hide_each_other_are_found() -> None:
    rng = np.random.default_rng(2)
    readings = sound(rng, 60)
    # One in ten, each six errors off: together they double what an error seems to be.
    rows = rng.choice(60, 18, replace=False) * 3 + rng.integers(0, 3, 18)
    found = outliers(
        planted(readings, rows, rng.choice([-30.0, 30.0], 18)), professionals=range(RATERS)
    )
    named = set(found.index.tolist())
    assert len(named & set(rows.tolist())) >= 16
    assert len(named - set(rows.tolist())) <= 2
    assert np.all(np.diff(found.distance) <= 0)


def test_a_sound_reading_beside_a_planted_one_is_judged_again() -> None:
    rng = np.random.default_rng(3)
    readings = sound(rng, 80, each=2)
    # Of two readings nobody can tell which is wrong; a third reader settles it.
    third = Readings(
        np.append(readings.work, np.int32(0)),
        np.append(
            readings.rater,
            np.int32(next(r for r in range(RATERS) if r not in readings.rater[:2])),
        ),
        np.append(readings.value, readings.value[:2].mean()),
        readings.works,
        readings.raters,
    )
    found = outliers(planted(third, np.array([1]), np.array([60.0])), professionals=range(RATERS))
    assert found.index.tolist() == [1]


def test_peers_are_not_named_but_help() -> None:
    rng = np.random.default_rng(4)
    readings = sound(rng, 100, each=4)
    professionals = {0, 1, 2}
    off = planted(readings, np.arange(0, 40, 4), np.full(10, 60.0))
    named = outliers(off, professionals=professionals).index
    assert np.isin(readings.rater[named], list(professionals)).all()


def test_too_little_to_know_an_error_by_names_nothing_and_says_why() -> None:
    readings = Readings.from_long(["a", "b", "c"], ["x", "y", "z"], [1.0, 50.0, 99.0])
    found = outliers(readings, professionals={"x", "y", "z"})
    assert found.index.tolist() == []
    assert found.note


@pytest.mark.slow
def test_whole_levels_that_mostly_agree_are_named_no_more_often() -> None:
    # Errors of a third of a level: most pairs agree, and a clean part of them knows no error at all.
    rng = np.random.default_rng(5)
    named = judged_in_all = 0
    for _ in range(20):
        work = np.repeat(np.arange(150, dtype=np.int32), 2)
        rater = np.concatenate([rng.permutation(RATERS)[:2] for _ in range(150)])
        truth = rng.normal(2, 0.9, 150)[work] + rng.normal(0, 0.35, len(work))
        level = np.clip(np.round(truth), 0, 4)
        readings = Readings(work, rater.astype(np.int32), level, range(150), range(RATERS))
        named += len(outliers(readings, professionals=range(RATERS), step=1.0).index)
        judged_in_all += len(work)
    expected = judged_in_all * judged.RATE
    assert named < expected + 4 * np.sqrt(expected)


def test_two_whole_levels_off_is_named() -> None:
    work = np.repeat(np.arange(40, dtype=np.int32), 3)
    rater = np.tile(np.arange(3, dtype=np.int32), 40)
    level = (work % 5).astype(float)
    level[7] += 2 if level[7] < 3 else -2
    readings = Readings(work, rater, level, range(40), range(3))
    found = outliers(
        planted(readings, np.array([60]), np.array([1.0])), professionals=range(3), step=1.0
    )
    assert found.index.tolist() == [7]
