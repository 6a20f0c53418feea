"""What an office and a cohort's staff share: each act is done once, however many press."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts import cohorts, conflicts, departures, extensions, parts
from grading.models import (
    Absence,
    Cohort,
    ConflictOfInterest,
    Course,
    Entitlement,
    Extension,
    Membership,
    Person,
    Program,
    RubricVersion,
    Sponsor,
    SponsorMember,
)
from grading.people import accounts, passwords, sponsors
from grading.programs import completions, programs, rubric_versions
from grading.readings import absences, openings
from grading.records import entitlements
from grading.workflow import plan as plans
from grading.workflow.calendar import ExtensionKind
from grading.workflow.cohort import Role
from grading.workflow.credential import EntitlementState
from tests import factories
from tests.at_once.together import PEOPLE, SharedAct, faults_of, the
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("any_database")


def member(session: Session, role: Role) -> Membership:
    return session.scalars(
        select(Membership).where(Membership.role == role).order_by(Membership.person_id)
    ).all()[0]


def test_an_office_does_each_thing_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        program_id, sponsor_id, course_id = program.id, program.sponsor_id, program.courses[0].id
        learner_id = factories.a_person(session, "Learner Fir", now=NOW).id
        second = factories.a_rubric(version=2)
        rubric = rubric_versions.add_rubric(session, None, program, factories.a_rubric(), now=NOW)
        rubric_id = rubric.id

    def grant(session: Session, state: EntitlementState) -> None:
        entitlements.grant_entitlement(
            session, None, session.get_one(Program, program_id),
            session.get_one(Person, learner_id), None, state, note="Invoice", now=NOW,
        )  # fmt: skip

    shared = [
        SharedAct("person:create", lambda session, _: accounts.create_account(
            session, None, email="new@example.org", name="New Person", now=NOW)),
        SharedAct("person:create", lambda session, _: accounts.create_accounts(
            session, None, [("newer@example.org", "Newer Person")], now=NOW)),
        SharedAct("person:deactivate", lambda session, _: accounts.deactivate(
            session, None, accounts.find_account(session, "new@example.org"), now=NOW)),
        SharedAct("person:reactivate", lambda session, _: accounts.reactivate(
            session, None, accounts.find_account(session, "new@example.org"), now=NOW)),
        SharedAct("sponsor:create", lambda session, _: sponsors.create_sponsor(
            session, None, name="College", now=NOW)),
        SharedAct("sponsor_member:begin", lambda session, _: sponsors.add_member(
            session, None, session.get_one(Sponsor, sponsor_id), email="office@example.org",
            name="Office Amber", now=NOW)),
        SharedAct("sponsor_member:end", lambda session, _: sponsors.end_member(
            session, None, the(session, SponsorMember), now=NOW)),
        SharedAct("program:create", lambda session, _: programs.create_program(
            session, None, sponsor="College", name="Maps", capstone_title="A map",
            courses=factories.COURSES, now=NOW)),
        SharedAct("brief:add", lambda session, _: programs.add_brief(
            session, None, session.get_one(Program, program_id), "# Newer", now=NOW)),
        SharedAct("rubric:add", lambda session, _: rubric_versions.add_rubric(
            session, None, session.get_one(Program, program_id), second, now=NOW)),
        SharedAct("rubric:publish", lambda session, _: rubric_versions.publish_rubric(
            session, None, session.get_one(RubricVersion, rubric_id), now=NOW)),
        SharedAct("completion:record", lambda session, _: completions.record_completion(
            session, None, session.get_one(Course, course_id), session.get_one(Person, learner_id),
            completed_on=date(2026, 6, 1), identity_assurance="proctored", now=NOW)),
        SharedAct("completion:renew", lambda session, _: completions.record_completion(
            session, None, session.get_one(Course, course_id), session.get_one(Person, learner_id),
            completed_on=date(2026, 7, 1), identity_assurance="proctored", now=NOW)),
        SharedAct("entitlement:grant", lambda session, _: grant(session, EntitlementState.PAID)),
        SharedAct("entitlement:refund", lambda session, _: entitlements.change_entitlement(
            session, None, the(session, Entitlement), EntitlementState.REFUNDED,
            reason="Paid twice", now=NOW)),
    ]  # fmt: skip
    assert faults_of(app, shared) == []


def test_ten_administrators_who_end_each_other_leave_one(
    app: Flask, act: Callable[[], Any]
) -> None:
    with act() as session:
        ids = [
            factories.a_person(session, f"Administrator Beryl {n}", now=NOW, administrator=True).id
            for n in range(PEOPLE)
        ]

    def close_the_next(session: Session, number: int) -> None:
        actor = session.get_one(Person, ids[number])
        accounts.deactivate(session, actor, session.get_one(Person, ids[number - 1]), now=NOW)

    shared = SharedAct("person:deactivate", close_the_next, times=PEOPLE - 1)
    assert faults_of(app, [shared]) == []
    with act() as session:
        active = select(func.count()).where(Person.administrator, Person.active)
        assert session.scalar(active) == 1


def test_a_way_back_in_is_mailed_once_and_nobody_learns_who_has_an_account(
    app: Flask, act: Callable[[], Any]
) -> None:
    with act() as session:
        factories.a_person(session, "Learner Fir", now=NOW)
    shared = SharedAct(
        "nothing:audited",
        lambda session, _: passwords.request_reset(session, "learner.fir@example.org", now=NOW),
        times=0,
    )
    assert faults_of(app, [shared], refusals=0) == []


def test_a_cohort_is_set_up_once(app: Flask, act: Callable[[], Any]) -> None:
    with act() as session:
        prepared = factories.a_cohort(session, now=NOW, opened=False)
        factories.a_member(session, prepared, "Instructor Opal", Role.INSTRUCTOR, now=NOW)
        for name in factories.PLANTS[:4]:
            factories.a_member(session, prepared, f"Learner {name}", Role.LEARNER, now=NOW)
        cohort_id = prepared.id
        grader_id = factories.a_person(session, "Grader Agate", now=NOW).id
        learner_id = factories.a_person(session, "Learner Fir", now=NOW).id
        torn_id = factories.a_person(session, "Torn Elm", now=NOW).id

    def cohort(session: Session) -> Cohort:
        return session.get_one(Cohort, cohort_id)

    def enrol(session: Session, person_id: str, role: Role) -> None:
        person = session.get_one(Person, person_id)
        parts.enrol(session, None, cohort(session), person, role, now=NOW)

    def fewer_peers(session: Session) -> None:
        plan = plans.from_dict(cohort(session).plan.to_dict() | {"peer_readings": 3})
        cohorts.revise_plan(session, None, cohort(session), plan, now=NOW)

    def grader_and_learner(session: Session) -> dict[str, Person]:
        return {
            "rater": session.get_one(Person, grader_id),
            "learner": session.get_one(Person, learner_id),
        }

    shared = [
        SharedAct("plan:revise", lambda session, _: fewer_peers(session)),
        SharedAct("membership:begin", lambda session, _: enrol(session, grader_id, Role.GRADER)),
        SharedAct("membership:begin", lambda session, _: enrol(session, learner_id, Role.LEARNER)),
        # Two doors, of which one gives a part that clashes with the other's.
        SharedAct("membership:begin", lambda session, number: enrol(
            session, torn_id, Role.LEARNER if number % 2 else Role.LEAD)),
        SharedAct("cohort:open", lambda session, _: openings.open_cohort(
            session, None, cohort(session), now=NOW)),
        SharedAct("conflict_of_interest:declare", lambda session, _: conflicts.declare_conflict(
            session, None, cohort(session), **grader_and_learner(session),
            reason="They are cousins.", now=NOW)),
        SharedAct("conflict_of_interest:withdraw", lambda session, _: conflicts.withdraw_conflict(
            session, None, the(session, ConflictOfInterest),
            reason="It was another.", now=NOW)),
        SharedAct("extension:end", lambda session, _: extensions.end(
            session, session.get_one(Person, grader_id), the(session, Extension),
            now=NOW)),
        SharedAct("absence:declare", lambda session, _: absences.declare_absence(
            session, session.get_one(Person, grader_id), cohort(session),
            session.get_one(Person, grader_id), starts_at=NOW + timedelta(days=2),
            ends_at=NOW + timedelta(days=4), cover=None, now=NOW)),
        SharedAct("absence:end", lambda session, _: absences.end_absence(
            session, session.get_one(Person, grader_id), the(session, Absence),
            now=NOW)),
        SharedAct("membership:end", lambda session, _: departures.end_part(
            session, None, member(session, Role.LEARNER), reason="Left", now=NOW)),
    ]  # fmt: skip

    first, rest = shared[:6], shared[6:]
    assert faults_of(app, first) == []
    with act() as session:
        extensions.grant(
            session, session.get_one(Person, grader_id), cohort(session),
            session.get_one(Person, learner_id), kind=ExtensionKind.EXTENSION, days=3,
            reason="Ill", now=NOW,
        )  # fmt: skip
    assert faults_of(app, rest) == []
