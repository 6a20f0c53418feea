"""The life of a credential record, and of a rubric version: both are kept for good once they count."""

from collections.abc import Iterable
from enum import StrEnum

from grading.workflow.machine import Machine


class RecordState(StrEnum):
    VALID = "valid"
    REPLACED = "replaced"
    REVOKED = "revoked"


class RecordFact(StrEnum):
    """A fact of a record that its owner may show or not; the name, the program and the state always are.

    Files: the signed credentials themselves, which say all the others.
    """

    COURSES = "courses"
    LEVEL = "level"
    JUDGED = "judged"
    CRITERIA = "criteria"
    SCORE = "score"
    FILES = "files"


# What a record shows where its owner chose nothing else; neither the score nor what gives it away.
USUALLY_SHOWN = (RecordFact.COURSES, RecordFact.LEVEL, RecordFact.JUDGED)


def chosen_facts(shows: Iterable[str]) -> list[str]:
    """Give the facts that a choice comes to, in one order: the signed files say all the others."""
    chosen = set(shows)
    return [str(fact) for fact in RecordFact if fact in chosen or RecordFact.FILES in chosen]


class PublicStatus(StrEnum):
    """What a public page says first: a record's state, that its time is over, or what checking found.

    Partly revoked: a credential it called for was revoked, the others stand. Unsigned: no signed
    credential vouches for all of it yet. Broken: what is stored is not what was signed.
    """

    VALID = "valid"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REVOKED = "revoked"
    PARTLY_REVOKED = "partly_revoked"
    UNSIGNED = "unsigned"
    BROKEN = "broken"


class RubricState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class EntitlementState(StrEnum):
    """What entitles a learner to a course's, or the capstone's, credential."""

    PAID = "paid"
    WAIVED = "waived"
    SPONSORED = "sponsored"
    REFUNDED = "refunded"


class IdentityAssurance(StrEnum):
    """How a course knew who the learner was."""

    DOCUMENT = "document"
    PROCTORED = "proctored"
    SIGN_IN = "institutional_sign_in"
    ATTESTED = "attested"


class DocumentKind(StrEnum):
    """What a person was shown; no copy of it is kept."""

    PASSPORT = "passport"
    IDENTITY_CARD = "identity_card"
    DRIVING_LICENCE = "driving_licence"
    RESIDENCE_PERMIT = "residence_permit"
    OTHER = "other"


RECORD_MACHINE = Machine(
    "record",
    RecordState,
    {
        (RecordState.VALID, "replace"): RecordState.REPLACED,
        (RecordState.VALID, "revoke"): RecordState.REVOKED,
    },
)
E = EntitlementState
ENTITLEMENT_MACHINE = Machine(
    "entitlement",
    EntitlementState,
    {
        (E.PAID, "refund"): E.REFUNDED,
        (E.WAIVED, "pay"): E.PAID,
        (E.WAIVED, "refund"): E.REFUNDED,
        (E.SPONSORED, "pay"): E.PAID,
        (E.SPONSORED, "refund"): E.REFUNDED,
        (E.REFUNDED, "pay"): E.PAID,
        (E.REFUNDED, "waive"): E.WAIVED,
        (E.REFUNDED, "sponsor"): E.SPONSORED,
    },
)
RUBRIC_MACHINE = Machine(
    "rubric", RubricState, {(RubricState.DRAFT, "publish"): RubricState.PUBLISHED}
)
