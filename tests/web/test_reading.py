"""What a reader of a released result is told: who judged, how sure it is, and if not, why not."""

from typing import Any

import pytest

from grading.measurement.scoring.combining import NoRange, why_no_range
from grading.web import reading

BANDS = [[60.0, "Pass"], [70.0, "Pass with merit"], [85.0, "Pass with distinction"]]


def detail(
    value: str = "72",
    standard_error: float | None = None,
    professional: int = 1,
    peer: int = 0,
    method: str = "mean-of-professional-readings/1",
) -> dict[str, Any]:
    return {
        "value": value,
        "standard_error": standard_error,
        "raters": {"professional": professional, "peer": peer},
        "method": method,
        "scale": {"bands": BANDS},
    }


def likely_words(case: dict[str, Any]) -> str:
    return reading.likely_words(float(case["value"]), case, case["scale"]["bands"])


def test_each_reason_for_no_likely_range_has_words_of_its_own() -> None:
    cases = {
        NoRange.ONE_READING: detail(),
        NoRange.ALIKE: detail(professional=2, standard_error=0.0),
        NoRange.MEDIAN: detail(professional=3, method="median-of-professional-readings/1"),
        NoRange.PEERS_ONLY: detail(professional=0, peer=3, method="median-of-peer-readings/1"),
        NoRange.UNKNOWN_ERROR: detail(
            professional=2, method="mean-of-professional-readings+centred-peers/1"
        ),
    }
    assert set(cases) == set(NoRange)
    for reason, case in cases.items():
        found = why_no_range(
            case["standard_error"],
            professionals=case["raters"]["professional"],
            method=case["method"],
        )
        assert found == reason
    words = {reason: likely_words(case) for reason, case in cases.items()}
    assert len(set(words.values())) == len(NoRange)
    assert [reason for reason, text in words.items() if "one reading" in text] == [
        NoRange.ONE_READING
    ]


def test_a_known_error_needs_no_reason() -> None:
    assert reading.no_range_words(detail(professional=2, standard_error=3.0)) == ""
    assert "same level" in likely_words(detail(value="77", professional=2, standard_error=1.0))


def test_the_level_at_the_ends_is_that_of_the_value_that_would_be_printed() -> None:
    """59.6 is printed 60 and passes: nobody is told that another panel might say "Not passed"."""
    sure = detail(value="60", professional=2, standard_error=0.2)
    assert "the same level" in likely_words(sure)
    unsure = detail(value="60", professional=2, standard_error=0.5)
    assert "“Not passed” and “Pass”" in likely_words(unsure)


def test_the_likely_range_is_of_what_was_released_and_stays_on_the_scale() -> None:
    assert reading.likely_range(98.0, 2.0) == pytest.approx((94.08, 100.0))
    assert reading.likely_range(98.0, None) is None


@pytest.mark.parametrize(
    ("professional", "peer", "words"),
    [
        (1, 0, "1 professional reading"),
        (2, 0, "2 professional readings, each made alone"),
        (2, 1, "2 professional readings and 1 peer reading, each made alone"),
        (1, 3, "1 professional reading and 3 peer readings, each made alone"),
        (0, 1, "1 peer reading; no professional read it"),
        (0, 4, "4 peer readings; no professional read it"),
    ],
)
def test_readings_are_counted_in_words(professional: int, peer: int, words: str) -> None:
    assert reading.who_judged(detail(professional=professional, peer=peer)) == words
