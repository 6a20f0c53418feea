"""Spring's release and what came of it: shared records, Birch's appeal, and a revoked record."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.demo import names
from grading.cli.demo.spring_plan import NAME, RELEASED
from grading.cli.demo.world import World
from grading.db import transaction
from grading.disputes import appeals, decisions, misconduct
from grading.jobs import credentials
from grading.models import Allocation, Appeal, CredentialRecord, MisconductCase, Release
from grading.records import sharing
from grading.releases import releases
from grading.releases.queries import candidates, gates
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.credential import USUALLY_SHOWN, RecordFact, RecordState

# Who shows their record to an employer.
SHARING = ("Learner Alder", "Learner Birch", "Learner Dogwood")


class Aftermath:
    """Puts the release, and what follows from it, on the agenda."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plan(self) -> None:
        world, at = self.world, self.world.agenda.at
        at(world.day(RELEASED, 7), lambda _now: world.progress("Spring’s results are released"))
        at(world.day(RELEASED, 8), self._propose)
        at(world.day(RELEASED + 7, 10), self._propose)
        for hour, learner in enumerate(SHARING):
            at(world.day(RELEASED + 1, 9 + hour), partial(self._share, learner))
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

    # --- release

    def _propose(self, now: datetime) -> None:
        world = self.world
        with world.acting(names.PROPOSER) as (session, proposer):
            cohort = world.cohort(session, NAME)
            lines = candidates.candidates(session, cohort, now=now)
            if not any(line.ready for line in lines):
                return
            failed = [gate.key for gate in gates.failed(session, cohort, lines)]
            release = releases.propose(
                session,
                proposer,
                cohort,
                failed_gates=failed,
                overrides=dict.fromkeys(
                    failed,
                    "The pairs behind it are few and near the pass mark; all were read again.",
                ),
                now=now,
            )
            second = world.person(session, names.SECOND)
            releases.sign(session, second, release, now=now + timedelta(minutes=20))
            release_id = release.id
        world.agenda.at(now + timedelta(hours=1), partial(self._carry_out, release_id))

    def _carry_out(self, release_id: str, now: datetime) -> None:
        """What the worker does when the delay is over; its own job finds it done."""
        with transaction() as session:
            releases.carry_out(session, session.get_one(Release, release_id), now=now)
        self._sign(now)

    def _sign(self, now: datetime) -> None:
        """Sign the credentials of those who share their record; the worker signs the others'."""
        for learner in SHARING:
            credentials.at_once(self.world.app, self.world.people[learner], now=now)

    def _share(self, learner: str, now: datetime) -> None:
        with self.world.acting(learner) as (session, person):
            record = session.scalars(
                select(CredentialRecord).where(
                    CredentialRecord.person_id == person.id,
                    CredentialRecord.state == RecordState.VALID,
                )
            ).one()
            sharing.make_link(
                session,
                person,
                record,
                label="For an employer",
                shows=[*USUALLY_SHOWN, RecordFact.CRITERIA],
                now=now,
            )

    # --- Birch's appeal

    def _birchs_appeal(self, session: Session) -> Appeal:
        work = self.world.work_of(session, NAME, "Learner Birch")
        return session.scalars(select(Appeal).where(Appeal.submission_id == work.id)).one()

    def _appeal(self, now: datetime) -> None:
        with self.world.acting("Learner Birch") as (session, birch):
            appeals.lodge_appeal(
                session,
                birch,
                self.world.work_of(session, NAME, "Learner Birch"),
                criteria=["measurement", "preparation"],
                reason="The count by hand and the two ways of leaving days out were overlooked.",
                now=now,
            )

    def _read_again(self, now: datetime) -> None:
        world = self.world
        with transaction() as session:
            item = self._birchs_appeal(session).allocation
            assert item is not None
            for stone in ("Marble", "Quartz", "Flint", "Basalt", "Chalk", "Granite"):
                if world.claim(session, NAME, f"Grader {stone}", item, now):
                    break
            world.finish(session, NAME, item, now + timedelta(minutes=25))

    def _decide(self, now: datetime) -> None:
        with transaction() as session:
            appeal = self._birchs_appeal(session)
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

    # --- Dogwood's case

    def _case(self, session: Session) -> MisconductCase:
        work = self.world.work_of(session, NAME, "Learner Dogwood")
        return session.scalars(
            select(MisconductCase).where(MisconductCase.submission_id == work.id)
        ).one()

    def _suspect(self, now: datetime) -> None:
        with transaction() as session:
            work = self.world.work_of(session, NAME, "Learner Dogwood")
            item = session.scalars(
                select(Allocation).where(
                    Allocation.submission_id == work.id,
                    Allocation.pool == Pool.PROFESSIONAL,
                    Allocation.state == AllocationState.SEALED,
                )
            ).first()
            assert item is not None
            assert item.rater is not None
            misconduct.report_suspicion(
                session,
                item.rater,
                work,
                kind="copying",
                text="The second page is word for word a report of the town’s engineer.",
                source="Report of the town’s engineer, page 7",
                now=now,
            )

    def _hear(self, now: datetime) -> None:
        with self.world.acting(names.PROPOSER) as (session, instructor):
            misconduct.put_to_learner(
                session,
                instructor,
                self._case(session),
                allegation="Page 2 of your project is word for word page 7 of the town’s report.",
                now=now,
            )

    def _answer(self, now: datetime) -> None:
        with self.world.acting("Learner Dogwood") as (session, dogwood):
            misconduct.answer_suspicion(
                session,
                dogwood,
                self._case(session),
                text="I took the page over while drafting and forgot to mark it as a quotation.",
                now=now,
            )

    def _find_against(self, now: datetime) -> None:
        with self.world.acting(names.PROPOSER) as (session, instructor):
            misconduct.propose_outcome(
                session,
                instructor,
                self._case(session),
                upheld=True,
                reason="A whole page is taken over and named nowhere as another’s.",
                now=now,
            )

    def _second(self, now: datetime) -> None:
        with self.world.acting(names.SECOND) as (session, second):
            misconduct.second_outcome(session, second, self._case(session), agree=True, now=now)
