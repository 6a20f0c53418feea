"""The database handle, SQLite's manners, and the one place that commits."""

import hashlib
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from grading.errors import PassingFailure, StaleRecord
from grading.models import Base
from grading.phrases import phrase

db = SQLAlchemy(metadata=Base.metadata)

# A writer waits this long for another before giving up, in milliseconds.
BUSY_TIMEOUT = 20_000
# No more than these wait at once in one process, so that others still read; the next is told to come back.
MOST_WRITERS = 16
# What a database answers when somebody else was quicker, on PostgreSQL and SQLite.
_RACES = {
    "23505",
    "23503",
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_FOREIGNKEY",
}
BUSY = phrase("The database is too busy. Try again in a moment.")
FULL = phrase("The disk is full, so nothing was kept. Whoever runs the service has to make room.")
UNWRITABLE = phrase("The database cannot be written. Whoever runs the service has to allow it.")
AWAY = phrase("The database cannot be used now. Whoever runs the service finds why in its log.")
# Deadlock, serialization, a lock that was not given, connections and memory used up.
_BUSY_STATES = ("40P01", "40001", "55P03", "53200", "53300")


class _Turns:
    """Lets the writers of this process in by order of arrival.

    SQLite lets in whoever asks at the right moment; of many who ask again and again one may never.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    @contextmanager
    def turn(self, *, wait: bool) -> Iterator[None]:
        self._wait(BUSY_TIMEOUT / 1000 if wait else 0)
        try:
            yield
        finally:
            self._pass_on()

    def _wait(self, seconds: float) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            if len(self._waiting) >= MOST_WRITERS - 1:
                raise PassingFailure(BUSY)
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(seconds):
            return
        with self._lock:
            if mine.is_set():
                return
            self._waiting.remove(mine)
        raise PassingFailure(BUSY)

    def _pass_on(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False


_turns: WeakKeyDictionary[Engine, _Turns] = WeakKeyDictionary()


def engine_options(url: str) -> dict[str, Any]:
    """Give the engine options that suit a database."""
    # What stands in the columns is said in no error, so in no log and at no failed job either.
    options = {"hide_parameters": True}
    if url.startswith("sqlite"):
        connect = {"check_same_thread": False}
        return options | {"connect_args": connect, "pool_size": 20, "max_overflow": 60}
    return options | {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 50}


def prepare(engine: Engine) -> None:
    """Teach a SQLite engine foreign keys, waiting, and explicit transactions; PostgreSQL to hide values."""
    if engine.dialect.name == "postgresql" and not event.contains(engine, "handle_error", _hide):
        event.listen(engine, "handle_error", _hide)
    if engine.dialect.name != "sqlite" or event.contains(engine, "begin", _begin):
        return
    event.listen(engine, "connect", _connect)
    event.listen(engine, "begin", _begin)
    _turns[engine] = _Turns()


def _hide(context: ExceptionContext) -> None:
    """Leave out of an error what PostgreSQL says of the row: its details name keys and their values."""
    primary = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
    if primary:
        context.original_exception.args = (primary,)
        if context.sqlalchemy_exception is not None:
            kind = type(context.original_exception).__name__
            context.sqlalchemy_exception.args = (f"({kind}) {primary}",)


def _connect(connection: DBAPIConnection, _record: object) -> None:
    # None hands transactions to the "begin" event, without which savepoints do not hold.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # PostgreSQL has it built in; queues are ordered by it alike on both.
    connection.create_function("md5", 1, _md5, deterministic=True)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _begin(connection: Connection) -> None:
    # A writer that starts as a reader is refused when another wrote in between; so writers say so first.
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _lost_a_race(error: IntegrityError) -> bool:
    """Whether a row stands already, or one that it refers to has gone; all else is a fault of ours."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return code in _RACES


def failure_of(error: OperationalError) -> PassingFailure:
    """Say why the database failed: whoever asked can do something about some of it, and others must."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or state in _BUSY_STATES:
        return PassingFailure(BUSY)
    if code == sqlite3.SQLITE_FULL or state == "53100":
        return PassingFailure(FULL)
    if code == sqlite3.SQLITE_READONLY or state == "25006":
        return PassingFailure(UNWRITABLE)
    return PassingFailure(AWAY)


@contextmanager
def transaction(*, wait: bool = True) -> Iterator[Session]:
    """Open the one transaction of an act: everything in it is kept, or nothing.

    Records must be loaded inside. Reads made before in the same request are let go first, so that what
    the act sees is what it locks.

    Parameters
    ----------
    wait : bool
        Whether to wait for other writers of this process, where one writes at a time.

    Raises
    ------
    StaleRecord
        Somebody else changed a record between reading and writing, or wrote what may stand once.
    PassingFailure
        The database was too busy, ended a deadlock at our cost, is full or cannot be written.
    """
    session: Session = db.session()
    session.rollback()
    turns = _turns.get(db.engine)
    with turns.turn(wait=wait) if turns else nullcontext():
        try:
            session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            yield session
            session.commit()
        except StaleDataError as error:
            session.rollback()
            raise StaleRecord(
                "Somebody changed this while you worked on it. Nothing was overwritten."
            ) from error
        except IntegrityError as error:
            session.rollback()
            if not _lost_a_race(error):
                raise
            raise StaleRecord(
                "Somebody did the same at this moment. Nothing of yours was kept: load the page again."
            ) from error
        except OperationalError as error:
            session.rollback()
            raise failure_of(error) from error
        except BaseException:
            session.rollback()
            raise
