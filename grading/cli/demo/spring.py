"""Spring: released to 120 learners. It is set up, handed in and read here."""

from datetime import datetime, timedelta
from functools import partial

import numpy as np

from grading.cli.demo import names, program
from grading.cli.demo.spring_aftermath import Aftermath
from grading.cli.demo.spring_drift import Drift
from grading.cli.demo.spring_plan import DUE, JOINING, NAME, OPENS, PLAN, STORIES
from grading.cli.demo.world import SEED, World
from grading.readings import absences, anchors
from grading.workflow.calibration import AnchorUse

IDLE_PEERS = ("Learner Nettle", "Learner Oak")


class Spring:
    """Puts what happens in Spring on the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.drift = Drift(world)
        self.aftermath = Aftermath(world)

    def plan(self) -> None:
        world, at = self.world, self.world.agenda.at
        at(world.day(OPENS - 14, 9), partial(program.set_up, world))
        at(world.day(OPENS - 13, 9), self._set_up)
        for number, plant in enumerate(names.LEARNERS[NAME]):
            # Half hand in early enough for the leads to read some of them before the deadline.
            low, high = (100, 240) if number % 2 else (1, 72)
            hours = float(world.rng.uniform(low, high))
            story = STORIES.get(plant)
            at(
                world.day(DUE, 23, 59) - timedelta(hours=hours),
                partial(
                    world.hand_in,
                    NAME,
                    f"Learner {plant}",
                    story=story,
                    shows=story.peers if story else None,
                    consents=story is None,
                ),
            )
        at(world.day(DUE - 3, 9), self._find_range)
        at(world.day(DUE, 23, 59), self._allocate)
        at(world.day(DUE + 1, 8), self._chalk_is_ill)
        for day in range(1, PLAN.results_day):
            self._grading_day(day)
        self.aftermath.plan()

    def _set_up(self, now: datetime) -> None:
        self.world.progress("Spring opens: 120 learners write and hand in")
        program.add_cohort(self.world, NAME, PLAN, opens_in=OPENS, at=now)

    def _find_range(self, now: datetime) -> None:
        """The leads read early works blind; agreed, they become check items."""
        world = self.world
        with world.acting(names.LEAD) as (session, lead):
            cohort, rng = world.cohort(session, NAME), np.random.default_rng(SEED)
            for number, anchor in enumerate(
                anchors.find_range(session, lead, cohort, rng=rng, now=now)
            ):
                at = now + timedelta(minutes=9 * number)
                world.agree_on(session, anchor, AnchorUse.VALIDITY, at)

    def _allocate(self, now: datetime) -> None:
        world = self.world
        world.progress("Spring is read: peers, graders, check items")
        world.upkeep(NAME, now)
        world.peers_review(
            NAME, now + timedelta(hours=8), now + timedelta(days=6, hours=20), idle=IDLE_PEERS
        )

    def _chalk_is_ill(self, now: datetime) -> None:
        world = self.world
        with world.acting("Grader Chalk") as (session, chalk):
            absences.declare_absence(
                session,
                chalk,
                world.cohort(session, NAME),
                chalk,
                starts_at=world.day(DUE + 1),
                ends_at=world.day(DUE + 6),
                cover=world.person(session, "Grader Slate"),
                now=now,
            )
        world.upkeep(NAME, now)

    def _grading_day(self, day: int) -> None:
        world = self.world
        for place, stone in enumerate((*names.GRADERS[NAME], *JOINING)):
            start = world.day(DUE + day, 9, 2 * place)
            if stone == "Slate":
                self.drift.slate_reads(day, start)
            elif stone != "Chalk" or day > 6:
                world.sit_down(NAME, f"Grader {stone}", start, sheets=16, pause=27)
        world.agenda.at(world.day(DUE + day, 20), self.drift.see_alarms)
