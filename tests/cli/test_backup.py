"""A damaged house is not called whole: by backup, restore or verify."""

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from grading.cli import group
from grading.cohorts import submissions
from grading.db import db
from grading.models import SubmissionFile
from grading.workflow.submission import CURRENT_STATEMENT
from tests import factories
from tests.database import NOW

Run = Callable[..., str]


@pytest.fixture
def run(app: Flask) -> Run:
    """Give what a command says; it must end with a code."""

    def command(*arguments: object, code: int = 0) -> str:
        done = CliRunner().invoke(group, [str(one) for one in arguments], obj=lambda *_: app)
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return command


@pytest.fixture
def stored(app: Flask, act: Callable[[], Any], tmp_path: Path) -> Path:
    """Where the file of a work lies that was handed in."""
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        work = submissions.start(session, learner, cohort, now=NOW)
        kept = submissions.keep_file(
            app.extensions["grading"].files, "table.csv", io.BytesIO(b"a,b\n1,2\n"), limit=1000
        )
        submissions.add_file(session, learner, work, kept, now=NOW)
        words = {"title": "Work", "text": "Words.", "links": [], "version": None, "now": NOW}
        submissions.save_draft(session, learner, work, **words)
        submissions.submit(
            session, learner, work, statement=CURRENT_STATEMENT, version=None, now=NOW
        )
    with act() as session:
        path = tmp_path / "files" / str(session.scalars(select(SubmissionFile.key)).one())
    assert path.is_file()
    return path


@pytest.mark.parametrize(
    ("harm", "said"),
    [(lambda path: path.write_bytes(b"other"), "was changed"), (Path.unlink, "is missing")],
    ids=["changed", "missing"],
)
def test_a_file_that_is_not_what_was_handed_in_is_told(
    run: Run, stored: Path, tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    archive = tmp_path / "backup.tar"
    assert "1 files" in run("audit", "verify")
    run("backup", tmp_path / "whole.tar")
    harm(stored)
    assert said in run("audit", "verify", code=1)
    assert said not in run("audit", "verify", "--no-files")
    told = run("backup", archive, code=1)
    assert said.rsplit(maxsplit=1)[-1] in told
    assert stored.name in told
    assert "--damaged" in told
    assert not archive.exists()
    run("backup", archive, "--damaged", code=1)
    # What was damaged when it was backed up is not put back unawares either.
    run("restore", tmp_path / "whole.tar", "--force")
    run("restore", archive, "--force", code=1)
    assert stored.read_bytes() == b"a,b\n1,2\n"
    run("restore", archive, "--force", "--damaged", code=1)
    assert said in run("audit", "verify", code=1)


def harmed(app: Flask, tmp_path: Path, statement: str) -> None:
    """Change the database as no act would: with its rules switched off."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    with closing(sqlite3.connect(tmp_path / "grading.db")) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(statement)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_database_with_a_lost_row_is_not_backed_up_as_whole(
    app: Flask, run: Run, stored: Path, tmp_path: Path
) -> None:
    harmed(app, tmp_path, "DELETE FROM submission")
    told = run("backup", tmp_path / "backup.tar", code=1)
    assert "A row of submission_file refers to one that is not there" in told
    assert "submission" in run("audit", "verify", code=1)


def test_a_corrupt_database_is_not_backed_up_as_whole(
    app: Flask, run: Run, stored: Path, tmp_path: Path
) -> None:
    harmed(app, tmp_path, "UPDATE person SET theme = theme")
    path = tmp_path / "grading.db"
    with closing(sqlite3.connect(path)) as database:
        [page] = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_audit_entry_subject_id'"
        ).fetchone()
        [size] = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 200)
    archive = tmp_path / "backup.tar"
    assert "grading.db: It is damaged" in run("backup", archive, code=1)
    assert not archive.exists()


def test_words_that_were_wiped_as_if_erased_are_noticed(
    app: Flask, run: Run, stored: Path, act: Callable[[], Any], tmp_path: Path
) -> None:
    assert "whole" in run("audit", "verify")
    harmed(app, tmp_path, "UPDATE audit_entry SET erased_at = at, aside = NULL WHERE number = 1")
    assert "no erasure stands in the chain" in run("audit", "verify", code=1)
