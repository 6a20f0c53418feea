"""Two other implementations and the schemas accept everything issued, and agree with our own page of it.

openvc and openbadgeslib check what `grading credential export` wrote, from the exported files alone.
Neither knows learner records: openvc refuses them, openbadgeslib checks their proof. PyJWT checks tokens.
"""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from openbadgeslib.ob3 import status as badgeslib_status
from openbadgeslib.ob3 import verifier as badgeslib_verifier
from openbadgeslib.ob3.ldp import OB3LdpVerifier, verify_data_integrity_proof
from openbadgeslib.ob3.verifier import OB3VerificationError
from openvc.did.base import parse_did_document
from openvc.errors import OpenvcError
from openvc.verify import VerificationPolicy, verify_credential
from sqlalchemy import select

from grading.adapters import signing
from grading.cli import group
from grading.credential import issuer
from grading.models import CredentialRecord, Person
from grading.records import credentials, records, reissues
from tests.credential import examples
from tests.database import Clock
from tests.issuing import amend, installation, of, released, small_keys, work, world

__all__ = ["installation", "released", "small_keys", "work", "world"]

BROWSER = {"Accept": "text/html"}
SCHEMAS = {
    "OpenBadgeCredential": "ob_v3p0_achievementcredential_schema.json",
    "ClrCredential": "clr_v2p0_clrcredential_schema.json",
}


class Elsewhere:
    """A verifier that has nothing but an exported folder, and a clock."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.files = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
        self.tokens = {path.stem: path.read_text().strip() for path in folder.glob("*.jwt")}
        self._clock = clock
        self._did = self.files["did"]

    def documents(self) -> dict[str, dict[str, Any]]:
        known = ("did", "jwks", "status")
        return {name: one for name, one in self.files.items() if name not in known}

    def resolve(self, did: str) -> Any:
        return parse_did_document(self._did)

    def supports(self, did: str) -> bool:
        return bool(did == self._did["id"])

    def fetch(self, url: str, *_args: Any, **_named: Any) -> bytes:
        named = self._did if url.endswith("did.json") else self.files["status"]
        return json.dumps(named).encode()

    def openvc(self, document: dict[str, Any]) -> str:
        """Have openvc check key, proof, dates and status; gives its verdict in a word."""

        def status_list(url: str) -> dict[str, Any]:
            listed = as_openvc_wants(self.files["status"])
            assert listed["id"] == url
            verify_credential(
                listed,
                resolver=self,
                extra_contexts=signing._documents(),
                policy=VerificationPolicy(now=self._clock.now),
            )
            return listed

        try:
            verify_credential(
                as_openvc_wants(document),
                resolver=self,
                resolve_status_list=status_list,
                extra_contexts=signing._documents(),
                policy=VerificationPolicy(now=self._clock.now, require_status_issuer_binding=True),
            )
        except OpenvcError as error:
            return "revoked" if "revoked" in str(error) else f"refused: {error}"
        return "valid"

    def badgeslib(self, document: dict[str, Any]) -> str:
        """Have openbadgeslib check the same; of lists it knows tokens alone, so its proof comes apart."""
        self.proof_holds(self.files["status"])
        try:
            OB3LdpVerifier().verify(
                document, check_status=True, verify_status_list=False, download=self.fetch
            )
        except OB3VerificationError as error:
            ended = "'revocation' is set" in str(error)
            return "revoked" if ended else f"refused: {error}"
        return "valid"

    def proof_holds(self, document: dict[str, Any]) -> None:
        """Have openbadgeslib check a proof alone; raises its error."""
        method = document["proof"][0]["verificationMethod"]
        [key] = [one for one in self._did["verificationMethod"] if one["id"] == method]
        public = Ed25519PublicKey.from_public_bytes(issuer.raw_key(key["publicKeyMultibase"]))
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        verify_data_integrity_proof(document, pem, extra_contexts=signing._documents())

    def claims(self, name: str) -> dict[str, Any]:
        """Have PyJWT check a token with the exported keys."""
        token = self.tokens[name]
        kid = jwt.get_unverified_header(token)["kid"]
        key = jwt.PyJWKSet.from_dict(self.files["jwks"])[kid]
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=["RS256"], options={"verify_nbf": False, "verify_sub": False}
        )
        return claims


def as_openvc_wants(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas want the proof in an array, openvc wants it alone."""
    duplicate = copy.deepcopy(document)
    [duplicate["proof"]] = document["proof"]
    return duplicate


def faults(document: dict[str, Any]) -> list[str]:
    schema = examples.read(SCHEMAS[document["type"][1]])
    validator = validator_for(schema, default=Draft202012Validator)(schema)
    return [error.message for error in validator.iter_errors(document)]


@pytest.fixture
def export(
    app: Flask, act: Callable[[], Any], released: dict[str, Any], tmp_path: Path, clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Elsewhere]:  # fmt: skip
    """Run the command and give a verifier that has the folder; its clock is ours."""

    class ThatInstant(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return clock.now

    for module in (badgeslib_verifier, badgeslib_status):
        monkeypatch.setattr(module, "datetime", ThatInstant)

    def run(name: str) -> Elsewhere:
        with act() as session:
            email = session.get_one(Person, released["learner"]).email
        arguments = ["--cohort", released["cohort"], "--learner", email, str(tmp_path / name)]
        done = CliRunner().invoke(group, ["credential", "export", *arguments], obj=lambda: app)
        assert done.exit_code == 0, done.output
        return Elsewhere(tmp_path / name, clock)

    return run


def holds_everywhere(elsewhere: Elsewhere) -> None:
    """All that was exported is valid to both verifiers and as the schemas want it."""
    documents = elsewhere.documents()
    for name, document in documents.items():
        assert faults(document) == [], name
        elsewhere.proof_holds(document)
        claims = elsewhere.claims(name)
        assert claims["jti"] == document["id"], name
        assert {one: claims[one] for one in document if one != "proof"} == {
            one: said for one, said in document.items() if one != "proof"
        }, name
        if document["type"][1] != "ClrCredential":
            verdicts = (elsewhere.openvc(document), elsewhere.badgeslib(document))
            assert verdicts == ("valid", "valid"), name
    members = (
        documents["clr"]["credentialSubject"]["verifiableCredential"] if "clr" in documents else []
    )
    for member in members:
        assert (elsewhere.openvc(member), elsewhere.badgeslib(member)) == ("valid", "valid")


def words_of(client: FlaskClient, documents: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The first word of our own page of each document."""
    words = {}
    for name, document in documents.items():
        path = document["id"].removeprefix("http://127.0.0.1:8000")
        page = client.get(path, headers=BROWSER).text
        words[name] = page.partition("<h1>")[2].partition("</h1>")[0]
    return words


@pytest.fixture
def published(act: Callable[[], Any], released: dict[str, Any], clock: Clock) -> dict[str, Any]:
    """Everything of the learner is published and shared, a minute after it was issued."""
    clock.now = released["at"] + timedelta(minutes=1)
    with act() as session:
        learner = session.get_one(Person, released["learner"])
        for one in of(session, released, state="valid"):
            credentials.set_published(session, learner, one, published=True, now=clock.now)
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == learner.id)
        ).one()
        records.share(session, learner, record, now=clock.now)
        return released | {"address": f"/verify/{record.public_id}"}


def test_everything_issued_is_accepted_elsewhere(
    export: Callable[[str], Elsewhere], published: dict[str, Any], client: FlaskClient
) -> None:
    elsewhere = export("before")
    assert set(elsewhere.documents()) == {"capstone", "course1", "course2", "course3", "clr"}
    holds_everywhere(elsewhere)
    assert set(words_of(client, elsewhere.documents()).values()) == {"Valid"}
    # What was changed is refused by both.
    forged = copy.deepcopy(elsewhere.documents()["capstone"])
    forged["credentialSubject"]["result"][1]["value"] = "99"
    assert elsewhere.openvc(forged).startswith("refused")
    assert elsewhere.badgeslib(forged).startswith("refused")


@pytest.mark.parametrize("why", ["renamed", "amended"])
def test_after_a_replacement_others_and_our_page_agree(
    act: Callable[[], Any],
    client: FlaskClient,
    export: Callable[[str], Elsewhere],
    published: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
    why: str,
) -> None:
    before = export("before")
    clock.forward(days=1)
    with act() as session:
        if why == "renamed":
            learner = session.get_one(Person, published["learner"])
            learner.name = "Žofie Another"
            reissues.issue_under_new_name(session, learner, learner, now=clock.now)
        else:
            amend(session, published, {"question": 3, "method": 3}, clock.now)
    work(clock.now)
    clock.forward(seconds=2)
    after = export("after")
    holds_everywhere(after)
    replaced = set(before.documents()) if why == "renamed" else {"capstone", "clr"}
    for name, document in before.documents().items():
        expected = "revoked" if name in replaced else "valid"
        if name != "clr":
            verdicts = (after.openvc(document), after.badgeslib(document))
            assert verdicts == (expected, expected), name
    words = words_of(client, before.documents())
    assert {name for name, word in words.items() if word == "Replaced"} == replaced
    assert "<h1>Replaced</h1>" in client.get(published["address"]).text
    assert set(words_of(client, after.documents()).values()) == {"Valid"}
    if why == "renamed":
        subjects = [
            {one["credentialSubject"]["id"] for one in elsewhere.documents().values()}
            for elsewhere in (before, after)
        ]
        # Whoever holds files of both names cannot tell by them that they are one person's.
        assert [len(ids) for ids in subjects] == [1, 1]
        assert subjects[0] != subjects[1]
        for document in after.documents().values():
            assert "nobody has verified it" in str(document)


def test_after_a_revocation_others_and_our_page_agree(
    act: Callable[[], Any],
    client: FlaskClient,
    export: Callable[[str], Elsewhere],
    published: dict[str, Any],
    work: Callable[[Any], int],
    clock: Clock,
) -> None:
    before = export("before")
    clock.forward(days=1)
    with act() as session:
        capstone = of(session, published, kind="capstone")[0]
        actor = session.get_one(Person, published["administrator"])
        credentials.revoke_credential(session, actor, capstone, reason="a fraud", now=clock.now)
    work(clock.now)
    clock.forward(seconds=2)
    after, documents = export("after"), before.documents()
    assert set(after.documents()) == {"course1", "course2", "course3"}
    holds_everywhere(after)
    verdicts = {
        name: (after.openvc(document), after.badgeslib(document))
        for name, document in documents.items()
        if name != "clr"
    }
    assert verdicts.pop("capstone") == ("revoked", "revoked")
    assert set(verdicts.values()) == {("valid", "valid")}
    words = words_of(client, documents)
    assert {name for name, word in words.items() if word == "Revoked"} == {"capstone", "clr"}
    assert {words[name] for name in verdicts} == {"Valid"}
    assert "<h1>Revoked in part</h1>" in client.get(published["address"]).text
