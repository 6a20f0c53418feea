"""What waits about standards: examples to mark and agree, alarms and pauses to answer, calibration to do."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from grading.models import (
    Alarm,
    AnchorMarking,
    AnchorPaper,
    CalibrationAttempt,
    Cohort,
    QueuePause,
    RubricVersion,
    Standing,
)
from grading.models.conditions import is_member
from grading.office.needs.base import SETTLES, Kind, Need, PersonParts
from grading.workflow.calibration import (
    CLEARED,
    AnchorState,
    AnchorUse,
    AttemptKind,
    AttemptState,
    may_try_again_at,
)
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
    ids = [
        cohort_id
        for cohort_id in me.having(Role.GRADER)
        if me.cohorts[cohort_id].plan.calibration == "required"
        # Who sets the standard is not measured by it.
        and not me.roles[cohort_id] & set(SETTLES)
    ]
    cleared = dict(
        session.execute(
            select(Standing.cohort_id, func.count())
            .where(
                Standing.cohort_id.in_(ids),
                Standing.person_id == me.person.id,
                Standing.state.in_(CLEARED),
                Standing.expires_at > now,
            )
            .group_by(Standing.cohort_id)
        ).all()
    )
    rubrics = session.execute(
        select(Cohort.id, RubricVersion)
        .join(RubricVersion, RubricVersion.id == Cohort.rubric_version_id)
        .where(
            Cohort.id.in_(ids),
            exists().where(
                AnchorPaper.program_id == Cohort.program_id,
                AnchorPaper.rubric_digest == RubricVersion.digest,
                AnchorPaper.state == AnchorState.AGREED,
                AnchorPaper.use.in_((AnchorUse.PRACTICE, AnchorUse.QUALIFICATION)),
            ),
        )
    ).all()
    tries: dict[str, list[CalibrationAttempt]] = defaultdict(list)
    for attempt in session.scalars(
        select(CalibrationAttempt)
        .where(CalibrationAttempt.cohort_id.in_(ids), CalibrationAttempt.person_id == me.person.id)
        .order_by(CalibrationAttempt.started_at)
    ):
        tries[attempt.cohort_id].append(attempt)
    return [
        me.need(
            Kind.CALIBRATE,
            cohort_id,
            (Role.GRADER,),
            _by(me.cohorts[cohort_id], now),
        )
        for cohort_id, version in rubrics
        if cleared.get(cohort_id, 0) < len(version.rubric.criteria)
        and _can_act(me.cohorts[cohort_id], tries[cohort_id], now)
    ]


def _by(cohort: Cohort, now: datetime) -> datetime:
    """Items are given out at the deadline; after it, cleared graders can still take some."""
    return cohort.due_at if now <= cohort.due_at else cohort.grading_due_at


def _can_act(cohort: Cohort, tries: list[CalibrationAttempt], now: datetime) -> bool:
    if any(one.state == AttemptState.OPEN for one in tries):
        return True
    plan = cohort.plan
    ended = [
        one.ended_at
        for one in tries
        if one.kind == AttemptKind.QUALIFICATION and one.ended_at is not None
    ]
    again = may_try_again_at(
        ended, tries=plan.qualification_tries, wait_hours=plan.qualification_wait_hours
    )
    return again is not None and again <= now
