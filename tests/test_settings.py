"""The settings: every fault at once, whom browsers give passkeys to, and the institution's sign-in."""

from dataclasses import replace
from pathlib import Path

import pytest

from grading.errors import FaultsFound
from grading.settings import RelyingParty, from_environment
from tests.database import SECRET, settings_for

WHOLE = {
    "GRADING_OIDC_ISSUER": "https://id.college.example",
    "GRADING_OIDC_CLIENT_ID": "grading",
    "GRADING_OIDC_CLIENT_SECRET": "between the two of us",
}


def given(home: Path, more: dict[str, str]) -> dict[str, str]:
    return {"GRADING_HOME": str(home), "GRADING_SECRET_KEY": SECRET, **more}


def test_nothing_of_it_is_no_such_sign_in(tmp_path: Path) -> None:
    assert from_environment(given(tmp_path, {})).openid is None


def test_the_least_of_it_and_all_of_it(tmp_path: Path) -> None:
    found = from_environment(given(tmp_path, WHOLE)).openid
    assert found is not None
    assert (found.name, found.link_by_email, found.assured, found.assured_days) == (
        "id.college.example", False, (), 365,
    )  # fmt: skip
    assert "between the two of us" not in repr(found)
    more = {
        "GRADING_OIDC_NAME": "Example College",
        "GRADING_OIDC_LINK_BY_EMAIL": "1",
        "GRADING_OIDC_ASSURED_ACR": "urn:one  urn:two",
        "GRADING_OIDC_ASSURED_DAYS": "30",
    }
    found = from_environment(given(tmp_path, WHOLE | more)).openid
    assert found is not None
    assert (found.name, found.link_by_email, found.assured, found.assured_days) == (
        "Example College", True, ("urn:one", "urn:two"), 30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"GRADING_OIDC_ISSUER": "http://id.college.example"}, ["ISSUER"]),
        ({"GRADING_OIDC_ISSUER": "id.college.example"}, ["ISSUER"]),
        ({"GRADING_OIDC_CLIENT_ID": "", "GRADING_OIDC_CLIENT_SECRET": ""},
         ["CLIENT_ID", "CLIENT_SECRET"]),
        ({"GRADING_OIDC_ISSUER": "", "GRADING_OIDC_CLIENT_ID": "", "GRADING_OIDC_CLIENT_SECRET": "",
          "GRADING_OIDC_NAME": "Example"}, ["ISSUER", "CLIENT_ID", "CLIENT_SECRET"]),
        ({"GRADING_OIDC_LINK_BY_EMAIL": "yes", "GRADING_OIDC_ASSURED_DAYS": "0"},
         ["LINK_BY_EMAIL", "ASSURED_DAYS"]),
    ],
)  # fmt: skip
def test_faults_are_told_at_once(tmp_path: Path, changed: dict[str, str], where: list[str]) -> None:
    with pytest.raises(FaultsFound) as found:
        from_environment(given(tmp_path, WHOLE | changed))
    assert [fault.where for fault in found.value.faults] == [
        f"GRADING_OIDC_{name}" for name in where
    ]


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
