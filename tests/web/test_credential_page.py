"""The page of a single published credential: what was signed, checked in front of its reader."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from grading.models import IssuedCredential, Person, SigningKey
from grading.records import credentials, issuers, sharing, verifying
from tests.database import Clock
from tests.issuing import HIGHER, amend, installation, of, released, small_keys, work, world
from tests.web.test_query_counts import counted

__all__ = ["installation", "released", "small_keys", "work", "world"]

# What a browser sends when somebody follows a link.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def publish(session: Any, world: dict[str, Any], kind: str, now: Any) -> IssuedCredential:
    found = of(session, world, kind=kind, state="valid")[0]
    learner = session.get_one(Person, world["learner"])
    credentials.set_published(session, learner, found, published=True, now=now)
    return found


Publish = Callable[[str], str]


@pytest.fixture
def address(act: Callable[[], Any], released: dict[str, Any], clock: Clock) -> Publish:
    """Publish a kind of credential a minute after all is issued; gives its path."""
    clock.now = released["at"] + timedelta(minutes=1)

    def published(kind: str) -> str:
        with act() as session:
            return f"/credentials/{publish(session, released, kind, clock.now).id}"

    return published


def page_of(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["X-Robots-Tag"] == "noindex"
    return answer.text


def test_one_address_gives_a_page_to_people_and_the_document_to_programs(
    client: FlaskClient, address: Publish
) -> None:
    path = address("capstone")
    page = client.get(path, headers=BROWSER)
    assert page.mimetype == "text/html"
    assert "Accept" in page.headers["Vary"]
    assert "Set-Cookie" not in page.headers
    for accept in (
        "*/*",
        "application/vc",
        "application/json",
        "application/ld+json, */*;q=0.1",
        None,
    ):
        answer = client.get(path, headers={"Accept": accept} if accept else {})
        assert answer.mimetype == "application/vc", accept
        assert answer.json is not None or answer.data
        assert "Accept" in answer.headers["Vary"]
        # A reader elsewhere may fetch it; the page has no need of that.
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(f"{path}/document", headers=BROWSER).mimetype == "application/vc"


def test_the_page_shows_what_was_signed_and_how_it_was_checked(
    client: FlaskClient, address: Publish, released: dict[str, Any], act: Callable[[], Any]
) -> None:
    path = address("capstone")
    page = page_of(client, path)
    assert page.index("<h1>Valid</h1>") < page.index("Awarded to") < page.index("What we checked")
    with act() as session:
        name = session.get_one(Person, released["learner"]).name
    for words in (
        name,
        "Example College",
        "67 of 100",
        "Pass mark",
        "level 2 of ",
        "Method: ",
        "Readings that count: ",
        "Identity",
        "The proof (eddsa-rdfc-2022) covers every word",
        "The token (RS256) says the same",
        "says that it is not revoked",
        "What the grade rests on is still what the document commits to.",
        f'href="{path}/document"',
        f'data-token="{path}/token"',
    ):
        assert words in page, words
    # The page shows the document itself, so there is nothing to compare it with.
    assert "This page says what the document says" not in page


def test_a_program_is_checked_member_by_member(client: FlaskClient, address: Publish) -> None:
    page = page_of(client, address("program"))
    assert "<h1>Valid</h1>" in page
    assert page.count('<details class="checked"') == 5
    parts = page.split("What it is made of")[1]
    for title in ("Measuring", "Cleaning", "Modelling", "A city"):
        assert title in parts


def test_a_program_with_a_revoked_member_waits_for_its_own_end(
    act: Callable[[], Any],
    client: FlaskClient,
    address: Publish,
    released: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    path = address("program")
    with act() as session:
        course = of(session, released, kind="course")[0]
        actor = session.get_one(Person, released["administrator"])
        credentials.revoke_credential(session, actor, course, reason="an error", now=clock.now)
        state = of(session, released, kind="program")[0].state
    expected = "Revoked" if state == "revoked" else "Not signed yet"
    page = page_of(client, path)
    assert f"<h1>{expected}</h1>" in page
    assert "Awarded to" not in page
    work(clock.now)
    assert "<h1>Revoked</h1>" in page_of(client, path)


def test_a_member_changed_in_the_tables_is_not_vouched_for(
    act: Callable[[], Any], client: FlaskClient, address: Publish, released: dict[str, Any]
) -> None:
    path = address("program")
    with act() as session:
        course = of(session, released, kind="course")[0]
        course.document = {**course.document, "name": "Another course"}
    page = page_of(client, path)
    assert "<h1>Does not verify</h1>" in page
    assert "Awarded to" not in page


@pytest.mark.parametrize("place", ["value", "name", "title", "key", "evidence", "token", "built"])
def test_a_tampered_credential_shows_nothing_of_itself(
    act: Callable[[], Any],
    client: FlaskClient,
    address: Publish,
    released: dict[str, Any],
    place: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = address("capstone")
    with act() as session:
        own = of(session, released, kind="capstone")[0]
        about = own.document["credentialSubject"]
        if place == "value":
            results = [{**one, "value": "99"} for one in about["result"]]
            own.document = {**own.document, "credentialSubject": {**about, "result": results}}
        elif place == "name":
            who = [{**one, "identityHash": "Somebody Else"} for one in about["identifier"]]
            own.document = {**own.document, "credentialSubject": {**about, "identifier": who}}
        elif place == "title":
            own.document = {**own.document, "name": "Somebody Else's title"}
        elif place == "key":
            proof = own.document["proof"][0]
            forged = {"issuer": {**own.document["issuer"], "id": "did:web:forged.example"}}
            method = {**proof, "verificationMethod": "did:web:forged.example#key"}
            own.document = {**own.document, **forged, "proof": [method]}
        elif place == "evidence":
            own.evidence = {**own.evidence, "composite": 99.0}
        elif place == "token":
            own.token = own.token[:-8] + "AAAAAAAA"
        else:
            own.document = {**own.document, "credentialSubject": {}}
    page = page_of(client, path)
    assert "<h1>Does not verify</h1>" in page
    assert "Awarded to" not in page
    for forged in ("Somebody Else", "forged.example"):
        assert forged not in page
    assert "is not what was signed" in caplog.text


def test_one_that_was_replaced_leads_to_the_newer_only_if_that_is_published(
    act: Callable[[], Any],
    client: FlaskClient,
    address: Publish,
    released: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    path = address("capstone")
    with act() as session:
        name = session.get_one(Person, released["learner"]).name
        amend(session, released, HIGHER, clock.now)
    work(clock.now)
    clock.forward(seconds=2)
    with act() as session:
        newer = of(session, released, kind="capstone", state="valid")[0].id
    page = page_of(client, path)
    assert "<h1>Replaced</h1>" in page
    assert f'href="/credentials/{newer}"' in page
    assert name not in page
    assert "83 of 100" in page_of(client, f"/credentials/{newer}")
    with act() as session:
        credentials.set_published(
            session,
            session.get_one(Person, released["learner"]),
            session.get_one(IssuedCredential, newer),
            published=False,
            now=clock.now,
        )
    assert newer not in page_of(client, path)
    assert "We cannot find that credential" in page_of(client, f"/credentials/{newer}", 404)


def test_hidden_and_unknown_are_one_page(
    act: Callable[[], Any], client: FlaskClient, released: dict[str, Any], clock: Clock
) -> None:
    clock.now = released["at"]
    with act() as session:
        hidden = of(session, released, kind="capstone")[0].id
    pages = [page_of(client, f"/credentials/{one}", 404) for one in (hidden, "unknown")]
    assert pages[0] == pages[1]


def test_a_withdrawn_key_vouches_for_nothing(
    act: Callable[[], Any], client: FlaskClient, address: Publish, clock: Clock
) -> None:
    path = address("course")
    with act() as session:
        key = session.scalars(select(SigningKey).where(SigningKey.kind == "ed25519")).one()
        issuers.retire(session, None, key, now=clock.now)
        issuers.withdraw(session, None, key, reason="stolen", now=clock.now)
    page = page_of(client, path)
    assert "<h1>Valid</h1>" not in page
    assert "Awarded to" not in page


def test_a_pasted_address_leads_to_the_page_it_names(client: FlaskClient, address: Publish) -> None:
    path = address("course")
    led = client.get("/verify", query_string={"id": f" https://x.example{path}/ "})
    assert led.headers["Location"] == path


def test_it_is_counted_limited_and_never_called_invalid_for_our_fault(
    act: Callable[[], Any],
    client: FlaskClient,
    address: Publish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = address("course")
    monkeypatch.setattr(sharing, "MOST_A_MINUTE", 2)
    page_of(client, path)
    page_of(client, path)
    refused = client.get(path, headers=BROWSER)
    assert refused.status_code == 429
    assert "Too many checks" in refused.text
    with act() as session:
        seen = sharing.views(session, [path.rpartition("/")[2]])
        assert [view.count for view in seen[path.rpartition("/")[2]]] == [2]
    monkeypatch.setattr(sharing, "MOST_A_MINUTE", 60)

    def away(*_args: Any, **_named: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(verifying, "check_credential", away)
    assert "We cannot check now" in page_of(client, path, 503)


def test_what_it_costs_does_not_hang_on_what_else_there_is(
    app: Flask, client: FlaskClient, address: Publish
) -> None:
    course, program = address("course"), address("program")
    page_of(client, course)
    page_of(client, program)
    with counted(app) as few:
        page_of(client, course)
    with counted(app) as more:
        page_of(client, program)
    # A program's four members come in one query, and bring the status list that is asked for otherwise.
    assert len(more) == len(few)
