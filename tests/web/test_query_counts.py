"""What a page costs does not grow with what it does not show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from grading.cohorts import conflicts, extensions
from grading.db import db
from grading.jobs import upkeep
from grading.models import Allocation, Grade
from grading.people import sponsors
from grading.readings import absences
from grading.records import entitlements
from grading.workflow.allocation import Pool
from grading.workflow.calendar import ExtensionKind
from grading.workflow.cohort import Role
from grading.workflow.credential import EntitlementState
from tests import factories, stories
from tests.database import NOW, Clock


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def set_up(session: Any, cast: factories.Cast) -> str:
    """Entitlements and conflicts of interest for everybody, and somebody in the program office."""
    program = cast.cohort.program
    for learner in cast.learners:
        entitlements.grant_entitlement(
            session, None, program, learner, None, EntitlementState.PAID, now=NOW
        )
        conflicts.declare_conflict(
            session,
            None,
            cast.cohort,
            rater=cast.observer,
            learner=learner,
            reason="Kin",
            now=NOW,
        )
    member = sponsors.add_member(
        session, None, program.sponsor, email="office@example.org", name="Office", now=NOW
    )
    return member.person_id


def costs(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock, learners: int
) -> dict[str, int]:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=learners, graders=4, second_share=0.5)
        cohort, due = cast.cohort.id, cast.cohort.due_at
        people = {
            "learner": cast.learners[0].id,
            "grader": cast.graders[0].id,
            "instructor": cast.instructor.id,
            "coordinator": cast.coordinator.id,
            "office": set_up(session, cast),
        }
        program = cast.cohort.program_id
    clock.now = due
    upkeep.run(app, cohort, now=due, seed=4)
    with act() as session:
        item = session.scalars(
            select(Allocation.id).where(
                Allocation.rater_id == people["grader"], Allocation.pool == Pool.PROFESSIONAL
            )
        ).first()
        for allocation in session.scalars(select(Allocation)).all():
            if allocation.id != item:
                factories.rate(session, allocation, {"question": 2, "method": 2}, now=due)
    upkeep.run(app, cohort, now=clock.now + timedelta(minutes=11))
    clock.forward(minutes=11)
    pages = {
        "learner": [f"/learn/{cohort}", f"/learn/{cohort}/project"],
        "grader": ["/grade/", f"/grade/item/{item}", f"/grade/calibration/{cohort}",
                   f"/grade/consistency/{cohort}"],
        "instructor": [f"/teach/{cohort}", f"/teach/{cohort}/agreement", f"/teach/{cohort}/release",
                       f"/teach/{cohort}/severity", f"/teach/{cohort}/severity?names=yes",
                       f"/teach/{cohort}/disputed", f"/teach/{cohort}/audit",
                       f"/teach/{cohort}/examples", f"/teach/{cohort}/standings",
                       f"/teach/{cohort}/graders", f"/teach/{cohort}/graders/{people['grader']}",
                       f"/teach/{cohort}/set-aside", f"/teach/{cohort}/readings"],
        "coordinator": [f"/admin/cohorts/{cohort}{page}" for page in
                        ("", "/people", "/conflicts", "/calendar", "/plan", "/open", "/end")],
        "office": ["/admin/", f"/admin/programs/{program}", f"/admin/programs/{program}/entitlements"],
    }  # fmt: skip
    found = {}
    for part, addresses in pages.items():
        client = sign_in(people[part])
        for address in addresses:
            with counted(app) as statements:
                assert client.get(address).status_code == 200
            label = address.replace(cohort, "C").replace(str(item), "I").replace(program, "P")
            label = label.replace(people["grader"], "G")
            found[label] = len(statements)
    return found


def dispute_costs(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock, learners: int
) -> dict[str, int]:
    """The lists of disputes and of the calendar, with one of each kind for every learner."""
    with act() as session:
        cast = factories.a_cast(
            session, now=NOW, learners=learners, graders=4, peer_readings=0, peers_needed=0
        )
        now = cast.cohort.due_at
        factories.run_upkeep(session, cast.cohort, now=now)
        for item in session.scalars(
            select(Allocation).where(Allocation.cohort_id == cast.cohort.id)
        ).all():
            factories.rate(session, item, stories.BELOW, now=now)
        now = stories.release(session, cast, now=now) + timedelta(hours=25)
        clock.now = now
        for number, work in enumerate(cast.submissions):
            name = f"Grader Schist {number}"
            grader = factories.a_member(session, cast.cohort, name, Role.GRADER, now=NOW)
            grade = session.scalars(select(Grade).where(Grade.submission_id == work.id)).one()
            told = stories.Released(cast, work, grade, grader, now)
            stories.an_appeal(session, told)
            stories.question_in(session, told, "open")
            case = stories.case_in(session, cast, work, "heard", now=now)
            extensions.grant(
                session,
                cast.coordinator,
                cast.cohort,
                work.learner,
                kind=ExtensionKind.EXTENSION,
                days=3,
                reason="Ill.",
                now=now,
            )
            absences.declare_absence(
                session,
                grader,
                cast.cohort,
                grader,
                starts_at=now + timedelta(days=9),
                ends_at=now + timedelta(days=10),
                cover=None,
                now=now,
            )
        cohort, case_id = cast.cohort.id, case.id
        coordinator, instructor = cast.coordinator.id, cast.instructor.id
        learner = cast.learners[0].id
    pages = {
        instructor: [f"/teach/{cohort}/disputed", f"/teach/{cohort}/suspicions",
                     f"/teach/suspicion/{case_id}", f"/teach/{cohort}/release"],
        coordinator: [f"/teach/{cohort}/extensions", f"/teach/{cohort}/extensions?q=learner",
                      f"/teach/{cohort}/extensions/{learner}", f"/teach/{cohort}/absences"],
    }  # fmt: skip
    found = {}
    for person, addresses in pages.items():
        client = sign_in(person)
        for address in addresses:
            with counted(app) as statements:
                assert client.get(address).status_code == 200
            name = address.replace(cohort, "C").replace(case_id, "S").replace(learner, "L")
            found[name] = len(statements)
    return found


MOST = 40


@pytest.mark.slow
def test_pages_cost_the_same_for_6_and_for_18_learners(
    app: Flask,
    act: Callable[[], Any],
    sign_in: Any,
    clock: Clock,
    tmp_path: Any,
    request: Any,
) -> None:
    small = costs(app, act, sign_in, clock, 6)
    # The same database goes on with a larger cohort of another program.
    with act() as session:
        for person in session.scalars(select(factories.Person)):
            person.email = f"small-{person.email}"
        for program in session.scalars(select(factories.Program)):
            program.name = "Small"
    clock.now = NOW
    large = costs(app, act, sign_in, clock, 18)
    assert large == small
    assert max(large.values()) <= MOST


def test_lists_of_disputes_cost_the_same_for_6_and_for_18(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Clock
) -> None:
    small = dispute_costs(app, act, sign_in, clock, 6)
    with act() as session:
        for person in session.scalars(select(factories.Person)):
            person.email = f"small-{person.email}"
        for program in session.scalars(select(factories.Program)):
            program.name = "Small"
    large = dispute_costs(app, act, sign_in, clock, 18)
    assert large == small
    assert max(large.values()) <= MOST
