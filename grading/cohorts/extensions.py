"""More time for one learner."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from grading.cohorts.queries import calendars, participants
from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Cohort,
    Extension,
    Person,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import is_member
from grading.workflow.calendar import ExtensionKind, ExtensionState
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import shifted
from grading.workflow.group import GIVE_TIME, MemberState
from grading.workflow.submission import SubmissionState

MOST_DAYS = 90


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
    # Several add up, and none is granted past another.
    take_turns(session, cohort)
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    if actor.id == person.id:
        raise Refused("Nobody grants themself more time.")
    faults = []
    if not participants.has_role(session, cohort, person, Role.LEARNER):
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
            is_member(extension.person_id, GIVE_TIME),
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
    # Several add up, and none is granted past another.
    take_turns(session, cohort)
    theirs = (
        Submission.cohort_id == cohort.id,
        is_member(extension.person_id, GIVE_TIME),
    )
    granted = calendars.granted_by_work(session, *theirs)
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
