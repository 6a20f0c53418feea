"""Deciding an appeal, giving points and upholding a case, where the plan asks for a signature."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.disputes import decisions
from grading.models import (
    Allocation,
    Appeal,
    Approval,
    Challenge,
    CredentialRecord,
    Grade,
    MemberPoints,
    MisconductCase,
    Person,
)
from grading.models.codes import case_code
from grading.people import passwords
from grading.readings import exposures
from grading.workflow.allocation import AllocationState, Purpose
from tests import factories, stories
from tests.browser.test_groups import REASON
from tests.database import Clock
from tests.stories import ANSWER, BETTER
from tests.web.test_approving import text_of
from tests.web.test_query_counts import counted

Act = Callable[[], Any]


@pytest.fixture
def appealed(app: Flask, act: Act, clock: Clock) -> dict[str, str]:
    """An appeal that would raise a result; at an address without passkeys the password stands in."""
    hasher = app.extensions["grading"].hasher
    with act() as session:
        told = stories.a_result(session, step_up="either")
        appeal = stories.appeal_in(session, told, "remarked", **BETTER)
        clock.now = told.now + timedelta(minutes=1)
        for person in (told.fresh, told.cast.lead):
            passwords.set_password(
                session, None, person, factories.PASSWORD, hasher=hasher, now=told.now
            )
        return {
            "appeal": appeal.id,
            "fresh": told.fresh.id,
            "lead": told.cast.lead.id,
            "instructor": told.cast.instructor.id,
            "work": told.work.id,
        }


def test_the_re_marker_signs_what_the_appeal_changes(
    appealed: dict[str, str], sign_in: Any, act: Act, app: Flask
) -> None:
    client = sign_in(appealed["fresh"])
    decide = f"/grade/appeal/{appealed['appeal']}/decide"
    assert client.post(decide, data={"answer": ""}).status_code == 422
    place = client.post(decide, data={"answer": ANSWER}).location
    assert place.startswith("/approve/")
    with counted(app) as statements:
        page = text_of(client.get(place))
    # A signature over one result does not read the cohort.
    assert len(statements) < 30
    for words in (
        "Sign a decision",
        "replaces what was released by what stands here",
        case_code(appealed["work"]),
        "Now",
        ANSWER,
    ):
        assert words in page, words
    with act() as session:
        assert session.get_one(Appeal, appealed["appeal"]).state == "remarked"
        before = session.scalars(select(Grade.value)).one()
        assert f">{before}<" in client.get(place).text
    # It is nobody else's, and no administrator's.
    for other in ("lead", "instructor"):
        assert sign_in(appealed[other]).get(place).status_code == 404
    client = sign_in(appealed["fresh"])
    wrong = client.post(place, data={"password": "wrong"})
    assert (wrong.status_code, "not your password" in text_of(wrong)) == (422, True)
    done = client.post(place, data={"password": factories.PASSWORD})
    assert done.location == f"/grade/appeal/{appealed['appeal']}"
    shown = text_of(client.get(done.location))
    assert "The appeal is upheld." in shown
    assert ANSWER in shown
    assert "Signed with a password, " in shown
    again = client.post(place, data={"password": factories.PASSWORD})
    assert (again.status_code, "signed already" in text_of(again)) == (409, True)
    with act() as session:
        appeal = session.get_one(Appeal, appealed["appeal"])
        assert (appeal.state, appeal.answer) == ("upheld", ANSWER)
        assert session.scalar(select(Grade.value).where(Grade.number == 2)) == "67"
        challenge = session.scalars(select(Challenge).filter_by(action="appeal:decide")).one()
        assert challenge.entered is None
        approval = session.scalars(select(Approval).filter_by(action="appeal:decide")).one()
        assert (approval.person_id, approval.proof) == (appealed["fresh"], "password")


def test_what_changed_since_is_said_and_put_before_the_same_person_again(
    appealed: dict[str, str], sign_in: Any, act: Act, clock: Clock
) -> None:
    client = sign_in(appealed["fresh"])
    decide = f"/grade/appeal/{appealed['appeal']}/decide"
    place = client.post(decide, data={"answer": ANSWER}).location
    with act() as session:
        appeal = session.get_one(Appeal, appealed["appeal"])
        first = session.scalars(
            select(Allocation).where(
                Allocation.purpose != Purpose.APPEAL, Allocation.state == AllocationState.SEALED
            )
        ).one()
        decisions.strike_reading(
            session,
            session.get_one(Person, appealed["fresh"]),
            appeal,
            first,
            fault="They read another file.",
            criteria=["method"],
            now=clock.now,
        )
    refused = client.post(place, data={"password": factories.PASSWORD})
    assert refused.status_code == 409
    page = text_of(refused)
    assert "was 67, is 100" in page
    assert ANSWER in page
    with act() as session:
        assert session.get_one(Appeal, appealed["appeal"]).state == "remarked"
        newer = session.scalars(
            select(Challenge.id).where(
                Challenge.action == "appeal:decide", Challenge.id != place.rpartition("/")[2]
            )
        ).one()
    done = client.post(f"/approve/{newer}", data={"password": factories.PASSWORD})
    assert done.status_code == 303
    with act() as session:
        assert session.scalar(select(Grade.value).where(Grade.number == 2)) == "100"


def test_an_appeal_that_changes_nothing_is_decided_at_once(
    app: Flask, act: Act, clock: Clock, sign_in: Any
) -> None:
    with act() as session:
        told = stories.a_result(session, step_up="either")
        appeal = stories.appeal_in(session, told, "remarked", **stories.BELOW)
        clock.now = told.now + timedelta(minutes=1)
        found, fresh = appeal.id, told.fresh.id
    answer = sign_in(fresh).post(f"/grade/appeal/{found}/decide", data={"answer": ANSWER})
    assert answer.location == f"/grade/appeal/{found}"
    with act() as session:
        assert session.get_one(Appeal, found).state == "dismissed"


def test_points_after_release_are_signed_on_their_page(
    app: Flask, act: Act, clock: Clock, sign_in: Any
) -> None:
    hasher = app.extensions["grading"].hasher
    with act() as session:
        cast, work, now = stories.a_group_result(session, step_up="either")
        clock.now = now + timedelta(minutes=1)
        passwords.set_password(
            session, None, cast.instructor, factories.PASSWORD, hasher=hasher, now=now
        )
        # Whoever gives points has looked at the scores, and reads the work no more.
        exposures.expose(session, cast.instructor, work, now=now)
        birch, found, instructor = cast.learners[1].id, work.id, cast.instructor.id
    client = sign_in(instructor)
    points = f"/teach/submission/{found}/points"
    for wrong in ("nan", "200", "much"):
        data = {"person": birch, "points": wrong, "reason": REASON}
        assert client.post(points, data=data).status_code == 422
    data = {"person": birch, "points": "-10", "reason": REASON}
    place = client.post(points, data=data).location
    page = text_of(client.get(place))
    for words in ("Sign a member’s points", "Learner Birch", "-10", REASON, "57", "67"):
        assert words.replace("-", "−") in page or words in page, words
    with act() as session:
        assert session.scalars(select(MemberPoints)).all() == []
    done = client.post(place, data={"password": factories.PASSWORD})
    assert done.location == points
    assert "The result is amended." in text_of(client.get(points))
    with act() as session:
        assert session.scalar(select(Grade.value).where(Grade.number == 2)) == "57"
        assert session.scalars(select(MemberPoints.reason)).one() == REASON


def test_the_second_signs_an_upheld_case_after_release(
    app: Flask, act: Act, clock: Clock, sign_in: Any
) -> None:
    hasher = app.extensions["grading"].hasher
    with act() as session:
        told = stories.a_result(session, levels=BETTER, step_up="either")
        case = stories.case_in(session, told.cast, told.work, "proposed", now=told.now)
        clock.now = told.now + timedelta(minutes=1)
        second = told.cast.second_instructor
        passwords.set_password(
            session, None, second, factories.PASSWORD, hasher=hasher, now=told.now
        )
        found, second_id = case.id, second.id
    client = sign_in(second_id)
    place = client.post(f"/teach/suspicion/{found}/second", data={"agree": "yes"}).location
    assert place.startswith("/approve/")
    page = text_of(client.get(place))
    assert "Your yes revokes the records" in page
    with act() as session:
        assert session.scalars(select(CredentialRecord.state)).all() == ["valid"]
    done = client.post(place, data={"password": factories.PASSWORD})
    assert done.location == f"/teach/suspicion/{found}"
    assert "Signed with a password, " in text_of(client.get(done.location))
    with act() as session:
        assert session.get_one(MisconductCase, found).state == "upheld"
        assert session.scalars(select(CredentialRecord.state)).all() == ["revoked"]
