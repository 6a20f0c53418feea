"""Each cell of the tables of states stands on its pages: heading, sentence, next act, and no other act."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from grading.cohorts import extensions, submissions, withdrawals
from grading.models import Allocation, Cohort, Person, Submission, SubmissionMember
from grading.readings import holds, monitoring
from grading.web.errors import FILES, page_above
from grading.workflow.calendar import ExtensionKind
from grading.workflow.capstone_page import CELLS, Act, Moment, Situation
from grading.workflow.cohort import CohortState
from tests import factories, stories
from tests.database import NOW, Clock
from tests.web.test_approving import text_of

Act_ = Callable[[], Any]
DAY = timedelta(days=1)
STATE_OF = {
    Situation.DRAFT: "draft",
    Situation.SUBMITTED: "submitted",
    Situation.CONTESTED: "contested",
    Situation.BEING_READ: "begun",
    Situation.READ: "resolved",
    Situation.HELD: "withheld",
    Situation.WITHDRAWN: "withdrawn",
}
FORMS = {
    Act.START: "/project/start",
    Act.TAKE_BACK: "/project/take-back",
    Act.COME_BACK: "/project/come-back",
}


def plain(page: str) -> str:
    """The words of a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def faults_of(page: str, situation: Situation, moment: Moment, place: str) -> list[str]:
    cell = CELLS[situation, moment]
    words = plain(page)
    parts = [part.strip(" .") for part in re.split(r"%\(\w+\)s", cell.sentence)]
    faults = [f"says not “{part}”" for part in parts if part.replace("’", "'") not in words]
    if cell.heading not in words:
        faults.append(f"has no heading “{cell.heading}”")
    for act, form in FORMS.items():
        if (f'{form}"' in page) != (cell.act is act):
            faults.append(f"{act}: {form} is {'missing' if cell.act is act else 'offered'}")
    if place == "project" and ("<textarea" in page) != (cell.act is Act.WRITE):
        faults.append("can be written on" if "<textarea" in page else "cannot be written on")
    if place == "" and (">Read why<" in page) != (cell.act is Act.READ_WHY):
        faults.append("the way to the reason")
    if page.count("<h1") != 1:
        faults.append("has not one h1")
    return [f"{situation}, {moment}, /{place}: {fault}" for fault in faults]


def test_every_cell_stands_on_the_capstones_the_projects_and_the_results_page(
    act: Act_, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=2, submitted=False, late_days=3, return_days=0
        )
        cohort = cast.cohort
        with_work, without = cast.learners
        work = factories.a_submission(session, cohort, with_work, now=cohort.opens_at + DAY).id
        place, learner, nobody = cohort.id, with_work.id, without.id
        instants: dict[Moment, datetime] = {
            Moment.BEFORE: cohort.opens_at - DAY,
            Moment.OPEN: cohort.due_at - DAY,
            Moment.GRACE: cohort.closes_at - timedelta(hours=1),
            Moment.CLOSED: cohort.results_at - DAY,
            Moment.OVERDUE: cohort.results_at + 30 * DAY,
            Moment.ENDED: cohort.results_at + 60 * DAY,
        }
    faults = []
    for moment, now in instants.items():
        clock.now = now
        with act() as session:
            if moment is Moment.ENDED:
                ended = {"state": CohortState.ENDED, "ended_at": now}
                session.execute(update(Cohort).where(Cohort.id == place).values(**ended))
        for situation in Situation:
            if situation is Situation.RELEASED:
                continue
            who = nobody if situation is Situation.NOTHING else learner
            # What becomes of a work is other tests' matter: here the pages read its state.
            if situation in STATE_OF:
                part = "withdrawn" if situation is Situation.WITHDRAWN else "joined"
                with act() as session:
                    session.execute(
                        update(Submission)
                        .where(Submission.id == work)
                        .values(state=STATE_OF[situation])
                    )
                    session.execute(
                        update(SubmissionMember)
                        .where(SubmissionMember.submission_id == work)
                        .values(state=part, ended_at=NOW - 9 * DAY if part == "withdrawn" else None)
                    )
            client = sign_in(who)
            for page in ("", "project", "result"):
                answer = client.get(f"/learn/{place}/{page}".rstrip("/"))
                assert answer.status_code == 200, (situation, moment, page)
                faults += faults_of(answer.text, situation, moment, page)
    assert "\n".join(faults) == ""


def test_a_result_that_is_out_is_the_next_thing_to_read(
    act: Act_, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        told = stories.a_result(session)
        clock.now = told.now
        learner, cohort = told.learner.id, told.cast.cohort.id
    client = sign_in(learner)
    for page in (f"/learn/{cohort}", f"/learn/{cohort}/project"):
        words = plain(client.get(page).text)
        assert "Your result is out." in words
        assert "Take it back" not in words


@pytest.fixture
def cast(act: Act_, clock: Clock) -> dict[str, Any]:
    with act() as session:
        made = factories.a_cast(session, now=NOW, learners=4, late_days=2)
        cohort = made.cohort
        return {
            "cohort": cohort.id,
            "learner": made.learners[0].id,
            "other": made.learners[1].id,
            "graders": [grader.id for grader in made.graders],
            "lead": made.lead.id,
            "coordinator": made.coordinator.id,
            "due": cohort.due_at,
            "closes": cohort.closes_at,
            "peers": cohort.peers_due_at,
        }


def test_who_has_submitted_is_not_told_in_the_grace_that_they_can_still_submit(
    sign_in: Any, clock: Clock, cast: dict[str, Any]
) -> None:
    clock.now = cast["due"] + timedelta(hours=1)
    page = plain(sign_in(cast["learner"]).get(f"/learn/{cast['cohort']}").text)
    assert "You can still submit" not in page
    assert "Your project is submitted." in page


def test_who_withdrew_or_never_submitted_is_told_of_no_result_to_come(
    act: Act_, sign_in: Any, clock: Clock, cast: dict[str, Any]
) -> None:
    assert "Results are due" in plain(sign_in(cast["learner"]).get("/").text)
    with act() as session:
        work = session.scalars(select(Submission).filter_by(learner_id=cast["learner"])).one()
        withdrawals.withdraw(session, work.learner, work, now=NOW + 2 * DAY)
        other = session.scalars(select(Submission).filter_by(learner_id=cast["other"])).one()
        submissions.take_back(session, other.learner, other, now=NOW + 2 * DAY)
    clock.now = cast["closes"] + DAY
    for who in ("learner", "other"):
        assert "Results are due" not in plain(sign_in(cast[who]).get("/").text), who
        page = plain(sign_in(cast[who]).get(f"/learn/{cast['cohort']}").text)
        assert "No result comes" in page
        assert "Results 2" not in page


def test_a_project_that_is_not_begun_has_a_page_that_begins_it(
    act: Act_, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        made = factories.a_cast(session, now=NOW, learners=1, submitted=False)
        who, cohort = made.learners[0].id, made.cohort.id
        clock.now = made.cohort.opens_at + DAY
    client = sign_in(who)
    page = client.get(f"/learn/{cohort}/project")
    assert (page.status_code, "Start your project" in plain(page.text)) == (200, True)
    for below in ("check", "receipt", "withdraw"):
        led = client.get(f"/learn/{cohort}/project/{below}")
        assert led.location == f"/learn/{cohort}/project", below
    # The same address starts it, and reloaded it leads to its page.
    assert client.get(f"/learn/{cohort}/project/start").location == f"/learn/{cohort}/project"
    assert client.post(f"/learn/{cohort}/project/start").status_code == 303


def test_a_reviewer_who_did_not_come_is_not_offered_to_take_it_back(
    act: Act_, sign_in: Any, clock: Clock, cast: dict[str, Any]
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cast["cohort"])
        factories.run_upkeep(session, cohort, now=cast["due"])
        item = session.scalars(
            select(Allocation).filter_by(rater_id=cast["learner"], pool="peer")
        ).first()
        assert item is not None
        item_id = item.id
        holds.keep(session, item, now=cast["due"])
        holds.lapse(session, item, now=cast["due"] + DAY)
        # What a late reviewer had is covered by nobody yet.
        assert not item.replaced
    client, address = sign_in(cast["learner"]), f"/learn/review/{item_id}"
    clock.now = cast["due"] + DAY
    assert "Take it back" in plain(client.get(address).text)
    clock.now = cast["peers"] + DAY
    over = client.get(address)
    assert (over.status_code, "Take it back" in over.text) == (410, False)
    assert "<h1>Reviews are over</h1>" in over.text
    assert client.post(f"{address}/take-back").status_code == 410
    page = sign_in(cast["learner"]).get(f"/learn/{cast['cohort']}").text
    assert "The time for reviews ended" in plain(page)
    assert f'href="{address}"' not in page


def test_more_time_for_a_reviewer_keeps_the_way_back_open(
    act: Act_, sign_in: Any, clock: Clock, cast: dict[str, Any]
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cast["cohort"])
        extensions.grant(
            session,
            session.get_one(Person, cast["coordinator"]),
            cohort,
            session.get_one(Person, cast["learner"]),
            kind=ExtensionKind.ADJUSTMENT,
            days=5,
            reason="A lasting need.",
            now=NOW,
        )
        factories.run_upkeep(session, cohort, now=cast["due"])
        item = session.scalars(
            select(Allocation).filter_by(rater_id=cast["learner"], pool="peer")
        ).first()
        assert item is not None
        item_id = item.id
        holds.keep(session, item, now=cast["due"])
        holds.lapse(session, item, now=cast["due"] + DAY)
    clock.now = cast["peers"] + DAY
    assert "Take it back" in sign_in(cast["learner"]).get(f"/learn/review/{item_id}").text


def test_a_grader_reads_the_same_number_at_home_and_at_the_bench(
    act: Act_, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        made = factories.a_cast(
            session, now=NOW, learners=4, graders=2, peer_readings=0, peers_needed=0
        )
        now = made.cohort.due_at
        factories.run_upkeep(session, made.cohort, now=now)
        session.execute(
            update(Allocation).values(rater_id=None, state="open", hold_until=None, held_since=None)
        )
        clock.now = now
        grader = made.graders[1].id
    client = sign_in(grader)
    assert "4 open items need a grader" in plain(client.get("/").text)
    bench = plain(client.get("/grade/").text)
    assert "Open items that need a reader: 4." in bench
    assert "Nothing waits" not in bench
    with act() as session:
        session.execute(update(Allocation).values(state="cancelled"))
    bench = client.get("/grade/")
    assert "Nothing waits for you now." in plain(bench.text)
    assert "/grade/next/" not in bench.text


def test_a_paused_graders_item_has_a_heading_and_the_way_to_the_reason(
    act: Act_, sign_in: Any, clock: Clock, cast: dict[str, Any]
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cast["cohort"])
        factories.run_upkeep(session, cohort, now=cast["due"])
        item = session.scalars(
            select(Allocation).where(
                Allocation.rater_id.in_(cast["graders"]), Allocation.pool == "professional"
            )
        ).first()
        assert item is not None
        assert item.rater is not None
        who, item_id = item.rater.id, item.id
        monitoring.pause(
            session,
            session.get_one(Person, cast["lead"]),
            cohort,
            item.rater,
            reason="Your last three readings stand apart.",
            now=cast["due"],
        )
    clock.now = cast["due"]
    lost = sign_in(who).get(f"/grade/item/{item_id}")
    assert lost.status_code == 410
    assert "<h1>Your queue is paused</h1>" in lost.text
    assert "/grade/next/" not in lost.text
    bench = text_of(sign_in(who).get("/grade/"))
    assert "Your last three readings stand apart." in bench
    assert "/grade/next/" not in bench


def test_every_address_that_only_takes_forms_leads_back_to_its_page(app: Flask) -> None:
    shown = {
        rule.rule.rstrip("/")
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in FILES
    }
    only_taking = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.rule.rstrip("/") not in shown
    ]
    assert len(only_taking) > 60
    client = app.test_client()
    for rule in only_taking:
        page = page_above(app, rule)
        assert page is not None, rule.rule
        places = dict.fromkeys(rule.arguments, "x" * 8)
        with app.test_request_context():
            address = app.url_map.bind("localhost").build(
                rule.endpoint, places, method="POST", force_external=False
            )
            expected = app.url_map.bind("localhost").build(
                page.endpoint,
                {name: value for name, value in places.items() if name in page.arguments},
                force_external=False,
            )
        led = client.get(address)
        assert (led.status_code, led.location) == (303, expected), rule.rule
