"""Every table of the service; importing this loads no Flask."""

from grading.models.audit import AuditEntry, AuditHead
from grading.models.base import Base
from grading.models.cohort import (
    Cohort,
    ConflictOfInterest,
    Exposure,
    Membership,
    PlanVersion,
)
from grading.models.job import Job, JobState
from grading.models.person import PasswordReset, Person, SignInAttempt
from grading.models.program import Brief, Completion, Course, Program, RubricVersion, Sponsor
from grading.models.record import CredentialRecord, RecordEntry
from grading.models.release import Grade, Release, ReleaseItem, SignOff
from grading.models.review import Allocation, Rating, Review
from grading.models.score import Discrepancy, Score
from grading.models.submission import Submission, SubmissionFile, SubmittedCopy

__all__ = [
    "Allocation",
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
    "Exposure",
    "Grade",
    "Job",
    "JobState",
    "Membership",
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
    "Submission",
    "SubmissionFile",
    "SubmittedCopy",
]
