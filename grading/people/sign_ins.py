"""Sign-ins: beginning one, finding it again, and ending one or all of a person's."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session, joinedload

from grading.ledger import audit
from grading.models import PasswordReset, Person, SignIn

# A browser that nobody used for so long is asked again, and every browser after the longer time.
IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
# A sign-in that is used is renewed no more often than this, so that reading a page seldom writes.
RENEWED_EVERY = timedelta(minutes=30)


def token_digest(token: str) -> str:
    """Give what is kept of a token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin_sign_in(session: Session, person: Person, *, now: datetime) -> str:
    """Sign a browser in; gives the token by which it is known."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            token_hash=token_digest(token),
            person_id=person.id,
            epoch=person.epoch,
            begun_at=now,
            idle_at=now + IDLE,
            ends_at=now + LONGEST,
        )
    )
    return token


def find_sign_in(session: Session, token: str, *, now: datetime) -> SignIn | None:
    """Find a sign-in that still holds, with its person."""
    sign_in = session.scalar(
        select(SignIn)
        .options(joinedload(SignIn.person))
        .where(SignIn.token_hash == token_digest(token))
    )
    if sign_in is None or not sign_in.person.active or sign_in.epoch != sign_in.person.epoch:
        return None
    return sign_in if now < min(sign_in.idle_at, sign_in.ends_at) else None


def is_renewal_due(sign_in: SignIn, *, now: datetime) -> bool:
    """Say whether a sign-in that is being used would soon end for want of use."""
    return sign_in.idle_at < min(now + IDLE - RENEWED_EVERY, sign_in.ends_at)


def renew_sign_in(session: Session, token: str, *, now: datetime) -> None:
    """Note that a sign-in is used."""
    sign_in = find_sign_in(session, token, now=now)
    if sign_in is not None:
        sign_in.idle_at = now + IDLE


def end_sign_in(session: Session, token: str) -> None:
    """Sign one browser out: whoever copied its cookie is out as well."""
    session.execute(delete(SignIn).where(SignIn.token_hash == token_digest(token)))


def end_ways_in(session: Session, person: Person) -> None:
    """End every sign-in of a person, and every link that was mailed to them.

    The epoch ends them, also those that another transaction is just making; the rows go with it.
    """
    person.epoch += 1
    for ways in (SignIn, PasswordReset):
        session.execute(delete(ways).where(ways.person_id == person.id))


def sign_out_everywhere(session: Session, person: Person, *, now: datetime) -> None:
    """End a person's sign-ins on every device, and their mailed links, at their own wish."""
    end_ways_in(session, person)
    audit.record(session, person, "person:sign_out_everywhere", person, now=now)


def forget_ended(session: Session, *, now: datetime) -> None:
    """Take away sign-ins and mailed links whose time is over."""
    session.execute(delete(SignIn).where(or_(SignIn.idle_at <= now, SignIn.ends_at <= now)))
    session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= now))
