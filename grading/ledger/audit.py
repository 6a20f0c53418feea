"""The audit chain: entries are gathered during an act and sealed into the chain at its commit.

What somebody wrote in words of their own is not hashed itself: the chain holds a salted digest of it, and
the words stand aside. So they can be erased, and the chain still verifies; while they are there, a changed
word shows as a changed entry would.

Sealing last keeps a chain's head locked for the shortest time, and makes it always the last lock an
act takes, so that two acts cannot wait for each other.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session, SessionTransaction

from grading.models import AuditEntry, AuditHead, Person
from grading.models.audit import ASIDE

GENESIS = "0" * 64
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
_TOKEN = re.compile(re.escape(ASIDE) + "[0-9a-f]{64}")


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


def canonical(value: object) -> str:
    """Give the one JSON text of a value."""
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=_plain,
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


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
) -> str:
    """Bind an entry to the one before it: SHA-256 over the canonical JSON of all its fields."""
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
    ]
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


@event.listens_for(Session, "before_commit")
def _seal(session: Session) -> None:
    entries: list[_Entry] = session.info.get(_PENDING, [])
    if not entries or session.in_nested_transaction():
        return
    # New records get their ids here, before the chains need them.
    session.flush()
    session.info.pop(_PENDING)
    for chain in sorted({entry.chain for entry in entries}):
        _append(session, chain, [entry for entry in entries if entry.chain == chain])


def _append(session: Session, chain: str, entries: list[_Entry]) -> None:
    head = session.execute(
        select(AuditHead.count.label("count_"), AuditHead.hash.label("hash_"))
        .where(AuditHead.chain == chain)
        .with_for_update()
    ).one_or_none()
    if head is None:
        session.execute(insert(AuditHead).values(chain=chain, count=0, hash=GENESIS))
    number, previous = (head.count_, head.hash_) if head else (0, GENESIS)
    rows: list[dict[str, Any]] = []
    for entry in entries:
        number += 1
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
        }
        previous = entry_hash(**fields)
        rows.append(fields | {"hash": previous, "aside": entry.aside, "erased_at": None})
    session.execute(insert(AuditEntry), rows)
    session.execute(
        update(AuditHead).where(AuditHead.chain == chain).values(count=number, hash=previous)
    )


@event.listens_for(Session, "after_transaction_create")
def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        _marks[transaction] = len(session.info.get(_PENDING, ()))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: SessionTransaction) -> None:
    """Forget what was gathered in a transaction, or since a savepoint, that is undone."""
    del session.info.get(_PENDING, [])[_marks.pop(transaction, 0) :]


@dataclass(frozen=True)
class ChainReport:
    """What verifying one chain found; ``faults`` is empty when it is whole."""

    chain: str
    count: int
    hash: str
    faults: tuple[str, ...]


def verify(session: Session, *, head: str | None = None) -> list[ChainReport]:
    """Recompute every chain.

    Parameters
    ----------
    head : str, optional
        A head printed earlier and kept elsewhere. It must still stand in some chain; if it does not,
        entries were cut off or rewritten since, even where the chain agrees with itself.
    """
    names = sorted(
        set(session.scalars(select(AuditHead.chain)))
        | set(session.scalars(select(AuditEntry.chain).distinct()))
    )
    reports = []
    seen_head = head is None or head == GENESIS
    for name in names:
        report, hashes_head = _verify_chain(session, name, head)
        seen_head = seen_head or hashes_head
        reports.append(report)
    if not seen_head:
        reports.append(
            ChainReport(
                "", 0, head or "", ("no chain has this head: entries were cut off or rewritten",)
            )
        )
    return reports


def _verify_chain(session: Session, name: str, head: str | None) -> tuple[ChainReport, bool]:
    faults: list[str] = []
    previous, number, seen = GENESIS, 0, False
    for entry in _entries(session, name):
        number += 1
        if entry.number != number:
            faults.append(f"entry {number} is missing: {entry.number} follows {number - 1}")
            number = entry.number
        if entry.previous != previous:
            faults.append(f"entry {number} does not follow the one before it")
        computed = entry_hash(
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
        )
        if computed != entry.hash:
            faults.append(f"entry {number} was changed")
        faults += [f"entry {number}: {fault}" for fault in _words_faults(entry)]
        seen = seen or entry.hash == head
        previous = entry.hash
    kept = session.get(AuditHead, name)
    if kept is None:
        faults.append("the chain's head is missing")
    elif kept.count != number:
        faults.append(f"the chain ends at entry {number}, its head says {kept.count}")
    elif kept.hash != previous:
        faults.append("the chain's last entry is not the one its head names")
    return ChainReport(name, number, previous, tuple(faults)), seen


def _words_faults(entry: AuditEntry) -> Iterable[str]:
    """Say which words of an entry are not those that were written; erased ones are no fault."""
    kept = entry.aside or {}
    for token in _TOKEN.findall(f"{entry.before} {entry.after} {entry.reason}"):
        if token in kept:
            salt, words = kept[token]
            if ASIDE + words_digest(salt, words) != token:
                yield "its words were changed"
        elif entry.erased_at is None:
            yield "its words are missing, and nobody erased them"


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
    erased = old = 0
    ids = list(dict.fromkeys(subjects))
    for start in range(0, len(ids), 500):
        for entry in session.scalars(
            select(AuditEntry).where(
                AuditEntry.subject_id.in_(ids[start : start + 500]), AuditEntry.erased_at.is_(None)
            )
        ):
            if entry.aside is not None:
                entry.aside, entry.erased_at = None, now
                erased += 1
            elif entry.actor_id and entry.reason and not entry.reason.startswith(ASIDE):
                old += 1
    return erased, old


def _entries(session: Session, name: str) -> Iterator[AuditEntry]:
    statement = (
        select(AuditEntry)
        .where(AuditEntry.chain == name)
        .order_by(AuditEntry.number)
        .execution_options(yield_per=1000)
    )
    for entry in session.scalars(statement):
        yield entry
        session.expunge(entry)
