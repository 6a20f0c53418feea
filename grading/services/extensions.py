"""More time for one learner, and a grader's absence."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from grading.errors import Fault, FaultsFound, Refused
from grading.models import (
    Absence,
    Allocation,
    Cohort,
    Extension,
    Membership,
    Person,
    Submission,
    SubmissionMember,
)
from grading.queries import dates, members
from grading.queries.eligible import may_read
from grading.services import allocations, audit, holds, outbox
from grading.services.transitions import move
from grading.workflow.allocation import THIRD_READINGS, AllocationState, Pool, Purpose
from grading.workflow.calendar import ExtensionKind, ExtensionState
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import shifted
from grading.workflow.group import GIVE_TIME, MemberState
from grading.workflow.submission import SubmissionState

MOST_DAYS = 90
LONGEST_ABSENCE = timedelta(days=366)


def _member(session: Session, cohort: Cohort, person: Person, role: Role) -> bool:
    return (
        session.scalar(
            select(Membership.id).where(
                Membership.cohort_id == cohort.id,
                Membership.person_id == person.id,
                Membership.role == role,
                Membership.ended_at.is_(None),
            )
        )
        is not None
    )


def grant(
    session: Session,
    actor: Person,
    cohort: Cohort,
    person: Person,
    *,
    kind: ExtensionKind,
    days: int,
    reason: str,
    now: datetime,
) -> Extension:
    """Move every date of one learner by days; several add up.

    Raises
    ------
    FaultsFound
        No learner of the cohort, too many or no days, no reason.
    Refused
        The cohort has ended, or the actor grants to themself.
    """
    _in_turn(session, cohort)
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    if actor.id == person.id:
        raise Refused("Nobody grants themself more time.")
    faults = []
    if not _member(session, cohort, person, Role.LEARNER):
        faults.append(Fault("email", "This person is no learner of the cohort."))
    if not 1 <= days <= MOST_DAYS:
        faults.append(Fault("days", "Give 1 to %(most)s days.", {"most": MOST_DAYS}))
    if not reason.strip():
        faults.append(Fault("reason", "Give the reason. Nobody who scores will see it."))
    if faults:
        raise FaultsFound(faults)
    extension = Extension(
        cohort_id=cohort.id,
        person=person,
        kind=kind,
        days=days,
        reason=reason.strip(),
        granted_by=actor,
        granted_at=now,
    )
    session.add(extension)
    session.flush()
    audit.record(
        session,
        actor,
        "extension:grant",
        extension,
        now=now,
        after={"person": person.id, "kind": kind, "days": days},
    )
    _tell(session, extension, now)
    return extension


def _tell(session: Session, extension: Extension, now: datetime) -> None:
    """Tell the learner, and whoever hands in together with them: a group has one deadline."""
    together = aliased(SubmissionMember)
    others = session.scalars(
        select(together.person_id)
        .join(Submission, Submission.id == together.submission_id)
        .where(
            Submission.cohort_id == extension.cohort_id,
            members.is_member(extension.person_id, GIVE_TIME),
            together.state == MemberState.JOINED,
        )
    )
    for person_id in {extension.person_id, *others}:
        outbox.mail(
            session,
            "dates_changed",
            person_id,
            key=f"extension:{extension.id}:{extension.state}:{person_id}",
            now=now,
            cohort=extension.cohort_id,
        )


def _in_turn(session: Session, cohort: Cohort) -> None:
    """Let what a calendar grants take turns: several add up, and none is granted past another."""
    session.execute(select(Cohort.id).where(Cohort.id == cohort.id).with_for_update(key_share=True))


def end(session: Session, actor: Person, extension: Extension, *, now: datetime) -> None:
    """Take an extension back: the dates are again what they would be without it.

    Raises
    ------
    Refused
        It is the actor's own, or the learner handed in within the time it gave.
    IllegalTransition
        It is ended already.
    """
    if actor.id == extension.person_id:
        raise Refused("Nobody decides on their own time.")
    if extension.state == ExtensionState.GRANTED and relied_on(session, extension):
        raise Refused("They handed in within this time. Without it their project would be late.")
    move(session, extension, "end", actor=actor, now=now, ended_at=now)
    _tell(session, extension, now)


def relied_on(session: Session, extension: Extension) -> bool:
    """Whether its learner, or their group, handed in after the deadline they would have without it."""
    cohort = session.get_one(Cohort, extension.cohort_id)
    _in_turn(session, cohort)
    theirs = (
        Submission.cohort_id == cohort.id,
        members.is_member(extension.person_id, GIVE_TIME),
    )
    granted = dates.granted_by_work(session, *theirs)
    handed_in = session.execute(
        select(Submission.id, Submission.submitted_at, Submission.due_at).where(
            *theirs,
            Submission.submitted_at.is_not(None),
            Submission.state != SubmissionState.DRAFT,
        )
    )

    def without(work: str) -> int:
        """Give the days of a work if this extension were none of its members'."""
        days = dict(granted.get(work, {}))
        days[extension.person_id] = days.get(extension.person_id, 0) - extension.days
        return max(days.values())

    return any(
        at is not None and at > shifted(due_at or cohort.due_at, without(work), cohort.zone)
        for work, at, due_at in handed_in
    )


def declare_absence(
    session: Session,
    actor: Person,
    cohort: Cohort,
    person: Person,
    *,
    starts_at: datetime,
    ends_at: datetime,
    cover: Person | None,
    now: datetime,
) -> Absence:
    """Note that a grader is away. The upkeep passes on what they have not begun by then.

    Raises
    ------
    FaultsFound
        The days are out of order, past or within another absence, or one of the two is no grader of
        the cohort.
    Refused
        The cohort has ended.
    """
    _in_turn(session, cohort)
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    faults = []
    if not _member(session, cohort, person, Role.GRADER):
        faults.append(Fault("person", "This person is no grader of the cohort."))
    if not starts_at < ends_at or ends_at <= now:
        faults.append(Fault("ends_on", "The last day must not come before the first, nor be past."))
    elif ends_at - starts_at > LONGEST_ABSENCE:
        faults.append(Fault("ends_on", "That is longer than a year. End their part instead."))
    elif _away(session, cohort, person, starts_at, ends_at):
        faults.append(Fault("starts_on", "They are away on some of these days already."))
    if cover is not None and not _member(session, cohort, cover, Role.GRADER):
        faults.append(Fault("cover", "The cover must be a grader of the cohort."))
    if cover is not None and cover.id == person.id:
        faults.append(Fault("cover", "Nobody covers for themself."))
    if faults:
        raise FaultsFound(faults)
    absence = Absence(
        cohort_id=cohort.id,
        person=person,
        cover=cover,
        starts_at=starts_at,
        ends_at=ends_at,
        declared_at=now,
    )
    session.add(absence)
    session.flush()
    audit.record(
        session,
        actor,
        "absence:declare",
        absence,
        now=now,
        after={
            "person": person.id,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "cover": cover.id if cover else None,
        },
    )
    return absence


def _away(
    session: Session, cohort: Cohort, person: Person, starts_at: datetime, ends_at: datetime
) -> bool:
    found = session.scalar(
        select(Absence.id)
        .where(
            Absence.cohort_id == cohort.id,
            Absence.person_id == person.id,
            Absence.ended_at.is_(None),
            Absence.starts_at < ends_at,
            Absence.ends_at > starts_at,
        )
        .limit(1)
    )
    return found is not None


def end_absence(session: Session, actor: Person, absence: Absence, *, now: datetime) -> None:
    """They are back, or never went; what was given on stays given."""
    if absence.ended_at is None:
        absence.ended_at = now
        audit.record(session, actor, "absence:end", absence, now=now)


def pass_on(session: Session, allocation: Allocation, absence: Absence, *, now: datetime) -> None:
    """Take an item nobody has begun from an absent grader: to their cover if they may read it."""
    holds.lapse(session, allocation, now=now)
    allocation.covers_until = now
    cover = absence.cover
    if cover is None or allocation.purpose in THIRD_READINGS:
        return
    free = session.scalar(
        select(Submission.id).where(Submission.id == allocation.submission_id, may_read(cover.id))
    )
    if free is None:
        return
    allocation.replaced = True
    allocations.give(
        session,
        allocation.submission,
        cover,
        Pool.PROFESSIONAL,
        Purpose(allocation.purpose),
        codes=allocations.BlindCodes(session, allocation.cohort_id),
        now=now,
    )


def unbegun_of_absent(
    session: Session, cohort: Cohort, people: list[str], *, limit: int
) -> list[Allocation]:
    """List what absent graders were given and have not begun."""
    return list(
        session.scalars(
            select(Allocation)
            .where(
                Allocation.cohort_id == cohort.id,
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.state == AllocationState.ALLOCATED,
                Allocation.rater_id.in_(people),
            )
            .limit(limit)
        )
    )
