"""What enums are called on pages: labels, and tags with the kind that gives them their colour."""

from typing import Any

from flask_babel import lazy_gettext as _l

from grading.measurement.scoring.combining import Resolution
from grading.models import JobState
from grading.records.checking import CheckOutcome
from grading.workflow.allocation import AllocationState as A
from grading.workflow.allocation import DeclineReason as D
from grading.workflow.approval import StepUp
from grading.workflow.calendar import ExtensionKind
from grading.workflow.calibration import (
    AnchorState,
    AnchorUse,
    AttemptKind,
    AttemptState,
    StandingState,
    Stuck,
)
from grading.workflow.cohort import CohortState, ImportKind, Role
from grading.workflow.credential import (
    DocumentKind,
    EntitlementState,
    IdentityAssurance,
    PublicStatus,
    RecordFact,
)
from grading.workflow.misconduct import MisconductKind, MisconductState
from grading.workflow.monitoring import AlarmState, QuarantineState
from grading.workflow.release import Amended, Hindrance, ReleaseState
from grading.workflow.staffing import Severity
from grading.workflow.submission import SubmissionState as S

# (words, kind of tag); kinds are those of the style sheet.
Tag = tuple[Any, str]

SUBMISSION_TAGS: dict[str, Tag] = {
    S.DRAFT: (_l("Draft"), "draft"),
    S.CONTESTABLE: (_l("Submitted"), "plain"),
    S.CONTESTED: (_l("Submitted"), "plain"),
    S.SUBMITTED: (_l("Submitted"), "plain"),
    S.BEGUN: (_l("Being graded"), "info"),
    S.DISCREPANT: (_l("Being graded"), "info"),
    S.RESOLVED: (_l("Being graded"), "info"),
    S.RELEASED: (_l("Result ready"), "ok"),
    S.WITHDRAWN: (_l("Withdrawn"), "grey"),
    S.WITHHELD: (_l("Held back"), "danger"),
    S.ANCHOR: (_l("Example"), "draft"),
}
# What staff see; learners are never told these apart before release.
STAFF_SUBMISSION_TAGS: dict[str, Tag] = SUBMISSION_TAGS | {
    # That it is a group's is nobody's business who may come to read it.
    S.CONTESTABLE: (_l("Submitted, not given out yet"), "plain"),
    S.CONTESTED: (_l("Submitted, waits for the office"), "plain"),
    S.DISCREPANT: (_l("Scores too far apart"), "warn"),
    S.RESOLVED: (_l("Graded, not released"), "info"),
    S.RELEASED: (_l("Released"), "ok"),
}
ITEM_TAGS: dict[str, Tag] = {
    A.OPEN: (_l("Open"), "plain"),
    A.ALLOCATED: (_l("Not yet started"), "plain"),
    A.BEGUN: (_l("In progress"), "info"),
    A.FINISHED: (_l("Finished, can change"), "info"),
    A.SEALED: (_l("Locked"), "plain"),
    A.DECLINED: (_l("Handed back"), "grey"),
    A.LAPSED: (_l("Hold ended"), "warn"),
    A.CANCELLED: (_l("Taken back"), "grey"),
}
RELEASE_TAGS: dict[str, Tag] = {
    ReleaseState.PROPOSED: (_l("Waiting for sign-off"), "warn"),
    ReleaseState.SCHEDULED: (_l("Scheduled"), "info"),
    ReleaseState.RELEASED: (_l("Released"), "ok"),
    ReleaseState.STOPPED: (_l("Stopped"), "grey"),
    ReleaseState.VOID: (_l("Void"), "warn"),
}
COHORT_TAGS: dict[str, Tag] = {
    CohortState.PREPARING: (_l("Preparing"), "draft"),
    CohortState.OPEN: (_l("Open"), "ok"),
    CohortState.ENDED: (_l("Ended"), "grey"),
}
ROLE_LABELS: dict[str, Any] = {
    Role.LEARNER: _l("Learner"),
    Role.PEER: _l("Peer"),
    Role.GRADER: _l("Grader"),
    Role.INSTRUCTOR: _l("Instructor"),
    Role.LEAD: _l("Lead"),
    Role.COORDINATOR: _l("Coordinator"),
    Role.OBSERVER: _l("Observer"),
}
DECLINE_LABELS: dict[str, Any] = {
    D.DOES_NOT_OPEN: _l("A file does not open"),
    D.WRONG_TASK: _l("It answers another task"),
    D.KNOWS_AUTHOR: _l("I know the author"),
    D.SHOWS_AUTHOR: _l("It shows who wrote it"),
    D.OUTSIDE_FIELD: _l("It is outside my field"),
    D.SUSPECTED_COPYING: _l("I suspect copying"),
    D.AT_RISK: _l("Someone may be at risk"),
    D.OTHER: _l("Something else"),
}
HINDRANCE_LABELS: dict[str, Any] = {
    Hindrance.NOT_ALLOCATED: _l("No reader yet"),
    Hindrance.READING_OUTSTANDING: _l("A reading is outstanding"),
    Hindrance.NOBODY_ELIGIBLE: _l("Nobody is left who may read it"),
    Hindrance.UNDO_OPEN: _l("A grader can still change a finished sheet"),
    Hindrance.DISCREPANT: _l("Scores too far apart"),
    Hindrance.UNRESOLVED: _l("No score yet"),
    Hindrance.REVIEWS_OWED: _l("The learner owes peer reviews"),
    Hindrance.IN_ANOTHER_RELEASE: _l("In a release that is on its way"),
    Hindrance.MISCONDUCT: _l("A suspicion is being looked into"),
    Hindrance.NOT_ADJUSTED: _l("Not adjusted to the readings yet"),
}
MISCONDUCT_LABELS: dict[str, Any] = {
    MisconductKind.COPYING: _l("Copying"),
    MisconductKind.ANOTHERS_WORK: _l("Somebody else's work"),
}
MISCONDUCT_TAGS: dict[str, Tag] = {
    MisconductState.OPEN: (_l("New"), "warn"),
    MisconductState.HEARING: (_l("The learner is asked"), "info"),
    MisconductState.HEARD: (_l("Waits for a decision"), "warn"),
    MisconductState.PROPOSED: (_l("Waits for a second"), "warn"),
    MisconductState.UPHELD: (_l("Upheld"), "danger"),
    MisconductState.DISMISSED: (_l("Dismissed"), "plain"),
}
ANCHOR_TAGS: dict[str, Tag] = {
    AnchorState.PROPOSED: (_l("To be marked blind"), "warn"),
    AnchorState.MARKED: (_l("To be agreed"), "warn"),
    AnchorState.AGREED: (_l("In use"), "ok"),
    AnchorState.WITHDRAWN: (_l("Withdrawn"), "grey"),
}
USE_LABELS: dict[str, Any] = {
    AnchorUse.PRACTICE: _l("Practice"),
    AnchorUse.QUALIFICATION: _l("Qualification"),
    AnchorUse.VALIDITY: _l("Check items"),
}
ATTEMPT_LABELS: dict[str, Any] = {
    AttemptKind.PRACTICE: _l("Practice"),
    AttemptKind.QUALIFICATION: _l("Qualification"),
}
ATTEMPT_TAGS: dict[str, Tag] = {
    AttemptState.OPEN: (_l("In progress"), "info"),
    AttemptState.JUDGED: (_l("Handed in"), "plain"),
    AttemptState.ENDED: (_l("Given up"), "grey"),
}
STANDING_TAGS: dict[str, Tag] = {
    StandingState.QUALIFIED: (_l("Cleared"), "ok"),
    StandingState.PROVISIONAL: (_l("Cleared, provisional"), "info"),
    StandingState.NOT_QUALIFIED: (_l("Not cleared"), "warn"),
    StandingState.EXPIRED: (_l("Expired"), "grey"),
    StandingState.SET_ASIDE: (_l("Set aside"), "danger"),
}
STUCK_TAGS: dict[str, Tag] = {
    Stuck.NO_TRY: (_l("No try left"), "warn"),
    Stuck.NO_EXAMPLES: (_l("No fresh examples left"), "warn"),
}
ALARM_TAGS: dict[str, Tag] = {
    AlarmState.OPEN: (_l("To be answered"), "warn"),
    AlarmState.DISMISSED: (_l("Nothing found"), "plain"),
    AlarmState.UPHELD: (_l("Standard moved"), "danger"),
}
QUARANTINE_TAGS: dict[str, Tag] = {
    QuarantineState.IN_FORCE: (_l("Set aside"), "danger"),
    QuarantineState.LIFTED: (_l("Counts again"), "plain"),
}
ENTITLEMENT_TAGS: dict[str, Tag] = {
    EntitlementState.PAID: (_l("Paid"), "ok"),
    EntitlementState.WAIVED: (_l("Waived"), "info"),
    EntitlementState.SPONSORED: (_l("Sponsored"), "info"),
    EntitlementState.REFUNDED: (_l("Refunded"), "grey"),
}
JOB_TAGS: dict[str, Tag] = {
    JobState.WAITING: (_l("Waiting"), "plain"),
    JobState.RUNNING: (_l("Running"), "info"),
    JobState.DONE: (_l("Done"), "plain"),
    JobState.FAILED: (_l("Failed"), "danger"),
}
STAFFING_TAGS: dict[str, Tag] = {
    Severity.IMPOSSIBLE: (_l("Impossible"), "danger"),
    Severity.RISK: (_l("At risk"), "warn"),
    Severity.NOTE: (_l("Good to know"), "info"),
}
IMPORT_LABELS: dict[str, Any] = {
    ImportKind.ROSTER: _l("People"),
    ImportKind.COMPLETIONS: _l("Completions"),
    ImportKind.ENTITLEMENTS: _l("Entitlements"),
    ImportKind.CONFLICTS: _l("Conflicts of interest"),
}
STATUS_TAGS: dict[str, Tag] = {
    PublicStatus.VALID: (_l("Valid"), "ok"),
    PublicStatus.EXPIRED: (_l("Expired"), "warn"),
    PublicStatus.REPLACED: (_l("Replaced"), "info"),
    PublicStatus.REVOKED: (_l("Revoked"), "danger"),
    PublicStatus.PARTLY_REVOKED: (_l("Revoked in part"), "danger"),
    PublicStatus.UNSIGNED: (_l("Not signed yet"), "warn"),
    PublicStatus.BROKEN: (_l("Does not verify"), "danger"),
}
FACT_LABELS: dict[str, Any] = {
    RecordFact.COURSES: _l("The courses, with their days"),
    RecordFact.LEVEL: _l("The level of the capstone, and how to read it"),
    RecordFact.JUDGED: _l("What was assessed, by whom and how identity was known"),
    RecordFact.CRITERIA: _l("The level reached on each criterion, which gives the score away"),
    RecordFact.SCORE: _l("The score, with its likely range"),
    RecordFact.FILES: _l("The signed files, which say all of these"),
}
OUTCOME_TAGS: dict[str, Tag] = {
    CheckOutcome.GOOD: (_l("Good"), "ok"),
    CheckOutcome.BAD: (_l("Bad"), "danger"),
    CheckOutcome.OPEN: (_l("Not yet"), "warn"),
}
ASSURANCE_LABELS: dict[str, Any] = {
    IdentityAssurance.DOCUMENT: _l("a document"),
    IdentityAssurance.PROCTORED: _l("a proctored exam"),
    IdentityAssurance.SIGN_IN: _l("the institution’s sign-in"),
    IdentityAssurance.ATTESTED: _l("the program’s word"),
}
DOCUMENT_LABELS: dict[str, Any] = {
    DocumentKind.PASSPORT: _l("Passport"),
    DocumentKind.IDENTITY_CARD: _l("Identity card"),
    DocumentKind.DRIVING_LICENCE: _l("Driving licence"),
    DocumentKind.RESIDENCE_PERMIT: _l("Residence permit"),
    DocumentKind.OTHER: _l("Another document with a photo"),
}
EXTENSION_LABELS: dict[str, Any] = {
    ExtensionKind.EXTENSION: _l("Extension"),
    ExtensionKind.ADJUSTMENT: _l("Adjustment"),
}
# The words that a choice of the grading plan takes, by the choice.
PLAN_WORDS: dict[str, dict[str, Any]] = {
    "preset": {
        "certification": _l("Certification"),
        "course": _l("Course"),
        "economy": _l("Economy"),
    },
    "peers_from": {"submitters": _l("Those who submitted"), "invited": _l("Invited peers")},
    "resolution": {
        Resolution.MEAN: _l("Mean"),
        Resolution.MEDIAN: _l("Median"),
        Resolution.SEVERITY: _l("Mean, severity taken out"),
    },
    "calibration": {"required": _l("Required"), "off": _l("Off")},
    "qualification_rule": {"pooled": _l("Pooled"), "best": _l("By the best set")},
    "must_pass": {
        "each": _l("Each criterion on its own"),
        "all": _l("All criteria, or none"),
    },
    "peer_calibration": {
        "off": _l("Off"),
        "feedback": _l("Only feedback"),
        "counts": _l("Below the standard, reviews are only feedback"),
    },
    "step_up": {
        StepUp.PASSKEY: _l("Passkey"),
        StepUp.EITHER: _l("Either, a passkey or a password"),
        StepUp.OFF: _l("Off"),
    },
}

# Why a result replaced an earlier one, as its learner reads it.
AMENDED_LABELS: dict[str, Any] = {
    Amended.APPEAL: _l("An appeal was decided."),
    Amended.OWN_POINTS: _l("You were given other points than your group."),
    Amended.LATENESS: _l("Your deadline moved, so your days late were counted anew."),
    Amended.CONFLICT: _l("A reading was taken out by somebody who was not to read your project."),
}
