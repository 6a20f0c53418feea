"""What a score comes to for a learner: lateness, points of their own, the program's scale."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.cohorts.queries import calendars, group_members
from grading.measurement.scoring.scale import graded
from grading.models import Cohort, MemberPoints, Score, Submission
from grading.workflow.deadlines import days_late

NOT_PASSED = "Not passed"

Line = dict[str, Any]


def points_lost(
    session: Session, submission: Submission, *, at: datetime | None = None
) -> tuple[int, float]:
    """Say how many days late a work is by its own deadline, and what that costs.

    Parameters
    ----------
    at : datetime, optional
        When it would be handed in; by default when it was.

    Returns
    -------
    days : int
        Calendar days of the cohort's zone, 0 within the grace or where lateness costs nothing.
    points : float
        Of 100, never more than the plan's most.
    """
    if not submission.cohort.plan.late_points:
        return 0, 0.0
    due_at, _closes_at = calendars.window(session, submission)
    return late_by(submission, due_at, at or submission.submitted_at)


def late_by(submission: Submission, due_at: datetime, at: datetime | None) -> tuple[int, float]:
    """Say the same of a work whose deadline is known already; never handed in is never late."""
    if at is None:
        return 0, 0.0
    cohort = submission.cohort
    plan = cohort.plan
    days = days_late(at, due_at, cohort.zone, timedelta(hours=plan.grace_hours))
    return days, min(days * plan.late_points, plan.late_points_most)


def on_plan_scale(
    session: Session,
    submission: Submission,
    score: Score,
    person_id: str,
    *,
    own: float | None = None,
) -> tuple[Decimal, str | None]:
    """Give the value that would be released to a member for a score, and its band.

    What lateness costs and what the member has more or fewer than the group is in it.

    Parameters
    ----------
    own : float, optional
        What the member would have more or fewer; by default what they have.
    """
    _days, lost = points_lost(session, submission)
    if own is None:
        given = group_members.points(session, submission, person_id)
        own = given.points if given else 0.0
    return on_bands(submission.cohort.plan.bands, score, lost, own)


def on_bands(
    bands: Sequence[tuple[float, str]], score: Score, lost: float, own: float
) -> tuple[Decimal, str | None]:
    """Round what is left of a score within 0 to 100, once, and name the band it reaches."""
    exact = min(max(score.composite - lost + own, 0.0), 100.0)
    return graded(exact, bands)


def line(
    submission_id: str, person_id: str, score: Score, value: Decimal, band: str | None
) -> Line:
    """Say what somebody signs of one result."""
    return {
        "submission": submission_id,
        "person": person_id,
        "score": score.id,
        "value": str(value),
        "band": band or NOT_PASSED,
    }


def listed(session: Session, cohort: Cohort, scores: Mapping[str, str]) -> list[Line]:
    """Say line by line what a release of some scores gives to whom, on the program's scale.

    Parameters
    ----------
    scores : dict
        Ids of scores by submission, in the order of the list.
    """
    found: dict[str, tuple[Submission, Score]] = {}
    for ids in batches(scores.values()):
        rows = session.execute(
            select(Submission, Score)
            .join(Score, Score.submission_id == Submission.id)
            .where(Score.id.in_(ids))
        )
        found |= {score.id: (submission, score) for submission, score in rows}
    people = group_members.by_submission(session, cohort)
    own = {
        (submission_id, person_id)
        for submission_id, person_id in session.execute(
            select(MemberPoints.submission_id, MemberPoints.person_id)
            .join(Submission, Submission.id == MemberPoints.submission_id)
            .where(Submission.cohort_id == cohort.id)
        )
    }
    plan = cohort.plan
    lines = []
    for submission_id, score_id in scores.items():
        submission, score = found[score_id]
        lost = points_lost(session, submission)[1] if plan.late_points else 0.0
        for person_id in sorted(people.get(submission_id, ())):
            more = (
                group_members.points(session, submission, person_id)
                if (submission_id, person_id) in own
                else None
            )
            value, band = on_bands(plan.bands, score, lost, more.points if more else 0.0)
            lines.append(line(submission_id, person_id, score, value, band))
    return lines
