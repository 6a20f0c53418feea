"""A rater against anchor papers: the rule by number of levels, near misses, small sets."""

import math

import pytest

from grading.measurement.monitoring.calibration import (
    Verdict,
    judge,
    standard,
)


def papers(exact: int, adjacent: int, far: int) -> tuple[list[int], list[int]]:
    """Papers of definitive levels 0 and 3, read so often exactly, one level off, and three off."""
    right = [0, 3] * ((exact + adjacent + far) // 2 + 1)
    right = right[: exact + adjacent + far]
    moves = [0] * exact + [1] * adjacent + [3] * far
    return [
        level + (move if level == 0 else -move) for level, move in zip(right, moves, strict=True)
    ], right


@pytest.mark.parametrize(
    ("levels", "exact", "adjacent"),
    # PROGRAM: exact / within one, by number of levels.
    [(2, 0.85, None), (3, 0.70, 0.95), (4, 0.60, 0.95), (5, 0.50, 0.90), (6, 0.50, 0.90)],
)
def test_the_standard_by_number_of_levels(
    levels: int, exact: float, adjacent: float | None
) -> None:
    assert (standard(levels).exact, standard(levels).adjacent) == (exact, adjacent)


def test_long_scales_ask_for_kappa() -> None:
    assert standard(7).kappa == standard(11).kappa == 0.60
    assert standard(7).exact is None
    with pytest.raises(ValueError, match="two levels"):
        standard(1)


@pytest.mark.parametrize(
    ("exact", "adjacent", "far", "verdict", "short"),
    [
        (20, 0, 0, Verdict.QUALIFIED, ()),
        (12, 8, 0, Verdict.QUALIFIED, ()),
        (12, 7, 1, Verdict.QUALIFIED, ()),
        (11, 9, 0, Verdict.PROVISIONAL, ("exact",)),
        (10, 10, 0, Verdict.NOT_QUALIFIED, ("exact",)),
        (18, 0, 2, Verdict.PROVISIONAL, ("adjacent", "discrepancies")),
        (17, 0, 3, Verdict.NOT_QUALIFIED, ("adjacent", "discrepancies")),
    ],
)
def test_twenty_papers_on_four_levels(
    exact: int, adjacent: int, far: int, verdict: Verdict, short: tuple[str, ...]
) -> None:
    found = judge(*papers(exact, adjacent, far), levels=4)
    assert (found.verdict, found.short, found.n) == (verdict, short, 20)
    assert found.exact == exact / 20


def test_the_order_of_papers_does_not_matter() -> None:
    given, right = papers(11, 8, 1)
    assert judge(given, right, levels=4) == judge(given[::-1], right[::-1], levels=4)


def test_nobody_is_cleared_on_too_few_papers() -> None:
    found = judge([], [], levels=4)
    assert found.verdict == Verdict.NOT_QUALIFIED
    assert found.short == ("papers",)
    assert math.isnan(found.exact)
    assert judge([1] * 9, [1] * 9, levels=4, least_papers=10).short == ("papers",)


def test_a_long_scale_is_judged_by_kappa() -> None:
    right = list(range(8)) * 2
    assert judge([min(level + 1, 7) for level in right], right, levels=8).verdict == "qualified"
    assert judge([7 - level for level in right], right, levels=8).short == (
        "kappa",
        "discrepancies",
    )


def test_what_is_no_level_is_refused() -> None:
    with pytest.raises(ValueError, match="not on the scale"):
        judge([4], [3], levels=4)
    with pytest.raises(ValueError, match="definitive"):
        judge([1, 2], [1], levels=4)
