"""grading keys, credential and recompute, as an operator uses them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.adapters.signing import LocalNotary
from grading.cli import group
from grading.credential import issuer, status
from grading.models import AuditEntry, Grade, Job, Person, SigningKey, Sponsor
from grading.records import credentials, issuers
from grading.settings import Installation
from tests.database import NOW
from tests.issuing import installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

Grading = Callable[..., Result]


@pytest.fixture
def grading(app: Flask) -> Grading:
    def run(*arguments: str | Path, code: int = 0) -> Result:
        done = CliRunner().invoke(group, [str(a) for a in arguments], obj=lambda: app)
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return run


def test_an_export_is_all_that_a_verifier_needs(
    grading: Grading,
    act: Callable[[], Any],
    released: dict[str, Any],
    installation: Installation,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "out"
    with act() as session:
        email = session.get_one(Person, released["learner"]).email
    grading("credential", "export", "--cohort", released["cohort"], "--learner", email, folder)
    assert {path.name for path in folder.iterdir()} == {
        "capstone.json", "course1.json", "course2.json", "course3.json", "clr.json",
        "capstone.jwt", "course1.jwt", "course2.jwt", "course3.jwt", "clr.jwt",
        "did.json", "jwks.json", "status.json",
    }  # fmt: skip
    files = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    keys = {key["id"]: key.get("publicKeyMultibase") for key in files["did"]["verificationMethod"]}
    for name in ("capstone", "course1", "course2", "course3", "clr", "status"):
        document = files[name]
        assert installation.notary.verifies(
            document, keys[document["proof"][0]["verificationMethod"]]
        )
        if name != "status":
            bit = int(document["credentialStatus"]["statusListIndex"])
            assert not status.is_set(files["status"]["credentialSubject"]["encodedList"], bit)
            claims = installation.notary.read_token(
                (folder / f"{name}.jwt").read_text().strip(), files["jwks"]
            )
            assert claims["jti"] == document["id"]
    assert [files[f"course{n}"]["name"] for n in (1, 2, 3)] == [
        "Measuring",
        "Cleaning",
        "Modelling",
    ]
    with act() as session:
        own = {one.url for one in of(session, released)}
    assert files["capstone"]["id"] in own


def test_the_exported_files_are_those_served_by_url(
    grading: Grading,
    act: Callable[[], Any],
    client: FlaskClient,
    released: dict[str, Any],
    tmp_path: Path,
) -> None:
    with act() as session:
        learner = session.get_one(Person, released["learner"])
        email = learner.email
        for one in of(session, released, state="valid"):
            credentials.set_published(session, learner, one, published=True, now=released["at"])
    grading(
        "credential", "export", "--cohort", released["cohort"], "--learner", email, tmp_path / "out"
    )

    def served(url: str) -> str:
        # did:web and the documents name the service as the world reaches it.
        answer = client.get(urlsplit(url).path)
        assert answer.status_code == 200, url
        return answer.text

    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    compared = set()
    for name in [name for name in written if name.endswith(".jwt")]:
        stem = name.removesuffix(".jwt")
        document = json.loads(written[f"{stem}.json"])
        assert json.loads(served(document["id"])) == document
        assert served(document["id"] + "/token") == written[name].strip()
        compared |= {name, f"{stem}.json"}
    capstone = json.loads(written["capstone.json"])
    did = issuer.document_url(capstone["issuer"]["id"])
    for name, url in {
        "did.json": did,
        "jwks.json": did.replace("did.json", "jwks.json"),
        "status.json": capstone["credentialStatus"]["statusListCredential"],
    }.items():
        assert json.loads(served(url)) == json.loads(written[name])
        compared.add(name)
    assert compared == set(written)


def test_everybody_gets_a_folder(
    grading: Grading, released: dict[str, Any], tmp_path: Path
) -> None:
    grading("credential", "export", "--cohort", "Spring", "--all", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"learner{number}" for number in (1, 2, 3, 4)
    }
    said = grading(
        "credential", "export", "--cohort", "Spring", "--learner", "x@example.org", tmp_path, code=1
    )
    assert "Nobody" in said.output


def test_keys_are_listed_rotated_and_printed(grading: Grading, released: dict[str, Any]) -> None:
    sponsor = "Example College"
    before = json.loads(grading("keys", "list", "--json").output)
    assert [key["state"] for key in before] == ["active", "active"]
    assert "sealed" not in str(before)
    assert "It has its keys." in grading("keys", "make", sponsor).output
    grading("keys", "rotate", sponsor)
    after = json.loads(grading("keys", "list", "--json").output)
    assert sorted(key["state"] for key in after) == ["active", "active", "retired", "retired"]
    document = json.loads(grading("keys", "document", sponsor).output)
    assert len(document["verificationMethod"]) == 4
    proof = next(key for key in after if (key["kind"], key["state"]) == ("ed25519", "active"))
    grading("keys", "retire", proof["id"])
    said = grading("keys", "withdraw", proof["id"], "--reason", "a theft").output
    assert "0 learners" in said
    document = json.loads(grading("keys", "document", sponsor).output)
    assert len(document["verificationMethod"]) == 3
    grading("keys", "rotate", sponsor, "--did", "did:web:college.example")
    document = json.loads(
        grading("keys", "document", sponsor, "--did", "did:web:college.example").output
    )
    assert document["id"] == "did:web:college.example"
    assert len(document["verificationMethod"]) == 2
    for wrong in (
        ("keys", "make", "Nobody"),
        ("keys", "retire", "nothing"),
        ("keys", "rotate", sponsor, "--did", "https://college.example"),
        ("keys", "document", sponsor, "--did", "did:web:elsewhere.example"),
    ):
        grading(*wrong, code=1)


def test_a_credential_is_revoked_by_an_administrator_with_a_reason(
    grading: Grading,
    act: Callable[[], Any],
    released: dict[str, Any],
) -> None:
    with act() as session:
        capstone = of(session, released, kind="capstone")[0].id
    given = ("credential", "revoke", capstone, "--reason", "a fraud", "--by")
    grading(*given, "instructor.opal@example.org", code=1)
    grading(*given, "administrator.beryl@example.org")
    with act() as session:
        assert of(session, released, kind="capstone")[0].state == "revoked"
        entry = session.scalars(
            select(AuditEntry).filter_by(action="credential:revoke", subject_id=capstone)
        ).one()
        assert entry.actor_id == released["administrator"]
        assert entry.reason_words == "a fraud (on the command line)"


def test_a_grade_is_recomputed(
    grading: Grading, act: Callable[[], Any], released: dict[str, Any]
) -> None:
    with act() as session:
        grade = session.scalars(
            select(Grade).where(Grade.submission.has(learner_id=released["learner"]))
        ).one()
        grade_id = grade.id
    said = grading("recompute", grade_id).output
    assert "0 do not agree" in said
    assert "agrees  composite: 66.6" in said
    assert all(row["agrees"] for row in json.loads(grading("recompute", grade_id, "--json").output))
    with act() as session:
        session.get_one(Grade, grade_id).value = "99"
    said = grading("recompute", grade_id, code=1).output
    assert "DIFFERS value: kept 99, found 67" in said
    grading("recompute", "nothing", code=1)


def test_a_verified_name_goes_into_the_record(
    grading: Grading, act: Callable[[], Any], released: dict[str, Any], work: Callable[[Any], int]
) -> None:
    with act() as session:
        email = session.get_one(Person, released["learner"]).email
    given = ("people", "verify", email, "Ada Byron", "--how", "document")
    grading(*given, "--submission", "nothing", code=1)
    grading(*given, "--until", "2020-01-01", code=1)
    grading(*given, "--by", email, code=1)
    said = grading(*given, "--by", "administrator.beryl@example.org").output
    assert "1 records are issued anew" in said
    with act() as session:
        asked = session.scalars(
            select(Job).where(Job.topic == "credentials", Job.state == "waiting")
        )
        latest = max(job.run_at for job in asked)
    work(latest)
    with act() as session:
        valid = of(session, released, state="valid")
        assert len(valid) == 5
        assert all("Ada Byron" in str(one.document) for one in valid)


def test_keys_follow_a_changed_secret_all_or_none(
    grading: Grading,
    act: Callable[[], Any],
    released: dict[str, Any],
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = installation.settings.secret_key
    notary = LocalNotary("another secret that is long enough for it")
    object.__setattr__(installation, "notary", notary)
    with act() as session:
        sponsor = session.get_one(Sponsor, released["sponsor"])
        issuers.rotate(session, None, sponsor, notary=notary, base_url="http://x", now=NOW)
        before = {key.id: key.sealed for key in session.scalars(select(SigningKey))}
    assert len(before) == 4
    # With a wrong old one every key that it does not open is named, and none is changed.
    monkeypatch.setenv("GRADING_OLD_SECRET_KEY", "a wrong one")
    refused = grading("keys", "reseal", code=1).output
    with act() as session:
        named = [
            key.fragment for key in session.scalars(select(SigningKey)) if key.fragment in refused
        ]
        assert len(named) == 2
        assert {key.id: key.sealed for key in session.scalars(select(SigningKey))} == before
    monkeypatch.setenv("GRADING_OLD_SECRET_KEY", old)
    assert "2 keys are encrypted with the present secret key." in grading("keys", "reseal").output
    assert "0 keys are encrypted" in grading("keys", "reseal").output
    with act() as session:
        keys = session.scalars(select(SigningKey)).all()
        # Those the present secret opened were left alone; now it opens all of them.
        assert sum(key.sealed == before[key.id] for key in keys) == 2
        for key in keys:
            assert notary.reseal(issuers.pair(key), "a wrong one") == issuers.pair(key)
        proof = next(key for key in keys if key.kind == "ed25519")
        given = of(session, released, kind="capstone")[0].document
        signed = notary.sign(
            {name: value for name, value in given.items() if name != "proof"},
            issuers.pair(proof), method=issuers.method(proof), created="2026-01-01T00:00:00Z",
        )  # fmt: skip
        assert installation.notary.verifies(signed, proof.public)
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "key:reseal")).all()
        assert len(noted) == 2
