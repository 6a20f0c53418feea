"""Looking after raters: charts, alarms, pauses, and what a lead answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.measurement.monitoring import control_charts
from grading.measurement.monitoring import effects as monitoring
from grading.models import Alarm, Cohort, Membership, Person, QueuePause
from grading.models.conditions import takes_part
from grading.readings.queries import reading_series, standings
from grading.workflow.cohort import Role
from grading.workflow.deadlines import working_hours_after
from grading.workflow.monitoring import AlarmState
from grading.workflow.plan import GradingPlan

# The total sees a movement of the whole standard soonest, so it has most of the false alarms.
TOTAL_SHARE = 0.7
# Too few sheets to know a rater's standard by: no chart, and the page says so.
FEWEST = 2 * control_charts.SETTLING


def limit_of(
    column: reading_series.Column, plan: GradingPlan, criteria: int, deviation: float
) -> float:
    """Give a column's limit: its part of the plan's false alarms, for the residuals it has."""
    rate = 1 / plan.sheets_for_a_false_alarm
    part = TOTAL_SHARE if column.criterion is None else (1 - TOTAL_SHARE) / criteria
    # Rounded, so that a limit found once serves all raters and the next look.
    return control_charts.drift_limit(
        rate * part,
        shift=plan.drift_levels,
        deviation=max(round(deviation * 10) / 10, 0.1),
        standard_deviation=max(round(column.spread * 20) / 20, 0.05),
        raters=2_000,
    )


def chart(
    column: reading_series.Column, series: reading_series.Series, plan: GradingPlan, criteria: int
) -> control_charts.DriftChart:
    """Chart one rater on one column."""
    deviation = float(np.sqrt(np.median(series.variance)))
    return control_charts.drift_chart(
        series.residual,
        series.variance,
        shift=plan.drift_levels,
        limit=limit_of(column, plan, criteria, deviation),
        prior_variance=max(round(column.spread * 20) / 20, 0.05) ** 2,
    )


def look(session: Session, cohort: Cohort, *, now: datetime) -> list[Alarm]:
    """Chart every professional of a cohort and raise the alarms that are new.

    An alarm pauses nobody: it brings more check items and tells the leads, who decide.
    """
    if not reading_series.anybody_read(session, cohort, FEWEST):
        return []
    plan = cohort.plan
    criteria = max(len(cohort.rubric_version.rubric.criteria), 1)
    known = {
        (alarm.person_id, alarm.criterion, alarm.allocation_id)
        for alarm in session.scalars(select(Alarm).where(Alarm.cohort_id == cohort.id))
    }
    open_for = {
        (alarm.person_id, alarm.criterion)
        for alarm in session.scalars(
            select(Alarm).where(Alarm.cohort_id == cohort.id, Alarm.state == AlarmState.OPEN)
        )
    }
    raised = []
    for column in reading_series.columns(session, cohort):
        for person_id, series in sorted(column.series.items()):
            if len(series.sheets) < FEWEST or (person_id, column.criterion) in open_for:
                continue
            found = chart(column, series, plan, criteria)
            fresh = [
                one
                for one in found.alarms
                if (person_id, column.criterion, series.sheets[one.index].allocation_id)
                not in known
            ]
            if fresh:
                # The earliest: what came after it may have begun there.
                raised.append(
                    _raise(session, cohort, column, person_id, series, fresh[0], found.limit, now)
                )
    if raised:
        _tell_leads(session, cohort, now)
    return raised


def _raise(
    session: Session,
    cohort: Cohort,
    column: reading_series.Column,
    person_id: str,
    series: reading_series.Series,
    found: control_charts.Alarm,
    limit: float,
    now: datetime,
) -> Alarm:
    alarm = Alarm(
        cohort_id=cohort.id,
        person_id=person_id,
        criterion=column.criterion,
        chart="drift",
        allocation_id=series.sheets[found.index].allocation_id,
        since_id=series.sheets[found.since].allocation_id,
        detail={
            "side": found.side,
            "shift": round(found.shift, 3),
            "sheet": found.index + 1,
            "since": found.since + 1,
            "limit": limit,
        },
        found_at=now,
    )
    session.add(alarm)
    session.flush()
    audit.record(
        session,
        None,
        "alarm:raise",
        alarm,
        now=now,
        after={
            "state": alarm.state,
            "person": person_id,
            "criterion": column.criterion,
            **alarm.detail,
        },
    )
    return alarm


def leads(session: Session, cohort: Cohort) -> Sequence[Person]:
    """List who leads the calibration and monitoring of a cohort."""
    return list(
        session.scalars(
            select(Person)
            .join(Membership, Membership.person_id == Person.id)
            .where(
                takes_part(Role.LEAD, cohort_id=cohort.id),
            )
            .order_by(Person.email)
        )
    )


def _tell_leads(session: Session, cohort: Cohort, now: datetime) -> None:
    for lead in leads(session, cohort):
        outbox.needs(session, lead, zone=cohort.zone, now=now)


def answer(
    session: Session, lead: Person, alarm: Alarm, *, upheld: bool, reason: str, now: datetime
) -> None:
    """Say what an alarm was: nothing, or a standard that moved (a quarantine may follow).

    Raises
    ------
    FaultsFound
        No reason.
    Refused
        It is about the lead themself.
    """
    if alarm.person_id == lead.id:
        raise Refused("Another lead answers what concerns you.")
    take_turns(session, alarm)
    move(
        session,
        alarm,
        "uphold" if upheld else "dismiss",
        actor=lead,
        now=now,
        reason=_reason(reason),
        answered_by_id=lead.id,
        answered_at=now,
    )


def _reason(text: str) -> str:
    if not text.strip():
        raise FaultsFound([Fault("reason", "Give a reason: the grader reads it.")])
    return text.strip()


def pause(
    session: Session, lead: Person, cohort: Cohort, rater: Person, *, reason: str, now: datetime
) -> QueuePause:
    """Pause a grader's queue by hand. They keep what they began; the lead owes them an answer.

    Raises
    ------
    Refused
        It is paused, or is the lead's own.
    """
    take_turns(session, rater)
    if lead.id == rater.id:
        raise Refused("Another lead decides about your queue.")
    if standings.pause_of(session, cohort.id, rater.id) is not None:
        raise Refused("This queue is paused already.")
    paused = QueuePause(
        cohort_id=cohort.id,
        person=rater,
        by=lead,
        reason=_reason(reason),
        since=now,
        answer_by=working_hours_after(now, cohort.plan.alarm_answer_hours, cohort.zone),
    )
    session.add(paused)
    session.flush()
    audit.record(
        session,
        lead,
        "queue:pause",
        paused,
        now=now,
        after={"person": rater.id, "answer_by": paused.answer_by},
        reason=paused.reason,
    )
    outbox.mail(
        session,
        "queue_paused",
        rater.id,
        key=f"pause:{paused.id}",
        now=now,
        cohort=cohort.id,
    )
    return paused


def resume(
    session: Session, lead: Person, paused: QueuePause, *, answer: str, now: datetime
) -> None:
    """Open a paused queue again, with the answer that was owed."""
    take_turns(session, paused)
    if paused.ended_at is not None:
        raise NotFound("There is no such pause.")
    if lead.id == paused.person_id:
        raise Refused("Another lead decides about your queue.")
    paused.answer = _reason(answer)
    paused.ended_at, paused.ended_by_id = now, lead.id
    session.flush()
    audit.record(session, lead, "queue:resume", paused, now=now, reason=paused.answer)
    outbox.mail(
        session,
        "queue_resumed",
        paused.person_id,
        key=f"resume:{paused.id}",
        now=now,
        cohort=paused.cohort_id,
    )


def overdue(paused: QueuePause, now: datetime) -> timedelta | None:
    """How long an answer is owed beyond its time; None while it is not."""
    late = now - paused.answer_by
    return late if paused.ended_at is None and late > timedelta(0) else None


def effects(column: reading_series.Column, series: reading_series.Series) -> dict[str, Any]:
    """What is known of one rater on one column, for pages: each an `Effect` or None."""
    check = series.check
    given = np.round(series.level[check]).astype(int).tolist()
    right = np.round(series.expected[check]).astype(int).tolist()
    return {
        "severity": monitoring.severity(series.residual, series.variance),
        "range": monitoring.range_use(series.level, series.expected, series.variance),
        "validity": (
            monitoring.validity(given, right, tolerance=1) if column.criterion is not None else None
        ),
    }
