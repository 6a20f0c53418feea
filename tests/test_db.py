"""Writers: each in turn, by order of arrival, and told plainly when the wait was too long."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from grading import db as database
from grading.db import db, failure_of, transaction
from grading.errors import PassingFailure

WRITERS = 30


@pytest.fixture
def held(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another process that writes all the time, and writers here who wait but a moment."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 50)
    with app.app_context():
        db.engine.dispose()
    other = sqlite3.connect(tmp_path / "grading.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_writers_of_a_process_come_in_by_order_of_arrival(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "MOST_WRITERS", WRITERS + 1)
    came: list[int] = []
    arrived = [threading.Event() for _ in range(WRITERS)]

    def write(number: int) -> None:
        with app.app_context():
            arrived[number].set()
            with transaction() as session:
                session.execute(text("SELECT 1"))
                came.append(number)
            db.session.remove()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    with app.app_context():
        turns = database._turns[db.engine]
        with transaction():
            for number, thread in enumerate(threads):
                thread.start()
                arrived[number].wait()
                # The next one starts when this one stands in the line.
                while len(turns._waiting) <= number:
                    thread.join(0.001)
        for thread in threads:
            thread.join()
    assert came == list(range(WRITERS))


def test_a_writer_that_gives_up_holds_nobody_up(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 50)
    failures: list[PassingFailure] = []

    def write() -> None:
        with app.app_context():
            try:
                with transaction():
                    pytest.fail("two wrote at once")
            except PassingFailure as failure:
                failures.append(failure)

    with app.app_context():
        with transaction():
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        with transaction() as session:
            assert session.scalar(text("SELECT 1")) == 1
    assert len(failures) == 1


@pytest.mark.usefixtures("held")
def test_another_process_that_writes_too_long_is_a_passing_failure(app: Flask) -> None:
    with (
        app.app_context(),
        pytest.raises(PassingFailure, match="too busy"),
        transaction(),
    ):
        pytest.fail("two wrote at once")


def test_a_busy_database_is_a_503_that_says_so(
    client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("held")
    answer = client.post("/sign-in", data={"email": "grader@example.org", "password": "x" * 12})
    assert answer.status_code == 503
    assert "too busy" in answer.text


def written(pragma: str) -> None:
    """Write a million letters over a connection that was told something first."""
    with transaction() as session:
        session.connection().exec_driver_sql(pragma)
        session.execute(text("CREATE TABLE large (words TEXT)"))
        session.execute(text("INSERT INTO large VALUES (:words)"), {"words": "x" * 1_000_000})


def test_a_full_disk_and_a_database_to_read_alone_are_called_so(app: Flask) -> None:
    with app.app_context():
        # What SQLite says of a disk without room, it says of a file that may not grow.
        with pytest.raises(PassingFailure, match="disk is full"):
            written("PRAGMA max_page_count=1")
        with pytest.raises(PassingFailure, match="cannot be written"):
            written("PRAGMA query_only=ON")
        db.engine.dispose()
        with transaction() as session:
            assert "large" not in inspect(session.connection()).get_table_names()


@pytest.mark.parametrize(
    ("state", "said"),
    [("40P01", "too busy"), ("53300", "too busy"), ("53100", "disk is full"), ("25006", "written"),
     ("57P01", "cannot be used"), (None, "cannot be used")],
)  # fmt: skip
def test_what_the_database_server_says_is_told_apart(state: str | None, said: str) -> None:
    class Answer(Exception):
        sqlstate = state

    assert said in str(failure_of(OperationalError("SELECT", {}, Answer())))


def test_a_database_that_is_away_is_no_error_of_ours(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_named: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr("grading.web.public.record.sharing.id_in", away)
    answer = client.get("/verify?id=x")
    assert answer.status_code == 503
    assert "cannot be used now" in answer.text
