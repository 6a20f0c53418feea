"""The pages of leads and of calibration in a browser."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from playwright.sync_api import BrowserContext
from sqlalchemy import select

from grading.jobs import upkeep
from grading.models import Alarm
from grading.readings import anchors, calibration, monitoring
from grading.scores import quarantines
from grading.workflow.allocation import AllocationState
from grading.workflow.calibration import AttemptKind
from tests import factories
from tests.browser.a11y import faults
from tests.database import NOW, Clock
from tests.readings.test_calibration import AT, RULES, rng
from tests.readings.test_monitoring import drifting

Enter = Callable[..., BrowserContext]


def visit(enter: Enter, person: str, addresses: list[str]) -> None:
    """Open each page and look for faults."""
    page = enter(person).new_page()
    found = []
    for number, address in enumerate(addresses):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        for details in page.locator("main details").all():
            details.evaluate("(one) => { one.open = true }")
        name = address.split("?")[0].strip("/").split("/")
        short = "-".join(part for part in name if len(part) < 20)
        found += faults(page, picture=f"{short}-{number}")
    assert found == []


def test_monitoring_pages(app: Flask, act: Callable[[], Any], clock: Clock, enter: Enter) -> None:
    with act() as session:
        cast, mover = drifting(session, drift=True)
        cohort, lead, grader = cast.cohort.id, cast.lead.id, mover.id
        due = cast.cohort.due_at
    clock.now = due + timedelta(hours=8)
    upkeep.run(app, cohort, now=clock.now)
    with act() as session:
        alarm = session.scalars(select(Alarm).where(Alarm.person_id == grader)).first()
        assert alarm is not None
        lead_, mover_ = (session.get_one(factories.Person, one) for one in (lead, grader))
        found = session.get_one(factories.Cohort, cohort)
        monitoring.pause(session, lead_, found, mover_, reason="Milder?", now=clock.now)
        quarantines.impose(
            session,
            lead_,
            found,
            mover_,
            criterion="method",
            since=quarantines.since_of(session, found, alarm),
            reason="It moved by a level.",
            now=clock.now,
        )
    home = f"/teach/{cohort}"
    visit(
        enter,
        lead,
        [
            f"{home}/graders",
            f"{home}/graders/{grader}",
            f"{home}/graders/{grader}/set-aside?since=all",
            f"{home}/set-aside",
            f"{home}/readings?more=20",
            f"{home}/standings",
            home,
        ],
    )
    visit(enter, grader, ["/grade/", f"/grade/consistency/{cohort}"])


def test_calibration_pages(act: Callable[[], Any], clock: Clock, enter: Enter) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=10, graders=3, **RULES)
        factories.anchor_papers(session, cast, 2, "practice", now=AT)
        factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=2)
        works = cast.submissions
        for work in works[5:7]:
            anchors.consent(session, work.learner, work, given=True, now=AT)
        proposed = anchors.propose(session, cast.lead, works[5], now=AT)
        marked = anchors.propose(session, cast.lead, works[6], now=AT)
        reasons = dict.fromkeys(("question", "method"), "It shows what this level asks for.")
        for lead, level in ((cast.lead, 1), (cast.instructor, 2)):
            anchors.mark(
                session,
                lead,
                marked,
                levels={"question": 2, "method": level},
                reasons=reasons,
                now=AT,
            )
        grader, cohort = cast.graders[0], cast.cohort
        attempt = calibration.start(
            session, grader, cohort, AttemptKind.PRACTICE, rng=rng(), now=AT
        )
        [(item, _paper)] = calibration.items(session, attempt)
        factories.rate(session, item, {"question": 0, "method": 2}, now=AT)
        calibration.hand_in(session, grader, attempt, now=AT)
        calibration.start(session, grader, cohort, AttemptKind.QUALIFICATION, rng=rng(), now=AT)
        peer = cast.learners[9]
        calibration.start(session, peer, cohort, AttemptKind.PRACTICE, rng=rng(), now=AT)
        home, part = f"/teach/{cohort.id}", cohort.id
        lead_, grader_, peer_ = cast.lead.id, grader.id, peer.id
        examples = [f"/teach/example/{one.id}" for one in (proposed, marked)]
        item_id, attempt_id = item.id, attempt.id
        assert item.state == AllocationState.SEALED
        work_id = works[8].id
    clock.now = AT
    visit(
        enter,
        lead_,
        [f"{home}/examples", *examples, f"{home}/standings", f"/teach/submission/{work_id}"],
    )
    visit(
        enter,
        grader_,
        [
            "/grade/",
            f"/grade/calibration/{part}",
            f"/grade/attempt/{attempt_id}",
            f"/grade/item/{item_id}/finished",
        ],
    )
    visit(enter, peer_, [f"/learn/calibration/{part}", f"/learn/{part}/project"])
