"""How fast credentials are issued: ``python -m benchmarks.credentials [--records 5000]``.

One worker on SQLite carries out the release and then issues; it is killed with SIGKILL at random moments and
started again, and the end is checked: each credential once, none missing. Prints a Markdown table.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from grading import migrations
from grading.app import create_app
from grading.db import db, transaction
from grading.models import IssuedCredential, Job, Submission
from tests.database import settings_for
from tests.issuing import many

# A complete record: three courses, the capstone, the program.
COMPLETE = 5

# Says each job's topic before it is carried out, and at the end its peak memory in MB.
WORKER = """
import resource, sys
from datetime import datetime, timedelta, UTC
from pathlib import Path
from grading.app import create_app
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from tests.database import settings_for
def told(topic, handler):
    def call(task):
        print(topic, flush=True)
        handler(task)
    return call
handlers = {topic: told(topic, handler) for topic, handler in HANDLERS.items()}
worker = Worker(create_app(settings_for(Path(sys.argv[1]), sys.argv[2])), handlers)
worker.run_until_idle(datetime.now(UTC) + timedelta(seconds=float(sys.argv[3])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
"""
# A clock so far ahead of the last worker's that the leases of the dead have ended.
BEHIND = 70


def run(records: int, complete_every: int, kills: int) -> dict[str, object]:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = f"sqlite:///{home / 'grading.db'}"
        app = create_app(settings_for(home, url))
        with app.app_context():
            migrations.upgrade(db.engine)
            with transaction() as session:
                many(session, records, complete_every=complete_every, now=datetime.now(UTC))
            db.session.remove()
        start = time.perf_counter()
        for kill in range(kills):
            process = _worker(home, url, BEHIND * kill)
            # The first dies in the release itself.
            _lines(process, chance.randint(20, 400) if kill else 1)
            time.sleep(chance.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        process = _worker(home, url, BEHIND * kills)
        said, _ = process.communicate()
        memory = int(said.split()[-1])
        seconds = time.perf_counter() - start
        with app.app_context(), transaction() as session:
            given = Counter(session.scalars(select(IssuedCredential.person_id)))
            learners = session.scalars(select(Submission.learner_id).order_by(Submission.digest))
            expected = {
                learner: COMPLETE if number % complete_every == 0 else 1
                for number, learner in enumerate(learners)
            }
            waiting = session.scalar(
                select(func.count()).select_from(Job).where(Job.state != "done")
            )
            db.engine.dispose()
        total = sum(given.values())
        return {
            "records": records,
            "credentials": total,
            "kills": kills,
            "each once, none missing": given == expected and not waiting,
            "seconds": round(seconds),
            "credentials a second": round(total / seconds, 1),
            "peak memory, MB": memory,
        }


def _worker(home: Path, url: str, ahead: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), url, str(ahead)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )


def _lines(process: "subprocess.Popen[bytes]", count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        process.stdout.readline()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--complete-every", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    given = parser.parse_args()
    found = run(given.records, given.complete_every, given.kills)
    print("| what | measured |\n|---|---|")
    for name, value in found.items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
