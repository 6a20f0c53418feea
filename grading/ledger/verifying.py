"""Verifying: every chain computed again, and the tables held against what the chains hold of them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.ledger import audit, seals
from grading.ledger.sealed import SEALED_BY, SEALINGS, Sealing, contents
from grading.models import AuditEntry, AuditHead, Base, Seal
from grading.models.audit import ASIDE


@dataclass(frozen=True)
class ChainReport:
    """What verifying one chain found; ``faults`` is empty when it is whole."""

    chain: str
    count: int
    hash: str
    faults: tuple[str, ...]
    # What is no fault, and yet to be known.
    notes: tuple[str, ...] = ()
    unit: str = "entries"


@dataclass
class _Erasures:
    """What the chains say of words that were erased: entries by chain and number, or by the instant."""

    entries: set[tuple[str, int]] = field(default_factory=set)
    instants: set[datetime] = field(default_factory=set)

    def tell_of(self, entry: AuditEntry) -> bool:
        return (entry.chain, entry.number) in self.entries or entry.erased_at in self.instants


def verify(session: Session, *, head: str | None = None) -> list[ChainReport]:
    """Recompute every chain, and compare every sealed row with its last seal.

    Parameters
    ----------
    head : str, optional
        A head printed earlier and kept elsewhere. It must still stand in some chain; if it does not,
        entries were cut off or rewritten since, even where the chain agrees with itself.

    Returns
    -------
    list of ChainReport
        One for each chain, and one named ``tables``.
    """
    names = sorted(
        set(session.scalars(select(AuditHead.chain)))
        | set(session.scalars(select(AuditEntry.chain).distinct()))
    )
    reports = []
    erasures = _erasures(session)
    seen_head = head is None or head == audit.GENESIS
    for name in names:
        report, hashes_head = _verify_chain(session, name, head, erasures)
        seen_head = seen_head or hashes_head
        reports.append(report)
    if not seen_head:
        reports.append(
            ChainReport(
                "", 0, head or "", ("no chain has this head: entries were cut off or rewritten",)
            )
        )
    return [*reports, verify_tables(session)]


def _erasures(session: Session) -> _Erasures:
    told = _Erasures()
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == audit.ERASED)):
        numbers: list[int] = json.loads(entry.after or "{}").get("entries", [])
        told.entries |= {(entry.chain, number) for number in numbers}
    # Before there were such entries, the erasure of a person told of itself alone.
    told.instants.update(
        session.scalars(
            select(AuditEntry.at).where(
                AuditEntry.action == "erasure:confirm", AuditEntry.sealed.is_(None)
            )
        )
    )
    return told


def _verify_chain(
    session: Session, name: str, head: str | None, erasures: _Erasures
) -> tuple[ChainReport, bool]:
    faults: list[str] = []
    previous, number, seen = audit.GENESIS, 0, False
    held = _held(session, name)
    for entry in _entries(session, name):
        number += 1
        if entry.number != number:
            faults.append(f"entry {number} is missing: {entry.number} follows {number - 1}")
            number = entry.number
        if entry.previous != previous:
            faults.append(f"entry {number} does not follow the one before it")
        if audit.hash_of(entry) != entry.hash:
            faults.append(f"entry {number} was changed")
        faults += [f"entry {number}: {fault}" for fault in _words_faults(entry, erasures)]
        digest = held.pop(number, None)
        if entry.sealed != (digest or (entry.sealed and seals.digest_of([]))):
            faults.append(f"entry {number}: the seals it holds were changed")
        seen = seen or entry.hash == head
        previous = entry.hash
    faults += [f"entry {number} is missing: seals name it" for number in sorted(held)]
    kept = session.get(AuditHead, name)
    if kept is None:
        faults.append("the chain's head is missing")
    elif kept.count != number:
        faults.append(f"the chain ends at entry {number}, its head says {kept.count}")
    elif kept.hash != previous:
        faults.append("the chain's last entry is not the one its head names")
    return ChainReport(name, number, previous, tuple(faults)), seen


def _held(session: Session, chain: str) -> dict[int, str]:
    """Give, by entry of a chain, the digest of the seals that say it holds them."""
    rows = session.execute(
        select(Seal.number, Seal.row, Seal.digest)
        .where(Seal.chain == chain)
        .order_by(Seal.number)
        .execution_options(yield_per=1000)
    )
    return {
        number: seals.digest_of((row, digest) for _number, row, digest in of_entry)
        for number, of_entry in groupby(rows, key=lambda row: row[0])
    }


def _words_faults(entry: AuditEntry, erasures: _Erasures) -> Iterable[str]:
    """Say which words of an entry are not those that were written; erased ones are no fault."""
    kept = entry.aside or {}
    if entry.erased_at is not None and not erasures.tell_of(entry):
        yield "its words are gone, and no erasure stands in the chain"
    for token in audit.TOKEN.findall(f"{entry.before} {entry.after} {entry.reason}"):
        if token in kept:
            salt, words = kept[token]
            if ASIDE + audit.words_digest(salt, words) != token:
                yield "its words were changed"
        elif entry.erased_at is None:
            yield "its words are missing, and nobody erased them"


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


def verify_tables(session: Session) -> ChainReport:
    """Compare every row that is to be sealed with its last seal."""
    faults: list[str] = []
    count = before = 0
    of_before = _begun_unsealed(session)
    for sealing in SEALINGS:
        kept = _last_digests(session, sealing)
        for key, _chain, content in contents(session, sealing):
            count += 1
            seal = kept.pop(sealing.row(key), None)
            if seal is None and of_before:
                before += 1
            elif fault := _fault(seal, content):
                faults.append(f"{sealing.row(key)} {fault}")
        faults += [f"{row} is gone" for row, seal in kept.items() if seal.digest is not None]
    notes = (f"sealed before digests were kept: {before}",) if before else ()
    return ChainReport("tables", count, "", tuple(faults), notes, "rows")


def _begun_unsealed(session: Session) -> bool:
    """Say whether the house has entries that were written before there were seals."""
    return bool(session.scalar(select(exists().where(AuditEntry.sealed.is_(None)))))


def _last_digests(session: Session, sealing: Sealing) -> dict[str, seals.LastSeal]:
    """Find the last seal of every row of a table."""
    rows = session.execute(
        select(Seal.row, Seal.chain, Seal.number, Seal.digest, Seal.salt)
        .where(Seal.row.startswith(f"{sealing.table}:", autoescape=True))
        .order_by(Seal.number, Seal.id)
        .execution_options(yield_per=1000)
    )
    return {seal[0]: seals.LastSeal(*seal) for seal in rows}


def _fault(seal: seals.LastSeal | None, content: Mapping[str, object]) -> str | None:
    if seal is None:
        return "was never sealed: no act wrote it"
    if not seal.fits(content):
        return f"is not what entry {seal.number} of {seal.chain} sealed"
    return None


def row_faults(session: Session, rows: Mapping[type[Base], Iterable[str]]) -> Sequence[str]:
    """Check some rows alone: against their seals, and these against the entries that hold them.

    A row of before there were seals has none, and no fault.

    Parameters
    ----------
    rows : mapping
        Ids of rows by table.
    """
    faults: list[str] = []
    of_before = _begun_unsealed(session)
    holders: set[tuple[str, int]] = set()
    for table, keys in rows.items():
        sealing, _column = SEALED_BY[table]
        wanted = sorted(set(keys))
        kept = seals.latest(session, map(sealing.row, wanted))
        said = {key: content for key, _chain, content in contents(session, sealing, wanted)}
        for key in wanted:
            row = sealing.row(key)
            seal = kept.get(row)
            if key not in said:
                if seal is not None and seal.digest is not None:
                    faults.append(f"{row} is gone")
            elif not (seal is None and of_before) and (fault := _fault(seal, said[key])):
                faults.append(f"{row} {fault}")
            if seal is not None:
                holders.add((seal.chain, seal.number))
    return [*faults, *_holder_faults(session, holders)]


def _holder_faults(session: Session, holders: set[tuple[str, int]]) -> Iterator[str]:
    for chain in sorted({chain for chain, _number in holders}):
        numbers = [number for of_chain, number in holders if of_chain == chain]
        for some in batches(sorted(numbers)):
            entries = {
                entry.number: entry
                for entry in session.scalars(
                    select(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.number.in_(some))
                )
            }
            rows = session.execute(
                select(Seal.number, Seal.row, Seal.digest)
                .where(Seal.chain == chain, Seal.number.in_(some))
                .order_by(Seal.number)
            )
            for number, of_entry in groupby(rows, key=lambda row: row[0]):
                digest = seals.digest_of((row, digest) for _number, row, digest in of_entry)
                entry = entries.get(number)
                if entry is None or audit.hash_of(entry) != entry.hash or entry.sealed != digest:
                    yield f"entry {number} of {chain} does not hold its seals"
