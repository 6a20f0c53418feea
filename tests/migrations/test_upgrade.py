"""A database of an earlier revision keeps every row when it is brought up to date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, make_url, select, text

from grading import migrations
from grading.db import prepare

AT = "2026-01-01 09:00:00"
# One row a table whose shape a later revision changes, and what those rows hang on.
ROWS: dict[str, dict[str, Any]] = {
    "person": {"id": "p", "email": "p@example.org", "name": "P", "administrator": False,
               "active": True, "epoch": 0, "theme": "system", "single_keys": True, "created_at": AT},
    "sponsor": {"id": "s", "name": "S"},
    "program": {"id": "g", "sponsor_id": "s", "name": "G", "capstone_title": "C", "created_at": AT},
    "course": {"id": "c", "program_id": "g", "code": "c1", "title": "C1", "position": 1,
               "required": True},
    "completion": {"id": "k", "course_id": "c", "person_id": "p", "completed_on": "2025-12-01",
                   "identity_assurance": "attested", "recorded_at": AT},
    "brief": {"id": "b", "program_id": "g", "version": 1, "text": "T", "created_at": AT},
    "rubric_version": {"id": "r", "program_id": "g", "digest": "0" * 64, "name": "r", "number": 1,
                       "definition": "{}", "state": "published", "created_at": AT,
                       "published_at": AT},
    "cohort": {"id": "h", "program_id": "g", "name": "H", "brief_id": "b", "rubric_version_id": "r",
               "time_zone": "UTC", "state": "open", "version": 1, "created_at": AT,
               "opens_at": AT, "due_at": "2026-02-01 09:00:00", "closes_at": "2026-02-01 10:00:00",
               "peers_due_at": "2026-02-08 09:00:00", "grading_due_at": "2026-02-15 09:00:00",
               "results_at": "2026-02-22 09:00:00"},
    "submission": {"id": "u", "cohort_id": "h", "learner_id": "p", "attempt": 1,
                   "state": "released", "version": 1, "title": "T", "text": "T", "links": "[]",
                   "created_at": AT, "saved_at": AT, "submitted_at": AT, "digest": "0" * 64,
                   "professionals_wanted": 1, "peers_wanted": 0},
    "allocation": {"id": "a", "cohort_id": "h", "submission_id": "u", "pool": "professional",
                   "purpose": "live", "state": "open", "version": 1, "blind_code": "AAA-AAA",
                   "created_at": AT, "replaced": False},
    "score": {"id": "o", "submission_id": "u", "number": 1, "composite": 70.0, "criteria": "{}",
              "rating_ids": "[]", "professionals": 1, "peers": 0, "method": "m",
              "plan_digest": "0" * 64, "computed_at": AT},
    "release": {"id": "e", "cohort_id": "h", "state": "released", "version": 1, "proposed_at": AT,
                "overrides": "[]"},
    "grade": {"id": "d", "submission_id": "u", "number": 1, "score_id": "o", "release_id": "e",
              "value": "70", "band": "Pass", "passed": True, "detail": "{}", "released_at": AT},
    "credential_record": {"id": "n", "program_id": "g", "person_id": "p", "public_id": "n",
                          "state": "valid", "version": 1, "name": "P", "created_at": AT},
}  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres])])
def first_revision(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = create_engine(f"sqlite:///{tmp_path / 'old.db'}")
        prepare(engine)
    else:
        url = make_url(request.getfixturevalue("postgres_url"))
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS earlier"))
            connection.execute(text("CREATE DATABASE earlier"))
        owner.dispose()
        engine = create_engine(url.set(database="earlier"))
    migrations.upgrade(engine, "0001")
    yield engine
    engine.dispose()


def test_rows_of_the_first_revision_stay(first_revision: Engine) -> None:
    with first_revision.begin() as connection:
        for table, row in ROWS.items():
            columns = ", ".join(f'"{name}"' for name in row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({values})'), row)
    migrations.upgrade(first_revision)
    migrations.check(first_revision)
    tables = MetaData()
    tables.reflect(first_revision)
    with first_revision.connect() as connection:
        for table, row in ROWS.items():
            found = connection.execute(select(tables.tables[table])).mappings().one()
            assert found[next(iter(row))] == next(iter(row.values()))
        if first_revision.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).first() is None
            assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_learner_of_before_is_the_member_of_their_work(first_revision: Engine) -> None:
    with first_revision.begin() as connection:
        for table, row in ROWS.items():
            columns = ", ".join(f'"{name}"' for name in row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f'INSERT INTO "{table}" ({columns}) VALUES ({values})'), row)
    migrations.upgrade(first_revision)
    with first_revision.connect() as connection:
        members = connection.execute(
            text(
                "SELECT submission_id, person_id, cohort_id, attempt, state FROM submission_member"
            )
        )
        assert [tuple(row) for row in members] == [("u", "p", "h", 1, "joined")]
        assert connection.execute(text("SELECT person_id FROM grade")).scalar_one() == "p"


def test_words_of_a_later_revision_are_taken(first_revision: Engine) -> None:
    migrations.upgrade(first_revision)
    checks = {
        table: " ".join(
            check["sqltext"] for check in inspect(first_revision).get_check_constraints(table)
        )
        for table in ("submission", "allocation", "credential_record")
    }
    assert "withheld" in checks["submission"]
    assert "contestable" in checks["submission"]
    assert "appeal" in checks["allocation"]
    assert "replaced" in checks["credential_record"]
