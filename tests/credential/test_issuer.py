"""Issuers' names, keys and documents, and the bits of a status list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openvc.did.base import parse_did_document
from openvc.status.bitstring import decode_bitstring, get_status_bit

from grading.credential import issuer, status
from grading.errors import Refused
from tests.credential.examples import DID, KEY, NOTARY


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # IETF, draft-msporny-base58: the three examples of section 5.
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
    ],
)
def test_base58(data: bytes, text: str) -> None:
    assert issuer.base58(data) == text
    assert issuer.unbase58(text) == data


@given(st.binary(max_size=70))
def test_base58_comes_back(data: bytes) -> None:
    assert issuer.unbase58(issuer.base58(data)) == data


def test_a_key_that_is_none_is_refused() -> None:
    for text in ("", "z", "z6Mk0OIl", KEY.public[1:], "u" + KEY.public[1:], KEY.public + "1"):
        with pytest.raises(ValueError, match="not an Ed25519"):
            issuer.raw_key(text)
    assert issuer.multikey(issuer.raw_key(KEY.public)) == KEY.public


def test_a_thumbprint_is_that_of_the_rfc() -> None:
    # IETF RFC 7638, section 3.1.
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
        "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
        "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI"
        "4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert issuer.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    ("base", "did", "url"),
    [
        (
            "https://example.edu",
            "did:web:example.edu:issuers:a",
            "https://example.edu/issuers/a/did.json",
        ),
        (
            "http://127.0.0.1:8000",
            "did:web:127.0.0.1%3A8000:issuers:a",
            "https://127.0.0.1:8000/issuers/a/did.json",
        ),
        (
            "https://example.edu/grading",
            "did:web:example.edu:grading:issuers:a",
            "https://example.edu/grading/issuers/a/did.json",
        ),
    ],
)
def test_a_did_says_where_its_document_lies(base: str, did: str, url: str) -> None:
    assert issuer.did_web(base, "issuers", "a") == did
    assert issuer.document_url(did) == url
    assert issuer.check_did(did) == did


def test_a_bare_domain_has_a_well_known_place() -> None:
    assert issuer.document_url("did:web:example.edu") == "https://example.edu/.well-known/did.json"


@pytest.mark.parametrize("did", ["", "did:key:z6Mk", "example.edu", "did:web:", "did:web:a/b"])
def test_what_is_no_did_web_is_refused(did: str) -> None:
    with pytest.raises(Refused):
        issuer.check_did(did)


def test_another_implementation_reads_the_did_document() -> None:
    rsa = NOTARY.make("rsa")
    print_ = issuer.thumbprint(issuer.read(rsa.public))
    keys = [
        issuer.PublicKey(issuer.method(DID, KEY.public), "ed25519", KEY.public),
        issuer.PublicKey(issuer.method(DID, print_), "rsa", rsa.public),
    ]
    document = issuer.did_document(DID, keys)
    parsed = parse_did_document(document)
    assert [one.id for one in parsed.verification_methods] == document["assertionMethod"]
    assert issuer.method(issuer.did_key(KEY.public), "") == (f"did:key:{KEY.public}#{KEY.public}")
    assert "d" not in issuer.jwks(keys)["keys"][0]


@given(st.sets(st.integers(0, status.SIZE - 1), max_size=40))
def test_another_implementation_reads_the_same_bits(indexes: set[int]) -> None:
    encoded = status.encode(indexes)
    bits = decode_bitstring(encoded)
    assert len(bits) * 8 == status.SIZE
    assert {index for index in indexes if get_status_bit(bits, index)} == indexes
    assert sum(byte.bit_count() for byte in bits) == len(indexes)
    assert all(status.is_set(encoded, index) for index in indexes)


def test_a_bit_outside_the_list_is_refused() -> None:
    encoded = status.encode([0])
    assert status.is_set(encoded, 0)
    assert not status.is_set(encoded, 1)
    for index in (-1, status.SIZE):
        with pytest.raises(ValueError, match="no bit"):
            status.is_set(encoded, index)
        with pytest.raises(ValueError, match="no bit"):
            status.encode([index])
    with pytest.raises(ValueError, match="multibase"):
        status.is_set(encoded[1:], 0)
