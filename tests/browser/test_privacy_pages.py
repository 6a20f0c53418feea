"""The pages about one's own data in a browser: light, dark, narrow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext
from sqlalchemy import select

from grading.adapters import signing
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import PartnerSending, Person
from grading.office import erasure_requests, exporting
from grading.records import partners, sharing
from grading.records.queries import program_record
from grading.workflow.privacy import SendingState
from tests import factories
from tests.browser.test_lead_pages import visit
from tests.database import NOW, Clock
from tests.issuing import many

Enter = Callable[..., BrowserContext]


@pytest.fixture
def given(
    app: Flask, act: Callable[[], Any], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """A released record, an export, a sending that failed, a request to be erased, an ended cohort."""
    monkeypatch.setattr(signing, "RSA_BITS", 2048)
    with act() as session:
        cohort_id = many(session, 2, complete_every=1, now=NOW)
    Worker(app, HANDLERS).run_until_idle(NOW)
    now = clock.forward(hours=2)
    with act() as session:
        cohort = session.get_one(factories.Cohort, cohort_id)
        sponsor = cohort.program.sponsor
        learner = session.scalars(
            select(Person).where(Person.email == "learner0@example.org")
        ).one()
        other = session.scalars(select(Person).where(Person.email == "learner1@example.org")).one()
        admin = factories.a_person(session, "Administrator Beryl", now=NOW, administrator=True)
        exporting.request_export(session, learner, learner, now=now)
        exporting.request_export(session, admin, learner, ground="Letter of 3 May", now=now)
        made = [
            partners.make_partner(
                session, admin, sponsor, name=name, kind="mail", address="a@example.com",
                gets="capstone", pathway="Counts towards a course.", now=now,
                gateway=app.extensions["grading"].partners,
            )
            for name in ("Example Ltd", "Another School")
        ]  # fmt: skip
        record = program_record.current_record(session, cohort.program_id, learner.id)
        assert record is not None
        offer = partners.offer_of(session, record, made[0])
        sending = partners.send_record(
            session, learner, record, made[0], digest=offer.digest, now=now
        )
        link = sharing.make_link(session, learner, record, label="Acme", now=now)
        sharing.count_views(session, [link.public_id], on=now.date())
        values = {
            "learner": learner.id, "other": other.id, "admin": admin.id, "sponsor": sponsor.id,
            "program": cohort.program_id, "partner": made[0].id, "fresh": made[1].id,
        }  # fmt: skip
        sending_id = sending.id
    Worker(app, HANDLERS).run_until_idle(now)
    with act() as session:
        one = session.get_one(PartnerSending, sending_id)
        one.state, one.error = SendingState.FAILED, "The partner did not accept it (403)."
        learner, other, admin = (
            session.get_one(Person, values[name]) for name in ("learner", "other", "admin")
        )
        exporting.request_export(session, learner, learner, now=now)
        erasure_requests.request_erasure(session, learner, learner, now=now)
        values["request"] = erasure_requests.prepare_erasure(session, admin, other, now=now).id
        cohort = session.get_one(factories.Cohort, cohort_id)
        cohort.state, cohort.ended_at = "ended", now - timedelta(days=60)
    return values


def test_privacy_pages(given: dict[str, str], enter: Enter) -> None:
    listed = f"/learn/programs/{given['program']}/partners"
    visit(
        enter,
        given["learner"],
        [
            "/your-data",
            "/your-data/disclosures",
            listed,
            f"{listed}/{given['partner']}",
            f"{listed}/{given['fresh']}",
            "/privacy",
        ],
    )
    visit(
        enter,
        given["admin"],
        [
            "/",
            "/admin/erasures",
            f"/admin/accounts/{given['learner']}/privacy",
            f"/admin/erasures/{given['request']}",
            "/admin/retention",
            f"/admin/sponsors/{given['sponsor']}/partners",
        ],
    )
