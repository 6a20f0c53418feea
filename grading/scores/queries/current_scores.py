"""The score in force of a work: the newest one."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from grading.models import Cohort, Score, Submission
from grading.workflow.submission import SubmissionState


def is_current() -> ColumnElement[bool]:
    """True of a `Score` than which its work has no newer one."""
    later = aliased(Score)
    return ~(
        exists()
        .where(later.submission_id == Score.submission_id, later.number > Score.number)
        .correlate_except(later)
    )


def current_score(session: Session, submission: Submission) -> Score | None:
    """Find the score of a work that is in force."""
    return session.scalar(select(Score).where(Score.submission_id == submission.id, is_current()))


def current_scores(
    session: Session, cohort: Cohort, states: Sequence[SubmissionState]
) -> list[tuple[Submission, Score]]:
    """List the works in some states with the score in force, oldest first."""
    rows = session.execute(
        select(Submission, Score)
        .join(Score, Score.submission_id == Submission.id)
        .where(Submission.cohort_id == cohort.id, Submission.state.in_(states), is_current())
        .order_by(Submission.submitted_at, Submission.id)
    )
    return [(work, score) for work, score in rows]
