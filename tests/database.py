"""A real database for every test: built by the migrations once, copied for each."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session

from grading import migrations
from grading.app import create_app, install
from grading.db import db, prepare, transaction
from grading.ledger import security
from grading.models import Base, Person
from grading.people import sign_ins
from grading.settings import Settings, from_environment

SECRET = "only for tests, and long enough for them"
# Where an app keeps the stories that were told to its worker (tests/kept.py).
SHELF = "kept stories"
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)


class Clock:
    """The app's clock in a test: it stands still until told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


def settings_for(home: Path, database_url: str) -> Settings:
    environment = {
        "GRADING_HOME": str(home),
        "GRADING_SECRET_KEY": SECRET,
        "GRADING_DATABASE_URL": database_url,
        "GRADING_PASSWORD_COST": "light",
        "GRADING_FILES_URL": f"file://{home / 'files'}",
        "GRADING_MAIL_URL": f"folder://{home / 'mail'}",
        "GRADING_BASE_URL": "http://127.0.0.1:8000",
    }
    return replace(from_environment(environment), upload_limit=5_000_000)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "grading.db"
    engine = create_engine(f"sqlite:///{path}")
    prepare(engine)
    migrations.upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    engine = create_engine(postgres_url)
    migrations.upgrade(engine)
    engine.dispose()
    return postgres_url


# Rows are deleted table by table, without asking for foreign keys: most tests fill some twenty of a
# hundred tables, and to truncate one takes longer than to empty ten.
_EMPTY = """
DO $$
DECLARE
  name text;
  filled boolean;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOREACH name IN ARRAY ARRAY[{tables}] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %%I)', name) INTO filled;
    IF filled THEN EXECUTE format('DELETE FROM %%I', name); END IF;
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL LOOP
    EXECUTE format('ALTER SEQUENCE %%I RESTART', name);
  END LOOP;
END $$
"""


@cache
def _owner(url: str) -> Engine:
    return create_engine(url)


def _emptied(url: str) -> str:
    """Leave a PostgreSQL database as the migrations make it, without a row of a test before."""
    tables = ", ".join(f"'{name}'" for name in Base.metadata.tables if name != "alembic_version")
    with _owner(url).begin() as connection:
        connection.exec_driver_sql(_EMPTY.format(tables=tables))
        connection.execute(
            text("INSERT INTO audit_head (chain, count, hash) VALUES ('service', 0, :hash)"),
            {"hash": "0" * 64},
        )
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres])])
def any_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a migrated, empty database: each test runs on both kinds."""
    if request.param == "postgresql":
        return _emptied(request.getfixturevalue("migrated_postgres"))
    return _sqlite_copy(request, tmp_path)


def _sqlite_copy(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "grading.db"
    shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, unless the test asks for `any_database`."""
    if "any_database" in request.fixturenames:
        return str(request.getfixturevalue("any_database"))
    return _sqlite_copy(request, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class SharedApp:
    """One app and engine of a worker for each kind of database: what they learn costs once.

    Statements stay compiled and templates parsed. Each test has its own database, home, clock and
    ports, and finds configuration, views and extensions as they were made.
    """

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self._app.testing = True
        self._app.config["WTF_CSRF_ENABLED"] = False
        self._config = dict(self._app.config)
        self._extensions = {**self._app.extensions, SHELF: {}}
        self._views = dict(self._app.view_functions)
        self._url = make_url(settings.database_url)
        if self._url.drivername == "sqlite":
            with self._app.app_context():
                event.listen(db.engine, "do_connect", self._connect)

    def _connect(self, _dialect: Any, _record: Any, arguments: list[Any], _named: Any) -> None:
        arguments[0] = self._url.database

    @contextmanager
    def lent(self, settings: Settings, clock: Clock) -> Iterator[Flask]:
        """Give the app to one test, over that test's database and home."""
        app = self._app
        self._url = make_url(settings.database_url)
        app.config.clear()
        app.config.update(self._config)
        app.view_functions.update(self._views)
        app.extensions.clear()
        app.extensions.update(self._extensions, grading=install(settings), clock=clock)
        # Another app of the process may have led it into a folder that is gone.
        security.open_log(security.SECURITY, settings.security_log)
        try:
            yield app
        finally:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


@pytest.fixture(scope="session")
def shared_apps() -> dict[str, SharedApp]:
    return {}


@pytest.fixture
def app(
    tmp_path: Path, database_url: str, clock: Clock, shared_apps: dict[str, SharedApp]
) -> Iterator[Flask]:
    settings = settings_for(tmp_path, database_url)
    kind = make_url(database_url).drivername
    if kind not in shared_apps:
        shared_apps[kind] = SharedApp(settings)
    with shared_apps[kind].lent(settings, clock) as lent:
        yield lent


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session inside one open transaction; `commit` it, or use `act` for several."""
    with app.app_context(), transaction() as opened:
        yield opened


@contextmanager
def acting(app: Flask) -> Iterator[Session]:
    """Open one transaction of an app in a context of its own."""
    with app.app_context():
        try:
            with transaction() as session:
                yield session
        finally:
            db.session.remove()


@pytest.fixture
def act(app: Flask) -> Callable[[], AbstractContextManager[Session]]:
    """Open a transaction in a context of its own: ``with act() as session:``."""
    return lambda: acting(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def begun_sign_in(person_id: str) -> str:
    """Sign a browser in as a person, for as long as a story lasts; gives the cookie's token."""
    with transaction() as session:
        person = session.get_one(Person, person_id)
        return sign_ins.begin_sign_in(session, person, now=datetime(2199, 1, 1, tzinfo=UTC))


@pytest.fixture
def sign_in(app: Flask) -> Callable[[str], FlaskClient]:
    """Give a client that is signed in as a person, by id; each call gives another one."""

    def enter(person_id: str) -> FlaskClient:
        signed_in = app.test_client()
        with app.app_context():
            token = begun_sign_in(person_id)
        with signed_in.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
        return signed_in

    return enter
