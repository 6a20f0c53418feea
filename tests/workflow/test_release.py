"""What holds a submission back."""

from dataclasses import replace

import pytest

from grading.workflow.release import Facts, Hindrance, hindrances

READY = Facts(
    state="resolved",
    allocations=3,
    outstanding=0,
    undo_open=0,
    nobody_eligible=False,
    reviews_owed=0,
    misconduct=False,
    in_another_release=False,
)


def test_a_resolved_submission_is_ready() -> None:
    assert hindrances(READY) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "submitted", "allocations": 0}, {Hindrance.NOT_ALLOCATED}),
        ({"state": "begun", "outstanding": 1}, {Hindrance.READING_OUTSTANDING}),
        (
            {"state": "begun", "outstanding": 1, "nobody_eligible": True},
            {Hindrance.NOBODY_ELIGIBLE},
        ),
        (
            {"state": "discrepant", "outstanding": 1},
            {Hindrance.DISCREPANT, Hindrance.READING_OUTSTANDING},
        ),
        ({"state": "begun"}, {Hindrance.UNRESOLVED}),
        ({"undo_open": 1}, {Hindrance.UNDO_OPEN}),
        ({"reviews_owed": 2}, {Hindrance.REVIEWS_OWED}),
        ({"in_another_release": True}, {Hindrance.IN_ANOTHER_RELEASE}),
    ],
)
def test_each_hindrance_is_named(changes: dict[str, object], expected: set[Hindrance]) -> None:
    assert set(hindrances(replace(READY, **changes))) == expected  # type: ignore[arg-type]
