"""Signing with pyld, cryptography and joserfc. Contexts come from an installed package, nothing is fetched.

References
----------
W3C, Verifiable Credential Data Integrity 1.0, and Data Integrity EdDSA Cryptosuites 1.0
(``eddsa-rdfc-2022``); W3C, RDF Dataset Canonicalization; IETF RFC 7515 and RFC 7518 (RS256).
"""

import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from pyld import jsonld

from grading.credential import issuer
from grading.errors import PermanentFailure
from grading.ports import IssuerKey

SUITE = "eddsa-rdfc-2022"
RSA_BITS = 3072
_NONCE = 12
_CONTEXTS = {
    "https://www.w3.org/ns/credentials/v2": "credentials-v2.json",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json": "ob-v3p0-context-3.0.3.json",
    "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json": "ob-v3p0-extensions.json",
    "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json": "clr_context_2.0.1.json",
}
# Where a term lands that no context defines, and an address that is not whole; nothing is there (RFC 2606).
_NOWHERE = "https://undefined.invalid/"


class LocalNotary:
    """Keys in our own database, sealed with a key that is derived from the installation's secret.

    Fulfils `grading.ports.Notary`.
    """

    def __init__(self, secret: str) -> None:
        derive = HKDF(hashes.SHA256(), 32, salt=None, info=b"grading: issuer keys, version 1")
        self._box = AESGCM(derive.derive(secret.encode()))
        # Checking an RSA key takes a hundred times as long as signing with it.
        self._rsa: dict[str, RSAKey] = {}

    def make(self, kind: str) -> IssuerKey:
        if kind == "ed25519":
            private = Ed25519PrivateKey.generate()
            public = issuer.multikey(private.public_key().public_bytes_raw())
            return self._sealed(kind, public, private.private_bytes_raw())
        key = RSAKey.generate_key(RSA_BITS, private=True)
        public = issuer.canonical(
            {name: key.as_dict(private=False)[name] for name in ("e", "kty", "n")}
        )
        return self._sealed(kind, public, json.dumps(key.as_dict(private=True)).encode())

    def reseal(self, key: IssuerKey, old_secret: str) -> IssuerKey:
        try:
            self._open(key)
        except PermanentFailure:
            return self._sealed(key.kind, key.public, LocalNotary(old_secret)._open(key))
        return key

    def sign(
        self, document: Mapping[str, Any], key: IssuerKey, *, method: str, created: str
    ) -> dict[str, Any]:
        proof = {
            "type": "DataIntegrityProof",
            "created": created,
            "verificationMethod": method,
            "cryptosuite": SUITE,
            "proofPurpose": "assertionMethod",
        }
        data = _to_sign(document, proof)
        signature = Ed25519PrivateKey.from_private_bytes(self._open(key)).sign(data)
        return {**document, "proof": [{**proof, "proofValue": "z" + issuer.base58(signature)}]}

    def verifies(self, document: Mapping[str, Any], public: str) -> bool:
        proofs = document.get("proof")
        proof = proofs[0] if isinstance(proofs, list) and proofs else proofs
        if not isinstance(proof, dict) or proof.get("cryptosuite") != SUITE:
            return False
        config = {name: value for name, value in proof.items() if name != "proofValue"}
        bare = {name: value for name, value in document.items() if name != "proof"}
        try:
            signature = issuer.unbase58(str(proof["proofValue"]).removeprefix("z"))
            key = Ed25519PublicKey.from_public_bytes(issuer.raw_key(public))
            key.verify(signature, _to_sign(bare, config))
        except (InvalidSignature, PermanentFailure):
            return False
        except (AttributeError, KeyError, TypeError, ValueError):
            # Whatever shape a forged document has, it is no reason to fail.
            return False
        return proof.get("proofPurpose") == "assertionMethod"

    def token(self, claims: Mapping[str, Any], key: IssuerKey, *, kid: str) -> str:
        private = self._rsa.get(key.public)
        if private is None:
            private = self._rsa[key.public] = RSAKey.import_key(json.loads(self._open(key)))
        header = {"alg": "RS256", "typ": "JWT", "kid": kid}
        return jwt.encode(header, dict(claims), private, algorithms=["RS256"])

    def read_token(self, token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
        try:
            keys = KeySet.import_key_set({"keys": list(jwks["keys"])})
            return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)
        except (JoseError, ValueError) as error:
            raise PermanentFailure("No key of the issuer signed this token.") from error

    def _sealed(self, kind: str, public: str, private: bytes) -> IssuerKey:
        nonce = os.urandom(_NONCE)
        # Bound to the public half, so that sealed keys cannot change places.
        box = nonce + self._box.encrypt(nonce, private, f"{kind} {public}".encode())
        return IssuerKey(kind, public, b64encode(box).decode())

    def _open(self, key: IssuerKey) -> bytes:
        box = b64decode(key.sealed)
        try:
            return self._box.decrypt(
                box[:_NONCE], box[_NONCE:], f"{key.kind} {key.public}".encode()
            )
        except InvalidTag as error:
            raise PermanentFailure(
                "The issuer's key cannot be opened: it was sealed with another secret key."
            ) from error


def _to_sign(document: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    """Give the 64 bytes that are signed: the hash of the proof's options, then the document's."""
    options = {**proof, "@context": document.get("@context", [])}
    return b"".join(hashlib.sha256(canonize(part)).digest() for part in (options, document))


def canonize(document: Mapping[str, Any]) -> bytes:
    """Give a document as canonical N-Quads, of which nothing is missing.

    JSON-LD drops silently what no context defines, and a signature would not cover it. Here every such
    term is sent to a vocabulary that does not exist, where it is seen, and the values that went in
    are counted against those that came out.

    Raises
    ------
    PermanentFailure
        Something would be dropped, or a context is not one of ours.
    """
    options = {"documentLoader": _load, "base": _NOWHERE}
    try:
        expanded = jsonld.expand(_with_nowhere(document), options)
        lost = sorted(set(_undefined(expanded)))
        if lost or _count(document) != sum(_values(expanded)):
            raise PermanentFailure(
                "A signature would not cover all of the document: %(terms)s.",
                terms=", ".join(lost) or "a value would be dropped",
            )
        quads = jsonld.normalize(
            expanded, {**options, "algorithm": "URDNA2015", "format": "application/n-quads"}
        )
    except jsonld.JsonLdError as error:
        raise PermanentFailure(
            "The document cannot be read as JSON-LD: %(why)s", why=str(error)
        ) from error
    return str(quads).encode()


def _with_nowhere(node: Any) -> Any:
    """Give every context of a tree a last vocabulary that catches what the others do not define."""
    if isinstance(node, list):
        return [_with_nowhere(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    copy = {name: _with_nowhere(value) for name, value in node.items() if name != "@context"}
    if "@context" in node:
        contexts = node["@context"]
        contexts = contexts if isinstance(contexts, list) else [contexts]
        copy["@context"] = [*contexts, {"@vocab": _NOWHERE}]
    return copy


def _undefined(node: Any) -> Iterator[str]:
    """Name the terms that fell into nowhere, and addresses that are none."""
    if isinstance(node, list):
        for item in node:
            yield from _undefined(item)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if name.startswith(_NOWHERE):
                yield name.removeprefix(_NOWHERE)
            if name in ("@id", "@type"):
                for word in value if isinstance(value, list) else [value]:
                    if word.startswith(_NOWHERE):
                        yield word.removeprefix(_NOWHERE)
            else:
                yield from _undefined(value)


def _count(node: Any) -> int:
    """Count the plain values of a document, contexts apart."""
    if isinstance(node, list):
        return sum(_count(item) for item in node)
    if isinstance(node, Mapping):
        return sum(_count(value) for name, value in node.items() if name != "@context")
    return 1


def _values(node: Any) -> Iterator[int]:
    """Count the same values in expanded form: ``@value``, ``@id`` and each ``@type`` of a node."""
    if isinstance(node, list):
        for item in node:
            yield from _values(item)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if name in ("@id", "@value"):
                yield 1
            elif name == "@type":
                yield len(value) if isinstance(value, list) else 0
            elif not name.startswith("@") or name in ("@graph", "@list", "@set"):
                yield from _values(value)


@cache
def _documents() -> dict[str, Any]:
    folder = files("openbadgeslib") / "ob3" / "contexts"
    return {
        url: json.loads((folder / name).read_text(encoding="utf-8"))
        for url, name in _CONTEXTS.items()
    }


def _load(url: str, _options: Any = None) -> dict[str, Any]:
    documents = _documents()
    if url not in documents:
        raise PermanentFailure("The context %(url)s is none of ours.", url=url)
    return {
        "contextUrl": None,
        "documentUrl": url,
        "document": documents[url],
        "contentType": "application/ld+json",
        # It never changes, so pyld may keep what it made of it from one document to the next.
        "tag": "static",
    }
