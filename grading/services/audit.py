"""The audit chain: entries are gathered during an act and sealed into the chain at its commit.

Sealing last keeps a chain's head locked for the shortest time, and makes it always the last lock an
act takes, so that two acts cannot wait for each other.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session

from grading.models import AuditEntry, AuditHead, Person

GENESIS = "0" * 64
SERVICE_CHAIN = "service"
_PENDING = "audit entries to be sealed"


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
    who somebody was.
    """
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
    )
    session.info.setdefault(_PENDING, []).append(entry)


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
        rows.append(fields | {"hash": previous})
    session.execute(insert(AuditEntry), rows)
    session.execute(
        update(AuditHead).where(AuditHead.chain == chain).values(count=number, hash=previous)
    )


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_PENDING, None)


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
