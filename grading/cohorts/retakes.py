"""Another attempt at the capstone, after a released result."""

from datetime import datetime

from sqlalchemy.orm import Session

from grading.cohorts import members, submissions
from grading.cohorts.queries import group_members
from grading.errors import Refused
from grading.ledger import audit
from grading.models import (
    Person,
    Submission,
)
from grading.workflow.cohort import CohortState
from grading.workflow.deadlines import end_of_day
from grading.workflow.submission import SubmissionState


def retakes_left(submission: Submission) -> int:
    """Count the retakes a learner still has after an attempt."""
    return max(submission.cohort.plan.retakes + 1 - submission.attempt, 0)


def retake(
    session: Session, learner: Person, submission: Submission, *, now: datetime
) -> Submission:
    """Begin a new attempt, from a copy of the released one's words, with a deadline of its own.

    Its readers have read no earlier attempt; the best result counts. It is the learner's own, whoever
    worked on the one before; where the plan has groups, others who may retake can be asked to join.

    Raises
    ------
    Refused
        Nothing is released, no retake is left, or one is under way.
    """
    members.own(session, learner, submission)
    cohort = submission.cohort
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort has ended. You can retake the capstone in a later one.")
    members.enrolled(session, learner, cohort, locked=True)
    newest = group_members.newest(session, cohort, learner.id)
    if newest is not submission:
        raise Refused("You have begun a retake already.")
    if submission.state != SubmissionState.RELEASED:
        raise Refused("There is no result to improve.")
    if not retakes_left(submission):
        raise Refused("You have used your retakes.")
    fresh = submissions.begin(
        session,
        learner,
        cohort,
        attempt=submission.attempt + 1,
        now=now,
        copied=submission,
        due_at=end_of_day(now, cohort.plan.retake_days, cohort.zone),
    )
    audit.record(
        session,
        learner,
        "submission:retake",
        fresh,
        now=now,
        after={"state": "draft", "attempt": fresh.attempt, "before": submission.id},
    )
    return fresh
