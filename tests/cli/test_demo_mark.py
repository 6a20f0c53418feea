"""Only a database that was born a demo's is one: neither a command nor a setting makes it of another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from grading import migrations
from grading.app import create_app
from grading.cli import demo, group
from grading.db import db
from grading.errors import Refused
from grading.models import Person
from grading.settings import from_environment
from tests import factories
from tests.database import NOW, settings_for


@pytest.fixture
def house(app: Flask, act: Callable[[], Any]) -> Flask:
    """A real house with an administrator, whose settings open a demo's doors."""
    with act() as session:
        factories.a_person(session, "Beryl", now=NOW, administrator=True)
    installed = app.extensions["grading"]
    app.extensions["grading"] = replace(installed, settings=replace(installed.settings, demo=True))
    return app


def people(app: Flask) -> int:
    with app.app_context():
        count = db.session.scalar(select(func.count()).select_from(Person))
        db.session.remove()
    return count or 0


def test_no_demo_is_written_into_a_house(house: Flask, any_database: str, tmp_path: Path) -> None:
    with house.app_context(), pytest.raises(Refused, match="no demo"):
        demo.prepare(house, tmp_path, lambda _step: None)
    with house.app_context(), pytest.raises(Refused, match="no demo"):
        demo.make_anew(house, NOW, lambda _step: None)
    assert people(house) == 1


def test_the_command_leaves_a_house_alone_even_where_a_demo_was_begun(
    house: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.serve, "run", lambda *_a, **_k: None)
    (tmp_path / demo.MARK).touch()
    command = ["demo", "--port", "0", "--home", str(tmp_path)]
    said = CliRunner().invoke(group, command, obj=create_app)
    assert said.exit_code == 1
    assert "--home" in said.output
    assert people(house) == 1


def test_no_door_opens_in_a_house(house: Flask, any_database: str) -> None:
    client = house.test_client()
    with house.app_context():
        person_id = db.session.scalar(select(Person.id))
        db.session.remove()
    assert client.get("/").headers["Location"] == "/sign-in"
    assert client.get("/demo").status_code == 404
    assert client.post("/demo/enter", data={"person": person_id}).status_code == 404
    assert client.get("/preferences").status_code == 302


def test_a_house_is_not_served_with_a_demos_doors(house: Flask) -> None:
    said = CliRunner().invoke(group, ["serve", "--port", "0"], obj=lambda: house)
    assert said.exit_code == 1
    assert "this database is none" in said.output


@pytest.fixture
def born(tmp_path: Path) -> Any:
    """A demo's database with one person and nothing else."""
    home = tmp_path / "demo"
    app = create_app(replace(settings_for(home, f"sqlite:///{home / 'grading.db'}"), demo=True))
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context():
        migrations.upgrade(db.engine, demo_made_at=NOW)
        factories.a_person(db.session(), "Beryl", now=NOW, administrator=True)
        db.session.commit()
        db.session.remove()
    yield app
    with app.app_context():
        db.engine.dispose()


def entered(app: Flask, **request: Any) -> int:
    with app.app_context():
        person_id = db.session.scalar(select(Person.id))
        db.session.remove()
    status: int = (
        app.test_client().post("/demo/enter", data={"person": person_id}, **request).status_code
    )
    return status


def test_a_database_that_was_born_a_demos_stays_one(born: Flask) -> None:
    assert entered(born) == 303
    with born.app_context():
        migrations.upgrade(db.engine)
    assert entered(born) == 303


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_no_door_opens_to_whoever_comes_through_a_proxy(born: Flask, header: str) -> None:
    assert entered(born, headers={header: "192.0.2.7"}) == 404


def test_no_door_opens_under_another_name_than_this_machines(born: Flask) -> None:
    assert entered(born, base_url="http://grading.example") == 404


def test_a_demos_settings_alone_let_nobody_send_into_the_own_network() -> None:
    settings = from_environment({"GRADING_DEMO": "1", "GRADING_SECRET_KEY": "x" * 32})
    assert not settings.partners_anywhere
