"""Summer: in grading. Its stories: Cedar's extension, a pair two levels apart, and a dry run."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from grading.cli.demo import names, program
from grading.cli.demo.world import SEED, Story, World, levels
from grading.cohorts import extensions
from grading.db import transaction
from grading.models import Allocation, AnchorPaper, CalibrationAttempt, Submission
from grading.readings import anchors, calibration
from grading.releases.queries import candidates
from grading.workflow.allocation import OF_ANCHORS, THIRD_READINGS, AllocationState, Pool
from grading.workflow.calendar import ExtensionKind
from grading.workflow.calibration import AnchorState, AnchorUse, AttemptKind
from grading.workflow.submission import SubmissionState

NAME = "Summer"
SUBMIT_DAYS = program.PLAN.submit_days
DUE = -9
OPENS = DUE - SUBMIT_DAYS
# Shorter sets than the certification plan's, and one of them: the plan page shows each change.
PRACTICE, QUALIFICATION = 3, 6
PLAN = replace(
    program.PLAN,
    practice_papers=PRACTICE,
    qualification_papers=QUALIFICATION,
    qualification_sets=1,
    peer_weight=0.0,
)
READY = 41
# The last are read one by one: until the peers are done, many become results at once.
BY_THE_SHEET = 2 * len(names.GRADERS[NAME])
EXTRA_DAYS = 9
CLEAR_PAPERS_SPREAD = 0.25

CEDAR = Story([], levels(3, 3, 2, 3, 2), kept_back=True)
# Near the pass mark, so that a second reading is asked for; it lies two levels higher on one criterion.
ELDER = Story([levels(3, 3, 2, 2, 3), levels(3, 3, 2, 4, 3)], levels(3, 3, 2, 3, 3), kept_back=True)


class Summer:
    """Puts what happens in Summer on the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plan(self) -> None:
        world, at = self.world, self.world.agenda.at
        at(world.day(OPENS - 7, 9), self._set_up)
        for plant in names.LEARNERS[NAME]:
            if plant == "Cedar":
                continue
            at(
                world.day(DUE, 23, 59) - timedelta(hours=float(world.rng.uniform(1, 200))),
                partial(
                    world.hand_in,
                    NAME,
                    f"Learner {plant}",
                    story=ELDER if plant == "Elder" else None,
                    shows=ELDER.peers if plant == "Elder" else None,
                ),
            )
        at(world.day(DUE - 5, 10), self._make_examples)
        for place, stone in enumerate(names.GRADERS[NAME]):
            grader = f"Grader {stone}"
            at(world.day(DUE - 4, 9, place), partial(self._try, grader, AttemptKind.PRACTICE))
            at(world.day(DUE - 3, 9, place), partial(self._try, grader, AttemptKind.QUALIFICATION))
        at(world.day(DUE - 3, 15), self._grant_time)
        at(world.day(DUE, 23, 59), self._allocate)
        for day in range(1, 8):
            for place, stone in enumerate(names.GRADERS[NAME]):
                world.sit_down(
                    NAME,
                    f"Grader {stone}",
                    world.day(DUE + day, 10, 3 * place),
                    sheets=3,
                    pause=40,
                    go_on=lambda: self._read() < READY - BY_THE_SHEET,
                )
            at(world.day(DUE + day, 21), partial(world.upkeep, NAME))
        at(world.day(-1, 9), self._up_to_today)
        at(world.day(-1, 19, 30), self._cedar_hands_in)
        at(self.world.today - timedelta(hours=3), self._two_levels_apart)
        at(self.world.today - timedelta(minutes=40), self._basalt_begins)

    def _set_up(self, now: datetime) -> None:
        self.world.progress("Summer opens: 60 learners write and hand in")
        program.add_cohort(self.world, NAME, PLAN, opens_in=OPENS, at=now)

    # --- calibration

    def _make_examples(self, now: datetime) -> None:
        """Works of Spring that none of Summer's graders has met become their examples."""
        world = self.world
        graders = [
            world.people[name]
            for name in (f"Grader {stone}" for stone in names.GRADERS[NAME])
            if name in world.people
        ]
        met = select(Allocation.submission_id).where(
            Allocation.rater_id.in_(graders), Allocation.pool == Pool.PROFESSIONAL
        )
        with transaction() as session:
            works = list(
                session.scalars(
                    select(Submission)
                    .where(
                        Submission.cohort_id == world.cohorts["Spring"],
                        Submission.state.in_((SubmissionState.RESOLVED, SubmissionState.RELEASED)),
                        Submission.example_consent_at.is_not(None),
                        Submission.id.not_in(met),
                        Submission.id.not_in(
                            select(AnchorPaper.source_id).where(
                                AnchorPaper.state != AnchorState.WITHDRAWN
                            )
                        ),
                    )
                    .order_by(Submission.digest)
                    .limit(PRACTICE + QUALIFICATION)
                )
            )
            for number, work in enumerate(works):
                at = now + timedelta(minutes=9 * number)
                anchor = anchors.propose(session, world.person(session, names.LEAD), work, now=at)
                use = AnchorUse.PRACTICE if number < PRACTICE else AnchorUse.QUALIFICATION
                world.agree_on(session, anchor, use, at)

    def _try(self, grader: str, kind: AttemptKind, now: datetime) -> None:
        """Begin practice or qualification, read the papers one after the other, and hand in."""
        world = self.world
        with world.acting(grader) as (session, person):
            cohort, rng = world.cohort(session, NAME), np.random.default_rng(SEED)
            attempt = calibration.start(session, person, cohort, kind, rng=rng, now=now)
            papers = [item.id for item, _paper in calibration.items(session, attempt)]
            attempt_id = attempt.id
        for number, item_id in enumerate(papers, 1):
            at = now + timedelta(minutes=20 * number)
            world.agenda.at(at, partial(self._read_example, item_id))
        end = now + timedelta(minutes=20 * len(papers) + 5)
        world.agenda.at(end, partial(self._judge, grader, attempt_id))

    def _read_example(self, item_id: str, now: datetime) -> None:
        with transaction() as session:
            item = session.get_one(Allocation, item_id)
            self.world.finish(session, NAME, item, now, spread=CLEAR_PAPERS_SPREAD)

    def _judge(self, grader: str, attempt_id: str, now: datetime) -> None:
        with self.world.acting(grader) as (session, person):
            attempt = session.get_one(CalibrationAttempt, attempt_id)
            calibration.hand_in(session, person, attempt, now=now)

    # --- grading

    def _grant_time(self, now: datetime) -> None:
        world = self.world
        with world.acting(f"Coordinator {names.COORDINATORS[0]}") as (session, coordinator):
            extensions.grant(
                session,
                coordinator,
                world.cohort(session, NAME),
                world.person(session, "Learner Cedar"),
                kind=ExtensionKind.EXTENSION,
                days=EXTRA_DAYS,
                reason="A stay in hospital; the letter is on file.",
                now=now,
            )

    def _allocate(self, now: datetime) -> None:
        world = self.world
        world.progress("Summer is read by graders who were cleared on Spring’s examples")
        world.upkeep(NAME, now)
        world.peers_review(NAME, now + timedelta(hours=8), now + timedelta(days=6, hours=20))

    def _read(self) -> int:
        """Count the works that a grader has read."""
        with transaction() as session:
            return (
                session.scalar(
                    select(func.count(distinct(Allocation.submission_id))).where(
                        Allocation.cohort_id == self.world.cohorts[NAME],
                        Allocation.pool == Pool.PROFESSIONAL,
                        Allocation.purpose.not_in(OF_ANCHORS),
                        Allocation.state.in_((AllocationState.FINISHED, AllocationState.SEALED)),
                    )
                )
                or 0
            )

    def _ready(self, now: datetime) -> int:
        with transaction() as session:
            cohort = self.world.cohort(session, NAME)
            return sum(line.ready for line in candidates.candidates(session, cohort, now=now))

    def _up_to_today(self, now: datetime) -> None:
        """Read on, sheet by sheet, until so many results are ready; the rest is left for whoever looks."""
        world = self.world
        world.progress("Summer’s queues come up to today")
        turn = 0
        while self._ready(now) < READY and turn < 10 * READY:
            stone = names.GRADERS[NAME][turn % len(names.GRADERS[NAME])]
            turn += 1
            with transaction() as session:
                item_id = world.next_item(session, NAME, f"Grader {stone}", now)
                if item_id is None:
                    continue
                item = session.get_one(Allocation, item_id)
                world.finish(session, NAME, item, now)
            now += timedelta(minutes=11)
            world.upkeep(NAME, now)

    def _cedar_hands_in(self, now: datetime) -> None:
        self.world.hand_in(NAME, "Learner Cedar", now, shows=CEDAR.peers, story=CEDAR)
        self.world.upkeep(NAME, now + timedelta(minutes=1))

    def _items_of(self, learner: str) -> list[str]:
        """The professional items of a work that nobody has begun, third readings apart."""
        with transaction() as session:
            work = self.world.work_of(session, NAME, learner)
            return list(
                session.scalars(
                    select(Allocation.id)
                    .where(
                        Allocation.submission_id == work.id,
                        Allocation.pool == Pool.PROFESSIONAL,
                        Allocation.purpose.not_in(THIRD_READINGS),
                        Allocation.state.in_((AllocationState.OPEN, AllocationState.ALLOCATED)),
                    )
                    .order_by(Allocation.created_at, Allocation.id)
                )
            )

    def _two_levels_apart(self, now: datetime) -> None:
        """Elder's project is read twice, two levels apart on one criterion; the third reading is open."""
        world = self.world
        for _reading in range(2):
            for item_id in self._items_of("Learner Elder"):
                with transaction() as session:
                    item = session.get_one(Allocation, item_id)
                    if item.rater is None:
                        self._somebody_takes(session, item, now)
                    if item.rater is not None:
                        world.finish(session, NAME, item, now)
            now += timedelta(minutes=30)
            world.upkeep(NAME, now)

    def _somebody_takes(self, session: Session, item: Allocation, now: datetime) -> None:
        for stone in names.GRADERS[NAME]:
            if self.world.claim(session, NAME, f"Grader {stone}", item, now):
                return

    def _basalt_begins(self, now: datetime) -> None:
        world = self.world
        # Where a second reading was drawn as well, one of the two is enough here.
        for item_id in self._items_of("Learner Cedar")[:1]:
            with transaction() as session:
                item = session.get_one(Allocation, item_id)
                if item.rater is None and world.claim(session, NAME, "Grader Basalt", item, now):
                    world.begin(session, item, now + timedelta(minutes=5))
