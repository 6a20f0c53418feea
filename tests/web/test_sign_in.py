"""Sign-ins and links: what ends them, where they lead, whom wrong passwords slow, and who is told."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.models import Job, Person
from grading.people import accounts, openid, passwords
from tests import factories
from tests.database import NOW, Clock

pytestmark = pytest.mark.usefixtures("any_database")

EMAIL = "learner.alder@example.org"
ANOTHER = "four bicycles cross the yard"


@pytest.fixture
def person_id(app: Flask, act: Callable[[], Any]) -> str:
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        set_password(app, session, person, factories.PASSWORD)
        return person.id


def set_password(app: Flask, session: Any, person: Person, password: str) -> None:
    hasher = app.extensions["grading"].hasher
    passwords.set_password(session, None, person, password, hasher=hasher, now=NOW)


def enter(
    client: FlaskClient, password: str = factories.PASSWORD, *, to: str = "", **by: Any
) -> Any:
    data = {"email": EMAIL, "password": password}
    return client.post("/sign-in", query_string={"next": to}, data=data, **by)


def from_address(address: str) -> dict[str, Any]:
    return {"environ_base": {"REMOTE_ADDR": address}}


def is_in(client: FlaskClient) -> bool:
    return client.get("/preferences").status_code == 200


def signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert enter(client).status_code == 303
    return client


def copied(app: Flask, client: FlaskClient) -> FlaskClient:
    """Another browser with the cookie of the first."""
    cookie = client.get_cookie("grading")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("grading", cookie.value)
    return thief


def mailed_link(act: Callable[[], Any], person_id: str) -> str:
    with act() as session:
        token = passwords.issue_reset(session, session.get_one(Person, person_id), now=NOW)
    return f"/password/reset/{token}"


def mails(act: Callable[[], Any]) -> list[str]:
    """The templates of the mails that were asked for."""
    with act() as session:
        jobs = session.scalars(select(Job).where(Job.topic == "mail"))
        return sorted(job.payload["template"] for job in jobs)


def test_one_link_ends_the_others_and_every_sign_in(
    app: Flask, act: Callable[[], Any], person_id: str
) -> None:
    first, second = (mailed_link(act, person_id) for _ in range(2))
    elsewhere = signed_in(app)
    client = app.test_client()
    assert client.post(first, data={"password": ANOTHER}).status_code == 303
    assert is_in(client)
    assert not is_in(elsewhere)
    for link in (first, second):
        assert client.get(link).status_code == 410
        assert client.post(link, data={"password": factories.PASSWORD}).status_code == 410


def test_a_link_opens_no_account_that_was_closed_since(
    app: Flask, act: Callable[[], Any], person_id: str
) -> None:
    link = mailed_link(act, person_id)
    with act() as session:
        accounts.deactivate(session, None, session.get_one(Person, person_id), now=NOW)
    assert app.test_client().get(link).status_code == 410
    with act() as session:
        accounts.reactivate(session, None, session.get_one(Person, person_id), now=NOW)
    assert app.test_client().post(link, data={"password": ANOTHER}).status_code == 410


def test_signing_out_ends_the_sign_in_for_whoever_copied_its_cookie(
    app: Flask, person_id: str
) -> None:
    client, other = signed_in(app), signed_in(app)
    thief = copied(app, client)
    assert is_in(thief)
    client.post("/sign-out")
    assert not is_in(client)
    assert not is_in(thief)
    assert is_in(other)


def test_signing_out_everywhere_ends_every_sign_in_and_every_link(
    app: Flask, act: Callable[[], Any], person_id: str
) -> None:
    client, other = signed_in(app), signed_in(app)
    link = mailed_link(act, person_id)
    said = client.post("/sign-out/everywhere", follow_redirects=True).text
    assert "signed out on every device" in said
    assert not is_in(client)
    assert not is_in(other)
    assert client.get(link).status_code == 410


def test_a_sign_in_that_nobody_uses_ends_and_one_that_is_used_goes_on(
    app: Flask, clock: Clock, person_id: str
) -> None:
    used, unused = signed_in(app), signed_in(app)
    for _ in range(2):
        clock.forward(hours=8)
        assert is_in(used)
    assert not is_in(unused)


def test_no_sign_in_outlives_a_week(app: Flask, clock: Clock, person_id: str) -> None:
    client = signed_in(app)
    for _ in range(2 * 7 - 1):
        clock.forward(hours=11.5)
        assert is_in(client)
    clock.forward(hours=11.5)
    clock.forward(hours=7)
    assert not is_in(client)


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\t/evil.example",
        "/%09/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\n/evil.example",
        "https://evil.example/preferences",
        "https:/evil.example",
        "javascript:alert(1)",
        "//[::1",
        "/no/such/page",
        "/sign-out",
    ],
)
def test_a_return_address_leads_to_a_page_of_this_service_or_home(
    app: Flask, person_id: str, address: str
) -> None:
    assert enter(app.test_client(), to=address).headers["Location"] == "/"


def test_a_return_address_keeps_its_query_and_its_place(app: Flask, person_id: str) -> None:
    answer = enter(app.test_client(), to="/preferences?a=1&b=//x#name")
    assert answer.headers["Location"] == "/preferences?a=1&b=//x#name"


def test_who_guesses_waits_longer_each_time_and_the_owner_does_not(
    app: Flask, clock: Clock, person_id: str
) -> None:
    home = signed_in(app)
    home.post("/sign-out")
    signing = signed_in(app)
    guesser = app.test_client()
    statuses = [
        enter(guesser, f"guess {n}", **from_address("192.0.2.9")).status_code for n in range(10)
    ]
    assert statuses == [422] * 5 + [429] * 5
    for seconds in (2, 4, 8, 16):
        clock.forward(seconds=seconds - 1)
        assert enter(guesser, **from_address("192.0.2.9")).status_code == 429
        clock.forward(seconds=1)
        assert enter(guesser, "guess", **from_address("192.0.2.9")).status_code == 422
    refused = enter(guesser, **from_address("192.0.2.9"))
    assert "Wait 32 seconds" in refused.text
    # Elsewhere, in a browser that was here before even where the guesser sits, and while signed in.
    assert enter(app.test_client(), **from_address("192.0.2.1")).status_code == 303
    assert enter(home, **from_address("192.0.2.9")).status_code == 303
    assert is_in(signing)


def test_many_who_guess_at_one_account_wait_and_its_own_browser_does_not(
    app: Flask, person_id: str
) -> None:
    home = signed_in(app)
    home.post("/sign-out")
    statuses = [
        enter(app.test_client(), f"guess {n}", **from_address(f"192.0.2.{n}")).status_code
        for n in range(30)
    ]
    assert statuses == [422] * 20 + [429] * 10
    assert enter(app.test_client(), **from_address("198.51.100.1")).status_code == 429
    assert enter(home).status_code == 303


def test_guesses_without_an_account_are_slowed_alike(app: Flask) -> None:
    statuses = [enter(app.test_client(), f"guess {n}").status_code for n in range(7)]
    assert statuses == [422] * 5 + [429] * 2


def test_a_browsers_own_guesses_are_counted_too(app: Flask, person_id: str) -> None:
    client = signed_in(app)
    client.post("/sign-out")
    statuses = [enter(client, f"guess {n}").status_code for n in range(7)]
    assert statuses == [422] * 5 + [429] * 2


@pytest.mark.parametrize(
    "password",
    ["password12", "qwertyuiop", "iloveyou1234", "Summer2026!", "learner.alder1", "Alderlearner"],
)
def test_a_password_that_is_soon_guessed_is_refused(
    app: Flask, act: Callable[[], Any], person_id: str, password: str
) -> None:
    answer = app.test_client().post(mailed_link(act, person_id), data={"password": password})
    assert answer.status_code == 422
    assert "soon guessed" in answer.text


def test_a_long_password_is_looked_at_in_bounded_time(
    app: Flask, act: Callable[[], Any], person_id: str
) -> None:
    link = mailed_link(act, person_id)
    answer = app.test_client().post(link, data={"password": "aA1!" * 50})
    assert answer.status_code in (303, 422)


def test_the_owner_is_told_of_a_new_password_and_of_a_linked_sign_in(
    app: Flask, act: Callable[[], Any], person_id: str
) -> None:

    before = mails(act)
    app.test_client().post(mailed_link(act, person_id), data={"password": ANOTHER})
    with act() as session:
        person = session.get_one(Person, person_id)
        openid.link(session, None, person, issuer="https://id.example", subject="u", now=NOW)
    assert mails(act) == sorted([*before, "password_set", "sign_in_linked"])
