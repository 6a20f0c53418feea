"""What verifiers fetch, and what a learner downloads."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from grading.credential import content, issuer, status
from grading.models import Person, Sponsor, StatusList
from grading.records import credentials
from grading.settings import Installation
from tests.database import Clock
from tests.issuing import HIGHER, amend, installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]


def fetch(client: FlaskClient, url: str) -> Any:
    """Fetch an address of ours as a stranger would."""
    answer = client.get(url.removeprefix("http://127.0.0.1:8000"))
    assert answer.status_code == 200, url
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"].startswith("public, max-age=")
    assert "Set-Cookie" not in answer.headers
    return answer


def published(
    act: Callable[[], Any], released: dict[str, Any], kind: str = "capstone"
) -> tuple[str, str]:
    """Publish a credential of the learner; gives its id and address."""
    with act() as session:
        credential = of(session, released, kind=kind, state="valid")[0]
        credentials.set_published(
            session,
            session.get_one(Person, released["learner"]),
            credential,
            published=True,
            now=released["at"],
        )
        return credential.id, credential.url


def test_a_verifier_who_knows_nothing_but_the_address_can_check_it(
    act: Callable[[], Any],
    client: FlaskClient,
    released: dict[str, Any],
    installation: Installation,
) -> None:
    _id, url = published(act, released, "program")
    document = json.loads(fetch(client, url).text)
    for one in [document, *document["credentialSubject"]["verifiableCredential"]]:
        # did:web says https; the path is what matters here.
        place = issuer.document_url(one["issuer"]["id"]).replace("https://", "http://")
        keys = {
            key["id"]: key for key in json.loads(fetch(client, place).text)["verificationMethod"]
        }
        key = keys[one["proof"][0]["verificationMethod"]]
        assert installation.notary.verifies(one, key["publicKeyMultibase"])
        entry = one["credentialStatus"]
        listed = json.loads(fetch(client, entry["statusListCredential"]).text)
        assert installation.notary.verifies(listed, key["publicKeyMultibase"])
        encoded = listed["credentialSubject"]["encodedList"]
        assert not status.is_set(encoded, int(entry["statusListIndex"]))
    token = fetch(client, url + "/token").text
    jwks = fetch(client, place.replace("did.json", "jwks.json")).json
    assert installation.notary.read_token(token, jwks)["jti"] == url
    achievement = document["credentialSubject"]["achievement"][-1]
    said = json.loads(fetch(client, achievement["id"]).text)
    assert {**achievement, "@context": said["@context"]} == said


def test_what_did_not_change_is_not_sent_again(
    act: Callable[[], Any],
    client: FlaskClient,
    released: dict[str, Any],
    work: Callable[[Any], int],
) -> None:
    path = f"/issuers/{released['sponsor']}/status/1"
    first = client.get(path)
    same = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    with act() as session:
        amend(session, released, HIGHER, released["at"])
    work(released["at"])
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_hidden_and_unknown_are_one_answer(
    act: Callable[[], Any], client: FlaskClient, released: dict[str, Any]
) -> None:
    with act() as session:
        hidden = of(session, released, kind="capstone")[0].id
    answers = [client.get(f"/credentials/{one}") for one in (hidden, "unknown")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    for path in ("/issuers/unknown/did.json", "/issuers/unknown/status/1", "/achievements/x"):
        assert client.get(path).status_code == 404


def test_one_that_was_replaced_shows_nothing_but_that(
    act: Callable[[], Any],
    client: FlaskClient,
    released: dict[str, Any],
    work: Callable[[Any], int],
) -> None:
    credential_id, url = published(act, released)
    with act() as session:
        amend(session, released, HIGHER, released["at"])
    work(released["at"])
    answer = client.get(f"/credentials/{credential_id}")
    assert answer.status_code == 410
    assert answer.json == {"id": url, "status": "replaced"}
    assert client.get(f"/credentials/{credential_id}/token").status_code == 410
    with act() as session:
        # The learner's choice goes over to what replaced it.
        newer = of(session, released, kind="capstone", state="valid")[0]
        assert newer.published_at == released["at"]
        newer_id = newer.id
    assert client.get(f"/credentials/{newer_id}").status_code == 200


def test_a_list_that_is_not_there_yet_is_no_empty_list(
    act: Callable[[], Any], client: FlaskClient, released: dict[str, Any]
) -> None:
    with act() as session:
        sponsor = session.get_one(Sponsor, released["sponsor"])
        session.add(
            StatusList(
                sponsor=sponsor,
                number=2,
                url="https://x.example/2",
                size=131_072,
                created_at=released["at"],
            )
        )
    assert client.get(f"/issuers/{released['sponsor']}/status/2").status_code == 503


def test_a_database_that_is_away_is_no_answer_either(
    client: FlaskClient, released: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr("grading.web.public.issued.db.session.scalar", away)
    answer = client.get(f"/issuers/{released['sponsor']}/status/1")
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def learner(
    released: dict[str, Any], sign_in: Callable[[str], FlaskClient], clock: Clock
) -> FlaskClient:
    clock.now = released["at"]
    return sign_in(released["learner"])


def test_the_learner_downloads_every_form(
    app: Flask,
    act: Callable[[], Any],
    learner: FlaskClient,
    released: dict[str, Any],
) -> None:
    with act() as session:
        own = {one.kind: one for one in of(session, released)}
        record_id = own["capstone"].record_id
        public_id = own["capstone"].record.public_id
        capstone, token = own["capstone"].document, own["capstone"].token
        ids = {kind: one.id for kind, one in own.items()}
        titles = {kind: one.document["name"] for kind, one in own.items()}
        name = session.get_one(Person, released["learner"]).name
    page = learner.get(f"/learn/records/{record_id}", follow_redirects=True)
    for one in ids.values():
        assert f"/learn/credentials/{one}/document" in page.text
    assert titles["program"] == "Counting bicycles"
    base = f"/learn/credentials/{ids['capstone']}"
    answer = learner.get(f"{base}/document")
    assert json.loads(answer.text) == capstone
    assert answer.headers["Content-Disposition"] == "attachment; filename=capstone.json"
    assert learner.get(f"{base}/token").text == token
    table = learner.get(f"/learn/records/{record_id}/record.csv").text
    rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    assert [row["kind"] for row in rows] == ["course", "course", "course", "capstone"]
    assert (rows[-1]["value"], rows[-1]["name"], rows[-1]["name_verified"]) == ("67", name, "False")
    for kind, title in titles.items():
        printed = learner.get(f"/learn/credentials/{ids[kind]}/certificate")
        assert printed.mimetype == "application/pdf"
        document = pypdfium2.PdfDocument(printed.data)
        text = document[0].get_textpage().get_text_range()
        assert len(document) == 1
        assert document.is_tagged()
        verified = "This name was not verified."
        for said in (title, name, verified, "Example College", public_id, f"/verify/{public_id}"):
            assert said in text, (kind, said)
        # A certificate goes round; the score is the learner's own business.
        assert "67" not in text.replace(public_id, "")


def test_a_name_that_no_certificate_can_show_is_said_and_never_an_error(
    act: Callable[[], Any],
    learner: FlaskClient,
    released: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = content.read
    with act() as session:
        credential = of(session, released, kind="capstone")[0]
        page, credential_id = f"/learn/records/{credential.record_id}", credential.id
    address = f"/learn/credentials/{credential_id}/certificate"
    for name, code in (("张伟", 200), ("አበበ", 409), ("Fern 🌿", 409)):
        with act() as session:
            of(session, released, kind="capstone")[0].record.name = name
        # As if it had been signed of this name.
        monkeypatch.setattr(
            content, "read", lambda document, n=name: replace(read(document), learner=n)
        )
        answer = learner.get(address)
        assert answer.status_code == code
        said = (
            "Certificates cannot be printed with" in learner.get(page, follow_redirects=True).text
        )
        assert said == (code == 409)
    assert "its fonts have no “🌿”" in answer.text


def test_a_learner_publishes_and_withdraws_on_the_page(
    act: Callable[[], Any],
    client: FlaskClient,
    learner: FlaskClient,
    released: dict[str, Any],
) -> None:
    with act() as session:
        credential_id = of(session, released, kind="capstone")[0].id
    assert client.get(f"/credentials/{credential_id}").status_code == 404
    for published_now, code in (("yes", 200), ("no", 404)):
        answer = learner.post(
            f"/learn/credentials/{credential_id}/publish",
            data={"published": published_now},
            follow_redirects=True,
        )
        assert answer.status_code == 200
        assert client.get(f"/credentials/{credential_id}").status_code == code


def test_a_certificate_of_what_no_longer_holds_is_refused(
    act: Callable[[], Any],
    learner: FlaskClient,
    released: dict[str, Any],
    work: Callable[[Any], int],
) -> None:
    with act() as session:
        old = of(session, released, kind="capstone")[0].id
        amend(session, released, HIGHER, released["at"])
    work(released["at"])
    assert learner.get(f"/learn/credentials/{old}/certificate").status_code == 409
    assert learner.get(f"/learn/credentials/{old}/document").status_code == 200
