"""Requests to be erased: asked, taken back, refused with a reason, or looked at in the first of two steps."""

from datetime import datetime, timedelta

from sqlalchemy import (
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    ErasureRequest,
    Person,
)
from grading.office.queries import erasure_hindrances
from grading.workflow.privacy import ERASURE_DAYS, ERASURE_PENDING, ErasureState


def pending_request(session: Session, person_id: str) -> ErasureRequest | None:
    """Find the request of a person that is not decided yet."""
    return session.scalar(
        select(ErasureRequest).where(
            ErasureRequest.person_id == person_id, ErasureRequest.state.in_(ERASURE_PENDING)
        )
    )


def request_erasure(
    session: Session, actor: Person, person: Person, *, now: datetime
) -> ErasureRequest:
    """Ask that a person be erased; asked twice, it is one request.

    Raises
    ------
    Refused
        They are erased already.
    """
    if person.erased_at is not None:
        raise Refused("This person is erased already.")
    found = pending_request(session, person.id)
    if found is not None:
        return found
    made = ErasureRequest(
        person_id=person.id,
        asked_by_id=actor.id,
        asked_at=now,
        decide_by=now + timedelta(days=ERASURE_DAYS),
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        other = pending_request(session, person.id)
        if other is None:
            raise Refused("This request was decided a moment ago.") from None
        return other
    audit.record(session, actor, "erasure:ask", made, now=now, after={"person": person.id})
    return made


def withdraw_request(
    session: Session, person: Person, request: ErasureRequest, *, now: datetime
) -> None:
    """Take one's own request back; raises `IllegalTransition` when it is decided."""
    take_turns(session, request)
    if request.person_id != person.id:
        raise Refused("Nobody takes another one's request back.")
    move(session, request, "withdraw", actor=person, now=now, ended_at=now, ended_by_id=person.id)


def refuse_request(
    session: Session, actor: Person, request: ErasureRequest, *, reason: str, now: datetime
) -> None:
    """Decide that a person is not erased, with a reason that they read; raises `Refused`."""
    take_turns(session, request)
    if not reason.strip():
        raise Refused("Give the reason; the person reads it.")
    if request.person_id == actor.id:
        raise Refused("Nobody decides on their own request.")
    move(
        session,
        request,
        "refuse",
        actor=actor,
        now=now,
        ended_at=now,
        ended_by_id=actor.id,
        answer=reason.strip(),
    )


def prepare_erasure(
    session: Session, actor: Person, person: Person, *, now: datetime
) -> ErasureRequest:
    """Take the first of two steps: what would go and what would stay was looked at.

    Raises
    ------
    Refused
        It is oneself, or something stands against it.
    """
    see_that_may_erase(session, actor, person)
    request = request_erasure(session, actor, person, now=now)
    if request.state == ErasureState.ASKED:
        move(
            session,
            request,
            "prepare",
            actor=actor,
            now=now,
            prepared_by_id=actor.id,
            prepared_at=now,
        )
    return request


def see_that_may_erase(session: Session, actor: Person, person: Person) -> None:
    if actor.id == person.id:
        raise Refused("Nobody erases themselves. Another administrator does.")
    if person.erased_at is not None:
        raise Refused("This person is erased already.")
    found = erasure_hindrances.hindrances_to_erasure(session, person)
    if found:
        raise FaultsFound(
            [Fault("", erasure_hindrances.WORDS[kind], {"n": n}) for kind, n in found.items()]
        )
