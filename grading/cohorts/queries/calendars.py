"""A learner's own calendar: the cohort's, moved by what they were granted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.cohorts.queries import group_members
from grading.models import Absence, Allocation, Cohort, Extension, Submission, SubmissionMember
from grading.workflow.allocation import ATTEMPTED, HELD, Pool
from grading.workflow.calendar import ExtensionKind, ExtensionState, lengthened
from grading.workflow.deadlines import Calendar, extended, local_day, shifted
from grading.workflow.group import GIVE_TIME, MemberState
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


def _granted(at: datetime | None) -> ColumnElement[bool]:
    """Whether an `Extension` of the statement is in force now, or was at an instant."""
    if at is None:
        return Extension.state == ExtensionState.GRANTED
    return and_(
        Extension.granted_at <= at, or_(Extension.ended_at.is_(None), Extension.ended_at > at)
    )


def granted_by_work(
    session: Session, *condition: ColumnElement[bool], at: datetime | None = None
) -> dict[str, dict[str, int]]:
    """Sum what each member of some works was granted: work to person to days, none left out.

    Parameters
    ----------
    at : datetime, optional
        As it was then; by default as it is.
    """
    rows = session.execute(
        select(SubmissionMember.submission_id, Extension.person_id, func.sum(Extension.days))
        .join(
            Extension,
            and_(
                Extension.person_id == SubmissionMember.person_id,
                Extension.cohort_id == SubmissionMember.cohort_id,
            ),
        )
        .join(Submission, Submission.id == SubmissionMember.submission_id)
        .where(
            _granted(at),
            SubmissionMember.state.in_(GIVE_TIME),
            *condition,
        )
        .group_by(SubmissionMember.submission_id, Extension.person_id)
    )
    found: dict[str, dict[str, int]] = {}
    for work, person, days in rows:
        found.setdefault(work, {})[person] = int(days)
    return found


def days_of_works(
    session: Session, *condition: ColumnElement[bool], at: datetime | None = None
) -> dict[str, int]:
    """Give the days the dates of some works move by, those with none left out; ``at`` is another instant.

    A group has the time of whoever was granted most.
    """
    found = granted_by_work(session, *condition, at=at)
    return {work: max(days.values()) for work, days in found.items()}


def days_of_work(session: Session, submission: Submission, *, at: datetime | None = None) -> int:
    """Give the days a work's dates move by, or moved by at an instant."""
    return days_of_works(session, Submission.id == submission.id, at=at).get(submission.id, 0)


def of_members(session: Session, cohort: Cohort) -> dict[str, int]:
    """Give the days each learner's own dates to hand in move by: their group's, where they are in one."""
    found = granted_by_person(session, cohort)
    begun = (Submission.cohort_id == cohort.id, Submission.state == SubmissionState.DRAFT)
    works = days_of_works(session, *begun)
    if works:
        for work, person in session.execute(
            select(SubmissionMember.submission_id, SubmissionMember.person_id)
            .join(Submission, Submission.id == SubmissionMember.submission_id)
            .where(*begun, SubmissionMember.state == MemberState.JOINED)
        ):
            found[person] = max(found.get(person, 0), works.get(work, 0))
    return found


def of_work(session: Session, submission: Submission) -> Calendar:
    """Give the calendar of one work; a retake's own deadline is not in it."""
    cohort = submission.cohort
    return extended(of_cohort(cohort), days_of_work(session, submission), cohort.zone)


def personal(session: Session, cohort: Cohort, person_id: str) -> Calendar:
    """Give the calendar of what one learner does alone; a group's work moves with it as `of_learner` says."""
    days = granted_days(session, cohort, person_id)
    return extended(of_cohort(cohort), days, cohort.zone)


def of_learner(session: Session, cohort: Cohort, person_id: str) -> Calendar:
    """Give one learner's calendar: their own dates for reviews, those of their work for the rest."""
    own = granted_days(session, cohort, person_id)
    work = group_members.newest(session, cohort, person_id)
    return _of_member(cohort, own, days_of_work(session, work) if work else own)


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


def _of_member(cohort: Cohort, own: int, work: int) -> Calendar:
    """Give the calendar of one who reviews by their own days, and hands in by those of a work."""
    usual = of_cohort(cohort)
    return replace(
        extended(usual, work, cohort.zone),
        peers_due_at=extended(usual, own, cohort.zone).peers_due_at,
    )


def preview(
    session: Session, cohort: Cohort, person_id: str, *, days: int, kind: ExtensionKind
) -> Preview:
    """Show every dependent date that more time for one learner moves, and who waits for it."""
    granted = granted_days(session, cohort, person_id)
    work = group_members.newest(session, cohort, person_id)
    theirs = {person_id: granted}
    if work is not None:
        theirs |= granted_by_work(session, Submission.id == work.id).get(work.id, {})
    # A group has the time of whoever was granted most, so more for one need not move it.
    shared = max(theirs.values())
    more = max((theirs | {person_id: granted + days}).values())
    before = _of_member(cohort, granted, shared)
    after = _of_member(cohort, granted + days, more)
    moved = [
        Moved(name, getattr(before, name), getattr(after, name))
        for name in _INSTANTS
        if getattr(before, name) != getattr(after, name)
    ]
    retake = work.due_at if work is not None and work.state == SubmissionState.DRAFT else None
    if retake is not None and more != shared:
        moved.append(
            Moved(
                "retake_due_at",
                shifted(retake, shared, cohort.zone),
                shifted(retake, more, cohort.zone),
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
    return Preview(
        days=days,
        moved=tuple(moved),
        after_batch=after.closes_at > cohort.due_at,
        after_peers=after.due_at > cohort.peers_due_at,
        reviewed_until=after.peers_due_at if reviewing is not None else None,
        peer_hold_hours=(
            lengthened(plan.peer_hold_hours, adjusted, plan.submit_days),
            lengthened(
                plan.peer_hold_hours,
                adjusted + (days if kind == ExtensionKind.ADJUSTMENT else 0),
                plan.submit_days,
            ),
        ),
    )


def window(
    session: Session, submission: Submission, *, at: datetime | None = None
) -> tuple[datetime, datetime]:
    """Say when a submission is due, and when it can no longer be handed in; or what was so at an instant.

    A retake has a deadline of its own, and no grace.
    """
    return _window(submission, days_of_work(session, submission, at=at))


def due_dates(session: Session, works: Sequence[Submission]) -> dict[str, datetime]:
    """Say when several works are due, as `window` does."""
    days: dict[str, int] = {}
    for ids in batches(work.id for work in works):
        days |= days_of_works(session, Submission.id.in_(ids))
    return {work.id: _window(work, days.get(work.id, 0))[0] for work in works}


def _window(submission: Submission, days: int) -> tuple[datetime, datetime]:
    cohort = submission.cohort
    if submission.due_at is not None:
        due = shifted(submission.due_at, days, cohort.zone)
        return due, due
    own = extended(of_cohort(cohort), days, cohort.zone)
    return own.due_at, own.closes_at


def results_of(session: Session, submission: Submission) -> datetime:
    """Say when a work's result is to come: a retake's as long after its own deadline as the cohort's."""
    if submission.due_at is None:
        return of_work(session, submission).results_at
    cohort = submission.cohort
    due_at, _closes_at = window(session, submission)
    days = (local_day(cohort.results_at, cohort.zone)
            - local_day(cohort.due_at, cohort.zone)).days  # fmt: skip
    return shifted(due_at, days, cohort.zone)


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
