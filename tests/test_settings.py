"""Whom browsers give passkeys to follows from the configured address alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from grading.settings import RelyingParty
from tests.database import settings_for


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://grading.example.edu", ("grading.example.edu", "https://grading.example.edu")),
        ("https://Grading.Example.EDU", ("grading.example.edu", "https://grading.example.edu")),
        ("https://example.edu:443/grading", ("example.edu", "https://example.edu")),
        ("https://example.edu:8443", ("example.edu", "https://example.edu:8443")),
        ("http://localhost:8000", ("localhost", "http://localhost:8000")),
        ("http://localhost", ("localhost", "http://localhost")),
        ("http://127.0.0.1:8000", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
        ("http://grading.example.edu", None),
        ("http://localhost.example.edu", None),
    ],
)
def test_the_relying_party(tmp_path: Path, address: str, party: tuple[str, str] | None) -> None:
    settings = replace(settings_for(tmp_path, "sqlite://"), base_url=address)
    expected = RelyingParty(*party, settings.service_name) if party else None
    assert settings.relying_party == expected
