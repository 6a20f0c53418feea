"""Jobs: once, again after a passing failure, and by another worker after a death."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.errors import PassingFailure, PermanentFailure
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import MOST_ATTEMPTS, Worker
from grading.ledger import outbox
from grading.models import Job
from grading.people import accounts
from tests import factories
from tests.database import NOW, Clock

pytestmark = pytest.mark.usefixtures("any_database")


def ask(act: Callable[[], Any], key: str = "one", **more: Any) -> None:
    with act() as session:
        outbox.post(session, "work", {"n": 1}, key=key, now=NOW, **more)


def job(act: Callable[[], Any], key: str = "one") -> Job:
    with act() as session:
        found: Job = session.scalars(select(Job).where(Job.key == key)).one()
        session.expunge(found)
        return found


def test_a_job_is_done_once_and_not_before_its_time(app: Flask, act: Callable[[], Any]) -> None:
    done: list[str] = []
    worker = Worker(app, {"work": lambda task: done.append(task.key)})
    ask(act)
    ask(act)
    ask(act, "later", run_at=NOW + timedelta(hours=1))
    assert worker.run_until_idle(NOW) == 1
    assert worker.run_until_idle(NOW + timedelta(hours=1)) == 1
    assert done == ["one", "later"]
    assert job(act).state == "done"


def test_what_is_rolled_back_never_runs(app: Flask, act: Callable[[], Any]) -> None:
    def refused() -> None:
        with act() as session:
            outbox.post(session, "work", {}, key="one", now=NOW)
            raise PassingFailure("no")

    with pytest.raises(PassingFailure):
        refused()
    assert not Worker(app, {}).run_once(NOW)


def test_a_passing_failure_is_tried_again_ever_later(app: Flask, act: Callable[[], Any]) -> None:
    tries: list[Any] = []

    def fail(task: Any) -> None:
        tries.append(task.now)
        raise PassingFailure("The server is away.")

    worker = Worker(app, {"work": fail})
    ask(act)
    now = NOW
    while job(act).state == "waiting":
        now = max(job(act).run_at, now)
        worker.run_until_idle(now)
    pauses = [later - one for one, later in pairwise(tries)]
    assert len(tries) == MOST_ATTEMPTS
    assert all(later == 2 * one for one, later in pairwise(pauses))
    assert job(act).error == "The server is away."


@pytest.mark.parametrize("error", [PermanentFailure("no such user"), ValueError("a slip")])
def test_other_failures_are_kept_and_do_not_stop_the_worker(
    app: Flask, act: Callable[[], Any], error: Exception
) -> None:
    def fail(task: Any) -> None:
        raise error

    ask(act)
    ask(act, "two")
    assert Worker(app, {"work": fail}).run_until_idle(NOW) == 2
    assert job(act).state == "failed"
    assert str(error) in (job(act).error or "")


def test_a_running_job_is_not_taken_until_its_lease_ends(
    app: Flask, act: Callable[[], Any]
) -> None:
    taken: list[bool] = []
    other = Worker(app, {"work": lambda task: None})
    worker = Worker(app, {"work": lambda task: taken.append(other.run_once(NOW))})
    ask(act)
    worker.run_once(NOW)
    assert taken == [False]


KILLED = """
import sys, time
from datetime import timedelta
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from grading.app import create_app
from grading.jobs.worker import Worker
from tests.database import NOW, settings_for
app = create_app(settings_for(Path(sys.argv[1]), sys.argv[2]))
def work(task):
    print("begun", flush=True)
    time.sleep(600)
Worker(app, {"work": work}).run_once(NOW)
"""


@pytest.mark.slow
def test_a_killed_workers_job_is_done_by_another(
    app: Flask, act: Callable[[], Any], tmp_path: Path, database_url: str
) -> None:
    ask(act)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), database_url],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    done: list[str] = []
    worker = Worker(app, {"work": lambda task: done.append(task.key)})
    assert not worker.run_once(NOW + timedelta(seconds=59))
    # Its heartbeat may have renewed the lease once, by the real clock, before it was killed.
    after = max(NOW + timedelta(seconds=61), job(act).lease_until + timedelta(seconds=1))
    assert worker.run_once(after)
    assert done == ["one"]
    assert job(act).attempts == 2


def test_mail_and_invitations_go_out_once(
    app: Flask, act: Callable[[], Any], tmp_path: Path, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        accounts.invite(session, cast.stranger, now=NOW)
        accounts.invite(session, cast.stranger, now=NOW)
    clock.now = NOW + timedelta(days=2)
    worker = Worker(app, HANDLERS)
    worker.run_until_idle(clock.now)
    assert worker.run_until_idle(clock.now) == 0
    sent = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (tmp_path / "mail").glob("*.eml")
    ]
    mails = [f"{mail['To']}\n{mail['Subject']}\n{mail.get_content()}" for mail in sent]
    assert sum("Received:" in mail for mail in mails) == 4
    assert sum("stranger.onyx@example.org" in mail for mail in mails) == 1
    invitation = next(mail for mail in mails if "stranger.onyx@example.org" in mail)
    link = next(line for line in invitation.splitlines() if "/password/reset/" in line)
    client = app.test_client()
    page = client.get(link.removeprefix("http://127.0.0.1:8000"))
    assert page.status_code == 200
    receipt = next(mail for mail in mails if "Received:" in mail)
    assert "London time" in receipt
    assert "Reference:" in receipt


def test_the_worker_keeps_every_open_cohort_up_by_itself(
    app: Flask, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        cohort_id, due = cast.cohort.id, cast.cohort.due_at
    worker = Worker(app, HANDLERS)
    for _ in range(3):
        worker.ask_for_upkeep(due)
    worker.run_until_idle(due)
    with act() as session:
        assert session.get_one(factories.Cohort, cohort_id).allocated_at == due
        assert len(session.scalars(select(Job).where(Job.topic == "upkeep")).all()) == 1


def test_a_clock_that_is_set_back_does_not_put_upkeep_off(
    app: Flask, act: Callable[[], Any], clock: Clock
) -> None:
    """Upkeep was done, or was asked for and left, by a clock two hours ahead."""
    with act() as session:
        cohort_id = factories.a_cohort(session, now=NOW).id
    ahead, key = NOW + timedelta(hours=2), f"upkeep:{cohort_id}"
    worker = Worker(app, HANDLERS, clock=clock)
    worker.ask_for_upkeep(ahead)
    worker.ask_for_upkeep(NOW)
    assert worker.run_until_idle(NOW) >= 1
    assert job(act, key).ended_at == NOW
    worker.ask_for_upkeep(ahead)
    worker.run_until_idle(ahead)
    later = NOW + timedelta(minutes=1)
    worker.ask_for_upkeep(later)
    worker.run_until_idle(later)
    assert job(act, key).ended_at == later


def test_a_worker_asks_again_at_once_when_its_clock_is_set_back(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, asked, stop = Worker(app, {}, clock=clock), [], threading.Event()
    monkeypatch.setattr(worker, "ask_for_upkeep", asked.append)
    steps = iter([NOW + timedelta(hours=2), NOW + timedelta(hours=2, seconds=1), NOW])

    def run_once(_now: Any) -> bool:
        clock.now = next(steps, clock.now)
        if len(asked) == 3:
            stop.set()
        return not stop.is_set()

    monkeypatch.setattr(worker, "run_once", run_once)
    worker.run(stop)
    assert asked == [NOW, NOW + timedelta(hours=2), NOW]


def test_a_title_with_a_line_end_from_before_does_not_stop_a_receipt(
    app: Flask, act: Callable[[], Any], tmp_path: Path
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        cohort.program.name = cohort.name = "Counting\rBcc: all@example.org"
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        at = cohort.opens_at + timedelta(days=1)
        work = factories.a_submission(session, cohort, learner, now=at, title="One\rtwo")
        work.title = "One\rtwo"
    worker = Worker(app, HANDLERS)
    worker.run_until_idle(at)
    with act() as session:
        failed = session.scalars(select(Job).where(Job.state == "failed")).all()
        assert [job.error for job in failed] == []
    sent = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (tmp_path / "mail").glob("*.eml")
    ]
    assert [message["Subject"] for message in sent] == ["Received: One two"]
    assert [message["Bcc"] for message in sent] == [None] * len(sent)
