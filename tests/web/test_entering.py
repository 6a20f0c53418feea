"""What comes in by form, JSON or address and cannot be kept: said in words, with nothing lost."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.jobs import upkeep
from grading.models import Allocation, Person, Review, Submission
from grading.web.markdown import render
from tests import factories
from tests.database import NOW, Clock

pytestmark = pytest.mark.usefixtures("any_database")
OTHER = Path(__file__).parents[1] / "data" / "other"
LINKS = (OTHER / "links.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def bench(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> tuple[FlaskClient, str]:
    """A grader, signed in, and the address of an item of theirs."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2, graders=2)
        cohort_id, clock.now = cast.cohort.id, cast.cohort.due_at
    upkeep.run(app, cohort_id, now=clock.now, seed=3)
    with act() as session:
        item = session.scalars(select(Allocation).where(Allocation.pool == "professional")).first()
        assert item is not None
        rater_id, address = item.rater_id, f"/grade/item/{item.id}"
    return sign_in(rater_id), address


@pytest.fixture
def draft(act: Callable[[], Any], sign_in: Any, clock: Clock) -> tuple[FlaskClient, str]:
    """A learner with a draft, signed in, and its address."""
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        person = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        base, person_id = f"/learn/{cohort.id}/project", person.id
    clock.now = NOW + timedelta(days=1)
    client = sign_in(person_id)
    client.post(f"{base}/start")
    return client, base


@pytest.fixture
def administrator(act: Callable[[], Any], sign_in: Any) -> FlaskClient:
    with act() as session:
        person = factories.a_person(session, "Administrator Beryl", now=NOW, administrator=True)
        person_id = person.id
    client: FlaskClient = sign_in(person_id)
    return client


def words_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def sheet(comment: str) -> str:
    """Give a sheet as JSON, written so that it is ASCII."""
    return json.dumps({"levels": {}, "comments": {"question": comment}, "comment": comment})


@pytest.mark.parametrize("comment", ["half \ud83c", "nothing \x00", "an escape \x1b[31m", "\uffff"])
def test_a_sheet_with_half_an_emoji_or_a_control_is_kept_clean_and_shown(
    bench: Any, act: Callable[[], Any], comment: str
) -> None:
    client, item = bench
    answer = client.put(
        f"{item}/draft",
        data=sheet(comment),
        headers={"If-Match": '"0"', "Content-Type": "application/json"},
    )
    assert answer.status_code == 200
    assert client.get(item).status_code == 200
    with act() as session:
        kept = session.scalars(select(Review.comment)).one()
    assert (
        kept
        == {"h": "half \ufffd", "n": "nothing", "a": "an escape [31m", "\uffff": "\ufffd"}[
            comment[0]
        ]
    )


@pytest.mark.parametrize(
    "body",
    [
        (OTHER / "sheet_half_emoji.json").read_text(encoding="utf-8"),
        "[]", "null", "7", '"x"', "{}", '{"levels": [], "comments": 3}',
        '{"levels": {"question": true}, "comments": {}}',
        '{"levels": {"question": ' + "9" * 5000 + '}, "comments": {}}',
        '{"levels": {"question": 1e999}, "comments": {}}',
        '{"levels": {}, "comments": {"question": ["x"]}}',
        "[" * 100_000, '{"levels": {}, "comments": ' + '{"a":' * 100_000,
    ],
)  # fmt: skip
def test_a_sheet_that_cannot_be_read_is_refused_in_words(
    bench: Any, act: Callable[[], Any], body: str
) -> None:
    client, item = bench
    for method, address in (("PUT", f"{item}/draft"), ("POST", item)):
        answer = client.open(
            address,
            method=method,
            data=body,
            headers={"If-Match": '"0"', "Content-Type": "application/json"},
        )
        assert answer.status_code in (409, 422) or (method == "POST" and answer.status_code == 303)
    with act() as session:
        assert session.scalars(select(Review.levels)).all() in ([], [{}])
    assert client.get(item).status_code == 200


def test_a_link_that_cannot_be_one_is_refused_at_its_place_and_the_text_stays(draft: Any) -> None:
    client, base = draft
    for link in LINKS:
        answer = client.post(
            base, data={"title": "Bicycles", "text": "Counted twice.", "links": ["", link]}
        )
        assert answer.status_code == 422
        assert "is not the name of a host" in words_of(answer)
        assert "Counted twice." in words_of(answer)
    client.post(base, data={"text": "x", "links": ["https://example.org/a", ""]})
    assert "https://example.org/a" in words_of(client.get(base))


def test_a_link_in_a_text_that_cannot_be_one_is_text() -> None:
    for link in LINKS:
        assert "<a href" not in render(f"See [there]({link}) and <{link}>.")
    assert "<a href" in render("See [there](https://example.org).")


def test_a_title_with_a_line_end_is_refused_and_a_long_text_cleaned(
    draft: Any, act: Callable[[], Any]
) -> None:
    client, base = draft
    answer = client.post(base, data={"title": "Bicycles\rBcc: all@example.org", "text": "x"})
    assert answer.status_code == 422
    assert "U+000D after “Bicycles”" in words_of(answer)
    answer = client.post(
        base, data={"title": "Cafe\u0301", "text": "one\r\ntwo\x00\x1b three\x0bfour"}
    )
    assert answer.status_code == 303
    with act() as session:
        work = session.scalars(select(Submission)).one()
        assert (work.title, work.text) == ("Café", "one\ntwo three\nfour")


def test_a_name_with_what_nobody_sees_is_refused_at_its_field(
    administrator: FlaskClient, act: Callable[[], Any]
) -> None:
    fields = {"email": "zw@example.org\u200b", "name": "Zoe\u202e"}
    answer = administrator.post("/admin/accounts", data=fields)
    assert answer.status_code == 422
    assert "U+200B after “org”" in words_of(answer)
    assert "U+202E after “Zoe”" in words_of(answer)
    with act() as session:
        assert session.scalars(select(Person.name)).all() == ["Administrator Beryl"]


def test_a_name_that_no_certificate_can_show_is_said_when_it_is_entered(
    administrator: FlaskClient,
) -> None:
    for email, name, noted in (
        ("zhang@example.org", "张伟", False),
        ("abebe@example.org", "አበበ", True),
    ):
        fields = {"email": email, "name": name}
        answer = administrator.post("/admin/accounts", data=fields, follow_redirects=True)
        assert answer.status_code == 200
        assert ("Certificates cannot be printed with “አበ”" in words_of(answer)) == noted
        fields = {"name": name, "theme": "system", "time_zone": ""}
        answer = administrator.post("/preferences", data=fields, follow_redirects=True)
        assert ("Certificates cannot be printed with “አበ”" in words_of(answer)) == noted


def test_a_name_from_right_to_left_turns_nothing_around_it_and_stays_itself(
    administrator: FlaskClient, act: Callable[[], Any]
) -> None:
    fields = {"email": "ahmad@example.org", "name": "أحمد علي"}
    page = administrator.post("/admin/accounts", data=fields, follow_redirects=True).text
    assert "\u2068أحمد علي\u2069" in page
    assert "\u2068أحمد علي\u2069" in administrator.get("/admin/accounts").text
    # What is copied from a page, or sent back by it, is the name alone.
    assert "ahmad@example.org" in administrator.get("/admin/accounts?text=\u2068أحمد\u2069").text
    fields = {"name": "\u2068أحمد علي\u2069", "theme": "system", "time_zone": ""}
    administrator.post("/preferences", data=fields)
    with act() as session:
        assert session.scalars(select(Person.name).distinct()).all() == ["أحمد علي"]


def test_no_part_of_an_address_breaks_a_page(administrator: FlaskClient) -> None:
    long = "9" * 5000
    asked = {
        "/admin/accounts?page=99999999999999999999": 200,
        f"/admin/accounts?page={long}": 200,
        "/admin/accounts?page=-3": 200,
        "/admin/accounts?text=%00%1b": 200,
        f"/admin/accounts?text={'x' * 60_000}": 200,
        "/admin/accounts?text=%ed%a0%bc": 200,
        "/admin/jobs?state=%00": 200,
        "/admin/cohorts/%00": 404,
        "/admin/cohorts/%ed%a0%bc": 404,
        f"/grade/item/x/files/{long}": 404,
        "/verify?id=http://[::1": 302,
        "/verify?id=%00": 200,
        "/verify/%00": 404,
        "/out?to=http://[::1": 404,
        "/out?to=https://%E2%84%80example.org": 404,
        "/out?to=https://example.org/%0d%0aX:y": 404,
    }
    got = {address[:60]: administrator.get(address).status_code for address in asked}
    assert got == {address[:60]: status for address, status in asked.items()}


def test_many_records_are_looked_up_whatever_is_pasted(client: FlaskClient) -> None:
    answer = client.post("/verify/many", data={"ids": "http://[::1 \x00 https://[a](b)"})
    assert answer.status_code in (200, 422)


def test_no_page_answers_options(app: Flask, administrator: FlaskClient) -> None:
    for client in (administrator, app.test_client()):
        for address in ("/admin/accounts", "/", "/verify"):
            assert client.options(address).status_code == 405


def test_a_form_takes_no_json(administrator: FlaskClient, act: Callable[[], Any]) -> None:
    for body in ("[]", '[["email", "a@example.org"]]', "{}", "7", "{", "[" * 100_000):
        answer = administrator.post(
            "/admin/accounts", data=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, body[:20]
    with act() as session:
        assert len(session.scalars(select(Person)).all()) == 1


def test_a_part_of_a_templates_sentence_may_have_any_name(app: Flask) -> None:
    with app.test_request_context():
        said = app.jinja_env.from_string(
            "{% trans text=name, context=1 %}See {{ text }} {{ context }}{% endtrans %}"
        )
        assert said.render(name="أحمد") == "See \u2068أحمد\u2069 1"
