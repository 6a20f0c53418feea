"""Plays a cohort through the services that the web uses, under a simulated clock."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import click
import numpy as np
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.replay.given_ratings import COURSES, GivenRatings, criterion_code, rubric_of
from grading.cohorts import cohorts, conflicts, parts, submissions
from grading.cohorts.queries import participants
from grading.db import transaction
from grading.jobs import upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import (
    Allocation,
    Cohort,
    Course,
    Person,
    Release,
    Submission,
)
from grading.people import accounts
from grading.programs import completions, programs, rubric_versions
from grading.readings import holds, loads, openings, reviews
from grading.releases import releases
from grading.releases.queries import candidates, gates
from grading.workflow import plan as plans
from grading.workflow.allocation import HELD, AllocationState, Pool
from grading.workflow.cohort import Role
from grading.workflow.submission import CURRENT_STATEMENT

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class Player:
    """One replay: a cohort, its people, and a clock that only this class moves."""

    def __init__(self, app: Flask, ratings: GivenRatings, *, seed: int) -> None:
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
                session, None, program, rubric_of(self.ratings), now=self.now
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
                parts.enrol(session, None, cohort, person, role, now=self.now)
                self.rater_of[person.id] = rater
            for name in ("Opal", "Jade"):
                person = accounts.create_account(
                    session,
                    None,
                    email=f"{name.lower()}@example.org",
                    name=f"Instructor {name}",
                    now=self.now,
                )
                parts.enrol(session, None, cohort, person, Role.INSTRUCTOR, now=self.now)
                self.instructors.append(person.id)
            openings.open_cohort(session, None, cohort, now=self.now)

    def submit(self, progress: Callable[[], object]) -> None:
        """Enrol every learner with their courses passed, and hand in their work."""
        with transaction() as session:
            self.now = session.get_one(Cohort, self.cohort_id).opens_at
        for index, work in enumerate(self.ratings.levels):
            self.now += timedelta(minutes=1)
            with transaction() as session:
                self._submit_one(session, index, work)
            progress()

    def _submit_one(self, session: Session, index: int, work: str) -> None:
        cohort = session.get_one(Cohort, self.cohort_id)
        learner = accounts.create_account(
            session,
            None,
            email=f"learner-{index:05d}@example.org",
            name=f"Learner {work}",
            now=self.now,
        )
        parts.enrol(session, None, cohort, learner, Role.LEARNER, now=self.now)
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
                reviews.Sheet(
                    levels={criterion_code(name): level for name, level in given.items()}
                ),
                version=0,
                now=self.now,
            )

    def release(self) -> None:
        """Have two instructors sign, let the delay pass, and let the worker carry it out."""
        with transaction() as session:
            cohort = session.get_one(Cohort, self.cohort_id)
            self.now = max(self.now, cohort.results_at)
            listed = candidates.candidates(session, cohort, now=self.now)
            failed = [gate.key for gate in gates.failed(session, cohort, listed)]
            if not any(item.ready for item in listed):
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
