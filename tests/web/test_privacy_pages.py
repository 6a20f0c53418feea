"""One's own data, erasure in two steps, periods, partners: through the pages, without JavaScript."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.adapters.partners import HttpPartnerGateway
from grading.models import (
    Disclosure,
    ErasureRequest,
    IssuedCredential,
    Job,
    PartnerConsent,
    Person,
    PersonalExport,
)
from grading.office import needs
from tests import factories
from tests.database import NOW, Clock
from tests.issuing import installation, released, small_keys, work, world
from tests.records.test_partners import Listener, listener
from tests.web.test_query_counts import MOST, counted

__all__ = ["installation", "listener", "released", "small_keys", "work", "world"]


@pytest.fixture
def people(act: Callable[[], Any]) -> dict[str, str]:
    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        second = factories.a_person(session, "Administrator Zircon", now=NOW, administrator=True)
        return {
            "learner": cast.learners[0].id,
            "stranger": cast.stranger.id,
            "administrator": cast.administrator.id,
            "second": second.id,
            "cohort": cast.cohort.id,
        }


def test_an_export_is_asked_for_made_and_fetched(
    people: dict[str, str], sign_in: Any, work: Callable[[Any], int], clock: Clock
) -> None:
    client = sign_in(people["learner"])
    assert "not asked for an export" in client.get("/your-data").text
    client.post("/your-data/export")
    assert "Being made" in client.get("/your-data").text
    work(clock.now)
    page = client.get("/your-data").text
    [address] = re.findall(r'href="(/your-data/exports/[^"]+)"', page)
    answer = client.get(address)
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert "data/submissions.json" in archive.namelist()
    assert sign_in(people["stranger"]).get(address).status_code == 404
    clock.forward(days=8)
    assert client.get(address).status_code == 422
    assert address not in client.get("/your-data").text


def test_erasure_from_the_request_to_the_end(
    app: Flask,
    people: dict[str, str],
    sign_in: Any,
    work: Callable[[Any], int],
    clock: Clock,
    act: Callable[[], Any],
) -> None:
    me = sign_in(people["stranger"])
    me.post("/your-data/erasure", data={"act": "ask"})
    assert "You have an answer by" in me.get("/your-data").text
    admin = sign_in(people["administrator"])
    assert "Answer 1 request to be erased" in admin.get("/").text
    assert "Stranger Onyx" in admin.get("/admin/erasures").text
    here = f"/admin/accounts/{people['stranger']}/privacy"
    page = admin.get(here).text
    assert "What goes" in page
    assert "What stays, and why" in page
    assert "cannot be undone" in page
    answer = admin.post(here, data={"act": "prepare"})
    second = answer.headers["Location"]
    assert admin.post(second, data={"typed": "wrong@example.org"}).status_code == 422
    with act() as session:
        email = session.get_one(Person, people["stranger"]).email
        assert email == "stranger.onyx@example.org"
    answer = admin.post(second, data={"typed": email}, follow_redirects=True)
    assert "This person was erased on" in answer.text
    assert "Stranger Onyx" not in answer.text
    # The sign-in has ended, and so have all of the account's.
    assert me.get("/your-data").status_code == 302
    work(clock.now)
    assert "request to be erased" not in admin.get("/").text
    assert admin.post(here, data={"act": "prepare"}).status_code == 422


def test_a_request_is_refused_with_a_reason_that_is_read(
    people: dict[str, str], sign_in: Any, act: Callable[[], Any]
) -> None:
    me, admin = sign_in(people["learner"]), sign_in(people["administrator"])
    me.post("/your-data/erasure", data={"act": "ask"})
    here = f"/admin/accounts/{people['learner']}/privacy"
    page = admin.get(here).text
    assert "Projects of theirs that are being graded: 1" in page
    assert "Go to the second step" not in page
    assert admin.post(here, data={"act": "prepare"}).status_code == 422
    assert admin.post(here, data={"act": "refuse", "ground": " "}).status_code == 422
    admin.post(here, data={"act": "refuse", "ground": "Your project is being graded."})
    assert "Your project is being graded." in me.get("/your-data").text
    me.post("/your-data/erasure", data={"act": "ask"})
    me.post("/your-data/erasure", data={"act": "withdraw"})
    with act() as session:
        states = session.scalars(select(ErasureRequest.state).order_by(ErasureRequest.asked_at))
        assert sorted(states) == ["refused", "withdrawn"]


def test_an_administrator_cannot_erase_themselves_nor_the_last_one(
    people: dict[str, str], sign_in: Any
) -> None:
    admin = sign_in(people["administrator"])
    own = f"/admin/accounts/{people['administrator']}/privacy"
    assert "Nobody erases themselves" in admin.get(own).text
    assert admin.post(own, data={"act": "prepare"}).status_code == 422


def test_an_administrators_export_is_a_disclosure_that_its_person_sees(
    people: dict[str, str], sign_in: Any, work: Callable[[Any], int], clock: Clock
) -> None:
    admin, me = sign_in(people["administrator"]), sign_in(people["learner"])
    here = f"/admin/accounts/{people['learner']}/privacy"
    assert admin.post(here, data={"act": "export", "ground": ""}).status_code == 422
    admin.post(here, data={"act": "export", "ground": "Letter of 3 May"})
    work(clock.now)
    [address] = re.findall(r'href="(/admin/exports/[^"]+)"', admin.get(here).text)
    assert admin.get(address).mimetype == "application/zip"
    assert sign_in(people["second"]).get(address).status_code == 404
    page = me.get("/your-data/disclosures").text
    assert "Administrator Beryl" in page
    assert "Letter of 3 May" in page
    assert "Administrator Beryl" in me.get("/your-data/disclosures.csv").text


def test_a_record_is_sent_to_a_partner_and_the_consent_withdrawn(
    app: Flask,
    released: dict[str, Any],
    listener: Listener,
    sign_in: Any,
    clock: Clock,
    work: Callable[[Any], int],
    act: Callable[[], Any],
) -> None:
    gateway = HttpPartnerGateway(anywhere=True)
    app.extensions["grading"] = replace(app.extensions["grading"], partners=gateway)
    clock.now = released["at"]
    admin, me = sign_in(released["administrator"]), sign_in(released["learner"])
    form = {
        "name": "Example Ltd", "kind": "https", "address": listener.url, "gets": "capstone",
        "pathway": "Counts towards a course.",
    }  # fmt: skip
    partners = f"/admin/sponsors/{released['sponsor']}/partners"
    assert admin.post(partners, data=form | {"pathway": ""}).status_code == 422
    assert admin.post(partners, data=form).status_code == 303
    listed = f"/learn/programs/{released['program']}/partners"
    [offer] = re.findall(rf'href="({listed}/[^"]+)"', me.get(listed).text)
    page = me.get(offer).text
    assert "Counts towards a course." in page
    assert "OpenBadgeCredential" in page
    [digest] = re.findall(r'name="digest" value="([0-9a-f]{64})"', page)
    assert me.post(offer, data={"digest": digest}).status_code == 422
    assert me.post(offer, data={"digest": "0" * 64, "consent": "yes"}).status_code == 422
    assert listener.got == []
    listener.status = 403
    assert me.post(offer, data={"digest": digest, "consent": "yes"}).status_code == 303
    work(clock.now)
    page = me.get(listed).text
    assert "Not accepted, or not reached" in page
    assert "We do not try again by ourselves." in page
    listener.status = 200
    assert "Send it again" in me.get(offer).text
    me.post(offer, data={"digest": digest, "consent": "yes"})
    work(clock.now)
    assert "Sent" in me.get(listed).text
    assert len(listener.got) == 2
    assert me.post(offer, data={"digest": digest, "consent": "yes"}).status_code == 422
    with act() as session:
        consent = session.scalars(select(PartnerConsent.id)).one()
        assert len(session.scalars(select(Disclosure)).all()) == 2
    me.post(f"/learn/consents/{consent}/withdraw")
    assert "withdrawn, or replaced" in me.get(listed).text
    assert "Example Ltd" in me.get("/your-data/disclosures").text


def test_a_published_file_that_is_fetched_is_counted(
    released: dict[str, Any], sign_in: Any, app: Flask, clock: Clock, act: Callable[[], Any]
) -> None:
    clock.now = released["at"]
    with act() as session:
        credential = session.scalars(
            select(IssuedCredential).where(IssuedCredential.person_id == released["learner"])
        ).first()
        credential.published_at = clock.now
        credential_id = credential.id
    for _ in range(3):
        assert app.test_client().get(f"/credentials/{credential_id}").status_code == 200
    page = sign_in(released["learner"]).get("/your-data/disclosures").text
    assert "3 times" in page


def test_the_pages_cost_the_same_for_few_and_for_many(
    app: Flask, people: dict[str, str], sign_in: Any, act: Callable[[], Any], clock: Clock
) -> None:
    admin, me = sign_in(people["administrator"]), sign_in(people["learner"])
    pages = [
        (me, "/your-data"),
        (me, "/your-data/disclosures"),
        (admin, "/admin/erasures"),
        (admin, "/admin/retention"),
        (admin, f"/admin/accounts/{people['learner']}/privacy"),
    ]

    def costs() -> list[int]:
        found = []
        for client, address in pages:
            with counted(app) as statements:
                assert client.get(address).status_code == 200
            found.append(len(statements))
        return found

    def more(count: int) -> None:
        with act() as session:
            for number in range(count):
                other = factories.a_person(session, f"Learner Moss {number} of {count}", now=NOW)
                session.add(
                    ErasureRequest(
                        person_id=other.id, asked_by_id=other.id, asked_at=NOW,
                        decide_by=NOW + timedelta(days=28),
                    )
                )  # fmt: skip
                session.add(
                    Disclosure(
                        person_id=people["learner"], at=NOW, what="export", recipient="x",
                        ground="request",
                    )
                )  # fmt: skip
            found = session.get_one(factories.Cohort, people["cohort"])
            found.ended_at = NOW

    more(2)
    few = costs()
    more(9)
    assert costs() == few
    assert max(few) <= MOST


def test_the_request_waits_in_the_daily_mail(
    people: dict[str, str], act: Callable[[], Any]
) -> None:
    with act() as session:
        learner = session.get_one(Person, people["learner"])
        session.add(
            ErasureRequest(
                person_id=learner.id, asked_by_id=learner.id, asked_at=NOW,
                decide_by=NOW + timedelta(days=28),
            )
        )  # fmt: skip
    with act() as session:
        for who, expected in (("administrator", 1), ("learner", 0)):
            me = needs.parts_of(session, session.get_one(Person, people[who]))
            found = needs.needs_of(session, me, now=NOW)
            assert sum(need.kind == needs.Kind.ERASURE for need in found) == expected


def test_a_failed_export_says_so(
    people: dict[str, str], sign_in: Any, act: Callable[[], Any], clock: Clock
) -> None:
    client = sign_in(people["learner"])
    client.post("/your-data/export")
    with act() as session:
        session.scalars(select(Job).where(Job.topic == "personal_export")).one().state = "failed"
        assert session.scalars(select(PersonalExport)).one().state == "waiting"
    assert "could not be made" in client.get("/your-data").text
