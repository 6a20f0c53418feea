"""The life of a submission: one attempt, of one learner or of a group."""

from enum import StrEnum

from grading.phrases import phrase
from grading.workflow.machine import Machine


class SubmissionState(StrEnum):
    """``contestable``: a group's work that a member can still object to; ``contested``: one did."""

    DRAFT = "draft"
    CONTESTABLE = "contestable"
    CONTESTED = "contested"
    SUBMITTED = "submitted"
    BEGUN = "begun"
    DISCREPANT = "discrepant"
    RESOLVED = "resolved"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    WITHHELD = "withheld"
    # A copy of a work that trains and checks raters; it is never scored, and stays what it is.
    ANCHOR = "anchor"


S = SubmissionState

MACHINE = Machine(
    "submission",
    SubmissionState,
    {
        (S.DRAFT, "submit"): S.SUBMITTED,
        (S.DRAFT, "submit_together"): S.CONTESTABLE,
        (S.CONTESTABLE, "confirm"): S.SUBMITTED,
        (S.CONTESTABLE, "take_back"): S.DRAFT,
        (S.CONTESTABLE, "contest"): S.CONTESTED,
        (S.CONTESTED, "settle"): S.CONTESTABLE,
        (S.SUBMITTED, "take_back"): S.DRAFT,
        (S.SUBMITTED, "begin"): S.BEGUN,
        (S.BEGUN, "find_discrepancy"): S.DISCREPANT,
        (S.BEGUN, "resolve"): S.RESOLVED,
        (S.DISCREPANT, "resolve"): S.RESOLVED,
        (S.RESOLVED, "reopen"): S.BEGUN,
        (S.RESOLVED, "release"): S.RELEASED,
        (S.DRAFT, "withdraw"): S.WITHDRAWN,
        (S.CONTESTABLE, "withdraw"): S.WITHDRAWN,
        (S.CONTESTED, "withdraw"): S.WITHDRAWN,
        (S.SUBMITTED, "withdraw"): S.WITHDRAWN,
        (S.BEGUN, "withdraw"): S.WITHDRAWN,
        (S.DISCREPANT, "withdraw"): S.WITHDRAWN,
        (S.RESOLVED, "withdraw"): S.WITHDRAWN,
        (S.WITHDRAWN, "return"): S.DRAFT,
        (S.WITHDRAWN, "resume"): S.SUBMITTED,
        (S.WITHDRAWN, "resume_begun"): S.BEGUN,
        # Taken back or withdrawn after a suspicion was reported, it could be handed in again.
        (S.DRAFT, "withhold"): S.WITHHELD,
        (S.WITHDRAWN, "withhold"): S.WITHHELD,
        (S.CONTESTABLE, "withhold"): S.WITHHELD,
        (S.CONTESTED, "withhold"): S.WITHHELD,
        (S.SUBMITTED, "withhold"): S.WITHHELD,
        (S.BEGUN, "withhold"): S.WITHHELD,
        (S.DISCREPANT, "withhold"): S.WITHHELD,
        (S.RESOLVED, "withhold"): S.WITHHELD,
    },
)

# In these states raters may still be needed.
IN_GRADING = (S.SUBMITTED, S.BEGUN, S.DISCREPANT)

# What the learner affirms on submitting; the number is stored with the submission. A new wording is a
# new number, and old ones stay here so that a record can always show what was affirmed.
HONOUR_STATEMENTS: dict[int, str] = {
    1: (
        phrase(
            "This project is my own work. I have named every source and every tool that helped me, "
            "and I have not shared it with anyone who will review it."
        )
    ),
}
CURRENT_STATEMENT = max(HONOUR_STATEMENTS)
