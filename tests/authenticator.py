"""An authenticator in software: it makes passkeys and signs as a browser with a security key would.

Written from Web Authentication Level 2, sections 6.1 (authenticator data), 6.5.4 (attestation objects,
format "none") and 5.8.1 (client data), and RFC 9053 section 7.1.1 (a P-256 key as COSE).
"""

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One device with one key; ``counts`` is False for one that, as many do, never counts."""

    origin: str = "https://grading.example.edu"
    counts: bool = True
    count: int = 0
    verifies: bool = True
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def _flags(self, more: int = 0) -> int:
        return PRESENT | (VERIFIED if self.verifies else 0) | more

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said, separators=(",", ":")).encode()

    def _answer(self, **response: bytes) -> str:
        name = bytes_to_base64url(self.credential)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": {key: bytes_to_base64url(value) for key, value in response.items()},
            }
        )

    def make(self, options: str) -> str:
        """Answer `navigator.credentials.create`."""
        asked: dict[str, Any] = json.loads(options)
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        data = (
            hashlib.sha256(asked["rp"]["id"].encode()).digest()
            + bytes([self._flags(ATTESTED)])
            + struct.pack(">I", self.count)
            + bytes(16)
            + struct.pack(">H", len(self.credential))
            + self.credential
            + cbor2.dumps(cose)
        )
        return self._answer(
            clientDataJSON=self._client_data("webauthn.create", asked["challenge"]),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def sign(self, options: str) -> str:
        """Answer `navigator.credentials.get`."""
        asked: dict[str, Any] = json.loads(options)
        return self.sign_bytes(base64url_to_bytes(asked["challenge"]), asked["rpId"])

    def sign_bytes(self, challenge: bytes, party: str) -> str:
        """Sign any challenge."""
        self.count += self.counts
        data = (
            hashlib.sha256(party.encode()).digest()
            + bytes([self._flags()])
            + struct.pack(">I", self.count)
        )
        client = self._client_data("webauthn.get", bytes_to_base64url(challenge))
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(authenticatorData=data, clientDataJSON=client, signature=signed)
