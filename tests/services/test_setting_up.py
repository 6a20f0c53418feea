"""Programs, cohorts, rosters, accounts: every fault at once, and nothing changed by a faulty file."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from grading.errors import FaultsFound, IllegalTransition, Refused, TooMany
from grading.models import Cohort, Completion, Job, Membership, Person, SignInAttempt
from grading.services import cohorts, people, programs
from grading.workflow import plan as plans
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("any_database")
HASHER = people.password_hasher("light")


def wheres(caught: Any) -> list[str]:
    return [fault.where for fault in caught.value.faults]


def test_a_roster_with_three_bad_rows_names_three_and_changes_nothing(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        before = session.scalar(select(func.count()).select_from(Membership))
        roster = (
            "email,name,role\n"
            "alder@example.org,Learner Alder,learner\n"
            "no address,Learner Birch,learner\n"
            "cedar@example.org,,learner\n"
            "\n"
            "dogwood@example.org,Learner Dogwood,teacher\n"
        )
        with pytest.raises(FaultsFound) as caught:
            cohorts.import_roster(session, None, cohort, roster.encode(), now=NOW)
        assert wheres(caught) == ["line 3, email", "line 4, name", "line 6, role"]
        assert session.scalar(select(func.count()).select_from(Membership)) == before
        assert people.look_up(session, "alder@example.org") is None


def test_a_roster_makes_accounts_once_and_invites(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        roster = (
            b"\xef\xbb\xbfrole,Email,name\r\n"
            b"learner,ALDER@example.org,Learner Alder\r\n"
            b"grader,basalt@example.org,Grader Basalt\r\nlead,basalt@example.org,Grader Basalt\r\n"
        )
        assert cohorts.import_roster(session, None, cohort, roster, now=NOW) == 3
        session.flush()
        assert cohorts.import_roster(session, None, cohort, roster, now=NOW) == 0
        assert people.find(session, "alder@example.org").name == "Learner Alder"
        invited = session.scalars(select(Job).where(Job.key.startswith("invitation:"))).all()
        assert len(invited) == 2


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"email,name\n", ["line 1"]),
        (b"email,name,role,role,extra\n", ["line 1", "line 1"]),
        (b"email,name,role\n\xff\n", ["line 2"]),
        (b"email,name,role\na@b,A,learner,more\n", ["line 2"]),
        (b"email,name,role\n", ["file"]),
        (b'email,name,role\n"a@b,A,learner\n', ["line 2"]),
    ],
)
def test_a_file_that_is_no_roster_is_named(
    act: Callable[[], Any], data: bytes, where: list[str]
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        with pytest.raises(FaultsFound) as caught:
            cohorts.import_roster(session, None, cohort, data, now=NOW)
        assert wheres(caught) == where


def test_completions_name_every_faulty_cell_and_can_be_sent_again(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        factories.a_person(session, "Learner Alder", now=NOW)
        header = "email,course,completed_on,identity_assurance\n"
        bad = (
            "learner.alder@example.org,sailing,2026-06-01,proctored\n"
            "nobody@example.org,measuring,2026-06-01,proctored\n"
            "learner.alder@example.org,measuring,1.6.2026,proctored\n"
            "learner.alder@example.org,measuring,2027-06-01,horoscope\n"
        )
        with pytest.raises(FaultsFound) as caught:
            programs.import_completions(session, None, program, (header + bad).encode(), now=NOW)
        assert wheres(caught) == [
            "line 2, course", "line 3, email", "line 4, completed_on", "line 5, completed_on",
            "line 5, identity_assurance",
        ]  # fmt: skip
        assert session.scalar(select(Completion.id)) is None
        good = header + "learner.alder@example.org,measuring,2026-06-01,document\n" * 2
        assert programs.import_completions(session, None, program, good.encode(), now=NOW) == 1
        session.flush()
        assert programs.import_completions(session, None, program, good.encode(), now=NOW) == 0


@pytest.mark.parametrize(
    ("courses", "where"),
    [
        ([("a", "A"), ("b", "B")], ["courses"]),
        ([(f"c{n}", "C") for n in range(10)], ["courses"]),
        ([("a", "A"), ("A b", "B"), ("c", " ")], ["course 2", "course 3"]),
        ([("a", "A"), ("a", "B"), ("c", "C")], ["course 1"]),
    ],
)
def test_a_program_has_three_to_nine_courses(
    act: Callable[[], Any], courses: list[tuple[str, str]], where: list[str]
) -> None:
    with act() as session:
        with pytest.raises(FaultsFound) as caught:
            programs.create_program(
                session, None, sponsor="S", name="P", capstone_title="C", courses=courses, now=NOW
            )
        assert wheres(caught) == where


def test_a_rubric_that_leaves_a_course_out_is_not_published(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        rubric = factories.a_rubric()
        levels = rubric.criteria[0].levels
        only = factories.Criterion("q", "Q", "", 100.0, ("measuring", "sailing"), levels)
        narrow = factories.a_rubric(criteria=(only,))
        version = programs.add_rubric(session, None, program, narrow, now=NOW)
        with pytest.raises(FaultsFound) as caught:
            programs.publish_rubric(session, None, version, now=NOW)
        assert len(caught.value.faults) == 3
        assert version.state == "draft"


def test_a_changed_rubric_needs_a_new_version(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        first = programs.add_rubric(session, None, program, factories.a_rubric(), now=NOW)
        assert programs.add_rubric(session, None, program, factories.a_rubric(), now=NOW) is first
        with pytest.raises(Refused, match="new version"):
            programs.add_rubric(
                session, None, program, factories.a_rubric(title="Another"), now=NOW
            )
        programs.publish_rubric(session, None, first, now=NOW)
        with pytest.raises(IllegalTransition):
            programs.publish_rubric(session, None, first, now=NOW)
        assert first.rubric == factories.a_rubric()


def test_a_plan_is_versioned_and_fixed_when_the_cohort_opens(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        due = cohort.due_at
        longer = plans.from_dict({"preset": "course", "submit_days": 35})
        cohorts.revise_plan(session, None, cohort, longer, now=NOW)
        assert cohort.plan_version.version == 2
        assert cohort.due_at == due + timedelta(days=7)
        with pytest.raises(FaultsFound, match="no grader"):
            cohorts.open_cohort(session, None, cohort, now=NOW)
        factories.a_member(session, cohort, "Grader Basalt", Role.GRADER, now=NOW)
        session.flush()
        cohorts.open_cohort(session, None, cohort, now=NOW)
        assert cohort.plan_version.frozen_at == NOW
        with pytest.raises(Refused, match="fixed"):
            cohorts.revise_plan(session, None, cohort, plans.PRESETS["economy"], now=NOW)


def test_a_cohort_names_all_that_it_lacks(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        draft = programs.add_rubric(session, None, program, factories.a_rubric(), now=NOW)
        with pytest.raises(FaultsFound) as caught:
            cohorts.create_cohort(
                session,
                None,
                program,
                name=" ",
                opens_on=date(2026, 9, 7),
                time_zone="London",
                rubric_version=draft,
                plan=plans.PRESETS["course"],
                now=NOW,
            )
        assert wheres(caught) == ["name", "time_zone", "rubric"]
        assert session.scalar(select(Cohort.id)) is None


def test_signing_in_and_its_limit(act: Callable[[], Any]) -> None:
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        people.set_password(session, person, person, factories.PASSWORD, hasher=HASHER, now=NOW)
        known = {"address": "192.0.2.1", "hasher": HASHER, "now": NOW}
        assert (
            people.sign_in(session, " Learner.ALDER@example.org", factories.PASSWORD, **known)
            is person
        )
        assert people.sign_in(session, "nobody@example.org", factories.PASSWORD, **known) is None
        for _ in range(people.MOST_PER_ACCOUNT):
            assert people.sign_in(session, person.email, "wrong", **known) is None
            session.flush()
        with pytest.raises(TooMany):
            people.sign_in(session, person.email, factories.PASSWORD, **known)
        later = known | {"now": NOW + timedelta(minutes=16)}
        assert people.sign_in(session, person.email, factories.PASSWORD, **later) is person
        session.flush()
        assert session.scalars(select(SignInAttempt)).all() == []


def test_a_mailed_link_works_once_and_ends_other_sign_ins(act: Callable[[], Any]) -> None:
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        token = people.issue_reset(session, person, now=NOW)
        old = people.issue_reset(session, person, now=NOW - timedelta(days=8))
        session.flush()
        with pytest.raises(FaultsFound, match="at least 10"):
            people.use_reset(session, token, "short", hasher=HASHER, now=NOW)
        epoch = person.epoch
        people.use_reset(session, token, factories.PASSWORD, hasher=HASHER, now=NOW)
        assert person.epoch == epoch + 1
        for used in (token, old, "none"):
            with pytest.raises(Refused, match="too old"):
                people.use_reset(session, used, factories.PASSWORD, hasher=HASHER, now=NOW)


def test_asking_for_a_link_often_sends_one_mail_and_tells_nothing(act: Callable[[], Any]) -> None:
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        for email in (person.email, person.email, "nobody@example.org"):
            people.request_reset(session, email, now=NOW)
        jobs = session.scalars(select(Job)).all()
        assert [job.payload["person"] for job in jobs] == [person.id]


def test_an_address_has_one_account(act: Callable[[], Any]) -> None:
    with act() as session:
        factories.a_person(session, "Learner Alder", now=NOW)
        with pytest.raises(Refused, match="exists"):
            factories.a_person(session, "Another", email="LEARNER.alder@example.org", now=NOW)
        assert session.scalar(select(func.count()).select_from(Person)) == 1
