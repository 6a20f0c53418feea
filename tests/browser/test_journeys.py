"""Whole stories in a browser; every page on the way is checked for access."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from grading.jobs import credentials, upkeep
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    CredentialRecord,
    Grade,
    Membership,
    Person,
    Program,
    Submission,
)
from grading.people import accounts, passwords, sponsors
from grading.programs import programs
from grading.readings import holds
from grading.records import sharing
from grading.releases import releases
from grading.workflow.allocation import Purpose
from tests import factories, stories
from tests.browser.a11y import faults
from tests.database import NOW, Clock

Enter = Callable[..., BrowserContext]
Act = Callable[[], Any]

ROSTER = """email,name,role
alder@example.org,Learner Alder,learner
birch@example.org,Learner Birch,learner
cedar@example.org,Learner Cedar,learner
dogwood@example.org,Learner Dogwood,learner
basalt@example.org,Grader Basalt,grader
chalk@example.org,Grader Chalk,grader
opal@example.org,Instructor Opal,instructor
garnet@example.org,Coordinator Garnet,coordinator
"""


class Visit:
    """A page in the browser that is looked at for faults whenever it is somewhere new."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(10_000)
        self.found: list[str] = []

    def look(self) -> None:
        self.found += faults(self.page)

    def goto(self, address: str) -> None:
        self.page.goto(address)
        self.look()

    def press(self, name: str, role: Any = "button", *, exact: bool = False) -> None:
        self.page.get_by_role(role, name=name, exact=exact).first.click()
        self.page.wait_for_load_state()
        self.look()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).first.fill(text)

    def says(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)


@pytest.fixture
def visit(enter: Enter) -> Iterator[Callable[[str], Visit]]:
    """Enter as a person; at the end nothing may have been found on any page."""
    made: list[Visit] = []

    def enter_as(person_id: str) -> Visit:
        made.append(Visit(enter(person_id).new_page()))
        return made[-1]

    yield enter_as
    assert [fault for one in made for fault in one.found] == []


def test_an_office_runs_a_cohort_from_its_program_to_its_end(
    app: Flask, act: Act, visit: Callable[[str], Visit], enter: Enter, clock: Clock
) -> None:
    hasher = app.extensions["grading"].hasher
    with act() as session:
        sponsor = sponsors.create_sponsor(session, None, name="Example College", now=NOW)
        member = sponsors.add_member(
            session, None, sponsor, email="pearl@example.org", name="Officer Pearl", now=NOW
        )
        pearl = session.get_one(Person, member.person_id)
        passwords.set_password(session, None, pearl, factories.PASSWORD, hasher=hasher, now=NOW)
    # The member of the office signs in, and builds a program.
    office = Visit(enter().new_page())

    def sign_in(address: str) -> None:
        office.goto(address)
        office.fill("E-mail address", "pearl@example.org")
        office.fill("Password", factories.PASSWORD)
        office.press("Sign in")

    sign_in("/admin/")
    office.press("New program", "link")
    office.page.locator("[name=name]").fill("Counting a city")
    office.page.locator("[name=capstone_title]").fill("A city’s bicycles")
    for number, (code, title) in enumerate(factories.COURSES, 1):
        office.fill(f"Course {number}: code", code)
        office.fill(f"Course {number}: title", title)
    office.press("Create the program")
    with act() as session:
        program = session.scalars(select(Program)).one()
        # Task and rubric are written elsewhere and only kept here.
        programs.add_brief(session, None, program, "Count bicycles.", now=NOW)
        factories.a_published_rubric(session, program, now=NOW)
        home = f"/admin/programs/{program.id}"
    office.goto(f"{home}/cohorts/new")
    office.page.locator("[name=name]").fill("Spring")
    office.page.locator("[name=opens_on]").fill(NOW.date().isoformat())
    office.page.locator("[name=preset]").select_option("course")
    office.press("Create the cohort")
    with act() as session:
        cohort_id = session.scalars(select(Cohort.id)).one()
    place = f"/admin/cohorts/{cohort_id}"

    # People come by a file: first with a fault, then as a dry run, imported, undone, and again.
    office.goto(f"{place}/import/roster")
    office.fill("Or paste its text", ROSTER.replace("alder@example.org", "alder"))
    office.press("Look at what would change")
    expect(office.page.locator(".error-summary")).to_be_visible()
    for last in (False, True):
        office.goto(f"{place}/import/roster")
        office.fill("Or paste its text", ROSTER)
        office.press("Look at what would change")
        office.says("What would change")
        with act() as session:
            assert (
                session.scalar(select(Membership.id).where(Membership.ended_at.is_(None))) is None
            )
        office.press("Import", exact=True)
        if not last:
            office.press("Undo the import")
    with act() as session:
        assert len(session.scalars(select(Membership)).all()) >= 6
    # There are no examples, so nobody is cleared and the cohort is not opened, before an instructor
    # clears a grader by hand.
    office.goto(f"{place}/open")
    office.says("so the cohort is not opened")
    with act() as session:
        opal = accounts.find_account(session, "opal@example.org").id
    desk = visit(opal)
    desk.goto(f"/teach/{cohort_id}/standings")
    desk.press("Clear Grader Basalt by hand", "link")
    desk.fill("Reason", "She has read for us for years.")
    desk.press("Clear by hand")
    desk.says("by hand: Instructor Opal")
    assert desk.found == []
    office.goto(f"{place}/open")
    office.page.get_by_role("button", name="Open").last.click()
    office.page.wait_for_load_state()
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        assert cohort.state == "open"
        due = cohort.due_at
        garnet = accounts.find_account(session, "garnet@example.org").id

    # The coordinator gives one learner more time, and sees first what it moves.
    clock.forward(days=1)
    desk = visit(garnet)
    desk.goto(f"/teach/{cohort_id}/extensions?q=alder")
    desk.press("Learner Alder", "link")
    desk.page.get_by_label("Extension").check()
    desk.fill("Days", "4")
    desk.fill("Reason", "An illness.")
    desk.press("Show what this changes")
    expect(desk.page.get_by_role("table", name="Dates that move")).to_contain_text("Deadline")
    desk.press("Grant 4 days")
    expect(desk.page.locator(".notice")).to_contain_text("Granted")

    # Nobody hands in; the office signs in anew and ends the cohort, with the reason it is asked for.
    clock.now = due - timedelta(days=1)
    sign_in(f"{place}/end")
    office.press("End the cohort")
    expect(office.page.locator(".error-summary")).to_be_visible()
    office.page.locator("[name=reason]").fill("Nobody handed in.")
    office.press("End the cohort")
    with act() as session:
        assert session.get_one(Cohort, cohort_id).state == "ended"
    assert office.found == []


def test_a_learner_appeals_and_is_upheld(
    app: Flask, act: Act, visit: Callable[[str], Visit], clock: Clock
) -> None:
    with act() as session:
        told = stories.a_result(session)
        clock.now = told.now
        cohort, learner, fresh = told.cast.cohort.id, told.learner.id, told.fresh.id
        before = told.grade.value
    page = visit(learner)
    page.goto(f"/learn/{cohort}/result")
    page.goto(f"/learn/{cohort}/result/ask")
    page.press("Appeal this result")
    expect(page.page.locator(".error-summary")).to_be_visible()
    page.page.locator("#appeal-criteria-1").check()
    page.page.locator("#appeal-reason").fill("The second table answers what the rubric asks.")
    page.press("Appeal this result")
    page.says("Under review")

    with act() as session:
        appeal = session.scalars(select(Appeal)).one()
        item = holds.claim_case(
            session, session.get_one(Person, fresh), appeal.allocation, now=clock.now
        )
        item_id, appeal_id = item.id, appeal.id
    bench = visit(fresh)
    bench.goto(f"/grade/item/{item_id}")
    for fieldset in bench.page.locator("fieldset.criterion").all():
        fieldset.locator("input[type=radio]").nth(3).check()
    bench.press("Finish")
    upkeep.run(app, cohort, now=clock.forward(minutes=11))
    bench.goto(f"/grade/appeal/{appeal_id}")
    bench.says("the appeal is upheld")
    bench.fill("Reason", "The second table answers what the rubric asks at this level.")
    bench.press("Decide the appeal")
    page.goto(f"/learn/{cohort}/result")
    page.says("This result replaces an earlier one")
    with act() as session:
        values = list(session.scalars(select(Grade.value).order_by(Grade.number)))
        assert values[0] == before
        assert float(values[1]) > float(before)
        states = session.scalars(select(CredentialRecord.state)).all()
        assert sorted(states) == ["replaced", "valid"]


def test_a_case_of_misconduct_revokes_a_shared_record(
    app: Flask, act: Act, visit: Callable[[str], Visit], clock: Clock
) -> None:
    with act() as session:
        told = stories.a_result(session, levels=stories.BETTER)
        clock.now = told.now
        record = session.scalars(select(CredentialRecord)).one()
        link = sharing.make_link(session, told.learner, record, label="Employer", now=told.now)
        address = f"/verify/{link.public_id}"
        cohort, learner, work = told.cast.cohort.id, told.learner.id, told.work.id
        reporter = told.cast.lead.id
        first, second = told.cast.instructor.id, told.cast.second_instructor.id
    with app.app_context():
        credentials.at_once(app, learner, now=clock.now)
    employer = visit(reporter)
    employer.goto(address)
    expect(employer.page.get_by_role("heading", level=1)).to_have_text("Valid")
    employer.goto(f"/teach/submission/{work}/suspect")
    employer.page.locator("#kind-1").check()
    employer.fill("What you saw", "The second page stands word for word in a report.")
    employer.press("Report it")
    desk = visit(first)
    desk.goto(f"/teach/{cohort}/suspicions")
    desk.page.locator("main a[href*='/suspicion/']").first.click()
    desk.page.wait_for_load_state()
    desk.look()
    case = desk.page.url
    desk.page.locator("#allegation").fill("Your second page stands word for word in a report.")
    desk.press("Ask the learner")
    page = visit(learner)
    page.goto(f"/learn/{cohort}/hearing")
    page.fill("Your own account", "I copied it while drafting and forgot to mark it.")
    page.press("Send your answer")
    desk.goto(case)
    desk.page.get_by_label("Upheld: the record").check()
    desk.fill("Reason", "A whole page is taken over and named nowhere.")
    desk.press("Decide, as the first of two")
    other = visit(second)
    other.goto(case)
    other.press("Agree and decide")
    other.says("is revoked")
    employer.goto(address)
    expect(employer.page.get_by_role("heading", level=1)).to_have_text("Revoked")
    assert "Alder" not in employer.page.locator("main").inner_text()


def test_a_retake_passes_without_javascript(
    app: Flask, act: Act, enter: Enter, clock: Clock
) -> None:
    with act() as session:
        told = stories.a_result(session)
        clock.now = told.now
        cohort, learner, reader = told.cast.cohort.id, told.learner.id, told.reader.id
        instructor = told.cast.instructor.id
        assert not told.grade.passed
    page = enter(learner, java_script_enabled=False).new_page()
    page.goto(f"/learn/{cohort}/result")
    page.get_by_role("button", name="Begin a retake").click()
    page.goto(f"/learn/{cohort}/project")
    page.get_by_label("Text", exact=True).fill("We counted again, and say how sure we are.")
    page.get_by_role("button", name="Save and check").click()
    page.get_by_label("This project is my own work").check()
    page.get_by_role("button", name="Submit your project").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your project is submitted")
    upkeep.run(app, cohort, now=clock.forward(minutes=5))
    with act() as session:
        work = session.scalars(select(Submission).where(Submission.attempt == 2)).one()
        item = session.scalars(
            select(Allocation).where(
                Allocation.submission_id == work.id, Allocation.purpose == Purpose.LIVE
            )
        ).one()
        readers = [
            person
            for person in session.scalars(
                select(Person).join(Membership).where(Membership.role == "grader")
            )
            if holds.claim(
                session,
                person,
                session.get_one(Cohort, cohort),
                now=clock.now,
                allocation_id=item.id,
            )
        ]
        fresh = readers[0].id
        item_id = item.id
    # Somebody else than before reads it.
    assert fresh != reader
    bench = enter(fresh, java_script_enabled=False).new_page()
    bench.goto(f"/grade/item/{item_id}")
    expect(bench.locator("main")).not_to_contain_text("attempt")
    for fieldset in bench.locator("fieldset.criterion").all():
        fieldset.locator("input[type=radio]").nth(3).check()
    bench.get_by_role("button", name="Finish").click()
    upkeep.run(app, cohort, now=clock.forward(minutes=11))
    with act() as session:
        release = releases.propose(
            session,
            session.get_one(Person, instructor),
            session.get_one(Cohort, cohort),
            overrides={},
            failed_gates=[],
            now=clock.now,
        )
        releases.carry_out(session, release, now=clock.forward(minutes=11))
    page.goto(f"/learn/{cohort}/result")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pass")
    with act() as session:
        assert [
            grade.passed for grade in session.scalars(select(Grade).order_by(Grade.released_at))
        ] == [False, True]
