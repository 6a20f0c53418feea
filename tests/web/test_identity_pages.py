"""Identity checks by a person: the queue, what is noted, whom it leaves out, and what the learner sees."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grading.models import (
    CredentialRecord,
    IdentityCheck,
    Membership,
    Person,
    PlanVersion,
    Submission,
)
from grading.office import needs
from grading.people import identity
from grading.people.queries import identity_checks
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW, Clock
from tests.issuing import installation, released, small_keys, work, world
from tests.web.test_query_counts import counted

__all__ = ["installation", "released", "small_keys", "work", "world"]

DAY = timedelta(days=1)


@pytest.fixture
def cohort(act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    """An open cohort whose plan wants identities checked, with four learners."""
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=4, submitted=False, identity_checked=True
        )
        clock.now = NOW + DAY
        return {
            "id": cast.cohort.id,
            "coordinator": cast.coordinator.id,
            "instructor": cast.instructor.id,
            "learners": [one.id for one in cast.learners],
            "names": [one.name for one in cast.learners],
        }


def test_a_check_is_noted_and_leaves_the_queue(
    act: Callable[[], Any], cohort: dict[str, Any], sign_in: Any
) -> None:
    client = sign_in(cohort["coordinator"])
    assert "Check the identity of 4 learners" in client.get("/").text
    queue = client.get(f"/teach/{cohort['id']}/identity").text
    assert "4 learners are not checked" in queue
    for name in cohort["names"]:
        assert name in queue
    address = f"/teach/{cohort['id']}/identity/{cohort['learners'][0]}"
    page = client.get(address).text
    assert "Identity was checked by a person against a document”, with" in page
    assert "Nobody has checked it." in page
    empty = client.post(address, data={"holds_until": "2020-01-01"})
    assert empty.status_code == 422
    wrong = client.post(address, data={"name": "", "document": "library_card"})
    assert wrong.status_code == 422
    for href in ("#name", "#document-0"):
        assert f'href="{href}"' in wrong.text
        assert f'id="{href[1:]}"' in wrong.text
    given = {"name": "Ada Byron", "document": "passport", "holds_until": "2030-05-31"}
    assert client.post(address, data=given).status_code == 303
    with act() as session:
        made = session.scalars(select(IdentityCheck)).one()
        assert (made.name, made.document, made.how) == ("Ada Byron", "passport", "document")
        assert made.by_id == cohort["coordinator"]
        # The last day of the document is whole, in the cohort's zone.
        assert made.holds_until is not None
        assert made.holds_until.date().isoformat() == "2030-05-31"
    assert "3 learners are not checked" in client.get(f"/teach/{cohort['id']}/identity").text
    assert "Check the identity of 3 learners" in client.get("/").text
    assert "Ada Byron" in client.get(address).text


def test_who_may_not_check_finds_nothing(
    act: Callable[[], Any], cohort: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    queue = f"/teach/{cohort['id']}/identity"
    other = f"{queue}/{cohort['learners'][1]}"
    for person in (cohort["instructor"], cohort["learners"][0]):
        client = sign_in(person)
        assert client.get(queue).status_code == 404
        assert client.post(other, data={"name": "X", "document": "passport"}).status_code == 404
    # A coordinator who learns in the cohort sees everybody but themselves.
    with act() as session:
        session.add(
            Membership(
                cohort_id=cohort["id"],
                person_id=cohort["learners"][0],
                role=Role.COORDINATOR,
                since=clock.now,
            )
        )
    client = sign_in(cohort["learners"][0])
    own = f"{queue}/{cohort['learners'][0]}"
    assert "3 learners are not checked" in client.get(queue).text
    assert own not in client.get(f"{queue}?q={cohort['names'][0].split()[1]}").text
    assert client.get(own).status_code == 404
    assert client.post(own, data={"name": "X", "document": "passport"}).status_code == 404
    assert client.get(other).status_code == 200
    # Who is nobody of the cohort is not there.
    assert client.get(f"{queue}/{cohort['coordinator']}").status_code == 404


def test_where_the_plan_does_not_ask_nobody_waits(
    act: Callable[[], Any], cohort: dict[str, Any], clock: Clock
) -> None:
    with act() as session:
        coordinator = session.get_one(Person, cohort["coordinator"])
        found = needs.needs_of(session, needs.parts_of(session, coordinator), now=clock.now)
        assert [need.count for need in found if need.kind == needs.Kind.IDENTITY_CHECKS] == [4]
        plan = session.scalars(select(PlanVersion)).one()
        plan.choices = {**plan.choices, "identity_checked": False}
    with act() as session:
        coordinator = session.get_one(Person, cohort["coordinator"])
        found = needs.needs_of(session, needs.parts_of(session, coordinator), now=clock.now)
        assert needs.Kind.IDENTITY_CHECKS not in [need.kind for need in found]


def test_the_queue_is_of_whom_no_check_vouches_for(
    act: Callable[[], Any], world: dict[str, Any]
) -> None:
    """For the work that is handed in, or for everything while it held; a word of one's own is no check."""
    with act() as session:
        work = session.scalars(
            select(Submission).where(Submission.learner_id == world["learner"])
        ).one()
        learner, cohort = session.get_one(Person, world["learner"]), work.cohort
        actor = session.get_one(Person, world["administrator"])
        handed_in = work.submitted_at
        assert handed_in is not None

        def waits() -> bool:
            page = identity_checks.unchecked_learners(
                session, cohort, except_for=actor.id, now=world["at"], page=1
            )
            assert len(page.entries) == page.total
            unchecked = {person.id for person in page.entries}
            works = identity_checks.last_works(session, cohort, list(unchecked))
            assert {work.learner_id for work in works.values()} == set(works) == unchecked
            return learner.id in unchecked

        given: dict[str, Any] = {"name": "Ada Byron"}
        assert waits()
        identity.record_check(session, actor, learner, how="attested", now=handed_in - DAY, **given)
        session.flush()
        assert waits()
        # Of what was checked after the hand-in, only what names the work vouches for it.
        identity.record_check(session, actor, learner, how="document", now=handed_in + DAY, **given)
        session.flush()
        assert waits()
        identity.record_check(
            session, actor, learner, how="document", submission=work, now=handed_in + DAY, **given
        )
        session.flush()
        assert not waits()
        assert (
            identity_checks.check_behind(session, work, learner.id, known_at=world["at"])
            is not None
        )


def test_a_checked_name_asks_about_the_record_that_has_another(
    act: Callable[[], Any], released: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    clock.now = released["at"] + DAY
    with act() as session:
        cohort_id = released["cohort"]
        coordinator = session.scalars(
            select(Membership.person_id).where(
                Membership.cohort_id == cohort_id, Membership.role == Role.COORDINATOR
            )
        ).first()
    client = sign_in(coordinator)
    address = f"/teach/{cohort_id}/identity/{released['learner']}"
    given = {"name": "Ada Byron", "document": "identity_card", "covers": "work"}
    asked = client.post(address, data=given)
    assert (asked.status_code, "The record is issued to Ada Byron." in asked.text) == (200, True)
    done = client.post(address, data=given | {"decision-otherwise": "amend"})
    assert done.status_code == 303
    with act() as session:
        names = session.scalars(
            select(CredentialRecord.name).where(
                CredentialRecord.person_id == released["learner"],
                CredentialRecord.state != "replaced",
            )
        ).all()
        assert list(names) == ["Ada Byron"]


def test_a_record_that_was_left_under_another_name_is_issued_anew_later(
    act: Callable[[], Any], released: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    clock.now = released["at"] + DAY
    with act() as session:
        cohort_id = released["cohort"]
        coordinator = session.scalars(
            select(Membership.person_id).where(
                Membership.cohort_id == cohort_id, Membership.role == Role.COORDINATOR
            )
        ).first()
    client = sign_in(coordinator)
    address = f"/teach/{cohort_id}/identity/{released['learner']}"
    given = {"name": "Ada Byron", "document": "identity_card", "covers": "work"}
    left = {"decision-otherwise": "leave", "because-otherwise": "They ask for it after the summer."}
    assert client.post(address, data=given | left).status_code == 303
    page = client.get(address).text
    assert "The record has another name" in page
    assert "one project" in page
    assert client.post(f"{address}/name").status_code == 303
    with act() as session:
        names = session.scalars(
            select(CredentialRecord.name).where(
                CredentialRecord.person_id == released["learner"],
                CredentialRecord.state != "replaced",
            )
        ).all()
        assert list(names) == ["Ada Byron"]
    assert "The record has another name" not in client.get(address).text


def test_the_learner_sees_how_they_are_known_and_what_they_affirmed(
    act: Callable[[], Any], released: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    clock.now = released["at"] + DAY
    client = sign_in(released["learner"])
    address = f"/learn/programs/{released['program']}/record"
    page = client.get(address).text
    with act() as session:
        work = session.scalars(
            select(Submission).where(Submission.learner_id == released["learner"])
        ).one()
        digest = work.digest
        assert "your own word: nobody has checked it" in page
        identity.record_check(
            session,
            session.get_one(Person, released["administrator"]),
            session.get_one(Person, released["learner"]),
            how="document",
            name="Ada Byron",
            document="residence_permit",
            submission=work,
            holds_until=clock.now + 400 * DAY,
            now=clock.now,
        )
    page = client.get(address).text
    for words in ("a document (Residence permit)", "Ada Byron", "this project", "Honour statement",
                  "version 1:", digest or "-"):  # fmt: skip
        assert words in page, words


def test_pages_cost_the_same_for_many_learners(
    app: Flask, act: Callable[[], Any], cohort: dict[str, Any], sign_in: Any, clock: Clock
) -> None:
    client = sign_in(cohort["coordinator"])
    pages = (f"/teach/{cohort['id']}/identity", "/")
    before = []
    for page in pages:
        with counted(app) as few:
            assert client.get(page).status_code == 200
        before.append(len(few))
    with act() as session:
        found = session.get_one(factories.Cohort, cohort["id"])
        for number in range(30):
            factories.a_learner(session, found, f"Learner Many{number}", now=clock.now)
    for page, cost in zip(pages, before, strict=True):
        with counted(app) as many:
            assert "34 learners" in client.get(page).text
        assert len(many) == cost, page
