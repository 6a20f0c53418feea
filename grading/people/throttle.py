"""Slowing whoever guesses at passwords, and not the owner.

Wrong passwords are counted under keys; from a number on, each makes the next wait longer. A browser that
has signed in to the account before is counted by itself, so that nobody who guesses elsewhere keeps its
owner out; so is whoever is signed in already and signs.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from grading.errors import TooMany
from grading.models import Person, SignInAttempt
from grading.texts import address_sought

# Wrong passwords are remembered for so long.
KEPT = timedelta(days=1)
LONGEST_PAUSE = timedelta(minutes=15)
FREE = 5
# A person mistypes a few times; a college behind one address, or an account tried from many, more often.
FREE_OF_ACCOUNT = 20
FREE_OF_ADDRESS = 100


@dataclass(frozen=True)
class Counter:
    """What wrong passwords are counted under, and how many of them cost no wait."""

    key: str
    free: int = FREE


def _key(kind: str, *parts: str) -> str:
    return f"{kind}:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def account_key(email: str) -> str:
    """Give the name under which wrong passwords of an account are counted, wherever they come from."""
    return _key("account", address_sought(email))


def counters_of_sign_in(email: str, address: str, device: str | None) -> tuple[Counter, ...]:
    """Say what a sign-in is counted under.

    Parameters
    ----------
    device : str or None
        The secret of a browser that has signed in to this account before.
    """
    email = address_sought(email)
    if device is not None:
        return (Counter(_key("device", email, device)),)
    return (
        Counter(_key("pair", email, address)),
        Counter(account_key(email), FREE_OF_ACCOUNT),
        Counter(_key("address", address), FREE_OF_ADDRESS),
    )


def counters_of_signing(person: Person) -> tuple[Counter, ...]:
    """Say what a password is counted under that somebody who is signed in gives once more."""
    return (Counter(f"signing:{person.id}"),)


def pause_after(failures: int, free: int) -> timedelta:
    """Give how long to wait after so many wrong passwords: twice as long each time."""
    beyond = failures - free
    return (
        timedelta(0) if beyond < 0 else min(timedelta(seconds=2 << min(beyond, 20)), LONGEST_PAUSE)
    )


def require_turn(session: Session, counters: Iterable[Counter], *, now: datetime) -> None:
    """Refuse whoever has to wait; a right password is not looked at before.

    Raises
    ------
    TooMany
        With the seconds that are left.
    """
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - KEPT))
    for counter in counters:
        failures, last = session.execute(
            select(func.count(), func.max(SignInAttempt.at)).where(SignInAttempt.key == counter.key)
        ).one()
        if failures and (left := last + pause_after(failures, counter.free) - now) > timedelta(0):
            raise TooMany(
                "There were too many wrong passwords. Wait %(n)s seconds, or have a link mailed to you.",
                n=ceil(left.total_seconds()),
            )


def note_failure(session: Session, counters: Sequence[Counter], *, now: datetime) -> None:
    """Count a wrong password."""
    session.add_all(SignInAttempt(key=counter.key, at=now) for counter in counters)


def forgive(session: Session, counters: Sequence[Counter]) -> None:
    """Forget the wrong passwords of whoever then gave the right one; what others tried stays counted."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.key == counters[0].key))
