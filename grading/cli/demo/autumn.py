"""Autumn: open for submission. Drafts, early projects, and a learner who lacks a course."""

from datetime import datetime, timedelta
from functools import partial

from grading.cli.demo import names, program
from grading.cli.demo.world import World
from grading.db import transaction

NAME = "Autumn"
OPENS = -10
SUBMITTED, DRAFTED = 3, 5


class Autumn:
    """Puts what happens in Autumn on the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plan(self) -> None:
        world, at = self.world, self.world.agenda.at
        # After Summer's graders are cleared: they are the same, and their standing is good here too.
        at(world.day(OPENS - 1, 9), self._set_up)
        for number, plant in enumerate(names.LEARNERS[NAME][: SUBMITTED + DRAFTED]):
            day = OPENS + 2 + number % 7
            learner = f"Learner {plant}"
            if number < SUBMITTED:
                at(world.day(day, 17, number), partial(world.hand_in, NAME, learner))
            else:
                at(world.day(day, 18, number), partial(self._write, learner))

    def _set_up(self, now: datetime) -> None:
        self.world.progress("Autumn opens: 12 learners, some have begun")
        program.add_cohort(
            self.world,
            NAME,
            program.PLAN,
            opens_in=OPENS,
            at=now,
            short_of_a_course=f"Learner {names.LEARNERS[NAME][-1]}",
        )

    def _write(self, learner: str, now: datetime) -> None:
        with transaction() as session:
            self.world.draft(session, NAME, learner, now - timedelta(hours=1), shows=None)
