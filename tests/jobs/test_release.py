"""A large release: one transaction with few reads, whoever is killed in it or loses its lease over it."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from grading.db import db
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Task, Worker
from grading.ledger import verifying
from grading.models import CredentialRecord, Grade, Job, Release, ReleaseItem, Submission
from grading.releases import releases
from tests.issuing import many
from tests.web.test_query_counts import counted

RECORDS, COMPLETE_EVERY = 40, 10


def _whole(session: Any) -> None:
    assert session.scalar(select(func.count()).select_from(Grade)) == RECORDS
    assert session.scalar(select(func.count(Grade.person_id.distinct()))) == RECORDS
    records = session.scalars(select(CredentialRecord)).all()
    assert len(records) == RECORDS
    # The capstone in each, and three courses besides in those that have all of them.
    lines = Counter(len(record.entries) for record in records)
    assert lines == {1: RECORDS - RECORDS // COMPLETE_EVERY, 4: RECORDS // COMPLETE_EVERY}
    assert sum(record.completed_at is not None for record in records) == RECORDS // COMPLETE_EVERY
    topics = Counter(session.scalars(select(Job.topic)))
    assert (topics["credentials"], topics["mail"]) == (RECORDS, RECORDS)
    assert set(session.scalars(select(Submission.state))) == {"released"}
    assert not [report.faults for report in verifying.verify(session) if report.faults]


def test_who_lost_its_lease_over_it_finds_it_done_by_the_first(
    app: Flask, act: Callable[[], Any], any_database: str
) -> None:
    """On SQLite nobody else writes while it lasts, so its lease cannot be renewed."""
    now = datetime.now(UTC)
    with act() as session:
        many(session, RECORDS, complete_every=COMPLETE_EVERY, now=now)
    late = now + timedelta(hours=1)
    second: list[str] = []

    def told(task: Task) -> None:
        second.append(task.key)
        HANDLERS["release"](task)

    def slow(task: Task) -> None:
        HANDLERS["release"](task)
        # The first has not said that it is done when the lease is over and another takes the job.
        assert Worker(app, {"release": told}).run_once(late)

    assert Worker(app, {"release": slow}).run_once(now)
    assert len(second) == 1
    with act() as session:
        _whole(session)
        job = session.scalars(select(Job).where(Job.topic == "release")).one()
        assert (job.state, job.error, job.attempts) == ("done", None, 2)


def test_a_death_in_the_middle_releases_nothing(
    app: Flask, act: Callable[[], Any], any_database: str
) -> None:
    now = datetime.now(UTC)
    with act() as session:
        many(session, RECORDS, complete_every=COMPLETE_EVERY, now=now)

    class Death(BaseException):
        pass

    def dies(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO credential_record"):
            raise Death

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", dies)
    try:
        with pytest.raises(Death):
            Worker(app, HANDLERS).run_once(now)
    finally:
        event.remove(engine, "before_cursor_execute", dies)
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Grade)) == 0
        assert set(session.scalars(select(Submission.state))) == {"resolved"}
        assert set(session.scalars(select(Job.topic))) == {"release"}
    assert Worker(app, {"release": HANDLERS["release"]}).run_once(now + timedelta(minutes=5))
    with act() as session:
        _whole(session)


@pytest.mark.parametrize("late", [{}, {"late_days": 2, "late_points": 5.0}])
def test_what_it_reads_does_not_grow_with_the_works(
    app: Flask, act: Callable[[], Any], late: dict[str, Any]
) -> None:
    now = datetime.now(UTC)
    with act() as session:
        many(session, RECORDS, complete_every=2, now=now)
        release = session.scalars(select(Release)).one()
        version = release.cohort.plan_version
        version.choices = {**version.choices, **late}

    class Undone(Exception):
        pass

    def cost(works: int) -> int:
        with suppress(Undone), act() as session:
            release = session.scalars(select(Release)).one()
            every = session.scalars(select(ReleaseItem).order_by(ReleaseItem.submission_id)).all()
            for item in every[works:]:
                session.delete(item)
            session.flush()
            session.expire_all()
            with counted(app) as reads:
                assert releases.carry_out(session, release, now=now) == works
            raise Undone
        return len(reads)

    assert cost(4) == cost(RECORDS)
