"""The demo as “python3 dev.py demo” makes it, made once for all tests that look at it."""

import fcntl
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from grading.app import create_app
from grading.cli import demo
from grading.db import db
from tests.database import Clock, settings_for


@dataclass(frozen=True)
class Made:
    """The app of the demo, the instant at which it was made, and what it said meanwhile."""

    app: Flask
    clock: Clock
    said: list[str]


def app_of(home: Path) -> Flask:
    app = create_app(replace(settings_for(home, f"sqlite:///{home / 'grading.db'}"), demo=True))
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def make(home: Path) -> None:
    """Make the demo in a folder, and note beside it when that was and what was said."""
    home.mkdir()
    app, said = app_of(home), list[str]()
    # Today is any day: what the demo tells hangs on none.
    now = datetime.now(UTC)
    app.extensions["clock"] = Clock(now)
    with app.app_context():
        demo.make_anew(app, now, said.append)
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    (home / "made.json").write_text(json.dumps({"now": now.isoformat(), "said": said}))


@pytest.fixture
def own_demo(made: Made, tmp_path: Path) -> Iterator[Made]:
    """A copy of the demo for one test, which may act in it and let its clock go on."""
    home = tmp_path / "home"
    home.mkdir()
    source = Path(made.app.extensions["grading"].settings.home) / "grading.db"
    with (
        closing(sqlite3.connect(source)) as kept,
        closing(sqlite3.connect(home / "grading.db")) as copy,
    ):
        kept.backup(copy)
    app, clock = app_of(home), Clock(made.clock.now)
    app.extensions["clock"] = clock
    yield Made(app, clock, made.said)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def made(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Made]:
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent
    first = folder / "first-demo"
    # Whichever worker comes first makes it; the others wait, and each looks at a copy of its own.
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (first / "made.json").exists():
            make(first)
    home = tmp_path_factory.mktemp("demo") / "home"
    shutil.copytree(first, home)
    told = json.loads((home / "made.json").read_text())
    app, clock = app_of(home), Clock(datetime.fromisoformat(told["now"]))
    app.extensions["clock"] = clock
    yield Made(app, clock, told["said"])
    with app.app_context():
        db.engine.dispose()
