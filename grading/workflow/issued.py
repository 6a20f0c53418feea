"""The life of an issued credential, and of a key that signs them."""

from enum import StrEnum

from grading.workflow.machine import Machine


class IssuedState(StrEnum):
    VALID = "valid"
    REPLACED = "replaced"
    REVOKED = "revoked"


class CredentialKind(StrEnum):
    """What a credential is for: a course, the capstone, or the whole program."""

    COURSE = "course"
    CAPSTONE = "capstone"
    PROGRAM = "program"


class KeyKind(StrEnum):
    PROOF = "ed25519"
    TOKEN = "rsa"


class KeyState(StrEnum):
    """A retired key signs no more, but what it signed is good; a withdrawn one is good for nothing."""

    ACTIVE = "active"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


ISSUED_MACHINE = Machine(
    "credential",
    IssuedState,
    {
        (IssuedState.VALID, "replace"): IssuedState.REPLACED,
        (IssuedState.VALID, "revoke"): IssuedState.REVOKED,
    },
)
KEY_MACHINE = Machine(
    "key",
    KeyState,
    {
        (KeyState.ACTIVE, "retire"): KeyState.RETIRED,
        (KeyState.ACTIVE, "withdraw"): KeyState.WITHDRAWN,
        (KeyState.RETIRED, "withdraw"): KeyState.WITHDRAWN,
    },
)
