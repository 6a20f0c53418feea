"""Groups: who works with whom.

A group is a submission with several members; nothing else about it is special.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import members, submissions
from grading.cohorts.queries import group_members, participants
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    Cohort,
    Grade,
    Person,
    Submission,
    SubmissionMember,
)
from grading.people import accounts
from grading.workflow.cohort import CohortState, Role
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.submission import SubmissionState

LONGEST_NAME = 100
_PLACES = (*PRESENT, MemberState.INVITED)


def _draft(submission: Submission) -> None:
    if submission.cohort.plan.group_size < 2:
        raise Refused("Everybody works alone in this cohort.")
    if submission.state != SubmissionState.DRAFT:
        raise Refused("The project is handed in, so the group cannot change.")


def _room(session: Session, submission: Submission, *, apart_from: str | None = None) -> None:
    taken = [
        member
        for member in group_members.rows(session, submission, _PLACES)
        if member.person_id != apart_from
    ]
    if len(taken) >= submission.cohort.plan.group_size:
        raise Refused(
            "The group is full: it has at most %(most)s members, those asked to join counted.",
            most=submission.cohort.plan.group_size,
        )


def invite(
    session: Session, actor: Person, submission: Submission, *, email: str, now: datetime
) -> SubmissionMember:
    """Ask a learner of the cohort to join a draft; they get a mail and decide.

    Raises
    ------
    Refused
        Not the actor's, not a draft, full, or they are in it already.
    FaultsFound
        Nobody of the cohort has this address.
    """
    take_turns(session, submission)
    members.own(session, actor, submission)
    _draft(submission)
    submissions.still_open(session, submission, now)
    person = accounts.look_up(session, email)
    if person is None or not participants.has_role(
        session, submission.cohort, person, Role.LEARNER
    ):
        raise FaultsFound(
            [Fault("email", "No learner of this cohort has this address. Look for a slip.")]
        )
    before = group_members.part(session, submission, person.id)
    if before is not None and before.state in _PLACES:
        raise Refused("%(name)s is in the group or is asked already.", name=person.name)
    _room(session, submission)
    member = members.add(session, submission, person, actor=actor, now=now, invited=True)
    outbox.mail(
        session,
        "group_invitation",
        person.id,
        key=f"group_invitation:{member.id}:{member.version}",
        now=now,
        member=member.id,
    )
    return member


def call_off(session: Session, actor: Person, member: SubmissionMember, *, now: datetime) -> None:
    """Take an invitation back; any member may."""
    take_turns(session, member.submission)
    members.own(session, actor, member.submission)
    move(session, member, "decline", actor=actor, now=now, ended_at=now)


def decline(session: Session, person: Person, member: SubmissionMember, *, now: datetime) -> None:
    """Say no to an invitation."""
    take_turns(session, member.submission)
    if member.person_id != person.id:
        raise NotFound("There is no such invitation.")
    move(session, member, "decline", actor=person, now=now, ended_at=now)


def accept(
    session: Session, person: Person, member: SubmissionMember, *, now: datetime
) -> Submission:
    """Join the group one was asked into."""
    take_turns(session, member)
    if member.person_id != person.id or member.state != MemberState.INVITED:
        raise NotFound("There is no such invitation.")
    return _join(session, person, member.submission, now=now)


def join(
    session: Session, person: Person, cohort: Cohort, *, code: str, now: datetime
) -> Submission:
    """Join a group by the code one of its members gave.

    Raises
    ------
    FaultsFound
        No group of the cohort has the code.
    Refused
        The group is full or has handed in, or the learner's own work is in the way.
    """
    wanted = "".join(code.split()).upper()
    submission = session.scalar(
        select(Submission).where(Submission.cohort_id == cohort.id, Submission.join_code == wanted)
    )
    if submission is None or not wanted:
        raise FaultsFound([Fault("code", "No group here has this code. Ask for it again.")])
    return _join(session, person, submission, now=now)


def _join(session: Session, person: Person, submission: Submission, *, now: datetime) -> Submission:
    members.enrolled(session, person, submission.cohort, locked=True)
    take_turns(session, submission)
    if group_members.has(session, submission, person.id):
        return submission
    _draft(submission)
    submissions.still_open(session, submission, now)
    _room(session, submission, apart_from=person.id)
    _free(session, person, submission.cohort, submission.attempt, actor=person, now=now)
    members.add(session, submission, person, actor=person, now=now)
    return submission


def _free(
    session: Session,
    person: Person,
    cohort: Cohort,
    attempt: int,
    *,
    actor: Person | None,
    now: datetime,
) -> None:
    """See that a person's own work does not keep them out; a draft of theirs alone is put away."""
    newest = group_members.newest(session, cohort, person.id)
    if newest is None:
        fits = attempt == 1
    elif newest.attempt < attempt:
        fits = (
            newest.attempt == attempt - 1
            and newest.state == SubmissionState.RELEASED
            and session.scalar(
                select(Grade.id).where(
                    Grade.submission_id == newest.id, Grade.person_id == person.id
                )
            )
            is not None
        )
    else:
        own = group_members.part(session, newest, person.id)
        if own is None or own.state == MemberState.WITHDRAWN:
            raise Refused("%(name)s has withdrawn, and has to come back first.", name=person.name)
        if newest.state != SubmissionState.DRAFT:
            raise Refused("%(name)s has handed in another project.", name=person.name)
        if len(group_members.rows(session, newest, PRESENT)) > 1:
            raise Refused(
                "%(name)s is in another group, and has to leave it first.", name=person.name
            )
        members.end(session, own, "leave", actor=actor, now=now)
        fits = newest.attempt == attempt
    if not fits:
        raise Refused(
            "This is attempt %(n)s, and %(name)s is not that far.",
            n=attempt,
            name=person.name,
        )


def leave(session: Session, person: Person, submission: Submission, *, now: datetime) -> None:
    """Leave a group before it hands in; what is written stays with the others.

    Raises
    ------
    Refused
        Not theirs, handed in, or there is nobody else in it.
    """
    take_turns(session, submission)
    own = members.own(session, person, submission)
    _draft(submission)
    if len(group_members.rows(session, submission, (MemberState.JOINED,))) < 2:
        raise Refused("You are the only one in it.")
    members.end(session, own, "leave", actor=person, now=now)


def form(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    group: Sequence[Person],
    *,
    name: str,
    now: datetime,
) -> Submission:
    """Put learners together, from the office; a draft that one of them alone has begun goes on as theirs.

    Raises
    ------
    FaultsFound
        Too few or too many, somebody is no learner of the cohort, or the name is too long.
    Refused
        Somebody has handed in, or is in another group.
    """
    if cohort.state == CohortState.ENDED:
        raise Refused("The cohort has ended.")
    if faults := group_faults(session, cohort, group, name):
        raise FaultsFound(faults)
    base = None
    for person in group:
        newest = group_members.newest(session, cohort, person.id)
        if (
            base is None
            and newest is not None
            and newest.attempt == 1
            and newest.state == SubmissionState.DRAFT
            and len(group_members.rows(session, newest, PRESENT)) == 1
        ):
            base = newest
    if base is None:
        _move_out(session, actor, cohort, 1, group[0], now=now)
        base = submissions.begin(session, group[0], cohort, attempt=1, now=now, actor=actor)
        audit.record(session, actor, "submission:start", base, now=now, after={"state": "draft"})
    base.group_name = name.strip()
    for person in group:
        _put(session, actor, base, person, now=now)
    _tell(session, base, now=now)
    return base


def form_named(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    group: Sequence[Person],
    *,
    name: str,
    now: datetime,
) -> Submission:
    """Put learners into the group of a name, which is made where there is none; as a list says it.

    Raises
    ------
    FaultsFound, Refused
        As `form` and `place`.
    """
    base = session.scalar(
        select(Submission)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.group_name == name.strip(),
            Submission.attempt == 1,
            Submission.state != SubmissionState.WITHDRAWN,
        )
        .limit(1)
    )
    if base is None:
        return form(session, actor, cohort, group, name=name, now=now)
    fresh = [person for person in group if not group_members.has(session, base, person.id)]
    if not fresh:
        return base
    if faults := group_faults(session, cohort, group, name):
        raise FaultsFound(faults)
    take_turns(session, base)
    _draft(base)
    for person in fresh:
        _put(session, actor, base, person, now=now)
    _tell(session, base, now=now)
    return base


def group_faults(
    session: Session, cohort: Cohort, group: Sequence[Person], name: str
) -> list[Fault]:
    """Say why some people cannot be a group."""
    faults = []
    most = cohort.plan.group_size
    if most < 2:
        faults.append(
            Fault(
                "people", "The plan lets everybody work alone. Set how large a group may be first."
            )
        )
    elif not 1 <= len({person.id for person in group}) <= most:
        faults.append(Fault("people", "A group has 1 to %(most)s members.", {"most": most}))
    faults += [
        Fault("people", "%(email)s is no learner of the cohort.", {"email": person.email})
        for person in group
        if not participants.has_role(session, cohort, person, Role.LEARNER)
    ]
    if len(name.strip()) > LONGEST_NAME:
        faults.append(Fault("name", "Use at most %(n)s characters.", {"n": LONGEST_NAME}))
    return faults


def _put(
    session: Session, actor: Person | None, submission: Submission, person: Person, *, now: datetime
) -> None:
    if group_members.has(session, submission, person.id):
        return
    _room(session, submission, apart_from=person.id)
    _move_out(session, actor, submission.cohort, submission.attempt, person, now=now)
    members.add(session, submission, person, actor=actor, now=now)


def _move_out(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    attempt: int,
    person: Person,
    *,
    now: datetime,
) -> None:
    """Free a person as the office may: they need not leave the group before."""
    newest = group_members.newest(session, cohort, person.id)
    if newest is not None and newest.state == SubmissionState.DRAFT:
        others = group_members.rows(session, newest, PRESENT)
        own = group_members.part(session, newest, person.id)
        if len(others) > 1 and own is not None and own.state == MemberState.JOINED:
            members.end(session, own, "remove", actor=actor, now=now)
    _free(session, person, cohort, attempt, actor=actor, now=now)


def place(
    session: Session, actor: Person, submission: Submission, person: Person, *, now: datetime
) -> None:
    """Put a learner into a group that has not handed in; they leave the one they were in.

    Raises
    ------
    FaultsFound, Refused
    """
    take_turns(session, submission)
    _draft(submission)
    if not participants.has_role(session, submission.cohort, person, Role.LEARNER):
        raise FaultsFound(
            [Fault("people", "%(email)s is no learner of the cohort.", {"email": person.email})]
        )
    _put(session, actor, submission, person, now=now)
    _tell(session, submission, now=now)


def take_out(
    session: Session, actor: Person, member: SubmissionMember, *, reason: str, now: datetime
) -> None:
    """Take somebody out of a group that has not handed in, or call an invitation off."""
    submission = member.submission
    take_turns(session, submission)
    _draft(submission)
    if member.state == MemberState.INVITED:
        move(session, member, "decline", actor=actor, now=now, ended_at=now)
        return
    members.end(session, member, "remove", actor=actor, now=now, reason=reason.strip() or None)
    _tell(session, submission, member.person_id, now=now)


def _tell(session: Session, submission: Submission, *more: str, now: datetime) -> None:
    """Let everybody concerned know that the office changed a group."""
    for person_id in {person.id for person in group_members.people(session, submission)} | set(
        more
    ):
        outbox.mail(
            session,
            "group_changed",
            person_id,
            key=f"group:{submission.id}:{person_id}:{now.isoformat()}",
            now=now,
            submission=submission.id,
        )
