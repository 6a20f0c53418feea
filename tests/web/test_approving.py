"""Signing a release on its page: the list that is shown is the list that is signed."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grading.cohorts import parts, withdrawals
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.models import (
    Approval,
    AuditEntry,
    Challenge,
    Cohort,
    CredentialRecord,
    Passkey,
    Person,
    Release,
    Submission,
)
from grading.models.codes import case_code
from grading.office import needs
from grading.people import accounts, approvals, passwords
from grading.web.instructor import release
from grading.workflow.cohort import Role
from tests import factories, stories
from tests.authenticator import Authenticator
from tests.database import Clock
from tests.web.test_query_counts import counted

ORIGIN = "https://grading.example.edu"


@pytest.fixture
def story(act: Callable[[], Any], app: Flask, clock: Clock) -> Callable[..., dict[str, str]]:
    """Results that are ready, at an address with passkeys unless told otherwise."""

    def make(*, origin: str = ORIGIN, learners: int = 4, **plan: Any) -> dict[str, str]:
        installed = app.extensions["grading"]
        app.extensions["grading"] = replace(
            installed, settings=replace(installed.settings, base_url=origin)
        )
        with act() as session:
            choices = {"sign_offs": 1, "step_up": "passkey"} | plan
            cast, now = stories.settled(session, learners=learners, **choices)
            clock.now = now
            for person in (cast.instructor, cast.second_instructor):
                passwords.set_password(
                    session, None, person, factories.PASSWORD, hasher=installed.hasher, now=now
                )
            return {
                "cohort": cast.cohort.id,
                "first": cast.instructor.id,
                "second": cast.second_instructor.id,
                "administrator": cast.administrator.id,
            }

    return make


def text_of(answer: Any) -> str:
    return " ".join(html.unescape(answer.text).split())


def options_of(answer: Any) -> str:
    found = re.search(r'data-options="([^"]*)"', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


def add_key(client: FlaskClient, name: str = "Blue key") -> Authenticator:
    key = Authenticator(origin=ORIGIN)
    begun = client.post("/passkeys/", data={"name": name, "password": factories.PASSWORD})
    assert begun.status_code == 303, begun.text
    page = client.get(begun.location)
    made = client.post(begun.location, data={"assertion": key.make(options_of(page))})
    assert made.status_code == 303, made.text
    return key


def propose(client: FlaskClient, cohort: str, **data: str) -> str:
    answer = client.post(f"/teach/{cohort}/release", data=data)
    assert answer.status_code == 303, answer.text
    assert answer.location.startswith("/approve/")
    return str(answer.location)


def test_without_https_the_password_stands_in_and_the_audit_says_so(
    story: Any, sign_in: Any, act: Any
) -> None:
    told = story(origin="http://127.0.0.1:8000")
    client = sign_in(told["first"])
    place = propose(client, told["cohort"])
    page = text_of(client.get(place))
    assert "these 4 results" in page
    assert "not a passkey" in page
    assert "data-passkey" not in client.get(place).text
    with act() as session:
        for work in session.scalars(select(Submission)):
            assert case_code(work.id) in page
        assert session.scalar(select(func.count()).select_from(Release)) == 0
    wrong = client.post(place, data={"password": "wrong"})
    assert (wrong.status_code, "not your password" in text_of(wrong)) == (422, True)
    # A signature cannot stand for it.
    assert client.post(place, data={"assertion": "{}"}).status_code == 422
    done = client.post(place, data={"password": factories.PASSWORD})
    assert done.location.endswith("/release#releases")
    assert "with a password" in text_of(client.get(done.location))
    again = client.post(place, data={"password": factories.PASSWORD})
    assert again.status_code == 409
    with act() as session:
        assert session.scalars(select(Approval.proof)).all() == ["password"]
        assert session.scalar(select(func.count()).select_from(Release)) == 1


def test_wrong_passwords_make_whoever_signs_wait(story: Any, sign_in: Any) -> None:
    told = story(origin="http://127.0.0.1:8000")
    client = sign_in(told["first"])
    place = propose(client, told["cohort"])
    found = [client.post(place, data={"password": "wrong"}).status_code for _ in range(11)]
    assert found == [422] * 5 + [429] * 6
    assert client.post(place, data={"password": factories.PASSWORD}).status_code == 429


def test_whoever_has_no_passkey_is_told_and_a_password_does_not_help(
    story: Any, sign_in: Any, act: Any
) -> None:
    told = story()
    client = sign_in(told["first"])
    assert "you have none for this address" in text_of(
        client.get(f"/teach/{told['cohort']}/release")
    )
    refused = client.post(f"/teach/{told['cohort']}/release")
    assert (refused.status_code, "Add one" in text_of(refused)) == (409, True)
    add_key(client)
    place = propose(client, told["cohort"])
    refused = client.post(place, data={"password": factories.PASSWORD})
    assert (refused.status_code, "sent no signature" in text_of(refused)) == (409, True)
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Release)) == 0


def test_where_the_plan_says_either_a_password_serves_until_there_is_a_passkey(
    story: Any, sign_in: Any
) -> None:
    told = story(step_up="either")
    client = sign_in(told["first"])
    place = propose(client, told["cohort"])
    assert 'name="password"' in client.get(place).text
    add_key(client)
    assert 'name="password"' not in client.get(place).text
    assert client.post(place, data={"password": factories.PASSWORD}).status_code == 409


def test_a_list_that_changes_before_it_is_signed_is_shown_anew(
    story: Any, sign_in: Any, act: Any, clock: Clock
) -> None:
    told = story()
    client = sign_in(told["first"])
    key = add_key(client)
    place = propose(client, told["cohort"])
    signed = key.sign(options_of(client.get(place)))
    with act() as session:
        gone = session.scalars(select(Submission).order_by(Submission.id)).first()
        withdrawals.withdraw(session, gone.learner, gone, now=clock.now)
        gone_id, code = gone.id, case_code(gone.id)
    answer = client.post(place, data={"assertion": signed})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "changed since it was shown, in 1 of its lines" in page
    assert f"{code} is not ready any more (was 67)" in page.replace("</strong>", "").replace(
        "<strong>", ""
    )
    # The page puts the present list before the same person, who signs that.
    action = re.search(r'action="(/approve/[^"]+)"', answer.text)
    assert action is not None
    assert action[1] != place
    assert client.post(action[1], data={"assertion": signed}).status_code == 409
    done = client.post(action[1], data={"assertion": key.sign(options_of(answer))})
    assert done.status_code == 303
    assert "3 results" in text_of(client.get(done.location))
    with act() as session:
        approval = session.scalars(select(Approval)).one()
        assert gone_id not in {line["submission"] for line in approval.records}


def test_reasons_for_a_gate_are_signed_and_a_gate_that_falls_meanwhile_asks_for_one(
    story: Any, sign_in: Any, act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = story()
    client = sign_in(told["first"])
    key = add_key(client)
    monkeypatch.setattr(release, "failed_gates", lambda *_given: ["wrong_side"])
    assert client.post(f"/teach/{told['cohort']}/release").status_code == 422
    place = propose(client, told["cohort"], wrong_side="They were read twice.")
    page = client.get(place)
    assert "They were read twice." in text_of(page)
    signed = key.sign(options_of(page))
    with monkeypatch.context() as patch:
        patch.setattr(release, "failed_gates", lambda *_given: ["wrong_side", "kappa:total"])
        answer = client.post(place, data={"assertion": signed})
        assert (answer.status_code, "Give the reason" in text_of(answer)) == (422, True)
    assert client.post(place, data={"assertion": signed}).status_code == 303
    with act() as session:
        proposal = session.scalars(select(Release)).one()
        assert proposal.overrides == [{"gate": "wrong_side", "reason": "They were read twice."}]
        approval = session.scalars(select(Approval)).one()
        assert approval.note == {"overrides": proposal.overrides}
        assert approvals.faults_of(session, approval) == ()


def test_two_people_sign_and_a_changed_list_voids_the_proposal_in_sight(
    story: Any, sign_in: Any, act: Any, clock: Clock
) -> None:
    told = story(sign_offs=2)
    first, second = sign_in(told["first"]), sign_in(told["second"])
    keys = {"first": add_key(first), "second": add_key(second, "Red key")}
    page = f"/teach/{told['cohort']}/release"

    def proposed() -> str:
        place = propose(first, told["cohort"])
        signed = keys["first"].sign(options_of(first.get(place)))
        assert first.post(place, data={"assertion": signed}).status_code == 303
        with act() as session:
            return str(session.scalars(select(Release.id).where(Release.state == "proposed")).one())

    release = proposed()
    assert "with a passkey" in text_of(second.get(page))
    assert "Withdraw the proposal" in text_of(first.get(page))
    assert "Sign the release" not in text_of(first.get(page))
    with act() as session:
        who = needs.parts_of(session, session.get_one(Person, told["second"]))
        waiting = [one.kind for one in needs.needs_of(session, who, now=clock.now)]
        assert needs.base.Kind.SIGN_OFF in waiting
        gone = session.scalars(select(Submission).order_by(Submission.id)).first()
        withdrawals.withdraw(session, gone.learner, gone, now=clock.now)
        code = case_code(gone.id)
    answer = second.post(f"/teach/release/{release}/sign", follow_redirects=True)
    assert "the proposal is void" in text_of(answer)
    assert code in text_of(answer)
    with act() as session:
        assert session.get_one(Release, release).state == "void"

    release = proposed()
    # What changes between looking and signing voids it too.
    place = second.post(f"/teach/release/{release}/sign").location
    signed = keys["second"].sign(options_of(second.get(place)))
    with act() as session:
        gone = session.scalars(
            select(Submission).where(Submission.state == "resolved").order_by(Submission.id)
        ).first()
        withdrawals.withdraw(session, gone.learner, gone, now=clock.now)
    answer = second.post(place, data={"assertion": signed}, follow_redirects=True)
    assert "the proposal is void" in text_of(answer)

    release = proposed()
    withdrawn = first.post(f"/teach/release/{release}/stop", follow_redirects=True)
    assert "The proposal is withdrawn" in text_of(withdrawn)

    release = proposed()
    place = second.post(f"/teach/release/{release}/sign").location
    # What was put before one is not for another.
    assert first.get(place).status_code == 404
    assert first.post(place, data={"assertion": signed}).status_code == 404
    signed = keys["second"].sign(options_of(second.get(place)))
    assert second.post(place, data={"assertion": signed}).status_code == 303
    with act() as session:
        assert session.get_one(Release, release).state == "scheduled"


def test_a_copied_passkey_is_refused_and_stands_in_the_audit(
    story: Any, sign_in: Any, act: Any
) -> None:
    told = story()
    client = sign_in(told["first"])
    key = add_key(client)
    place = propose(client, told["cohort"])
    with act() as session:
        session.scalars(select(Passkey)).one().sign_count = 9
    answer = client.post(place, data={"assertion": key.sign(options_of(client.get(place)))})
    assert (answer.status_code, "a copy of it" in text_of(answer)) == (409, True)
    with act() as session:
        assert session.scalar(select(AuditEntry.id).filter_by(action="passkey:count_fell"))
        assert session.scalar(select(func.count()).select_from(Approval)) == 0


def test_a_record_is_revoked_with_a_signature(
    story: Any, sign_in: Any, act: Any, app: Flask, clock: Clock
) -> None:
    told = story()
    client = sign_in(told["first"])
    key = add_key(client)
    place = propose(client, told["cohort"])
    client.post(place, data={"assertion": key.sign(options_of(client.get(place)))})
    Worker(app, HANDLERS).run_until_idle(clock.forward(minutes=11))
    with act() as session:
        record = session.scalars(select(CredentialRecord)).first()
        record_id = record.id
        work = session.scalars(
            select(Submission.id).where(Submission.learner_id == record.person_id)
        ).one()
    sent = client.post(
        f"/teach/submission/{work}/revoke",
        data={"record": record_id, "reason": "Somebody else's work."},
    )
    page = client.get(sent.location)
    assert "Somebody else's work." in text_of(page)
    with act() as session:
        assert session.get_one(CredentialRecord, record_id).state == "valid"
    done = client.post(sent.location, data={"assertion": key.sign(options_of(page))})
    assert done.location == f"/teach/submission/{work}"
    with act() as session:
        assert session.get_one(CredentialRecord, record_id).state == "revoked"
        assert (
            session.scalar(select(Approval.proof).where(Approval.action == "record:revoke"))
            == "passkey"
        )


def test_the_page_of_passkeys(story: Any, sign_in: Any, act: Any) -> None:
    told = story()
    client, other = sign_in(told["first"]), sign_in(told["second"])
    for data, status in (
        ({"name": "", "password": factories.PASSWORD}, 422),
        ({"name": "x" * 101, "password": factories.PASSWORD}, 422),
        ({"name": "Blue key", "password": "wrong"}, 422),
    ):
        assert client.post("/passkeys/", data=data).status_code == status
    key = add_key(client)
    page = client.get("/passkeys/")
    assert "Blue key" in page.text
    assert "Never" in page.text
    begun = client.post("/passkeys/", data={"name": "Two", "password": factories.PASSWORD})
    options = options_of(client.get(begun.location))
    # The browser is told which there are, and others cannot go on with what one began.
    assert len(json.loads(options)["excludeCredentials"]) == 1
    assert other.get(begun.location).status_code == 404
    refused = client.post(begun.location, data={"assertion": key.make(options)})
    assert (refused.status_code, "in use already" in text_of(refused)) == (409, True)
    with act() as session:
        key_id = session.scalars(select(Passkey.id)).one()
    assert other.post(f"/passkeys/{key_id}/remove").status_code == 404
    assert client.post(f"/passkeys/{key_id}/remove").status_code == 303
    assert "You have no passkey yet." in client.get("/passkeys/").text


def test_an_administrator_helps_whoever_lost_a_passkey(
    story: Any, sign_in: Any, act: Any, app: Flask, clock: Clock
) -> None:
    told = story()
    add_key(sign_in(told["first"]))
    administrator = sign_in(told["administrator"])
    place = f"/admin/accounts/{told['first']}"
    assert "Blue key" in administrator.get(place).text
    with act() as session:
        key_id = session.scalars(select(Passkey.id)).one()
    data = {"act": "passkey", "passkey": key_id, "reason": ""}
    assert administrator.post(place, data=data).status_code == 422
    done = administrator.post(place, data=data | {"reason": "Lost on a train."})
    assert done.status_code == 303
    assert "Blue key" not in administrator.get(place).text
    Worker(app, HANDLERS).run_until_idle(clock.now)
    folder = app.extensions["grading"].settings.home / "mail"
    mails = [path.read_text() for path in folder.rglob("*") if path.is_file()]
    assert any("an administrator removed your passkey" in mail for mail in mails)
    assert any("was added to your account" in mail for mail in mails)


def test_what_the_list_costs_does_not_grow_with_it(
    story: Any, sign_in: Any, app: Flask, act: Any
) -> None:
    told = story(learners=3)
    client = sign_in(told["first"])
    add_key(client)
    place = propose(client, told["cohort"])
    costs = []
    for more in (1, 30):
        with act() as session:
            challenge = session.get_one(Challenge, place.rpartition("/")[2])
            challenge.records = challenge.records * more
        with counted(app) as statements:
            page = client.get(place)
        assert len(re.findall(r'<th scope="row">\s*C-', page.text)) == 3 * more
        costs.append(len(statements))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("maker", ["first", "coordinator", "administrator"])
def test_signatures_by_accounts_that_one_of_the_cohort_made_are_shown_as_such(
    story: Any, sign_in: Any, act: Any, app: Flask, clock: Clock, maker: str
) -> None:
    told = story(origin="http://127.0.0.1:8000", sign_offs=2)
    with act() as session:
        cohort = session.get_one(Cohort, told["cohort"])
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=clock.now)
        by = garnet if maker == "coordinator" else session.get_one(Person, told[maker])
        signers = {}
        for name in ("Opal", "Onyx"):
            person = accounts.create_account(
                session, by, email=f"{name.lower()}@example.org", name=name, now=clock.now
            )
            parts.enrol(session, None, cohort, person, Role.INSTRUCTOR, now=clock.now)
            hasher = app.extensions["grading"].hasher
            passwords.set_password(
                session, None, person, factories.PASSWORD, hasher=hasher, now=clock.now
            )
            signers[name] = person.id
        words = {
            "first": f"{by.name} signs, and made the account of: Onyx",
            "coordinator": "Garnet has a part in this cohort, and made the accounts of: Onyx, Opal",
            "administrator": "made the account",
        }[maker]
    # The first is somebody whose account the maker made, or the maker.
    first = sign_in(told["first"] if maker == "first" else signers["Opal"])
    place = propose(first, told["cohort"])
    assert "One person may stand behind" not in text_of(first.get(place))
    assert first.post(place, data={"password": factories.PASSWORD}).status_code == 303
    with act() as session:
        release = session.scalars(select(Release.id)).one()
    second = sign_in(signers["Onyx"])
    place = second.post(f"/teach/release/{release}/sign").location
    shown = maker != "administrator"
    assert (words in text_of(second.get(place))) is shown
    assert second.post(place, data={"password": factories.PASSWORD}).status_code == 303
    page = f"/teach/{told['cohort']}/release"
    assert (words in text_of(second.get(page))) is shown
    entries = text_of(second.get(f"/teach/{told['cohort']}/audit"))
    assert ("approval:accounts_of_one" in entries) is shown
