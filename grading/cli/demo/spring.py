"""Spring: released to 120 learners. Its stories: Alder, Birch, a revoked record, Granite and Slate."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cli.demo import names, program
from grading.cli.demo.world import SEED, Story, World, levels
from grading.cohorts import cohorts
from grading.db import transaction
from grading.disputes import appeals, decisions, misconduct
from grading.jobs import credentials
from grading.models import (
    Alarm,
    Allocation,
    Appeal,
    CredentialRecord,
    MisconductCase,
    QueuePause,
    Release,
)
from grading.readings import absences, anchors, monitoring
from grading.records import sharing
from grading.releases import releases
from grading.releases.queries import candidates as releasing
from grading.releases.queries import gates
from grading.scores import quarantines
from grading.workflow import plan as plans
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.calibration import AnchorUse
from grading.workflow.cohort import Role
from grading.workflow.credential import RecordState
from grading.workflow.monitoring import AlarmState

NAME = "Spring"
# Who shows their record to an employer afterwards.
SHARING = ("Alder", "Birch", "Dogwood")
SUBMIT_DAYS = plans.PRESETS["certification"].submit_days
DUE = -29
OPENS = DUE - SUBMIT_DAYS
RELEASED = DUE + plans.PRESETS["certification"].results_day
# The plan's own: nobody can be cleared before there are examples, and thirty works are read for them.
# The doors tell of plain means, which a visitor can work out from the readings they see.
# Nobody in the demo has a password or a passkey, and the plan says so.
PLAN = replace(
    plans.PRESETS["certification"],
    calibration="off",
    first_anchors=30,
    peer_weight=0.0,
    step_up="off",
)

# Two readings on one side of the pass mark, the first so near it that a second is asked for.
ALDER = Story([levels(2, 3, 3, 2, 2), levels(2, 3, 3, 2, 3)], levels(2, 3, 3, 2, 3))
# Two readings below the pass mark; the re-mark for the appeal is the third.
BIRCH = Story(
    [levels(2, 3, 2, 2, 3), levels(3, 2, 2, 2, 3), levels(2, 4, 3, 3, 2)], levels(2, 3, 2, 2, 3)
)
DOGWOOD = Story([levels(3, 3, 3, 3, 3)], levels(3, 3, 3, 3, 3))
STORIES = {"Alder": ALDER, "Birch": BIRCH, "Dogwood": DOGWOOD}
JOINING = ("Marble", "Quartz")
IDLE_PEERS = ("Learner Nettle", "Learner Oak")

# Slate reads most, steadily for two days, and then by another standard.
SLATE_A_DAY = 23
SLATE_MOVES = 0.9
SHEETS_MOVED = 14


def learners() -> list[str]:
    """The plants of this cohort: the first, but for those that Summer's stories tell of."""
    return [name for name in names.LEARNERS if name not in ("Cedar", "Elder")][:120]


class Spring:
    """Puts what happens in Spring on the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.moved = False
        self.third_day = self.sheets_moved = 0
        world.bend = self._bend

    def plan(self) -> None:
        world, at = self.world, self.world.agenda.at
        at(world.day(OPENS - 14, 9), partial(program.set_up, world))
        at(world.day(OPENS - 13, 9), self._set_up)
        for number, plant in enumerate(learners()):
            # Half hand in early enough for the leads to read some of them before the deadline.
            low, high = (100, 240) if number % 2 else (1, 72)
            hours = float(world.rng.uniform(low, high))
            at(
                world.day(DUE, 23, 59) - timedelta(hours=hours),
                partial(
                    world.hand_in,
                    NAME,
                    f"Learner {plant}",
                    story=STORIES.get(plant),
                    shows=STORIES[plant].peers if plant in STORIES else None,
                    consents=plant not in STORIES,
                ),
            )
        at(world.day(DUE - 3, 9), self._find_range)
        at(world.day(DUE, 23, 59), self._allocate)
        at(world.day(DUE + 1, 8), self._chalk_is_ill)
        for day in range(1, PLAN.results_day):
            self._grading_day(day)
        at(world.day(RELEASED, 7), partial(self._say, "Spring’s results are released"))
        at(world.day(RELEASED, 8), self._propose)
        at(world.day(RELEASED + 7, 10), self._propose)
        self._afterwards()

    def _say(self, step: str, _now: datetime) -> None:
        self.world.progress(step)

    def _set_up(self, now: datetime) -> None:
        self.world.progress("Spring opens: 120 learners write and hand in")
        program.add_cohort(self.world, NAME, learners(), PLAN, opens_in=OPENS, at=now)

    def _find_range(self, now: datetime) -> None:
        """The leads read early works blind; agreed, they become check items."""
        world = self.world
        with transaction() as session:
            found = anchors.find_range(
                session,
                world.person(session, f"Lead {names.LEADS[0]}"),
                world.cohort(session, NAME),
                rng=np.random.default_rng(SEED),
                now=now,
            )
            for number, anchor in enumerate(found):
                world.agree_on(
                    session, anchor, AnchorUse.VALIDITY, now + timedelta(minutes=9 * number)
                )

    def _allocate(self, now: datetime) -> None:
        world = self.world
        world.progress("Spring is read: peers, graders, check items")
        world.upkeep(NAME, now)
        world.peers_review(
            NAME, now + timedelta(hours=8), now + timedelta(days=6, hours=20), idle=IDLE_PEERS
        )

    def _chalk_is_ill(self, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            absences.declare_absence(
                session,
                world.person(session, "Grader Chalk"),
                world.cohort(session, NAME),
                world.person(session, "Grader Chalk"),
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
                self._slate_reads(day, start)
            elif stone != "Chalk" or day > 6:
                world.sit_down(NAME, f"Grader {stone}", start, sheets=16, pause=27)
        world.agenda.at(world.day(DUE + day, 20), self._evening)

    # --- Slate

    def _slate_reads(self, day: int, start: datetime) -> None:
        """Two steady days; on the third, after the check item it begins with, by another standard."""
        read = self.world.sit_down
        if day < 3:
            read(NAME, "Grader Slate", start, sheets=SLATE_A_DAY, pause=20)
        elif day == 3:
            read(NAME, "Grader Slate", start, sheets=40, pause=17, go_on=self._goes_on)

    def _goes_on(self) -> bool:
        self.moved = self.third_day > 0
        self.third_day += 1
        return self.sheets_moved < SHEETS_MOVED

    def _bend(self, cohort: str, stone: str, purpose: Purpose) -> float:
        if cohort != NAME or stone != "Slate" or not self.moved:
            return 0.0
        self.sheets_moved += purpose is not Purpose.VALIDITY
        return SLATE_MOVES

    def _evening(self, now: datetime) -> None:
        self.world.upkeep(NAME, now)
        with transaction() as session:
            raised = session.scalar(
                select(func.count())
                .select_from(Alarm)
                .where(Alarm.cohort_id == self.world.cohorts[NAME], Alarm.state == AlarmState.OPEN)
            )
        if raised:
            self.world.agenda.at(now + timedelta(hours=12), self._answer_alarms)

    def _answer_alarms(self, now: datetime) -> None:
        """The lead pauses the queue, sets aside what came after the last good check, and answers."""
        world = self.world
        with transaction() as session:
            cohort = world.cohort(session, NAME)
            lead = world.person(session, f"Lead {names.LEADS[0]}")
            slate = world.person(session, "Grader Slate")
            found = list(
                session.scalars(
                    select(Alarm)
                    .where(Alarm.cohort_id == cohort.id, Alarm.state == AlarmState.OPEN)
                    .order_by(Alarm.criterion.is_not(None), Alarm.id)
                )
            )
            about = [alarm for alarm in found if alarm.person_id == slate.id]
            for alarm in found:
                monitoring.answer(
                    session,
                    lead,
                    alarm,
                    upheld=alarm in about,
                    reason="The check items since then lie above what we agreed on."
                    if alarm in about
                    else "The works behind it were unusual, the check items are right.",
                    now=now,
                )
            if not about:
                return
            paused = monitoring.pause(
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
                criterion=about[0].criterion,
                since=quarantines.since_of(session, cohort, about[0]),
                reason="Levels since the last good check item lie above the agreed standard.",
                alarm=about[0],
                now=now,
            )
            # What is set aside, others read again: two more graders join.
            for stone in JOINING:
                program.add_person(world, session, f"Grader {stone}", now)
                joins = world.person(session, f"Grader {stone}")
                cohorts.enrol(session, lead, cohort, joins, Role.GRADER, now=now)
            pause_id = paused.id
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
        with transaction() as session:
            monitoring.resume(
                session,
                self.world.person(session, f"Lead {names.LEADS[0]}"),
                session.get_one(QueuePause, pause_id),
                answer="We went through the check items together; this cohort is read by others.",
                now=now,
            )

    # --- release

    def _propose(self, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            cohort = world.cohort(session, NAME)
            candidates = releasing.candidates(session, cohort, now=now)
            if not any(one.ready for one in candidates):
                return
            failed = [gate.key for gate in gates.failed(session, cohort, candidates)]
            release = releases.propose(
                session,
                world.person(session, "Instructor Opal"),
                cohort,
                failed_gates=failed,
                overrides=dict.fromkeys(
                    failed,
                    "The pairs behind it are few and near the pass mark; all were read again.",
                ),
                now=now,
            )
            releases.sign(
                session,
                world.person(session, "Instructor Jade"),
                release,
                now=now + timedelta(minutes=20),
            )
            release_id = release.id
        world.agenda.at(now + timedelta(hours=1), partial(self._carry_out, release_id))

    def _carry_out(self, release_id: str, now: datetime) -> None:
        """What the worker does when the delay is over; its own job finds it done."""
        with transaction() as session:
            releases.carry_out(session, session.get_one(Release, release_id), now=now)
        self._sign(now)

    def _sign(self, now: datetime) -> None:
        """Sign the credentials of those who share their record; the worker signs the others'."""
        with transaction() as session:
            people = [self.world.person(session, f"Learner {name}").id for name in SHARING]
        for person_id in people:
            credentials.at_once(self.world.app, person_id, now=now)

    # --- after the release

    def _afterwards(self) -> None:
        world, at = self.world, self.world.agenda.at
        for hour, learner in enumerate(SHARING):
            at(
                world.day(RELEASED + 1, 9 + hour),
                partial(self._share, f"Learner {learner}"),
            )
        at(world.day(RELEASED + 1, 14), self._appeal)
        at(world.day(RELEASED + 2, 9), self._read_again)
        at(world.day(RELEASED + 2, 12), partial(world.upkeep, NAME))
        at(world.day(RELEASED + 3, 10), self._decide)
        at(world.day(RELEASED + 1, 16), self._suspect)
        at(world.day(RELEASED + 2, 10), self._hear)
        at(world.day(RELEASED + 3, 12), self._answer)
        at(world.day(RELEASED + 4, 9), self._find_against)
        at(world.day(RELEASED + 5, 9), self._second)
        for day in (RELEASED + 3, RELEASED + 5):
            at(world.day(day, 13), self._sign)

    def _share(self, learner: str, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            person = world.person(session, learner)
            record = session.scalars(
                select(CredentialRecord).where(
                    CredentialRecord.person_id == person.id,
                    CredentialRecord.state == RecordState.VALID,
                )
            ).one()
            sharing.make_link(
                session, person, record, label="For an employer", show_criteria=True, now=now
            )

    def _of_birch(self, session: Session) -> Appeal:
        work = self.world.work_of(session, NAME, "Learner Birch")
        return session.scalars(select(Appeal).where(Appeal.submission_id == work.id)).one()

    def _appeal(self, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            appeals.lodge_appeal(
                session,
                world.person(session, "Learner Birch"),
                world.work_of(session, NAME, "Learner Birch"),
                criteria=["measurement", "preparation"],
                reason="The count by hand and the two ways of leaving days out were overlooked.",
                now=now,
            )

    def _read_again(self, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            item = self._of_birch(session).allocation
            assert item is not None
            for stone in ("Marble", "Quartz", "Flint", "Basalt", "Chalk", "Granite"):
                if world.claim(session, NAME, f"Grader {stone}", item, now):
                    break
            world.finish(session, NAME, item, now + timedelta(minutes=25))

    def _decide(self, now: datetime) -> None:
        with transaction() as session:
            appeal = self._of_birch(session)
            assert appeal.allocation is not None
            assert appeal.allocation.rater is not None
            decisions.decide_appeal(
                session,
                appeal.allocation.rater,
                appeal,
                answer="The count by hand says how far the loop is off, and the preparation is tested "
                "under a second rule. Both were read too low.",
                now=now,
            )

    def _case(self, session: Session) -> MisconductCase:
        work = self.world.work_of(session, NAME, "Learner Dogwood")
        return session.scalars(
            select(MisconductCase).where(MisconductCase.submission_id == work.id)
        ).one()

    def _suspect(self, now: datetime) -> None:
        with transaction() as session:
            work = self.world.work_of(session, NAME, "Learner Dogwood")
            reader = session.scalars(
                select(Allocation).where(
                    Allocation.submission_id == work.id,
                    Allocation.pool == Pool.PROFESSIONAL,
                    Allocation.state == AllocationState.SEALED,
                )
            ).first()
            assert reader is not None
            assert reader.rater is not None
            misconduct.report_suspicion(
                session,
                reader.rater,
                work,
                kind="copying",
                text="The second page is word for word a report of the town’s engineer.",
                source="Report of the town’s engineer, page 7",
                now=now,
            )

    def _hear(self, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            misconduct.put_to_learner(
                session,
                world.person(session, "Instructor Opal"),
                self._case(session),
                allegation="Page 2 of your project is word for word page 7 of the town’s report.",
                now=now,
            )

    def _answer(self, now: datetime) -> None:
        with transaction() as session:
            case = self._case(session)
            misconduct.answer_suspicion(
                session,
                case.submission.learner,
                case,
                text="I took the page over while drafting and forgot to mark it as a quotation.",
                now=now,
            )

    def _find_against(self, now: datetime) -> None:
        with transaction() as session:
            misconduct.propose_outcome(
                session,
                self.world.person(session, "Instructor Opal"),
                self._case(session),
                upheld=True,
                reason="A whole page is taken over and named nowhere as another’s.",
                now=now,
            )

    def _second(self, now: datetime) -> None:
        with transaction() as session:
            misconduct.second_outcome(
                session,
                self.world.person(session, "Instructor Jade"),
                self._case(session),
                agree=True,
                now=now,
            )
