"""A learner's own calendar: the cohort's, moved by what they were granted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Absence, Allocation, Cohort, Extension, Submission
from grading.workflow.allocation import ATTEMPTED, HELD, Pool
from grading.workflow.calendar import ExtensionKind, ExtensionState, lengthened
from grading.workflow.deadlines import Calendar, extended, shifted
from grading.workflow.submission import SubmissionState

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


def adjusted_days(session: Session, cohort: Cohort, person_id: str) -> int:
    """Sum the days of one learner's adjustments alone: these answer a lasting need."""
    return (
        session.scalar(
            select(func.coalesce(func.sum(Extension.days), 0)).where(
                Extension.cohort_id == cohort.id,
                Extension.person_id == person_id,
                Extension.kind == ExtensionKind.ADJUSTMENT,
                Extension.state == ExtensionState.GRANTED,
            )
        )
        or 0
    )


def peer_hold_hours(session: Session, cohort: Cohort, person_id: str) -> float:
    """Say how long one reviewer may hold a project: longer in proportion to their adjustment."""
    plan = cohort.plan
    days = adjusted_days(session, cohort, person_id)
    return lengthened(plan.peer_hold_hours, days, plan.submit_days)


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


@dataclass(frozen=True)
class Moved:
    """One date of a learner, before and after more time is granted; ``name`` is that of `Calendar`."""

    name: str
    before: datetime
    after: datetime


@dataclass(frozen=True)
class Preview:
    """What granting more time to one learner does.

    Attributes
    ----------
    days : int
        Days that would be granted.
    moved : tuple of Moved
        Every date of theirs that moves: deadline, its end, peer reviews, result, and a retake's deadline.
    after_batch : bool
        They may hand in when projects are given out already: theirs gets its readers by itself, later.
    after_peers : bool
        They may hand in when peers have finished: graders read in their place.
    reviewed_until : datetime or None
        Projects they review may wait for them until then; None where they have none.
    peer_hold_hours : tuple of float
        How long they may hold a project to review, now and then.
    """

    days: int
    moved: tuple[Moved, ...]
    after_batch: bool
    after_peers: bool
    reviewed_until: datetime | None
    peer_hold_hours: tuple[float, float]


def preview(
    session: Session, cohort: Cohort, person_id: str, *, days: int, kind: ExtensionKind
) -> Preview:
    """Show every dependent date that more time for one learner moves, and who waits for it."""
    granted = granted_days(session, cohort, person_id)
    usual = of_cohort(cohort)
    before = extended(usual, granted, cohort.zone)
    after = extended(usual, granted + days, cohort.zone)
    moved = [
        Moved(name, getattr(before, name), getattr(after, name))
        for name in _INSTANTS
        if getattr(before, name) != getattr(after, name)
    ]
    retake = session.scalar(
        select(Submission.due_at).where(
            Submission.cohort_id == cohort.id,
            Submission.learner_id == person_id,
            Submission.state == SubmissionState.DRAFT,
            Submission.due_at.is_not(None),
        )
    )
    if retake is not None:
        moved.append(
            Moved(
                "retake_due_at",
                shifted(retake, granted, cohort.zone),
                shifted(retake, granted + days, cohort.zone),
            )
        )
    reviewing = session.scalar(
        select(Allocation.id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.rater_id == person_id,
            Allocation.pool == Pool.PEER,
            Allocation.purpose.not_in(ATTEMPTED),
            Allocation.state.in_(HELD),
        )
        .limit(1)
    )
    plan = cohort.plan
    adjusted = adjusted_days(session, cohort, person_id)
    more = days if kind == ExtensionKind.ADJUSTMENT else 0
    return Preview(
        days=days,
        moved=tuple(moved),
        after_batch=after.closes_at > cohort.due_at,
        after_peers=after.due_at > cohort.peers_due_at,
        reviewed_until=after.peers_due_at if reviewing is not None else None,
        peer_hold_hours=(
            lengthened(plan.peer_hold_hours, adjusted, plan.submit_days),
            lengthened(plan.peer_hold_hours, adjusted + more, plan.submit_days),
        ),
    )


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
