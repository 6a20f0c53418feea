"""How fast a release and its credentials are: ``python -m benchmarks.credentials [--records 5000]``.

One worker on SQLite carries out a release and issues what follows, and is killed with SIGKILL at random
statements, first in the release itself; then one worker goes on to the end, which is checked: each
credential once, none missing, every signature good. Mails are left out. With ``--write`` the results go
to ``benchmarks/results/credentials.md``.
"""

import argparse
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from grading import migrations
from grading.app import create_app
from grading.db import db, transaction
from grading.models import Grade, IssuedCredential, Job, SigningKey, Submission
from tests.database import settings_for
from tests.issuing import many

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "credentials.md"
# A complete record: three courses, the capstone, the program.
COMPLETE = 5

# Says each job's topic before it is carried out and what it took after, a dot for each statement, and
# at the end its peak memory in MB.
WORKER = """
import resource, sys, time
from datetime import datetime, timedelta, UTC
from pathlib import Path
from sqlalchemy import event
from grading.app import create_app
from grading.db import db
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from tests.database import settings_for
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def told(topic, handler):
    def call(task):
        print("begin", topic, flush=True)
        wall, own = time.perf_counter(), time.process_time()
        if topic != "mail":
            handler(task)
        print("end", topic, time.perf_counter() - wall, time.process_time() - own, peak(), flush=True)
    return call
handlers = {topic: told(topic, handler) for topic, handler in HANDLERS.items()}
app = create_app(settings_for(Path(sys.argv[1]), sys.argv[2]))
if sys.argv[4] == "dots":
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *_: print(".", flush=True))
Worker(app, handlers).run_until_idle(datetime.now(UTC) + timedelta(seconds=float(sys.argv[3])))
print("peak", peak(), flush=True)
"""
# A clock so far ahead of the last worker's that the leases of the dead have ended.
BEHIND = 70


class Run:
    """One release and what follows, in a folder of its own."""

    def __init__(self, home: Path, records: int, complete_every: int) -> None:
        self.records, self.complete_every = records, complete_every
        self._home, self._url = home, f"sqlite:///{home / 'grading.db'}"
        self._clock = 0
        self.app: Flask = create_app(settings_for(home, self._url))
        self.spent: Counter[str] = Counter()
        self.own: Counter[str] = Counter()
        self.jobs: Counter[str] = Counter()
        self.memory = self.release_memory = 0

    def make(self) -> None:
        with self.app.app_context():
            migrations.upgrade(db.engine)
            with transaction() as session:
                many(
                    session, self.records, complete_every=self.complete_every, now=datetime.now(UTC)
                )
            db.session.remove()

    def kill_one(self, jobs: int, statements: int) -> None:
        """Run a worker until it began so many jobs, let so many statements pass, and kill it."""
        process = self._worker("dots")
        assert process.stdout is not None
        for line in process.stdout:
            self._note(line)
            jobs -= line.startswith("begin")
            statements -= line == ".\n" and jobs <= 0
            if statements < 0:
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def finish(self) -> None:
        process = self._worker("quiet")
        assert process.stdout is not None
        started = time.monotonic()
        for line in process.stdout:
            self._note(line)
            done = sum(self.jobs.values())
            if line.startswith("end") and done % 250 == 0:
                print(
                    f"{done} jobs, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True
                )
        if process.wait():
            raise SystemExit("the worker failed")

    def _worker(self, dots: str) -> "subprocess.Popen[str]":
        behind, self._clock = self._clock, self._clock + BEHIND
        return subprocess.Popen(
            [sys.executable, "-c", WORKER, str(self._home), self._url, str(behind), dots],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )

    def _note(self, line: str) -> None:
        words = line.split()
        if words[0] == "end":
            topic, wall, own, peak = words[1], float(words[2]), float(words[3]), int(words[4])
            self.jobs[topic] += 1
            self.spent[topic] += wall
            self.own[topic] += own
            self.memory = max(self.memory, peak)
            if topic == "release":
                self.release_memory = peak
        elif words[0] == "peak":
            self.memory = max(self.memory, int(words[1]))

    def verdict(self) -> tuple[int, bool, bool]:
        """Count the credentials; say whether each is there once, and whether every signature is good."""
        notary = self.app.extensions["grading"].notary
        with self.app.app_context(), transaction() as session:
            given = Counter(session.scalars(select(IssuedCredential.person_id)))
            learners = session.scalars(select(Submission.learner_id).order_by(Submission.digest))
            expected = {
                learner: COMPLETE if number % self.complete_every == 0 else 1
                for number, learner in enumerate(learners)
            }
            open_jobs = session.scalar(
                select(func.count()).select_from(Job).where(Job.state != "done")
            )
            grades = session.scalar(select(func.count()).select_from(Grade))
            keys = {key.id: key.public for key in session.scalars(select(SigningKey))}
            signed = all(
                notary.verifies(document, keys[key_id])
                for document, key_id in session.execute(
                    select(IssuedCredential.document, IssuedCredential.key_id)
                    .order_by(IssuedCredential.status_index)
                    .limit(200)
                )
            )
            once = given == expected and not open_jobs and grades == self.records
        return sum(given.values()), once, signed


def measure(records: int, complete_every: int, kills: int) -> list[tuple[str, object]]:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), records, complete_every)
        run.make()
        # The first dies in the release itself.
        run.kill_one(1, chance.randint(10, records))
        for _ in range(kills - 1):
            run.kill_one(chance.randint(20, max(records // kills // 2, 30)), chance.randint(0, 60))
        run.finish()
        total, once, signed = run.verdict()
        with run.app.app_context():
            db.engine.dispose()
    issued = run.jobs["credentials"]
    return [
        ("records", records),
        ("credentials", total),
        ("kills", kills),
        ("each once, none missing, all released", once),
        ("signatures good (200 drawn by their place in the list)", signed),
        ("the release, one transaction: seconds", f"{run.spent['release']:.1f}"),
        ("the release: seconds of processor", f"{run.own['release']:.1f}"),
        ("the release: peak memory, MB", run.release_memory),
        ("issuing: processor ms a credential", f"{1000 * run.own['credentials'] / total:.0f}"),
        ("issuing: credentials a second of processor", f"{total / run.own['credentials']:.1f}"),
        (
            "issuing: credentials a second, as the machine was",
            f"{total / run.spent['credentials']:.1f}",
        ),
        ("issuing: jobs that ended", issued),
        ("peak memory of a worker, MB", run.memory),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--complete-every", type=int, default=25)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found = measure(given.records, given.complete_every, given.kills)
    lines = ["# Credentials", "", (__doc__ or "").strip(), ""]
    lines += [f"Python {platform.python_version()}, {os.cpu_count()} cores, SQLite; one learner in "
              f"{given.complete_every} has a complete program.", ""]  # fmt: skip
    lines += ["| what | measured |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in found]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
