"""From enrolment to a shared record: how many come how far, where they stop, how long it takes.

Nothing is told where it would tell of single people: a cohort of fewer than `ENOUGH` is left out whole,
and a step whose forerunner fewer reached is hidden.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import (
    Cohort,
    Completion,
    Course,
    CredentialRecord,
    Grade,
    Membership,
    ShareLink,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import in_force
from grading.programs.queries.course_standings import add_months
from grading.workflow.cohort import Role
from grading.workflow.deadlines import NO_ZONE, day_begins, local_day
from grading.workflow.group import MemberState
from grading.workflow.submission import SubmissionState

ENOUGH = 10


class Stage(StrEnum):
    """How far somebody has come; each includes the one before."""

    ENROLLED = "enrolled"
    ELIGIBLE = "eligible"
    SUBMITTED = "submitted"
    RELEASED = "released"
    PASSED = "passed"
    SHARED = "shared"


@dataclass(frozen=True)
class FunnelStep:
    """One stage.

    ``count`` and ``days`` (median from the stage before, in days) are None where too few are behind them.
    """

    stage: Stage
    count: int | None
    share: float | None
    days: float | None


@dataclass(frozen=True)
class Funnel:
    """The stages of a cohort, or of several together.

    ``people`` is how many there are; below `ENOUGH` every step is hidden. ``left_out`` counts the cohorts
    too small to be in it.
    """

    cohort: Cohort | None
    people: int
    steps: tuple[FunnelStep, ...]
    left_out: int = 0

    @property
    def enough(self) -> bool:
        return self.people >= ENOUGH

    @property
    def widest_loss(self) -> tuple[FunnelStep, FunnelStep, int] | None:
        """Give the two neighbouring steps between which most stop, and how many; None if none do."""
        losses = [
            (before, after, before.count - after.count)
            for before, after in zip(self.steps, self.steps[1:], strict=False)
            if before.count is not None and after.count is not None
        ]
        widest = max(losses, key=lambda loss: loss[2], default=None)
        return widest if widest is not None and widest[2] > 0 else None


Journey = dict[Stage, datetime]


def program_funnel(session: Session, program_id: str) -> tuple[Funnel, list[Funnel]]:
    """Give the program's funnel, and that of each cohort, in a fixed number of queries.

    The whole holds the cohorts that are large enough alone, so that the small ones cannot be worked out as
    a difference.
    """
    cohorts = list(
        session.scalars(
            select(Cohort)
            .where(Cohort.program_id == program_id)
            .order_by(Cohort.opens_at, Cohort.id)
        )
    )
    journeys = _journeys(session, program_id, cohorts)
    each = [_funnel(cohort, journeys[cohort.id]) for cohort in cohorts]
    large = [one for one in each if one.enough and one.cohort is not None]
    together = [journey for one in large if one.cohort for journey in journeys[one.cohort.id]]
    whole = _funnel(None, together, left_out=len(each) - len(large))
    return whole, each


def cohort_funnel(session: Session, cohort: Cohort) -> Funnel:
    """Give one cohort's funnel."""
    return _funnel(cohort, _journeys(session, cohort.program_id, [cohort])[cohort.id])


def _journeys(
    session: Session, program_id: str, cohorts: Sequence[Cohort]
) -> dict[str, list[Journey]]:
    ids = [cohort.id for cohort in cohorts]
    enrolled: dict[tuple[str, str], datetime] = {}
    for cohort_id, person, since in session.execute(
        select(Membership.cohort_id, Membership.person_id, Membership.since).where(
            Membership.cohort_id.in_(ids), Membership.role == Role.LEARNER
        )
    ):
        enrolled[cohort_id, person] = since
    submitted, released, passed = _attempts(session, ids)
    shared = _shared(session, program_id)
    required, completed = _completions(session, program_id)
    journeys: dict[str, list[Journey]] = {cohort.id: [] for cohort in cohorts}
    for cohort in cohorts:
        on = local_day(cohort.opens_at, cohort.zone)
        for (cohort_id, person), since in enrolled.items():
            if cohort_id != cohort.id:
                continue
            eligible = _eligible_at(required, completed.get(person, {}), on)
            reached = {
                Stage.ENROLLED: since,
                # Whoever had everything when they came was eligible from then on.
                Stage.ELIGIBLE: max(eligible, since) if eligible else None,
                Stage.SUBMITTED: submitted.get((cohort.id, person)),
                Stage.RELEASED: released.get((cohort.id, person)),
                Stage.PASSED: passed.get((cohort.id, person)),
                Stage.SHARED: shared.get(person),
            }
            journey: Journey = {}
            for stage, at in reached.items():
                if at is None:
                    break
                journey[stage] = at
            journeys[cohort.id].append(journey)
    return journeys


Times = dict[tuple[str, str], datetime]


def _attempts(session: Session, ids: Sequence[str]) -> tuple[Times, Times, Times]:
    submitted: Times = {}
    for cohort_id, person, at in session.execute(
        select(Submission.cohort_id, SubmissionMember.person_id, func.min(Submission.submitted_at))
        .join(SubmissionMember, SubmissionMember.submission_id == Submission.id)
        .where(
            Submission.cohort_id.in_(ids),
            SubmissionMember.state == MemberState.JOINED,
            Submission.state.not_in((SubmissionState.DRAFT, SubmissionState.WITHDRAWN)),
        )
        .group_by(Submission.cohort_id, SubmissionMember.person_id)
    ):
        if at is not None:
            submitted[cohort_id, person] = at
    released: Times = {}
    passed: Times = {}
    for cohort_id, person, at, good in session.execute(
        select(Submission.cohort_id, Grade.person_id, Grade.released_at, Grade.passed)
        .join(Grade, Grade.submission_id == Submission.id)
        .where(Submission.cohort_id.in_(ids), in_force())
        .order_by(Grade.released_at)
    ):
        released.setdefault((cohort_id, person), at)
        if good:
            passed.setdefault((cohort_id, person), at)
    return submitted, released, passed


def _shared(session: Session, program_id: str) -> dict[str, datetime]:
    """When each person first shared a record of the program, in any of the ways there are."""
    first_shared: dict[str, datetime] = {}
    for person, own, link in session.execute(
        select(
            CredentialRecord.person_id,
            func.min(CredentialRecord.shared_at),
            func.min(ShareLink.created_at),
        )
        .join(ShareLink, ShareLink.record_id == CredentialRecord.id, isouter=True)
        .where(CredentialRecord.program_id == program_id)
        .group_by(CredentialRecord.person_id)
    ):
        times = [at for at in (own, link) if at is not None]
        if times:
            first_shared[person] = min(times)
    return first_shared


def _completions(
    session: Session, program_id: str
) -> tuple[list[Course], dict[str, dict[str, date]]]:
    required = list(
        session.scalars(
            select(Course).where(Course.program_id == program_id, Course.required.is_(True))
        )
    )
    completed: dict[str, dict[str, date]] = {}
    for person, course, on in session.execute(
        select(Completion.person_id, Completion.course_id, Completion.completed_on).where(
            Completion.course_id.in_([course.id for course in required])
        )
    ):
        completed.setdefault(person, {})[course] = on
    return required, completed


def _eligible_at(
    required: Iterable[Course], completed: dict[str, date], opens_on: date
) -> datetime | None:
    """When the last required course was completed; None while one is missing or has run out."""
    last = date.min
    for course in required:
        on = completed.get(course.id)
        if on is None:
            return None
        if course.expires_months and add_months(on, course.expires_months) < opens_on:
            return None
        last = max(last, on)
    return day_begins(last, NO_ZONE)


def _funnel(cohort: Cohort | None, journeys: Sequence[Journey], *, left_out: int = 0) -> Funnel:
    steps: list[FunnelStep] = []
    behind: int = len(journeys)
    for index, stage in enumerate(Stage):
        count = sum(stage in journey for journey in journeys)
        if behind < ENOUGH:
            steps.append(FunnelStep(stage, None, None, None))
            continue
        before = list(Stage)[index - 1] if index else None
        spans = [
            (journey[stage] - journey[before]).total_seconds() / 86_400
            for journey in journeys
            if before is not None and stage in journey
        ]
        steps.append(
            FunnelStep(
                stage,
                count,
                count / len(journeys),
                max(median(spans), 0.0) if len(spans) >= ENOUGH else None,
            )
        )
        behind = count
    return Funnel(cohort, len(journeys), tuple(steps), left_out)
