"""Entitlements: who has one gets the credential, a refund takes it, and nobody who scores sees any."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from grading.cohorts import cohorts
from grading.cohorts.queries import cohort_ending
from grading.disputes import appeals
from grading.errors import FaultsFound, IllegalTransition, Refused
from grading.models import Allocation, AuditEntry, CredentialRecord, Entitlement, Grade
from grading.people import consequences
from grading.people.consequences import Decided, Decision, Undecided
from grading.programs import completions
from grading.records import entitlements, outdated
from grading.releases import releases
from grading.workflow.cohort import CohortState, Role, Unfinished
from grading.workflow.credential import EntitlementState as E
from tests import factories
from tests.database import NOW
from tests.factories import Cast

pytestmark = pytest.mark.usefixtures("any_database")


def released(session: Any, *, required: bool, **plan: Any) -> Cast:
    """A cohort of 4 whose results are out."""
    cast = factories.a_cast(session, now=NOW, learners=4, graders=4, **plan)
    cast.cohort.program.entitlement_required = required
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, {"question": 3, "method": 3}, now=due)
    later = cast.cohort.results_at
    factories.run_upkeep(session, cast.cohort, now=later)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=later
    )
    session.flush()
    releases.carry_out(session, release, now=later + (later - due))
    session.flush()
    return cast


def record_of(session: Any, person: Any) -> CredentialRecord | None:
    return session.scalar(select(CredentialRecord).where(CredentialRecord.person_id == person.id))


def test_the_free_track_gets_its_result_and_no_credential_until_it_pays(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cast = released(session, required=True)
        alder, program = cast.learners[0], cast.cohort.program
        assert len(session.scalars(select(Grade)).all()) == 4
        assert record_of(session, alder) is None
        entitlements.grant_entitlement(session, None, program, alder, None, E.PAID, now=NOW)
        record = record_of(session, alder)
        assert record is not None
        assert [entry.course_id for entry in record.entries] == [None]
        assert record.completed_at is None
        for course in program.courses:
            entitlements.grant_entitlement(
                session, None, program, alder, course, E.SPONSORED, now=NOW
            )
        assert {entry.title for entry in record.entries} == {
            "A city's bicycles", "Measuring", "Cleaning", "Modelling",
        }  # fmt: skip
        assert record.completed_at is not None


def test_a_refund_after_issue_revokes_and_only_when_it_is_said(act: Callable[[], Any]) -> None:
    with act() as session:
        cast = released(session, required=True)
        alder, program = cast.learners[0], cast.cohort.program
        office = factories.a_person(session, "Office", now=NOW)
        paid = entitlements.grant_entitlement(
            session, office, program, alder, None, E.PAID, now=NOW
        )
        with pytest.raises(Refused, match="reason"):
            entitlements.change_entitlement(session, office, paid, E.REFUNDED, reason=" ", now=NOW)
        with pytest.raises(Undecided) as asked, session.begin_nested():
            entitlements.change_entitlement(
                session, office, paid, E.REFUNDED, reason="asked", now=NOW
            )
        assert [one.who for one in asked.value.consequences] == [alder.name]
        record = record_of(session, alder)
        assert record is not None
        assert (paid.state, record.state) == ("paid", "valid")
        entitlements.change_entitlement(
            session,
            office,
            paid,
            E.REFUNDED,
            reason="asked",
            decided=Decided(otherwise=Decision(amend=True)),
            now=NOW,
        )
        assert (paid.state, record.state) == ("refunded", "revoked")
        entitlements.change_entitlement(session, office, paid, E.PAID, reason="paid again", now=NOW)
        assert record.state == "revoked"


def test_a_record_stays_after_a_refund_only_for_a_reason_that_is_kept(
    act: Callable[[], Any],
) -> None:
    why = "Paid twice, and one of the two is given back."
    with act() as session:
        cast = released(session, required=True)
        alder, program = cast.learners[0], cast.cohort.program
        office = factories.a_person(session, "Office", now=NOW)
        paid = entitlements.grant_entitlement(
            session, office, program, alder, None, E.PAID, now=NOW
        )
        silent = Decided(otherwise=Decision(amend=False))
        with pytest.raises(Undecided, match="Decide on each"), session.begin_nested():
            entitlements.change_entitlement(
                session, office, paid, E.REFUNDED, reason="asked", decided=silent, now=NOW
            )
        kept = Decided(otherwise=Decision(amend=False, because=why))
        entitlements.change_entitlement(
            session, office, paid, E.REFUNDED, reason="asked", decided=kept, now=NOW
        )
        record = record_of(session, alder)
        assert record is not None
        assert (paid.state, record.state) == ("refunded", "valid")
        record_id = record.id
    with act() as session:
        entry = session.scalars(select(AuditEntry).filter_by(action="consequence:leave")).one()
        assert entry.subject_id == record_id
        assert why in str(entry.aside)


def test_a_later_completion_asks_about_the_record_that_says_an_earlier_day(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cast = released(session, required=False)
        alder, course = cast.learners[0], cast.cohort.program.courses[0]
        record = record_of(session, alder)
        assert record is not None
        before = {entry.course_id: entry.on for entry in record.entries}
        completion = completions.record_completion(
            session,
            None,
            course,
            alder,
            completed_on=NOW.date(),
            identity_assurance="proctored",
            now=NOW,
        )
        office = factories.a_person(session, "Office", now=NOW)
        [would] = outdated.without_completion(session, office, completion, now=NOW)
        assert str(before[course.id]) in str(would.before)
        assert str(NOW.date()) in str(would.after)
        amend = Decided(otherwise=Decision(amend=True))
        consequences.settle(session, office, [would], amend, now=NOW)
        newer = session.scalars(
            select(CredentialRecord).filter_by(person_id=alder.id, state="valid")
        ).one()
        assert (newer.replaces_id, record.state) == (record.id, "replaced")
        after = {entry.course_id: entry.on for entry in newer.entries}
        assert after == before | {course.id: NOW.date()}
        assert (newer.completed_at is None) == (record.completed_at is None)
        assert outdated.without_completion(session, office, completion, now=NOW) == []


def test_a_refund_before_anything_is_issued_keeps_it_from_being(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        program.entitlement_required = True
        alder = factories.a_person(session, "Alder", now=NOW)
        waived = entitlements.grant_entitlement(
            session, None, program, alder, None, E.WAIVED, now=NOW
        )
        entitlements.change_entitlement(
            session, None, waived, E.REFUNDED, reason="an error", now=NOW
        )
        with pytest.raises(IllegalTransition):
            entitlements.change_entitlement(
                session, None, waived, E.REFUNDED, reason="again", now=NOW
            )
        entitlements.grant_entitlement(
            session, None, program, alder, None, E.SPONSORED, note="b", now=NOW
        )
        assert session.scalars(select(Entitlement)).one().state == "sponsored"


@pytest.mark.parametrize("role", list(Role))
def test_nobody_who_scores_looks_after_entitlements(act: Callable[[], Any], role: Role) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        member = factories.a_member(session, cohort, "Member", role, now=NOW)
        alder = factories.a_person(session, "Alder", now=NOW)
        session.flush()
        if role in (Role.GRADER, Role.LEAD, Role.INSTRUCTOR):
            with pytest.raises(Refused, match="colleague"):
                entitlements.grant_entitlement(
                    session, member, cohort.program, alder, None, E.PAID, now=NOW
                )
        else:
            entitlements.grant_entitlement(
                session, member, cohort.program, alder, None, E.PAID, now=NOW
            )


def test_nobody_decides_on_their_own(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        alder = factories.a_person(session, "Alder", now=NOW)
        with pytest.raises(Refused, match="themselves"):
            entitlements.grant_entitlement(session, alder, program, alder, None, E.WAIVED, now=NOW)


def test_a_cohort_ends_when_nothing_is_unfinished_or_for_a_reason(act: Callable[[], Any]) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=4)
        cohort = cast.cohort
        late = factories.a_learner(session, cohort, "Late", now=NOW)
        during = cohort.opens_at
        assert cohort_ending.unfinished(session, cohort, now=during)[Unfinished.HANDING_IN] == 1
        after = cohort.results_at
        found = cohort_ending.unfinished(session, cohort, now=after)
        assert {what: n for what, n in found.items() if n} == {Unfinished.UNRELEASED: 4}
        with pytest.raises(FaultsFound, match="no released result"):
            cohorts.end_cohort(session, cast.instructor, cohort, now=after)
        assert late.active
        cohorts.end_cohort(session, cast.instructor, cohort, reason="called off", now=after)
        assert cohort.state == CohortState.ENDED


def test_a_right_to_appeal_is_not_overridden(act: Callable[[], Any]) -> None:
    with act() as session:
        cast = released(session, required=False)
        cohort = cast.cohort
        grade = session.scalars(
            select(Grade).where(Grade.submission_id == cast.submissions[0].id)
        ).one()
        opens, ends = appeals.appeal_window(cohort, grade)
        with pytest.raises(FaultsFound, match="can still appeal"):
            cohorts.end_cohort(session, None, cohort, reason="in a hurry", now=opens)
        appeals.lodge_appeal(
            session,
            cast.learners[0],
            cast.submissions[0],
            criteria=["question"],
            reason="My question is stated at the start of the text.",
            now=opens,
        )
        long_after = ends.replace(year=ends.year + 1)
        with pytest.raises(FaultsFound, match="not decided"):
            cohorts.end_cohort(session, None, cohort, reason="in a hurry", now=long_after)
        appeal = appeals.pending_appeal(session, cast.submissions[0])
        assert appeal is not None
        appeals.withdraw_appeal(session, cast.learners[0], appeal, now=long_after)
        cohorts.end_cohort(session, None, cohort, now=long_after)
        assert cohort.state == CohortState.ENDED
