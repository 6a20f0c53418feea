"""Release with a passkey, in a browser with an authenticator of its own."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import func, select

from grading.cohorts import withdrawals
from grading.models import Approval, Challenge, Passkey, Release, Submission
from grading.models.codes import case_code
from grading.people import approvals, passwords
from tests import factories, stories
from tests.browser.a11y import faults
from tests.database import Clock

Enter = Callable[..., BrowserContext]


@pytest.fixture
def told(app: Flask, act: Callable[[], Any], clock: Clock, site: str) -> dict[str, str]:
    """Four results that are ready, two who sign, and an address that browsers give passkeys to."""
    here = site.replace("127.0.0.1", "localhost")
    installed = app.extensions["grading"]
    app.extensions["grading"] = replace(
        installed, settings=replace(installed.settings, base_url=here)
    )
    with act() as session:
        cast, now = stories.settled(session, sign_offs=2, step_up="passkey")
        clock.now = now
        for person in (cast.instructor, cast.second_instructor):
            passwords.set_password(
                session, None, person, factories.PASSWORD, hasher=installed.hasher, now=now
            )
        return {
            "here": here,
            "cohort": cast.cohort.id,
            "first": cast.instructor.id,
            "second": cast.second_instructor.id,
        }


def a_browser(enter: Enter, told: dict[str, str], part: str) -> Page:
    """A signed-in page with a virtual authenticator that verifies its owner."""
    cookie = enter(told[part]).cookies()[0]
    context = enter(base_url=told["here"])
    context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": told["here"]}])
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return page


def look(page: Page) -> list[str]:
    """Check the page as it stands in light, dark, narrow and high contrast."""
    found = faults(page)
    page.emulate_media(color_scheme="dark")
    found += faults(page)
    page.emulate_media(color_scheme="light", forced_colors="active")
    found += faults(page)
    page.emulate_media(forced_colors="none")
    page.set_viewport_size({"width": 320, "height": 700})
    found += faults(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    return found


def add_key(page: Page, name: str) -> list[str]:
    page.goto("/passkeys/")
    found = look(page)
    page.get_by_label("Name of the passkey").fill(name)
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Go on").click()
    found += look(page)
    # The page before names the passkey too: what counts is being back at the list.
    with page.expect_navigation(url="**/passkeys/"):
        page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return found + look(page)


def test_a_release_needs_an_assertion_bound_to_exactly_these_grades(
    enter: Enter, told: dict[str, str], act: Callable[[], Any], clock: Clock
) -> None:
    first, second = a_browser(enter, told, "first"), a_browser(enter, told, "second")
    found = add_key(first, "Blue key") + add_key(second, "Red key")
    with act() as session:
        works = session.scalars(select(Submission.id).order_by(Submission.id)).all()

    # The list is shown; between showing and signing one result is taken back.
    place = f"/teach/{told['cohort']}/release"
    first.goto(place)
    found += look(first)
    first.get_by_role("button", name="Release 4 results").click()
    expect(first.get_by_text("exactly these 4 results")).to_be_visible()
    for work in works:
        expect(first.get_by_role("rowheader", name=case_code(work))).to_be_visible()
    found += look(first)
    with act() as session:
        gone = session.get_one(Submission, works[0])
        withdrawals.withdraw(session, gone.learner, gone, now=clock.now)
    first.get_by_role("button", name="Sign with your passkey").click()
    expect(first.get_by_text(f"{case_code(works[0])} is not ready any more")).to_be_visible()
    found += look(first)
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Approval)) == 0
        assert session.scalar(select(func.count()).select_from(Release)) == 0

    # What is signed then is the list as it is, and what was sent is good once.
    sent: list[tuple[str, str]] = []
    first.on(
        "request",
        lambda asked: (
            sent.append((asked.url, asked.post_data or "")) if asked.method == "POST" else None
        ),
    )
    first.get_by_role("button", name="Sign with your passkey").click()
    expect(
        first.get_by_text("Instructor Agate").or_(first.get_by_text("with a passkey"))
    ).not_to_have_count(0)
    address, body = sent[-1]
    answer = first.request.post(
        address,
        data=body,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Referer": address},
    )
    assert answer.status == 409
    assert "Nothing was" in answer.text()
    with act() as session:
        approval = session.scalars(select(Approval)).one()
        release = session.get_one(Release, approval.subject_id)
        assert {item.submission_id for item in release.items} == set(works[1:])
        assert {line["score"] for line in approval.records} == {
            item.score_id for item in release.items
        }

    # The second person signs the same list on their own device.
    second.goto(place)
    found += look(second)
    second.get_by_role("button", name="Sign the release").click()
    second.get_by_role("button", name="Sign with your passkey").click()
    expect(second.get_by_text("Goes out at")).to_be_visible()
    with act() as session:
        assert approvals.verify(session) == approvals.Verified(2, 2, ())
        counts = session.scalars(select(Passkey.sign_count)).all()
        assert min(counts) >= 1
        assert session.scalar(select(func.count()).select_from(Challenge)) >= 4
    assert found == []


def test_a_device_without_the_passkey_signs_nothing_and_says_so(
    enter: Enter, told: dict[str, str], act: Callable[[], Any]
) -> None:
    page = a_browser(enter, told, "first")
    add_key(page, "Blue key")
    other = a_browser(enter, told, "first")
    other.goto(f"/teach/{told['cohort']}/release")
    other.get_by_role("button", name="Release 4 results").click()
    other.get_by_role("button", name="Sign with your passkey").click()
    expect(other.get_by_role("status")).to_contain_text("Your passkey did not answer")
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Release)) == 0


def test_without_scripts_the_page_says_what_is_missing(enter: Enter, told: dict[str, str]) -> None:
    page = a_browser(enter, told, "first")
    add_key(page, "Blue key")
    cookie = page.context.cookies()[0]
    plain = enter(base_url=told["here"], java_script_enabled=False)
    plain.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": told["here"]}])
    page = plain.new_page()
    page.goto(f"/teach/{told['cohort']}/release")
    page.get_by_role("button", name="Release 4 results").click()
    expect(page.get_by_text("A passkey needs JavaScript. Turn it on")).to_be_visible()
    page.get_by_role("button", name="Sign with your passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("sent no signature")


def test_a_grader_signs_the_decision_on_an_appeal(
    app: Flask, act: Callable[[], Any], clock: Clock, enter: Enter, site: str
) -> None:
    here = site.replace("127.0.0.1", "localhost")
    installed = app.extensions["grading"]
    app.extensions["grading"] = replace(
        installed, settings=replace(installed.settings, base_url=here)
    )
    with act() as session:
        told = stories.a_result(session, step_up="passkey")
        appeal = stories.appeal_in(session, told, "remarked", **stories.BETTER)
        clock.now = told.now + factories.timedelta(minutes=1)
        passwords.set_password(
            session, None, told.fresh, factories.PASSWORD, hasher=installed.hasher, now=clock.now
        )
        grader = {"here": here, "grader": told.fresh.id}
        found_appeal = appeal.id
    page = a_browser(enter, grader, "grader")
    place = f"/grade/appeal/{found_appeal}"

    def decide() -> None:
        page.goto(place)
        page.get_by_label("Reason", exact=True).fill(stories.ANSWER)
        page.get_by_role("button", name="Decide the appeal").click()

    # Without a passkey the decision is not lost, but not made either.
    decide()
    expect(page.get_by_text("you have none for this address")).to_be_visible()
    found = look(page)
    found += add_key(page, "Grader's key")
    decide()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign a decision")
    expect(page.get_by_text(stories.ANSWER)).to_be_visible()
    found += look(page)
    if folder := os.environ.get("SCREENSHOTS"):
        for name, size, scheme in (
            ("light", (1280, 800), "light"),
            ("dark", (1280, 800), "dark"),
            ("narrow", (320, 700), "light"),
        ):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a literal
            page.screenshot(path=f"{folder}/sign-decision-{name}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Sign with your passkey").click()
    expect(page.get_by_text("The appeal is upheld.")).to_be_visible()
    found += look(page)
    with act() as session:
        approval = session.scalars(select(Approval).filter_by(subject_id=found_appeal)).one()
        assert (approval.proof, approvals.faults_of(session, approval)) == ("passkey", ())
        assert [line["value"] for line in approval.records] == ["67"]
    assert found == []
