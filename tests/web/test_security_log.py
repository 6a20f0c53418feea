"""The security log: a line for whoever comes, is refused or is given something; nothing personal in it."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from grading.cli import group
from grading.db import transaction
from grading.ledger import security
from grading.people import accounts, passwords
from tests import factories
from tests.database import NOW

EMAIL = "learner.alder@example.org"


@pytest.fixture
def log(tmp_path: Path, app: Flask) -> Path:
    path = tmp_path / "log"
    security.open_log(security.SECURITY, str(path))
    return path


@pytest.fixture
def person_id(app: Flask, act: Callable[[], Any], log: Path) -> str:
    hasher = app.extensions["grading"].hasher
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        passwords.set_password(session, None, person, factories.PASSWORD, hasher=hasher, now=NOW)
        return person.id


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def last(log: Path) -> dict[str, Any]:
    line = lines(log)[-1]
    assert line.pop("at").startswith("2026-")
    return line


def enter(client: FlaskClient, password: str = factories.PASSWORD, email: str = EMAIL) -> None:
    client.post("/sign-in", data={"email": email, "password": password})


def test_who_comes_fails_to_and_goes_is_noted(
    client: FlaskClient, log: Path, person_id: str
) -> None:
    enter(client, "wrong")
    failed = {"event": "sign_in_failed", "person": person_id, "route": "/sign-in"}
    assert last(log) == failed
    enter(client, "wrong", "nobody@example.org")
    assert last(log) == {"event": "sign_in_failed", "route": "/sign-in"}
    enter(client)
    assert last(log) == {"event": "sign_in", "person": person_id, "route": "/sign-in"}
    client.post("/sign-out")
    assert last(log) == {"event": "sign_out", "person": person_id, "route": "/sign-out"}


def test_a_page_of_others_is_a_refusal_and_an_unknown_address_is_none(
    client: FlaskClient, log: Path, person_id: str
) -> None:
    enter(client)
    before = len(lines(log))
    assert client.get("/admin/accounts").status_code == 404
    line = last(log)
    assert (line["event"], line["person"]) == ("refusal", person_id)
    assert (line["route"], line["status"]) == ("/admin/accounts", 404)
    assert line["permission"]
    client.get("/no/such/page")
    assert len(lines(log)) == before + 1


def test_whoever_guesses_too_often_is_noted(client: FlaskClient, log: Path, person_id: str) -> None:
    for _ in range(6):
        enter(client, "wrong")
    assert (last(log)["event"], last(log)["status"]) == ("refusal", 429)


def test_a_busy_database_is_noted(
    app: Flask, client: FlaskClient, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grading.db.MOST_WRITERS", 0)
    with app.app_context(), transaction():
        enter(client)
    assert (last(log)["event"], last(log)["status"]) == ("failure", 503)


def test_acts_are_noted_once_they_are_kept(
    act: Callable[[], Any], log: Path, person_id: str
) -> None:
    def roles() -> list[dict[str, Any]]:
        return [line for line in lines(log) if line["event"] == "role"]

    with act() as session:
        person = accounts.find_account(session, EMAIL)
        accounts.set_administrator(session, None, person, True, now=NOW)
        session.rollback()
    assert roles() == []
    with act() as session:
        person = accounts.find_account(session, EMAIL)
        accounts.set_administrator(session, None, person, True, now=NOW)
    [line] = roles()
    assert (line["action"], line["subject"]) == ("person:set_administrator", person_id)


def test_every_kind_of_line_is_one_that_the_documentation_names() -> None:
    told = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    for kind in set(security.KINDS.values()):
        assert f"| `{kind}` |" in told


def test_every_act_that_makes_a_line_is_one_that_the_audit_knows() -> None:
    source = "".join(
        path.read_text()
        for path in (Path(__file__).resolve().parents[2] / "grading").rglob("*.py")
        if path.name != "security.py"
    )
    assert [action for action in security.KINDS if f'"{action}"' not in source] == []


def test_no_line_bears_a_name_an_address_or_a_secret(
    app: Flask, client: FlaskClient, act: Callable[[], Any], log: Path, person_id: str
) -> None:
    enter(client, "wrong password here")
    enter(client)
    client.get("/admin/accounts?text=Alder")
    with act() as session:
        token = passwords.issue_reset(session, accounts.find_account(session, EMAIL), now=NOW)
    client.post(f"/password/reset/{token}", data={"password": "four bicycles cross the yard"})
    said = log.read_text()
    assert "way_in" in said
    for personal in (EMAIL, "Alder", "127.0.0.1", token, "wrong password here"):
        assert personal not in said


def test_the_access_log_is_off_until_it_is_asked_for_and_names_no_address(
    app: Flask, client: FlaskClient, log: Path, person_id: str, tmp_path: Path
) -> None:
    client.get("/password/reset/secret")
    assert all(line["event"] != "request" for line in lines(log))
    path = tmp_path / "access"
    security.open_log(security.ACCESS, str(path))
    try:
        client.get("/password/reset/secret")
    finally:
        security.ACCESS.setLevel(logging.NOTSET)
    [line] = lines(path)
    assert (line["event"], line["route"]) == ("request", "/password/reset/<token>")
    assert (line["method"], line["status"]) == ("GET", 410)
    assert line["bytes"] > 0
    assert "secret" not in path.read_text()


def test_the_switch_stands_in_the_help_of_serve() -> None:
    assert "--access-log" in CliRunner().invoke(group, ["serve", "--help"]).output
