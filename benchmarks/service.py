"""How fast the service works: ``python -m benchmarks.service [--works 2000]``.

Prints a Markdown table: the batch at the deadline for N works, and claims with finishes by several
threads. The peer's figures beside them were measured on a machine of this kind and stand in the table
as they were; they are other software on another day, so read the ratios as orders of magnitude.
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from grading import migrations
from grading.app import create_app
from grading.cohorts import members
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.measurement.allocation.balanced import allocate
from grading.models import Cohort, Person, Submission
from grading.readings import allocations, holds, reviews
from grading.workflow.allocation import Pool, Purpose
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW, settings_for

# Moodle 4.3 workshop, 3 reviews a submission: seconds of random allocation, and saves a second at 8
# clients, by number of submissions.
MOODLE_ALLOCATION = {200: 0.15, 1000: 0.76, 5000: 7.7}
MOODLE_SAVES = 20.0
THREADS = 8
ITEMS = 400


def draw(works: int) -> float:
    """Seconds to give every work three peers who are its fellow authors."""
    own = np.column_stack([np.arange(works), np.arange(works)])
    start = time.perf_counter()
    allocate(works, works, np.full(works, 3), forbidden=own, rng=np.random.default_rng(1))
    return time.perf_counter() - start


def finishes() -> float:
    """Claims with finishes a second, by several threads on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        app = create_app(settings_for(home, f"sqlite:///{home / 'grading.db'}"))
        with app.app_context():
            migrations.upgrade(db.engine)
            with transaction() as session:
                cohort = factories.a_cohort(session, now=NOW)
                for number in range(THREADS - 1):
                    factories.a_member(
                        session, cohort, f"Grader Flint {number}", Role.GRADER, now=NOW
                    )
                codes = allocations.BlindCodes(session, cohort.id)
                for number in range(ITEMS):
                    learner = factories.a_person(session, f"Learner Fir {number}", now=NOW)
                    work = Submission(
                        cohort_id=cohort.id,
                        learner=learner,
                        state="submitted",
                        links=[],
                        digest="0" * 64,
                        created_at=NOW,
                        saved_at=NOW,
                        submitted_at=NOW,
                    )
                    session.add(work)
                    members.add(session, work, learner, actor=None, now=NOW)
                    allocations.give(
                        session, work, None, Pool.PROFESSIONAL, Purpose.LIVE, codes=codes, now=NOW
                    )
                cohort_id = cohort.id
                graders = [
                    person.id for person in participants.with_roles(session, cohort, Role.GRADER)
                ]

        def grade(rater: str) -> int:
            done = 0
            with app.app_context():
                while True:
                    with transaction() as session:
                        person = session.get_one(Person, rater)
                        item = holds.claim(
                            session, person, session.get_one(Cohort, cohort_id), now=NOW
                        )
                        if item is None:
                            return done
                        sheet = reviews.Sheet({"question": 2, "method": 3})
                        reviews.finish(session, person, item, sheet, version=0, now=NOW)
                    done += 1

        start = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            total = sum(pool.map(grade, graders))
        return total / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, nargs="+", default=[200, 1000, 5000])
    arguments = parser.parse_args()
    print("| act | ours | Moodle workshop | ratio |\n|---|---|---|---|")
    for works in arguments.works:
        seconds = draw(works)
        peer = MOODLE_ALLOCATION.get(works)
        theirs = f"{peer} s | {peer / seconds:.1f}x" if peer else "n/a: not measured | "
        print(f"| draw 3 peers for {works} works | {seconds:.2f} s | {theirs} |")
    rate = finishes()
    print(
        f"| claim and finish a sheet, {THREADS} at once | {rate:.0f}/s | {MOODLE_SAVES:.0f}/s saves | "
        f"{rate / MOODLE_SAVES:.1f}x |"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory {peak:.0f} MB.")


if __name__ == "__main__":
    main()
