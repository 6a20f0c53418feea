"""What waits for those who read: items, appeals to decide, questions to answer."""

from datetime import datetime

from sqlalchemy import and_, false, func, or_, select
from sqlalchemy.orm import Session

from grading.models import (
    Allocation,
    Appeal,
    Explanation,
    Submission,
)
from grading.models.conditions import is_member
from grading.office.needs.base import READS, SETTLES, Kind, Need, PersonParts
from grading.readings import holds
from grading.readings.eligibility import gradable
from grading.readings.queries import standings
from grading.workflow.allocation import ATTEMPTED, THIRD_READINGS, AllocationState, Pool
from grading.workflow.appeal import AppealState, ExplanationState
from grading.workflow.cohort import Role
from grading.workflow.group import TOOK_PART


def to_read(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """A professional's items: begun ones with the end of their hold, given ones, open ones."""
    ids = me.having(*READS)
    mine = (
        Allocation.cohort_id.in_(ids),
        Allocation.rater_id == me.person.id,
        Allocation.pool == Pool.PROFESSIONAL,
        ~standings.is_paused(me.person.id, Allocation.cohort_id),
    )
    third = Allocation.purpose.in_(THIRD_READINGS)
    ended = (
        Allocation.state == AllocationState.LAPSED,
        Allocation.begun_at.is_not(None),
        Allocation.replaced.is_(False),
        Allocation.covers_until > now,
    )
    rows = session.execute(
        select(Allocation, Appeal.decide_by)
        .join(Submission, Submission.id == Allocation.submission_id)
        .join(Appeal, Appeal.allocation_id == Allocation.id, isouter=True)
        .where(
            *mine,
            Allocation.purpose.not_in(ATTEMPTED),
            gradable(),
            or_(
                Allocation.state == AllocationState.BEGUN,
                and_(*ended),
                and_(Allocation.state == AllocationState.ALLOCATED, third),
            ),
        )
        .order_by(Allocation.hold_until, Allocation.id)
        .limit(50)
    )
    needs = []
    for item, decide_by in rows:
        if item.state == AllocationState.LAPSED:
            kind, by = Kind.HOLD_ENDED, item.covers_until
        elif item.state == AllocationState.BEGUN:
            kind, by = Kind.ITEM_BEGUN, item.hold_until
        else:
            kind, by = Kind.THIRD_READING, item.hold_until or decide_by
        needs.append(
            me.need(
                kind,
                item.cohort_id,
                READS,
                by,
                target=item.id,
                code=item.blind_code,
            )
        )
    return needs + _items_given(session, me, mine) + _items_open(session, me, now)


def _items_given(session: Session, me: PersonParts, mine: tuple[object, ...]) -> list[Need]:
    rows = session.execute(
        select(Allocation.cohort_id, func.count())
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            *mine,  # type: ignore[arg-type]  # conditions of the caller
            gradable(),
            Allocation.state == AllocationState.ALLOCATED,
            Allocation.purpose.not_in((*THIRD_READINGS, *ATTEMPTED)),
        )
        .group_by(Allocation.cohort_id)
    )
    return me.counted(Kind.ITEMS_GIVEN, READS, rows, "grading_due_at")


def _items_open(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Open items that a claim would give a grader now."""
    rows = session.execute(
        select(Allocation.cohort_id, func.count(), func.min(Appeal.decide_by))
        .join(Submission, Submission.id == Allocation.submission_id)
        .join(Appeal, Appeal.allocation_id == Allocation.id, isouter=True)
        .where(
            or_(
                false(),
                *(
                    holds.claimable(me.person, me.cohorts[cohort_id], now)
                    for cohort_id in me.having(Role.GRADER)
                ),
            ),
        )
        .group_by(Allocation.cohort_id)
    )
    return [
        me.need(
            Kind.ITEMS_OPEN,
            cohort_id,
            (Role.GRADER,),
            decide_by or me.cohorts[cohort_id].grading_due_at,
            count=count,
        )
        for cohort_id, count, decide_by in rows
    ]


def to_decide(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Appeals whose re-mark is there: whoever gave it decides; not blind, whoever settles disputes."""
    rows = session.scalars(
        select(Appeal)
        .join(Allocation, Allocation.id == Appeal.allocation_id, isouter=True)
        .where(
            Appeal.state == AppealState.REMARKED,
            ~is_member(me.person.id, TOOK_PART, of=Appeal.submission_id),
            or_(
                and_(
                    Appeal.blind.is_(True),
                    Appeal.cohort_id.in_(me.having(*READS)),
                    Allocation.rater_id == me.person.id,
                ),
                and_(Appeal.blind.is_(False), Appeal.cohort_id.in_(me.having(*SETTLES))),
            ),
        )
        .order_by(Appeal.decide_by)
        .limit(50)
    )
    return [
        me.need(
            Kind.APPEAL_DECIDE,
            found.cohort_id,
            READS,
            found.decide_by,
            target=found.id,
        )
        for found in rows
    ]


def questions(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Questions about results: one's own to answer; for whoever settles disputes, those left alone."""
    staff = me.having(*SETTLES)
    rows = session.scalars(
        select(Explanation)
        .where(
            Explanation.state == ExplanationState.OPEN,
            ~is_member(me.person.id, TOOK_PART, of=Explanation.submission_id),
            or_(
                and_(
                    Explanation.cohort_id.in_(me.having(*READS)),
                    Explanation.owner_id == me.person.id,
                ),
                and_(
                    Explanation.cohort_id.in_(staff),
                    or_(Explanation.owner_id.is_(None), Explanation.answer_by < now),
                ),
            ),
        )
        .order_by(Explanation.answer_by)
        .limit(50)
    )
    needs = []
    left: dict[str, list[Explanation]] = {}
    for question in rows:
        if question.owner_id == me.person.id:
            needs.append(
                me.need(
                    Kind.QUESTION,
                    question.cohort_id,
                    READS,
                    question.answer_by,
                    target=question.id,
                )
            )
        else:
            left.setdefault(question.cohort_id, []).append(question)
    for cohort_id, several in left.items():
        needs.append(
            me.need(
                Kind.QUESTIONS_OPEN,
                cohort_id,
                SETTLES,
                min(question.answer_by for question in several),
                count=len(several),
            )
        )
    return needs
