"""An issuer as others see it: its DID, its keys in Multikey form, its DID document and its JWKS.

References
----------
W3C, Decentralized Identifiers 1.0; did:web method specification; W3C, Controlled Identifiers 1.0
(Multikey); IETF RFC 7517 (JWKS) and RFC 7638 (thumbprints).
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from grading.errors import Refused

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# The unsigned varint of 0xed (Ed25519 public key) in the multicodec table.
ED25519 = b"\xed\x01"
DID_CONTEXT = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")
_DID_WEB = re.compile(r"did:web:[A-Za-z0-9.-]+(%3[Aa][0-9]+)?(:[A-Za-z0-9._-]+)*")


@dataclass(frozen=True)
class PublicKey:
    """A key of an issuer that others may see.

    Attributes
    ----------
    method : str
        Its address, as `method` gives it.
    kind : str
        ``ed25519`` (proofs) or ``rsa`` (tokens).
    public : str
        The Multikey, or the JWK as canonical JSON.
    """

    method: str
    kind: str
    public: str


def base58(data: bytes) -> str:
    """Encode bytes in base58btc, a leading zero byte as ``1``."""
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def unbase58(text: str) -> bytes:
    """Decode base58btc; raises `ValueError` for any other letter."""
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def multikey(raw: bytes) -> str:
    """Give an Ed25519 public key (32 bytes) as a Multikey."""
    return "z" + base58(ED25519 + raw)


def raw_key(text: str) -> bytes:
    """Give the 32 bytes of an Ed25519 Multikey; raises `ValueError` for anything else."""
    plain = text.startswith("z") and set(text) <= set(ALPHABET)
    data = unbase58(text[1:]) if plain else b""
    if data[:2] != ED25519 or len(data) != 34:
        raise ValueError("not an Ed25519 Multikey")
    return data[2:]


def read(jwk: str) -> dict[str, str]:
    """Read a JWK that `canonical` wrote."""
    return {str(name): str(value) for name, value in json.loads(jwk).items()}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Give the RFC 7638 thumbprint (SHA-256, base64url) of an RSA public key."""
    members = {name: jwk[name] for name in ("e", "kty", "n")}
    digest = hashlib.sha256(canonical(members).encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def canonical(value: object) -> str:
    """Give the one JSON text of plain data: sorted names, no spaces."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def did_web(base_url: str, *path: str) -> str:
    """Give the did:web whose document lies at ``<base_url>/<path>/did.json``."""
    parts = urlsplit(base_url)
    names = [name for name in parts.path.split("/") if name] + list(path)
    return ":".join(["did:web", quote(parts.netloc, safe="."), *names])


def did_key(public: str) -> str:
    """Give the did:key of an Ed25519 Multikey; for tests, it can be neither rotated nor withdrawn."""
    return f"did:key:{public}"


def check_did(did: str) -> str:
    """Give a did:web back as it is; raises `Refused` for anything else."""
    if not _DID_WEB.fullmatch(did):
        raise Refused("“%(did)s” is no did:web.", did=did)
    return did


def document_url(did: str) -> str:
    """Say where a verifier looks for a did:web's document."""
    host, *path = did.removeprefix("did:web:").split(":")
    place = "/".join(path) if path else ".well-known"
    return f"https://{host.replace('%3A', ':').replace('%3a', ':')}/{place}/did.json"


def method(did: str, fragment: str) -> str:
    """Give the address of a key: the fragment is the Multikey itself, or the JWK's thumbprint."""
    if did.startswith("did:key:"):
        return f"{did}#{did.removeprefix('did:key:')}"
    return f"{did}#{fragment}"


def did_document(did: str, keys: Sequence[PublicKey]) -> dict[str, Any]:
    """Give the DID document: every key that ever signed, so that what it signed can be checked.

    did:web has no history, so a retired key stays among the assertion methods; a key that fell into
    other hands is left out by the caller, and what it signed no longer verifies.
    """
    methods: list[dict[str, Any]] = []
    for key in keys:
        entry: dict[str, Any] = {"id": key.method, "controller": did}
        if key.kind == "ed25519":
            entry |= {"type": "Multikey", "publicKeyMultibase": key.public}
        else:
            entry |= {"type": "JsonWebKey", "publicKeyJwk": json.loads(key.public)}
        methods.append(entry)
    return {
        "@context": [*DID_CONTEXT, "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [entry["id"] for entry in methods],
    }


def jwks(keys: Sequence[PublicKey]) -> dict[str, Any]:
    """Give the RSA keys as a JWK set; ``kid`` is the key's address in the DID document."""
    return {
        "keys": [
            {
                **json.loads(key.public),
                "kid": key.method,
                "alg": "RS256",
                "use": "sig",
            }
            for key in keys
            if key.kind == "rsa"
        ]
    }
