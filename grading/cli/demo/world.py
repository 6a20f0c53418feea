"""What the demo's cohorts share: the agenda of past instants, the draws, and how somebody reads.

Everything happens through the services, one act after the other in the order of time, so that the audit
chains are what they would be if the people of the demo had sat before the pages.
"""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.demo import names, works
from grading.cohorts import submissions
from grading.db import transaction
from grading.errors import Refused
from grading.jobs import upkeep
from grading.models import Allocation, AnchorPaper, Cohort, Person, Submission
from grading.readings import anchors, check_items, holds, reviews
from grading.workflow.allocation import HELD, OF_ANCHORS, AllocationState, Pool, Purpose
from grading.workflow.submission import CURRENT_STATEMENT

SEED = 11
ZONE = ZoneInfo("Europe/London")
# A professional's error on one criterion, a peer's, and how much milder peers are (levels).
SPREAD, PEER_SPREAD, PEER_LEAN = 0.35, 0.6, 0.2
# How far graders lie from the leads, on every criterion (levels); nobody named here lies on them.
LEAN = {"Granite": -0.6, "Flint": 0.1, "Marble": -0.1}
MINUTES_A_SHEET = 16

Levels = dict[str, int]
Event = Callable[[datetime], object]


class Agenda:
    """Events by their instant; one may add others, never before itself."""

    def __init__(self) -> None:
        self._queue: list[tuple[datetime, int, Event]] = []
        self._numbers = itertools.count()

    def at(self, instant: datetime, event: Event) -> None:
        heapq.heappush(self._queue, (instant, next(self._numbers), event))

    def run(self, end: datetime) -> None:
        """Let everything happen up to an instant; what would come after it does not."""
        while self._queue and self._queue[0][0] < end:
            instant, _number, event = heapq.heappop(self._queue)
            event(instant)


@dataclass
class Story:
    """Levels that the demo's text tells of: of the professionals in their order, and of every peer."""

    professionals: list[Levels]
    peers: Levels
    # Nobody takes it from the queue: the story says when it is read.
    kept_back: bool = False
    given: int = 0


def levels(*values: int) -> Levels:
    """Name the levels of the five criteria in the rubric's order."""
    return dict(zip(works.CRITERIA, values, strict=True))


@dataclass
class World:
    """The demo while it is made."""

    app: Flask
    today: datetime
    progress: Callable[[str], object]
    agenda: Agenda = field(default_factory=Agenda)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))
    # By id of the work: what it truly shows, and what is told of it.
    true: dict[str, Levels] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    cohorts: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    sheets: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    # More than the rater's own lean: how a story bends a sheet (cohort, rater, purpose) -> levels.
    bend: Callable[[str, str, Purpose], float] = lambda cohort, rater, purpose: 0.0

    def day(self, days: int, hour: int = 0, minute: int = 0) -> datetime:
        """Give an instant so many days from today, in the program's own zone."""
        on: date = self.today.astimezone(ZONE).date() + timedelta(days=days)
        return datetime.combine(on, time(hour, minute), tzinfo=ZONE)

    def person(self, session: Session, name: str) -> Person:
        return session.get_one(Person, self.people[name])

    @contextmanager
    def acting(self, name: str) -> Iterator[tuple[Session, Person]]:
        """Open the transaction of one act, for whoever does it."""
        with transaction() as session:
            yield session, self.person(session, name)

    def cohort(self, session: Session, name: str) -> Cohort:
        return session.get_one(Cohort, self.cohorts[name])

    def work_of(self, session: Session, cohort: str, name: str) -> Submission:
        return session.scalars(
            select(Submission).where(
                Submission.cohort_id == self.cohorts[cohort],
                Submission.learner_id == self.people[name],
                Submission.attempt == 1,
            )
        ).one()

    def upkeep(self, cohort: str, at: datetime) -> None:
        upkeep.run(self.app, self.cohorts[cohort], now=at, seed=SEED)

    # --- handing in

    def hand_in(
        self,
        cohort: str,
        learner: str,
        at: datetime,
        *,
        shows: Levels | None = None,
        story: Story | None = None,
        consents: bool = False,
    ) -> None:
        """Let a learner write a project and submit it."""
        with transaction() as session:
            draft = self.draft(session, cohort, learner, at - timedelta(hours=3), shows=shows)
            person = self.person(session, learner)
            submissions.submit(
                session, person, draft, statement=CURRENT_STATEMENT, version=None, now=at
            )
            if consents:
                anchors.consent(session, person, draft, given=True, now=at)
            if story is not None:
                self.stories[draft.id] = story

    def draft(
        self, session: Session, cohort: str, learner: str, at: datetime, *, shows: Levels | None
    ) -> Submission:
        """Let a learner begin a project and write it."""
        if shows is None:
            ability = self.rng.normal(2.9, 0.65)
            shows = {
                code: int(np.clip(round(self.rng.normal(ability, 0.5)), 0, 4))
                for code in works.CRITERIA
            }
        title, text = works.write(shows, self.rng)
        person = self.person(session, learner)
        draft = submissions.start(session, person, self.cohort(session, cohort), now=at)
        submissions.save_draft(
            session, person, draft, title=title, text=text, links=[], version=None, now=at
        )
        session.flush()
        self.true[draft.id] = shows
        return draft

    # --- reading

    def drawn(self, cohort: str, item: Allocation, spread: float | None = None) -> Levels:
        """Draw what a rater gives a work: its true levels, moved by who they are."""
        assert item.rater is not None
        peer = item.pool == Pool.PEER
        story = self.stories.get(item.submission_id)
        if story is not None and peer:
            return story.peers
        if story is not None and story.given < len(story.professionals):
            story.given += 1
            return story.professionals[story.given - 1]
        stone = item.rater.name.split()[-1]
        lean = PEER_LEAN if peer else LEAN.get(stone, 0.0)
        lean += self.bend(cohort, stone, Purpose(item.purpose))
        spread = spread or (PEER_SPREAD if peer else SPREAD)
        return {
            code: int(np.clip(round(self.rng.normal(true + lean, spread)), 0, 4))
            for code, true in self.true[item.submission_id].items()
        }

    def begin(self, session: Session, item: Allocation, at: datetime) -> None:
        """Open an item and save its empty sheet: from now on it is begun."""
        assert item.rater is not None
        reviews.save_draft(session, item.rater, item, reviews.Sheet({}), version=0, now=at)

    def finish(
        self, session: Session, cohort: str, item: Allocation, at: datetime, **drawing: float
    ) -> Levels:
        """Fill in a sheet as drawn, with a word on some criteria, and finish it."""
        assert item.rater is not None
        drawn = self.drawn(cohort, item, **drawing)
        rubric = item.cohort.rubric_version.rubric
        comments = {
            code: f"I read this as “{rubric.criterion(code).levels[level].name}”: "
            f"{rubric.criterion(code).levels[level].descriptor}"
            for code, level in drawn.items()
            if self.rng.random() < 0.5
        }
        reviews.finish(
            session,
            item.rater,
            item,
            reviews.Sheet(drawn, comments),
            version=item.review.version if item.review else 0,
            now=at,
        )
        return drawn

    def next_item(self, session: Session, cohort: str, grader: str, at: datetime) -> str | None:
        """Give a grader what they open next: what a story tells of first, then what the queue gives."""
        person = self.person(session, grader)
        mine = list(
            session.scalars(
                select(Allocation)
                .where(
                    Allocation.cohort_id == self.cohorts[cohort],
                    Allocation.rater_id == person.id,
                    Allocation.pool == Pool.PROFESSIONAL,
                    Allocation.state == AllocationState.ALLOCATED,
                    Allocation.purpose.not_in(OF_ANCHORS),
                )
                .order_by(Allocation.blind_code)
            )
        )
        kept_back = {key for key, story in self.stories.items() if story.kept_back}
        told = [item for item in mine if item.submission_id in self.stories.keys() - kept_back]
        if told:
            return told[0].id
        try:
            item = check_items.next_item(session, person, self.cohort(session, cohort), now=at)
        except Refused:
            return None
        if item is not None and item.submission_id in kept_back:
            free = (other for other in mine if other.submission_id not in kept_back)
            item = next(free, None)
        return item.id if item is not None else None

    def sit_down(
        self,
        cohort: str,
        grader: str,
        at: datetime,
        *,
        sheets: int,
        pause: int,
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """Let a grader read item after item: each opened, and finished some minutes later.

        Parameters
        ----------
        sheets : int
            How many at most.
        pause : int
            Minutes from one opening to the next.
        go_on : callable
            Asked before each.
        """

        def open_next(now: datetime, left: int) -> None:
            if not left or not go_on():
                return
            with transaction() as session:
                item_id = self.next_item(session, cohort, grader, now)
                if item_id is None:
                    return
                self.begin(session, session.get_one(Allocation, item_id), now)
            self.agenda.at(
                now + timedelta(minutes=min(MINUTES_A_SHEET, pause - 1)),
                partial(self._finish_one, cohort, item_id),
            )
            self.agenda.at(now + timedelta(minutes=pause), lambda later: open_next(later, left - 1))

        self.agenda.at(at, lambda now: open_next(now, sheets))

    def _finish_one(self, cohort: str, item_id: str, at: datetime) -> None:
        with transaction() as session:
            item = session.get_one(Allocation, item_id)
            if item.state != AllocationState.BEGUN:
                return
            self.finish(session, cohort, item, at)
            assert item.rater is not None
            self.sheets[cohort, item.rater.name.split()[-1]] += 1

    def peers_review(
        self, cohort: str, first: datetime, last: datetime, *, idle: Iterable[str] = ()
    ) -> None:
        """Let learners do the peer reviews they were given, at times of their own."""
        lazy = {self.people[name] for name in idle}
        with transaction() as session:
            waiting = [
                (item, rater)
                for item, rater in session.execute(
                    select(Allocation.id, Allocation.rater_id)
                    .where(
                        Allocation.cohort_id == self.cohorts[cohort],
                        Allocation.pool == Pool.PEER,
                        Allocation.state.in_(HELD),
                    )
                    .order_by(Allocation.blind_code)
                )
                if rater not in lazy
            ]
        span = (last - first).total_seconds()
        for item, _rater in waiting:
            at = first + timedelta(seconds=float(self.rng.uniform(0, span)))
            self.agenda.at(at, partial(self._finish_peer, cohort, item))

    def _finish_peer(self, cohort: str, item_id: str, at: datetime) -> None:
        with transaction() as session:
            item = session.get_one(Allocation, item_id)
            if item.state in HELD:
                self.finish(session, cohort, item, at)

    # --- examples

    def agree_on(
        self, session: Session, anchor: AnchorPaper, use: str, at: datetime, *, number: int = 1
    ) -> None:
        """Let the two leads mark an example blind, each a level off now and then, and agree on it."""
        true = self.true[anchor.source_id]
        self.true[anchor.submission_id] = true
        reasons = self._reasons(anchor, true)
        for lead in names.LEADS:
            marked = dict(true)
            if self.rng.random() < 0.4:
                code = works.CRITERIA[int(self.rng.integers(len(works.CRITERIA)))]
                marked[code] = int(np.clip(marked[code] + self.rng.choice([-1, 1]), 0, 4))
            anchors.mark(
                session,
                self.person(session, f"Lead {lead}"),
                anchor,
                levels=marked,
                reasons=self._reasons(anchor, marked),
                now=at,
            )
        anchors.agree(
            session,
            self.person(session, names.LEAD),
            anchor,
            levels=true,
            reasons=reasons,
            use=use,
            set_number=number,
            now=at,
        )

    @staticmethod
    def _reasons(anchor: AnchorPaper, given: Mapping[str, int]) -> dict[str, str]:
        rubric = anchor.submission.cohort.rubric_version.rubric
        return {
            code: f"{rubric.criterion(code).levels[level].name}: "
            f"{rubric.criterion(code).levels[level].descriptor}"
            for code, level in given.items()
        }

    def claim(
        self, session: Session, cohort: str, grader: str, item: Allocation, at: datetime
    ) -> bool:
        """Let a grader take an open item by name; says whether they may."""
        return (
            holds.claim(
                session,
                self.person(session, grader),
                self.cohort(session, cohort),
                now=at,
                allocation_id=item.id,
            )
            is not None
        )
