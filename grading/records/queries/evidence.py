"""What stands behind a released grade: from its tables to the evidence that a credential commits to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.credential.evidence import GradeEvidence, chain_digest, decision_probability
from grading.models import (
    Allocation,
    Appeal,
    AuditEntry,
    AuditHead,
    Discrepancy,
    Grade,
    MisconductCase,
    SubmittedCopy,
)
from grading.people.queries import identity_checks
from grading.workflow.credential import IdentityAssurance


def audit_entries(
    session: Session, grade: Grade, *, through: int | None = None
) -> Sequence[AuditEntry]:
    """List the entries that led to a grade, in the order of the cohort's chain.

    Those about the submission, its readings, cases and appeals, and the release.

    Parameters
    ----------
    through : int, optional
        The last number that is looked at; by default all.
    """
    submission = grade.submission
    subjects = {submission.id, grade.id, grade.release_id}
    for model in (Allocation, Discrepancy, Appeal, MisconductCase):
        subjects |= set(
            session.scalars(select(model.id).where(model.submission_id == submission.id))
        )
    statement = (
        select(AuditEntry)
        .where(AuditEntry.chain == submission.cohort_id, AuditEntry.subject_id.in_(subjects))
        .order_by(AuditEntry.number)
    )
    if through is not None:
        statement = statement.where(AuditEntry.number <= through)
    return session.scalars(statement).all()


def gather(session: Session, grade: Grade, *, salt: str, now: datetime) -> GradeEvidence:
    """Gather a grade's evidence, with the identity checks that were known at an instant."""
    submission, score, detail = grade.submission, grade.score, grade.detail
    copy = session.scalar(
        select(SubmittedCopy)
        .where(
            SubmittedCopy.submission_id == submission.id, SubmittedCopy.digest == submission.digest
        )
        .order_by(SubmittedCopy.number.desc())
        .limit(1)
    )
    head = session.get(AuditHead, submission.cohort_id)
    entries = audit_entries(session, grade)
    check = identity_checks.check_behind(session, submission, grade.person_id, known_at=now)
    lost = detail.get("late", {}).get("points", 0.0)
    own_points = detail.get("own_points", {}).get("points", 0.0)
    return GradeEvidence(
        salt=salt,
        submission=submission.digest or "",
        statement=copy.statement if copy else None,
        rubric=detail["rubric"],
        plan=detail["plan"],
        method=score.method,
        raters={"professional": score.professionals, "peer": score.peers},
        ratings=tuple(score.rating_ids),
        composite=score.composite,
        standard_error=score.standard_error,
        decision=decision_probability(
            score.composite - lost + own_points,
            detail["scale"]["cut"],
            score.standard_error,
            score.professionals,
        ),
        assurance={
            "how": check.how if check else str(IdentityAssurance.ATTESTED),
            "check": check.id if check else None,
            "on": check.at.date().isoformat() if check else None,
        },
        audit={
            "chain": submission.cohort_id,
            "through": head.count if head else 0,
            "entries": len(entries),
            "digest": chain_digest(entry.hash for entry in entries),
        },
    )
