"""Seals: what an act leaves in the tables, held fast by the audit entries of the act.

Whatever is written through a session is noted when it is written, and read again when the act is
committed: so no act can forget it, and what is sealed is what the tables say.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import event, inspect, select, update
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.orm.unitofwork import UOWTransaction

from grading.batches import batches, rows_in
from grading.ledger.sealed import SEALED_BY, SERVICE, Sealing, contents
from grading.models import Base, Seal

_NOTED = "rows to be sealed"


class LastSeal(NamedTuple):
    """The last seal of a row, and the entry that holds it."""

    row: str
    chain: str
    number: int
    digest: str | None
    salt: str | None

    def fits(self, content: Mapping[str, Any]) -> bool:
        """Say whether a row that says this is the one that was sealed."""
        return self.digest == row_digest(self.salt or "", self.row, content)


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


def row_digest(salt: str, row: str, content: Mapping[str, Any]) -> str:
    """Give the SHA-256 of what a row says, under a salt, in hexadecimal."""
    return hashlib.sha256(f"{salt}:{row}:{canonical(content)}".encode()).hexdigest()


def digest_of(seals: Iterable[tuple[str, str | None]]) -> str:
    """Give the SHA-256 of rows with their digests, in hexadecimal: what an audit entry holds."""
    return hashlib.sha256(canonical(sorted(seals)).encode()).hexdigest()


@event.listens_for(Session, "after_flush")
def _note_written(session: Session, _context: UOWTransaction) -> None:
    for record in session.new:
        _note(session, record, new=True)
    for record in session.deleted:
        _note(session, record)
    for record in session.dirty:
        if _changed(record):
            _note(session, record)


def _changed(record: Base) -> bool:
    sealed = SEALED_BY.get(type(record))
    if sealed is None:
        return False
    return bool(inspect(record).committed_state.keys() - sealed[0].apart)


def _note(session: Session, record: Base, *, new: bool = False) -> None:
    sealing, column = SEALED_BY.get(type(record), (None, None))
    if sealing is None or column is None:
        return
    key = getattr(record, column.key)
    if _reaches(session, sealing, record, key):
        _due(session, sealing)[key] = new and isinstance(record, sealing.model)


def _reaches(session: Session, sealing: Sealing, record: Base, key: object) -> bool:
    """Say whether a row is in one of the states in which it is sealed, or was."""
    whole: Any = record
    if not isinstance(record, sealing.model):
        whole = session.identity_map.get(session.identity_key(sealing.model, key))
    if whole is None or sealing.states is None:
        return True
    return whole.state in sealing.states or "state" in inspect(whole).committed_state


def _due(session: Session, sealing: Sealing) -> dict[Any, bool]:
    """Give the keys of a table's rows that are to be sealed, each with whether it is new."""
    noted: dict[str, dict[Any, bool]] = session.info.setdefault(_NOTED, {})
    return noted.setdefault(sealing.table, {})


@event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    """Note the rows that a statement is about to write, whatever the session holds."""
    if state.is_select or state.bind_mapper is None:
        return
    sealing, column = SEALED_BY.get(state.bind_mapper.class_, (None, None))
    if sealing is None or column is None or (sealing.written_once and state.is_update):
        return
    if state.is_insert:
        # Whoever adds rows this way gives them their ids, or nobody could tell which they are.
        rows = state.parameters if isinstance(state.parameters, list) else [state.parameters]
        _due(state.session, sealing).update({row[column.key]: True for row in rows if row})
        return
    condition = state.statement.whereclause  # type: ignore[attr-defined]
    keys = select(column).distinct()
    due = _due(state.session, sealing)
    for key in state.session.scalars(keys if condition is None else keys.where(condition)):
        due[key] = False


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    # What was written before a savepoint is still there when that alone is rolled back.
    if not ended.nested:
        session.info.pop(_NOTED, None)


def made(session: Session, chain: str | None) -> dict[str, list[dict[str, Any]]]:
    """Make the seals of what was written, by chain; to be called when all of it is flushed.

    Parameters
    ----------
    chain : str or None
        One that the act writes to anyway: it takes what could stand in any.
    """
    by_chain: dict[str, list[dict[str, Any]]] = {}
    noted: dict[str, dict[Any, bool]] = session.info.pop(_NOTED, {})
    for sealing, _column in SEALED_BY.values():
        due = noted.pop(sealing.table, None)
        if not due:
            continue
        if sealing.parts:
            # Who adds a part at the same time waits here, and then seals both.
            for some in batches(due):
                session.execute(select(sealing.key).where(sealing.key.in_(some)).with_for_update())
        kept = set()
        for key, own_chain, content in contents(session, sealing, due):
            kept.add(key)
            salt, row = secrets.token_hex(16), sealing.row(key)
            holder = chain or SERVICE if sealing.written_once else own_chain
            by_chain.setdefault(holder, []).append(
                {"row": row, "digest": row_digest(salt, row, content), "salt": salt}
            )
        gone = [sealing.row(key) for key in due if str(key) not in kept]
        for row, last in latest(session, gone).items():
            if last.digest is not None:
                by_chain.setdefault(last.chain, []).append(
                    {"row": row, "digest": None, "salt": None}
                )
        _forget_salts(session, [sealing.row(key) for key, new in due.items() if not new])
    return by_chain


def _forget_salts(session: Session, rows: Sequence[str]) -> None:
    """Take the salts of earlier seals away: what stood before can be guessed no more."""
    for some in batches(rows):
        session.execute(
            update(Seal)
            .where(Seal.row.in_(some), Seal.salt.is_not(None))
            .values(salt=None)
            .execution_options(synchronize_session=False)
        )


def latest(session: Session, rows: Iterable[str]) -> dict[str, LastSeal]:
    """Find the last seal of each of some rows; what was never sealed is left out."""
    statement = select(Seal.row, Seal.chain, Seal.number, Seal.digest, Seal.salt).order_by(
        Seal.number, Seal.id
    )
    return {seal[0]: LastSeal(*seal) for seal in rows_in(session, statement, Seal.row, rows)}
