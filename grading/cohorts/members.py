"""A learner's part in a submission: taking it up, ending it, and what hangs on that."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import group_members
from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.models import Cohort, Membership, Person, Submission, SubmissionMember
from grading.models.conditions import is_member, takes_part
from grading.programs.queries import course_standings
from grading.workflow.cohort import Role
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.submission import SubmissionState

# The code by which others join a group: 39 bits, of use to the learners of one cohort only.
JOIN_CODE_LETTERS = 8


def enrolled(session: Session, learner: Person, cohort: Cohort, *, locked: bool = False) -> None:
    """See that somebody may have a part in a work of the cohort.

    Parameters
    ----------
    locked : bool
        Lock the learner's enrolment, so that two tabs cannot begin or join two works at once.

    Raises
    ------
    Refused
        Not enrolled as a learner, or courses are missing.
    """
    statement = select(Membership.id).where(
        takes_part(Role.LEARNER, cohort_id=cohort.id, person_id=learner.id),
    )
    if locked:
        statement = statement.with_for_update(key_share=True)
    if not session.scalar(statement):
        raise Refused("You are not enrolled in this cohort as a learner.")
    if missing := course_standings.missing_courses(session, cohort, learner.id):
        raise Refused(
            "Complete these courses first: %(courses)s.",
            courses=[course.title for course in missing],
        )


def own(session: Session, learner: Person, submission: Submission) -> SubmissionMember:
    """Give a learner's present part in a work; raises `Refused` when they have none."""
    found = group_members.part(session, submission, learner.id)
    if found is None or found.state != MemberState.JOINED:
        raise Refused("This is not your project.")
    return found


def add(
    session: Session,
    submission: Submission,
    person: Person,
    *,
    actor: Person | None,
    now: datetime,
    invited: bool = False,
) -> SubmissionMember:
    """Let somebody in, or ask them in; a part they had before is taken up again."""
    found = group_members.part(session, submission, person.id)
    if found is None:
        found = SubmissionMember(
            submission=submission,
            person=person,
            cohort_id=submission.cohort_id,
            attempt=submission.attempt,
            state=MemberState.INVITED if invited else MemberState.JOINED,
            since=now,
            invited_by=actor if invited else None,
        )
        session.add(found)
        session.flush()
        audit.record(
            session,
            actor,
            f"member:{'invite' if invited else 'join'}",
            found,
            now=now,
            after={"state": found.state, "submission": submission.id, "person": person.id},
        )
        return found
    if found.state in (MemberState.DECLINED, MemberState.LEFT, MemberState.REMOVED):
        move(session, found, "invite", actor=actor, now=now, ended_at=None)
        found.invited_by = actor if invited else None
    if not invited and found.state == MemberState.INVITED:
        move(session, found, "join", actor=actor, now=now, since=now)
    session.flush()
    return found


def end(
    session: Session,
    member: SubmissionMember,
    event: str,
    *,
    actor: Person | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    """End a part by ``leave``, ``remove`` or ``withdraw``; a work that nobody is left in is put away."""
    move(session, member, event, actor=actor, now=now, reason=reason, ended_at=now)
    session.flush()
    submission = member.submission
    left = group_members.rows(session, submission, (MemberState.JOINED,))
    if left and submission.learner_id == member.person_id:
        submission.learner_id = left[0].person_id
        session.flush()
        session.refresh(submission, ["learner"])
    if not left and submission.state != SubmissionState.WITHDRAWN:
        move(session, submission, "withdraw", actor=actor, now=now, withdrawn_at=now)


def present(session: Session, cohort: Cohort, person: Person, attempt: int) -> Submission | None:
    """Find the work of one attempt that a learner has a place in."""
    return session.scalar(
        select(Submission).where(
            Submission.cohort_id == cohort.id,
            Submission.attempt == attempt,
            is_member(person.id, PRESENT),
        )
    )


def put_away(session: Session, cohort: Cohort, person: Person, attempt: int) -> Submission | None:
    """Find the draft of their own that a learner left to join others."""
    return session.scalar(
        select(Submission)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.attempt == attempt,
            Submission.learner_id == person.id,
            Submission.state == SubmissionState.WITHDRAWN,
            is_member(person.id, (MemberState.LEFT,)),
        )
        .order_by(Submission.saved_at.desc())
        .limit(1)
    )
