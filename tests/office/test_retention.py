"""Periods: nothing goes before its day, everything on it, and what results rest on stays."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from grading.cohorts import cohorts
from grading.jobs import privacy
from grading.jobs.worker import Task, Worker
from grading.ledger import verifying
from grading.models import (
    Allocation,
    AuditEntry,
    Cohort,
    IdentityCheck,
    Job,
    Rating,
    RetentionRun,
    Review,
    Submission,
    SubmissionFile,
)
from grading.office import retention
from grading.office.queries.erasures import NO_FILE
from grading.people import identity
from grading.workflow import plan as plans
from grading.workflow.privacy import Kept
from tests import factories
from tests.database import NOW

END = NOW + timedelta(days=90)


@pytest.fixture
def ended(app: Flask, any_database: str, act: Callable[[], Any]) -> str:
    """A cohort that ended, with works, a file, comments, a mail and an identity check."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, keep_identity_days=40)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
        work = cast.submissions[0]
        stored = app.extensions["grading"].files.put("works/x", [b"bicycles"], limit=100)
        session.add(
            SubmissionFile(
                submission_id=work.id, position=1, name="a.txt", kind="txt", size=stored.size,
                sha256=stored.sha256, key="works/x", added_at=NOW,
            )
        )  # fmt: skip
        for item in session.scalars(select(Allocation)).all():
            if item.rater_id:
                factories.rate(session, item, {"question": 2, "method": 2}, now=cast.cohort.due_at)
        factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at + timedelta(minutes=11))
        for sheet in (*session.scalars(select(Review)), *session.scalars(select(Rating))):
            sheet.comment = "It could say more of the weather."
        for mail in session.scalars(select(Job).where(Job.topic == "mail")):
            mail.state = "done"
        identity.record_check(
            session, cast.administrator, cast.learners[0], how="document", name="Alder A.",
            submission=work, now=NOW,
        )  # fmt: skip
        cast.cohort.state, cast.cohort.ended_at = "ended", END
        return str(cast.cohort.id)


def keep_periods(app: Flask, now: Any) -> None:
    with app.app_context():
        privacy.keep_periods(Task(app, app.extensions["grading"], "x", "retention", {}, now))


def test_each_goes_on_its_day_and_not_before(
    app: Flask, ended: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        dues = {due.kind: due for due in retention.dues(session)}
        assert retention.dues(session)[0].kind == Kept.IDENTITY
        assert dues[Kept.IDENTITY].at == END + timedelta(days=40)
        assert dues[Kept.WORKS].at == END + timedelta(days=730)
        assert {kind: bool(due.left) for kind, due in dues.items()} == dict.fromkeys(Kept, True)
        levels = session.scalar(select(func.count()).select_from(Rating))
        assert retention.due_now(session, now=END + timedelta(days=39)) == []
    keep_periods(app, END + timedelta(days=39))
    with act() as session:
        assert session.scalars(select(RetentionRun)).all() == []
        assert session.scalars(select(IdentityCheck.name)).all() == ["Alder A."]
    keep_periods(app, END + timedelta(days=40))
    with act() as session:
        assert session.scalars(select(IdentityCheck.name)).all() == [""]
        assert [run.kind for run in session.scalars(select(RetentionRun))] == ["identity"]
        assert all(session.scalars(select(Submission.text)))
    keep_periods(app, END + timedelta(days=730))
    with act() as session:
        assert not any(session.scalars(select(Submission.text)))
        assert session.scalars(select(SubmissionFile.key)).all() == [NO_FILE]
        assert list(app.extensions["grading"].files.keys()) == []
        assert not any(session.scalars(select(Rating.comment)))
        assert not any(session.scalars(select(Review.comment)))
        assert session.scalar(select(func.count()).select_from(Rating)) == levels
        assert all(session.scalars(select(Review.levels)))
        assert (
            session.scalars(select(Job).where(Job.topic == "mail", Job.state == "done")).all() == []
        )
        assert [due.left for due in retention.dues(session)] == [0, 0, 0, 0]
        applied = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "retention:apply")
        ).all()
        assert len(applied) == 4
        assert [fault for report in verifying.verify(session) for fault in report.faults] == []


def test_one_that_died_goes_on(
    app: Flask, ended: str, act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    at = END + timedelta(days=730)
    with act() as session:
        assert retention.apply(session, ended, Kept.WORKS, now=at) == 1
        left = {due.kind: due.left for due in retention.dues(session)}
        assert left[Kept.WORKS] == 3
    keep_periods(app, at)
    with act() as session:
        run = session.get_one(RetentionRun, (ended, str(Kept.WORKS)))
        assert run.count == 4


def test_a_cohort_that_runs_keeps_everything(app: Flask, session: Any) -> None:
    cast = factories.a_cast(session, now=NOW)
    assert retention.dues(session) == []
    assert retention.apply(session, cast.cohort.id, Kept.WORKS, now=NOW + timedelta(days=9999)) == 0


def test_an_example_in_use_keeps_its_work(session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, learners=6)
    factories.anchor_papers(session, cast, 1, "practice", now=NOW + timedelta(days=2))
    cast.cohort.state, cast.cohort.ended_at = "ended", END
    session.flush()
    at = END + timedelta(days=730)
    while retention.apply(session, cast.cohort.id, Kept.WORKS, now=at):
        pass
    session.expire_all()
    kept = {one.id for one in session.scalars(select(Submission)) if one.text}
    assert cast.submissions[0].id in kept
    assert len(kept) == 2


def test_the_daily_round_is_asked_for_once_a_day(
    app: Flask, act: Callable[[], Any], any_database: str
) -> None:
    done: list[Any] = []
    worker = Worker(app, {"retention": lambda task: done.append(task.now)})
    for hours in (0, 1, 23, 24, 47, 48):
        now = NOW + timedelta(hours=hours)
        worker.ask_for_upkeep(now)
        worker.run_until_idle(now)
    assert [(at - NOW).total_seconds() / 3600 for at in done] == [0, 24, 48]
    with act() as session:
        assert len(session.scalars(select(Job).where(Job.topic == "retention")).all()) == 1


def test_periods_do_not_touch_what_scores_are_bound_to() -> None:
    plan = plans.from_dict({"preset": "certification"})
    longer = plans.from_dict({"preset": "certification", "keep_works_days": 3000})
    assert plan.digest == longer.digest
    assert plan.digest != plans.from_dict({"preset": "certification", "retakes": 3}).digest
    assert [one.name for one in plans.differences(plan, longer)] == ["keep_works_days"]


def test_a_cohort_ends_at_an_instant(session: Any) -> None:
    cast = factories.a_cast(session, now=NOW, submitted=False, learners=1)
    cohorts.end_cohort(session, cast.instructor, cast.cohort, reason="Too few", now=END)
    assert session.get_one(Cohort, cast.cohort.id).ended_at == END
