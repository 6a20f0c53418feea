"""What waits for learners and peers."""

from datetime import datetime

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars
from grading.models import (
    Allocation,
    Appeal,
    Grade,
    GradeSeen,
    MisconductCase,
    Objection,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import in_force, is_member
from grading.office.needs.base import LEARNS, REVIEWS, Kind, Need, PersonParts
from grading.programs.queries import course_standings
from grading.workflow.allocation import ATTEMPTED, HELD, AllocationState, Pool
from grading.workflow.appeal import PENDING, AppealState
from grading.workflow.capstone_page import Moment, result_comes, situation_of
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import appeal_window, extended, shifted
from grading.workflow.group import PRESENT, MemberState, ObjectionState
from grading.workflow.misconduct import MisconductState
from grading.workflow.submission import SubmissionState


def to_submit(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """A project to hand in, or the courses that come before it."""
    ids = me.having(*LEARNS)
    latest = _latest_works(session, me)
    works = calendars.days_of_works(
        session, Submission.id.in_([one.id for one, _ in latest.values()])
    )
    missing = course_standings.missing_in(session, [me.cohorts[one] for one in ids], me.person.id)
    needs = []
    for cohort_id in ids:
        cohort = me.cohorts[cohort_id]
        mine, part = latest.get(cohort_id, (None, MemberState.JOINED))
        own = me.calendar(cohort_id)
        if mine is not None:
            own = extended(calendars.of_cohort(cohort), works.get(mine.id, 0), cohort.zone)
        due, closes = own.due_at, own.closes_at
        if mine is not None and mine.due_at is not None:
            due = closes = shifted(mine.due_at, works.get(mine.id, 0), cohort.zone)
        waits = mine is None or (mine.state == SubmissionState.DRAFT and part == MemberState.JOINED)
        if not waits or not own.opens_at <= now <= closes:
            continue
        titles = tuple(course.title for course in missing[cohort_id])
        needs.append(
            Need(
                Kind.COMPLETE_COURSES if titles else Kind.SUBMIT,
                Role.LEARNER,
                cohort,
                due if now <= due else closes,
                titles=titles,
                count=mine.attempt if mine else 1,
            )
        )
    return needs


def to_review(session: Session, me: PersonParts, now: datetime) -> list[Need]:
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
        me.need(
            Kind.REVIEW,
            cohort_id,
            REVIEWS,
            me.calendar(cohort_id).peers_due_at,
            count=count,
        )
        for cohort_id, count in rows
        if now <= me.calendar(cohort_id).peers_due_at
    ]


def results(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """A result not yet read; or one that was, while it can be appealed."""
    ids = me.having(*LEARNS) + me.having(*LEARNS, state=CohortState.ENDED)
    rows = session.execute(
        select(Submission, Grade, GradeSeen.at)
        .join(Grade, Grade.submission_id == Submission.id)
        .join(GradeSeen, GradeSeen.grade_id == Grade.id, isouter=True)
        .where(Submission.cohort_id.in_(ids), Grade.person_id == me.person.id, in_force())
        .order_by(Grade.released_at)
    ).all()
    appealed: set[str] = set()
    spent: dict[str, int] = {}
    for appeal in session.scalars(
        select(Appeal).where(
            Appeal.cohort_id.in_(ids),
            or_(
                Appeal.learner_id == me.person.id, is_member(me.person.id, of=Appeal.submission_id)
            ),
        )
    ):
        # One of the group at a time.
        if appeal.state in PENDING:
            appealed.add(appeal.submission_id)
        if appeal.learner_id != me.person.id:
            continue
        if appeal.state != AppealState.WITHDRAWN:
            appealed.add(appeal.grade_id)
        if appeal.state not in (AppealState.UPHELD, AppealState.WITHDRAWN):
            spent[appeal.cohort_id] = spent.get(appeal.cohort_id, 0) + 1
    needs = []
    for submission, grade, seen_at in rows:
        cohort = me.cohorts[submission.cohort_id]
        plan = cohort.plan
        opens, ends = appeal_window(grade.released_at, plan, cohort.zone)
        can = (
            cohort.state == CohortState.OPEN
            and submission.state == SubmissionState.RELEASED
            and appealed.isdisjoint((grade.id, submission.id))
            and spent.get(cohort.id, 0) < plan.appeal_tokens
        )
        if seen_at is None:
            by = ends if can and now <= ends else None
            needs.append(
                me.need(Kind.RESULT, cohort.id, LEARNS, by, target=str(submission.attempt))
            )
        elif can and opens <= now <= ends:
            needs.append(Need(Kind.APPEAL_WINDOW, Role.LEARNER, cohort, ends))
    return needs


def _latest_works(session: Session, me: PersonParts) -> dict[str, tuple[Submission, str]]:
    """Find a person's latest work in each cohort, and the state of their part in it."""
    rows = session.execute(
        select(Submission, SubmissionMember.state)
        .join(SubmissionMember, SubmissionMember.submission_id == Submission.id)
        .where(
            Submission.cohort_id.in_(me.having(*LEARNS)),
            SubmissionMember.person_id == me.person.id,
            SubmissionMember.state.in_(PRESENT),
        )
        .order_by(Submission.attempt)
    )
    return {work.cohort_id: (work, part) for work, part in rows}


def awaiting_result(session: Session, me: PersonParts, now: datetime) -> frozenset[str]:
    """List the cohorts in which a result of a learner's is still to come; one query."""
    latest = _latest_works(session, me)
    awaiting = []
    for cohort_id in me.having(*LEARNS):
        work, part = latest.get(cohort_id, (None, None))
        own = me.calendar(cohort_id)
        closes = work.due_at if work and work.due_at else own.closes_at
        situation = situation_of(
            SubmissionState(work.state) if work else None, MemberState(part) if part else None
        )
        if result_comes(situation, Moment.OPEN if now <= closes else Moment.CLOSED):
            awaiting.append(cohort_id)
    return frozenset(awaiting)


def hearings(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """A suspicion to answer."""
    rows = session.scalars(
        select(MisconductCase)
        .join(Submission, Submission.id == MisconductCase.submission_id)
        .where(
            MisconductCase.cohort_id.in_(me.having(*LEARNS)),
            MisconductCase.state == MisconductState.HEARING,
            is_member(me.person.id),
        )
    )
    return [
        me.need(Kind.HEARING, found.cohort_id, (Role.LEARNER,), found.answer_by) for found in rows
    ]


def group(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """A group one is asked to join; or what was handed in for one's group, while one can object."""
    objected = exists(
        select(Objection.id).where(
            Objection.submission_id == Submission.id,
            Objection.person_id == me.person.id,
            Objection.state == ObjectionState.OPEN,
        )
    )
    rows = session.execute(
        select(Submission, SubmissionMember.state)
        .join(SubmissionMember, SubmissionMember.submission_id == Submission.id)
        .where(
            Submission.cohort_id.in_(me.having(*LEARNS)),
            SubmissionMember.person_id == me.person.id,
            or_(
                and_(
                    SubmissionMember.state == MemberState.INVITED,
                    Submission.state == SubmissionState.DRAFT,
                ),
                and_(
                    SubmissionMember.state == MemberState.JOINED,
                    Submission.state.in_((SubmissionState.CONTESTABLE, SubmissionState.CONTESTED)),
                    Submission.objections_until >= now,
                    ~objected,
                ),
            ),
        )
        .order_by(SubmissionMember.since)
    ).all()
    asked = [one.id for one, part in rows if part == MemberState.INVITED]
    days = calendars.days_of_works(session, Submission.id.in_(asked)) if asked else {}
    found = []
    for work, part in rows:
        cohort = me.cohorts[work.cohort_id]
        if part == MemberState.JOINED:
            found.append(Need(Kind.OBJECTION_WINDOW, Role.LEARNER, cohort, work.objections_until))
            continue
        more = days.get(work.id, 0)
        due = shifted(work.due_at or cohort.due_at, more, cohort.zone)
        closes = shifted(work.due_at or cohort.closes_at, more, cohort.zone)
        if now <= closes:
            by = due if now <= due else closes
            found.append(Need(Kind.INVITATION, Role.LEARNER, cohort, by))
    return found
