"""How long setting up a large cohort takes: ``python -m benchmarks.setup [--people 5000]``.

Imports a roster, completions and entitlements through the services, looks at the set-up pages, takes the
entitlements back, opens the cohort and ends it. Prints a Markdown table of seconds, of seconds
of CPU, and of statements.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from grading import migrations
from grading.app import create_app
from grading.cohorts import cohorts
from grading.db import db, transaction
from grading.ledger import verifying
from grading.models import Cohort, ImportBatch, Person
from grading.office import imports
from grading.workflow.cohort import ImportKind, Role
from tests import factories
from tests.database import NOW, begun_sign_in, settings_for

STAFF = (Role.GRADER,) * 40 + (Role.INSTRUCTOR,) * 3 + (Role.COORDINATOR,)


def roster(people: int) -> str:
    rows = [f"learner-{i}@example.org,Learner {i},learner" for i in range(people)]
    rows += [f"staff-{i}@example.org,Staff {i},{role}" for i, role in enumerate(STAFF)]
    return "\n".join(["email,name,role", *rows])


def completions(people: int) -> str:
    rows = [
        f"learner-{i}@example.org,{code},2026-06-01,proctored"
        for i in range(people)
        for code, _ in factories.COURSES
    ]
    return "\n".join(["email,course,completed_on,identity_assurance", *rows])


def entitlements(people: int) -> str:
    rows = [f"learner-{i}@example.org,,paid" for i in range(people)]
    return "\n".join(["email,course,state", *rows])


@contextmanager
def counted(engine: Any) -> Iterator[list[int]]:
    seen = [0]

    def note(*_: Any) -> None:
        seen[0] += 1

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def timed(what: str, act: Callable[[], Any], engine: Any) -> Any:
    wall, busy = time.perf_counter(), time.process_time()
    with counted(engine) as seen:
        result = act()
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    print(f"| {what} | {wall:.2f} | {busy:.2f} | {seen[0]} |", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        app = create_app(settings_for(home, f"sqlite:///{home / 'grading.db'}"))
        app.config["WTF_CSRF_ENABLED"] = False
        app.extensions["clock"] = lambda: NOW
        with app.app_context():
            run(app, people)


def run(app: Any, people: int) -> None:
    migrations.upgrade(db.engine)
    with transaction() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        program_id, cohort_id = cohort.program_id, cohort.id
        owner = factories.a_person(session, "Administrator", now=NOW, administrator=True).id
    print(f"| with {people} learners | seconds | of CPU | statements |")
    print("| --- | ---: | ---: | ---: |")

    def bring(kind: ImportKind, text: str) -> None:
        with transaction() as session:
            place: Any = session.get_one(Cohort, cohort_id)
            if kind is not ImportKind.ROSTER:
                place = place.program
            imports.carry_out(session, None, kind, place, text.encode(), now=NOW)

    for kind, text in (
        (ImportKind.ROSTER, roster(people)),
        (ImportKind.COMPLETIONS, completions(people)),
        (ImportKind.ENTITLEMENTS, entitlements(people)),
    ):
        timed(f"import {kind}", lambda kind=kind, text=text: bring(kind, text), db.engine)
        db.session.remove()
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = begun_sign_in(owner)
    for address in (
        f"/admin/programs/{program_id}",
        f"/admin/cohorts/{cohort_id}",
        f"/admin/cohorts/{cohort_id}/people",
        f"/admin/programs/{program_id}/entitlements",
    ):
        label = address.replace(program_id, "P").replace(cohort_id, "C")
        timed(label, lambda address=address: client.get(address), db.engine)

    def take_back() -> None:
        with transaction() as session:
            batch = session.scalars(
                select(ImportBatch).where(ImportBatch.kind == ImportKind.ENTITLEMENTS)
            ).one()
            imports.undo(session, None, batch, now=NOW)

    timed("undo entitlements", take_back, db.engine)

    def open_and_end() -> None:
        with transaction() as session:
            found = session.get_one(Cohort, cohort_id)
            cohorts.open_cohort(session, None, found, now=NOW)
            cohorts.end_cohort(session, None, found, reason="measured", now=NOW)

    timed("open and end", open_and_end, db.engine)
    with transaction() as session:
        assert session.query(Person).count() == people + len(STAFF) + 1
        assert all(not report.faults for report in verifying.verify(session))


if __name__ == "__main__":
    main()
