"""Plays real ratings through the whole service: every learner, rater, clock tick and release.

The sheets are filled with the levels that people really gave; everything else (who reads what, third
readings, scores, release) is decided by the services the web uses, under a simulated clock.
"""

import csv
import json
import math
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import numpy as np
from flask import Flask
from sqlalchemy import func, select

from grading import migrations
from grading.cohorts import cohorts, conflicts, submissions
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, GradingError
from grading.jobs import upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import audit
from grading.models import (
    Allocation,
    Cohort,
    Course,
    Grade,
    Person,
    Program,
    Release,
    Review,
    Submission,
)
from grading.models.codes import retold
from grading.people import accounts
from grading.programs import completions, programs, rubric_versions
from grading.readings import holds, loads, reviews
from grading.releases import releases
from grading.releases.queries import candidates, gates
from grading.rubric.definition import Criterion, Level, Rubric
from grading.scores.queries import agreement
from grading.settings import Settings, from_environment
from grading.workflow import plan as plans
from grading.workflow.allocation import HELD, AllocationState, Pool, Purpose
from grading.workflow.cohort import Role
from grading.workflow.submission import CURRENT_STATEMENT, SubmissionState

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
COURSES = [("first", "First course"), ("second", "Second course"), ("third", "Third course")]


@dataclass(frozen=True)
class Ratings:
    """What people really gave: ``levels[work][rater][criterion]`` as level index.

    ``values`` are the scores of the file in rising order; a level index points into them.
    """

    levels: dict[str, dict[str, dict[str, int]]]
    criteria: tuple[str, ...]
    raters: tuple[str, ...]
    values: tuple[float, ...]

    def mean(self, work: str, raters: set[str] | None = None) -> float:
        """The mean score of a work over criteria and raters, on the file's own scale."""
        given = [
            self.values[level]
            for rater, levels in self.levels[work].items()
            if raters is None or rater in raters
            for level in levels.values()
        ]
        return math.fsum(given) / len(given) if given else math.nan


def read_ratings(path: Path) -> Ratings:
    """Read ``work,rater,criterion,score``; further columns are passed over.

    A rater's reading of a work counts when it has every criterion.

    Raises
    ------
    FaultsFound
        Columns missing, a score that is no number, the same rating twice.
    """
    faults: list[Fault] = []
    given: dict[tuple[str, str, str], float] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"work", "rater", "criterion", "score"} - set(reader.fieldnames or ())
        if missing:
            raise FaultsFound(
                [
                    Fault("line 1", "The column “%(name)s” is missing.", {"name": name})
                    for name in sorted(missing)
                ]
            )
        for row in reader:
            key = (row["work"].strip(), row["rater"].strip(), row["criterion"].strip())
            where = f"line {reader.line_num}"
            if not row["score"].strip():
                continue
            try:
                score = float(row["score"])
            except ValueError:
                faults.append(
                    Fault(where, "The score “%(text)s” is no number.", {"text": row["score"]})
                )
                continue
            if key in given:
                faults.append(Fault(where, "This rating stands in the file twice."))
            given[key] = score
    if not given and not faults:
        faults.append(Fault(path.name, "The file has no ratings."))
    if faults:
        raise FaultsFound(faults)
    values = tuple(sorted(set(given.values())))
    criteria = tuple(sorted({criterion for _, _, criterion in given}))
    index = {value: level for level, value in enumerate(values)}
    levels: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for (work, rater, criterion), score in given.items():
        levels[work][rater][criterion] = index[score]
    complete = {
        work: {rater: sheet for rater, sheet in sheets.items() if len(sheet) == len(criteria)}
        for work, sheets in levels.items()
    }
    raters = tuple(sorted({rater for _, rater, _ in given}))
    return Ratings(dict(sorted(complete.items())), criteria, raters, values)


def _rubric(ratings: Ratings) -> Rubric:
    low = ratings.values[0]
    levels = tuple(
        Level(f"Level {value:g}", value - low, f"The level that raters scored {value:g}.")
        for value in ratings.values
    )
    weights = [round(100 / len(ratings.criteria), 6)] * len(ratings.criteria)
    weights[-1] = 100 - math.fsum(weights[:-1])
    codes = [code for code, _ in COURSES]
    return Rubric(
        name="replay",
        title="Replayed ratings",
        version=1,
        description="The criteria and the scale of the file.",
        criteria=tuple(
            Criterion(_code(name), name, f"What {name} stands for.", weight, tuple(codes), levels)
            for name, weight in zip(ratings.criteria, weights, strict=True)
        ),
    )


def _code(name: str) -> str:
    """Give a criterion's name as a code; one that is a code already stays."""
    plain = "".join(
        letter if letter.isalnum() and letter.isascii() else "_" for letter in name.lower()
    )
    return plain if plain[:1].isalpha() else f"c_{plain}"


class Player:
    """One replay: a cohort, its people, and a clock that only this class moves."""

    def __init__(self, app: Flask, ratings: Ratings, *, seed: int) -> None:
        self.app = app
        self.ratings = ratings
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.now = START
        app.extensions["clock"] = lambda: self.now
        self.worker = Worker(app, HANDLERS)
        self.work_of: dict[str, str] = {}
        self.rater_of: dict[str, str] = {}
        self.cohort_id = ""
        self.instructors: list[str] = []

    def set_up(self, *, professionals: int, peers: int, second_share: float, preset: str) -> None:
        """Make the program, the cohort and its people, and open it."""
        drawn = set(self.rng.permutation(len(self.ratings.raters))[:professionals].tolist())
        with transaction() as session:
            program = programs.create_program(
                session,
                None,
                sponsor="Replay",
                name="Replayed ratings",
                capstone_title="Replayed works",
                courses=COURSES,
                now=self.now,
            )
            programs.add_brief(
                session, None, program, "Works that were rated before.", now=self.now
            )
            version = rubric_versions.add_rubric(
                session, None, program, _rubric(self.ratings), now=self.now
            )
            rubric_versions.publish_rubric(session, None, version, now=self.now)
            plan = plans.from_dict(
                {
                    "preset": preset,
                    "peer_readings": peers,
                    # Those who rated are the raters there are; nobody can be asked to practise.
                    "calibration": "off",
                    # No person releases, so none can show that it is them.
                    "step_up": "off",
                    "peers_needed": min(peers, plans.PRESETS[preset].peers_needed),
                    "peers_from": "invited",
                    "peer_load": None,
                    "grader_load": None,
                    "second_share": second_share,
                }
            )
            cohort = cohorts.create_cohort(
                session,
                None,
                program,
                name="Replay",
                opens_on=self.now.date(),
                time_zone="UTC",
                rubric_version=version,
                plan=plan,
                now=self.now,
            )
            self.cohort_id = cohort.id
            for index, rater in enumerate(self.ratings.raters):
                role = Role.GRADER if index in drawn else Role.PEER
                person = accounts.create_account(
                    session,
                    None,
                    email=f"rater-{index:05d}@example.org",
                    name=f"Rater {rater}",
                    now=self.now,
                )
                cohorts.enrol(session, None, cohort, person, role, now=self.now)
                self.rater_of[person.id] = rater
            for name in ("Opal", "Jade"):
                person = accounts.create_account(
                    session,
                    None,
                    email=f"{name.lower()}@example.org",
                    name=f"Instructor {name}",
                    now=self.now,
                )
                cohorts.enrol(session, None, cohort, person, Role.INSTRUCTOR, now=self.now)
                self.instructors.append(person.id)
            cohorts.open_cohort(session, None, cohort, now=self.now)

    def submit(self, progress: Callable[[], object]) -> None:
        """Enrol every learner with their courses passed, and hand in their work."""
        with transaction() as session:
            self.now = session.get_one(Cohort, self.cohort_id).opens_at
        for index, work in enumerate(self.ratings.levels):
            self.now += timedelta(minutes=1)
            with transaction() as session:
                self._submit_one(session, index, work)
            progress()

    def _submit_one(self, session: Any, index: int, work: str) -> None:
        cohort = session.get_one(Cohort, self.cohort_id)
        learner = accounts.create_account(
            session,
            None,
            email=f"learner-{index:05d}@example.org",
            name=f"Learner {work}",
            now=self.now,
        )
        cohorts.enrol(session, None, cohort, learner, Role.LEARNER, now=self.now)
        for course in session.scalars(
            select(Course).where(Course.program_id == cohort.program_id).order_by(Course.position)
        ):
            completions.record_completion(
                session,
                None,
                course,
                learner,
                completed_on=date(2025, 12, 1),
                identity_assurance="attested",
                now=self.now,
            )
        submission = submissions.start(session, learner, cohort, now=self.now)
        submissions.save_draft(
            session,
            learner,
            submission,
            title=f"Work {work}",
            text=f"The work that the file calls {work}.",
            links=[],
            version=None,
            now=self.now,
        )
        submissions.submit(
            session, learner, submission, statement=CURRENT_STATEMENT, version=None, now=self.now
        )
        self.work_of[submission.id] = work
        for rater_id, rater in self.rater_of.items():
            if rater not in self.ratings.levels[work]:
                conflicts.declare_conflict(
                    session,
                    None,
                    cohort,
                    rater=session.get_one(Person, rater_id),
                    learner=learner,
                    reason="has not read this work in the file",
                    now=self.now,
                )

    def grade(self, progress: Callable[[], object]) -> None:
        """Let everybody read what they are given until nothing is left to read."""
        with transaction() as session:
            self.now = session.get_one(Cohort, self.cohort_id).due_at
        idle = 0
        while idle < 2:
            upkeep.run(self.app, self.cohort_id, now=self.now, seed=self.seed)
            done = self._read_held(progress) + self._claim_open(progress)
            idle = 0 if done else idle + 1
            # The undo of the last sheet has run out; two idle rounds lead past the peers' deadline.
            self.now += timedelta(minutes=30)
            if idle == 1:
                with transaction() as session:
                    due = session.get_one(Cohort, self.cohort_id).peers_due_at
                if self.now < due:
                    self.now, idle = due + timedelta(minutes=1), 0

    def _read_held(self, progress: Callable[[], object]) -> int:
        with transaction() as session:
            held = list(
                session.scalars(
                    select(Allocation.id)
                    .where(Allocation.cohort_id == self.cohort_id, Allocation.state.in_(HELD))
                    .order_by(Allocation.rater_id, Allocation.blind_code)
                )
            )
        for allocation_id in held:
            self._read(allocation_id)
            progress()
        return len(held)

    def _claim_open(self, progress: Callable[[], object]) -> int:
        """Have the professionals take what is open: whoever has read least and may, by the draw."""
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            open_items = list(
                session.scalars(
                    select(Allocation.id)
                    .join(Submission, Submission.id == Allocation.submission_id)
                    .join(Person, Person.id == Submission.learner_id)
                    .where(
                        Allocation.cohort_id == self.cohort_id,
                        Allocation.state == AllocationState.OPEN,
                    )
                    .order_by(Person.email, Allocation.created_at)
                )
            )
            graders = participants.with_roles(session, cohort, Role.GRADER)
            load_by_rater = dict(
                zip(
                    [grader.id for grader in graders],
                    loads.loads(session, cohort, Pool.PROFESSIONAL, graders),
                    strict=True,
                )
            )
        taken = 0
        for allocation_id in open_items:
            drawn = self.rng.permutation(len(load_by_rater)).tolist()
            order = sorted(zip(load_by_rater.values(), drawn, load_by_rater.keys(), strict=True))
            for _, _, rater_id in order:
                with transaction() as session:
                    claimed = holds.claim(
                        session,
                        session.get_one(Person, rater_id),
                        session.get_one(Cohort, self.cohort_id),
                        now=self.now,
                        allocation_id=allocation_id,
                    )
                if claimed is not None:
                    load_by_rater[rater_id] += 1
                    taken += 1
                    self._read(allocation_id)
                    progress()
                    break
        return taken

    def _read(self, allocation_id: str) -> None:
        with transaction() as session:
            allocation = session.get_one(Allocation, allocation_id)
            rater = allocation.rater
            if rater is None:
                raise click.ClickException("An item without a rater cannot be read.")
            given = self.ratings.levels[self.work_of[allocation.submission_id]][
                self.rater_of[rater.id]
            ]
            reviews.finish(
                session,
                rater,
                allocation,
                reviews.Sheet(levels={_code(name): level for name, level in given.items()}),
                version=0,
                now=self.now,
            )

    def release(self) -> None:
        """Have two instructors sign, let the delay pass, and let the worker carry it out."""
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            self.now = max(self.now, cohort.results_at)
            found = candidates.candidates(session, cohort, now=self.now)
            failed = [gate.key for gate in gates.failed(session, cohort, found)]
            if not any(item.ready for item in found):
                return
            release_id = releases.propose(
                session,
                session.get_one(Person, self.instructors[0]),
                cohort,
                failed_gates=failed,
                overrides=dict.fromkeys(failed, "A replay shows what real raters do."),
                now=self.now,
            ).id
        with transaction() as session:
            release = session.get_one(Release, release_id)
            if len(release.sign_offs) < release.cohort.plan.sign_offs:
                releases.sign(
                    session, session.get_one(Person, self.instructors[1]), release, now=self.now
                )
            delay = release.cohort.plan.release_delay_minutes
        self.now += timedelta(minutes=delay, seconds=1)
        self.worker.run_until_idle(self.now)

    def report(self) -> dict[str, Any]:
        """Say what became of everything."""
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            states = Counter(
                dict(
                    session.execute(
                        select(Submission.state, func.count())
                        .where(Submission.cohort_id == cohort.id)
                        .group_by(Submission.state)
                    ).all()
                )
            )
            left = candidates.candidates(session, cohort, now=self.now)
            readings = Counter(
                (str(pool), str(purpose))
                for pool, purpose in session.execute(
                    select(Allocation.pool, Allocation.purpose)
                    .join(Review)
                    .where(Allocation.cohort_id == cohort.id)
                )
            )
            chains = audit.verify(session)
            return {
                "works": len(self.ratings.levels),
                "raters": len(self.ratings.raters),
                "states": dict(sorted(states.items())),
                "released": states[SubmissionState.RELEASED],
                "hindered": len(left),
                "hindrances": dict(
                    Counter(str(reason) for item in left for reason in item.hindrances)
                ),
                "readings": {
                    "professional": sum(
                        count
                        for (pool, purpose), count in readings.items()
                        if pool == Pool.PROFESSIONAL and purpose != Purpose.ADJUDICATION
                    ),
                    "adjudication": readings[Pool.PROFESSIONAL, Purpose.ADJUDICATION],
                    "peer": readings[Pool.PEER, Purpose.LIVE],
                },
                "agreement": agreement.as_dict(agreement.report(session, cohort)),
                "rmse": self._errors(session),
                "audit": {
                    "entries": sum(chain.count for chain in chains),
                    "faults": [fault for chain in chains for fault in chain.faults],
                },
            }

    def _errors(self, session: Any) -> dict[str, float | None]:
        """Root mean square error of what was released, on the file's own scale."""
        readers: dict[str, set[str]] = defaultdict(set)
        for submission_id, rater_id in session.execute(
            select(Allocation.submission_id, Allocation.rater_id).where(
                Allocation.cohort_id == self.cohort_id, Allocation.state == AllocationState.SEALED
            )
        ):
            readers[submission_id].add(self.rater_of[rater_id])
        low, high = self.ratings.values[0], self.ratings.values[-1]
        to_all: list[float] = []
        to_others: list[float] = []
        for submission_id, detail in session.execute(select(Grade.submission_id, Grade.detail)):
            released = low + (high - low) * detail["composite"] / 100
            work = self.work_of[submission_id]
            others = set(self.ratings.raters) - readers[submission_id]
            to_all.append(released - self.ratings.mean(work))
            apart = self.ratings.mean(work, others)
            if not math.isnan(apart):
                to_others.append(released - apart)
        return {"to_all_raters": _rms(to_all), "to_raters_who_did_not_read": _rms(to_others)}


def _rms(errors: list[float]) -> float | None:
    return math.sqrt(math.fsum(error**2 for error in errors) / len(errors)) if errors else None


@contextmanager
def _settings(database: str | None) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="replay-") as home:
        environment = {"GRADING_HOME": home, "GRADING_SECRET_KEY": "a replay signs nobody in " * 2}
        if database:
            environment["GRADING_DATABASE_URL"] = database
        yield replace(from_environment(environment), files_url="memory:", password_cost="light")


@click.command("replay")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--professionals", default=6, show_default=True, help="Raters drawn as professionals."
)
@click.option("--peers", default=3, show_default=True, help="Peer readings a work is to have.")
@click.option("--second-share", default=0.2, show_default=True, help="Share read a second time.")
@click.option(
    "--preset",
    type=click.Choice(sorted(plans.PRESETS)),
    default="certification",
    show_default=True,
    help="The grading plan to start from.",
)
@click.option("--seed", default=1, show_default=True, help="Repeats every draw.")
@click.option("--database", help="An empty database to use; a temporary SQLite file otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    create_app: Callable[..., Flask],
    directory: Path,
    professionals: int,
    peers: int,
    second_share: float,
    preset: str,
    seed: int,
    database: str | None,
    as_json: bool,
) -> None:
    """Play DIRECTORY/scores.csv (work,rater,criterion,score) through the whole service."""
    ratings = read_ratings(directory / "scores.csv")
    if not 1 <= professionals < len(ratings.raters):
        raise click.BadParameter("there must be raters of both kinds", param_hint="--professionals")
    with _settings(database) as settings:
        app = create_app(settings)
        with app.app_context(), retold(seed):
            migrations.upgrade(db.engine)
            if db.session.scalar(select(Program.id).limit(1)):
                raise GradingError("The database is not empty. A replay needs one of its own.")
            player = Player(app, ratings, seed=seed)
            player.set_up(
                professionals=professionals, peers=peers, second_share=second_share, preset=preset
            )
            with _bar("Submitting", len(ratings.levels)) as step:
                player.submit(step)
            with _bar("Reading", len(ratings.levels) * (peers + 2)) as step:
                player.grade(step)
            player.release()
            report = player.report()
            db.session.remove()
            db.engine.dispose()
    click.echo(json.dumps(report, indent=2) if as_json else _words(report))


@contextmanager
def _bar(label: str, length: int) -> Iterator[Callable[[], object]]:
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _words(report: dict[str, Any]) -> str:
    lines = [
        f"{report['works']} works, {report['raters']} raters",
        "readings: " + ", ".join(f"{count} {kind}" for kind, count in report["readings"].items()),
        f"released {report['released']}, hindered {report['hindered']}",
    ]
    for name, error in report["rmse"].items():
        lines.append(
            f"RMSE {name.replace('_', ' ')}: {'undefined' if error is None else f'{error:.3f}'}"
        )
    for criterion, pools in report["agreement"].items():
        for pool, values in pools.items():
            kappa = values["quadratic_kappa"]
            shown = "not enough ratings" if kappa is None else f"quadratic kappa {kappa:.3f}"
            lines.append(f"{criterion}, {pool}: {shown} (n = {values['works']})")
    return "\n".join(lines)
