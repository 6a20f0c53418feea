"""Issuing in workers that are killed again and again: each credential once, none missing, none too early."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import verifying
from grading.models import AuditEntry, Grade, IssuedCredential, Job, SigningKey, Submission
from grading.settings import Installation
from tests.issuing import installation, many

__all__ = ["installation"]

COMPLETE_EVERY = 25
# With LONG set, as many as the benchmark of a release was once made for.
RECORDS, KILLS, MOST_JOBS = (500, 12, 60) if os.environ.get("LONG") else (75, 4, 25)
# A record with all its courses has three of them, the capstone and the program.
CREDENTIALS = RECORDS + 4 * (RECORDS // COMPLETE_EVERY)

# Says each job's key before it is carried out, and a dot before each statement to the database.
WORKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sqlalchemy import event
from grading.app import create_app
from grading.db import db
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from tests.database import settings_for
def told(handler):
    def call(task):
        print(task.key, flush=True)
        handler(task)
    return call
handlers = {topic: told(handler) for topic, handler in HANDLERS.items()}
app = create_app(settings_for(Path(sys.argv[1]), sys.argv[2]))
with app.app_context():
    event.listen(db.engine, "before_cursor_execute", lambda *_: print(".", flush=True))
Worker(app, handlers).run_until_idle(datetime.now(UTC))
"""


def killed_worker(home: Path, database_url: str, jobs: int, statements: int) -> str:
    """Run a worker until it began so many jobs and then said so many statements, and kill it there.

    Gives the key of the last of those jobs.
    """
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), database_url],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout as said:
        begun: list[str] = []
        while len(begun) < jobs:
            line = said.readline().strip()
            assert line, "the worker ended by itself"
            if line != ".":
                begun.append(line)
        for _ in range(statements):
            assert said.readline().strip(), "the worker ended by itself"
        process.send_signal(signal.SIGKILL)
    return begun[-1]


def _end_leases(act: Callable[[], Any]) -> None:
    with act() as session:
        session.execute(
            update(Job)
            .where(Job.state == "running")
            .values(lease_until=datetime.now(UTC) - timedelta(seconds=1))
        )


def count(session: Any, model: Any) -> int:
    return int(session.scalar(select(func.count()).select_from(model)) or 0)


# Signing takes the time it takes; what counts here is that nothing is lost.
@pytest.mark.timeout(1800)
@pytest.mark.slow
def test_each_record_is_issued_once_though_workers_die(
    app: Flask,
    act: Callable[[], Any],
    tmp_path: Path,
    database_url: str,
    installation: Installation,
) -> None:
    now = datetime.now(UTC)
    with act() as session:
        many(session, RECORDS, complete_every=COMPLETE_EVERY, now=now)
    Worker(app, HANDLERS).run_until_idle(now - timedelta(seconds=1))
    with act() as session:
        assert (count(session, Grade), count(session, IssuedCredential)) == (0, 0)
        assert count(session, SigningKey) == 0
    chance = random.Random(6)
    held: list[str] = []
    seen: list[int] = []
    for kill in range(KILLS):
        # The first dies in the release itself.
        jobs = chance.randint(5, MOST_JOBS) if kill else 1
        held.append(killed_worker(tmp_path, database_url, jobs, chance.randint(0, 25)))
        with act() as session:
            seen.append(count(session, IssuedCredential))
            assert not seen[-1] or count(session, Grade) == RECORDS
        if not kill:
            # Its lease ends, so that the next can take the release up.
            _end_leases(act)
    assert held[0].startswith("release:")
    assert any(key.startswith("credentials:") for key in held[1:])
    assert any(0 < number < CREDENTIALS for number in seen)
    # What the dead held is taken up when their leases have ended.
    Worker(app, HANDLERS).run_until_idle(datetime.now(UTC) + timedelta(minutes=5))
    with act() as session:
        _each_once(session, installation)


def _each_once(session: Any, installation: Installation) -> None:
    assert not session.scalars(select(Job.error).where(Job.state != "done")).all()
    every = session.scalars(select(IssuedCredential)).all()
    given = Counter(one.person_id for one in every)
    learners = session.scalars(select(Submission.learner_id).order_by(Submission.digest)).all()
    assert given == {
        learner: 5 if number % COMPLETE_EVERY == 0 else 1 for number, learner in enumerate(learners)
    }
    assert {one.state for one in every} == {"valid"}
    assert len({(one.person_id, one.about) for one in every}) == CREDENTIALS
    assert len({one.status_index for one in every}) == CREDENTIALS
    noted = session.scalars(
        select(AuditEntry.subject_id).where(AuditEntry.action == "credential:issue")
    ).all()
    assert sorted(noted) == sorted(one.id for one in every)
    assert not [report.faults for report in verifying.verify(session) if report.faults]
    keys = {key.id: key for key in session.scalars(select(SigningKey))}
    assert len(keys) == 2
    for one in every[::10]:
        assert installation.notary.verifies(one.document, keys[one.key_id].public)
