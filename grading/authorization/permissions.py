"""Everything that may be permitted, ``resource:action``."""

from enum import StrEnum


class Permission(StrEnum):
    SIGNED_OUT = "anyone"
    SIGNED_IN = "account:use"
    SUBMISSION_WRITE = "submission:write"
    RESULT_READ = "result:read"
    REVIEW_PEER = "review:peer"
    REVIEW_PROFESSIONAL = "review:professional"
    COHORT_READ = "cohort:read"
    COHORT_MANAGE = "cohort:manage"
    LEARNERS_READ = "learners:read"
    SCORES_READ = "scores:read"
    CALIBRATE = "calibration:lead"
    MONITOR = "monitoring:lead"
    ADJUDICATE = "disputed:adjudicate"
    MISCONDUCT = "misconduct:decide"
    EXTEND = "extension:grant"
    IDENTITY_CHECK = "identity:check"
    RELEASE = "grade:release"
    AUDIT_READ = "audit:read"
    OFFICE_USE = "office:use"
    PROGRAM_MANAGE = "program:manage"
    FUNNEL_READ = "funnel:read"
    SERVICE_MANAGE = "service:manage"
