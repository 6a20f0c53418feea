"""Who may be given which part: one rule at every door, and those who oversee are told."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import departures, groups, parts
from grading.errors import FaultsFound, Refused
from grading.models import Cohort, Job, Membership, Person
from grading.office import imports
from grading.people import accounts, sponsors
from grading.workflow.cohort import ImportKind, Role, clashes
from tests import factories
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("any_database")
RUNNING = (Role.GRADER, Role.LEAD, Role.INSTRUCTOR, Role.COORDINATOR, Role.OBSERVER)


def test_parts_clash_where_one_learns_and_the_other_runs() -> None:
    pairs = {(one, other) for one in Role for other in Role if clashes((one, other))}
    assert pairs == {
        pair
        for learning in (Role.LEARNER, Role.PEER)
        for running in RUNNING
        for pair in ((learning, running), (running, learning))
    }


def test_nobody_learns_where_they_run_or_grade(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        alder = factories.a_member(session, cohort, "Alder", Role.LEARNER, now=NOW)
        parts.enrol(session, None, cohort, alder, Role.PEER, now=NOW)
        for role in RUNNING:
            with pytest.raises(Refused, match="no part in running or grading"):
                parts.enrol(session, None, cohort, alder, role, now=NOW)
        basalt = factories.a_member(session, cohort, "Basalt", Role.GRADER, now=NOW)
        parts.enrol(session, None, cohort, basalt, Role.LEAD, now=NOW)
        with pytest.raises(Refused, match="no part in running or grading"):
            parts.enrol(session, None, cohort, basalt, Role.LEARNER, now=NOW)
        # Whoever has left may come back in another part.
        left = session.scalars(select(Membership).where(Membership.person_id == basalt.id)).all()
        for membership in left:
            departures.end_part(session, None, membership, reason="moved", now=NOW)
        session.flush()
        parts.enrol(session, None, cohort, basalt, Role.LEARNER, now=NOW)


@pytest.mark.parametrize(
    ("rows", "wheres"),
    [
        ("alder@example.org,Alder,grader", ["line 2, role"]),
        ("new@example.org,New,learner\nnew@example.org,New,instructor", ["line 3, role"]),
        ("alder@example.org,Alder,learner\nnew@example.org,New,lead", []),
    ],
)
def test_a_roster_names_each_row_that_makes_two_hats(
    act: Callable[[], Any], rows: str, wheres: list[str]
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        factories.a_member(session, cohort, "Alder", Role.LEARNER, now=NOW)
        data = f"email,name,role\n{rows}\n".encode()
        found: list[str] = []
        try:
            imports.preview(session, None, ImportKind.ROSTER, cohort, data, now=NOW)
        except FaultsFound as error:
            found = [fault.where for fault in error.faults]
        assert found == wheres


def test_a_grader_is_put_into_no_group(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, group_size=3)
        alder = factories.a_learner(session, cohort, "Alder", now=NOW)
        basalt = factories.a_member(session, cohort, "Basalt", Role.GRADER, now=NOW)
        with pytest.raises(FaultsFound, match="is no learner of the cohort"):
            groups.form(session, None, cohort, [alder, basalt], name="A", now=NOW)


def test_an_account_with_two_hats_is_not_opened_again(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        alder = factories.a_member(session, cohort, "Alder", Role.LEARNER, now=NOW)
        birch = factories.a_member(session, cohort, "Birch", Role.LEARNER, now=NOW)
        # As it could be made before.
        session.add(Membership(cohort_id=cohort.id, person_id=alder.id, role=Role.LEAD, since=NOW))
        for person in (alder, birch):
            accounts.deactivate(session, None, person, now=NOW)
        session.flush()
        parts.open_account(session, None, birch, now=NOW)
        with pytest.raises(Refused, match="End one of the parts first"):
            parts.open_account(session, None, alder, now=NOW)
        assert parts.clashing_people(session, cohort_id=cohort.id) == [alder]


def an_office(session: Session, cohort: Cohort) -> Person:
    office = factories.a_person(session, "Office", now=NOW)
    sponsors.add_member(session, None, cohort.program.sponsor, email=office.email, now=NOW)
    return office


def test_instructors_and_leads_are_made_by_the_program_office_alone(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW)
        opal = factories.a_member(session, cohort, "Opal", Role.INSTRUCTOR, now=NOW)
        second = factories.a_person(session, "Garnet again", now=NOW)
        elsewhere = factories.a_person(session, "Other office", now=NOW)
        other = sponsors.create_sponsor(session, None, name="Elsewhere", now=NOW)
        sponsors.add_member(session, None, other, email=elsewhere.email, now=NOW)
        roster = f"email,name,role\n{second.email},{second.name},instructor\n".encode()
        for actor in (garnet, opal, elsewhere):
            for role in (Role.INSTRUCTOR, Role.LEAD):
                with pytest.raises(Refused, match="the program office makes them"):
                    parts.enrol(session, actor, cohort, second, role, now=NOW)
            with pytest.raises(FaultsFound, match="the program office makes them"):
                imports.carry_out(session, actor, ImportKind.ROSTER, cohort, roster, now=NOW)
        parts.enrol(session, garnet, cohort, second, Role.GRADER, now=NOW)
        parts.enrol(session, an_office(session, cohort), cohort, second, Role.LEAD, now=NOW)
        assert "instructor" not in {
            membership.role
            for membership in session.scalars(
                select(Membership).where(Membership.person_id == second.id)
            )
        }


def told(session: Session) -> set[str]:
    jobs = session.scalars(select(Job).where(Job.key.startswith("mail:overseers_added:")))
    return {job.payload["person"] for job in jobs}


def test_those_who_oversee_are_told_of_new_ones(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        office = an_office(session, cohort)
        opal = factories.a_member(session, cohort, "Opal", Role.INSTRUCTOR, now=NOW)
        onyx = factories.a_member(session, cohort, "Onyx", Role.LEAD, now=NOW)
        factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW)
        assert told(session) == {opal.id}
        fresh = factories.a_person(session, "Fresh", now=NOW)
        parts.enrol(session, office, cohort, fresh, Role.GRADER, now=NOW)
        assert told(session) == {opal.id}
        roster = b"email,name,role\nfresh@example.org,Fresh,instructor\nb@example.org,B,lead\n"
        imports.carry_out(session, office, ImportKind.ROSTER, cohort, roster, now=NOW)
        assert told(session) == {opal.id, onyx.id}
