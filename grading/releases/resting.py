"""What a grade rests on, row by row, held against what the audit chain sealed of it."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grading.ledger import verifying
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    Grade,
    MemberPoints,
    PlanVersion,
    Rating,
    Release,
    RubricVersion,
    Score,
    Submission,
    SubmissionMember,
)


def faults(session: Session, grade: Grade) -> Sequence[str]:
    """Say which rows that a grade rests on are not as they were sealed; empty when all are."""
    work, cohort = grade.submission, grade.submission.cohort
    sheets = select(Rating.allocation_id).where(Rating.id.in_(grade.score.rating_ids))
    of_work = {
        model: list(session.scalars(select(model.id).where(model.submission_id == work.id)))
        for model in (Appeal, Grade, MemberPoints, Score, SubmissionMember)
    }
    return verifying.row_faults(
        session,
        of_work
        | {
            Submission: [work.id],
            Allocation: session.scalars(
                select(Allocation.id).where(
                    or_(Allocation.submission_id == work.id, Allocation.id.in_(sheets))
                )
            ),
            Release: [grade.release_id],
            Cohort: [cohort.id],
            PlanVersion: [plan.id for plan in cohort.plans],
            RubricVersion: [cohort.rubric_version_id],
        },
    )
