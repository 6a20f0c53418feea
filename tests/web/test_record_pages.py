"""The record as its owner, an employer and a sponsor see it."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.jobs import credentials, upkeep
from grading.models import Allocation, CredentialRecord, Person, ShareLink
from grading.records import records, reissues, revocations
from grading.records.queries import program_record
from grading.releases import releases
from tests import factories
from tests.database import NOW, Clock, acting
from tests.issuing import small_keys
from tests.kept import kept_by_app
from tests.web.test_query_counts import counted

__all__ = ["small_keys"]

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("small_keys")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@kept_by_app
def twelve_results(app: Flask) -> dict[str, Any]:
    """Twelve learners with a released result, one of them not passed; one more who only enrolled."""
    clock = app.extensions["clock"]
    with acting(app) as session:
        cast = factories.a_cast(session, now=NOW, learners=12, sign_offs=1)
        program = cast.cohort.program
        program.capstone_hours, program.hours_approver = 30.0, "Example Board"
        program.provider_number = "P-1234"
        program.courses[0].hours, program.courses[0].expires_months = 10.0, 24
        late = factories.a_learner(session, cast.cohort, "Learner Yew", now=NOW, completed=False)
        cohort_id, due = cast.cohort.id, cast.cohort.due_at
        people = {
            "learner": cast.learners[0].id,
            "failed": cast.learners[1].id,
            "late": late.id,
            "instructor": cast.instructor.id,
            "coordinator": cast.coordinator.id,
            "administrator": cast.administrator.id,
            "stranger": cast.stranger.id,
            "lead": cast.lead.id,
        }
        program_id = program.id
    clock.now = due
    upkeep.run(app, cohort_id, now=due, seed=7)
    with acting(app) as session:
        for item in session.scalars(select(Allocation)).all():
            level = 1 if item.submission.learner_id == people["failed"] else 2
            factories.rate(session, item, {"question": level, "method": level}, now=due)
    upkeep.run(app, cohort_id, now=clock.forward(minutes=11))
    with acting(app) as session:
        cohort = session.get_one(factories.Cohort, cohort_id)
        release = releases.propose(
            session,
            session.get_one(Person, people["instructor"]),
            cohort,
            overrides={},
            failed_gates=[],
            now=clock.now,
        )
        assert releases.carry_out(session, release, now=clock.forward(minutes=11)) == 12
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == people["learner"])
        ).one()
        return people | {
            "cohort": cohort_id,
            "program": program_id,
            "record": record.id,
            "id": record.public_id,
        }


@pytest.fixture
def world(app: Flask) -> dict[str, Any]:
    return twelve_results(app)


def sign(app: Flask, world: dict[str, Any], clock: Clock) -> None:
    """Have the learner's credentials signed, as a worker does."""
    with app.app_context():
        credentials.at_once(app, world["learner"], now=clock.now)


def link(act: Callable[[], Any], label: str) -> str:
    with act() as session:
        found: str = session.scalars(
            select(ShareLink.public_id).where(ShareLink.label == label)
        ).one()
        return found


def test_the_whole_record_and_its_files(world: dict[str, Any], sign_in: Any) -> None:
    client = sign_in(world["learner"])
    assert client.get(f"/learn/records/{world['record']}").location.endswith(
        f"/learn/programs/{world['program']}/record"
    )
    page = client.get(f"/learn/programs/{world['program']}/record").text
    for words in ("Measuring", "1 June 2026", "a proctored exam", "1 June 2028", "Example Board",
                  "P-1234", "40.0", "3 of 3", "Counts", "Last updated", "Time to complete"):  # fmt: skip
        assert words in page, words
    table = rows_of(client.get(f"/learn/programs/{world['program']}/record.csv").text)
    assert [row["kind"] for row in table] == ["course"] * 3 + ["capstone"]
    assert table[0] | {"hours": "10.0", "expires_on": "2028-06-01"} == table[0]
    assert (table[3]["score"], table[3]["passed"], table[3]["counts"]) == ("67", "True", "True")
    whole = json.loads(client.get(f"/learn/programs/{world['program']}/record.json").text)
    assert (whole["hours"], whole["provider_number"]) == (40.0, "P-1234")
    assert [line["kind"] for line in whole["lines"]] == [row["kind"] for row in table]
    for other in ("stranger", "instructor"):
        answer = sign_in(world[other]).get(f"/learn/programs/{world['program']}/record")
        assert answer.status_code == 404


def test_who_has_not_begun_sees_what_is_missing_for_the_earliest_cohort(
    world: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    client = sign_in(world["late"])
    clock.now = NOW + DAY
    page = client.get(f"/learn/programs/{world['program']}/record").text
    assert "The earliest cohort you can reach is Spring" in page
    assert "Still missing for it" in page
    assert client.post(f"/learn/programs/{world['program']}/record").status_code == 409


def test_links_from_making_to_withdrawing(
    app: Flask,
    world: dict[str, Any],
    sign_in: Any,
    act: Callable[[], Any],
    client: Any,
    clock: Clock,
) -> None:
    sign(app, world, clock)
    learner = sign_in(world["learner"])
    make = f"/learn/records/{world['record']}/links"
    refused = learner.post(make, data={"label": " "})
    assert refused.status_code == 422
    assert 'href="#label"' in refused.text
    usual = ["courses", "level", "judged"]
    assert learner.post(make, data={"label": "Plain Ltd", "shows": usual}).status_code == 303
    full = {"label": "Full Ltd", "shows": [*usual, "score", "criteria"]}
    assert learner.post(make, data=full).status_code == 303
    plain = client.get(f"/verify/{link(act, 'Plain Ltd')}").text
    shown = client.get(f"/verify/{link(act, 'Full Ltd')}").text
    assert "<h1>Valid</h1>" in plain
    for words in ("How to read the level", "60 to below 70 of 100", "Who judged", "Against what",
                  "Question", "Method"):  # fmt: skip
        assert words in plain, words
    # How sure a score is tells of the score.
    for secret in ("67 of 100", "level 2 of 3", "Plain Ltd", "Read again", "likely range"):
        assert secret not in plain, secret
    assert "67 of 100" in shown
    assert "level 2 of 3" in shown
    assert "rests on one reading" in shown
    page = learner.get(f"/learn/programs/{world['program']}/record").text
    assert page.count("Looked at 1 time,") == 2
    # The record's own address is still closed.
    assert client.get(f"/verify/{world['id']}").status_code == 404
    with act() as session:
        found = session.scalars(select(ShareLink).where(ShareLink.label == "Plain Ltd")).one()
        link_id, public_id = found.id, found.public_id
    withdraw = f"/learn/links/{link_id}/withdraw"
    assert sign_in(world["failed"]).post(withdraw).status_code == 404
    assert learner.post(withdraw).status_code == 303
    gone = client.get(f"/verify/{public_id}")
    assert gone.status_code == 404
    assert gone.text == client.get("/verify/never-was").text


def test_status_is_the_heading_and_an_old_name_is_never_shown(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], client: Any, clock: Clock
) -> None:
    with act() as session:
        learner = session.get_one(Person, world["learner"])
        record = session.get_one(CredentialRecord, world["record"])
        record.expires_on = (clock.now + 10 * DAY).date()
        records.share(session, learner, record, now=clock.now)
        old = learner.name
    sign(app, world, clock)
    clock.forward(days=11)
    page = client.get(f"/verify/{world['id']}")
    assert "<h1>Expired</h1>" in page.text
    assert "Set-Cookie" not in page.headers
    assert (page.headers["X-Robots-Tag"], page.headers["Referrer-Policy"]) == (
        "noindex",
        "no-referrer",
    )
    with act() as session:
        learner = session.get_one(Person, world["learner"])
        learner.name = "Learner Rowan"
        reissues.issue_under_new_name(session, learner, learner, now=clock.now)
        session.flush()
        newer = program_record.current_record(session, world["program"], world["learner"])
        newer_id = newer.public_id
    page = client.get(f"/verify/{world['id']}").text
    assert "<h1>Replaced</h1>" in page
    # Whoever knows the old name is not led to the new one.
    assert newer_id not in page
    many = client.post("/verify/many", data={"ids": world["id"]}).text
    assert "Replaced</strong>" in many
    assert newer_id not in many
    assert old not in page
    assert "Learner Rowan" not in page
    with act() as session:
        newer = program_record.current_record(session, world["program"], world["learner"])
        actor = session.get_one(Person, world["instructor"])
        revocations.revoke_record(session, actor, newer, reason="a secret reason", now=clock.now)
    page = client.get(f"/verify/{newer_id}").text
    assert "<h1>Revoked</h1>" in page
    assert "secret" not in page
    assert "Rowan" not in page


def test_many_at_once(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], client: Any, clock: Clock
) -> None:
    with act() as session:
        learner = session.get_one(Person, world["learner"])
        learner.name = "=HYPERLINK(0)"
        record = session.get_one(CredentialRecord, world["record"])
        record.name = learner.name
        records.share(session, learner, record, now=clock.now)
    sign(app, world, clock)
    asked = f"https://example.org/verify/{world['id']}\nunknown-one"
    page = client.post("/verify/many", data={"ids": asked})
    assert page.status_code == 200
    assert page.text.index("Valid</strong>") < page.text.index("HYPERLINK")
    assert "Not found" in page.text
    sheet = client.post("/verify/many", data={"ids": asked, "as": "csv"})
    rows = rows_of(sheet.text)
    assert [row["status"] for row in rows] == ["Valid", "Not found"]
    assert rows[0]["name"] == "'=HYPERLINK(0)"
    assert client.post("/verify/many", data={"ids": " "}).status_code == 422
    hundred = "\n".join(f"id{number}" for number in range(100))
    for _ in range(4):
        assert client.post("/verify/many", data={"ids": hundred}).status_code == 200
    refused = client.post("/verify/many", data={"ids": hundred})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "3600"
    assert "Try again in 60 minutes." in refused.text
    clock.forward(minutes=61)
    assert client.post("/verify/many", data={"ids": hundred}).status_code == 200


def test_the_funnel_counts_hides_and_costs_the_same(
    app: Flask, world: dict[str, Any], act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    cohort, program = world["cohort"], world["program"]
    client = sign_in(world["coordinator"])
    rows = rows_of(client.get(f"/teach/{cohort}/funnel.csv").text)
    assert [(row["stage"], row["learners"]) for row in rows] == [
        ("enrolled", "13"), ("eligible", "12"), ("submitted", "12"), ("released", "12"),
        ("passed", "11"), ("shared", "0"),
    ]  # fmt: skip
    # Everybody had the courses when they came; handed in a day after; released together.
    days = {row["stage"]: row["median_days_from_the_step_before"] for row in rows}
    assert float(days["eligible"]) == 0
    assert float(days["submitted"]) == pytest.approx(1, abs=0.3)
    assert days["shared"] == ""
    page = client.get(f"/teach/{cohort}/funnel").text
    assert "Most stop between “Passed” and “Shared the record”: 11 of 11." in page
    assert "<svg" in page
    with counted(app) as few:
        assert client.get(f"/teach/programs/{program}/funnel").status_code == 200
    with act() as session:
        small = factories.cohorts.create_cohort(
            session,
            None,
            session.get_one(factories.Program, program),
            name="Small",
            opens_on=clock.now.date() + DAY,
            time_zone="Europe/London",
            rubric_version=session.get_one(factories.Cohort, cohort).rubric_version,
            plan=session.get_one(factories.Cohort, cohort).plan,
            now=clock.now,
        )
        for number in range(4):
            factories.a_learner(session, small, f"Learner Small{number}", now=clock.now)
        small_id = small.id
    with counted(app) as many:
        page = client.get(f"/teach/programs/{program}/funnel").text
    assert len(many) == len(few)
    assert "1 cohort of fewer than 10 learners is left out of the whole." in page
    rows = rows_of(client.get(f"/teach/programs/{program}/funnel.csv").text)
    assert {row["learners"] for row in rows if row["cohort"] == "Small"} == {""}
    # The whole must not give the small cohort away as a difference.
    assert next(row["learners"] for row in rows if row["cohort"] == "all") == "13"
    admin = sign_in(world["administrator"])
    page = admin.get(f"/teach/{small_id}/funnel").text
    assert "<svg" not in page
    assert "(4 of 10)" in page
    for other in ("lead", "learner", "stranger"):
        assert sign_in(world[other]).get(f"/teach/{cohort}/funnel").status_code == 404
        assert sign_in(world[other]).get(f"/teach/programs/{program}/funnel").status_code == 404
