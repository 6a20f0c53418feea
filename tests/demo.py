"""The demo as “python3 dev.py demo” makes it, made once for all tests that look at it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    home = tmp_path_factory.mktemp("demo")
    settings = replace(settings_for(home, f"sqlite:///{home / 'grading.db'}"), demo=True)
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    clock = Clock()
    # Today is any day: what the demo tells hangs on none.
    clock.now = datetime.now(UTC)
    app.extensions["clock"] = clock
    said: list[str] = []
    with app.app_context():
        demo.make_anew(app, clock.now, said.append)
        db.session.remove()
    yield Made(app, clock, said)
    with app.app_context():
        db.engine.dispose()
