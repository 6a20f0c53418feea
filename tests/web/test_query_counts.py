"""What a page costs does not grow with what it does not show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from grading.db import db
from grading.jobs import upkeep
from grading.models import Allocation
from grading.services import cohorts, entitlements, sponsors
from grading.workflow.allocation import Pool
from grading.workflow.credential import EntitlementState
from tests import factories
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
        entitlements.grant(session, None, program, learner, None, EntitlementState.PAID, now=NOW)
        cohorts.declare_conflict(
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
        "grader": ["/grade/", f"/grade/item/{item}"],
        "instructor": [f"/teach/{cohort}", f"/teach/{cohort}/agreement", f"/teach/{cohort}/release",
                       f"/teach/{cohort}/disputed", f"/teach/{cohort}/audit"],
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
            found[label] = len(statements)
    return found


MOST = 40


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
