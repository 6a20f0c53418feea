"""Spring's grader Slate: steady for two days, then by another standard, found out and set aside."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from grading.cli.demo import names, program
from grading.cli.demo.spring_plan import JOINING, NAME, RELEASED
from grading.cli.demo.world import World
from grading.cohorts import parts
from grading.db import transaction
from grading.models import Alarm, QueuePause
from grading.readings import absences, monitoring
from grading.scores import quarantines
from grading.workflow.allocation import Purpose
from grading.workflow.cohort import Role
from grading.workflow.monitoring import AlarmState

SLATE = "Grader Slate"
SHEETS_A_DAY = 23
LEVELS_MOVED = 0.9
SHEETS_MOVED = 14


class Drift:
    """How Slate reads, and what the lead does about it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.moved = False
        self.third_day = self.sheets_moved = 0
        world.bend = self._bend

    def slate_reads(self, day: int, start: datetime) -> None:
        """Two steady days; on the third, after the check item it begins with, by another standard."""
        read = self.world.sit_down
        if day < 3:
            read(NAME, SLATE, start, sheets=SHEETS_A_DAY, pause=20)
        elif day == 3:
            read(NAME, SLATE, start, sheets=40, pause=17, go_on=self._goes_on)

    def _goes_on(self) -> bool:
        self.moved = self.third_day > 0
        self.third_day += 1
        return self.sheets_moved < SHEETS_MOVED

    def _bend(self, cohort: str, stone: str, purpose: Purpose) -> float:
        if cohort != NAME or stone != "Slate" or not self.moved:
            return 0.0
        self.sheets_moved += purpose is not Purpose.VALIDITY
        return LEVELS_MOVED

    def see_alarms(self, now: datetime) -> None:
        """Look in the evening whether there are alarms; the lead answers them the next morning."""
        self.world.upkeep(NAME, now)
        with transaction() as session:
            raised = session.scalar(
                select(Alarm.id)
                .where(Alarm.cohort_id == self.world.cohorts[NAME], Alarm.state == AlarmState.OPEN)
                .limit(1)
            )
        if raised:
            self.world.agenda.at(now + timedelta(hours=12), self._answer_alarms)

    def _answer_alarms(self, now: datetime) -> None:
        """The lead pauses the queue, sets aside what came after the last good check, and answers."""
        world = self.world
        with world.acting(names.LEAD) as (session, lead):
            cohort = world.cohort(session, NAME)
            slate = world.person(session, SLATE)
            alarms = list(
                session.scalars(
                    select(Alarm)
                    .where(Alarm.cohort_id == cohort.id, Alarm.state == AlarmState.OPEN)
                    .order_by(Alarm.criterion.is_not(None), Alarm.id)
                )
            )
            about_slate = [alarm for alarm in alarms if alarm.person_id == slate.id]
            for alarm in alarms:
                monitoring.answer(
                    session,
                    lead,
                    alarm,
                    upheld=alarm in about_slate,
                    reason="The check items since then lie above what we agreed on."
                    if alarm in about_slate
                    else "The works behind it were unusual, the check items are right.",
                    now=now,
                )
            if not about_slate:
                return
            pause = monitoring.pause(
                session,
                lead,
                cohort,
                slate,
                reason="Your standard has moved since Monday’s check items. We talk at noon.",
                now=now,
            )
            quarantines.impose(
                session,
                lead,
                cohort,
                slate,
                criterion=about_slate[0].criterion,
                since=quarantines.since_of(session, cohort, about_slate[0]),
                reason="Levels since the last good check item lie above the agreed standard.",
                alarm=about_slate[0],
                now=now,
            )
            # What is set aside, others read again: two more graders join.
            for stone in JOINING:
                program.add_person(world, session, f"Grader {stone}", now)
                joins = world.person(session, f"Grader {stone}")
                parts.enrol(session, lead, cohort, joins, Role.GRADER, now=now)
            pause_id = pause.id
            # What Slate has not begun goes to the others, before they meet copies of it as check items.
            absences.declare_absence(
                session,
                lead,
                cohort,
                slate,
                starts_at=now,
                ends_at=world.day(RELEASED),
                cover=None,
                now=now,
            )
        world.agenda.at(now + timedelta(hours=4), partial(self._resume, pause_id))

    def _resume(self, pause_id: str, now: datetime) -> None:
        with self.world.acting(names.LEAD) as (session, lead):
            monitoring.resume(
                session,
                lead,
                session.get_one(QueuePause, pause_id),
                answer="We went through the check items together; this cohort is read by others.",
                now=now,
            )
