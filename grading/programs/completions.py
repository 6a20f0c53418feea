"""Completions: who finished which course, when, and how it is known that it was them."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import (
    Completion,
    Course,
    Person,
)
from grading.phrases import phrase
from grading.workflow.credential import IdentityAssurance
from grading.workflow.deadlines import has_begun

FUTURE = phrase("The day lies in the future.")


def record_completion(
    session: Session,
    actor: Person | None,
    course: Course,
    person: Person,
    *,
    completed_on: date,
    identity_assurance: str,
    via: str | None = None,
    now: datetime,
) -> Completion:
    """Note that a learner completed a course; a later completion renews the one that is noted.

    Raises
    ------
    FaultsFound
        The day has begun nowhere on earth.
    Refused
        The same or a later completion is noted already.
    """
    if not has_begun(completed_on, now):
        raise FaultsFound([Fault("completed_on", FUTURE)])
    take_turns(session, person)
    known = session.scalar(
        select(Completion).where(
            Completion.course_id == course.id, Completion.person_id == person.id
        )
    )
    if known is not None:
        if completed_on <= known.completed_on:
            raise Refused("%(course)s is recorded as completed already.", course=course.title)
        renew_completion(
            session,
            actor,
            known,
            completed_on=completed_on,
            identity_assurance=IdentityAssurance(identity_assurance),
            via=via,
            now=now,
        )
        return known
    completion = Completion(
        course=course,
        person_id=person.id,
        completed_on=completed_on,
        identity_assurance=IdentityAssurance(identity_assurance),
        recorded_at=now,
        via=via,
    )
    session.add(completion)
    session.flush()
    note_completion(session, actor, completion, now=now)
    return completion


def note_completion(
    session: Session, actor: Person | None, completion: Completion, *, now: datetime
) -> None:
    """Write a new completion into the chain."""
    audit.record(
        session,
        actor,
        "completion:record",
        completion,
        now=now,
        after={
            "course": completion.course_id,
            "person": completion.person_id,
            "assurance": str(completion.identity_assurance),
        }
        | ({"via": completion.via} if completion.via else {}),
    )


def renew_completion(
    session: Session,
    actor: Person | None,
    completion: Completion,
    *,
    completed_on: date,
    identity_assurance: str,
    via: str | None,
    now: datetime,
) -> None:
    """Put a later completion in place of one that may have expired."""
    before = completion_words(completion)
    completion.completed_on = completed_on
    completion.identity_assurance = identity_assurance
    completion.via = via
    audit.record(
        session,
        actor,
        "completion:renew",
        completion,
        now=now,
        before=before,
        after=completion_words(completion),
    )


def completion_words(completion: Completion) -> dict[str, str | None]:
    """Give what can change of a completion, as plain data."""
    return {
        "completed_on": completion.completed_on.isoformat(),
        "identity_assurance": str(completion.identity_assurance),
        "via": completion.via,
    }
