"""Signatures: the guides' own bytes, every tampering refused, and nothing signed that is not covered."""

import copy
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from openvc.errors import OpenvcError
from openvc.proof.data_integrity import DataIntegrityProofSuite

from grading.adapters import signing
from grading.adapters.signing import LocalNotary, canonize
from grading.credential import document as documents
from grading.credential import issuer
from grading.errors import PermanentFailure
from tests.credential import examples
from tests.credential.examples import CREATED, DID, KEY, METHOD, NOTARY, signed

# 1EdTech, implementation guides of Open Badges 3.0 and CLR 2.0.
VECTORS = examples.read("vectors.json")
CHANGE = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize("name", ["ob", "clr"])
def test_the_guides_examples_are_signed_byte_for_byte(name: str) -> None:
    vector = VECTORS[name]
    public = issuer.multikey(bytes.fromhex(vector["pub"]))
    assert vector["vm"].endswith(public)
    # The published secret is seed and public key, one after the other.
    key = NOTARY._sealed("ed25519", public, bytes.fromhex(vector["sk"])[:32])
    document = NOTARY.sign(vector["cred"], key, method=vector["vm"], created=vector["created"])
    assert document["proof"][0]["proofValue"] == vector["pv"]
    assert NOTARY.verifies(document, public)
    assert not NOTARY.verifies(document, KEY.public)


def jwk(public: str) -> dict[str, Any]:
    from base64 import urlsafe_b64encode

    raw = urlsafe_b64encode(issuer.raw_key(public)).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": raw}


def independent(document: dict[str, Any]) -> None:
    """Have openvc check a copy with the proof as an object; raises its error."""
    duplicate = copy.deepcopy(document)
    duplicate["proof"] = duplicate["proof"][0]
    DataIntegrityProofSuite().verify(
        duplicate,
        public_key_jwk=jwk(KEY.public),
        extra_contexts=signing._documents(),
        now=examples.AT,
    )


@pytest.mark.parametrize("build", [examples.capstone, examples.course])
def test_another_implementation_accepts_what_we_sign(build: Callable[[], Any]) -> None:
    document = signed(build())
    independent(document)
    assert NOTARY.verifies(document, KEY.public)


def subject(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["credentialSubject"]
    return found


def described(document: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = subject(document)["achievement"]["resultDescription"][index]
    return found


# What somebody would like to change, and how.
TAMPERING: dict[str, CHANGE] = {
    "achieved level": lambda d: subject(d)["result"][2].update(
        achievedLevel=described(d, 2)["rubricCriterionLevel"][3]["id"]
    ),
    "points reached": lambda d: subject(d)["result"][2].update(value="3"),
    "points of a level": lambda d: described(d, 2)["rubricCriterionLevel"][0].update(points="3"),
    "name of a level": lambda d: described(d, 2)["rubricCriterionLevel"][0].update(name="Superb"),
    "grade": lambda d: subject(d)["result"][1].update(value="97"),
    "pass mark": lambda d: described(d, 1).update(requiredValue="10"),
    "result status": lambda d: subject(d)["result"][0].update(status="Failed"),
    "subject": lambda d: subject(d).update(id="urn:uuid:00000000-0000-4000-8000-000000000000"),
    "name of the learner": lambda d: subject(d)["identifier"][0].update(identityHash="Mallory"),
    "e-mail": lambda d: subject(d)["identifier"][1].update(identityHash="sha256$" + "0" * 64),
    "title": lambda d: subject(d)["achievement"].update(name="A doctorate"),
    "valid from": lambda d: d.update(validFrom="2020-01-01T00:00:00Z"),
    "valid until added": lambda d: d.update(validUntil="2099-01-01T00:00:00Z"),
    "status removed": lambda d: d.pop("credentialStatus"),
    "place in the status list": lambda d: d["credentialStatus"].update(statusListIndex="6"),
    "issuer": lambda d: d["issuer"].update(id="did:web:elsewhere.example"),
    "evidence": lambda d: d["evidence"][0].update(id="ni:///sha-256;AAAA"),
    "id": lambda d: d.update(id="https://elsewhere.example/1"),
    "instant of the proof": lambda d: d["proof"][0].update(created="2020-01-01T00:00:00Z"),
    "purpose of the proof": lambda d: d["proof"][0].update(proofPurpose="authentication"),
    "key of the proof": lambda d: d["proof"][0].update(verificationMethod="did:web:x.example#k"),
    "signature": lambda d: d["proof"][0].update(proofValue="z" + issuer.base58(b"\1" * 64)),
    "a term that no context defines": lambda d: subject(d).update(honours="summa cum laude"),
    "result removed": lambda d: subject(d)["result"].pop(),
}


@pytest.mark.parametrize("change", TAMPERING.values(), ids=list(TAMPERING))
def test_tampering_is_seen_by_us_and_by_another_implementation(change: CHANGE) -> None:
    document = json.loads(json.dumps(signed(examples.capstone())))
    change(document)
    assert document != signed(examples.capstone())
    assert not NOTARY.verifies(document, KEY.public)
    with pytest.raises(OpenvcError):
        independent(document)


def test_a_member_of_a_program_that_was_changed_is_seen() -> None:
    document = json.loads(json.dumps(signed(examples.program())))
    assert NOTARY.verifies(document, KEY.public)
    document["credentialSubject"]["verifiableCredential"][-1]["name"] = "Another"
    assert not NOTARY.verifies(document, KEY.public)


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda d: d.update(colour="red"), "colour"),
        (lambda d: subject(d).update(colour="red"), "colour"),
        (lambda d: described(d, 2)["rubricCriterionLevel"][1].update(colour="red"), "colour"),
        (lambda d: d["type"].append("Colour"), "Colour"),
        (lambda d: d.update(id="1"), "1"),
        (lambda d: d["@context"].remove(documents.EXTENSIONS), "1EdTechJsonSchemaValidator2019"),
        (lambda d: d.update(name=None), "dropped"),
        (lambda d: d.update({"@colour": "red"}), "dropped"),
        (lambda d: d["@context"].append("https://elsewhere.example/v1"), "elsewhere"),
    ],
)
def test_nothing_is_signed_that_a_signature_would_not_cover(change: CHANGE, lost: str) -> None:
    document = examples.capstone()
    change(document)
    with pytest.raises(PermanentFailure, match=lost):
        NOTARY.sign(document, KEY, method=METHOD, created=CREATED)


def test_the_order_of_names_does_not_matter() -> None:
    document = examples.capstone()
    turned = dict(reversed(document.items()))
    assert canonize(turned) == canonize(document)


def test_a_token_says_what_the_credential_says() -> None:
    key = NOTARY.make("rsa")
    thumbprint = issuer.thumbprint(issuer.read(key.public))
    jwks = issuer.jwks([issuer.PublicKey(f"{DID}#{thumbprint}", "rsa", key.public)])
    document = signed(examples.capstone())
    token = NOTARY.token(documents.claims(document), key, kid=jwks["keys"][0]["kid"])
    claims = NOTARY.read_token(token, jwks)
    names = {"iss": DID, "sub": examples.SUBJECT.id, "jti": document["id"], "nbf": 1788768000}
    bare = {name: value for name, value in document.items() if name != "proof"}
    assert claims == bare | names
    header = json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": f"{DID}#{thumbprint}"}
    other = NOTARY.make("rsa")
    for wrong in (
        token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8),
        NOTARY.token(claims, other, kid=jwks["keys"][0]["kid"]),
        NOTARY.token(claims, key, kid="another"),
        # {"alg":"none"}
        "eyJhbGciOiJub25lIn0." + token.split(".")[1] + ".",
    ):
        with pytest.raises(PermanentFailure):
            NOTARY.read_token(wrong, jwks)


def test_keys_open_only_with_the_secret_that_sealed_them() -> None:
    other = LocalNotary("another secret for tests, long enough")
    with pytest.raises(PermanentFailure, match="another secret"):
        other.sign(examples.course(), KEY, method=METHOD, created=CREATED)
    swapped = signing.IssuerKey(KEY.kind, NOTARY.make("ed25519").public, KEY.sealed)
    with pytest.raises(PermanentFailure, match="another secret"):
        NOTARY.sign(examples.course(), swapped, method=METHOD, created=CREATED)
    assert KEY.public not in KEY.sealed
