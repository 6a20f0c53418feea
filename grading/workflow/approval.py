"""Approvals: what somebody puts their name to, and how they show that it is them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Changes whenever the bytes that are signed would mean something else.
FORM = "capstone-grading/approval/1"


class StepUp(StrEnum):
    """What a plan asks of those who release."""

    PASSKEY = "passkey"
    EITHER = "either"
    OFF = "off"


class Proof(StrEnum):
    """How somebody showed that it was them."""

    PASSKEY = "passkey"
    PASSWORD = "password"


class Action(StrEnum):
    """What is approved; the word is part of what is signed."""

    PROPOSE = "release:propose"
    SIGN = "release:sign"
    REVOKE = "record:revoke"
    DECIDE_APPEAL = "appeal:decide"
    SET_POINTS = "member:set_points"
    GRANT_TIME = "extension:grant"
    DECLARE_CONFLICT = "conflict_of_interest:declare"
    UPHOLD_CASE = "misconduct_case:uphold"
    CLEAR_BY_HAND = "standing:clear_by_hand"
    ADD_PASSKEY = "passkey:add"


def way(asked: StepUp, *, possible: bool, has_passkey: bool) -> Proof | None:
    """Say how a person shows that it is them.

    Whoever has a passkey uses it: a password beside it would make it worth no more than the password.

    Parameters
    ----------
    asked : StepUp
        What the plan asks; not ``off``.
    possible : bool
        Whether browsers give passkeys to the service's address at all.
    has_passkey : bool
        Whether the person has one for that address.

    Returns
    -------
    Proof or None
        None: they need a passkey first.
    """
    if not possible:
        return Proof.PASSWORD
    if has_passkey:
        return Proof.PASSKEY
    return Proof.PASSWORD if asked == StepUp.EITHER else None


@dataclass(frozen=True)
class Statement:
    """All that is signed: who does what to which record, and the exact list.

    Attributes
    ----------
    nonce : str
        Drawn by the service for this one time.
    records : sequence of dict
        The list as it was shown; each has ``submission`` and ``person``, and their values.
    note : dict
        What else was decided, as reasons.
    """

    action: str
    subject: str
    person: str
    nonce: str
    records: Sequence[Mapping[str, Any]]
    note: Mapping[str, Any]

    @property
    def challenge(self) -> bytes:
        """SHA-256, 32 bytes, over the one JSON text of all of it."""
        text = json.dumps(
            [
                FORM,
                str(self.action),
                self.subject,
                self.person,
                self.nonce,
                [dict(record) for record in self.records],
                dict(self.note),
            ],
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
        return hashlib.sha256(text.encode()).digest()


def text_digest(text: str) -> str:
    """Give what is signed of a text that is kept elsewhere, and may have to be forgotten there."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


class ChangeKind(StrEnum):
    """What may befall one line of a list."""

    ADDED = "added"
    REMOVED = "removed"
    VALUE = "value"
    SCORE = "score"


@dataclass(frozen=True)
class Change:
    """One line that is not as it was shown; ``before`` and ``after`` are values of the grade scale."""

    kind: ChangeKind
    submission: str
    person: str
    before: str | None = None
    after: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            "kind": str(self.kind),
            "submission": self.submission,
            "person": self.person,
            "before": self.before,
            "after": self.after,
        }


def changes(
    shown: Sequence[Mapping[str, Any]], present: Sequence[Mapping[str, Any]]
) -> tuple[Change, ...]:
    """Say, line by line, how a list differs from what was shown; empty when it does not.

    The order of the lines is part of what is signed but no difference to a reader.
    """
    before = {(line["submission"], line["person"]): line for line in shown}
    after = {(line["submission"], line["person"]): line for line in present}
    differences = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        kind = (
            ChangeKind.ADDED
            if old is None
            else ChangeKind.REMOVED
            if new is None
            else ChangeKind.VALUE
            if (old["value"], old["band"]) != (new["value"], new["band"])
            else ChangeKind.SCORE
        )
        differences.append(
            Change(kind, *key, old["value"] if old else None, new["value"] if new else None)
        )
    return tuple(differences)
