"""Stories told once: what they leave in the database and beside it is kept, and laid down for later tests.

A story begins in an untouched database and leads to a cohort with its people, a released result, issued
credentials. To tell it by the real acts takes a while, and it comes out the same each time. So a worker
tells it once: its rows, its files, the clock and what it gives are noted, and the next test that asks for
the same story with the same arguments finds all of it in its own database some milliseconds later.

Records that a story gives are read anew by the test's session. Where something else is there already, the
story is told in full.
"""

import io
import pickle
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app, has_app_context
from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from grading.models import AuditEntry, Base, Person, Program
from grading.models.codes import retold
from tests.database import SHELF, acting

P = ParamSpec("P")
T = TypeVar("T")

FOLDERS = ("files", "mail")
TABLES = [table for table in Base.metadata.sorted_tables if table.name != "alembic_version"]


@dataclass(frozen=True)
class Kept:
    """What a story leaves: rows by table, files by path, where the clock stands, and what it gives."""

    rows: Mapping[str, Any]
    files: Mapping[str, bytes]
    now: datetime
    gives: bytes
    records: Mapping[type[Base], list[Any]]


def kept(story: Callable[P, T]) -> Callable[P, T]:
    """Tell a story once for each set of arguments; its first is a session in an open transaction.

    What the story did is committed, and the session begins anew. Without a test's app, as in a benchmark,
    the story is told each time.
    """

    @wraps(story)
    def tell(*args: P.args, **named: P.kwargs) -> T:
        session: Any = args[0]
        shelf = current_app.extensions.get(SHELF) if has_app_context() else None
        if shelf is None or not _untouched(session):
            return story(*args, **named)
        key = _key(story, args[1:], named)
        if key in shelf:
            _lay(session, shelf[key])
        else:
            with retold(zlib.crc32(key.encode())):
                given = story(*args, **named)
            shelf[key] = _keep(session, given)
        return _given(session, shelf[key])

    return tell


def kept_by_app(story: Callable[P, T]) -> Callable[P, T]:
    """Tell a story once for each set of arguments; its first is the app, whose workers take part.

    It opens transactions of its own, and gives ids instead of records.
    """

    @wraps(story)
    def tell(*args: P.args, **named: P.kwargs) -> T:
        app: Any = args[0]
        shelf, key = app.extensions[SHELF], _key(story, args[1:], named)
        with acting(app) as session:
            untouched = _untouched(session)
            if untouched and key in shelf:
                _lay(session, shelf[key])
                return _given(session, shelf[key])
        with retold(zlib.crc32(key.encode())):
            given = story(*args, **named)
        if untouched:
            with acting(app) as session:
                shelf[key] = _keep(session, given)
        return given

    return tell


def _key(story: Callable[..., Any], args: Iterable[Any], named: Mapping[str, Any]) -> str:
    return f"{story.__module__}.{story.__qualname__} {args!r} {sorted(named.items())!r}"


def _untouched(session: Session) -> bool:
    """Whether nothing has happened here yet."""
    rows = (select(model.id).exists() for model in (Person, Program, AuditEntry))
    return not session.scalar(select(or_(*rows)))


def _keep(session: Session, given: object) -> Kept:
    _begin_anew(session)
    gives, records = io.BytesIO(), defaultdict(list)
    _Writer(gives, records).dump(given)
    home = current_app.extensions["grading"].settings.home
    story = Kept(
        rows=_read_rows(session),
        files={
            str(path.relative_to(home)): path.read_bytes()
            for folder in FOLDERS
            for path in (home / folder).rglob("*")
            if path.is_file()
        },
        now=current_app.extensions["clock"].now,
        gives=gives.getvalue(),
        records=records,
    )
    # The test reads all of it anew, as the tests after it will.
    session.expunge_all()
    return story


def _lay(session: Session, story: Kept) -> None:
    _write_rows(session, story.rows)
    _begin_anew(session)
    home = current_app.extensions["grading"].settings.home
    for name, data in story.files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(data)
    current_app.extensions["clock"].now = story.now


def _begin_anew(session: Session) -> None:
    session.commit()
    session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})


# --- what a story gives


class _Writer(pickle.Pickler):
    """Notes a record by its class and key, and everything else as it is."""

    def __init__(self, file: io.BytesIO, records: dict[type[Base], list[Any]]) -> None:
        super().__init__(file)
        self._records = records

    def persistent_id(self, value: object) -> tuple[type[Base], Any] | None:
        if not isinstance(value, Base):
            return None
        key = inspect(value).identity
        self._records[type(value)].append(key)
        return type(value), key


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, session: Session) -> None:
        super().__init__(file)
        self._session = session

    def persistent_load(self, named: tuple[type[Base], Any]) -> Base:
        return self._session.get_one(*named)


def _given(session: Session, story: Kept) -> Any:
    # Read by the dozen, not one by one; a session holds only what somebody else holds too.
    held = [
        session.scalars(select(model).where(model.id.in_([key for (key,) in keys]))).all()
        for model, keys in story.records.items()
    ]
    given = _Reader(io.BytesIO(story.gives), session).load()
    del held
    return given


# --- rows, as the database itself has them


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


def _read_rows(session: Session) -> Mapping[str, Any]:
    return (_read_postgres if session.get_bind().dialect.name == "postgresql" else _read_sqlite)(
        _driver(session)
    )


def _write_rows(session: Session, rows: Mapping[str, Any]) -> None:
    if session.get_bind().dialect.name == "postgresql":
        _write_postgres(_driver(session), rows)
    else:
        _write_sqlite(_driver(session), rows)


def _columns(table: Any) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _read_sqlite(connection: Any) -> dict[str, Any]:
    found = {}
    for table in TABLES:
        rows = connection.execute(f'SELECT {_columns(table)} FROM "{table.name}"').fetchall()
        if rows:
            found[table.name] = rows
    return found


def _write_sqlite(connection: Any, rows: Mapping[str, Any]) -> None:
    connection.execute("PRAGMA defer_foreign_keys = ON")
    for table in TABLES:
        if table.name in rows:
            places = ", ".join("?" for _ in table.columns)
            connection.execute(f'DELETE FROM "{table.name}"')
            connection.executemany(
                f'INSERT INTO "{table.name}" ({_columns(table)}) VALUES ({places})',
                rows[table.name],
            )


def _read_postgres(connection: Any) -> dict[str, Any]:
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            with cursor.copy(f'COPY "{table.name}" ({_columns(table)}) TO STDOUT') as copy:
                data = b"".join(map(bytes, copy))
            if data:
                found[table.name] = data
        cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE last_value > 0")
        found[""] = cursor.fetchall()
    return found


def _write_postgres(connection: Any, rows: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in TABLES:
            if table.name in rows:
                cursor.execute(f'DELETE FROM "{table.name}"')
                with cursor.copy(f'COPY "{table.name}" ({_columns(table)}) FROM STDIN') as copy:
                    copy.write(rows[table.name])
        for name, value in rows[""]:
            cursor.execute("SELECT setval(%s::regclass, %s)", (f'"{name}"', value))
