"""A home of before opens with every row; one that is too old, or too new, is refused in words."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    inspect,
    make_url,
    select,
    text,
)

from grading import migrations
from grading.db import prepare
from grading.errors import Refused
from grading.models import Base

# Written by the version that had fourteen revisions: a home of its first, brought to its last.
HOME_OF_BEFORE = Path(__file__).with_name("at_0014.sql")
AT = "2026-01-01 09:00:00"
# What the home of before holds: a released result, and what it hangs on.
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
    "submission_member": {"id": "m", "submission_id": "u", "person_id": "p", "cohort_id": "h",
                          "attempt": 1, "state": "joined", "version": 1, "since": AT},
    "allocation": {"id": "a", "cohort_id": "h", "submission_id": "u", "pool": "professional",
                   "purpose": "live", "state": "open", "version": 1, "blind_code": "AAA-AAA",
                   "created_at": AT, "replaced": False},
    "score": {"id": "o", "submission_id": "u", "number": 1, "composite": 70.0, "criteria": "{}",
              "rating_ids": "[]", "professionals": 1, "peers": 0, "method": "m",
              "plan_digest": "0" * 64, "computed_at": AT},
    "release": {"id": "e", "cohort_id": "h", "state": "released", "version": 1, "proposed_at": AT,
                "overrides": "[]"},
    "grade": {"id": "d", "submission_id": "u", "number": 1, "score_id": "o", "release_id": "e",
              "person_id": "p", "value": "70", "band": "Pass", "passed": True, "detail": "{}",
              "released_at": AT},
    "credential_record": {"id": "n", "program_id": "g", "person_id": "p", "public_id": "n",
                          "state": "valid", "version": 1, "name": "P", "created_at": AT},
}  # fmt: skip


def kept_home(path: Path) -> Engine:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(HOME_OF_BEFORE.read_text())
    engine = create_engine(f"sqlite:///{path}")
    prepare(engine)
    return engine


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres])])
def home_of_before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database at the first revision that is still here, with a row in many tables."""
    if request.param == "sqlite":
        engine = kept_home(tmp_path / "before.db")
    else:
        url = make_url(request.getfixturevalue("postgres_url"))
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS earlier"))
            connection.execute(text("CREATE DATABASE earlier"))
        owner.dispose()
        engine = create_engine(url.set(database="earlier"))
        migrations.upgrade(engine, migrations.FIRST_REVISION)
        with engine.begin() as connection:
            for table, row in ROWS.items():
                columns = ", ".join(f'"{name}"' for name in row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(
                    text(f'INSERT INTO "{table}" ({columns}) VALUES ({values})'), row
                )
    yield engine
    engine.dispose()


def set_revision(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})


def shape(engine: Engine) -> dict[str, Any]:
    """Everything that the database itself keeps of its tables, whatever its order."""
    inspector = inspect(engine)
    tables: dict[str, Any] = {}
    for table in inspector.get_table_names():
        tables[table] = {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "primary key": inspector.get_pk_constraint(table),
            **{
                kind: {str(item["name"]): item for item in read(table)}
                for kind, read in (
                    ("foreign keys", inspector.get_foreign_keys),
                    ("unique", inspector.get_unique_constraints),
                    ("checks", inspector.get_check_constraints),
                )
            },
        }
    with engine.connect() as connection:
        tables["indexes"] = set(
            connection.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")
            )
        )
    return tables


def test_a_home_at_the_last_of_the_former_revisions_opens_with_every_row(
    home_of_before: Engine,
) -> None:
    migrations.upgrade(home_of_before)
    migrations.check(home_of_before)
    tables = MetaData()
    tables.reflect(home_of_before)
    with home_of_before.connect() as connection:
        migrations.require_current(connection)
        for table, row in ROWS.items():
            kept = connection.execute(select(tables.tables[table])).mappings().one()
            if table != "submission_member":  # its ids were drawn when groups came
                assert kept["id"] == row["id"]
        member = connection.execute(
            text(
                "SELECT submission_id, person_id, cohort_id, attempt, state FROM submission_member"
            )
        )
        assert tuple(member.one()) == ("u", "p", "h", 1, "joined")
        assert connection.execute(text("SELECT person_id FROM grade")).scalar_one() == "p"
        if home_of_before.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).first() is None
            assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_link_that_was_mailed_before_stays_good_unless_it_was_used(
    home_of_before: Engine,
) -> None:
    with home_of_before.begin() as connection:
        connection.execute(text("DELETE FROM password_reset"))
        connection.execute(text("UPDATE person SET epoch = 3"))
        connection.execute(
            text(
                "INSERT INTO password_reset (token_hash, person_id, expires_at, used_at)"
                " VALUES ('used', 'p', :at, :at), ('open', 'p', :at, NULL)"
            ),
            {"at": AT},
        )
    migrations.upgrade(home_of_before)
    with home_of_before.connect() as connection:
        links = connection.execute(text("SELECT token_hash, epoch FROM password_reset"))
        assert links.all() == [("open", 3)]


def test_a_link_goes_on_showing_what_it_showed(home_of_before: Engine) -> None:
    chosen = {"none": (False, False), "score": (True, False), "criteria": (False, True),
              "both": (True, True)}  # fmt: skip
    add = (
        "INSERT INTO share_link (id, record_id, public_id, label, show_score, show_criteria, created_at)"
        " VALUES (:id, 'n', :id, 'x', :score, :criteria, :at)"
    )
    with home_of_before.begin() as connection:
        for name, (score, criteria) in chosen.items():
            connection.execute(
                text(add), {"id": name, "score": score, "criteria": criteria, "at": AT}
            )
    migrations.upgrade(home_of_before)
    links, record = Base.metadata.tables["share_link"], Base.metadata.tables["credential_record"]
    with home_of_before.connect() as connection:
        shows = dict(connection.execute(select(links.c.id, links.c.shows)).all())
        own = connection.execute(select(record.c.shows, record.c.name_how)).one()
    usual = ["courses", "level", "judged"]
    assert shows == {
        "none": usual,
        "score": [*usual, "score"],
        "criteria": [*usual, "criteria"],
        "both": [*usual, "criteria", "score"],
    }
    # Whether its name was verified is not known of a record of before, so it says that it was not.
    assert tuple(own) == (usual, None)


def test_a_home_of_before_has_the_tables_of_a_new_one(
    tmp_path: Path, migrated_sqlite: Path
) -> None:
    before = kept_home(tmp_path / "before.db")
    new = create_engine(f"sqlite:///{migrated_sqlite}")
    migrations.upgrade(before)
    assert shape(before) == shape(new)
    before.dispose()
    new.dispose()


def test_words_of_a_later_revision_are_taken(home_of_before: Engine) -> None:
    migrations.upgrade(home_of_before)
    checks = {
        table: " ".join(
            check["sqltext"] for check in inspect(home_of_before).get_check_constraints(table)
        )
        for table in ("submission", "allocation", "credential_record")
    }
    assert "withheld" in checks["submission"]
    assert "contestable" in checks["submission"]
    assert "appeal" in checks["allocation"]
    assert "replaced" in checks["credential_record"]


def test_of_two_cohorts_standings_on_one_rubric_the_newest_that_clears_is_kept(
    home_of_before: Engine,
) -> None:
    states = {"s1": ("h", "qualified", "2026-01-02"), "s2": ("h2", "not_qualified", "2026-02-02")}
    with home_of_before.begin() as connection:
        columns = ", ".join(name for name in ROWS["cohort"] if name not in ("id", "name"))
        connection.execute(
            text(
                f"INSERT INTO cohort (id, name, {columns}) SELECT 'h2', 'H2', {columns} FROM cohort"
            )
        )
        for key, (cohort, state, since) in states.items():
            connection.execute(
                text(
                    "INSERT INTO standing (id, cohort_id, person_id, criterion, state, version,"
                    " since, expires_at) VALUES (:id, :cohort, 'p', 'method', :state, 1, :since,"
                    " '2027-01-01')"
                ),
                {"id": key, "cohort": cohort, "state": state, "since": since},
            )
    migrations.upgrade(home_of_before)
    with home_of_before.connect() as connection:
        kept = connection.execute(text("SELECT id, rubric_version_id, state FROM standing"))
        assert [tuple(row) for row in kept] == [("s1", "r", "qualified")]


def test_an_older_home_is_told_which_version_to_pass_through_first(home_of_before: Engine) -> None:
    set_revision(home_of_before, "0009")
    with pytest.raises(Refused, match=r"revision 0009.*version 0\.1\.0 at commit b7e7b24.*0014"):
        migrations.upgrade(home_of_before)
    with home_of_before.connect() as connection:
        assert not migrations.is_current(connection)
        with pytest.raises(Refused, match="revision 0009"):
            migrations.require_current(connection)
        assert connection.execute(text("SELECT id FROM person")).scalar_one() == "p"


def test_a_home_of_a_newer_version_is_left_alone(home_of_before: Engine) -> None:
    set_revision(home_of_before, "9999")
    with pytest.raises(Refused, match="revision 9999, which a newer version made"):
        migrations.upgrade(home_of_before)


def test_the_next_revision_is_written_from_what_the_models_have_more(
    home_of_before: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    monkeypatch.setattr(migrations, "LOCATION", str(folder))
    migrations.upgrade(home_of_before)
    table = Table("footnote", Base.metadata, Column("id", Integer, primary_key=True))
    try:
        path = migrations.revise(home_of_before, "Footnotes of a brief")
        assert path.parent == folder / "versions"
        assert path.name == f"v{path.name[1:5]}_footnotes_of_a_brief.py"
        assert int(path.name[1:5]) > int(migrations.FIRST_REVISION)
        with pytest.raises(Refused, match="Run “grading db upgrade”"):
            migrations.revise(home_of_before, "Once more")
        migrations.upgrade(home_of_before)
        migrations.check(home_of_before)
        assert "footnote" in inspect(home_of_before).get_table_names()
    finally:
        Base.metadata.remove(table)
