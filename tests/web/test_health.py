"""Whether the service works: one word for everybody, the details for those who run it."""

import errno
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from obstore.exceptions import GenericError
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from grading.db import db
from grading.ledger import outbox
from grading.models import Job
from grading.settings import Installation
from tests import factories
from tests.database import NOW, Clock
from tests.issuing import installation

__all__ = ["installation"]


def test_the_public_is_told_up_or_down_and_not_a_word_more(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = 'before'"))
        db.session.commit()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "down"})

    def away(*_args: Any, **_named: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr("grading.web.public.pages.is_current", away)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (503, {"status": "down"})


def test_a_full_disk_and_a_closed_home_are_down(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: room._replace(free=1_000))
    assert client.get("/healthz").status_code == 503
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: room._replace(free=10**9))
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(os, "access", lambda _folder, mode: mode != os.W_OK)
    assert client.get("/healthz").status_code == 503


def test_an_upload_to_a_full_disk_is_refused_in_words(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        person = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        base, person_id = f"/learn/{cohort.id}/project", person.id
    clock.now = NOW + timedelta(days=1)
    client = sign_in(person_id)
    client.post(f"{base}/start")

    def full(*_args: Any, **_named: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    def refused(*_args: Any, **_named: Any) -> Any:
        raise GenericError("Unable to write: no space")

    monkeypatch.setattr("grading.adapters.storage.obstore.open_writer", refused)
    answer = client.post(f"{base}/files", data={"files": (BytesIO(b"x"), "notes.txt")})
    assert answer.status_code == 503
    assert "the store is full" in answer.text
    monkeypatch.setattr("grading.cohorts.submissions.files.check", full)
    answer = client.post(f"{base}/files", data={"files": (BytesIO(b"x"), "notes.txt")})
    assert answer.status_code == 503
    assert "The disk is full" in answer.text


def test_administrators_see_where_mail_goes_and_since_when_jobs_wait(
    act: Callable[[], Any],
    client: FlaskClient,
    sign_in: Callable[[str], FlaskClient],
    installation: Installation,
    clock: Clock,
) -> None:
    clock.now = NOW
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        administrator, learner = cast.administrator.id, cast.learners[0].id
        outbox.post(session, "mail", {}, key="late", now=NOW - timedelta(days=400))
    page = sign_in(administrator).get("/admin/jobs").text
    assert installation.mailer.where in page
    assert "Oldest job that is due" in page
    for other in (client, sign_in(learner)):
        assert installation.mailer.where not in other.get("/admin/jobs").text


@pytest.mark.usefixtures("any_database")
def test_the_backlog_counts_what_is_due_and_what_failed(act: Callable[[], Any]) -> None:
    with act() as session:
        assert outbox.backlog(session, now=NOW) == outbox.Backlog(0, None, 0)
        for number, hours in enumerate((-2, -1, 1)):
            at = NOW + timedelta(hours=hours)
            outbox.post(session, "mail", {}, key=f"{number}", now=NOW, run_at=at)
        outbox.post(session, "mail", {}, key="failed", now=NOW)
        failed = session.scalars(select(Job).where(Job.key == "failed")).one()
        failed.state, failed.ended_at = "failed", NOW
        session.flush()
        assert outbox.backlog(session, now=NOW) == outbox.Backlog(2, NOW - timedelta(hours=2), 1)
