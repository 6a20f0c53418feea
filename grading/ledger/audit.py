"""The audit chain: entries are gathered during an act and sealed into the chain at its commit.

What somebody wrote in words of their own is not hashed itself: the chain holds a salted digest of it, and
the words stand aside. So they can be erased, and the chain still verifies; while they are there, a changed
word shows as a changed entry would.

Sealing last keeps a chain's head locked for the shortest time, and makes it always the last lock an
act takes, so that two acts cannot wait for each other.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session, SessionTransaction

from grading.ledger import seals, security
from grading.ledger.seals import canonical
from grading.models import AuditEntry, AuditHead, Person, Seal
from grading.models.audit import ASIDE

GENESIS = "0" * 64
# The action of an entry that says which earlier ones gave up their words.
ERASED = "words:erase"
_PENDING = "audit entries to be sealed"
# Under these names of ``before`` and ``after`` stands what somebody wrote.
WORDS = frozenset(
    {
        "allegation",
        "answer",
        "comment",
        "decline_note",
        "fault",
        "note",
        "question",
        "reason",
        "text",
    }
)
# How many entries there were when each savepoint was set.
_marks: WeakKeyDictionary[SessionTransaction, int] = WeakKeyDictionary()
TOKEN = re.compile(re.escape(ASIDE) + "[0-9a-f]{64}")


class Subject(Protocol):
    """Anything with an id and a chain."""

    @property
    def chain(self) -> str: ...


@dataclass
class _Entry:
    chain: str
    at: datetime
    actor_id: str | None
    action: str
    subject_type: str
    subject: Any
    before: str | None
    after: str | None
    reason: str | None
    aside: dict[str, Any] | None


def record(
    session: Session,
    actor: Person | None,
    action: str,
    subject: Subject,
    *,
    now: datetime,
    before: object = None,
    after: object = None,
    reason: str | None = None,
    chain: str | None = None,
) -> None:
    """Note that an actor (None: the service itself) did something to a record.

    Give ids in ``before`` and ``after``, never names or addresses: the chain outlives the right to know
    who somebody was. Words of a person (the reason, and what `WORDS` names) are put aside.
    """
    aside: dict[str, Any] = {}
    if actor is not None:
        before, after = _put_aside(before, aside), _put_aside(after, aside)
        reason = _token(reason, aside) if reason else None
    entry = _Entry(
        chain=chain or subject.chain,
        at=now,
        actor_id=actor.id if actor else None,
        action=action,
        subject_type=type(subject).__name__,
        subject=subject,
        before=None if before is None else canonical(before),
        after=None if after is None else canonical(after),
        reason=reason or None,
        aside=aside or None,
    )
    session.info.setdefault(_PENDING, []).append(entry)


def add(
    session: Session,
    actor: Person | None,
    action: str,
    subject: Subject,
    *,
    now: datetime,
    after: object = None,
    reason: str | None = None,
) -> None:
    """Add a new record to the session, and note who made it."""
    session.add(subject)
    session.flush()
    record(session, actor, action, subject, now=now, after=after, reason=reason)


def _token(words: str, aside: dict[str, Any]) -> str:
    """Give the salted digest of words, and keep both beside each other."""
    salt = secrets.token_hex(16)
    token = ASIDE + words_digest(salt, words)
    aside[token] = [salt, words]
    return token


def words_digest(salt: str, words: str) -> str:
    """Give the SHA-256 of words under a salt, in hexadecimal."""
    return hashlib.sha256(f"{salt}:{words}".encode()).hexdigest()


def _put_aside(value: object, aside: dict[str, Any]) -> object:
    if isinstance(value, Mapping):
        return {
            key: _token(inner, aside)
            if key in WORDS and isinstance(inner, str) and inner
            else _put_aside(inner, aside)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_put_aside(inner, aside) for inner in value]
    return value


def entry_hash(
    *,
    previous: str,
    chain: str,
    number: int,
    at: datetime,
    actor_id: str | None,
    action: str,
    subject_type: str,
    subject_id: str,
    before: str | None,
    after: str | None,
    reason: str | None,
    sealed: str | None,
) -> str:
    """Bind an entry to the one before it: SHA-256 over the canonical JSON of all its fields.

    ``sealed`` is what it holds fast of the tables; entries of before it did have no such field.
    """
    fields = [
        previous,
        chain,
        number,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor_id,
        action,
        subject_type,
        subject_id,
        before,
        after,
        reason,
        *([] if sealed is None else [sealed]),
    ]
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def hash_of(entry: AuditEntry) -> str:
    """Give what an entry's hash comes to, from what it says now."""
    return entry_hash(
        previous=entry.previous,
        chain=entry.chain,
        number=entry.number,
        at=entry.at,
        actor_id=entry.actor_id,
        action=entry.action,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        before=entry.before,
        after=entry.after,
        reason=entry.reason,
        sealed=entry.sealed,
    )


@event.listens_for(Session, "before_commit")
def _seal(session: Session) -> None:
    if session.in_nested_transaction():
        return
    # New records get their ids here, before the chains need them.
    session.flush()
    entries: list[_Entry] = session.info.pop(_PENDING, [])
    security.gather(
        session,
        [(entry.at, entry.action, entry.actor_id, str(entry.subject.id)) for entry in entries],
    )
    seals_made = seals.made(session, entries[0].chain if entries else None)
    for chain in sorted({entry.chain for entry in entries} | seals_made.keys()):
        own = [entry for entry in entries if entry.chain == chain]
        _append(session, chain, own, seals_made.get(chain, []), entries[0].at if entries else None)


def _append(
    session: Session,
    chain: str,
    entries: list[_Entry],
    seals_made: list[dict[str, Any]],
    at: datetime | None,
) -> None:
    head = session.execute(
        select(AuditHead.count.label("count_"), AuditHead.hash.label("hash_"))
        .where(AuditHead.chain == chain)
        .with_for_update()
    ).one_or_none()
    if head is None:
        session.execute(insert(AuditHead).values(chain=chain, count=0, hash=GENESIS))
    number, previous = (head.count_, head.hash_) if head else (0, GENESIS)
    if not entries:
        entries = [_witness(chain, at or _last_instant(session, chain, number))]
    rows: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    # Each entry holds its share, so that few have to be looked at again for one of them.
    share = -(-len(seals_made) // len(entries))
    for place, entry in enumerate(entries):
        number += 1
        held = seals_made[place * share : (place + 1) * share]
        kept += [seal | {"chain": chain, "number": number} for seal in held]
        fields: dict[str, Any] = {
            "chain": chain,
            "number": number,
            "at": entry.at,
            "actor_id": entry.actor_id,
            "action": entry.action,
            "subject_type": entry.subject_type,
            "subject_id": str(entry.subject.id),
            "before": entry.before,
            "after": entry.after,
            "reason": entry.reason,
            "previous": previous,
            "sealed": seals.digest_of((seal["row"], seal["digest"]) for seal in held),
        }
        previous = entry_hash(**fields)
        rows.append(fields | {"hash": previous, "aside": entry.aside, "erased_at": None})
    session.execute(insert(AuditEntry), rows)
    if kept:
        session.execute(insert(Seal), kept)
    session.execute(
        update(AuditHead).where(AuditHead.chain == chain).values(count=number, hash=previous)
    )


@dataclass
class Chain:
    """A chain as the subject of an entry of its own."""

    id: str

    @property
    def chain(self) -> str:
        return self.id


def _witness(chain: str, at: datetime) -> _Entry:
    """Make the entry that holds the seals of a commit of which no act told this chain."""
    return _Entry(
        chain, at, None, "tables:seal", Chain.__name__, Chain(chain), None, None, None, None
    )


def _last_instant(session: Session, chain: str, number: int) -> datetime:
    last = session.scalar(
        select(AuditEntry.at).where(AuditEntry.chain == chain, AuditEntry.number == number)
    )
    return last or datetime.fromtimestamp(0, UTC)


@event.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _marks[transaction] = len(session.info.get(_PENDING, ()))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """Forget what was gathered in a transaction, or since a savepoint, that is undone."""
    del session.info.get(_PENDING, [])[_marks.pop(transaction, 0) :]


def erase_words(session: Session, subjects: Iterable[str], *, now: datetime) -> tuple[int, int]:
    """Take away the words that stand in the chains with some records.

    Parameters
    ----------
    subjects : iterable of str
        The records' ids.

    Returns
    -------
    tuple of int
        How many entries lost their words, and how many of an earlier form hold some that are part of
        the hash and therefore stay.
    """
    old = 0
    numbers: dict[str, list[int]] = {}
    ids = list(dict.fromkeys(subjects))
    for start in range(0, len(ids), 500):
        for entry in session.scalars(
            select(AuditEntry).where(
                AuditEntry.subject_id.in_(ids[start : start + 500]), AuditEntry.erased_at.is_(None)
            )
        ):
            if entry.aside is not None:
                entry.aside, entry.erased_at = None, now
                numbers.setdefault(entry.chain, []).append(entry.number)
            elif entry.actor_id and entry.reason and not entry.reason.startswith(ASIDE):
                old += 1
    for chain, of_chain in numbers.items():
        record(session, None, ERASED, Chain(chain), now=now, after={"entries": sorted(of_chain)})
    return sum(map(len, numbers.values())), old
