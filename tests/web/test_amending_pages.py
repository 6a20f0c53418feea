"""Pages of acts that change what results rest on: they show each result, and take a decision on it."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import select

from grading.models import Approval, Extension, Grade
from grading.people import passwords
from grading.releases import recomputing
from tests import factories
from tests.database import Clock
from tests.releases.test_amendments import late_result, two_readings
from tests.web.test_approving import text_of

Act = Callable[[], Any]
ASKED = {"kind": "extension", "more": "days", "days": "3", "reason": "In hospital."}


def test_more_time_shows_the_late_result_on_the_page_and_amends_it_in_the_same_act(
    act: Act, sign_in: Any, clock: Clock
) -> None:
    with act() as session:
        told = late_result(session)
        clock.now = told.now
        coordinator, cohort, learner = (
            told.cast.coordinator.id,
            told.cast.cohort.id,
            told.learner.id,
        )
        name = told.learner.name
    address = f"/teach/{cohort}/extensions/{learner}"
    client = sign_in(coordinator)
    looked = text_of(client.post(address, data=ASKED | {"then": "preview"}))
    for words in ("1 result would change", name, "2 days late, 10 points less", "No points lost"):
        assert words in looked, words
    # Who looks after people never sees a score.
    assert ">57<" not in looked
    assert ">67<" not in looked
    undecided = client.post(address, data=ASKED | {"then": "grant"})
    assert (undecided.status_code, "1 result would change" in text_of(undecided)) == (200, True)
    key = undecided.text.split('name="decision-')[1].split('"')[0]
    without = client.post(address, data=ASKED | {"then": "grant", f"decision-{key}": "leave"})
    assert (without.status_code, "Say why it stays as it is." in without.text) == (422, True)
    assert f'id="because-{key}-error"' in without.text
    with act() as session:
        assert session.scalars(select(Extension)).all() == []
    done = client.post(address, data=ASKED | {"then": "grant", f"decision-{key}": "amend"})
    assert done.status_code == 303
    with act() as session:
        assert sorted(session.scalars(select(Grade.value))) == ["57", "67"]
    result = text_of(sign_in(learner).get(f"/learn/{cohort}/result"))
    assert "67" in result
    assert "after your deadline" not in result


def test_a_coordinator_signs_the_time_that_amends_results_where_the_plan_asks(
    app: Flask, act: Act, sign_in: Any, clock: Clock
) -> None:
    hasher = app.extensions["grading"].hasher
    with act() as session:
        told = late_result(session, step_up="either")
        clock.now = told.now
        coordinator = told.cast.coordinator
        passwords.set_password(
            session, None, coordinator, factories.PASSWORD, hasher=hasher, now=told.now
        )
        address = f"/teach/{told.cast.cohort.id}/extensions/{told.learner.id}"
        who = coordinator.id
    client = sign_in(who)
    place = client.post(address, data=ASKED | {"then": "grant", "decision-otherwise": "amend"})
    assert place.location.startswith("/approve/")
    with act() as session:
        assert session.scalars(select(Extension)).all() == []
    page = text_of(client.get(place.location))
    assert "worked out anew from their dates" in page
    assert "In hospital." in page
    assert ">67<" not in client.get(place.location).text
    done = client.post(place.location, data={"password": factories.PASSWORD})
    assert done.location == address
    with act() as session:
        assert sorted(session.scalars(select(Grade.value))) == ["57", "67"]
        approval = session.scalars(select(Approval).filter_by(action="extension:grant")).one()
        assert approval.records[0]["value"] == "67"
        assert session.scalars(select(Extension.reason)).one() == "In hospital."


def test_a_conflict_shows_the_result_it_touches_and_is_signed_where_the_plan_asks(
    app: Flask, act: Act, sign_in: Any, clock: Clock
) -> None:
    hasher = app.extensions["grading"].hasher
    with act() as session:
        told, cousin = two_readings(session, step_up="either")
        clock.now = told.now
        passwords.set_password(
            session, None, told.cast.instructor, factories.PASSWORD, hasher=hasher, now=told.now
        )
        cohort, who = told.cast.cohort.id, told.cast.instructor.id
        asked = {"rater": cousin.email, "learner": told.learner.email, "reason": "Cousins."}
    client = sign_in(who)
    address = f"/admin/cohorts/{cohort}/conflicts"
    looked = text_of(client.post(address, data=asked))
    # An instructor sees scores.
    for words in ("Rests on 2 professional readings", "<strong>67</strong>", "<strong>33</strong>"):
        assert words in looked, words
    sent = client.post(address, data=asked | {"decision-otherwise": "amend"})
    assert sent.location.startswith("/approve/")
    assert "without what the one has read" in text_of(client.get(sent.location))
    done = client.post(sent.location, data={"password": factories.PASSWORD})
    assert done.location == address
    with act() as session:
        grades = session.scalars(select(Grade).order_by(Grade.number)).all()
        assert [grade.value for grade in grades] == ["67", "33"]
        checks = recomputing.recompute(session, grades[1], notary=app.extensions["grading"].notary)
        signed = [check for check in checks if check.what == "amendment that was signed"]
        assert [check.agrees for check in signed] == [True]
