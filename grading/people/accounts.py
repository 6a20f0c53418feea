"""Accounts: making them, signing in, finding the way back in."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.errors import Fault, FaultsFound, Refused, TooMany
from grading.ledger import audit, outbox
from grading.models import PasswordReset, Person, SignInAttempt

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
LONGEST_NAME = 200
_EMAIL = re.compile(r"[^@\s<>(),;:\"]+@[^@\s<>(),;:\"]+")

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


def email_address(text: str) -> str:
    """Give the one form of an address; raises `Refused` when it is none."""
    address = text.strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Refused("“%(text)s” is not an e-mail address.", text=text.strip())
    return address


def look_up(session: Session, email: str) -> Person | None:
    """Find the account of an address."""
    return session.scalar(select(Person).where(Person.email == email.strip().lower()))


def by_address(session: Session, emails: Iterable[str]) -> dict[str, Person]:
    """Find the accounts there are of many addresses."""
    return {
        person.email: person
        for addresses in batches(sorted({email.strip().lower() for email in emails}))
        for person in session.scalars(select(Person).where(Person.email.in_(addresses)))
    }


def name_fault(name: str) -> bool:
    """Say whether a text cannot be somebody's name."""
    return not name.strip() or len(name.strip()) > LONGEST_NAME


def find(session: Session, email: str) -> Person:
    """Find the account of an address; raises `Refused` when there is none."""
    person = look_up(session, email)
    if person is None:
        raise Refused("No account has the address “%(email)s”.", email=email.strip())
    return person


def password_faults(password: str) -> list[Fault]:
    """Say what is wrong with a new password; empty when nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return [Fault("password", "Use at least %(n)s characters.", {"n": SHORTEST_PASSWORD})]
    if len(password) > LONGEST_PASSWORD:
        return [Fault("password", "Use at most %(n)s characters.", {"n": LONGEST_PASSWORD})]
    return []


def create(
    session: Session,
    actor: Person | None,
    *,
    email: str,
    name: str,
    now: datetime,
    administrator: bool = False,
) -> Person:
    """Make an account without a password.

    Raises
    ------
    Refused
        The address is none, is taken, or the name is empty.
    """
    address = email_address(email)
    if name_fault(name):
        raise Refused("Give a name of at most 200 characters.")
    if session.scalar(select(Person.id).where(Person.email == address)):
        raise Refused("An account with the address %(email)s exists.", email=address)
    return _add(session, actor, [(address, name)], administrator=administrator, now=now)[0]


def create_many(
    session: Session, actor: Person | None, rows: Sequence[tuple[str, str]], *, now: datetime
) -> list[Person]:
    """Make accounts from checked (address, name) pairs that no account has, and invite each by mail."""
    made = _add(session, actor, rows, administrator=False, now=now)
    outbox.post_new(
        session,
        "password_mail",
        [
            (f"invitation:{person.id}", {"person": person.id, "template": "invitation"})
            for person in made
        ],
        now=now,
    )
    return made


def _add(
    session: Session,
    actor: Person | None,
    rows: Sequence[tuple[str, str]],
    *,
    administrator: bool,
    now: datetime,
) -> list[Person]:
    made = [
        Person(
            email=address, name=name.strip(), administrator=administrator, created_at=now, epoch=0
        )
        for address, name in rows
    ]
    session.add_all(made)
    session.flush()
    for person in made:
        audit.record(
            session, actor, "person:create", person, now=now, after={"administrator": administrator}
        )
    return made


def deactivate(
    session: Session, actor: Person | None, person: Person, *, reason: str = "", now: datetime
) -> None:
    """Close an account and end every sign-in there is. What the person did stays on record.

    Raises
    ------
    Refused
        It is one's own, or that of the last administrator.
    """
    if not person.active:
        return
    if actor is not None and actor.id == person.id:
        raise Refused("Nobody closes their own account. Another administrator does.")
    _another_administrator(session, person)
    person.active = False
    person.epoch += 1
    audit.record(session, actor, "person:deactivate", person, now=now, reason=reason.strip())


def reactivate(session: Session, actor: Person | None, person: Person, *, now: datetime) -> None:
    """Open a closed account again; raises `Refused` for one that was erased."""
    if person.erased_at is not None:
        raise Refused("This person is erased. Nothing brings them back.")
    if not person.active:
        person.active = True
        audit.record(session, actor, "person:reactivate", person, now=now)


def set_administrator(
    session: Session, actor: Person | None, person: Person, wanted: bool, *, now: datetime
) -> None:
    """Make somebody an administrator, or no longer one; every sign-in of theirs ends.

    Raises
    ------
    Refused
        Nobody would be left, or one would take it from oneself.
    """
    if person.administrator == wanted:
        return
    if actor is not None and actor.id == person.id:
        raise Refused("Nobody changes this for themselves. Another administrator does.")
    if not wanted:
        _another_administrator(session, person)
    person.administrator = wanted
    person.epoch += 1
    audit.record(
        session, actor, "person:set_administrator", person, now=now, after={"administrator": wanted}
    )


def _another_administrator(session: Session, person: Person) -> None:
    if person.administrator and not session.scalar(
        select(Person.id)
        .where(Person.administrator.is_(True), Person.active.is_(True), Person.id != person.id)
        .limit(1)
    ):
        raise Refused("This is the last administrator.")


def rename(
    session: Session, actor: Person | None, person: Person, name: str, *, now: datetime
) -> bool:
    """Change an account's name. Records keep the name they were issued under until they are issued anew.

    The names themselves stand in no audit entry: whoever changes theirs need not be found by the old.

    Returns
    -------
    bool
        Whether it is another name than before.

    Raises
    ------
    FaultsFound
        No name, or one that is too long.
    """
    name = " ".join(name.split())
    if not name or len(name) > 200:
        raise FaultsFound([Fault("name", "Give a name of at most 200 characters.")])
    if name == person.name:
        return False
    person.name = name
    audit.record(session, actor, "person:rename", person, now=now)
    return True


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
    return "account:" + _digest(email.strip().lower())


def sign_in(
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
        select(Person).where(Person.email == email.strip().lower(), Person.active.is_(True))
    )
    matches = _counted(session, person, email, password, address=address, hasher=hasher, now=now)
    return person if matches else None


def confirm(
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
        select(Person).where(Person.email == email.strip().lower(), Person.active.is_(True))
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


def invite(session: Session, person: Person, *, now: datetime) -> None:
    """Have a new account's first way in mailed, once."""
    outbox.post(
        session,
        "password_mail",
        {"person": person.id, "template": "invitation"},
        key=f"invitation:{person.id}",
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
