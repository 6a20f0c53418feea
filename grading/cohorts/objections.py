"""Objections of a group's member to what another handed in for all, and how they are decided."""

from datetime import datetime

from sqlalchemy.orm import Session

from grading.authorization.predicates import has_own_interest
from grading.cohorts import members, submissions, withdrawals
from grading.cohorts.queries import calendars, group_members, participants
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import Objection, Person, Submission
from grading.workflow.cohort import Role
from grading.workflow.deadlines import end_of_day
from grading.workflow.submission import SubmissionState

SHORTEST_REASON, LONGEST_REASON = 20, 5_000


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
    take_turns(session, submission)
    members.own(session, person, submission)
    if submission.state == SubmissionState.DRAFT:
        raise Refused("Somebody has taken the project back.")
    if not may_object(submission, now):
        raise Refused("The time to object is over.")
    if any(
        one.person_id == person.id
        for one in group_members.objections(session, submission, only_open=True)
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
    if now <= calendars.window(session, submission)[1]:
        move(session, objection, "return", actor=person, now=now)
        if submission.state == SubmissionState.CONTESTED:
            move(session, submission, "settle", actor=person, now=now)
        move(session, submission, "take_back", actor=person, now=now, objections_until=None)
        # What others objected to in the same copy is taken back with it.
        for other in group_members.objections(session, submission, only_open=True):
            move(session, other, "return", actor=person, now=now)
    else:
        if submission.state == SubmissionState.CONTESTABLE:
            move(session, submission, "contest", actor=person, now=now)
        for decider in participants.with_roles(
            session, submission.cohort, Role.COORDINATOR, Role.INSTRUCTOR
        ):
            outbox.needs(session, decider, zone=submission.cohort.zone, now=now)
    for member in group_members.people(session, submission):
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


def withdraw(session: Session, person: Person, objection: Objection, *, now: datetime) -> None:
    """Stand by the work after all."""
    if objection.person_id != person.id:
        raise NotFound("There is no such objection.")
    take_turns(session, objection.submission)
    session.refresh(objection)
    move(session, objection, "withdraw", actor=person, now=now)
    withdrawals.settle_objections(session, objection.submission, actor=person, now=now)


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
    take_turns(session, submission)
    session.refresh(objection)
    if has_own_interest(session, actor.id, [submission.id]):
        raise NotFound("There is no such objection.")
    if faults := _reason_faults("answer", answer):
        raise FaultsFound(faults)
    objection.answer = answer.strip()
    told = group_members.people(session, submission)
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
    withdrawals.settle_objections(session, submission, actor=actor, now=now)
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
