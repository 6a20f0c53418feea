"""The daily mail: one a person and day, in their morning, of what waits then; no score in it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from grading.jobs import upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import outbox
from grading.models import Allocation, Job, Person
from grading.office import reminders
from grading.releases import releases
from grading.workflow.deadlines import NO_ZONE
from tests import factories
from tests.database import NOW, Clock

DAY = timedelta(days=1)


class Post:
    """The mail that was sent, by recipient."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[EmailMessage]:
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default)  # type: ignore[arg-type]  # the stub knows Message only
            for path in sorted(self.folder.glob("*.eml"))
        ]

    def digests(self, address: str | None = None) -> list[str]:
        found = [
            mail
            for mail in self.all()
            if "need you" in mail["Subject"] or "needs you" in mail["Subject"]
        ]
        return [
            f"{mail['Subject']}\n{mail.get_content()}"
            for mail in found
            if address in (None, mail["To"])
        ]

    def clear(self) -> None:
        for path in self.folder.glob("*.eml"):
            path.unlink()


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path / "mail")


@pytest.fixture
def cast(app: Flask, act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    with act() as session:
        made = factories.a_cast(session, now=NOW, submitted=False)
        return {
            "cohort": made.cohort.id,
            "due": made.cohort.due_at,
            "learner": made.learners[0].id,
            "other": made.learners[1].id,
            "instructor": made.instructor.id,
            "learners": [person.id for person in made.learners],
        }


def work(app: Flask, clock: Clock, until: datetime) -> None:
    """Let time pass in steps of some hours, with upkeep and worker as they run."""
    worker = Worker(app, HANDLERS, clock=clock)
    while clock.now < until:
        clock.now = min(clock.now + timedelta(hours=3), until)
        worker.ask_for_upkeep(clock.now)
        worker.run_until_idle(clock.now)


def at_eight(mail_job: Job, zone: str) -> bool:
    local = mail_job.run_at.astimezone(ZoneInfo(zone))
    return (local.hour, local.minute) == (8, 0)


@pytest.mark.slow
def test_a_learner_is_reminded_three_days_and_one_day_before_and_not_in_between(
    app: Flask, act: Callable[[], Any], clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    with act() as session:
        who = session.get_one(Person, cast["learner"])
        who.time_zone = "America/New_York"
        address = who.email
        done = session.get_one(Person, cast["other"])
        cohort = session.get_one(factories.Cohort, cast["cohort"])
        factories.a_submission(session, cohort, done, now=NOW + DAY)
        done_address = done.email
    work(app, clock, cast["due"] - 6 * DAY)
    assert post.digests(address) == []
    work(app, clock, cast["due"])
    mails = post.digests(address)
    assert len(mails) == 2
    assert all("Submit your project" in mail and "London" not in mail for mail in mails)
    assert all("New York time" in mail for mail in mails)
    assert post.digests(done_address) == []
    with act() as session:
        mine = session.scalars(
            select(Job).where(Job.key.startswith(f"mail:digest:{cast['learner']}:"))
        ).all()
        days = sorted(job.run_at.astimezone(ZoneInfo("America/New_York")).date() for job in mine)
        due = cast["due"].astimezone(ZoneInfo("America/New_York")).date()
        assert [(due - day).days for day in days] == [3, 1]
        assert all(at_eight(job, "America/New_York") for job in mine)


def test_nothing_is_sent_when_it_is_done_by_the_morning(
    app: Flask, act: Callable[[], Any], clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    clock.now = cast["due"] - 3 * DAY - timedelta(hours=20)
    upkeep.run(app, cast["cohort"], now=clock.now)
    with act() as session:
        waiting = session.scalar(
            select(func.count()).select_from(Job).where(Job.key.startswith("mail:digest:"))
        )
        assert waiting >= 4
        for learner in cast["learners"]:
            cohort = session.get_one(factories.Cohort, cast["cohort"])
            factories.a_submission(session, cohort, session.get_one(Person, learner), now=clock.now)
    Worker(app, HANDLERS, clock=clock).run_until_idle(clock.forward(hours=12))
    assert post.digests() == []


def test_one_mail_a_day_whatever_happens(
    app: Flask, act: Callable[[], Any], clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    with act() as session:
        person = session.get_one(Person, cast["learner"])
        for hour in (0, 3, 23):
            outbox.needs(session, person, zone=NO_ZONE, now=NOW + timedelta(hours=hour))
        jobs = session.scalars(select(Job).where(Job.key.startswith("mail:digest:"))).all()
        # 8am of the first day has begun, so that the first asks for the next morning already.
        assert {job.run_at for job in jobs} == {datetime(2026, 9, 8, 8, tzinfo=UTC)}
        address = person.email
    work(app, clock, NOW + 2 * DAY)
    assert len(post.digests(address)) == 1


@pytest.mark.slow
def test_who_turned_it_off_is_not_written_to(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    with act() as session:
        outbox.needs(session, session.get_one(Person, cast["learner"]), zone=NO_ZONE, now=NOW)
    answer = sign_in(cast["learner"]).post(
        "/preferences", data={"time_zone": "", "theme": "system", "single_keys": "y"}
    )
    assert answer.status_code == 303
    work(app, clock, cast["due"])
    with act() as session:
        address = session.get_one(Person, cast["learner"]).email
    assert post.digests(address) == []
    assert post.digests() != []


def test_a_mail_whose_day_is_over_is_not_sent_late(
    app: Flask, act: Callable[[], Any], clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    with act() as session:
        outbox.needs(session, session.get_one(Person, cast["learner"]), zone=NO_ZONE, now=NOW)
    Worker(app, HANDLERS, clock=clock).run_until_idle(NOW + 3 * DAY)
    assert post.digests() == []


@pytest.mark.slow
def test_staff_are_told_on_working_days_and_only_if_something_waits(
    app: Flask, act: Callable[[], Any], clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    with act() as session:
        address = session.get_one(Person, cast["instructor"]).email
        jobs = select(Job.run_at).where(Job.key.startswith(f"mail:digest:{cast['instructor']}:"))
    work(app, clock, NOW + 8 * DAY)
    assert post.digests(address) == []
    with act() as session:
        days = [at.weekday() for at in session.scalars(jobs)]
    # From Tuesday to the next Wednesday, without the weekend.
    assert sorted(days) == [0, 1, 1, 2, 2, 3, 4]
    assert max(days) < reminders.SATURDAY


def test_no_result_stands_in_any_mail_and_results_come_once_apart(
    app: Flask, act: Callable[[], Any], clock: Clock, cast: dict[str, Any], post: Post
) -> None:
    with act() as session:
        cohort = session.get_one(factories.Cohort, cast["cohort"])
        for learner in cast["learners"]:
            factories.a_submission(session, cohort, session.get_one(Person, learner), now=NOW + DAY)
    clock.now = cast["due"]
    upkeep.run(app, cast["cohort"], now=clock.now)
    with act() as session:
        for item in session.scalars(select(Allocation)).all():
            factories.rate(session, item, {"question": 2, "method": 2}, now=clock.now)
    upkeep.run(app, cast["cohort"], now=clock.forward(minutes=11))
    with act() as session:
        cohort = session.get_one(factories.Cohort, cast["cohort"])
        instructor = session.get_one(Person, cast["instructor"])
        releases.propose(session, instructor, cohort, overrides={}, failed_gates=[], now=clock.now)
        address = session.get_one(Person, cast["learner"]).email
    post.clear()
    work(app, clock, clock.now + DAY)
    ready = [mail for mail in post.all() if mail["Subject"] == "Your result is ready"]
    assert len([mail for mail in ready if mail["To"] == address]) == 1
    with act() as session:
        outbox.needs(session, session.get_one(Person, cast["learner"]), zone=NO_ZONE, now=clock.now)
    work(app, clock, clock.now + DAY)
    digests = post.digests(address)
    assert len(digests) == 2
    assert all("Read your result" in digest for digest in digests)
    for mail in post.all():
        # Addresses and digests are random, and may hold any sign.
        text = re.sub(r"http\S+|[0-9a-f]{64}", "", mail.get_content())
        assert not re.search(r"\b(66\.6\d*|67|Pass|Not passed)\b", text), mail["Subject"]
