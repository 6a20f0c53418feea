"""How people come to be cleared: what they tried, what they have left, and who cannot by themselves."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import participants
from grading.measurement.monitoring.calibration import Verdict
from grading.models import CalibrationAttempt, Cohort, Person
from grading.readings.queries import example_stock, standings
from grading.workflow.calibration import AttemptKind, AttemptState, Stuck, may_try_again_at
from grading.workflow.cohort import Role
from grading.workflow.plan import GradingPlan


def attempts(
    session: Session, cohort: Cohort, person_id: str, kind: AttemptKind | None = None
) -> Sequence[CalibrationAttempt]:
    """List a rater's attempts in a cohort, oldest first."""
    statement = select(CalibrationAttempt).where(
        CalibrationAttempt.cohort_id == cohort.id, CalibrationAttempt.person_id == person_id
    )
    if kind is not None:
        statement = statement.where(CalibrationAttempt.kind == kind)
    return list(session.scalars(statement.order_by(CalibrationAttempt.started_at)))


def has_practised(session: Session, cohort: Cohort, rater: Person) -> bool:
    """Whether a rater has practised on the examples of a cohort's rubric version, in any cohort."""
    judged = (
        select(CalibrationAttempt.id)
        .join(Cohort, Cohort.id == CalibrationAttempt.cohort_id)
        .where(
            Cohort.rubric_version_id == cohort.rubric_version_id,
            CalibrationAttempt.person_id == rater.id,
            CalibrationAttempt.kind == AttemptKind.PRACTICE,
            CalibrationAttempt.state == AttemptState.JUDGED,
        )
    )
    return session.scalar(judged.limit(1)) is not None


@dataclass(frozen=True)
class Tries:
    """How many qualifications a rater has left in a cohort, and from when on (aware UTC)."""

    left: int
    again: datetime | None


def tries_of(plan: GradingPlan, tried: Sequence[CalibrationAttempt]) -> Tries:
    """Count the tries left after some attempts, oldest first; one that cleared begins the count anew."""
    ended: list[datetime] = []
    for attempt in tried:
        if attempt.kind != AttemptKind.QUALIFICATION or attempt.ended_at is None:
            continue
        verdicts = {criterion["verdict"] for criterion in (attempt.outcome or {}).values()}
        cleared = bool(verdicts) and Verdict.NOT_QUALIFIED not in verdicts
        ended = [] if cleared else [*ended, attempt.ended_at]
    again = may_try_again_at(
        ended, tries=plan.qualification_tries, wait_hours=plan.qualification_wait_hours
    )
    return Tries(max(plan.qualification_tries - len(ended), 0), again)


def stuck(session: Session, cohort: Cohort, *, now: datetime) -> dict[str, Stuck]:
    """Say, by id, which graders cannot become cleared to the end of grading, and why; seven queries.

    Also of those who are cleared now by a standing that ends before, so that it is known in time.
    """
    graders = participants.with_roles(session, cohort, Role.GRADER)
    to_the_end = standings.cleared(session, cohort, graders, max(now, cohort.grading_due_at))
    short = [person for person in graders if person.id not in to_the_end]
    if not short:
        return {}
    stocks = example_stock.stocks(session, cohort, short)
    tried: dict[str, list[CalibrationAttempt]] = defaultdict(list)
    for attempt in session.scalars(
        select(CalibrationAttempt)
        .where(
            CalibrationAttempt.cohort_id == cohort.id,
            CalibrationAttempt.person_id.in_(list(stocks)),
        )
        .order_by(CalibrationAttempt.started_at)
    ):
        tried[attempt.person_id].append(attempt)
    causes = {}
    for person in short:
        if any(attempt.state == AttemptState.OPEN for attempt in tried[person.id]):
            continue
        if not tries_of(cohort.plan, tried[person.id]).left:
            causes[person.id] = Stuck.NO_TRY
        elif not stocks[person.id].tries(cohort.plan):
            causes[person.id] = Stuck.NO_EXAMPLES
    return causes
