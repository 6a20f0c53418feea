"""A story told once is the same for every test that begins with it, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.db import db
from grading.ledger import verifying
from grading.models import Person, Submission
from grading.models.codes import new_id
from tests import factories
from tests.database import NOW, SHELF, Clock, acting
from tests.kept import kept, kept_by_app

TOLD: list[str] = []


@kept
def two_learners(session: Session, name: str) -> dict[str, Any]:
    TOLD.append(name)
    cast = factories.a_cast(session, now=NOW, learners=2)
    cast.cohort.name = name
    return {"cohort": cast.cohort, "works": cast.submissions, "count": len(cast.learners)}


@kept_by_app
def with_a_file(app: Flask) -> str:
    TOLD.append("with a file")
    with acting(app) as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        app.extensions["grading"].files.put(person.id, [b"We counted."], limit=100)
        app.extensions["clock"].forward(days=3)
        return person.id


def tables(session: Session) -> dict[str, list[Any]]:
    return {
        table.name: sorted(map(repr, session.execute(select(table)).all()))
        for table in db.metadata.sorted_tables
    }


@pytest.fixture
def shelf(app: Flask) -> dict[str, Any]:
    """As a worker's first test finds it."""
    TOLD.clear()
    app.extensions[SHELF] = {}
    return app.extensions[SHELF]


@pytest.fixture
def begin_again(app: Flask, shelf: dict[str, Any], any_database: str) -> Callable[[], None]:
    """Leave the database as a test finds it."""

    def empty() -> None:
        with acting(app) as session:
            if session.get_bind().dialect.name == "sqlite":
                session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            else:
                session.connection().exec_driver_sql("SET LOCAL session_replication_role = replica")
            for table in reversed(db.metadata.sorted_tables):
                session.execute(table.delete())

    return empty


def test_a_story_is_told_once_and_leaves_the_same_rows(
    act: Any, begin_again: Callable[[], None]
) -> None:
    with act() as session:
        first = two_learners(session, "Spring")
        works = [work.id for work in first["works"]]
        rows = tables(session)
    begin_again()
    with act() as session:
        again = two_learners(session, "Spring")
        assert TOLD == ["Spring"]
        assert tables(session) == rows
        assert [work.id for work in again["works"]] == works
        assert again["cohort"].name == "Spring"
        assert again["count"] == 2


def test_acts_go_on_where_a_story_ended(act: Any, begin_again: Callable[[], None]) -> None:
    with act() as session:
        two_learners(session, "Spring")
    begin_again()
    with act() as session:
        cohort = two_learners(session, "Spring")["cohort"]
        factories.a_learner(session, cohort, "Learner Yew", now=NOW)
    with act() as session:
        assert not [fault for report in verifying.verify(session) for fault in report.faults]
        assert session.scalars(select(Person).where(Person.name == "Learner Yew")).one()


def test_other_words_are_another_story(act: Any, begin_again: Callable[[], None]) -> None:
    with act() as session:
        two_learners(session, "Spring")
    begin_again()
    with act() as session:
        assert two_learners(session, "Summer")["cohort"].name == "Summer"
    assert TOLD == ["Spring", "Summer"]


def test_where_something_has_happened_it_is_told_in_full(
    act: Any, begin_again: Callable[[], None]
) -> None:
    with act() as session:
        two_learners(session, "Spring")
    begin_again()
    with act() as session:
        factories.a_person(session, "Somebody Else", now=NOW)
        two_learners(session, "Spring")
        assert session.scalars(select(Person).where(Person.name == "Somebody Else")).one()
        assert len(session.scalars(select(Submission)).all()) == 2
    assert TOLD == ["Spring", "Spring"]


def test_a_test_draws_other_ids_than_the_story(act: Any, begin_again: Callable[[], None]) -> None:
    with act() as session:
        drawn = {work.id for work in two_learners(session, "Spring")["works"]}
    assert new_id() not in drawn


def test_files_and_the_clock_belong_to_a_story(
    app: Flask, begin_again: Callable[[], None], clock: Clock, act: Any
) -> None:
    person_id = with_a_file(app)
    files = app.extensions["grading"].files
    files.delete(person_id)
    begin_again()
    clock.now = NOW
    assert with_a_file(app) == person_id
    assert TOLD == ["with a file"]
    assert clock.now == NOW + timedelta(days=3)
    assert b"".join(files.read(person_id)) == b"We counted."
    with act() as session:
        assert session.get_one(Person, person_id).name == "Learner Alder"
