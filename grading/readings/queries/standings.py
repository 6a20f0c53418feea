"""Who may grade live projects now: cleared on every criterion, and with no pause on their queue."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased, selectinload

from grading.models import (
    AnchorMarking,
    AnchorPaper,
    Cohort,
    Person,
    Quarantine,
    QueuePause,
    Standing,
)
from grading.models.conditions import Id, OptionalId
from grading.rubric.definition import Criterion
from grading.workflow.calibration import CLEARED, AnchorState
from grading.workflow.monitoring import QuarantineState


def is_paused(person_id: OptionalId, cohort_id: Id) -> ColumnElement[bool]:
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


def is_cleared(person_id: OptionalId, cohort: Cohort, now: datetime) -> ColumnElement[bool]:
    """Whether a person of the enclosing statement is cleared for every criterion of a cohort's rubric.

    By a standing on each, won in this cohort or before it, or because they set the standard.
    """
    if cohort.plan.calibration == "off":
        return true()
    codes = [criterion.code for criterion in cohort.rubric_version.rubric.criteria]
    cleared = (
        select(func.count())
        .select_from(Standing)
        .where(
            Standing.rubric_version_id == cohort.rubric_version_id,
            Standing.person_id == person_id,
            Standing.criterion.in_(codes),
            Standing.state.in_(CLEARED),
            Standing.expires_at > now,
        )
        .scalar_subquery()
    )
    return or_(cleared == len(codes), sets_the_standard(person_id, cohort))


def sets_the_standard(person_id: OptionalId, cohort: Cohort) -> ColumnElement[bool]:
    """Whether a person of the enclosing statement agreed an example of a cohort's rubric version.

    Whoever others are measured by has no other standard to be measured against. It ends while ratings
    of theirs by this rubric are set aside.
    """
    agreed = (
        select(AnchorMarking.id)
        .join(AnchorPaper, AnchorPaper.id == AnchorMarking.anchor_id)
        .where(
            AnchorMarking.person_id == person_id,
            AnchorPaper.program_id == cohort.program_id,
            AnchorPaper.rubric_digest == cohort.rubric_version.digest,
            AnchorPaper.state == AnchorState.AGREED,
        )
        .correlate_except(AnchorMarking, AnchorPaper)
        .exists()
    )
    return and_(agreed, ~is_quarantined(person_id, cohort))


def is_quarantined(
    person_id: OptionalId, cohort: Cohort, criterion: str | None = None
) -> ColumnElement[bool]:
    """Whether ratings of a person by a cohort's rubric version are set aside, in whatever cohort.

    Parameters
    ----------
    criterion : str, optional
        Only where this criterion is concerned.
    """
    quarantine = aliased(Quarantine, name="quarantine_in_force")
    where = aliased(Cohort, name="cohort_of_quarantine")
    concerned: ColumnElement[bool] = true()
    if criterion is not None:
        concerned = or_(quarantine.criterion.is_(None), quarantine.criterion == criterion)
    return (
        select(quarantine.id)
        .join(where, where.id == quarantine.cohort_id)
        .where(
            quarantine.person_id == person_id,
            quarantine.state == QuarantineState.IN_FORCE,
            where.rubric_version_id == cohort.rubric_version_id,
            concerned,
        )
        .correlate_except(quarantine, where)
        .exists()
    )


def may_grade(person_id: OptionalId, cohort: Cohort, now: datetime) -> ColumnElement[bool]:
    """Whether a person of the enclosing statement is given live projects of a cohort now."""
    return and_(~is_paused(person_id, cohort.id), is_cleared(person_id, cohort, now))


def grading(
    session: Session, cohort: Cohort, people: Sequence[Person], now: datetime
) -> list[Person]:
    """Keep those of some people who are given live projects now, in their order."""
    kept = _those(session, people, may_grade(Person.id, cohort, now))
    return [person for person in people if person.id in kept]


def cleared(session: Session, cohort: Cohort, people: Sequence[Person], now: datetime) -> set[str]:
    """Give the ids of those of some people who are cleared for every criterion."""
    return _those(session, people, is_cleared(Person.id, cohort, now))


def standard_setters(session: Session, cohort: Cohort, people: Sequence[Person]) -> set[str]:
    """Give the ids of those of some people who are cleared because they agreed the examples."""
    return _those(session, people, sets_the_standard(Person.id, cohort))


def _those(session: Session, people: Sequence[Person], condition: ColumnElement[bool]) -> set[str]:
    ids = [person.id for person in people]
    return set(session.scalars(select(Person.id).where(Person.id.in_(ids), condition)))


def of_person(session: Session, cohort: Cohort, person_id: str) -> dict[str, Standing]:
    """Give a person's standings on a cohort's rubric version by criterion code."""
    return {
        standing.criterion: standing
        for standing in session.scalars(
            select(Standing)
            .options(selectinload(Standing.cleared_by))
            .where(
                Standing.rubric_version_id == cohort.rubric_version_id,
                Standing.person_id == person_id,
            )
        )
    }


def uncleared_criteria(
    session: Session, cohort: Cohort, person: Person, now: datetime
) -> list[Criterion]:
    """List the criteria that keep a person from grading a cohort's projects; none when cleared."""
    if cleared(session, cohort, [person], now):
        return []
    held = of_person(session, cohort, person.id)
    return [
        criterion
        for criterion in cohort.rubric_version.rubric.criteria
        if (standing := held.get(criterion.code)) is None or not standing.clears(now)
    ]


def pause_of(session: Session, cohort_id: str, person_id: str) -> QueuePause | None:
    """Find the pause that is on a person's queue."""
    return session.scalar(
        select(QueuePause).where(
            QueuePause.cohort_id == cohort_id,
            QueuePause.person_id == person_id,
            QueuePause.ended_at.is_(None),
        )
    )
