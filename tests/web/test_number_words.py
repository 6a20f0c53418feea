"""Numbers, times and lists are written in the reader's language; in English as Python writes them."""

import random
from datetime import UTC, datetime, time
from math import inf, nan

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from grading.errors import Refused
from grading.web import errors
from grading.web.instructor.figures import words
from grading.web.number_words import (
    list_words,
    number,
    percent_words,
    short_number,
    signed_number,
    size_words,
)
from grading.web.rendering import clock_words

# 2.675 and 0.285 lie below the half that their shortest decimals show.
EDGES = [
    0.0,
    -0.0,
    -0.04,
    0.05,
    0.5,
    1.5,
    2.5,
    2.675,
    0.285,
    57.5,
    99.95,
    100.0,
    123_456.789,
    -7.25,
]


@pytest.fixture(autouse=True)
def reader():
    app = Flask(__name__)
    Babel(app, default_locale="en")
    with app.test_request_context():
        yield


def values() -> list[float]:
    source = random.Random(1)
    return (
        EDGES
        + [source.uniform(-2000, 2000) for _ in range(2000)]
        + [i / 1000 for i in range(-1500, 1500)]
    )


def test_english_numbers_are_what_the_number_itself_rounds_to() -> None:
    faulty = []
    for value in values():
        expected = {
            f"{value:.0f}": number(value, 0),
            f"{value:.1f}": number(value),
            f"{value:.3f}": number(value, 3),
            f"{value:+.2f}": signed_number(value, 2),
            f"{value:g}": short_number(value),
            f"{value:.0f} %": percent_words(value),
        }
        faulty += [(value, python, shown) for python, shown in expected.items() if python != shown]
    assert faulty == []


def test_what_is_undefined_is_a_dash() -> None:
    assert [number(None), number(nan), percent_words(nan), words.number(None)] == ["–"] * 4
    assert number(inf) == "∞"


def test_charts_write_a_real_minus_and_a_zero_without_one() -> None:
    assert [words.number(-0.25), words.number(-0.001), words.number(1.0)] == [
        "\N{MINUS SIGN}0.25",
        "0.00",
        "1.00",
    ]


def test_english_times_have_twelve_hours() -> None:
    faulty = []
    for hour in range(24):
        for minute in (0, 5, 59):
            at = datetime.combine(datetime(2026, 11, 1), time(hour, minute), UTC)
            python = f"{hour % 12 or 12}:{minute:02d}{'am' if hour < 12 else 'pm'}"
            if clock_words(at) != python:
                faulty.append((python, clock_words(at)))
    assert faulty == []


def test_sizes_are_written_in_the_nearest_unit() -> None:
    assert [
        size_words(size) for size in (0, 999, 1_000, 1_500, 999_499, 1_000_000, 12_340_000)
    ] == [
        "0 bytes",
        "999 bytes",
        "1 KB",
        "2 KB",
        "999 KB",
        "1.0 MB",
        "12.3 MB",
    ]


def test_lists_have_commas() -> None:
    assert [list_words("abc"[:n]) for n in range(4)] == ["", "a", "a, b", "a, b, c"]


def test_a_list_in_a_message_is_written_for_commands_and_for_readers() -> None:
    refusal = Refused("Choose one of %(words)s.", words=("mean", "median"))
    assert str(refusal) == errors.words(refusal) == "Choose one of mean, median."


def test_another_language_has_its_own_signs() -> None:
    with force_locale("de"):
        assert [
            number(1234.56),
            short_number(0.25),
            percent_words(12.5),
            size_words(1_250_000),
        ] == [
            "1234,6",
            "0,25",
            "12 %",
            "1,2 MB",
        ]
    with force_locale("ar"):
        assert list_words(["a", "b"]) != "a, b"
