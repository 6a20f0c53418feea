"""Imports: looked at first, every faulty row named, nothing changed by a faulty file, and undone."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from grading.cohorts import cohorts, departures, parts, submissions
from grading.errors import FaultsFound, Refused, StaleRecord
from grading.ledger import verifying
from grading.models import (
    AuditEntry,
    Cohort,
    Completion,
    ConflictOfInterest,
    CredentialRecord,
    Entitlement,
    ImportBatch,
    Job,
    Membership,
    Person,
    Program,
)
from grading.office import imports
from grading.office.imports import Choice, Effect
from grading.people import accounts, identity, passwords
from grading.people.consequences import Decided, Decision, Undecided
from grading.programs import programs
from grading.programs.programs import CourseEntry
from grading.programs.queries import course_standings
from grading.readings import openings
from grading.records import entitlements
from grading.workflow.cohort import ImportKind, Role
from grading.workflow.credential import IdentityAssurance
from tests import factories, stories
from tests.database import NOW

TABLES = Path(__file__).parent.parent / "data" / "tables"
pytestmark = pytest.mark.usefixtures("any_database")
ROSTER, COMPLETIONS = ImportKind.ROSTER, ImportKind.COMPLETIONS
ENTITLEMENTS, CONFLICTS = ImportKind.ENTITLEMENTS, ImportKind.CONFLICTS
ROSTERS = Path(__file__).parents[1] / "data" / "rosters"
LATER = NOW + timedelta(hours=1)


def wheres(caught: Any) -> list[str]:
    return [fault.where for fault in caught.value.faults]


def carried_out(
    session: Session, kind: ImportKind, place: Cohort | Program, text: str, **more: Any
) -> ImportBatch:
    _, batch = imports.carry_out(
        session, more.pop("actor", None), kind, place, text.encode(), now=NOW, **more
    )
    assert batch is not None
    return batch


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("email_zwsp", ["line 2, email: Remove the character U+200B after “org”: nobody sees it."]),
        (
            "email_dots",
            [
                "line 2, email: “ada@example..org” is not an e-mail address.",
                "line 3, email: “b@localhost” is not an e-mail address.",
                "line 4, email: “.c@example.org” is not an e-mail address.",
                "line 5, email: “d@example.org.” is not an e-mail address.",
            ],
        ),
        (
            "name_control",
            ["line 2, name: Remove the character U+0007 after “Learner”: nobody sees it."],
        ),
    ],
)
def test_a_roster_says_which_character_or_address_cannot_stay(
    act: Callable[[], Any], name: str, said: list[str]
) -> None:
    data = (ROSTERS / f"{name}.csv").read_bytes()
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        before = count(session, Person)
        with pytest.raises(FaultsFound) as caught:
            imports.carry_out(session, None, ROSTER, cohort, data, now=NOW)
        assert [str(fault) for fault in caught.value.faults] == said
        assert count(session, Person) == before


def test_a_roster_makes_one_account_of_an_address_in_two_scripts(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        text = (
            "email,name,role\nada@BÜCHER.example,Ada,learner\nada@xn--bcher-kva.example,Ada,peer\n"
        )
        carried_out(session, ROSTER, cohort, text)
        assert list(session.scalars(select(Person.name).where(Person.name == "Ada"))) == ["Ada"]
        assert accounts.find_account(session, "Ada@bücher.example").email == "ada@bücher.example"
        again = imports.preview(session, None, ROSTER, cohort, text.encode(), now=NOW)
        assert again.changes == ()


def test_a_roster_with_bad_rows_names_them_all_and_changes_nothing(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW)
        closed = factories.a_person(session, "Closed", now=NOW)
        accounts.deactivate(session, None, closed, now=NOW)
        session.flush()
        before = count(session, Membership), count(session, Person)
        roster = (
            "email,name,role\n"
            "alder@example.org,Learner Alder,learner\n"
            "no address,Learner Birch,learner\n"
            "cedar@example.org,,learner\n"
            "\n"
            "dogwood@example.org,Learner Dogwood,teacher\n"
            "alder@example.org,Learner Alder,learner\n"
            "alder@example.org,Another,peer\n"
            "closed@example.org,Closed,learner\n"
            "garnet@example.org,Garnet,grader\n"
        )
        for act_on in (imports.preview, imports.carry_out):
            with pytest.raises(FaultsFound) as caught:
                act_on(session, garnet, ROSTER, cohort, roster.encode(), now=NOW)
            assert wheres(caught) == [
                "line 3, email", "line 4, name", "line 6, role", "line 7, email", "line 8, name",
                "line 9, email", "line 10, role",
            ]  # fmt: skip
        assert (count(session, Membership), count(session, Person)) == before
        assert session.scalar(select(ImportBatch.id)) is None


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"email,name\n", ["line 1"]),
        (b"email,name,role,role,extra\n", ["line 1"]),
        (b"email,name,role\n\x81\n", ["encoding"]),
        (b"e\0m\0a\0i\0l\0", ["encoding"]),
        (b"PK\x03\x04 is no workbook", ["file"]),
        (b"email,name,role\na@b.org,A,learner,more\n", ["line 2"]),
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
            imports.preview(session, None, ROSTER, cohort, data, now=NOW)
        assert wheres(caught) == where


ALDER_AND_BASALT = (
    b"\xef\xbb\xbfrole,Email,name\r\n"
    b"learner,ALDER@example.org,Learner Alder\r\n"
    b"grader,basalt@example.org,Grader Basalt\r\nlead,basalt@example.org,Grader Basalt\r\n"
)


def test_a_roster_is_looked_at_first_and_makes_accounts_once(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        seen = imports.preview(session, None, ROSTER, cohort, ALDER_AND_BASALT, now=NOW)
        assert seen.counts == {Effect.ACCOUNT: 2, Effect.ENROL: 3}
        assert accounts.look_up(session, "alder@example.org") is None
        imports.carry_out(
            session, None, ROSTER, cohort, ALDER_AND_BASALT, seen=seen.digest, now=NOW
        )
        assert accounts.find_account(session, "alder@example.org").name == "Learner Alder"
        invited = session.scalars(select(Job).where(Job.key.startswith("invitation:"))).all()
        assert len(invited) == 2
        again, batch = imports.carry_out(session, None, ROSTER, cohort, ALDER_AND_BASALT, now=NOW)
        assert (again.changes, again.unchanged, batch) == ((), 3, None)


def test_what_was_looked_at_is_what_is_carried_out(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        seen = imports.preview(session, None, ROSTER, cohort, ALDER_AND_BASALT, now=NOW)
        alder = factories.a_person(session, "Another Alder", email="alder@example.org", now=NOW)
        with pytest.raises(StaleRecord):
            imports.carry_out(
                session, None, ROSTER, cohort, ALDER_AND_BASALT, seen=seen.digest, now=NOW
            )
        assert session.scalar(select(Membership.id).where(Membership.person_id == alder.id)) is None


def test_a_roster_is_undone_but_for_those_who_have_taken_part(act: Callable[[], Any]) -> None:
    text = "email,name,role\n" + "".join(
        f"{name}@example.org,{name},learner\n" for name in ("alder", "birch", "cedar", "dogwood")
    )
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        dogwood = factories.a_person(session, "dogwood", email="dogwood@example.org", now=NOW)
        left = parts.enrol(session, None, cohort, dogwood, Role.LEARNER, now=NOW)
        session.flush()
        departures.end_part(session, None, left, reason="moved", now=NOW)
        session.flush()
        before = count(session, Person), count(session, Membership)
        batch = carried_out(session, ROSTER, cohort, text)
        alder = accounts.find_account(session, "alder@example.org")
        factories.complete_courses(session, cohort, alder, now=NOW)
        submissions.start(session, alder, cohort, now=cohort.opens_at)
        birch = accounts.find_account(session, "birch@example.org")
        hasher = passwords.password_hasher("light")
        passwords.set_password(session, birch, birch, factories.PASSWORD, hasher=hasher, now=LATER)
        passwords.issue_reset(session, accounts.find_account(session, "cedar@example.org"), now=NOW)
        session.flush()
        found = imports.look_back(session, None, batch)
        assert {(item.who, item.template) for item in found.kept} == {
            ("alder@example.org", "has taken part since"),
            ("birch@example.org", "uses the account"),
        }
        done = imports.undo(session, None, batch, now=LATER)
        assert done == found
        assert left.ended_at == LATER
        assert accounts.look_up(session, "cedar@example.org") is None
        held = set(session.scalars(select(Membership.person_id).where(
            Membership.cohort_id == cohort.id, Membership.role == Role.LEARNER,
            Membership.ended_at.is_(None),
        )))  # fmt: skip
        assert held == {alder.id}
        gone = {"person": dogwood.id, "role": "learner"}
        assert (count(session, Person), count(session, Membership)) == (
            before[0] + 2,
            before[1] + 1,
        )
        with pytest.raises(Refused, match="undone already"):
            imports.undo(session, None, batch, now=LATER)
    with act() as session:
        # A part that is taken back ends as any other, and the chain says whose it was.
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "membership:end", AuditEntry.at == LATER)
        ).one()
        assert json.loads(entry.after) == gone
        assert not any(report.faults for report in verifying.verify(session))


def test_an_account_that_is_entered_elsewhere_stays(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        batch = carried_out(session, ROSTER, cohort, "email,name,role\na@example.org,A,learner\n")
        person = accounts.find_account(session, "a@example.org")
        entitlements.grant_entitlement(
            session, None, cohort.program, person, None, entitlements.EntitlementState.PAID, now=NOW
        )
        done = imports.undo(session, None, batch, now=LATER)
        assert [item.template for item in done.kept] == ["is entered elsewhere by now"]
        assert [item.word for item in done.made] == ["membership"]


HEADER = "email,course,completed_on,identity_assurance\n"


def test_completions_name_every_faulty_cell_and_can_be_sent_again(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        factories.a_person(session, "Learner Alder", now=NOW)
        bad = (
            "learner.alder@example.org,sailing,2026-06-01,proctored\n"
            "nobody@example.org,measuring,2026-06-01,proctored\n"
            "learner.alder@example.org,measuring,1.6.2026,proctored\n"
            "learner.alder@example.org,measuring,2027-06-01,horoscope\n"
        )
        with pytest.raises(FaultsFound) as caught:
            imports.carry_out(session, None, COMPLETIONS, program, (HEADER + bad).encode(), now=NOW)
        assert wheres(caught) == [
            "line 2, course", "line 3, email", "line 4, completed_on", "line 5, completed_on",
            "line 5, identity_assurance",
        ]  # fmt: skip
        assert session.scalar(select(Completion.id)) is None
        good = HEADER + "learner.alder@example.org,measuring,2026-06-01,document\n" * 2
        assert len(carried_out(session, COMPLETIONS, program, good).made) == 1
        _, again = imports.carry_out(session, None, COMPLETIONS, program, good.encode(), now=NOW)
        assert again is None


def test_an_equivalent_counts_and_a_later_completion_renews(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        program = cohort.program
        entries = [
            CourseEntry(course.code, course.title, expires_months=12) for course in program.courses
        ]
        entries[0] = CourseEntry("measuring", "Measuring", True, ("gauging",), 12)
        programs.revise_courses(session, None, program, entries, now=NOW)
        alder = factories.a_member(session, cohort, "Alder", Role.LEARNER, now=NOW)
        old = HEADER + "".join(
            f"alder@example.org,{code},2025-01-10,proctored\n"
            for code in ("gauging", "cleaning", "modelling")
        )
        carried_out(session, COMPLETIONS, program, old)
        first = session.scalars(select(Completion).join(Completion.course).where(
            Completion.via == "gauging"
        )).one()  # fmt: skip
        assert first.course.code == "measuring"
        missing = course_standings.missing_courses(session, cohort, alder.id)
        assert [course.code for course in missing] == ["measuring", "cleaning", "modelling"]
        renewal = HEADER + "alder@example.org,measuring,2026-05-01,document\n"
        batch = carried_out(session, COMPLETIONS, program, renewal)
        assert (first.completed_on, first.via) == (date(2026, 5, 1), None)
        missing = course_standings.missing_courses(session, cohort, alder.id)
        assert [course.code for course in missing] == ["cleaning", "modelling"]
        imports.undo(session, None, batch, now=LATER)
        assert (first.completed_on, first.via, first.identity_assurance) == (
            date(2025, 1, 10), "gauging", "proctored",
        )  # fmt: skip


def test_completions_that_opened_a_capstone_stay(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        text = HEADER
        for name in ("alder", "birch"):
            person = factories.a_person(session, name, now=NOW)
            parts.enrol(session, None, cohort, person, Role.LEARNER, now=NOW)
            text += "".join(
                f"{name}@example.org,{course.code},2026-06-01,attested\n"
                for course in cohort.program.courses
            )
        batch = carried_out(session, COMPLETIONS, cohort.program, text)
        alder = accounts.find_account(session, "alder@example.org")
        submissions.start(session, alder, cohort, now=cohort.opens_at)
        done = imports.undo(session, None, batch, now=cohort.opens_at)
        assert {item.who for item in done.kept} == {"alder@example.org"}
        left = set(session.scalars(select(Completion.person_id)))
        assert left == {alder.id}


def test_days_written_otherwise_are_read_in_a_chosen_order_or_refused_with_the_cause(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        factories.a_person(session, "alder", now=NOW)

        def days(*texts: str, order: str = "") -> list[date]:
            rows = "".join(f"alder@example.org,measuring,{text},document\n" for text in texts)
            preview = imports.preview(
                session, None, COMPLETIONS, program, (HEADER + rows).encode(),
                choice=Choice(days=order), now=NOW,
            )  # fmt: skip
            return [change.row.completed_on for change in preview.changes]

        assert days("13/02/2026", "01/03/2026") == [date(2026, 3, 1)]
        assert days("3/4/2026", order="month_first") == [date(2026, 3, 4)]
        assert days("3.4.2026", order="day_first") == [date(2026, 4, 3)]
        with pytest.raises(FaultsFound, match="whether day or month comes first"):
            days("3/4/2026")
        with pytest.raises(FaultsFound, match="is no date"):
            days("31/02/2026")


def test_a_day_that_has_begun_somewhere_is_not_in_the_future(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        factories.a_person(session, "alder", now=NOW)
        tomorrow = (NOW + timedelta(hours=14)).date()
        for days, good in ((0, True), (1, False)):
            day = tomorrow + timedelta(days=days)
            text = f"{HEADER}alder@example.org,measuring,{day},document\n"
            if good:
                assert imports.preview(session, None, COMPLETIONS, program, text.encode(), now=NOW)
            else:
                with pytest.raises(FaultsFound, match="lies in the future"):
                    imports.preview(session, None, COMPLETIONS, program, text.encode(), now=NOW)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("email_zwsp.csv", ["U+200B after “org”"]),
        ("email_dots.csv", ["line 2, email", "line 3, email", "line 4, email", "line 5, email"]),
        ("name_control.csv", ["line 2, name: Remove the character U+0007 after “Learner”"]),
    ],
)
def test_what_nobody_sees_in_a_roster_is_named_and_makes_no_account(
    act: Callable[[], Any], name: str, said: list[str]
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        before = count(session, Person)
        with pytest.raises(FaultsFound) as caught:
            imports.carry_out(session, None, ROSTER, cohort, (TABLES / name).read_bytes(), now=NOW)
        assert [words for words in said if words not in str(caught.value)] == []
        assert count(session, Person) == before


def test_another_name_is_offered_and_taken_where_somebody_chooses_it(
    act: Callable[[], Any],
) -> None:
    data = (TABLES / "existing_other_name.csv").read_bytes()
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        pea = factories.a_member(session, cohort, "Learner Pea", Role.LEARNER, now=NOW)
        seen = imports.preview(session, None, ROSTER, cohort, data, now=NOW)
        assert seen.counts == {Effect.RENAME: 1}
        assert (seen.unchanged, seen.offers[0].before, seen.offers[0].detail) == (
            0, "Learner Pea", "Learner Pea-Newname",
        )  # fmt: skip
        _, batch = imports.carry_out(session, None, ROSTER, cohort, data, take=(), now=NOW)
        assert (batch, pea.name) == (None, "Learner Pea")
        _, batch = imports.carry_out(session, None, ROSTER, cohort, data, take={pea.email}, now=NOW)
        assert pea.name == "Learner Pea-Newname"
        assert batch is not None
        assert "Learner Pea" not in str(batch.made)
        found = imports.look_back(session, None, batch)
        assert [item.template for item in found.kept] == ["keeps the name of the file"]


def test_a_name_that_was_checked_stays_unless_somebody_chooses_otherwise(
    act: Callable[[], Any],
) -> None:
    data = (TABLES / "existing_other_name.csv").read_bytes()
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        pea = factories.a_member(session, cohort, "Learner Pea", Role.LEARNER, now=NOW)
        identity.record_check(
            session, None, pea, how=IdentityAssurance.DOCUMENT, name="Learner Pea", now=NOW
        )
        seen = imports.preview(session, None, ROSTER, cohort, data, now=NOW)
        assert seen.offers[0].offered is False
        imports.carry_out(session, None, ROSTER, cohort, data, now=NOW)
        assert pea.name == "Learner Pea"


def test_nobody_renames_an_administrator_by_a_roster(act: Callable[[], Any]) -> None:
    data = (TABLES / "existing_other_name.csv").read_bytes()
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW)
        pea = factories.a_person(session, "Learner Pea", administrator=True, now=NOW)
        seen, _ = imports.carry_out(
            session, garnet, ROSTER, cohort, data, take={pea.email}, now=NOW
        )
        assert seen.counts == {Effect.NAME_STAYS: 1, Effect.ENROL: 1}
        assert pea.name == "Learner Pea"


def test_all_faults_of_a_table_are_named_in_the_order_of_its_lines(act: Callable[[], Any]) -> None:
    text = (
        "email,name,role\n"
        "a@example.org,A,learner,too much\n"
        "b@example.org,,learner\n"
        "c@example.org,C,learner\n"
        "c@example.org,Another,peer\n"
        "d@example.org,D,teacher\n"
    )
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        with pytest.raises(FaultsFound) as caught:
            imports.preview(session, None, ROSTER, cohort, text.encode(), now=NOW)
        assert wheres(caught) == ["line 2", "line 3, name", "line 5, name", "line 6, role"]


def test_an_import_of_an_earlier_version_can_still_be_undone(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        factories.a_person(session, "alder", now=NOW)
        head = "email,course,state\n"
        carried_out(session, ENTITLEMENTS, program, head + "alder@example.org,,paid\n")
        batch = carried_out(session, ENTITLEMENTS, program, head + "alder@example.org,,refunded\n")
        [[word, key, _before]] = batch.made
        batch.made = [[word, key, "paid", "refunded"]]
        session.flush()
        imports.undo(session, None, batch, now=LATER)
        assert session.scalars(select(Entitlement.state)).one() == "paid"


def test_entitlements_name_every_impossible_row(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        alder = factories.a_person(session, "Alder", now=NOW)
        office = factories.a_person(session, "Office", now=NOW)
        entitlements.grant_entitlement(
            session, None, program, alder, None, entitlements.EntitlementState.PAID, now=NOW
        )
        text = (
            "email,course,state,note\n"
            "alder@example.org,sailing,paid,\n"
            "nobody@example.org,,paid,\n"
            "alder@example.org,measuring,bought,\n"
            "alder@example.org,measuring,refunded,\n"
            "alder@example.org,,waived,\n"
            "alder@example.org,,refunded,\n"
            "office@example.org,,waived,\n"
        )
        with pytest.raises(FaultsFound) as caught:
            imports.preview(session, office, ENTITLEMENTS, program, text.encode(), now=NOW)
        assert wheres(caught) == [
            "line 2, course", "line 3, email", "line 4, state", "line 5, state", "line 6, state",
            "line 7, email", "line 8, email",
        ]  # fmt: skip


def test_entitlements_are_changed_and_taken_back(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        for name in ("alder", "birch", "cedar"):
            factories.a_person(session, name, now=NOW)
        head = "email,course,state,note\n"
        carried_out(
            session, ENTITLEMENTS, program,
            head + "alder@example.org,,paid,\nbirch@example.org,,waived,\n",
        )  # fmt: skip
        batch = carried_out(
            session, ENTITLEMENTS, program,
            head + "alder@example.org,,refunded,changed their mind\n"
            "birch@example.org,,paid,\ncedar@example.org,measuring,sponsored,a grant\n",
        )  # fmt: skip
        states = dict(session.execute(
            select(Person.email, Entitlement.state).join(Entitlement.person)
        ).all())  # fmt: skip
        assert states == {
            "alder@example.org": "refunded",
            "birch@example.org": "paid",
            "cedar@example.org": "sponsored",
        }
        done = imports.undo(session, None, batch, now=LATER)
        assert [(item.who, item.template) for item in done.kept] == [
            ("birch@example.org", "cannot go back to what it was")
        ]
        states = dict(session.execute(
            select(Person.email, Entitlement.state).join(Entitlement.person)
        ).all())  # fmt: skip
        assert states == {"alder@example.org": "paid", "birch@example.org": "paid"}


def test_conflicts_are_imported_and_taken_back(act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=2, submitted=False)
        rater, learner = cast.graders[0], cast.learners[0]
        head = "rater,learner,reason\n"
        bad = head + (
            f"{rater.email},stranger.onyx@example.org,Kin\n"
            f"{learner.email},{learner.email},Self\n"
            f"{rater.email},{learner.email},\n"
        )
        with pytest.raises(FaultsFound) as caught:
            imports.preview(session, None, CONFLICTS, cast.cohort, bad.encode(), now=NOW)
        assert wheres(caught) == ["line 2, learner", "line 3, learner", "line 4, reason"]
        good = head + f"{rater.email},{learner.email},Kin\n" * 2
        batch = carried_out(session, CONFLICTS, cast.cohort, good)
        assert count(session, ConflictOfInterest) == 1
        imports.undo(session, None, batch, now=LATER)
        assert count(session, ConflictOfInterest) == 0


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_cohort_of_1100_is_set_up_and_ended_in_few_statements(act: Callable[[], Any]) -> None:
    """A statement takes 500 values, so 1,000 rows are two of each where 100 are one."""
    spent = {}
    for n in (100, 1_000):
        emails = [f"{n}-{i}@example.org" for i in range(n)]
        roster = "email,name,role\n" + "".join(f"{email},L,learner\n" for email in emails)
        done = HEADER + "".join(
            f"{email},{course},2026-06-01,attested\n"
            for email in emails
            for course in ("measuring", "cleaning", "modelling")
        )
        paid = "email,course,state\n" + "".join(f"{email},,paid\n" for email in emails)
        with act() as session:
            cohort = factories.a_cohort(
                session, now=NOW, opened=False
            ) if n == 100 else session.scalars(select(Cohort)).one()  # fmt: skip
            with statements(session) as seen:
                for kind, place, text in (
                    (ROSTER, cohort, roster),
                    (COMPLETIONS, cohort.program, done),
                    (ENTITLEMENTS, cohort.program, paid),
                ):
                    carried_out(session, kind, place, text)
            spent[n] = len(seen)
    assert spent[1_000] <= spent[100] + 60
    with act() as session:
        cohort = session.scalars(select(Cohort)).one()
        factories.a_member(session, cohort, "Grader", Role.GRADER, now=NOW)
        factories.a_member(session, cohort, "Instructor", Role.INSTRUCTOR, now=NOW)
        session.flush()
        with statements(session) as seen:
            openings.open_cohort(session, None, cohort, now=NOW)
            cohorts.end_cohort(session, None, cohort, reason="a rehearsal", now=NOW)
        assert len(seen) <= 40
        assert cohort.state == "ended"
    with act() as session:
        assert all(report.faults == () for report in verifying.verify(session))


def test_an_import_asks_about_the_records_that_rest_on_what_it_changes(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        told = stories.a_result(session, levels=stories.BETTER)
        program, learner = told.cast.cohort.program, told.learner
        course = program.courses[0].code
        head = "email,course,completed_on,identity_assurance"
        later = f"{head}\n{learner.email},{course},{LATER:%Y-%m-%d},proctored"
        with pytest.raises(Undecided) as asked, session.begin_nested():
            carried_out(session, COMPLETIONS, program, later)
        assert [one.who for one in asked.value.consequences] == [learner.name]
        why = Decided(otherwise=Decision(amend=False, because="The course was only repeated."))
        carried_out(session, COMPLETIONS, program, later, decided=why)
        record = session.scalars(select(CredentialRecord)).one()
        assert LATER.date() not in {entry.on for entry in record.entries}


def test_imported_conflicts_ask_about_what_was_read_and_the_command_line_is_sent_to_a_page(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        told = stories.a_result(session)
        cohort = told.cast.cohort
        pair = f"rater,learner,reason\n{told.reader.email},{told.learner.email},Cousins"
        with (
            pytest.raises(Refused, match="Declare this conflict on its page"),
            session.begin_nested(),
        ):
            carried_out(session, CONFLICTS, cohort, pair)
        with pytest.raises(Undecided), session.begin_nested():
            carried_out(session, CONFLICTS, cohort, pair, actor=told.cast.coordinator)
        why = Decided(otherwise=Decision(amend=False, because="It is read again after an appeal."))
        carried_out(session, CONFLICTS, cohort, pair, actor=told.cast.coordinator, decided=why)
        assert count(session, ConflictOfInterest) == 1
