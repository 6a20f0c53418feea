"""One bad item stops nobody: the rest of the upkeep goes on, and what failed is put before somebody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import outbox, verifying
from grading.models import Allocation, Job, JobState, Person, Score
from grading.office import needs
from grading.office import upkeep as steps
from grading.office.needs.base import Kind
from grading.readings import reviews
from tests import factories
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("any_database")


@pytest.fixture
def finished(act: Callable[[], Any]) -> dict[str, Any]:
    """Four finished sheets whose undo has run out, and a job of upkeep that is due."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, peer_readings=0, peers_needed=0)
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        items = session.scalars(select(Allocation).order_by(Allocation.id)).all()
        for item in items:
            factories.rate(session, item, {"question": 2, "method": 3}, now=now)
        now += timedelta(minutes=11)
        outbox.post(session, "upkeep", {"cohort": cast.cohort.id}, key="upkeep", now=now)
        return {
            "now": now,
            "bad": items[1].id,
            "cohort": cast.cohort.id,
            "administrator": cast.administrator.id,
        }


def scores(act: Callable[[], Any]) -> int:
    with act() as session:
        return int(session.scalar(select(func.count()).select_from(Score)) or 0)


def test_a_sheet_that_cannot_be_sealed_holds_up_no_other(
    app: Flask,
    act: Callable[[], Any],
    finished: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = reviews.seal

    def seal(session: Any, allocation: Allocation, *, now: Any) -> None:
        if allocation.id == finished["bad"]:
            allocation.cohort.name = "What failed half way"
            session.flush()
            # The database itself refuses, as it does a character that no table takes.
            session.execute(text("SELECT no_such_column"))
        sound(session, allocation, now=now)

    monkeypatch.setattr(reviews, "seal", seal)
    Worker(app, HANDLERS).run_until_idle(finished["now"])
    assert scores(act) == 3
    with act() as session:
        job = session.scalars(select(Job).where(Job.key == "upkeep")).one()
        assert job.state == JobState.FAILED
        assert f"seal_finished of {finished['bad']}" in str(job.error)
        bad = session.get_one(Allocation, finished["bad"])
        assert (bad.state, bad.cohort.name) == ("finished", "Spring")
        parts = needs.parts_of(session, session.get_one(Person, finished["administrator"]))
        waiting = needs.needs_of(session, parts, now=finished["now"])
        assert Kind.JOBS_FAILED in [need.kind for need in waiting]
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []
    # What hindered it mended, the next upkeep takes it up by itself.
    monkeypatch.setattr(reviews, "seal", sound)
    worker = Worker(app, HANDLERS)
    with act() as session:
        job = session.scalars(select(Job).where(Job.key == "upkeep")).one()
        job.state = JobState.WAITING
    worker.run_until_idle(finished["now"])
    assert scores(act) == 4


def test_a_step_that_fails_whole_leaves_the_others_to_be_done(
    app: Flask,
    act: Callable[[], Any],
    finished: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def expire_standings(*_: Any) -> int:
        raise ZeroDivisionError

    known = [expire_standings if s is steps.expire_standings else s for s in steps.STEPS]
    monkeypatch.setattr(steps, "STEPS", tuple(known))
    Worker(app, HANDLERS).run_until_idle(finished["now"])
    assert scores(act) == 4
    with act() as session:
        job = session.scalars(select(Job).where(Job.key == "upkeep")).one()
        assert "expire_standings" in str(job.error)
