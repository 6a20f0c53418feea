"""What the service writes, read with the eyes of another user of the machine: by its modes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from grading.db import engine_options, prepare

ROOT = Path(__file__).resolve().parents[2]


def commanded(home: Path, *arguments: str, said: str = "") -> None:
    """Give a command as an operator with the usual umask does."""
    done = subprocess.run(
        [sys.executable, "-m", "grading", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "GRADING_HOME": str(home)},
        input=said,
        capture_output=True,
        text=True,
        umask=0o022,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def open_to_others(folder: Path) -> list[str]:
    """Name everything in a folder that somebody else than its owner may read or enter."""
    return [
        str(path)
        for path in (folder, *folder.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    ]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    arguments = ("init", "--email", "beryl@example.org", "--name", "Beryl", "--password-stdin")
    commanded(home, *arguments, said="four bicycles cross the yard\n")
    return home


def test_what_a_first_installation_writes_is_for_its_user_alone(home: Path) -> None:
    commanded(home, "people", "add", "ada@example.org", "Ada")
    commanded(home, "jobs", "run", "--once")
    assert list(home.glob("mail/*.eml"))
    assert open_to_others(home) == []


def test_a_backup_and_what_is_restored_from_it_are_for_their_user_alone(
    home: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.tar"
    commanded(home, "backup", str(backup))
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    commanded(home, "restore", str(backup), "--force")
    assert open_to_others(home) == []


def test_a_home_that_was_open_is_closed_at_the_next_start(home: Path) -> None:
    for path in (home, *home.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    commanded(home, "people", "list")
    assert open_to_others(home) == []


def test_no_error_of_the_database_says_what_stands_in_a_row(any_database: str) -> None:
    engine = create_engine(any_database, **engine_options(any_database))
    prepare(engine)
    person = (
        "INSERT INTO person (id, email, name, administrator, active, epoch, theme, single_keys, digest,"
        " created_at) VALUES (:id, :email, :name, false, true, 0, 'system', true, true,"
        " '2026-01-01')"
    )
    rows = [{"id": key, "email": "ada@example.org", "name": "Ada"} for key in "ab"]
    with engine.begin() as connection, pytest.raises(IntegrityError) as caught:
        connection.execute(text(person), rows)
    said = f"{caught.value!r} {caught.value} {caught.value.orig!r}"
    assert "ada@example.org" not in said
    assert "email" in said
    engine.dispose()
