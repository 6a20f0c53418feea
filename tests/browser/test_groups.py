"""A group hands in, one objects, the office decides: every page on the way is checked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests import factories
from tests.browser.a11y import faults
from tests.database import NOW, Clock

Enter = Callable[..., BrowserContext]
REASON = "This leaves out the part that I wrote."


def test_a_group_submits_and_one_objects(
    act: Callable[[], Any], enter: Enter, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=3, graders=1, submitted=False, group_size=3,
            late_days=3, late_points=5.0, late_points_most=10.0,
        )  # fmt: skip
        cohort, due = cast.cohort.id, cast.cohort.due_at
        alder, birch = (person.id for person in cast.learners[:2])
        coordinator = cast.coordinator.id
    clock.now = NOW + timedelta(days=1)
    found: list[str] = []

    def look(page: Page, address: str) -> Page:
        page.goto(address)
        found.extend(faults(page))
        return page

    first, second = (enter(person).new_page() for person in (alder, birch))
    first.goto(f"/learn/{cohort}")
    first.get_by_role("button", name="Start your project").click()
    look(first, f"/learn/{cohort}/group")
    first.get_by_label("E-mail address").fill("nobody@example.org")
    first.get_by_role("button", name="Ask them to join").click()
    expect(first.locator(".error-summary")).to_be_focused()
    found.extend(faults(first))
    first.get_by_label("E-mail address").fill("learner.birch@example.org")
    first.get_by_role("button", name="Ask them to join").click()
    look(second, f"/learn/{cohort}")
    look(second, f"/learn/{cohort}/group")
    second.get_by_role("button", name="Join", exact=True).click()
    expect(second.get_by_text("You are in the group.")).to_be_visible()
    found.extend(faults(second))
    clock.now = due + timedelta(days=3) - timedelta(minutes=5)
    look(first, f"/learn/{cohort}/project")
    first.get_by_label("Title").fill("Together")
    first.get_by_label("Text", exact=True).fill("We counted.")
    first.get_by_role("button", name="Save and check").click()
    expect(first.get_by_text("it is 3 days late, and 10.0 points of 100 are taken")).to_be_visible()
    found.extend(faults(first))
    first.get_by_label("This project is my own work").check()
    first.get_by_role("button", name="Submit your project").click()
    expect(first.get_by_role("heading", level=1)).to_have_text("Your project is submitted")
    found.extend(faults(first))
    clock.forward(hours=1)
    look(second, f"/learn/{cohort}")
    look(second, f"/learn/{cohort}/group/object")
    second.get_by_label("Why do you not stand by it?").fill(REASON)
    second.get_by_role("button", name="Object").click()
    expect(second.get_by_text("Your objection is with the program.")).to_be_visible()
    office = enter(coordinator).new_page()
    look(office, f"/admin/cohorts/{cohort}/groups")
    office.get_by_role("button", name="Decide").click()
    found.extend(faults(office))
    office.get_by_label("Take Learner Birch out").check()
    office.get_by_label("Answer").fill(
        "You had no say in what was handed in, so you hand in your own."
    )
    office.get_by_role("button", name="Decide").click()
    expect(office.get_by_text("The objection is decided.")).to_be_visible()
    look(second, f"/learn/{cohort}")
    look(second, f"/learn/{cohort}/project")
    look(first, f"/learn/{cohort}/group")
    assert found == []
