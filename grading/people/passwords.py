"""Passwords: setting one, signing in with it, finding the way back in."""

import hashlib
import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused, TooMany
from grading.ledger import audit, outbox
from grading.models import PasswordReset, Person, SignInAttempt
from grading.texts import address_sought

SHORTEST_PASSWORD = 10


LONGEST_PASSWORD = 200


# Within the window, so many failures close the door: for one account, and for one client address.
WINDOW = timedelta(minutes=15)


MOST_PER_ACCOUNT = 10


MOST_PER_ADDRESS = 100


RESET_LASTS = timedelta(days=7)


RESET_PAUSE = timedelta(minutes=2)


def password_hasher(cost: str) -> PasswordHasher:
    """Give argon2id at the library's default cost, or a light one for tests by the thousand."""
    if cost == "light":
        return PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)
    return PasswordHasher()


def password_faults(password: str) -> list[Fault]:
    """Say what is wrong with a new password; empty when nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return [Fault("password", "Use at least %(n)s characters.", {"n": SHORTEST_PASSWORD})]
    if len(password) > LONGEST_PASSWORD:
        return [Fault("password", "Use at most %(n)s characters.", {"n": LONGEST_PASSWORD})]
    return []


def set_password(
    session: Session,
    actor: Person | None,
    person: Person,
    password: str,
    *,
    hasher: PasswordHasher,
    now: datetime,
) -> None:
    """Set a password and end every sign-in there is; raises `FaultsFound`."""
    if faults := password_faults(password):
        raise FaultsFound(faults)
    person.password_hash = hasher.hash(password)
    person.epoch += 1
    audit.record(session, actor, "person:set_password", person, now=now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def account_key(email: str) -> str:
    """Give the name under which failed sign-ins of an account are counted."""
    return "account:" + _digest(address_sought(email))


def sign_in_with_password(
    session: Session,
    email: str,
    password: str,
    *,
    address: str,
    hasher: PasswordHasher,
    now: datetime,
) -> Person | None:
    """Check an address and a password; None when they do not match, which is counted.

    Raises
    ------
    TooMany
        Too many failures for the account or from the client's address within 15 minutes.
    """
    person = session.scalar(
        select(Person).where(Person.email == address_sought(email), Person.active.is_(True))
    )
    matches = _counted(session, person, email, password, address=address, hasher=hasher, now=now)
    return person if matches else None


def confirm_password(
    session: Session,
    person: Person,
    password: str,
    *,
    address: str,
    hasher: PasswordHasher,
    now: datetime,
) -> bool:
    """Check the password of somebody who is signed in; failures count as those of the sign-in do.

    Raises
    ------
    TooMany
        As `sign_in`.
    """
    return _counted(
        session, person, person.email, password, address=address, hasher=hasher, now=now
    )


def _counted(
    session: Session,
    person: Person | None,
    email: str,
    password: str,
    *,
    address: str,
    hasher: PasswordHasher,
    now: datetime,
) -> bool:
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - WINDOW))
    own_key = account_key(email)
    address_key = "address:" + _digest(address)
    for key, most in ((own_key, MOST_PER_ACCOUNT), (address_key, MOST_PER_ADDRESS)):
        failures = session.scalar(
            select(func.count()).select_from(SignInAttempt).where(SignInAttempt.key == key)
        )
        if (failures or 0) >= most:
            raise TooMany("Too many attempts. Try again in 15 minutes, or reset your password.")
    if person is None or person.password_hash is None:
        # The same work for an unknown account, so that the time taken tells nothing.
        hasher.hash(password[:LONGEST_PASSWORD])
    elif _matches(hasher, person.password_hash, password):
        if hasher.check_needs_rehash(person.password_hash):
            person.password_hash = hasher.hash(password)
        session.execute(delete(SignInAttempt).where(SignInAttempt.key == own_key))
        return True
    session.add_all([SignInAttempt(key=own_key, at=now), SignInAttempt(key=address_key, at=now)])
    return False


def _matches(hasher: PasswordHasher, stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


def request_reset(session: Session, email: str, *, now: datetime) -> None:
    """Have a way back in mailed, if there is such an account; the caller learns nothing either way."""
    person = session.scalar(
        select(Person).where(Person.email == address_sought(email), Person.active.is_(True))
    )
    if person is None:
        return
    # One mail per pause, however often the button is pressed.
    slot = int(now.timestamp() // RESET_PAUSE.total_seconds())
    outbox.post(
        session,
        "password_mail",
        {"person": person.id, "template": "password_reset"},
        key=f"password_mail:{person.id}:{slot}",
        now=now,
    )


def issue_reset(session: Session, person: Person, *, now: datetime) -> str:
    """Make a token that sets a password once; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        PasswordReset(token_hash=_digest(token), person_id=person.id, expires_at=now + RESET_LASTS)
    )
    return token


def find_reset(session: Session, token: str, *, now: datetime) -> PasswordReset | None:
    """Find a token that may still be used."""
    reset = session.get(PasswordReset, _digest(token))
    if reset is None or reset.used_at is not None or reset.expires_at <= now:
        return None
    return reset


def use_reset(
    session: Session, token: str, password: str, *, hasher: PasswordHasher, now: datetime
) -> Person:
    """Set a password by a mailed token, which then is used up.

    Raises
    ------
    Refused
        The token is unknown, used or too old.
    FaultsFound
        The password cannot be used; the token stays good.
    """
    reset = find_reset(session, token, now=now)
    if reset is None:
        raise Refused("This link was used or is too old. Ask for a new one.")
    set_password(session, reset.person, reset.person, password, hasher=hasher, now=now)
    reset.used_at = now
    return reset.person
