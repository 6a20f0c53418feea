"""A record's page and the pages of identity in a browser; the reader's browser checks the token itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from grading.models import CredentialRecord, Membership, Person, SigningKey
from grading.people import identity
from grading.records import credentials, records
from grading.workflow.cohort import Role
from grading.workflow.credential import RecordFact
from tests.browser.a11y import faults
from tests.database import Clock
from tests.issuing import of, released, small_keys, work, world

__all__ = ["released", "small_keys", "work", "world"]

Enter = Callable[..., BrowserContext]
GOOD = "Your browser checked the token itself: good."
BAD = "Your browser checked the token itself: bad. Do not rely on it."
OPEN = "Your browser could not check the token itself."


@pytest.fixture
def shared(act: Callable[[], Any], released: dict[str, Any], clock: Clock) -> dict[str, Any]:
    """A record that is shared with its files, its capstone published too; a coordinator noted a check."""
    clock.now = released["at"] + timedelta(minutes=1)
    with act() as session:
        learner = session.get_one(Person, released["learner"])
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == learner.id)
        ).one()
        records.share(session, learner, record, shows=list(RecordFact), now=clock.now)
        capstone = of(session, released, kind="capstone")[0]
        credentials.set_published(session, learner, capstone, published=True, now=clock.now)
        coordinator = session.scalars(
            select(Membership.person_id).where(
                Membership.cohort_id == released["cohort"], Membership.role == Role.COORDINATOR
            )
        ).first()
        identity.record_check(
            session,
            session.get_one(Person, coordinator),
            learner,
            how="document",
            document="passport",
            name="Ada Byron",
            now=clock.now,
        )
        return released | {
            "address": f"/verify/{record.public_id}",
            "capstone": capstone.id,
            "coordinator": coordinator,
        }


def look(page: Page, name: str) -> list[str]:
    """Open all there is to open and look for faults."""
    for details in page.locator("main details").all():
        details.evaluate("(one) => { one.open = true }")
    return faults(page, picture=name)


def test_pages_have_no_faults(act: Callable[[], Any], shared: dict[str, Any], enter: Enter) -> None:
    found = []
    page = enter(None).new_page()
    page.goto(shared["address"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Valid")
    expect(page.get_by_text(GOOD)).to_have_count(5)
    found += look(page, "valid")
    page.goto(f"/credentials/{shared['capstone']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Valid")
    expect(page.get_by_text(GOOD)).to_be_visible()
    expect(page.get_by_text("67 of 100", exact=True)).to_be_visible()
    found += look(page, "credential")
    own = enter(shared["learner"]).new_page()
    own.goto(f"/learn/programs/{shared['program']}/record")
    found += look(own, "record")
    staff = enter(shared["coordinator"]).new_page()
    queue = f"/teach/{shared['cohort']}/identity"
    staff.goto(f"{queue}?q=learner")
    found += look(staff, "queue")
    staff.goto(f"{queue}/{shared['learner']}")
    found += look(staff, "check")
    staff.get_by_role("button", name="Note the check").click()
    expect(staff.get_by_role("alert")).to_be_visible()
    found += look(staff, "check-faults")
    with act() as session:
        capstone = of(session, shared, kind="capstone")[0]
        capstone.evidence = {**capstone.evidence, "composite": 99.0}
    page.goto(shared["address"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Does not verify")
    found += look(page, "broken")
    assert found == []


def test_the_browser_checks_the_token_itself(
    act: Callable[[], Any], shared: dict[str, Any], enter: Enter, app: Flask
) -> None:
    page = enter().new_page()
    token = f"**/credentials/{shared['capstone']}/token"
    address = f"/credentials/{shared['capstone']}"

    def forged(route: Any) -> None:
        answer = route.fetch()
        head, body, signature = answer.text().split(".")
        route.fulfill(response=answer, body=f"{head}.{body[:-4]}AAAA.{signature}")

    page.route(token, forged)
    page.goto(address)
    expect(page.get_by_text(BAD)).to_be_visible()
    page.unroute(token)
    page.route(token, lambda route: route.abort())
    page.goto(address)
    expect(page.get_by_text(OPEN)).to_be_visible()
    # Another key under the same name does not do.
    with act() as session:
        key = session.scalars(select(SigningKey).where(SigningKey.kind == "rsa")).one()
        other = app.extensions["grading"].notary.make("rsa")
        key.public, key.sealed = other.public, other.sealed
    page.unroute(token)
    page.goto(address)
    expect(page.get_by_text(BAD)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Does not verify")


def test_without_scripts_all_is_there_but_the_browsers_own_check(
    shared: dict[str, Any], enter: Enter
) -> None:
    page = enter(java_script_enabled=False).new_page()
    page.goto(shared["address"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Valid")
    expect(page.get_by_role("link", name="token (JWT)")).to_have_count(5)
    for words in (GOOD, BAD, OPEN):
        expect(page.get_by_text(words)).to_have_count(0)
    steps = page.locator("details", has_text="city's bicycles")
    expect(steps.get_by_text("covers every word of the document")).to_be_hidden()
    steps.locator("summary").click()
    expect(steps.get_by_text("covers every word of the document")).to_be_visible()
