"""What a reviewer and a grader are told: one heading, one sentence and one act for each state and time.

`docs/states.md` shows both tables.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from grading.phrases import phrase
from grading.workflow.capstone_page import Act, Cell


class Reviewing(StrEnum):
    """What a peer has of others' projects."""

    NONE_GIVEN = "none_given"
    OWES = "owes"
    DONE = "done"


class Bench(StrEnum):
    """What a grader has before them; the first that is so counts."""

    PAUSED = "paused"
    UNCLEARED = "uncleared"
    BEGUN = "begun"
    GIVEN = "given"
    OPEN = "open"
    EMPTY = "empty"


class ReadingTime(StrEnum):
    """Before projects are given out, while they are read, after the date for it, after the cohort."""

    BEFORE = "before"
    READING = "reading"
    OVER = "over"
    ENDED = "ended"


def time_of(due: datetime, by: datetime, now: datetime, *, ended: bool) -> ReadingTime:
    """Say where now lies between the deadline of projects and the date by which they are to be read."""
    if ended:
        return ReadingTime.ENDED
    if now < due:
        return ReadingTime.BEFORE
    return ReadingTime.READING if now <= by else ReadingTime.OVER


_GIVEN_LATER = Cell(
    phrase("Not given out yet"), phrase("Projects are given out after the deadline, %(due)s.")
)
_ENDED = Cell(
    phrase("The cohort has ended"), phrase("This cohort has ended. Nothing is asked of you.")
)
_DONE = Cell(phrase("Reviews done"), phrase("You have done every review that you were given."))
_OWES = Cell(
    phrase("Reviews to do"),
    phrase("Done: %(done)s of %(given)s. Do the others by %(by)s."),
    Act.REVIEW,
)

REVIEWER_CELLS: Mapping[Reviewing, Mapping[ReadingTime, Cell]] = {
    Reviewing.NONE_GIVEN: {
        ReadingTime.BEFORE: _GIVEN_LATER,
        ReadingTime.READING: Cell(
            phrase("No project yet"),
            phrase(
                "No project is ready for you. We write to you when one is. This does not delay your own "
                "result."
            ),
        ),
        ReadingTime.OVER: Cell(
            phrase("Reviews are over"),
            phrase("The time for reviews ended %(by)s. Nothing is asked of you."),
        ),
        ReadingTime.ENDED: _ENDED,
    },
    Reviewing.OWES: {
        ReadingTime.BEFORE: _OWES,
        ReadingTime.READING: _OWES,
        ReadingTime.OVER: Cell(
            phrase("Reviews are over"),
            phrase(
                "The time for reviews ended %(by)s. Done: %(done)s of %(given)s. Others read in your "
                "place, so the rest can no longer be done."
            ),
        ),
        ReadingTime.ENDED: _ENDED,
    },
    Reviewing.DONE: {
        ReadingTime.BEFORE: _DONE,
        ReadingTime.READING: _DONE,
        ReadingTime.OVER: _DONE,
        ReadingTime.ENDED: _ENDED,
    },
}

_PAUSED = Cell(
    phrase("Your queue is paused"),
    phrase("You are given no items until your lead has answered. What you have begun is kept."),
)
_UNCLEARED = Cell(
    phrase("Calibration comes first"),
    phrase(
        "You grade when you are cleared on every criterion: when you read the examples as the leads do."
    ),
    Act.CALIBRATE,
)
_BEGUN = Cell(
    phrase("Go on"),
    phrase("Begun: %(begun)s. Waiting for you: %(given)s. Grading ends %(by)s."),
    Act.CONTINUE,
)
_BEGUN_LATE = Cell(
    phrase("Overdue"),
    phrase("Grading was to end %(by)s. Begun: %(begun)s. Waiting for you: %(given)s."),
    Act.CONTINUE,
)
_GIVEN = Cell(
    phrase("To grade"),
    phrase("Waiting for you: %(given)s. Grading ends %(by)s."),
    Act.GRADE,
)
_GIVEN_LATE = Cell(
    phrase("Overdue"),
    phrase("Grading was to end %(by)s. Waiting for you: %(given)s."),
    Act.GRADE,
)
_OPEN = Cell(
    phrase("Open items"),
    phrase(
        "Open items that need a reader: %(open)s. Nobody is named for them; the button takes one."
    ),
    Act.GRADE,
)

BENCH_CELLS: Mapping[Bench, Mapping[ReadingTime, Cell]] = {
    bench: dict(zip(ReadingTime, (before, reading, over, _ENDED), strict=True))
    for bench, before, reading, over in (
        (Bench.PAUSED, _PAUSED, _PAUSED, _PAUSED),
        (Bench.UNCLEARED, _UNCLEARED, _UNCLEARED, _UNCLEARED),
        (Bench.BEGUN, _BEGUN, _BEGUN, _BEGUN_LATE),
        (Bench.GIVEN, _GIVEN, _GIVEN, _GIVEN_LATE),
        (Bench.OPEN, _OPEN, _OPEN, _OPEN),
        (
            Bench.EMPTY,
            _GIVEN_LATER,
            Cell(
                phrase("Nothing waits"),
                phrase("Nothing waits for you now. We write to you when an item needs you."),
            ),
            Cell(
                phrase("Nothing waits"),
                phrase("Grading was to end %(by)s. Nothing waits for you."),
            ),
        ),
    )
}


def bench_of(*, paused: bool, cleared: bool, begun: int, given: int, open_items: int) -> Bench:
    """Say what a grader has before them.

    Parameters
    ----------
    given : int
        Items that are theirs and not begun.
    open_items : int
        Items that a claim would give them now.
    """
    if paused:
        return Bench.PAUSED
    if not cleared:
        return Bench.UNCLEARED
    if begun:
        return Bench.BEGUN
    if given:
        return Bench.GIVEN
    return Bench.OPEN if open_items else Bench.EMPTY


def reviewing_of(*, given: int, done: int) -> Reviewing:
    """Say what a peer has, by how many reviews they were given and how many are done."""
    if not given:
        return Reviewing.NONE_GIVEN
    return Reviewing.DONE if done >= given else Reviewing.OWES
