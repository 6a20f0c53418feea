"""Every table of the service; importing this loads no Flask."""

from grading.models.appeal import Appeal, Explanation, StruckReading
from grading.models.approval import Approval, Challenge
from grading.models.audit import AuditEntry, AuditHead, Seal
from grading.models.base import Base
from grading.models.calendar import Absence, Extension
from grading.models.calibration import (
    AnchorMarking,
    AnchorPaper,
    AnchorReading,
    CalibrationAttempt,
    Standing,
)
from grading.models.cohort import Cohort, ConflictOfInterest, Exposure, Membership, PlanVersion
from grading.models.group import MemberPoints, Objection, SubmissionMember
from grading.models.house import DemoMark
from grading.models.identity import IdentityCheck, SignInLink
from grading.models.issued import IssuedCredential, SigningKey, StatusList
from grading.models.job import Job, JobState
from grading.models.misconduct import Evidence, MisconductCase
from grading.models.monitoring import Alarm, Quarantine, QuarantinedRating, QueuePause
from grading.models.passkey import Passkey
from grading.models.person import PasswordReset, Person, SignIn, SignInAttempt
from grading.models.privacy import (
    Disclosure,
    DoomedFile,
    ErasureRequest,
    KeptTranscript,
    Partner,
    PartnerConsent,
    PartnerSending,
    PersonalExport,
    RetentionRun,
)
from grading.models.program import (
    Brief,
    Completion,
    Course,
    Entitlement,
    ImportBatch,
    Program,
    RubricVersion,
    Sponsor,
    SponsorMember,
)
from grading.models.record import BulkCheck, CredentialRecord, PublicView, RecordEntry, ShareLink
from grading.models.release import Grade, GradeSeen, Release, ReleaseItem, SignOff
from grading.models.review import Allocation, Rating, Review
from grading.models.score import Adjustment, Discrepancy, Score
from grading.models.statistics import CohortStatistics
from grading.models.submission import Submission, SubmissionFile, SubmittedCopy
