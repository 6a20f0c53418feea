"""Signing in with an OpenID provider, and every way in which an answer is not one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.adapters.openid import OpenIdProvider
from grading.cli import group
from grading.models import AuditEntry, IdentityCheck, Person, SignInLink
from grading.settings import OpenId
from tests.database import NOW, Clock
from tests.provider import CLIENT, SECRET, Provider, provider

__all__ = ["provider"]

BEGIN = "/sign-in/institution"


@pytest.fixture
def person(act: Callable[[], Any]) -> str:
    with act() as session:
        made = Person(email="ada@example.org", name="Ada", created_at=NOW)
        session.add(made)
        session.flush()
        return made.id


@pytest.fixture
def institution(app: Flask, provider: Provider, clock: Clock, person: str) -> Provider:
    """The app with the provider configured; the person is known there by a verified address."""
    configure(app, provider)
    provider.now = round(clock.now.timestamp())
    provider.person = {
        "sub": "u-1",
        "email": "Ada@Example.org",
        "email_verified": True,
        "name": "Ada Byron",
        "acr": "urn:example:checked",
    }
    return provider


def configure(app: Flask, provider: Provider, *, link_by_email: bool = True) -> None:
    installation = app.extensions["grading"]
    settings = OpenId(
        issuer=provider.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        name="Example College",
        link_by_email=link_by_email,
        assured=("urn:example:checked",),
        assured_days=100,
    )
    app.extensions["grading"] = replace(
        installation,
        settings=replace(installation.settings, openid=settings),
        provider=OpenIdProvider(provider.issuer, CLIENT, SECRET),
    )


def commanded(app: Flask, *arguments: str, code: int = 0) -> str:
    """Give a command to the service as it is configured; gives what it says."""
    done = CliRunner().invoke(group, arguments, obj=lambda: app)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def come_back(client: FlaskClient, provider: Provider, **changed: str | None) -> Any:
    """Go to the provider, sign in there, and come back with its answer, or with a changed one."""
    there = client.get(BEGIN)
    assert there.status_code == 302
    parts = urlsplit(provider.approve(there.headers["Location"]))
    answer = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
    kept = {name: value for name, value in answer.items() if value is not None}
    return client.get(f"{parts.path}?{urlencode(kept)}")


def signed_in(client: FlaskClient) -> bool:
    return client.get("/preferences").status_code == 200


def test_without_settings_there_is_no_such_thing(client: FlaskClient) -> None:
    assert "institution" not in client.get("/sign-in").text
    for path in (BEGIN, f"{BEGIN}/back"):
        assert client.get(path).status_code == 404


def test_without_settings_nobody_can_be_linked(
    app: Flask, act: Callable[[], Any], person: str
) -> None:
    with act() as session:
        email = session.get_one(Person, person).email
    refused = commanded(app, "people", "link", email, "u-2", code=1)
    assert "set GRADING_OIDC_ISSUER" in refused


def test_a_first_sign_in_is_linked_by_its_verified_address(
    act: Callable[[], Any], client: FlaskClient, institution: Provider, person: str, clock: Clock
) -> None:
    # Nothing is fetched before somebody signs in.
    assert "Sign in with Example College" in client.get("/sign-in").text
    assert institution.asked == []
    assert come_back(client, institution).status_code == 303
    assert signed_in(client)
    assert institution.asked.count("/.well-known/openid-configuration") == 1
    with act() as session:
        link = session.scalars(select(SignInLink)).one()
        assert (link.issuer, link.subject, link.person_id) == (institution.issuer, "u-1", person)
        check = session.scalars(select(IdentityCheck)).one()
        assert (check.how, check.name, check.issuer) == (
            "institutional_sign_in", "Ada Byron", institution.issuer,
        )  # fmt: skip
        assert (check.at, check.holds_until) == (clock.now, clock.now + timedelta(days=100))
        noted = session.scalars(select(AuditEntry.action)).all()
        assert set(noted) >= {"sign_in:link", "identity:check"}
    # From now on the subject counts, whatever becomes of the address; a check a day is enough.
    institution.person |= {"email": "other@example.org", "email_verified": False}
    client.post("/sign-out")
    assert not signed_in(client)
    assert come_back(client, institution).status_code == 303
    assert signed_in(client)
    with act() as session:
        assert len(session.scalars(select(IdentityCheck)).all()) == 1


@pytest.mark.parametrize(
    ("said", "link_by_email"),
    [
        ({"email_verified": False}, True),
        ({"email_verified": "true"}, True),
        ({"email": "nobody@example.org"}, True),
        ({"email": None, "email_verified": None}, True),
        ({}, False),
    ],
)
def test_whom_nobody_linked_is_not_let_in(
    app: Flask,
    act: Callable[[], Any],
    client: FlaskClient,
    institution: Provider,
    said: dict[str, Any],
    link_by_email: bool,
) -> None:
    configure(app, institution, link_by_email=link_by_email)
    institution.person |= said
    refused = come_back(client, institution)
    assert refused.status_code == 409
    assert "No account here belongs to this sign-in." in refused.text
    assert not signed_in(client)
    with act() as session:
        assert session.scalars(select(SignInLink)).all() == []


def test_whom_the_office_linked_is_let_in_without_an_address(
    app: Flask,
    act: Callable[[], Any],
    client: FlaskClient,
    institution: Provider,
    person: str,
) -> None:
    configure(app, institution, link_by_email=False)
    institution.person = {"sub": "u-2"}
    with act() as session:
        email = session.get_one(Person, person).email
    assert "signs in with Example College" in commanded(app, "people", "link", email, "u-2")
    refused = commanded(app, "people", "link", email, "u-2", code=1)
    assert "This sign-in belongs to an account already." in refused
    commanded(app, "people", "link", "nobody@example.org", "u-3", code=1)
    assert come_back(client, institution).status_code == 303
    assert signed_in(client)
    # It asserted nothing about who they are.
    with act() as session:
        assert session.scalars(select(IdentityCheck)).all() == []
        session.get_one(Person, person).active = False
    client.post("/sign-out")
    assert come_back(client, institution).status_code == 409


def test_a_claim_the_operator_does_not_trust_checks_nobody(
    act: Callable[[], Any], client: FlaskClient, institution: Provider
) -> None:
    institution.person["acr"] = "urn:example:password"
    assert come_back(client, institution).status_code == 303
    with act() as session:
        assert session.scalars(select(IdentityCheck)).all() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "forged"},
        {"state": None},
        {"code": "forged"},
        {"code": None},
        {"iss": "https://another.example"},
        {"code": None, "error": "access_denied"},
    ],
)
def test_an_answer_that_is_not_ours_signs_nobody_in(
    client: FlaskClient, institution: Provider, changed: dict[str, str | None]
) -> None:
    refused = come_back(client, institution, **changed)
    assert refused.status_code == 409
    assert "<h1>" in refused.text
    assert not signed_in(client)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"aud": None},
        {"iss": "https://another.example"},
        {"sub": None},
        {"exp": 1},
        {"exp": None},
    ],
)
def test_a_token_that_is_not_for_us_signs_nobody_in(
    client: FlaskClient, institution: Provider, wrong: dict[str, Any]
) -> None:
    institution.wrong = wrong
    assert come_back(client, institution).status_code == 409
    assert not signed_in(client)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "stranger"])
def test_a_token_the_provider_did_not_sign_signs_nobody_in(
    client: FlaskClient, institution: Provider, algorithm: str
) -> None:
    institution.algorithm = algorithm
    assert come_back(client, institution).status_code == 409
    assert not signed_in(client)


def test_an_answer_is_good_once_and_in_one_browser(
    app: Flask, client: FlaskClient, institution: Provider
) -> None:
    there = client.get(BEGIN)
    back = institution.approve(there.headers["Location"]).split("8000", 1)[1]
    # Somebody else's browser began nothing, or something else.
    stranger = app.test_client()
    assert stranger.get(back).status_code == 409
    stranger.get(BEGIN)
    assert stranger.get(back).status_code == 409
    assert not signed_in(stranger)
    with client.session_transaction() as kept:
        waiting = dict(kept["openid"])
    assert client.get(back).status_code == 303
    client.post("/sign-out")
    assert client.get(back).status_code == 409
    # Even with the cookie of before, the code is spent.
    with client.session_transaction() as kept:
        kept["openid"] = waiting
    assert client.get(back).status_code == 409
    assert not signed_in(client)


def test_a_provider_that_is_away_leaves_the_password(
    app: Flask, client: FlaskClient, institution: Provider
) -> None:
    there = client.get(BEGIN)
    back = institution.approve(there.headers["Location"]).split("8000", 1)[1]
    institution.stop()
    for path in (back, BEGIN):
        configure(app, institution) if path == BEGIN else None
        page = client.get(path)
        assert page.status_code == 503
        assert "cannot be reached" in page.text
        assert 'href="/sign-in"' in page.text
    assert client.get("/sign-in").status_code == 200
