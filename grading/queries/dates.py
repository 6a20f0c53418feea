"""A learner's own calendar: the cohort's, moved by what they were granted."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Absence, Cohort, Extension, Submission, SubmissionMember
from grading.workflow.calendar import ExtensionState
from grading.workflow.deadlines import Calendar, extended, shifted
from grading.workflow.group import GIVE_TIME

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


def days_of_work(session: Session, submission: Submission) -> int:
    """Give the days a work's dates move by: a group has the time of whoever was granted most."""
    sums = (
        select(func.sum(Extension.days).label("days"))
        .join(SubmissionMember, SubmissionMember.person_id == Extension.person_id)
        .where(
            Extension.cohort_id == submission.cohort_id,
            Extension.state == ExtensionState.GRANTED,
            SubmissionMember.submission_id == submission.id,
            SubmissionMember.state.in_(GIVE_TIME),
        )
        .group_by(Extension.person_id)
        .subquery()
    )
    return session.scalar(select(func.max(sums.c.days))) or 0


def of_work(session: Session, submission: Submission) -> Calendar:
    """Give the calendar of one work; a retake's own deadline is not in it."""
    cohort = submission.cohort
    return extended(of_cohort(cohort), days_of_work(session, submission), cohort.zone)


def personal(session: Session, cohort: Cohort, person_id: str) -> Calendar:
    """Give one learner's calendar."""
    days = granted_days(session, cohort, person_id)
    return extended(of_cohort(cohort), days, cohort.zone)


def window(session: Session, submission: Submission) -> tuple[datetime, datetime]:
    """Say when a submission is due, and when it can no longer be handed in.

    A retake has a deadline of its own, and no grace.
    """
    if submission.due_at is not None:
        days = days_of_work(session, submission)
        due = shifted(submission.due_at, days, submission.cohort.zone)
        return due, due
    own = of_work(session, submission)
    return own.due_at, own.closes_at


def results_of(session: Session, submission: Submission) -> datetime:
    """Say when a work's result is to come: a retake's as long after its own deadline as the cohort's."""
    if submission.due_at is None:
        return of_work(session, submission).results_at
    cohort = submission.cohort
    due_at, _closes_at = window(session, submission)
    days = (cohort.results_at.astimezone(cohort.zone).date()
            - cohort.due_at.astimezone(cohort.zone).date()).days  # fmt: skip
    return shifted(due_at, days, cohort.zone)


def still_extended(session: Session, cohort: Cohort, base: datetime, now: datetime) -> list[str]:
    """List the people whose own date, moved from ``base``, has not come yet."""
    rows = session.execute(
        select(Extension.person_id, func.sum(Extension.days))
        .where(Extension.cohort_id == cohort.id, Extension.state == ExtensionState.GRANTED)
        .group_by(Extension.person_id)
    )
    return [person for person, days in rows if now < shifted(base, days, cohort.zone)]


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
