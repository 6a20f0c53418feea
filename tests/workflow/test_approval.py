"""What is signed, which way is open to whom, and how a list may differ from what was shown."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from grading.workflow.approval import ChangeKind, Proof, Statement, StepUp, changes, way

LINE = {"submission": "s", "person": "p", "score": "o", "value": "67", "band": "Pass"}
SIGNED = Statement("release:sign", "r", "i", "n", [LINE], {"overrides": []})

# What the plan asks, whether the address gives passkeys, whether the person has one.
WAYS: dict[tuple[StepUp, bool, bool], Proof | None] = {
    (StepUp.PASSKEY, True, True): Proof.PASSKEY,
    (StepUp.PASSKEY, True, False): None,
    (StepUp.PASSKEY, False, True): Proof.PASSWORD,
    (StepUp.PASSKEY, False, False): Proof.PASSWORD,
    (StepUp.EITHER, True, True): Proof.PASSKEY,
    (StepUp.EITHER, True, False): Proof.PASSWORD,
    (StepUp.EITHER, False, True): Proof.PASSWORD,
    (StepUp.EITHER, False, False): Proof.PASSWORD,
}


@pytest.mark.parametrize(
    ("asked", "possible", "has"),
    list(product([StepUp.PASSKEY, StepUp.EITHER], *[(True, False)] * 2)),
)
def test_the_way_to_show_who_one_is(asked: StepUp, possible: bool, has: bool) -> None:
    assert way(asked, possible=possible, has_passkey=has) == WAYS[asked, possible, has]


def test_the_challenge_is_what_anybody_can_compute_again() -> None:
    # printf of the canonical JSON of the list below, through sha256sum:
    # ["capstone-grading/approval/1","release:sign","r","i","n",
    #  [{"band":"Pass","person":"p","score":"o","submission":"s","value":"67"}],{"overrides":[]}]
    assert SIGNED.challenge.hex() == (
        "c3cc82242be9134d60d9e1427ad7a36f2ff82e58ca97f679ffb1a26419c99f11"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"action": "release:propose"},
        {"subject": "another"},
        {"person": "another"},
        {"nonce": "another"},
        {"note": {"overrides": [{"gate": "g", "reason": "r"}]}},
        {"records": []},
        {"records": [LINE, LINE]},
        *({"records": [LINE | {key: "another"}]} for key in LINE),
    ],
)
def test_the_challenge_follows_every_part(change: dict[str, Any]) -> None:
    assert replace(SIGNED, **change).challenge != SIGNED.challenge


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ([LINE], []),
        ([], [(ChangeKind.REMOVED, "67", None)]),
        ([LINE, LINE | {"person": "q", "value": "70"}], [(ChangeKind.ADDED, None, "70")]),
        ([LINE | {"value": "58"}], [(ChangeKind.VALUE, "67", "58")]),
        ([LINE | {"band": "Not passed"}], [(ChangeKind.VALUE, "67", "67")]),
        ([LINE | {"score": "another"}], [(ChangeKind.SCORE, "67", "67")]),
    ],
)
def test_what_changed_is_named_line_by_line(
    present: list[dict[str, str]], expected: list[tuple[str, str | None, str | None]]
) -> None:
    found = changes([LINE], present)
    assert [(one.kind, one.before, one.after) for one in found] == expected


def test_another_order_is_no_change() -> None:
    other = LINE | {"submission": "t"}
    assert changes([LINE, other], [other, LINE]) == ()
