"""Fifty at once: every item is read by one, none by two, and nobody meets an error."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts import members
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.errors import PassingFailure, StaleRecord
from grading.ledger import verifying
from grading.models import Allocation, Cohort, Person, Release, Review, Submission
from grading.readings import allocations, holds, reviews
from grading.releases import releases
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW

CLIENTS = 50
ITEMS = 200


@pytest.fixture
def cohort_id(any_database: str, act: Callable[[], Any]) -> str:
    """A cohort with 200 open items, and 50 graders to take them."""
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        for number in range(CLIENTS - 1):
            factories.a_member(session, cohort, f"Grader Flint {number}", Role.GRADER, now=NOW)
        codes = allocations.BlindCodes(session, cohort.id)
        for number in range(ITEMS):
            learner = factories.a_person(session, f"Learner Fir {number}", now=NOW)
            submission = Submission(
                cohort_id=cohort.id,
                learner=learner,
                state="submitted",
                links=[],
                digest="0" * 64,
                created_at=NOW,
                saved_at=NOW,
                submitted_at=NOW,
            )
            session.add(submission)
            members.add(session, submission, learner, actor=None, now=NOW)
            allocations.give(
                session, submission, None, Pool.PROFESSIONAL, Purpose.LIVE, codes=codes, now=NOW
            )
        return str(cohort.id)


def _grade_all(app: Flask, cohort_id: str, rater_id: str) -> list[str]:
    """Claim and finish until nothing is left."""
    done = []
    draw = random.Random(rater_id)

    def claim(session: Session) -> str | None:
        allocation = holds.claim(
            session,
            session.get_one(Person, rater_id),
            session.get_one(Cohort, cohort_id),
            now=NOW,
        )
        return allocation.id if allocation else None

    def finish(session: Session, claimed: str, sheet: reviews.Sheet) -> None:
        rater, item = session.get_one(Person, rater_id), session.get_one(Allocation, claimed)
        reviews.finish(session, rater, item, sheet, version=0, now=NOW)

    while claimed := _until_it_is_let_in(app, claim):
        sheet = reviews.Sheet({"question": draw.randrange(4), "method": draw.randrange(4)})
        _until_it_is_let_in(app, partial(finish, claimed=claimed, sheet=sheet))
        done.append(claimed)
    return done


def _until_it_is_let_in(app: Flask, act: Callable[[Session], Any]) -> Any:
    """Act in a transaction; whoever is told that too many write at once comes back, as the page says."""
    while True:
        with app.app_context():
            try:
                with transaction() as session:
                    return act(session)
            except PassingFailure:
                time.sleep(0.05)
            finally:
                db.session.remove()


@pytest.mark.slow
def test_fifty_clients_finish_two_hundred_items_once_each(
    app: Flask, cohort_id: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        graders = [
            person.id
            for person in participants.with_roles(
                session, session.get_one(Cohort, cohort_id), Role.GRADER
            )
        ]
    assert len(graders) == CLIENTS
    with ThreadPoolExecutor(CLIENTS) as pool:
        done = Counter(
            item
            for items in pool.map(lambda rater: _grade_all(app, cohort_id, rater), graders)
            for item in items
        )
    assert len(done) == ITEMS
    assert set(done.values()) == {1}
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Review)) == ITEMS
        states = session.execute(select(Allocation.state, func.count()).group_by(Allocation.state))
        assert dict(states.all()) == {AllocationState.FINISHED: ITEMS}
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_one_grader_in_many_tabs_holds_no_more_than_allowed(
    app: Flask, cohort_id: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        rater_id = participants.with_roles(session, cohort, Role.GRADER)[0].id
        most = cohort.plan.most_holds

    def claim(_tab: int) -> bool:
        with app.app_context():
            with transaction() as session:
                found = holds.claim(
                    session,
                    session.get_one(Person, rater_id),
                    session.get_one(Cohort, cohort_id),
                    now=NOW,
                )
            db.session.remove()
            return found is not None

    with ThreadPoolExecutor(10) as pool:
        claimed = sum(pool.map(claim, range(10)))
    assert claimed == most


def test_a_release_is_carried_out_once_however_many_workers_try(
    app: Flask, any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, peer_readings=0, peers_needed=0)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        for allocation in session.scalars(select(Allocation)).all():
            factories.rate(session, allocation, {"question": 2, "method": 3}, now=now)
        now += timedelta(minutes=11)
        factories.run_upkeep(session, cast.cohort, now=now)
        release = releases.propose(
            session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
        )
        release_id, due = release.id, release.release_at
    assert due is not None

    def carry_out(_worker: int) -> int:
        with app.app_context():
            try:
                with transaction() as session:
                    return releases.carry_out(
                        session, session.get_one(Release, release_id), now=due
                    )
            except StaleRecord:
                return 0
            finally:
                db.session.remove()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(carry_out, range(6))) == [0, 0, 0, 0, 0, 4]
