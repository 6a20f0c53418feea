"""Groups: who works with whom, objections to what one handed in for all, and how they are decided.

A group is a submission with several members; nothing else about it is special.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import (
    Cohort,
    Grade,
    Membership,
    Objection,
    Person,
    Submission,
    SubmissionMember,
)
from grading.queries import dates
from grading.queries import members as queries
from grading.services import audit, members, outbox, people, submissions
from grading.services.transitions import move
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import end_of_day
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.submission import SubmissionState

SHORTEST_REASON, LONGEST_REASON = 20, 5_000
LONGEST_NAME = 100
_PLACES = (*PRESENT, MemberState.INVITED)


def _reason_faults(where: str, text: str) -> list[Fault]:
    if SHORTEST_REASON <= len(text.strip()) <= LONGEST_REASON:
        return []
    return [
        Fault(
            where,
            "Use %(low)s to %(high)s characters.",
            {"low": SHORTEST_REASON, "high": LONGEST_REASON},
        )
    ]


def _draft(submission: Submission) -> None:
    if submission.cohort.plan.group_size < 2:
        raise Refused("Everybody works alone in this cohort.")
    if submission.state != SubmissionState.DRAFT:
        raise Refused("The project is handed in, so the group cannot change.")


def _room(session: Session, submission: Submission, *, apart_from: str | None = None) -> None:
    taken = [
        member
        for member in queries.rows(session, submission, _PLACES)
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
    members.lock(session, submission)
    members.own(session, actor, submission)
    _draft(submission)
    submissions.still_open(session, submission, now)
    person = people.look_up(session, email)
    if person is None or not _learner(session, submission.cohort, person):
        raise FaultsFound(
            [Fault("email", "No learner of this cohort has this address. Look for a slip.")]
        )
    before = queries.part(session, submission, person.id)
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


def _learner(session: Session, cohort: Cohort, person: Person) -> bool:
    return (
        session.scalar(
            select(Membership.id).where(
                Membership.cohort_id == cohort.id,
                Membership.person_id == person.id,
                Membership.role == Role.LEARNER,
                Membership.ended_at.is_(None),
            )
        )
        is not None
    )


def call_off(session: Session, actor: Person, member: SubmissionMember, *, now: datetime) -> None:
    """Take an invitation back; any member may."""
    members.own(session, actor, member.submission)
    move(session, member, "decline", actor=actor, now=now, ended_at=now)


def decline(session: Session, person: Person, member: SubmissionMember, *, now: datetime) -> None:
    """Say no to an invitation."""
    if member.person_id != person.id:
        raise NotFound("There is no such invitation.")
    move(session, member, "decline", actor=person, now=now, ended_at=now)


def accept(
    session: Session, person: Person, member: SubmissionMember, *, now: datetime
) -> Submission:
    """Join the group one was asked into."""
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
    members.enrolled(session, person, submission.cohort, take_turns=True)
    members.lock(session, submission)
    if queries.has(session, submission, person.id):
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
    newest = queries.newest(session, cohort, person.id)
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
        own = queries.part(session, newest, person.id)
        if own is None or own.state == MemberState.WITHDRAWN:
            raise Refused("%(name)s has withdrawn, and has to come back first.", name=person.name)
        if newest.state != SubmissionState.DRAFT:
            raise Refused("%(name)s has handed in another project.", name=person.name)
        if len(queries.rows(session, newest, PRESENT)) > 1:
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
    members.lock(session, submission)
    own = members.own(session, person, submission)
    _draft(submission)
    if len(queries.rows(session, submission, (MemberState.JOINED,))) < 2:
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
        newest = queries.newest(session, cohort, person.id)
        if (
            base is None
            and newest is not None
            and newest.attempt == 1
            and newest.state == SubmissionState.DRAFT
            and len(queries.rows(session, newest, PRESENT)) == 1
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
    fresh = [person for person in group if not queries.has(session, base, person.id)]
    if not fresh:
        return base
    if faults := group_faults(session, cohort, group, name):
        raise FaultsFound(faults)
    members.lock(session, base)
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
        if not _learner(session, cohort, person)
    ]
    if len(name.strip()) > LONGEST_NAME:
        faults.append(Fault("name", "Use at most %(n)s characters.", {"n": LONGEST_NAME}))
    return faults


def _put(
    session: Session, actor: Person | None, submission: Submission, person: Person, *, now: datetime
) -> None:
    if queries.has(session, submission, person.id):
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
    newest = queries.newest(session, cohort, person.id)
    if newest is not None and newest.state == SubmissionState.DRAFT:
        others = queries.rows(session, newest, PRESENT)
        own = queries.part(session, newest, person.id)
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
    members.lock(session, submission)
    _draft(submission)
    if not _learner(session, submission.cohort, person):
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
    members.lock(session, submission)
    _draft(submission)
    if member.state == MemberState.INVITED:
        move(session, member, "decline", actor=actor, now=now, ended_at=now)
        return
    members.end(session, member, "remove", actor=actor, now=now, reason=reason.strip() or None)
    _tell(session, submission, member.person_id, now=now)


def _tell(session: Session, submission: Submission, *more: str, now: datetime) -> None:
    """Let everybody concerned know that the office changed a group."""
    for person_id in {person.id for person in queries.people(session, submission)} | set(more):
        outbox.mail(
            session,
            "group_changed",
            person_id,
            key=f"group:{submission.id}:{person_id}:{now.isoformat()}",
            now=now,
            submission=submission.id,
        )


def may_object(submission: Submission, now: datetime) -> bool:
    """Whether a member can still object to what was handed in."""
    return (
        submission.state in (SubmissionState.CONTESTABLE, SubmissionState.CONTESTED)
        and submission.objections_until is not None
        and now <= submission.objections_until
    )


def object_to(
    session: Session, person: Person, submission: Submission, *, reason: str, now: datetime
) -> Objection:
    """Say that one does not stand by what was handed in for all.

    While the group can still hand in, it becomes a draft again and the members settle it. After the
    deadline the program decides, and nobody reads the work before.

    Raises
    ------
    Refused
        Not theirs, they objected already, or the time to object is over.
    FaultsFound
        A reason that is too short or too long.
    """
    members.lock(session, submission)
    members.own(session, person, submission)
    if not may_object(submission, now):
        raise Refused("The time to object is over, or somebody has taken the project back.")
    if any(
        one.person_id == person.id
        for one in queries.objections(session, submission, only_open=True)
    ):
        raise Refused("You have objected. It is being looked at.")
    if faults := _reason_faults("reason", reason):
        raise FaultsFound(faults)
    objection = Objection(
        cohort_id=submission.cohort_id,
        submission=submission,
        person=person,
        copy=len(submission.copies),
        reason=reason.strip(),
        made_at=now,
    )
    session.add(objection)
    session.flush()
    audit.record(
        session,
        person,
        "objection:make",
        objection,
        now=now,
        after={"state": objection.state, "submission": submission.id, "copy": objection.copy},
    )
    if now <= dates.window(session, submission)[1]:
        move(session, objection, "return", actor=person, now=now)
        if submission.state == SubmissionState.CONTESTED:
            move(session, submission, "settle", actor=person, now=now)
        move(session, submission, "take_back", actor=person, now=now, objections_until=None)
        # What others objected to in the same copy is taken back with it.
        for other in queries.objections(session, submission, only_open=True):
            move(session, other, "return", actor=person, now=now)
    else:
        if submission.state == SubmissionState.CONTESTABLE:
            move(session, submission, "contest", actor=person, now=now)
        for decider in _deciders(session, submission):
            outbox.needs(session, decider, now=now)
    for member in queries.people(session, submission):
        if member.id != person.id:
            outbox.mail(
                session,
                "group_objection",
                member.id,
                key=f"objection:{objection.id}:{member.id}",
                now=now,
                objection=objection.id,
            )
    return objection


def _deciders(session: Session, submission: Submission) -> list[Person]:
    return list(
        session.scalars(
            select(Person)
            .join(Membership, Membership.person_id == Person.id)
            .where(
                Membership.cohort_id == submission.cohort_id,
                Membership.role.in_((Role.COORDINATOR, Role.INSTRUCTOR)),
                Membership.ended_at.is_(None),
                Person.active.is_(True),
            )
            .distinct()
        )
    )


def withdraw_objection(
    session: Session, person: Person, objection: Objection, *, now: datetime
) -> None:
    """Stand by the work after all."""
    if objection.person_id != person.id:
        raise NotFound("There is no such objection.")
    members.lock(session, objection.submission)
    session.refresh(objection)
    move(session, objection, "withdraw", actor=person, now=now)
    submissions.settle_objections(session, objection.submission, actor=person, now=now)


def decide(
    session: Session,
    actor: Person,
    objection: Objection,
    *,
    take_out: bool,
    answer: str,
    now: datetime,
) -> Submission | None:
    """Decide an objection that came after the deadline: it is dismissed, or the objector is taken out.

    Whoever is taken out has a draft of their own, from a copy of the words, with a deadline of its own;
    the others' work goes on to be read.

    Returns
    -------
    Submission or None
        The draft of the one who was taken out.

    Raises
    ------
    NotFound
        The actor has a part in the work.
    Refused
        It is decided, or nobody else would be left in the group.
    FaultsFound
        No answer.
    """
    submission = objection.submission
    members.lock(session, submission)
    session.refresh(objection)
    if queries.took_part(session, submission, actor.id):
        raise NotFound("There is no such objection.")
    if faults := _reason_faults("answer", answer):
        raise FaultsFound(faults)
    objection.answer = answer.strip()
    told = queries.people(session, submission)
    if take_out and len(told) < 2:
        raise Refused("Nobody else is left in the group.")
    move(
        session,
        objection,
        "uphold" if take_out else "dismiss",
        actor=actor,
        now=now,
        decided_by_id=actor.id,
        decided_at=now,
    )
    fresh = None
    if take_out:
        cohort = submission.cohort
        members.end(session, members.own(session, objection.person, submission), "remove",
                    actor=actor, now=now)  # fmt: skip
        fresh = submissions.begin(
            session,
            objection.person,
            cohort,
            attempt=submission.attempt,
            now=now,
            actor=actor,
            copied=submission,
            due_at=end_of_day(now, cohort.plan.group_own_days, cohort.zone),
        )
        audit.record(
            session,
            actor,
            "submission:start",
            fresh,
            now=now,
            after={"state": "draft", "from": submission.id},
        )
    submissions.settle_objections(session, submission, actor=actor, now=now)
    for person in told:
        outbox.mail(
            session,
            "objection_decided",
            person.id,
            key=f"objection_decided:{objection.id}:{person.id}",
            now=now,
            objection=objection.id,
        )
    return fresh
