"""The life of a credential record, and of a rubric version: both are kept for good once they count."""

from enum import StrEnum

from grading.workflow.machine import Machine


class RecordState(StrEnum):
    VALID = "valid"
    REVOKED = "revoked"


class RubricState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class IdentityAssurance(StrEnum):
    """How a course knew who the learner was."""

    DOCUMENT = "document"
    PROCTORED = "proctored"
    SIGN_IN = "institutional_sign_in"
    ATTESTED = "attested"


RECORD_MACHINE = Machine(
    "record", RecordState, {(RecordState.VALID, "revoke"): RecordState.REVOKED}
)
RUBRIC_MACHINE = Machine(
    "rubric", RubricState, {(RubricState.DRAFT, "publish"): RubricState.PUBLISHED}
)
