"""What a score comes to for a learner: lateness, points of their own, the program's scale.

A `ReleaseLine` is worked out here once for an act. People sign it, and grades are made from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.cohorts.queries import calendars, group_members
from grading.measurement.scoring.scale import Graded, graded
from grading.models import Score, Submission
from grading.phrases import phrase
from grading.workflow.deadlines import days_late

NOT_PASSED = phrase("Not passed")


class Lateness(NamedTuple):
    """Calendar days of the cohort's zone that a work is late, and the points of 100 that it loses."""

    days: int
    points: float


NOT_LATE = Lateness(0, 0.0)


@dataclass(frozen=True)
class ReleaseLine:
    """What one member of a work is given for a score.

    Attributes
    ----------
    value, band
        On the program's scale; no band below the lowest.
    late : Lateness
    own_points : float
        What the member has more or fewer than the group.
    """

    submission_id: str
    person_id: str
    score_id: str
    value: Decimal
    band: str | None
    late: Lateness
    own_points: float

    def to_json(self) -> dict[str, str]:
        """Give what somebody signs of it."""
        return {
            "submission": self.submission_id,
            "person": self.person_id,
            "score": self.score_id,
            "value": str(self.value),
            "band": self.band or NOT_PASSED,
        }


def signed_form(lines: Sequence[ReleaseLine]) -> list[dict[str, str]]:
    """Give lines as they are put before somebody to sign."""
    return [line.to_json() for line in lines]


def points_lost(
    session: Session,
    submission: Submission,
    *,
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> Lateness:
    """Say how late a work is by its own deadline, and what that costs.

    Nothing within the grace, where lateness costs nothing, or for a work that was never handed in; never more
    points than the plan's most.

    Parameters
    ----------
    at : datetime, optional
        When it would be handed in; by default when it was.
    known_at : datetime, optional
        By the dates as they were then; by default as they are.
    """
    if not submission.cohort.plan.late_points:
        return NOT_LATE
    due_at, _closes_at = calendars.window(session, submission, at=known_at)
    return _late_by(submission, due_at, at or submission.submitted_at)


def _late_by(submission: Submission, due_at: datetime, at: datetime | None) -> Lateness:
    if at is None:
        return NOT_LATE
    cohort = submission.cohort
    plan = cohort.plan
    days = days_late(at, due_at, cohort.zone, timedelta(hours=plan.grace_hours))
    return Lateness(days, min(days * plan.late_points, plan.late_points_most))


def on_bands(
    bands: Sequence[tuple[float, str]], composite: float, *, late_points: float, own_points: float
) -> Graded:
    """Round what is left of a composite within 0 to 100, once, and name the band it reaches."""
    return graded(min(max(composite - late_points + own_points, 0.0), 100.0), bands)


def _line(
    submission: Submission, person_id: str, score: Score, late: Lateness, own_points: float
) -> ReleaseLine:
    value, band = on_bands(
        submission.cohort.plan.bands,
        score.composite,
        late_points=late.points,
        own_points=own_points,
    )
    return ReleaseLine(submission.id, person_id, score.id, value, band, late, own_points)


def release_line(
    session: Session,
    submission: Submission,
    score: Score,
    person_id: str,
    *,
    own_points: float | None = None,
) -> ReleaseLine:
    """Work out what one member would be given for a score.

    Parameters
    ----------
    own_points : float, optional
        What the member would have more or fewer; by default what they have.
    """
    if own_points is None:
        given = group_members.points(session, submission, person_id)
        own_points = given.points if given else 0.0
    return _line(submission, person_id, score, points_lost(session, submission), own_points)


def release_lines(session: Session, scores: Mapping[str, str]) -> list[ReleaseLine]:
    """Work out what a release of some scores gives to whom, in a fixed number of queries.

    Parameters
    ----------
    scores : mapping
        Ids of scores by submission; their order is that of the lines, members of a work by their id.
    """
    scored: dict[str, tuple[Submission, Score]] = {}
    for ids in batches(scores.values()):
        rows = session.execute(
            select(Submission, Score)
            .join(Score, Score.submission_id == Submission.id)
            .where(Score.id.in_(ids))
        )
        scored |= {submission.id: (submission, score) for submission, score in rows}
    works = [submission for submission, _score in scored.values()]
    late_works = [work for work in works if work.cohort.plan.late_points]
    due = calendars.due_dates(session, late_works) if late_works else {}
    members = group_members.people_of(session, works)
    points = group_members.points_of(session, scored)
    lines = []
    for submission_id in scores:
        submission, score = scored[submission_id]
        late = (
            _late_by(submission, due[submission_id], submission.submitted_at)
            if submission_id in due
            else NOT_LATE
        )
        for person_id in sorted(person.id for person in members[submission_id]):
            own = points.get((submission_id, person_id))
            lines.append(_line(submission, person_id, score, late, own.points if own else 0.0))
    return lines
