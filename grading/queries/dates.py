"""A learner's own calendar: the cohort's, moved by what they were granted."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Absence, Cohort, Extension, Submission
from grading.workflow.calendar import ExtensionState
from grading.workflow.deadlines import Calendar, extended, shifted

_INSTANTS = ("opens_at", "due_at", "closes_at", "peers_due_at", "grading_due_at", "results_at")


def of_cohort(cohort: Cohort) -> Calendar:
    """Give the calendar that holds for everybody without an extension."""
    return Calendar(**{name: getattr(cohort, name) for name in _INSTANTS})


def granted_days(session: Session, cohort: Cohort, person_id: str) -> int:
    """Sum the days one learner was granted."""
    return (
        session.scalar(
            select(func.coalesce(func.sum(Extension.days), 0)).where(
                Extension.cohort_id == cohort.id,
                Extension.person_id == person_id,
                Extension.state == ExtensionState.GRANTED,
            )
        )
        or 0
    )


def granted_by_person(session: Session, cohort: Cohort) -> dict[str, int]:
    """Sum the days that each learner of a cohort was granted; those with none are left out."""
    rows = session.execute(
        select(Extension.person_id, func.sum(Extension.days))
        .where(Extension.cohort_id == cohort.id, Extension.state == ExtensionState.GRANTED)
        .group_by(Extension.person_id)
    )
    return {person: int(days) for person, days in rows}


def personal(session: Session, cohort: Cohort, person_id: str) -> Calendar:
    """Give one learner's calendar."""
    days = granted_days(session, cohort, person_id)
    return extended(of_cohort(cohort), days, cohort.zone)


def window(session: Session, submission: Submission) -> tuple[datetime, datetime]:
    """Say when a submission is due, and when it can no longer be handed in.

    A retake has a deadline of its own, and no grace.
    """
    if submission.due_at is not None:
        days = granted_days(session, submission.cohort, submission.learner_id)
        due = shifted(submission.due_at, days, submission.cohort.zone)
        return due, due
    own = personal(session, submission.cohort, submission.learner_id)
    return own.due_at, own.closes_at


def still_extended(session: Session, cohort: Cohort, base: datetime, now: datetime) -> list[str]:
    """List the people whose own date, moved from ``base``, has not come yet."""
    granted = granted_by_person(session, cohort)
    return [person for person, days in granted.items() if now < shifted(base, days, cohort.zone)]


def absent(session: Session, cohort: Cohort, now: datetime) -> dict[str, Absence]:
    """List the graders who are away now."""
    rows = session.scalars(
        select(Absence).where(
            Absence.cohort_id == cohort.id,
            Absence.ended_at.is_(None),
            Absence.starts_at <= now,
            Absence.ends_at > now,
        )
    )
    return {absence.person_id: absence for absence in rows}
