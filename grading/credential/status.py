"""Bitstring Status List: one bit a credential, so that a verifier's question tells the issuer nothing.

References
----------
W3C, Bitstring Status List 1.0. A list has at least 131,072 bits (16 KB): smaller ones would say whose
status was asked for. Index 0 is the left-most bit.
"""

import gzip
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import Any

SIZE = 131_072
# Beyond this a new list is begun, so that a random index is found in two draws on the average.
FULL = SIZE // 2
# How long a verifier may keep a copy.
TTL_MS = 300_000


def encode(indexes: Iterable[int], size: int = SIZE) -> str:
    """Give a list with these bits set: gzip, base64url without padding, the multibase prefix ``u``."""
    bits = bytearray(size // 8)
    for index in indexes:
        if not 0 <= index < size:
            raise ValueError(f"no bit {index} in a list of {size}")
        bits[index // 8] |= 0x80 >> index % 8
    # A fixed time keeps equal lists equal, byte for byte.
    return "u" + urlsafe_b64encode(gzip.compress(bytes(bits), mtime=0)).rstrip(b"=").decode()


def is_set(encoded: str, index: int) -> bool:
    """Read one bit; raises `ValueError` where the list is malformed or too short."""
    bits = _bits(encoded)
    if not 0 <= index < len(bits) * 8:
        raise ValueError(f"no bit {index} in a list of {len(bits) * 8}")
    return bool(bits[index // 8] & 0x80 >> index % 8)


def indexes(encoded: str) -> set[int]:
    """Read all bits that are set; raises `ValueError` where the list is malformed."""
    return {
        place * 8 + bit
        for place, byte in enumerate(_bits(encoded))
        if byte
        for bit in range(8)
        if byte & 0x80 >> bit
    }


def _bits(encoded: str) -> bytes:
    if not encoded.startswith("u"):
        raise ValueError("not a base64url multibase string")
    text = encoded[1:]
    return gzip.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def entry(list_url: str, index: int) -> dict[str, Any]:
    """Give what a credential says about where its status stands."""
    return {
        "id": f"{list_url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": list_url,
    }


def document(
    list_url: str, issuer: str, encoded: str, *, valid_from: str, context: str
) -> dict[str, Any]:
    """Give the list as a credential, to be signed by the issuer of what it lists."""
    return {
        "@context": [context],
        "id": list_url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": valid_from,
        "credentialSubject": {
            "id": f"{list_url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded,
            "ttl": TTL_MS,
        },
    }
