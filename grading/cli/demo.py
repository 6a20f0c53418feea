"""grading demo: a running service with one cohort that the service itself has made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import numpy as np
from flask import Flask
from sqlalchemy import select

from grading import assets, migrations
from grading.cli import demo_works, init, serve
from grading.cli.edge import CreateApp, now
from grading.db import db, transaction
from grading.jobs import upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import Allocation, Cohort, Person, Program
from grading.queries import releasing
from grading.rubric import loading
from grading.services import (
    allocations,
    cohorts,
    people,
    programs,
    releases,
    reviews,
    submissions,
)
from grading.settings import from_environment
from grading.workflow import plan as plans
from grading.workflow.allocation import HELD, Pool
from grading.workflow.cohort import Role
from grading.workflow.submission import CURRENT_STATEMENT

SEED = 11
COURSES = [
    ("measuring", "Measuring a city"),
    ("cleaning", "Cleaning data"),
    ("modelling", "Modelling and uncertainty"),
    ("communicating", "Writing for a decision"),
]
LEARNERS = (
    "Alder", "Aspen", "Birch", "Bracken", "Cedar", "Clover", "Dogwood", "Elder", "Fern", "Fir", "Gorse",
    "Hazel", "Heather", "Ivy", "Juniper", "Larch", "Maple", "Nettle", "Oak", "Poplar", "Rowan", "Sorrel",
    "Thyme", "Willow",
)  # fmt: skip
GRADERS = ("Basalt", "Chalk", "Flint", "Granite", "Slate")
BRIEF = """
*The people and ratings of this demo are simulated.*

Take the hourly bicycle counts of one street, from January to June. Find a question that somebody in the
town has to decide, and answer it.

Hand in at most four pages. Show how the raw counts became your numbers, say how sure you are, and write
the answer so that it can be acted on.
"""
# Learners with this place in the list left something undone, so that every page has something to show.
NO_REVIEWS_BY = 3
UNREAD_BY_FIRST_GRADER = 3


class Maker:
    """Makes the demo's cohort through the services, at past instants, so that its audit verifies."""

    def __init__(self, app: Flask, today: datetime, progress: Callable[[str], object]) -> None:
        self.app = app
        self.rng = np.random.default_rng(SEED)
        self.progress = progress
        # The deadline passed nine days ago: peers have finished, graders are about to.
        self.opens_on = (today - timedelta(days=9 + plans.PRESETS["course"].submit_days)).date()
        self.today = today
        self.levels: dict[str, dict[str, int]] = {}
        self.cohort_id = ""

    def make(self) -> None:
        """Make everything; a demo that was begun and not ended is begun anew by its caller."""
        self.progress("Setting up the program")
        due = self._set_up()
        self.progress("Learners hand in")
        self._hand_in(due)
        self.progress("Readers read")
        self._read(due)
        self.progress("Results are released")
        self._release()

    def _set_up(self) -> datetime:
        at = datetime.combine(self.opens_on - timedelta(days=14), datetime.min.time(), tzinfo=UTC)
        with transaction() as session:
            people.create(
                session,
                None,
                email="administrator.beryl@example.org",
                name="Administrator Beryl",
                administrator=True,
                now=at,
            )
            program = programs.create_program(
                session,
                None,
                sponsor="Example College",
                name="Counting a city",
                capstone_title="A city’s bicycles",
                courses=COURSES,
                now=at,
            )
            programs.add_brief(session, None, program, BRIEF.strip(), now=at)
            rubric = loading.load(assets.folder("rubrics") / "data-capstone.toml")
            version = programs.add_rubric(session, None, program, rubric, now=at)
            programs.publish_rubric(session, None, version, now=at)
            cohort = cohorts.create_cohort(
                session,
                None,
                program,
                name="Spring",
                opens_on=self.opens_on,
                time_zone="Europe/London",
                rubric_version=version,
                plan=replace(plans.PRESETS["course"], calibration="off"),
                now=at,
            )
            self.cohort_id = cohort.id
            for name, role in [
                *[(f"Learner {plant}", Role.LEARNER) for plant in LEARNERS],
                *[(f"Grader {stone}", Role.GRADER) for stone in GRADERS],
                ("Instructor Opal", Role.INSTRUCTOR),
                ("Lead Topaz", Role.LEAD),
                ("Coordinator Garnet", Role.COORDINATOR),
            ]:
                person = people.create(
                    session,
                    None,
                    email=f"{name.lower().replace(' ', '.')}@example.org",
                    name=name,
                    now=at,
                )
                cohorts.enrol(session, None, cohort, person, role, now=at)
                # The last learner still lacks a course, and sees so.
                short = name.endswith(LEARNERS[-1])
                for course in (
                    program.courses[: -1 if short else None] if role == Role.LEARNER else []
                ):
                    programs.record_completion(
                        session,
                        None,
                        course,
                        person,
                        completed_on=date(self.opens_on.year, 1, 15),
                        identity_assurance="proctored",
                        now=at,
                    )
            cohorts.open_cohort(session, None, cohort, now=at)
            return cohort.due_at

    def _hand_in(self, due: datetime) -> None:
        with transaction() as session:
            learners = [
                person.id
                for person in allocations.members(
                    session, session.get_one(Cohort, self.cohort_id), Role.LEARNER
                )
                if not person.name.endswith(LEARNERS[-1])
            ]
        for learner in learners:
            at = due - timedelta(hours=float(self.rng.uniform(1, 200)))
            ability = self.rng.normal(2.4, 0.8)
            levels = {
                code: int(np.clip(round(self.rng.normal(ability, 0.6)), 0, 4))
                for code in demo_works.FRAGMENTS
            }
            title, text = demo_works.write(levels, self.rng)
            with transaction() as session:
                person = session.get_one(Person, learner)
                draft = submissions.start(
                    session, person, session.get_one(Cohort, self.cohort_id), now=at
                )
                submissions.save_draft(
                    session, person, draft, title=title, text=text, links=[], version=None, now=at
                )
                submissions.submit(
                    session, person, draft, statement=CURRENT_STATEMENT, version=None, now=at
                )
                self.levels[draft.id] = levels

    def _read(self, due: datetime) -> None:
        upkeep.run(self.app, self.cohort_id, now=due, seed=SEED)
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            first = allocations.members(session, cohort, Role.GRADER)[0].id
            owing = allocations.members(session, cohort, Role.LEARNER)[NO_REVIEWS_BY].id
            held = list(
                session.execute(
                    select(Allocation.id, Allocation.rater_id, Allocation.pool)
                    .where(Allocation.cohort_id == self.cohort_id, Allocation.state.in_(HELD))
                    .order_by(Allocation.rater_id, Allocation.blind_code)
                )
            )
        left = UNREAD_BY_FIRST_GRADER
        for number, (item, rater, pool) in enumerate(held):
            if pool == Pool.PEER and rater == owing:
                continue
            if rater == first and left:
                left -= 1
                continue
            self._rate(item, pool == Pool.PEER, due + timedelta(hours=2 + number * 0.6))
        at = self.today - timedelta(hours=6)
        upkeep.run(self.app, self.cohort_id, now=at, seed=SEED)
        self._third_readings(at)
        upkeep.run(self.app, self.cohort_id, now=self.today - timedelta(hours=3), seed=SEED)

    def _rate(self, item: str, peer: bool, at: datetime) -> None:
        with transaction() as session:
            allocation = session.get_one(Allocation, item)
            rater = allocation.rater
            if rater is None:
                return
            # Peers are milder and less sure; a grader's own strictness hangs on the name's place.
            lean = 0.5 if peer else 0.2 * (GRADERS.index(rater.name.split()[-1]) - 2) / 2
            spread = 0.7 if peer else 0.45
            levels = {
                code: int(np.clip(round(self.rng.normal(true + lean, spread)), 0, 4))
                for code, true in self.levels[allocation.submission_id].items()
            }
            rubric = allocation.cohort.rubric_version.rubric
            comments = {
                code: f"I read this as “{rubric.criterion(code).levels[level].name}”."
                for code, level in levels.items()
                if self.rng.random() < 0.5
            }
            reviews.finish(
                session, rater, allocation, reviews.Sheet(levels, comments), version=0, now=at
            )

    def _third_readings(self, at: datetime) -> None:
        """Settle all disputed grades but the last two."""
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            graders = [person.id for person in allocations.members(session, cohort, Role.GRADER)][
                1:
            ]
            open_items = list(
                session.scalars(
                    select(Allocation.id)
                    .where(
                        Allocation.cohort_id == self.cohort_id,
                        Allocation.state == "open",
                    )
                    .order_by(Allocation.created_at, Allocation.blind_code)
                )
            )
        for number, item in enumerate(open_items[:-2]):
            for turn in range(len(graders)):
                with transaction() as session:
                    claimed = allocations.claim(
                        session,
                        session.get_one(Person, graders[(number + turn) % len(graders)]),
                        session.get_one(Cohort, self.cohort_id),
                        now=at,
                        allocation_id=item,
                    )
                if claimed is not None:
                    self._rate(item, False, at)
                    break

    def _release(self) -> None:
        at = self.today - timedelta(hours=2)
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            instructor = allocations.members(session, cohort, Role.INSTRUCTOR)[0]
            ready = [
                item.submission_id
                for item in releasing.candidates(session, cohort, now=at)
                if item.ready
            ]
            # Most, so that a release can still be tried out.
            releases.propose(
                session,
                instructor,
                cohort,
                overrides={},
                failed_gates=[],
                chosen=set(sorted(ready)[: max(len(ready) * 2 // 3, 1)]),
                now=at,
            )
        Worker(self.app, HANDLERS).run_until_idle(at + timedelta(minutes=11))


@contextmanager
def _half_made(home: Path) -> Iterator[None]:
    """Mark a demo that is being made, so that one whose making was cut off is made anew."""
    mark = home / "being-made"
    mark.touch()
    yield
    mark.unlink()


def prepare(app: Flask, home: Path, progress: Callable[[str], object]) -> bool:
    """Make the demo unless it is there; says whether it was made."""
    migrations.upgrade(db.engine)
    if db.session.scalar(select(Program.id).limit(1)) is not None:
        db.session.rollback()
        return False
    db.session.rollback()
    with _half_made(home):
        Maker(app, now(), progress).make()
    return True


@click.command("demo")
@click.option("--port", default=8000, show_default=True)
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), default=Path("var/demo"))
@click.pass_obj
def command(create_app: CreateApp, port: int, home: Path) -> None:
    """Start a service with a demo cohort on this machine; a second start goes on with it."""
    home = home.absolute()
    if (home / "being-made").exists():
        for name in ("grading.db", "grading.db-wal", "grading.db-shm", "being-made"):
            (home / name).unlink(missing_ok=True)
    init.write_secret(home)
    settings = from_environment(
        {
            "GRADING_HOME": str(home),
            "GRADING_BASE_URL": f"http://127.0.0.1:{port}",
            "GRADING_DEMO": "1",
        }
    )
    app = create_app(settings)
    with app.app_context():
        made = prepare(app, home, lambda step: click.echo(f"{step} …"))
        db.session.remove()
        click.echo("The demo is ready." if made else "The demo goes on where it was.")
        click.echo(f"Open http://127.0.0.1:{port}/demo and choose a door. Stop with Ctrl+C.")
        serve.run(app, "127.0.0.1", port, worker=True)
