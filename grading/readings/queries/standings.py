"""Who may grade live projects now: cleared on every criterion, and with no pause on their queue."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.models import AnchorMarking, AnchorPaper, Cohort, Person, QueuePause, Standing
from grading.workflow.calibration import CLEARED, AnchorState


def is_paused(
    person_id: str | InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    cohort_id: str | InstrumentedAttribute[str],
) -> ColumnElement[bool]:
    """Whether a pause is on a person's queue in a cohort."""
    pause = aliased(QueuePause, name="pause_in_force")
    return (
        select(pause.id)
        .where(
            pause.cohort_id == cohort_id,
            pause.person_id == person_id,
            pause.ended_at.is_(None),
        )
        .correlate_except(pause)
        .exists()
    )


def may_grade(
    person_id: str | InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    cohort: Cohort,
    now: datetime,
) -> ColumnElement[bool]:
    """Whether a person of the enclosing statement is given live projects of a cohort now."""
    paused = is_paused(person_id, cohort.id)
    if cohort.plan.calibration == "off":
        return ~paused
    codes = [criterion.code for criterion in cohort.rubric_version.rubric.criteria]
    cleared = (
        select(func.count())
        .select_from(Standing)
        .where(
            Standing.cohort_id == cohort.id,
            Standing.person_id == person_id,
            Standing.criterion.in_(codes),
            Standing.state.in_(CLEARED),
            Standing.expires_at > now,
        )
        .scalar_subquery()
    )
    # Leads whose levels others are measured by have no other standard to be measured against.
    set_the_standard = (
        select(func.count())
        .select_from(AnchorMarking)
        .join(AnchorPaper, AnchorPaper.id == AnchorMarking.anchor_id)
        .where(
            AnchorMarking.person_id == person_id,
            AnchorPaper.program_id == cohort.program_id,
            AnchorPaper.rubric_digest == cohort.rubric_version.digest,
            AnchorPaper.state == AnchorState.AGREED,
        )
        .scalar_subquery()
    )
    return and_(
        ~paused,
        or_(cleared == len(codes), set_the_standard >= cohort.plan.qualification_papers),
    )


def grading(
    session: Session, cohort: Cohort, people: Sequence[Person], now: datetime
) -> list[Person]:
    """Keep those of some people who are given live projects now, in their order."""
    ids = [person.id for person in people]
    kept = set(
        session.scalars(
            select(Person.id).where(Person.id.in_(ids), may_grade(Person.id, cohort, now))
        )
    )
    return [person for person in people if person.id in kept]


def of_person(session: Session, cohort: Cohort, person_id: str) -> dict[str, Standing]:
    """Give a person's standings in a cohort by criterion code."""
    return {
        standing.criterion: standing
        for standing in session.scalars(
            select(Standing).where(Standing.cohort_id == cohort.id, Standing.person_id == person_id)
        )
    }


def pause_of(session: Session, cohort_id: str, person_id: str) -> QueuePause | None:
    """Find the pause that is on a person's queue."""
    return session.scalar(
        select(QueuePause).where(
            QueuePause.cohort_id == cohort_id,
            QueuePause.person_id == person_id,
            QueuePause.ended_at.is_(None),
        )
    )
