"""What waits about standards: examples to mark and agree, alarms and pauses to answer, calibration to do."""

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from grading.models import (
    Alarm,
    AnchorMarking,
    AnchorPaper,
    Cohort,
    QueuePause,
)
from grading.models.conditions import is_member
from grading.office.needs.base import SETTLES, Kind, Need, PersonParts
from grading.readings import calibration
from grading.readings.queries import clearances, standings
from grading.workflow.calibration import AnchorState
from grading.workflow.cohort import Role
from grading.workflow.group import TOOK_PART
from grading.workflow.monitoring import AlarmState


def examples(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Examples that a lead can mark blind, and those that the two who marked them are to agree on."""
    ids = me.having(*SETTLES)
    marked = exists().where(
        AnchorMarking.anchor_id == AnchorPaper.id, AnchorMarking.person_id == me.person.id
    )
    needs = []
    for kind, condition in (
        (Kind.EXAMPLE_MARK, (AnchorPaper.state == AnchorState.PROPOSED) & ~marked),
        (Kind.EXAMPLE_AGREE, (AnchorPaper.state == AnchorState.MARKED) & marked),
    ):
        rows = session.execute(
            select(AnchorPaper.cohort_id, func.count())
            .where(
                AnchorPaper.cohort_id.in_(ids),
                condition,
                ~is_member(me.person.id, TOOK_PART, of=AnchorPaper.submission_id),
            )
            .group_by(AnchorPaper.cohort_id)
        )
        needs += me.counted(kind, SETTLES, rows)
    return needs


def graders(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Alarms, and pauses whose answer is owed; what concerns oneself another lead answers."""
    ids = me.having(*SETTLES)
    alarms = session.execute(
        select(Alarm.cohort_id, func.count())
        .where(
            Alarm.cohort_id.in_(ids),
            Alarm.state == AlarmState.OPEN,
            Alarm.person_id != me.person.id,
        )
        .group_by(Alarm.cohort_id)
    )
    found = me.counted(Kind.ALARM, SETTLES, alarms)
    pauses = session.execute(
        select(QueuePause.cohort_id, func.count(), func.min(QueuePause.answer_by))
        .where(
            QueuePause.cohort_id.in_(ids),
            QueuePause.ended_at.is_(None),
            QueuePause.person_id != me.person.id,
        )
        .group_by(QueuePause.cohort_id)
    )
    return found + [
        me.need(
            Kind.PAUSE_ANSWER,
            cohort_id,
            SETTLES,
            by,
            count=count,
        )
        for cohort_id, count, by in pauses
    ]


def to_calibrate(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Cohorts in which a grader is not cleared, and can do something about it now."""
    return [
        me.need(Kind.CALIBRATE, cohort_id, (Role.GRADER,), _by(me.cohorts[cohort_id], now))
        for cohort_id in _requiring(me, Role.GRADER)
        if not standings.cleared(session, me.cohorts[cohort_id], [me.person], now)
        and calibration.can_go_on(session, me.cohorts[cohort_id], me.person, now=now)
    ]


def to_clear(session: Session, me: PersonParts, now: datetime) -> list[Need]:
    """Graders who are not cleared to the end of grading, and cannot become so by themselves any more."""
    needs = []
    for cohort_id in _requiring(me, *SETTLES):
        stuck = clearances.stuck(session, me.cohorts[cohort_id], now=now)
        if count := len(stuck.keys() - {me.person.id}):
            needs.append(
                me.need(
                    Kind.CLEARANCE,
                    cohort_id,
                    SETTLES,
                    _by(me.cohorts[cohort_id], now),
                    count=count,
                )
            )
    return needs


def _requiring(me: PersonParts, *roles: Role) -> list[str]:
    return [
        cohort_id
        for cohort_id in me.having(*roles)
        if me.cohorts[cohort_id].plan.calibration == "required"
    ]


def _by(cohort: Cohort, now: datetime) -> datetime:
    """Items are given out at the deadline; after it, cleared graders can still take some."""
    return cohort.due_at if now <= cohort.due_at else cohort.grading_due_at
