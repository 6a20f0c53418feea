"""Every table of the service; importing this loads no Flask."""

from grading.models.appeal import Appeal, Explanation, StruckReading
from grading.models.audit import AuditEntry, AuditHead
from grading.models.base import Base
from grading.models.calendar import Absence, Extension
from grading.models.cohort import (
    Cohort,
    ConflictOfInterest,
    Exposure,
    Membership,
    PlanVersion,
)
from grading.models.group import MemberPoints, Objection, SubmissionMember
from grading.models.job import Job, JobState
from grading.models.misconduct import Evidence, MisconductCase
from grading.models.person import PasswordReset, Person, SignInAttempt
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
from grading.models.record import CredentialRecord, RecordEntry
from grading.models.release import Grade, Release, ReleaseItem, SignOff
from grading.models.review import Allocation, Rating, Review
from grading.models.score import Discrepancy, Score
from grading.models.submission import Submission, SubmissionFile, SubmittedCopy

__all__ = [
    "Absence",
    "Allocation",
    "Appeal",
    "AuditEntry",
    "AuditHead",
    "Base",
    "Brief",
    "Cohort",
    "Completion",
    "ConflictOfInterest",
    "Course",
    "CredentialRecord",
    "Discrepancy",
    "Entitlement",
    "Evidence",
    "Explanation",
    "Exposure",
    "Extension",
    "Grade",
    "ImportBatch",
    "Job",
    "JobState",
    "MemberPoints",
    "Membership",
    "MisconductCase",
    "Objection",
    "PasswordReset",
    "Person",
    "PlanVersion",
    "Program",
    "Rating",
    "RecordEntry",
    "Release",
    "ReleaseItem",
    "Review",
    "RubricVersion",
    "Score",
    "SignInAttempt",
    "SignOff",
    "Sponsor",
    "SponsorMember",
    "StruckReading",
    "Submission",
    "SubmissionFile",
    "SubmissionMember",
    "SubmittedCopy",
]
