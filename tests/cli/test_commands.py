"""The grading command, as an operator uses it."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from grading import migrations
from grading.app import create_app
from grading.cli import group
from grading.settings import from_environment

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough password\n"
RUBRIC = ROOT / "rubrics" / "data-capstone.toml"

Grading = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def grading(home: Path, monkeypatch: pytest.MonkeyPatch) -> Grading:
    monkeypatch.setenv("GRADING_HOME", str(home))
    monkeypatch.setenv("GRADING_PASSWORD_COST", "light")

    def build(settings: Any = None) -> Flask:
        return create_app(settings or from_environment(os.environ))

    def run(*arguments: str | Path, given: str = "", code: int = 0) -> Result:
        done = CliRunner().invoke(group, [str(a) for a in arguments], obj=build, input=given)
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return run


@pytest.fixture
def installed(grading: Grading) -> Grading:
    grading(
        "init",
        "--email",
        "beryl@example.org",
        "--name",
        "Beryl",
        "--password-stdin",
        given=PASSWORD,
    )
    return grading


def test_every_command_has_help(grading: Grading) -> None:
    assert set(group.commands) == {
        "init", "serve", "demo", "db", "people", "rubric", "cohort", "jobs", "audit", "replay",
        "backup", "restore", "stats", "keys", "credential", "recompute", "plan",
    }  # fmt: skip
    for name, command in group.commands.items():
        said = grading(name, "--help").output
        assert "Usage:" in said
        for inner in getattr(command, "commands", {}):
            assert "Usage:" in grading(name, inner, "--help").output


def test_without_settings_every_fault_is_named(
    grading: Grading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADING_DATABASE_URL", "oracle://x")
    monkeypatch.setenv("GRADING_UPLOAD_LIMIT_MB", "much")
    said = grading("people", "list", code=1).output
    for name in ("GRADING_SECRET_KEY", "GRADING_DATABASE_URL", "GRADING_UPLOAD_LIMIT_MB"):
        assert name in said
    assert "3 faults" in said


def test_init_once_with_a_secret_nobody_else_reads(installed: Grading, home: Path) -> None:
    assert (home / "secret-key").stat().st_mode & 0o777 == 0o600
    again = installed(
        "init",
        "--email",
        "x@example.org",
        "--name",
        "X",
        "--password-stdin",
        given=PASSWORD,
        code=1,
    )
    assert "administrator already" in again.output
    people = json.loads(installed("people", "list", "--json").output)
    assert [(person["email"], person["administrator"]) for person in people] == [
        ("beryl@example.org", True)
    ]


def test_a_cohort_from_nothing_to_open(installed: Grading, home: Path, tmp_path: Path) -> None:
    brief, roster = tmp_path / "brief.md", tmp_path / "roster.csv"
    brief.write_text("# Count\n")
    roster.write_text("email,name,role\nbasalt@example.org,Grader Basalt,grader\nx,,nobody\n")
    courses = [
        word
        for code in ("measuring", "cleaning", "modelling", "communicating")
        for word in ("--course", f"{code}={code.title()}")
    ]
    installed(
        "cohort", "program", "Counting", "--sponsor", "College", "--capstone", "Bicycles",
        *courses, "--brief", brief,
    )  # fmt: skip
    said = installed("rubric", "load", RUBRIC, "--program", "Counting", "--publish").output
    digest = said.split()[-1]
    installed(
        "cohort", "create", "Spring", "--program", "Counting", "--rubric", digest[:12],
        "--opens-on", "2099-01-05", "--time-zone", "Europe/London", "--preset", "course",
    )  # fmt: skip
    refused = installed("cohort", "roster", "Spring", roster, code=1).output
    assert refused.count("line 3") == 3
    roster.write_text("email,name,role,desk\nbasalt@example.org,Grader Basalt,grader,4\n")
    unknown = installed("cohort", "roster", "Spring", roster, code=1).output
    assert "columns left out: desk" in unknown
    assert "With --leave-out" in unknown
    assert "enrol: 1" in installed("cohort", "roster", "Spring", roster, "--dry-run").output
    roster.write_text("email;name;role\nbasalt@example.org;Grader Basalt;grader\n")
    looked = installed("cohort", "roster", "Spring", roster, "--dry-run").output
    assert "enrol: 1" in looked
    assert "Nothing was changed" in looked
    done = installed("cohort", "roster", "Spring", roster).output
    undo = done.partition("grading cohort undo ")[2].partition("”")[0]
    assert "Taken back: 2. Kept: 0." in installed("cohort", "undo", undo).output
    installed("cohort", "roster", "Spring", roster)
    short = installed("cohort", "staffing", "Spring", "--learners", 30).output
    assert "impossible: Misconduct cannot be decided" in short
    refused = installed("cohort", "open", "Spring", code=1).output
    assert "No result can be released. Instructors who sign it off: 1; there are: 0." in refused
    roster.write_text("email,name,role\nopal@example.org,Instructor Opal,instructor\n")
    installed("cohort", "roster", "Spring", roster)
    installed("cohort", "open", "Spring")
    shown = json.loads(installed("cohort", "show", "Spring", "--json").output)
    assert (shown["state"], shown["ready"], shown["stuck"]) == ("open", 0, 0)
    assert "no cohort" not in installed("cohort", "list").output
    assert "0 cohorts are called" in installed("cohort", "show", "Winter", code=1).output
    assert "jobs done" in installed("jobs", "run", "--once").output
    said = installed("jobs", "status").output
    assert "due: 0\nfailed: 0\n" in said
    assert "mail: " in said


def test_audit_verify_ends_with_1_on_a_changed_entry(installed: Grading, home: Path) -> None:
    report = json.loads(installed("audit", "verify", "--json").output)
    head = report[0]["hash"]
    installed("people", "add", "alder@example.org", "Learner Alder")
    assert "whole" in installed("audit", "verify", "--head", head).output
    with sqlite3.connect(home / "grading.db") as database:
        database.execute("UPDATE audit_entry SET reason = 'x' WHERE number = 1")
    assert "entry 1 was changed" in installed("audit", "verify", code=1).output
    assert (
        "cut off or rewritten"
        in installed("audit", "verify", "--head", "0" * 63 + "1", code=1).output
    )


def test_db_revision_says_where_the_next_migration_stands(
    installed: Grading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    monkeypatch.setattr(migrations, "LOCATION", str(folder))
    said = installed("db", "revision", "Nothing new").output
    assert "_nothing_new.py. Read it" in said
    assert "not up to date" in installed("db", "check", code=1).output
    assert "up to date" in installed("db", "upgrade").output
    assert "up to date" in installed("db", "check").output


def test_a_home_that_is_too_old_is_not_served(installed: Grading, home: Path) -> None:
    with sqlite3.connect(home / "grading.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0009'")
    for command in (("serve",), ("db", "check"), ("db", "upgrade")):
        assert "0.1.0 at commit b7e7b24" in installed(*command, code=1).output


def test_a_rubric_with_faults_is_named_without_a_service(grading: Grading, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('name = "Bad"\nversion = 0\n')
    said = grading("rubric", "check", path, code=1).output
    assert "bad.toml:2 version" in said
    assert "4 faults found" in said
    assert "5 criteria" in grading("rubric", "check", RUBRIC).output


def test_backup_and_restore(installed: Grading, home: Path, tmp_path: Path) -> None:
    (home / "files" / "submissions").mkdir(parents=True)
    (home / "files" / "submissions" / "one").write_bytes(b"kept")
    archive = tmp_path / "backup.tar"
    installed("backup", archive)
    assert "exists" in installed("backup", archive, code=1).output
    installed("people", "add", "alder@example.org", "Learner Alder")
    (home / "files" / "submissions" / "one").write_bytes(b"changed")
    assert "--force" in installed("restore", archive, code=1).output
    installed("restore", archive, "--force")
    assert (home / "files" / "submissions" / "one").read_bytes() == b"kept"
    assert len(json.loads(installed("people", "list", "--json").output)) == 1
    assert "whole" in installed("audit", "verify").output

    data = archive.read_bytes().replace(b"kept", b"bent")
    archive.write_bytes(data)
    assert (
        "files/submissions/one: It was changed."
        in installed("restore", archive, "--force", code=1).output
    )
    assert len(json.loads(installed("people", "list", "--json").output)) == 1


@pytest.mark.slow
def test_it_serves_and_stops_on_sigterm(installed: Grading, home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "grading", "serve", "--worker", "--port", str(port)]
    environment = {**os.environ, "GRADING_HOME": str(home)}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert str(port) in process.stdout.readline()
        health = None
        while health is None and process.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                    health = json.load(answer)
            except (ConnectionError, URLError):
                # It has said its port but may not listen yet.
                continue
        assert health is not None
        assert health == {"status": "ok"}
        taken = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert taken.returncode == 1
        assert f"Port {port} is taken" in taken.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_a_command_refuses_what_nobody_sees_and_composes_the_rest(
    installed: Grading,
) -> None:
    said = installed("people", "add", "zw@example.org\u200b", "Zoe", code=1).output
    assert "U+200B after “org”" in said
    said = installed("people", "add", "zoe@example.org", "Zo\x07e", code=1).output
    assert "U+0007 after “Zo”" in said
    installed("people", "add", "zoe@example.org", "Zoe\u0301")
    [account] = [
        person
        for person in json.loads(installed("people", "list", "--json").output)
        if person["email"] == "zoe@example.org"
    ]
    assert account["name"] == "Zoé"
    # Bytes that are no UTF-8 come as halves of characters.
    said = installed("cohort", "show", "half \udce4", code=1).output
    assert said.startswith("cohort: Remove the character U+DCE4 after “half”")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x = " + b"[" * 100_000, "recursion"),
        (b"x = " + b"9" * 5000, "digits"),
        (b"cut = nan", "Give a number"),
    ],
)
def test_a_plan_that_cannot_be_read_is_refused_in_words(
    grading: Grading, tmp_path: Path, text: bytes, said: str
) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(text)
    assert said in grading("plan", "simulate", path, code=1).output


def test_a_home_that_cannot_be_written_is_said_in_words(
    grading: Grading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GRADING_HOME", str(tmp_path / "file" / "home"))
    init = ["init", "--email", "b@example.org", "--name", "B", "--password-stdin"]
    assert "file/home: Not a directory" in grading(*init, given=PASSWORD, code=1).output
    monkeypatch.setenv("GRADING_SECRET_KEY", "x" * 40)
    monkeypatch.setenv("GRADING_DATABASE_URL", f"sqlite:///{tmp_path}/none/grading.db")
    monkeypatch.setenv("GRADING_HOME", str(tmp_path))
    said = grading("people", "list", code=1).output
    assert "cannot be used now" in said
    assert "unable to open database file" in said
