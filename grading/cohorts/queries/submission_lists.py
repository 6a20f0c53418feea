"""A cohort's submissions as its staff list them, and the cohorts that somebody looks after."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Cohort, Membership, Submission
from grading.models.conditions import takes_part
from grading.paging import Page, page_of
from grading.workflow.cohort import Role
from grading.workflow.submission import SubmissionState

STAFF = (Role.INSTRUCTOR, Role.LEAD, Role.COORDINATOR, Role.OBSERVER)


def staff_cohorts(session: Session, person_id: str) -> Sequence[Cohort]:
    """List the cohorts a person teaches or looks after, newest first."""
    mine = select(Membership.cohort_id).where(
        takes_part(*STAFF, person_id=person_id),
    )
    return list(
        session.scalars(select(Cohort).where(Cohort.id.in_(mine)).order_by(Cohort.opens_at.desc()))
    )


def submission_counts(session: Session, cohort: Cohort) -> dict[str, int]:
    """Count submissions by state."""
    rows = session.execute(
        select(Submission.state, func.count())
        .where(Submission.cohort_id == cohort.id, Submission.state != SubmissionState.ANCHOR)
        .group_by(Submission.state)
    )
    return {str(state): count for state, count in rows}


def submissions_page(
    session: Session, cohort: Cohort, *, state: str | None, page: int
) -> Page[Submission]:
    """Give one page of submissions, by code rather than by time."""
    condition = [Submission.cohort_id == cohort.id, Submission.state != SubmissionState.ANCHOR]
    if state:
        condition.append(Submission.state == state)
    return page_of(
        session, select(Submission).where(*condition).order_by(func.md5(Submission.id)), page
    )
