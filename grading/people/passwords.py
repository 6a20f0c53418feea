"""Passwords: setting one, signing in with it, finding the way back in."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit, outbox
from grading.models import PasswordReset, Person
from grading.people import sign_ins, throttle
from grading.people.throttle import Counter
from grading.texts import address_sought

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
# Beyond this many characters nothing is looked up; a password of such length is no common one.
LONGEST_LOOK = 72
# Of 0 to 4: from 3 on, an estimate of more than 100 million guesses by whoever knows what is common.
LEAST_STRENGTH = 3
RESET_LASTS = timedelta(days=7)
RESET_PAUSE = timedelta(minutes=2)


def password_hasher(cost: str) -> PasswordHasher:
    """Give argon2id at the library's default cost, or a light one for tests by the thousand."""
    if cost == "light":
        return PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)
    return PasswordHasher()


def password_faults(password: str, person: Person) -> list[Fault]:
    """Say what is wrong with a person's new password; empty when nothing is.

    There are no rules for its characters: a password is refused that a list of common ones, names, words,
    keyboard runs and dates, or the person's own name and address, soon come to.
    """
    if len(password) < SHORTEST_PASSWORD:
        return [Fault("password", "Use at least %(n)s characters.", {"n": SHORTEST_PASSWORD})]
    if len(password) > LONGEST_PASSWORD:
        return [Fault("password", "Use at most %(n)s characters.", {"n": LONGEST_PASSWORD})]
    # Its word lists take a moment to load, and few requests need them.
    from zxcvbn import zxcvbn

    local, _, host = person.email.partition("@")
    own_words = [local, host, *local.split("."), *host.split("."), *person.name.split()]
    if zxcvbn(password[:LONGEST_LOOK], user_inputs=own_words)["score"] < LEAST_STRENGTH:
        return [
            Fault(
                "password",
                "This is a common password, or close to one or to your name, so it is soon guessed. "
                "Three or four words that have nothing to do with each other are better.",
            )
        ]
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
    """Set a password and end every way in there was; its owner is told by mail. Raises `FaultsFound`."""
    if faults := password_faults(password, person):
        raise FaultsFound(faults)
    person.password_hash = hasher.hash(password)
    sign_ins.end_ways_in(session, person)
    audit.record(session, actor, "person:set_password", person, now=now)
    outbox.mail(
        session, "password_set", person.id, key=f"password_set:{person.id}:{person.epoch}", now=now
    )


def sign_in_with_password(
    session: Session,
    email: str,
    password: str,
    *,
    address: str,
    devices: Mapping[str, str],
    hasher: PasswordHasher,
    now: datetime,
) -> Person | None:
    """Check an address and a password; None when they do not match, which is counted.

    Parameters
    ----------
    address : str
        Of the client.
    devices : Mapping
        Accounts that this browser has signed in to before, by id, with its secret for each.

    Raises
    ------
    TooMany
        Whoever guesses has to wait.
    """
    person = session.scalar(
        select(Person)
        .where(Person.email == address_sought(email), Person.active.is_(True))
        # Many who guess at once take turns, so that each finds what the others were counted for.
        .with_for_update()
    )
    device = devices.get(person.id) if person else None
    counters = throttle.counters_of_sign_in(email, address, device)
    matches = _counted(session, person, password, counters, hasher=hasher, now=now)
    return person if matches else None


def confirm_password(
    session: Session, person: Person, password: str, *, hasher: PasswordHasher, now: datetime
) -> bool:
    """Check the password of somebody who is signed in; failures are counted apart from the sign-in's.

    Raises
    ------
    TooMany
        They have to wait.
    """
    session.refresh(person, with_for_update=True)
    return _counted(
        session, person, password, throttle.counters_of_signing(person), hasher=hasher, now=now
    )


def _counted(
    session: Session,
    person: Person | None,
    password: str,
    counters: Sequence[Counter],
    *,
    hasher: PasswordHasher,
    now: datetime,
) -> bool:
    throttle.require_turn(session, counters, now=now)
    if person is None or person.password_hash is None:
        # The same work for an unknown account, so that the time taken tells nothing.
        hasher.hash(password[:LONGEST_PASSWORD])
    elif _matches(hasher, person.password_hash, password):
        if hasher.check_needs_rehash(person.password_hash):
            person.password_hash = hasher.hash(password)
        throttle.forgive(session, counters)
        return True
    throttle.note_failure(session, counters, now=now)
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
        PasswordReset(
            token_hash=sign_ins.token_digest(token),
            person_id=person.id,
            epoch=person.epoch,
            expires_at=now + RESET_LASTS,
        )
    )
    return token


def find_reset(
    session: Session, token: str, *, now: datetime, claim: bool = False
) -> PasswordReset | None:
    """Find a token that may still be used: for an open account whose ways in have not ended since.

    With ``claim`` others that use it at once wait, and find it used up.
    """
    reset = session.get(PasswordReset, sign_ins.token_digest(token), with_for_update=claim or None)
    if reset is None or reset.expires_at <= now:
        return None
    return reset if reset.person.active and reset.epoch == reset.person.epoch else None


def use_reset(
    session: Session, token: str, password: str, *, hasher: PasswordHasher, now: datetime
) -> Person:
    """Set a password by a mailed token; it and all others of the person are used up by that.

    Raises
    ------
    Refused
        The token is unknown, used or too old.
    FaultsFound
        The password cannot be used; the token stays good.
    """
    reset = find_reset(session, token, now=now, claim=True)
    if reset is None:
        raise Refused("This link was used or is too old. Ask for a new one.")
    person = reset.person
    set_password(session, person, person, password, hasher=hasher, now=now)
    return person
