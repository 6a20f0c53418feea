"""The set-up pages: an office runs its own sponsor's programs from nothing to the end of a cohort."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.db import db, transaction
from grading.models import (
    Brief,
    Cohort,
    Course,
    Entitlement,
    ImportBatch,
    Job,
    Membership,
    Person,
    Program,
    RubricVersion,
    Sponsor,
)
from grading.people import sponsors
from grading.programs import programs
from grading.readings import clearing
from grading.records import entitlements
from grading.workflow.cohort import Role
from grading.workflow.credential import EntitlementState
from tests import factories
from tests.database import NOW, Clock

TABLES = Path(__file__).parent.parent / "data" / "tables"

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture
def offices(act: Callable[[], Any], sign_in: Any) -> dict[str, Any]:
    """An administrator, and the offices of two sponsors."""
    with act() as session:
        found = {}
        beryl = factories.a_person(session, "Administrator Beryl", now=NOW, administrator=True)
        for name in ("first", "second"):
            sponsor = sponsors.create_sponsor(session, beryl, name=f"The {name} college", now=NOW)
            member = sponsors.add_member(
                session, beryl, sponsor, email=f"{name}@example.org", name=name, now=NOW
            )
            found[name] = {"sponsor": sponsor.id, "person": member.person_id}
        found["administrator"] = {"person": beryl.id}
    for entry in found.values():
        entry["client"] = sign_in(entry["person"])
    return found


def only(app: Flask, model: Any) -> Any:
    with app.app_context():
        return db.session.scalars(select(model)).one()


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


RUBRIC = """\
name = "small"
title = "Small"
version = 1
description = "A rubric."

[[criteria]]
code = "question"
title = "Question"
guidance = "What is asked."
weight = 100
courses = ["measuring", "cleaning", "modelling"]

[[criteria.levels]]
name = "Missing"
points = 0
descriptor = "Nothing is asked."

[[criteria.levels]]
name = "Thorough"
points = 4
descriptor = "One thing is asked, and it can be answered."
"""


def test_an_office_sets_a_cohort_up_and_ends_it(
    app: Flask, offices: dict[str, Any], clock: Clock
) -> None:
    office: FlaskClient = offices["first"]["client"]
    sponsor = offices["first"]["sponsor"]
    assert "The second college" not in text_of(office.get("/admin/"))
    made = office.post(
        f"/admin/sponsors/{sponsor}/programs/new",
        data={
            "name": "Counting",
            "capstone_title": "A city",
            "code": ["measuring", "cleaning", "modelling"],
            "title": ["Measuring", "Cleaning", "Modelling"],
        },
    )
    assert made.status_code == 303
    program = only(app, Program).id
    home = f"/admin/programs/{program}"
    courses = {
        "code": ["measuring", "cleaning", "modelling"],
        "title": ["Measuring", "Cleaning", "Modelling"],
        "equivalents": ["gauging, metering", "", ""],
        "expires_months": ["24", "", ""],
        "hours": ["7.5", "", ""],
        "required": ["1", "2"],
    }
    bad = office.post(f"{home}/courses", data=courses | {"hours": ["many", "", ""]})
    assert (bad.status_code, "hours a number" in text_of(bad)) == (422, True)
    assert office.post(f"{home}/courses", data=courses).status_code == 303
    with app.app_context():
        first = db.session.scalars(select(Course).where(Course.code == "measuring")).one()
        assert (first.equivalents, first.expires_months, first.hours, first.required) == (
            ["gauging", "metering"], 24, 7.5, True,
        )  # fmt: skip
        last = db.session.scalars(select(Course).where(Course.code == "modelling")).one()
        assert last.required is False
    about = {"name": "Counting", "capstone_title": "A city", "entitlement_required": "y",
             "retake_terms": "Next in spring.", "capstone_hours": "12"}  # fmt: skip
    assert office.post(f"{home}/about", data=about).status_code == 303
    brief = {"text": "# Count\n\nAll *bicycles*.", "example": "> Like this: it says **why**."}
    looked = office.post(f"{home}/brief", data=brief | {"preview": "yes"})
    assert "<em>bicycles</em>" in looked.get_data(as_text=True)
    assert "<strong>why</strong>" in looked.get_data(as_text=True)
    with app.app_context():
        assert db.session.scalar(select(Brief.id)) is None
    assert office.post(f"{home}/brief", data=brief).status_code == 303
    assert "<em>bicycles</em>" in office.get(f"{home}/briefs/1").get_data(as_text=True)

    faulty = RUBRIC.replace("points = 4", 'points = "four"').replace("weight = 100", "weight = 90")
    refused = office.post(f"{home}/rubrics/new", data={"text": faulty})
    assert refused.status_code == 422
    assert "One thing is asked" in text_of(refused)
    assert len(re.findall(r"rubric\.toml:\d+", text_of(refused))) >= 2
    assert office.post(f"{home}/rubrics/new", data={"text": RUBRIC}).status_code == 303
    rubric = only(app, RubricVersion).id
    sheet = office.get(f"/admin/rubrics/{rubric}").get_data(as_text=True)
    assert 'id="level-question-1"' in sheet
    assert office.post(f"/admin/rubrics/{rubric}/publish").status_code == 303

    new = {"name": "Spring", "opens_on": NOW.date().isoformat(), "time_zone": "Europe/London",
           "rubric": rubric, "preset": "course"}  # fmt: skip
    assert office.post(f"{home}/cohorts/new", data=new).status_code == 303
    cohort = only(app, Cohort).id
    place = f"/admin/cohorts/{cohort}"
    assert "No project can be read as planned" in text_of(office.get(place))
    roster = "email,name,role\n" + "".join(
        f"{role}{n}@example.org,{role.title()} {n},{role}\n"
        for role, count in (("learner", 4), ("grader", 3), ("instructor", 3), ("coordinator", 1))
        for n in range(count)
    )
    looked = office.post(
        f"{place}/import/roster", data={"file": (io.BytesIO(roster.encode()), "roster.csv")}
    )
    seen = re.search(r'name="seen" value="(\w+)"', looked.get_data(as_text=True))
    assert seen is not None
    with app.app_context():
        assert db.session.scalar(select(Membership.id)) is None
    done = office.post(f"{place}/import/roster", data={"text": roster, "seen": seen.group(1)})
    assert done.status_code == 303
    with app.app_context():
        assert len(db.session.scalars(select(Membership)).all()) == 11
    checked = text_of(office.get(place))
    assert "No project can" not in checked
    assert "Among 4 learners" in checked
    assert "Reading takes at least" in text_of(
        office.get(f"{place}?learners=500&minutes=30&hours=1")
    )
    page = text_of(office.get(f"{place}/open"))
    assert "so the cohort is not opened" in page
    assert "Open all the same" not in page
    refused = office.post(f"{place}/open")
    assert refused.status_code == 422
    assert "there are 0, and this cohort’s projects can add 4 at most" in text_of(refused)
    with app.app_context(), transaction() as session:
        people = {
            person.name: person for person in session.scalars(select(Person)) if person.active
        }
        clearing.clear_by_hand(
            session,
            people["Instructor 0"],
            session.get_one(Cohort, cohort),
            people["Grader 0"],
            reason="She reads for us for years.",
            now=NOW,
        )
    assert office.post(f"{place}/open").status_code == 303
    late = office.post(f"{place}/plan", data={"load": "economy"})
    assert "disabled" in late.get_data(as_text=True)
    unfinished = office.post(f"{place}/end", data={"reason": ""})
    assert (unfinished.status_code, "can still be handed in: 4" in text_of(unfinished)) == (
        422,
        True,
    )
    assert office.post(f"{place}/end", data={"reason": "nobody came"}).status_code == 303
    assert only(app, Cohort).state == "ended"


def test_a_calendar_is_laid_and_every_contradiction_named(
    app: Flask, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/calendar"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
        before = cohort.due_at
    client = sign_in(garnet)
    laid = client.post(place, data={"lay": "yes", "opens_on": "2027-03-01"})
    assert 'value="2027-03-29T23:59"' in laid.get_data(as_text=True)
    assert only(app, Cohort).due_at == before
    days = {
        "opens_at": "2027-03-01T09:00", "due_at": "2027-03-28T01:30",
        "closes_at": "2027-03-29T00:59", "peers_due_at": "2027-04-05T23:59",
        "grading_due_at": "2027-04-12T23:59", "results_at": "someday",
    }  # fmt: skip
    wrong = client.post(place, data=days)
    assert "The clocks skip this hour" in text_of(wrong)
    assert "Write day and time" in text_of(wrong)
    wrong = client.post(
        place, data=days | {"due_at": "2027-04-06T10:00", "results_at": "2027-04-01T09:00"}
    )
    assert wrong.status_code == 422
    said = text_of(wrong)
    for later, earlier in (("Grace ends", "Deadline"), ("Peer reviews by", "Deadline"),
                           ("Results", "Grading ends")):  # fmt: skip
        assert re.search(rf"{later}:[^<]*before “{earlier}”", said), (later, earlier)
    good = days | {"due_at": "2027-03-28T23:59", "results_at": "2027-04-19T09:00"}
    assert client.post(place, data=good).status_code == 303
    # 11:59pm in London is 10:59pm UTC once the clocks went forward that morning.
    assert only(app, Cohort).due_at.isoformat() == "2027-03-28T22:59:00+00:00"


def test_a_plan_shows_what_differs_before_it_is_saved(
    app: Flask, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/plan"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
    client = sign_in(garnet)
    assert "Course: 10" in text_of(client.get(place))
    looked = text_of(client.post(place, data={"load": "certification"}))
    assert "What would change" in looked
    assert re.search(r"Sign-offs</a></th>\s*<td>1</td>\s*<td>2</td>", looked)
    assert re.search(r"show that it is them</a></th>\s*<td>Off</td>\s*<td>Passkey</td>", looked)
    assert re.search(r'<option value="mean" selected>\s*Mean\s*</option>', looked)
    with app.app_context():
        assert len(db.session.scalars(select(Cohort)).one().plans) == 1


def test_another_sponsors_records_are_not_there(
    app: Flask, act: Callable[[], Any], offices: dict[str, Any]
) -> None:
    """Whatever address the second office tries of the first's, it is told that there is no such page."""
    with act() as session:
        program = programs.create_program(
            session, None, sponsor="The first college", name="Mine", capstone_title="C",
            courses=factories.COURSES, now=NOW,
        )  # fmt: skip
        alder = factories.a_person(session, "Alder", now=NOW)
        paid = entitlements.grant_entitlement(
            session, None, program, alder, None, EntitlementState.PAID, now=NOW
        )
        ours, entitlement = program.id, paid.id
        theirs = programs.create_program(
            session, None, sponsor="The second college", name="Theirs", capstone_title="C",
            courses=factories.COURSES, now=NOW,
        ).id  # fmt: skip
    first, second = offices["first"]["client"], offices["second"]["client"]
    assert first.get(f"/admin/programs/{ours}").status_code == 200
    for address in (
        f"/admin/programs/{ours}",
        f"/admin/programs/{ours}/entitlements",
        f"/admin/programs/{theirs}/entitlements/{entitlement}",
        f"/admin/sponsors/{offices['first']['sponsor']}",
        "/admin/accounts",
        "/admin/jobs",
    ):
        assert second.get(address).status_code == 404, address
    moved = {"state": "refunded", "reason": "x"}
    assert (
        second.post(f"/admin/programs/{theirs}/entitlements/{entitlement}", data=moved).status_code
        == 404
    )
    assert only(app, Entitlement).state == "paid"


def test_leaving_the_office_ends_what_one_sees(app: Flask, offices: dict[str, Any]) -> None:
    sponsor, office = offices["first"]["sponsor"], offices["first"]["client"]
    page = offices["administrator"]["client"].get(f"/admin/sponsors/{sponsor}")
    end = re.search(r'action="(/admin/sponsors/[^"]+/end)"', page.get_data(as_text=True))
    assert end is not None
    assert office.get(f"/admin/sponsors/{sponsor}").status_code == 200
    assert office.post(end.group(1)).status_code == 404
    assert offices["administrator"]["client"].post(end.group(1)).status_code == 303
    assert office.get(f"/admin/sponsors/{sponsor}").status_code == 404
    assert office.get("/admin/").status_code == 404


def test_a_logo_is_a_picture_by_its_content(app: Flask, offices: dict[str, Any]) -> None:
    sponsor, office = offices["first"]["sponsor"], offices["first"]["client"]
    place = f"/admin/sponsors/{sponsor}/logo"
    for data, name, said in (
        (b"<svg/>", "logo.png", "is not a PNG file"),
        (b"%PDF-1.4", "logo.pdf", "not a PDF file"),
        (b"plain", "logo.txt", "must be a PNG or JPEG"),
        (PNG + b"\0" * 500_000, "logo.png", "larger than 500 KB"),
        (b"", "logo.png", "Choose"),
    ):
        answer = office.post(place, data={"file": (io.BytesIO(data), name)})
        assert (answer.status_code, said in text_of(answer)) == (422, True), name
    assert office.post(place, data={"file": (io.BytesIO(PNG), "logo.png")}).status_code == 303
    shown = app.test_client().get(f"/logo/{sponsor}")
    assert (shown.data, shown.mimetype) == (PNG, "image/png")
    assert office.post(place, data={"remove": "yes"}).status_code == 303
    assert app.test_client().get(f"/logo/{sponsor}").status_code == 404
    assert list(app.extensions["grading"].files.keys()) == []


def test_an_import_is_undone_on_its_page(app: Flask, act: Callable[[], Any], sign_in: Any) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
    client = sign_in(garnet)
    roster = "email,name,role\na@example.org,A,learner\n"
    seen = re.search(
        r'name="seen" value="(\w+)"',
        client.post(f"{place}/import/roster", data={"text": roster}).get_data(as_text=True),
    )
    assert seen is not None
    stale = {"text": roster.replace("A,", "B,"), "seen": seen.group(1)}
    again = client.post(f"{place}/import/roster", data=stale)
    assert (again.status_code, "no longer what you looked at" in text_of(again)) == (422, True)
    client.post(f"{place}/import/roster", data={"text": roster, "seen": seen.group(1)})
    batch = only(app, ImportBatch).id
    page = client.get(f"{place}/imports/{batch}")
    assert "Can be taken back: 2" in text_of(page)
    assert client.post(f"{place}/imports/{batch}/undo").status_code == 303
    with app.app_context():
        assert db.session.scalar(select(Person).where(Person.email == "a@example.org")) is None


def test_a_table_in_another_encoding_is_shown_as_read_and_imported_as_shown(
    app: Flask, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/import/roster"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
    client = sign_in(garnet)
    table = (TABLES / "cp1252.csv").read_bytes()
    page = client.post(place, data={"file": (io.BytesIO(table), "roster.csv")})
    html = page.get_data(as_text=True)
    assert "it was read as Western European (Windows-1252)" in text_of(page)
    assert "René Müller" in text_of(page)
    assert "\ufffd" not in html
    sent = {"sent": re.search(r'name="sent" value="([^"]+)"', html)[1]}  # type: ignore[index]
    other = client.post(place, data=sent | {"encoding": "windows-1251"})
    assert "Renй Mьller" in text_of(other)
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen is not None
    # What was looked at in one way is not imported in another.
    late = client.post(place, data=sent | {"encoding": "windows-1251", "seen": seen[1]})
    assert late.status_code == 422
    assert client.post(place, data=sent | {"seen": seen[1]}).status_code == 303
    with app.app_context():
        person = db.session.scalars(select(Person).where(Person.email == "rene@example.org")).one()
        assert person.name == "René Müller"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("semicolon.csv", "Between cells Semicolon Names of the columns Line 1"),
        ("title_row.csv", "Between cells Comma Names of the columns Line 2"),
        ("utf16le_bom_tab.csv", "Encoding UTF-16 Between cells Tab"),
        ("roster.xlsx", "Sheet Sheet Names of the columns Line 1"),
        ("extra_cols.csv", "Columns left out student id, section"),
    ],
)
def test_the_page_says_how_a_table_was_read_and_takes_it(
    app: Flask, act: Callable[[], Any], sign_in: Any, name: str, said: str
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/import/roster"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
    client = sign_in(garnet)
    table = io.BytesIO((TABLES / name).read_bytes())
    page = client.post(place, data={"file": (table, name)})
    words = " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())
    assert (page.status_code, said in words) == (200, True), words
    fields = {
        field: re.search(rf'name="{field}" value="([^"]+)"', page.get_data(as_text=True))[1]  # type: ignore[index]
        for field in ("sent", "seen")
    }
    assert client.post(place, data=fields).status_code == 303
    with app.app_context():
        assert "learner" in db.session.scalars(select(Membership.role)).all()


def test_a_refused_table_is_not_put_into_the_box_where_its_letters_are_not_sure(
    act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/import/roster"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
    client = sign_in(garnet)
    faulty = (TABLES / "cp1252.csv").read_bytes().replace(b"learner", b"teacher")
    page = client.post(place, data={"file": (io.BytesIO(faulty), "roster.csv")})
    assert (page.status_code, "is none of learner" in text_of(page)) == (422, True)
    html = page.get_data(as_text=True)
    assert "\ufffd" not in html
    assert re.search(r"<textarea[^>]*>\s*</textarea>", html)
    # It can be read in another way without sending it again.
    assert 'name="encoding"' in html
    assert 'name="sent"' in html


def test_what_was_looked_at_comes_back_as_it_was_sent_or_is_asked_for_again(
    act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/import/roster"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
    client = sign_in(garnet)
    for sent in ("x", "größe", "====", ""):
        page = client.post(place, data={"sent": sent, "days": "day_first", "seen": "0"})
        assert (page.status_code, "Choose a file" in text_of(page)) == (422, True), sent


def test_a_name_that_differs_is_a_box_to_tick(
    app: Flask, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}/import/roster"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
        pea = factories.a_member(session, cohort, "Learner Pea", Role.LEARNER, now=NOW).id
    client = sign_in(garnet)
    table = (TABLES / "existing_other_name.csv").read_text()
    page = client.post(place, data={"text": table})
    assert "Names that differ" in text_of(page)
    html = page.get_data(as_text=True)
    assert re.search(r'name="names" value="learner.pea@example.org"[^>]*checked', html)
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen is not None
    for names, name in (([], "Learner Pea"), (["learner.pea@example.org"], "Learner Pea-Newname")):
        client.post(place, data={"text": table, "seen": seen[1], "names": names})
        with app.app_context():
            assert db.session.get_one(Person, pea).name == name


def test_the_page_of_people_refuses_two_hats_and_who_is_not_the_offices_to_make(
    app: Flask, act: Callable[[], Any], sign_in: Any
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        place = f"/admin/cohorts/{cohort.id}"
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW).id
        alder = factories.a_member(session, cohort, "Alder", Role.LEARNER, now=NOW)
        learner, email = alder.id, alder.email
    client = sign_in(garnet)
    own = {"email": "garnet.again@example.org", "name": "Garnet", "role": "instructor"}
    for sent, said in (
        ({"email": email, "role": "grader"}, "no part in running or grading"),
        (own, "the program office makes them"),
    ):
        answer = client.post(f"{place}/members", data=sent)
        assert (answer.status_code, said in text_of(answer)) == (422, True)
    with app.app_context():
        assert db.session.scalar(select(Person).where(Person.email == own["email"])) is None
    assert "also run or grade" not in text_of(client.get(f"{place}/people"))
    with act() as session:
        session.add(
            Membership(
                cohort_id=place.rpartition("/")[2], person_id=learner, role=Role.LEAD, since=NOW
            )
        )
    assert f"Alder, {email}" in text_of(client.get(f"{place}/people"))


def test_accounts_and_jobs_of_the_administrator(app: Flask, offices: dict[str, Any]) -> None:
    client: FlaskClient = offices["administrator"]["client"]
    made = client.post("/admin/accounts", data={"email": "new@example.org", "name": "New"})
    page = made.headers["Location"]
    assert client.post(page, data={"act": "close", "reason": "left"}).status_code == 303
    assert "Closed" in text_of(client.get(page))
    own = f"/admin/accounts/{offices['administrator']['person']}"
    refused = client.post(own, data={"act": "close"})
    assert (refused.status_code, "their own" in text_of(refused)) == (422, True)
    with app.app_context():
        job = db.session.scalars(select(Job)).first()
        job.state, job.error = "failed", "Traceback\nValueError: no such template"
        job.ended_at = NOW
        db.session.commit()
        job_id = job.id
    assert "ValueError: no such template" in text_of(client.get("/admin/jobs"))
    assert client.post(f"/admin/jobs/{job_id}/retry").status_code == 303
    again = client.post(f"/admin/jobs/{job_id}/retry")
    assert (again.status_code, "not failed" in text_of(again)) == (422, True)


def test_sponsors_are_the_administrators(app: Flask, offices: dict[str, Any]) -> None:
    made = offices["administrator"]["client"].post(
        "/admin/sponsors/new", data={"name": "A third college"}
    )
    assert made.status_code == 303
    with app.app_context():
        third = db.session.scalars(select(Sponsor).where(Sponsor.name == "A third college")).one()
    client = offices["administrator"]["client"]
    revised = {"name": "A third college", "issuer_name": "Third",
               "signatory": ["Onyx", ""], "title": ["Dean", ""]}  # fmt: skip
    assert client.post(f"/admin/sponsors/{third.id}", data=revised).status_code == 303
    with app.app_context():
        found = db.session.get_one(Sponsor, third.id)
        assert (found.issuer, found.signatories) == ("Third", [{"name": "Onyx", "title": "Dean"}])
