"""Ten people press the same button at the same moment."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.db import db, transaction
from grading.errors import GradingError, NotFound
from grading.models import AuditEntry, Base

PEOPLE = 10
# Whoever has acted waits this long for the others before the transaction ends, so that those whom no
# lock keeps apart all act on what was there before.
PATIENCE = 0.15


@dataclass(frozen=True)
class SharedAct:
    """An act that several may do at once, and the audit entry that may be written once.

    Parameters
    ----------
    act : callable
        Given a session and the number of who presses, 0 to 9; loads what it needs by id.
    audited : str
        The action that the audit chain names.
    times : int
        How often it may be written, where it is something that each may do.
    """

    audited: str
    act: Callable[[Session, int], object]
    times: int = 1


def faults_of(app: Flask, acts: Iterable[SharedAct], *, refusals: int | None = None) -> list[str]:
    """Do each act ten times at once, one after the other; say what went wrong with which.

    With ``refusals`` given, just so many of the ten may be refused.
    """
    return [f"{act.audited}: {fault}" for act in acts for fault in _faults(app, act, refusals)]


def _faults(app: Flask, shared: SharedAct, refusals: int | None) -> Iterable[str]:
    before = _written(app, shared.audited)
    start = threading.Barrier(PEOPLE)
    end = threading.Barrier(PEOPLE)

    def press(number: int) -> Exception | None:
        with app.app_context():
            start.wait()
            try:
                with transaction() as session:
                    shared.act(session, number)
                    session.flush()
                    with suppress(threading.BrokenBarrierError):
                        end.wait(PATIENCE)
            except Exception as error:
                return error
            finally:
                db.session.remove()
        return None

    with ThreadPoolExecutor(PEOPLE) as pool:
        errors = [error for error in pool.map(press, range(PEOPLE)) if error is not None]
    for error in errors:
        if not isinstance(error, GradingError):
            yield f"{type(error).__name__}: {str(error)[:300]}"
    if refusals is not None and len(errors) != refusals:
        yield f"{len(errors)} were refused, not {refusals}: {errors[:1]}"
    written = _written(app, shared.audited) - before
    if written != shared.times:
        yield f"was written {written} times, not {shared.times}: {[str(e) for e in errors][:2]}"


Record = TypeVar("Record", bound=Base)


def the(session: Session, kind: type[Record], **values: object) -> Record:
    """Load the one record of a kind as a page does: what has gone meanwhile is not found."""
    record = session.scalars(select(kind).filter_by(**values)).one_or_none()
    if record is None:
        raise NotFound("There is no such thing.")
    return record


def _written(app: Flask, action: str) -> int:
    with app.app_context():
        try:
            return int(
                db.session.scalar(
                    select(func.count()).select_from(AuditEntry).where(AuditEntry.action == action)
                )
                or 0
            )
        finally:
            db.session.remove()
