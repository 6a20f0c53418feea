"""Who reaches which page: every route has a row, and a new one without a row fails.

A row says which parts of a cohort may open the page; everybody else is told that there is no such page,
and whoever is signed out is led to sign in.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grading.jobs import upkeep
from grading.models import Allocation, CredentialRecord, Discrepancy, Grade
from grading.services import releases
from grading.workflow.allocation import Pool
from tests import factories
from tests.database import NOW, Clock

EVERYBODY = {
    "nobody", "stranger", "learner", "grader", "instructor", "lead", "coordinator", "observer",
    "administrator",
}  # fmt: skip
SIGNED_IN = EVERYBODY - {"nobody"}
SETS_UP = {"administrator", "coordinator", "instructor"}
READS = {"instructor", "lead", "coordinator", "observer"}
SCORES = {"instructor", "lead"}

# GET routes: endpoint to the parts that may open the page for the records of the test's cohort.
PAGES: dict[str, set[str]] = {
    "sign_in.home": EVERYBODY,
    "sign_in.form": EVERYBODY,
    "sign_in.forgot": EVERYBODY,
    "sign_in.reset": EVERYBODY,
    "sign_in.preferences": SIGNED_IN,
    "sign_in.doors": set(),
    "public.verify": EVERYBODY,
    "public.record": EVERYBODY,
    "public.out": EVERYBODY,
    "public.health": EVERYBODY,
    "public.help_page": EVERYBODY,
    "public.accessibility": EVERYBODY,
    "public.privacy": EVERYBODY,
    "learner.home": SIGNED_IN,
    "learner.cohort": {"learner"},
    "learner.brief": {"learner"},
    "learner.draft": {"learner"},
    "learner.own_file": set(),
    "learner.check": {"learner"},
    "learner.receipt": {"learner"},
    "learner.withdraw": {"learner"},
    "learner.result": {"learner"},
    "learner.record": {"learner"},
    "group.page": {"learner"},
    # Nothing was handed in for a group there.
    "group.object_to": set(),
    "groups.page": SETS_UP,
    "points.page": set(),
    "rater.home": SIGNED_IN,
    "rater.item_sheet": {"grader"},
    "rater.item_finished": {"grader"},
    "rater.item_decline_page": {"grader"},
    "rater.item_file": set(),
    "rater.review_sheet": {"learner"},
    "rater.review_finished": {"learner"},
    "rater.review_decline_page": {"learner"},
    "rater.review_file": set(),
    "instructor.home": SIGNED_IN,
    "instructor.cohort": READS,
    "instructor.submission": READS,
    "instructor.agreement": SCORES,
    "instructor.agreement_csv": SCORES,
    "instructor.disputed": SCORES,
    "instructor.case": SCORES,
    "instructor.release": {"instructor"},
    "instructor.audit": {"instructor", "lead", "observer"},
    "admin.home": {"administrator"},
    "admin.new_program": {"administrator"},
    "admin.program": {"administrator"},
    "admin.brief": {"administrator"},
    "admin.rubric": {"administrator"},
    "admin.new_cohort": {"administrator"},
    "admin.cohort": SETS_UP,
    "admin.plan": SETS_UP,
}

# POST and PUT routes; each is tried without a body, and must refuse whoever is not named before it looks.
ACTS: dict[str, set[str]] = {
    "sign_in.form": EVERYBODY,
    "sign_in.sign_out": EVERYBODY,
    "sign_in.forgot": EVERYBODY,
    "sign_in.reset": EVERYBODY,
    "sign_in.enter": set(),
    "sign_in.preferences": SIGNED_IN,
    "learner.start": {"learner"},
    "learner.save": {"learner"},
    "learner.upload": {"learner"},
    "learner.remove_file": set(),
    "learner.restore_file": set(),
    "learner.submit": {"learner"},
    "learner.take_back": {"learner"},
    "learner.withdraw": {"learner"},
    "learner.share": {"learner"},
    "learner.issue_anew": {"learner"},
    "group.invite": {"learner"},
    "group.join": {"learner"},
    "group.answer": set(),
    "group.call_off": {"learner"},
    "group.leave": {"learner"},
    "group.object_to": {"learner"},
    "group.withdraw_objection": set(),
    "groups.form": SETS_UP,
    "groups.place": SETS_UP,
    "groups.take_out": SETS_UP,
    "groups.decide": SETS_UP,
    "points.page": {"instructor"},
    "rater.next_item": {"grader", "instructor", "lead"},
    "rater.item_save": {"grader"},
    "rater.item_draft": {"grader"},
    "rater.item_undo": {"grader"},
    "rater.item_reclaim": {"grader"},
    "rater.item_decline": {"grader"},
    "rater.review_save": {"learner"},
    "rater.review_draft": {"learner"},
    "rater.review_undo": {"learner"},
    "rater.review_reclaim": {"learner"},
    "rater.review_decline": {"learner"},
    "instructor.show_scores": SCORES,
    "instructor.take_case": SCORES,
    "instructor.propose": {"instructor"},
    "instructor.sign": {"instructor"},
    "instructor.stop": {"instructor"},
    "instructor.revoke": {"instructor"},
    "admin.new_program": {"administrator"},
    "admin.brief": {"administrator"},
    "admin.add_rubric": {"administrator"},
    "admin.publish_rubric": {"administrator"},
    "admin.import_completions": {"administrator"},
    "admin.record_completion": {"administrator"},
    "admin.new_cohort": {"administrator"},
    "admin.plan": SETS_UP,
    "admin.open_cohort": SETS_UP,
    "admin.end_cohort": SETS_UP,
    "admin.import_roster": SETS_UP,
    "admin.add_member": SETS_UP,
    "admin.end_member": SETS_UP,
    "admin.declare_conflict": SETS_UP,
}


@pytest.fixture
def world(app: Flask, act: Callable[[], Any], clock: Clock) -> dict[str, Any]:
    """A cohort with an open item, a finished peer review, an open case and a released result."""
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=4, graders=4, group_size=3)
        cohort_id = cast.cohort.id
        due = cast.cohort.due_at
        people = {
            "stranger": cast.stranger.id,
            "instructor": cast.instructor.id,
            "lead": cast.lead.id,
            "coordinator": cast.coordinator.id,
            "observer": cast.observer.id,
            "administrator": cast.administrator.id,
        }
    clock.now = due
    upkeep.run(app, cohort_id, now=due, seed=3)
    with act() as session:
        works = sorted({item.submission_id for item in session.scalars(select(Allocation))})
        for item in session.scalars(select(Allocation)).all():
            if item.submission_id == works[2] and item.pool == Pool.PROFESSIONAL:
                continue
            apart = item.submission_id == works[1] and item.pool == Pool.PEER
            factories.rate(
                session, item, {"question": 0 if apart else 3, "method": 0 if apart else 3}, now=due
            )
    upkeep.run(app, cohort_id, now=clock.forward(minutes=11))
    with act() as session:
        instructor = session.get_one(factories.Person, people["instructor"])
        found = session.get_one(factories.Cohort, cohort_id)
        release = releases.propose(
            session, instructor, found, overrides={}, failed_gates=[], now=clock.now
        )
        release_id = release.id
        releases.carry_out(session, release, now=clock.forward(minutes=11))
    with act() as session:
        found = session.get_one(factories.Cohort, cohort_id)
        grade = session.scalars(select(Grade)).first()
        assert grade is not None
        item = session.scalars(
            select(Allocation).where(
                Allocation.submission_id == works[2], Allocation.pool == Pool.PROFESSIONAL
            )
        ).one()
        review = session.scalars(
            select(Allocation).where(
                Allocation.pool == Pool.PEER,
                Allocation.rater_id == grade.submission.learner_id,
            )
        ).first()
        assert review is not None
        case = session.scalars(select(Discrepancy)).one()
        people |= {"learner": grade.submission.learner_id, "grader": str(item.rater_id)}
        own = session.scalars(
            select(CredentialRecord).where(
                CredentialRecord.person_id == grade.submission.learner_id
            )
        ).one()
        return {
            "people": people,
            "values": {
                "cohort_id": cohort_id,
                "program_id": found.program_id,
                "rubric_id": found.rubric_version_id,
                "submission_id": grade.submission_id,
                "case_id": case.id,
                "discrepancy_id": case.id,
                "release_id": release_id,
                "record_id": own.id,
                "public_id": own.public_id,
                "membership_id": "none",
                "member_id": "none",
                "invitation_id": "none",
                "reply": "accept",
                "own_objection_id": "none",
                "objection_id": "none",
                "file_id": "none",
                "number": 1,
                "token": "none",
            },
            "item": item.id,
            "review": review.id,
        }


def address(app: Flask, world: dict[str, Any], endpoint: str) -> str:
    values = dict(world["values"])
    name = endpoint.split(".")[1]
    values["allocation_id"] = world["review"] if name.startswith("review_") else world["item"]
    rule = next(rule for rule in app.url_map.iter_rules(endpoint))
    with app.test_request_context():
        return app.url_for(endpoint, **{key: values[key] for key in rule.arguments})


def routes(app: Flask, *methods: str) -> set[str]:
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.methods and rule.methods & set(methods) and rule.endpoint != "static"
    }


def test_every_route_has_a_row(app: Flask) -> None:
    assert routes(app, "GET") == set(PAGES)
    assert routes(app, "POST", "PUT", "DELETE", "PATCH") == set(ACTS)


def client_of(app: Flask, world: dict[str, Any], sign_in: Any, part: str) -> FlaskClient:
    if part == "nobody":
        return app.test_client()
    client: FlaskClient = sign_in(world["people"][part])
    return client


@pytest.mark.parametrize("part", sorted(EVERYBODY))
def test_pages(app: Flask, world: dict[str, Any], sign_in: Any, part: str) -> None:
    client = client_of(app, world, sign_in, part)
    wrong = {}
    for endpoint, parts in PAGES.items():
        status = client.get(address(app, world, endpoint)).status_code
        if part in parts:
            bare = endpoint in ("public.record", "public.out")
            expected = {200, 302, 410} | ({404} if bare else set())
        elif part == "nobody":
            expected = {302} | ({404} if endpoint == "sign_in.doors" else set())
        else:
            expected = {404}
        if status not in expected:
            wrong[endpoint] = status
    assert wrong == {}


@pytest.mark.parametrize("part", sorted(EVERYBODY))
def test_acts_refuse_whoever_may_not(
    app: Flask, world: dict[str, Any], sign_in: Any, part: str
) -> None:
    client = client_of(app, world, sign_in, part)
    wrong = {}
    for endpoint, parts in ACTS.items():
        if part in parts:
            continue
        put = endpoint.endswith("_draft")
        status = client.open(
            address(app, world, endpoint),
            method="PUT" if put else "POST",
            json={} if put else None,
        ).status_code
        expected = {302, 401, 404} if part == "nobody" else {404}
        if status not in expected:
            wrong[endpoint] = status
    assert wrong == {}


def test_a_page_that_forgets_to_ask_is_an_error_not_a_leak(
    app: Flask, world: Any, sign_in: Any
) -> None:
    from grading.authorization.permissions import Permission
    from grading.web.access import requires

    app.view_functions["learner.brief"] = requires(Permission.SUBMISSION_WRITE)(
        lambda cohort_id: "a secret"
    )
    app.testing = False
    answer = sign_in(world["people"]["stranger"]).get(address(app, world, "learner.brief"))
    assert answer.status_code == 500
    assert b"a secret" not in answer.data
