"""What waits for learners and peers."""

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from grading.models import (
    Allocation,
    Appeal,
    Grade,
    GradeSeen,
    MisconductCase,
    Submission,
)
from grading.queries import eligibility
from grading.queries.grades import in_force
from grading.queries.needs.base import LEARNS, REVIEWS, Kind, Need, Who
from grading.workflow.allocation import ATTEMPTED, HELD, AllocationState, Pool
from grading.workflow.appeal import AppealState
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import shifted
from grading.workflow.misconduct import MisconductState
from grading.workflow.submission import SubmissionState


def to_submit(session: Session, me: Who, now: datetime) -> list[Need]:
    """A project to hand in, or the courses that come before it."""
    ids = me.having(*LEARNS)
    latest: dict[str, Submission] = {}
    for submission in session.scalars(
        select(Submission)
        .where(Submission.cohort_id.in_(ids), Submission.learner_id == me.person.id)
        .order_by(Submission.attempt)
    ):
        latest[submission.cohort_id] = submission
    missing = eligibility.missing_in(session, [me.cohorts[one] for one in ids], me.person.id)
    found = []
    for cohort_id in ids:
        cohort, mine = me.cohorts[cohort_id], latest.get(cohort_id)
        own = me.calendar(cohort_id)
        due, closes = own.due_at, own.closes_at
        if mine is not None and mine.due_at is not None:
            due = closes = shifted(mine.due_at, me.days.get(cohort_id, 0), cohort.zone)
        waits = mine is None or mine.state == SubmissionState.DRAFT
        if not waits or not own.opens_at <= now <= closes:
            continue
        titles = tuple(course.title for course in missing[cohort_id])
        found.append(
            Need(
                Kind.COMPLETE_COURSES if titles else Kind.SUBMIT,
                Role.LEARNER,
                cohort,
                due if now <= due else closes,
                titles=titles,
                count=mine.attempt if mine else 1,
            )
        )
    return found


def to_review(session: Session, me: Who, now: datetime) -> list[Need]:
    """Projects of others to review."""
    rows = session.execute(
        select(Allocation.cohort_id, func.count())
        .where(
            Allocation.cohort_id.in_(me.having(*REVIEWS)),
            Allocation.rater_id == me.person.id,
            Allocation.pool == Pool.PEER,
            Allocation.purpose.not_in(ATTEMPTED),
            or_(
                Allocation.state.in_(HELD),
                and_(Allocation.state == AllocationState.LAPSED, Allocation.replaced.is_(False)),
            ),
        )
        .group_by(Allocation.cohort_id)
    )
    return [
        Need(
            Kind.REVIEW,
            me.role(cohort_id, *REVIEWS),
            me.cohorts[cohort_id],
            me.calendar(cohort_id).peers_due_at,
            count=count,
        )
        for cohort_id, count in rows
        if now <= me.calendar(cohort_id).peers_due_at
    ]


def results(session: Session, me: Who, now: datetime) -> list[Need]:
    """A result not yet read; or one that was, while it can be appealed."""
    ids = me.having(*LEARNS) + me.having(*LEARNS, state=CohortState.ENDED)
    rows = session.execute(
        select(Submission, Grade, GradeSeen.at)
        .join(Grade, Grade.submission_id == Submission.id)
        .join(GradeSeen, GradeSeen.grade_id == Grade.id, isouter=True)
        .where(Submission.cohort_id.in_(ids), Submission.learner_id == me.person.id, in_force())
        .order_by(Grade.released_at)
    ).all()
    appealed: dict[str, int] = {}
    spent: dict[str, int] = {}
    for cohort_id, grade_id, state in session.execute(
        select(Appeal.cohort_id, Appeal.grade_id, Appeal.state).where(
            Appeal.cohort_id.in_(ids), Appeal.learner_id == me.person.id
        )
    ):
        if state != AppealState.WITHDRAWN:
            appealed[grade_id] = 1
        if state not in (AppealState.UPHELD, AppealState.WITHDRAWN):
            spent[cohort_id] = spent.get(cohort_id, 0) + 1
    found = []
    for submission, grade, seen_at in rows:
        cohort = me.cohorts[submission.cohort_id]
        plan = cohort.plan
        ends = grade.released_at + timedelta(days=plan.appeal_days)
        opens = grade.released_at + timedelta(hours=plan.appeal_wait_hours)
        can = (
            cohort.state == CohortState.OPEN
            and submission.state == SubmissionState.RELEASED
            and grade.id not in appealed
            and spent.get(cohort.id, 0) < plan.appeal_tokens
        )
        if seen_at is None:
            by = ends if can and now <= ends else None
            found.append(
                Need(Kind.RESULT, Role.LEARNER, cohort, by, target=str(submission.attempt))
            )
        elif can and opens <= now <= ends:
            found.append(Need(Kind.APPEAL_WINDOW, Role.LEARNER, cohort, ends))
    return found


def has_result(session: Session, me: Who) -> frozenset[str]:
    """List the cohorts in which a person's result is released."""
    return frozenset(
        session.scalars(
            select(Submission.cohort_id)
            .join(Grade, Grade.submission_id == Submission.id)
            .where(Submission.learner_id == me.person.id)
            .distinct()
        )
    )


def hearings(session: Session, me: Who, now: datetime) -> list[Need]:
    """A suspicion to answer."""
    rows = session.scalars(
        select(MisconductCase)
        .join(Submission, Submission.id == MisconductCase.submission_id)
        .where(
            MisconductCase.cohort_id.in_(me.having(*LEARNS)),
            MisconductCase.state == MisconductState.HEARING,
            Submission.learner_id == me.person.id,
        )
    )
    return [
        Need(Kind.HEARING, Role.LEARNER, me.cohorts[found.cohort_id], found.answer_by)
        for found in rows
    ]
