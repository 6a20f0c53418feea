"""Journeys in a browser: every page they visit is checked, in light, dark, narrow and high contrast."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from grading.cohorts import cohorts, conflicts, extensions
from grading.disputes import decisions
from grading.jobs import upkeep
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import (
    Allocation,
    CredentialRecord,
    Grade,
    Review,
    StruckReading,
    Submission,
)
from grading.office import imports
from grading.people import sponsors
from grading.readings import absences
from grading.records import entitlements
from grading.rubric.loading import load
from grading.workflow.allocation import Pool
from grading.workflow.calendar import ExtensionKind
from grading.workflow.cohort import ImportKind
from grading.workflow.credential import EntitlementState
from grading.workflow.plan import PRESETS
from tests import factories, stories
from tests.browser.a11y import faults
from tests.database import NOW, Clock

RUBRICS = Path(__file__).resolve().parents[2] / "rubrics"
WORDS = "# What we found\n\nOn average $\\bar{x} = 120$ a day.\n\n```python\nprint(120)\n```\n"

Enter = Callable[..., BrowserContext]


@pytest.fixture
def cast(app: Flask, act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    """A cohort at its deadline, with the shipped rubric."""
    with act() as session:
        made = factories.a_cast(
            session,
            now=NOW,
            learners=4,
            graders=3,
            rubric=load(RUBRICS / "data-capstone.toml"),
            courses=[*factories.COURSES, ("communicating", "Communicating")],
            sign_offs=2,
        )
        for work in made.submissions:
            work.text = work.copies[-1].text = WORDS
        people = {
            "cohort": made.cohort.id,
            "program": made.cohort.program_id,
            "learners": [person.id for person in made.learners],
            "instructor": made.instructor.id,
            "second": made.second_instructor.id,
            "coordinator": made.coordinator.id,
            "administrator": made.administrator.id,
            **set_up(session, made),
        }
        clock.now = made.cohort.due_at
    upkeep.run(app, people["cohort"], now=clock.now, seed=5)
    return people


def set_up(session: Any, made: factories.Cast) -> dict[str, str]:
    """What the set-up pages show: an office, an import, an entitlement, a cohort in preparation."""
    program = made.cohort.program
    member = sponsors.add_member(
        session, None, program.sponsor, email="office@example.org", name="Office Agate", now=NOW
    )
    _, batch = imports.carry_out(
        session,
        None,
        ImportKind.ROSTER,
        made.cohort,
        b"email,name,role\nimported@example.org,Learner Oak,learner\n",
        now=NOW,
    )
    assert batch is not None
    paid = entitlements.grant_entitlement(
        session, None, program, made.learners[0], None, EntitlementState.PAID, now=NOW
    )
    conflicts.declare_conflict(
        session,
        None,
        made.cohort,
        rater=made.observer,
        learner=made.learners[0],
        reason="They are cousins.",
        now=NOW,
    )
    later = cohorts.create_cohort(
        session,
        None,
        program,
        name="Summer",
        opens_on=NOW.date(),
        time_zone="Europe/London",
        rubric_version=made.cohort.rubric_version,
        plan=replace(PRESETS["certification"], sign_offs=1),
        now=NOW,
    )
    return {
        "office": member.person_id,
        "sponsor": program.sponsor_id,
        "rubric": made.cohort.rubric_version_id,
        "roster": batch.id,
        "entitlement": paid.id,
        "membership": str(batch.made[1][1]),
        "preparing": later.id,
    }


def an_item(act: Callable[[], Any], pool: Pool) -> tuple[str, str]:
    with act() as session:
        item = session.scalars(
            select(Allocation)
            .where(Allocation.pool == pool, Allocation.rater_id.is_not(None))
            .order_by(Allocation.id)
        ).first()
        return item.id, item.rater_id


def rate_all(act: Callable[[], Any], now: Any, *, skip: str = "") -> None:
    with act() as session:
        for item in session.scalars(
            select(Allocation).where(Allocation.state == "allocated")
        ).all():
            if item.id != skip:
                codes = [c.code for c in item.cohort.rubric_version.rubric.criteria]
                factories.rate(session, item, dict.fromkeys(codes, 3), now=now)


def visited(enter: Enter, visits: list[tuple[str | None, list[str]]]) -> list[str]:
    """Go to every page as its reader; list what is wrong with each. No page says or asks for more."""
    found: list[str] = []
    for person, addresses in visits:
        page = enter(person).new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))  # noqa: B023 - one page at a time
        outside: list[str] = []
        page.on(
            "request",
            lambda request: (
                outside.append(request.url) if "127.0.0.1" not in request.url else None  # noqa: B023
            ),
        )
        for address in addresses:
            page.goto(address)
            found += faults(page)
        expected = [text for text in said if "404" in text]
        assert [text for text in said if text not in expected] == []
        assert outside == []
    return found


def test_every_page_is_accessible(
    app: Flask, cast: dict[str, Any], act: Callable[[], Any], enter: Enter, clock: Clock
) -> None:
    item, grader = an_item(act, Pool.PROFESSIONAL)
    review, peer = an_item(act, Pool.PEER)
    cohort = cast["cohort"]
    rate_all(act, clock.now, skip=item)
    upkeep.run(app, cohort, now=clock.forward(minutes=11))
    with act() as session:
        work = session.scalars(select(Submission).where(Submission.state == "resolved")).first()
        submission, learner = work.id, work.learner_id
    instructor = enter(cast["instructor"])
    page = instructor.new_page()
    page.goto(f"/teach/{cohort}/release")
    page.get_by_role("button", name="Release 3 results").click()
    second = enter(cast["second"]).new_page()
    second.goto(f"/teach/{cohort}/release")
    second.get_by_role("button", name="Sign the release").click()
    found = faults(second)
    Worker(app, HANDLERS, clock=clock).run_until_idle(clock.forward(minutes=11))
    with act() as session:
        assert session.scalar(select(Grade.id)) is not None
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == learner)
        ).one()
        record_id, public_id = record.id, record.public_id
    visits: list[tuple[str | None, list[str]]] = [
        (None, ["/sign-in", "/password/forgot", "/verify", "/verify/none", "/verify/many", "/help",
                "/accessibility", "/privacy", "/out?to=https://example.org/", "/nowhere"]),
        (learner, [f"/learn/{cohort}", f"/learn/{cohort}/brief", f"/learn/{cohort}/project",
                   f"/learn/{cohort}/project/receipt", f"/learn/{cohort}/result",
                   f"/learn/{cohort}/project/withdraw", f"/learn/records/{record_id}", "/",
                   "/preferences"]),
        (peer, [f"/learn/review/{review}"]),
        (grader, ["/", "/grade/", f"/grade/item/{item}", f"/grade/item/{item}/hand-back"]),
        (cast["instructor"], [f"/teach/{cohort}", f"/teach/submission/{submission}",
                              f"/teach/{cohort}/agreement", f"/teach/{cohort}/disputed",
                              f"/teach/{cohort}/release", f"/teach/{cohort}/audit", f"/teach/{cohort}/funnel",
                              f"/teach/programs/{cast['program']}/funnel", "/"]),
        (cast["coordinator"], [f"/admin/cohorts/{cohort}", f"/admin/cohorts/{cohort}/plan"]),
        (cast["administrator"], ["/admin/", "/admin/programs/new", f"/admin/programs/{cast['program']}",
                                 f"/admin/programs/{cast['program']}/brief",
                                 f"/admin/programs/{cast['program']}/cohorts/new"]),
    ]  # fmt: skip
    found += visited(enter, visits)
    shared = enter(learner).new_page()
    shared.goto(f"/learn/records/{record_id}")
    shared.get_by_role("button", name="Share the record").click()
    shared.get_by_label("Who or what the link is for").fill("Example Ltd")
    shared.get_by_label("The score, with its likely range").last.check()
    shared.get_by_role("button", name="Make a link").click()
    found += faults(shared)
    shared.get_by_role("article").get_by_role("link").click()
    expect(shared.get_by_role("heading", level=1)).to_have_text("Valid")
    found += faults(shared)
    shared.goto("/verify/many")
    shared.get_by_label("Credential IDs or links").fill(f"{public_id} nothing")
    shared.get_by_role("button", name="Check all", exact=True).click()
    found += faults(shared)
    shared.goto(f"/verify/{public_id}")
    expect(shared.get_by_role("heading", level=1)).to_have_text("Valid")
    found += faults(shared)
    assert found == []


def test_every_set_up_page_is_accessible(cast: dict[str, Any], enter: Enter) -> None:
    cohort = cast["cohort"]
    visits: list[tuple[str | None, list[str]]] = [
        (cast["coordinator"], [f"/admin/cohorts/{cohort}{part}" for part in
                               ("", "/plan", "/calendar", "/settings", "/people", "/conflicts",
                                "/import/roster", "/end", f"/imports/{cast['roster']}",
                                f"/members/{cast['membership']}/end")]),
        (cast["office"], ["/admin/", f"/admin/sponsors/{cast['sponsor']}",
                          f"/admin/sponsors/{cast['sponsor']}/programs/new",
                          f"/admin/rubrics/{cast['rubric']}",
                          *(f"/admin/programs/{cast['program']}{part}" for part in
                            ("", "/about", "/courses", "/brief", "/briefs/1", "/rubrics/new",
                             "/cohorts/new", "/import/completions", "/entitlements",
                             f"/entitlements/{cast['entitlement']}")),
                          *(f"/admin/cohorts/{cast['preparing']}{part}" for part in
                            ("", "/plan", "/calendar", "/settings", "/open"))]),
        (cast["administrator"], ["/admin/", "/admin/sponsors/new",
                                 f"/admin/sponsors/{cast['sponsor']}", "/admin/accounts",
                                 f"/admin/accounts/{cast['instructor']}", "/admin/jobs",
                                 "/admin/jobs?state=waiting"]),
    ]  # fmt: skip
    assert visited(enter, visits) == []


def chosen(page: Page) -> list[str]:
    values = page.eval_on_selector_all(
        "input[type=radio]:checked", "all => all.map((e) => e.value)"
    )
    return [str(value) for value in values]


def test_a_sheet_by_keys_alone(cast: dict[str, Any], act: Callable[[], Any], enter: Enter) -> None:
    """Levels, a comment and the finish without a pointer; text typed in a comment sets no level."""
    item, grader = an_item(act, Pool.PROFESSIONAL)
    page = enter(grader).new_page()
    page.goto(f"/grade/item/{item}")
    page.locator("#level-question-0").focus()
    for keys in ("2", "j", "3", "j", "1", "j", "0", "j", "4"):
        page.keyboard.press(keys)
    assert chosen(page) == ["2", "3", "1", "0", "4"]
    page.keyboard.press("c")
    page.keyboard.type("3 j k: well put")
    assert chosen(page) == ["2", "3", "1", "0", "4"]
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")
    expect(page.locator("[data-scored]")).to_have_text("5 of 5 criteria scored")
    for key in "abdefghilmnopqrstuvwxyz":
        page.locator("#level-question-2").focus()
        page.keyboard.press(key)
    assert page.url.endswith(item)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/finished")
    with act() as session:
        review = session.scalars(select(Review).where(Review.allocation_id == item)).one()
        assert review.levels == {
            "question": 2, "measurement": 3, "preparation": 1, "analysis": 0, "communication": 4,
        }  # fmt: skip
        assert review.comments == {"communication": "3 j k: well put"}
    page.get_by_role("button", name="Undo finish").click()
    page.wait_for_url(f"**/grade/item/{item}")
    assert chosen(page) == ["2", "3", "1", "0", "4"]


def test_a_gap_is_named_and_focused(
    cast: dict[str, Any], act: Callable[[], Any], enter: Enter
) -> None:
    item, grader = an_item(act, Pool.PROFESSIONAL)
    page = enter(grader).new_page()
    page.goto(f"/grade/item/{item}")
    page.locator("#level-question-1").check()
    page.get_by_role("button", name="Finish").click()
    expect(page).to_have_title("Error: " + page.title().removeprefix("Error: "))
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    assert summary.get_by_role("link").count() == 4
    assert chosen(page) == ["1"]
    assert faults(page) == []


def test_offline_work_is_kept_and_sent_later(
    cast: dict[str, Any], act: Callable[[], Any], enter: Enter
) -> None:
    item, grader = an_item(act, Pool.PROFESSIONAL)
    context = enter(grader)
    page = context.new_page()
    page.goto(f"/grade/item/{item}")
    context.set_offline(True)
    page.locator("#comment").fill("written on the train")
    expect(page.locator("[data-save-state]")).to_contain_text("Not sent yet")
    page.close(run_before_unload=False)
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"/grade/item/{item}")
    expect(page.locator("#comment")).to_have_value("written on the train")
    expect(page.locator("[data-save-state]")).to_contain_text("Saved")
    with act() as session:
        assert session.scalars(select(Review.comment)).one() == "written on the train"


def test_two_tabs_do_not_overwrite_each_other(
    cast: dict[str, Any], act: Callable[[], Any], enter: Enter
) -> None:
    item, grader = an_item(act, Pool.PROFESSIONAL)
    context = enter(grader)
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(f"/grade/item/{item}")
    first.locator("#comment").fill("from the first tab")
    expect(first.locator("[data-save-state]")).to_contain_text("Saved")
    second.locator("#comment").fill("from the second tab")
    expect(second.locator("dialog[data-bench-dialog]")).to_be_visible()
    with act() as session:
        assert session.scalars(select(Review.comment)).one() == "from the first tab"


def test_the_whole_job_without_javascript(
    app: Flask, cast: dict[str, Any], act: Callable[[], Any], enter: Enter, clock: Clock
) -> None:
    """A late learner submits, a grader reads, the result is released and shared: no script runs."""
    with act() as session:
        cohort = session.get_one(factories.Cohort, cast["cohort"])
        late = factories.a_learner(session, cohort, "Learner Yew", now=NOW).id
    clock.forward(minutes=5)
    page = enter(late, java_script_enabled=False).new_page()
    page.goto("/")
    page.get_by_role("link", name="Submit your project").click()
    page.get_by_role("button", name="Start your project").click()
    page.goto(f"/learn/{cast['cohort']}/project")
    page.get_by_label("Title").fill("Late but whole")
    page.get_by_label("Text", exact=True).fill(WORDS)
    page.get_by_role("button", name="Save and check").click()
    page.get_by_label("This project is my own work").check()
    page.get_by_role("button", name="Submit your project").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your project is submitted")
    upkeep.run(app, cast["cohort"], now=clock.forward(minutes=1), seed=6)
    with act() as session:
        work = session.scalars(select(Submission).where(Submission.learner_id == late)).one()
        mine = list(session.scalars(select(Allocation).where(Allocation.submission_id == work.id)))
        assert len(mine) == 3
    rate_all(act, clock.now)
    grader_id = an_item(act, Pool.PROFESSIONAL)[1]
    bench = enter(grader_id, java_script_enabled=False).new_page()
    bench.goto("/grade/")
    bench.get_by_role("button", name="grading").click()
    for fieldset in bench.locator("fieldset.criterion").all():
        fieldset.locator("input[type=radio]").nth(3).check()
    bench.get_by_role("button", name="Finish").click()
    expect(bench.get_by_role("heading", level=1)).to_contain_text("finished")
    upkeep.run(app, cast["cohort"], now=clock.forward(minutes=11))
    for person, button in ((cast["instructor"], "Release"), (cast["second"], "Sign the release")):
        desk = enter(person, java_script_enabled=False).new_page()
        desk.goto(f"/teach/{cast['cohort']}/release")
        desk.get_by_role("button", name=button).first.click()
    Worker(app, HANDLERS, clock=clock).run_until_idle(clock.now + timedelta(minutes=11))
    page.goto(f"/learn/{cast['cohort']}/result")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your result:")


@pytest.fixture
def disputed(act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    """Four released results: an appeal to decide, one upheld, a case to decide, one upheld."""
    with act() as session:
        told = stories.results(session, learners=4, graders=4)
        cast, now = told[0].cast, told[0].now
        cast.learners[0].time_zone = "America/New_York"
        appeal = stories.appeal_in(session, told[0], "remarked")
        decisions.strike_reading(
            session,
            told[0].fresh,
            appeal,
            session.scalars(
                select(Allocation).where(
                    Allocation.submission_id == told[0].work.id,
                    Allocation.rater_id == told[0].reader.id,
                )
            ).one(),
            fault="Another project was read.",
            criteria=["method"],
            now=now,
        )
        stories.question_in(session, told[1], "answered")
        stories.appeal_in(session, told[1], "upheld")
        question = stories.question_in(session, told[2], "open")
        fresh = stories.an_appeal(session, told[2])
        case = stories.case_in(session, cast, told[2].work, "heard", now=now)
        gone = stories.case_in(session, cast, told[3].work, "upheld", now=now)
        extensions.grant(
            session,
            cast.coordinator,
            cast.cohort,
            cast.learners[0],
            kind=ExtensionKind.EXTENSION,
            days=3,
            reason="Ill for a week.",
            now=now,
        )
        absences.declare_absence(
            session,
            cast.coordinator,
            cast.cohort,
            cast.graders[0],
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(days=3),
            cover=cast.graders[1],
            now=now,
        )
        session.flush()
        clock.now = now
        cohort = cast.cohort.id
        reading = session.scalars(select(StruckReading.allocation_id)).one()
        return {
            "learner": cast.learners[0].id,
            "coordinator": cast.coordinator.id,
            "second": cast.second_instructor.id,
            "cohort": cohort,
            "case": case.id,
            "visits": [
                (told[0].fresh.id, [f"/grade/appeal/{appeal.id}",
                                    f"/grade/appeal/{appeal.id}/strike/{reading}/others"]),
                (question.owner_id, [f"/grade/question/{question.id}"]),
                (cast.graders[0].id, ["/grade/", f"/grade/{cohort}/away"]),
                (told[0].learner.id, [f"/learn/{cohort}/result", f"/learn/{cohort}/result/ask"]),
                (told[1].learner.id, [f"/learn/{cohort}/result", f"/learn/{cohort}/result/ask"]),
                (told[2].learner.id, [f"/learn/{cohort}/hearing", f"/learn/{cohort}/result"]),
                (told[3].learner.id, [f"/learn/{cohort}/hearing", f"/learn/{cohort}/result"]),
                (cast.instructor.id, [f"/teach/{cohort}/disputed", f"/teach/{cohort}/suspicions",
                                      f"/teach/suspicion/{case.id}", f"/teach/suspicion/{gone.id}",
                                      f"/teach/submission/{told[2].work.id}",
                                      f"/teach/submission/{told[2].work.id}/suspect",
                                      f"/teach/struck/{reading}", f"/teach/{cohort}/absences"]),
                (cast.coordinator.id, [f"/teach/{cohort}/extensions?q=learner",
                                       f"/teach/{cohort}/extensions/{cast.learners[0].id}",
                                       f"/teach/{cohort}/absences"]),
            ],
            "appeal": fresh.id,
        }  # fmt: skip


def test_pages_of_disputes_are_accessible(disputed: dict[str, Any], enter: Enter) -> None:
    found: list[str] = []
    for person, addresses in disputed["visits"]:
        page = enter(person).new_page()
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            found += faults(page)
    page = enter(disputed["coordinator"]).new_page()
    page.goto(f"/teach/{disputed['cohort']}/extensions/{disputed['learner']}")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.locator(".error-summary")).to_be_visible()
    found += faults(page)
    page.get_by_label("Adjustment").check()
    page.get_by_label("1.25 times").check()
    page.get_by_label("Reason").fill("A lasting need.")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.get_by_role("heading", name="What this changes")).to_be_visible()
    found += faults(page)
    assert found == []


def test_disputes_without_javascript(disputed: dict[str, Any], enter: Enter) -> None:
    """More time is granted, a grader says they are back, and a case is decided by two."""
    page = enter(disputed["coordinator"], java_script_enabled=False).new_page()
    page.goto(f"/teach/{disputed['cohort']}/extensions?q=alder")
    page.get_by_role("link", name="Learner Alder").first.click()
    page.get_by_label("Extension").check()
    page.get_by_label("Days", exact=True).fill("4")
    page.get_by_label("Reason").fill("A second illness.")
    page.get_by_role("button", name="Show what this changes").click()
    expect(page.get_by_role("table", name="Dates that move")).to_contain_text("New York time")
    page.get_by_role("button", name="Grant 4 days").click()
    expect(page.locator(".notice")).to_contain_text("Granted")
    page.goto(f"/teach/{disputed['cohort']}/absences")
    page.get_by_role("button", name="End the absence").click()
    expect(page.locator(".empty")).to_contain_text("Nobody is away")
    first = enter(disputed["visits"][7][0], java_script_enabled=False).new_page()
    first.goto(f"/teach/suspicion/{disputed['case']}")
    first.get_by_role("button", name="Decide, as the first of two").click()
    expect(first.locator(".error-summary")).to_be_visible()
    first.get_by_label("Upheld: the record").check()
    first.get_by_label("Reason", exact=True).fill("The page is word for word the same.")
    first.get_by_role("button", name="Decide, as the first of two").click()
    expect(first.locator("main")).to_contain_text("Another person decides next")
    second = enter(disputed["second"], java_script_enabled=False).new_page()
    second.goto(f"/teach/suspicion/{disputed['case']}")
    second.get_by_role("button", name="Agree and decide").click()
    expect(second.locator("main")).to_contain_text("is revoked")
