"""The public page of a record checks what is stored against what was signed, in front of its reader."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from grading.models import (
    CredentialRecord,
    IssuedCredential,
    Person,
    SigningKey,
    StatusList,
)
from grading.records import credentials, issuers, records, revocations, sharing
from grading.records.checking import CheckOutcome, What
from grading.records.queries import issued_credentials
from grading.records.verifying import check
from grading.settings import Installation
from tests.database import Clock
from tests.issuing import HIGHER, amend, installation, of, released, small_keys, work, world
from tests.web.test_query_counts import counted

__all__ = ["installation", "released", "small_keys", "work", "world"]

DAY = timedelta(days=1)


def record_of(session: Any, world: dict[str, Any]) -> CredentialRecord:
    found: CredentialRecord = session.scalars(
        select(CredentialRecord).where(
            CredentialRecord.person_id == world["learner"], CredentialRecord.state != "replaced"
        )
    ).one()
    return found


@pytest.fixture
def address(act: Callable[[], Any], released: dict[str, Any], clock: Clock) -> str:
    """The address of the learner's shared record, a minute after all is issued."""
    clock.now = released["at"] + timedelta(minutes=1)
    with act() as session:
        record = record_of(session, released)
        records.share(session, record.person, record, now=clock.now)
        return f"/verify/{record.public_id}"


def test_every_step_is_shown_with_its_outcome(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    installation: Installation,
    clock: Clock,
) -> None:
    page = client.get(address)
    assert page.status_code == 200
    assert "<h1>Valid</h1>" in page.text
    assert page.text.index("<h1>Valid") < page.text.index("What we checked just now")
    for words in (
        "The key it names is one of the issuer’s.",
        f"https://127.0.0.1:8000/issuers/{released['sponsor']}/did.json",
        "The proof (eddsa-rdfc-2022) covers every word",
        "The token (RS256) says the same",
        "This page says what the document says",
        "says that it is not revoked",
        "It holds since",
        "What the grade rests on is still what the document commits to.",
        "ni:///sha-256;",
        f"/issuers/{released['sponsor']}/jwks.json",
        "Its owner does not show the signed files here",
        "Last updated",
    ):
        assert words in page.text, words
    # The grade is not the checker's to show.
    assert "67 of 100" not in page.text
    with act() as session:
        verdict = check(
            session,
            record_of(session, released),
            notary=installation.notary,
            base_url=installation.settings.base_url,
            now=clock.now,
        )
        kinds = [one.credential.kind for one in verdict.checked]
        assert kinds == ["course"] * 3 + ["capstone", "program"]
        for one in verdict.checked:
            evidence = {What.EVIDENCE} if one.credential.kind == "capstone" else set()
            assert {step.what for step in one.steps} == set(What) - {What.EVIDENCE} | evidence
            assert {step.outcome for step in one.steps} == {CheckOutcome.GOOD}


def test_what_an_address_shows_is_all_that_it_leads_to(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    clock: Clock,
) -> None:
    """A file with the grade that is published for one reader is not for the readers of other addresses."""
    with act() as session:
        capstone = of(session, released, kind="capstone")[0]
        record = record_of(session, released)
        credentials.set_published(session, record.person, capstone, published=True, now=clock.now)
        own, document = capstone.id, capstone.document
        scored = sharing.make_link(
            session, record.person, record, label="x", shows=["score", "level"], now=clock.now
        )
        filed = sharing.make_link(
            session, record.person, record, label="x", shows=["files"], now=clock.now
        )
        places = {name: f"/verify/{at.public_id}" for name, at in (("s", scored), ("f", filed))}
    for place in (address, places["s"]):
        page = client.get(place).text
        assert own not in page
        assert "js/verify.js" not in page
        assert "Its owner does not show the signed files here" in page
        for form in ("document", "token"):
            assert client.get(f"{place}/{own}/{form}").status_code == 404
    page = client.get(places["f"]).text
    assert f'href="{places["f"]}/{own}/document"' in page
    assert f'data-token="{places["f"]}/{own}/token"' in page
    assert "js/verify.js" in page
    assert client.get(f"{places['f']}/{own}/document").get_json(force=True) == document
    assert client.get(f"{places['f']}/{own}/token").status_code == 200
    assert client.get(f"{places['f']}/unknown/token").status_code == 404


def tampered_document(session: Any, world: dict[str, Any]) -> None:
    capstone = of(session, world, kind="capstone")[0]
    about = capstone.document["credentialSubject"]
    results = [dict(one) for one in about["result"]]
    results[1]["value"] = "99"
    capstone.document = {
        **capstone.document,
        "credentialSubject": {**about, "result": results},
    }


def tampered_course(session: Any, world: dict[str, Any]) -> None:
    course = of(session, world, kind="course")[0]
    course.document = {**course.document, "name": "Another course"}


def another_persons(session: Any, world: dict[str, Any]) -> None:
    own = of(session, world, kind="capstone")[0]
    other = session.scalars(
        select(IssuedCredential).where(
            IssuedCredential.kind == "capstone", IssuedCredential.person_id != world["learner"]
        )
    ).first()
    own.document, own.token, own.evidence = other.document, other.token, other.evidence


def tampered_token(session: Any, world: dict[str, Any]) -> None:
    capstone = of(session, world, kind="capstone")[0]
    head, body, signature = capstone.token.split(".")
    capstone.token = ".".join([head, body, signature[:-8] + "AAAAAAAA"])


def tampered_name(session: Any, world: dict[str, Any]) -> None:
    record_of(session, world).name = "Somebody Else"


def tampered_value(session: Any, world: dict[str, Any]) -> None:
    entry = next(one for one in record_of(session, world).entries if one.grade_id)
    entry.detail = {**entry.detail, "value": "99"}


def tampered_value_and_digest(session: Any, world: dict[str, Any]) -> None:
    tampered_value(session, world)
    session.flush()
    record = record_of(session, world)
    session.expire(record)
    wanted = issued_credentials.members(record)[-1]
    of(session, world, kind="capstone")[0].facts = wanted.facts


def tampered_level(session: Any, world: dict[str, Any]) -> None:
    entry = next(one for one in record_of(session, world).entries if one.grade_id)
    criteria = [{**one, "level": 3.0} for one in entry.detail["criteria"]]
    entry.detail = {**entry.detail, "criteria": criteria}


def tampered_end(session: Any, world: dict[str, Any]) -> None:
    record = record_of(session, world)
    record.expires_on = (world["at"] + 9999 * DAY).date()


def tampered_evidence(session: Any, world: dict[str, Any]) -> None:
    capstone = of(session, world, kind="capstone")[0]
    capstone.evidence = {**capstone.evidence, "composite": 99.0}


def tampered_list(session: Any, world: dict[str, Any]) -> None:
    found = session.scalars(select(StatusList)).one()
    found.document = {**found.document, "validFrom": "2020-01-01T00:00:00Z"}


def revoked_and_called_valid(session: Any, world: dict[str, Any]) -> None:
    record = record_of(session, world)
    actor = session.get_one(Person, world["administrator"])
    revocations.revoke_record(session, actor, record, reason="found out", now=world["at"] + DAY)


def undo_in_the_tables(session: Any, world: dict[str, Any]) -> None:
    record = record_of(session, world)
    record.state, record.revoked_at = "valid", None
    for one in of(session, world):
        one.state, one.ended_at = "valid", None


@pytest.mark.parametrize(
    "tamper",
    [
        tampered_document,
        tampered_course,
        another_persons,
        tampered_token,
        tampered_name,
        tampered_value,
        tampered_value_and_digest,
        tampered_level,
        tampered_evidence,
        tampered_list,
    ],
)
def test_a_tampered_row_does_not_verify(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    tamper: Callable[[Any, dict[str, Any]], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with act() as session:
        tamper(session, released)
    page = client.get(address).text
    assert "<h1>Does not verify</h1>" in page
    assert "Do not rely on this record." in page
    assert "Valid</h1>" not in page
    # Nothing of what may be forged is shown, and the operator hears of it.
    assert "Awarded to" not in page
    assert "Somebody Else" not in page
    assert '<details class="checked" open>' in page
    assert "is not what was signed" in caplog.text


def test_a_list_is_checked_by_its_tokens(
    act: Callable[[], Any], client: FlaskClient, address: str, released: dict[str, Any]
) -> None:
    public_id = address.rsplit("/", 1)[1]
    page = client.post("/verify/many", data={"ids": public_id}).text
    assert "Valid</strong>" in page
    with act() as session:
        tampered_value(session, released)
    page = client.post("/verify/many", data={"ids": public_id}).text
    assert "Does not verify</strong>" in page
    assert "Valid</strong>" not in page


def test_a_later_end_than_was_signed_vouches_for_nothing(
    act: Callable[[], Any], client: FlaskClient, address: str, released: dict[str, Any]
) -> None:
    with act() as session:
        tampered_end(session, released)
    page = client.get(address).text
    assert "<h1>Not signed yet</h1>" in page
    assert "Awarded to" not in page


def test_what_was_revoked_is_not_valid_by_a_change_in_the_tables(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    with act() as session:
        revoked_and_called_valid(session, released)
    work(released["at"] + DAY)
    clock.forward(days=1)
    assert "<h1>Revoked</h1>" in client.get(address).text
    with act() as session:
        undo_in_the_tables(session, released)
    page = client.get(address).text
    assert "<h1>Does not verify</h1>" in page
    assert "status list says that it is revoked" in page


def test_before_all_is_signed_nothing_is_vouched_for(
    act: Callable[[], Any], client: FlaskClient, address: str, released: dict[str, Any]
) -> None:
    with act() as session:
        program = of(session, released, kind="program")[0]
        session.execute(delete(IssuedCredential).where(IssuedCredential.id == program.id))
    page = client.get(address).text
    assert "<h1>Not signed yet</h1>" in page
    assert "Not signed yet: " in page
    assert "Awarded to" not in page


def test_a_withdrawn_key_vouches_for_nothing_a_retired_one_does(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    with act() as session:
        key = session.scalars(select(SigningKey).where(SigningKey.kind == "ed25519")).one()
        issuers.retire(session, None, key, now=clock.now)
        key_id = key.id
    page = client.get(address).text
    assert "<h1>Valid</h1>" in page
    assert "It signs nothing new, but what it signed stays good." in page
    with act() as session:
        key = session.get_one(SigningKey, key_id)
        issuers.withdraw(session, None, key, reason="stolen", now=clock.now)
    assert "<h1>Not signed yet</h1>" in client.get(address).text
    work(clock.now)
    clock.forward(seconds=2)
    assert "<h1>Valid</h1>" in client.get(address).text


def test_after_an_appeal_the_newer_one_waits_for_its_signature(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    with act() as session:
        amend(session, released, HIGHER, clock.now)
        session.flush()
        newer = record_of(session, released).public_id
    assert "<h1>Replaced</h1>" in client.get(address).text
    assert "<h1>Not signed yet</h1>" in client.get(f"/verify/{newer}").text
    work(clock.now)
    clock.forward(seconds=2)
    assert "<h1>Valid</h1>" in client.get(f"/verify/{newer}").text


def test_a_revoked_course_is_not_listed(
    act: Callable[[], Any],
    client: FlaskClient,
    address: str,
    released: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    with act() as session:
        course = of(session, released, kind="course")[0]
        title = course.document["name"]
        actor = session.get_one(Person, released["administrator"])
        credentials.revoke_credential(session, actor, course, reason="an error", now=clock.now)
    work(clock.now)
    page = client.get(address).text
    assert "<h1>Revoked in part</h1>" in page
    assert title not in page


def test_a_limit_keeps_the_page_quick_for_everybody(
    client: FlaskClient, address: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "MOST_A_MINUTE", 2)
    assert [client.get(address).status_code for _ in range(2)] == [200, 200]
    refused = client.get("/verify/never-was")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert "Too many checks. Try again in 1 minute." in refused.text
    clock.forward(seconds=61)
    assert client.get(address).status_code == 200


def test_that_we_cannot_check_is_never_not_valid(
    client: FlaskClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_named: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(sharing, "find", away)
    page = client.get(address)
    assert page.status_code == 503
    assert "We cannot check now" in page.text
    assert "says nothing about the credential" in page.text


def test_lists_cost_the_same_for_many(
    app: Flask,
    act: Callable[[], Any],
    client: FlaskClient,
    released: dict[str, Any],
    clock: Clock,
) -> None:
    clock.now = released["at"] + timedelta(minutes=1)
    with act() as session:
        ids = []
        for record in session.scalars(select(CredentialRecord)):
            records.share(session, record.person, record, now=clock.now)
            ids.append(record.public_id)
    # The first look of a day makes a row.
    assert client.post("/verify/many", data={"ids": " ".join(ids)}).text.count("Valid</st") == 4
    with counted(app) as few:
        client.post("/verify/many", data={"ids": ids[0]})
    with counted(app) as many:
        client.post("/verify/many", data={"ids": " ".join(ids)})
    # Counting the looks is a statement each; it reads nothing.
    assert len(few) == len(many)
