"""Sponsors, programs, cohorts, accounts: every fault at once, and what is fixed stays."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from grading.cohorts import cohorts, conflicts, parts
from grading.cohorts.queries import calendars
from grading.errors import FaultsFound, IllegalTransition, Refused
from grading.ledger import outbox
from grading.models import (
    AuditEntry,
    Cohort,
    ConflictOfInterest,
    Job,
    JobState,
    Person,
)
from grading.people import accounts, passwords, sponsors
from grading.programs import completions, programs, rubric_versions
from grading.programs.programs import CourseEntry
from grading.readings import clearing, openings
from grading.workflow import plan as plans
from grading.workflow.cohort import Role
from tests import factories
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("any_database")
HASHER = passwords.password_hasher("light")


def wheres(caught: Any) -> list[str]:
    return [fault.where for fault in caught.value.faults]


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
        version = rubric_versions.add_rubric(session, None, program, narrow, now=NOW)
        with pytest.raises(FaultsFound) as caught:
            rubric_versions.publish_rubric(session, None, version, now=NOW)
        assert len(caught.value.faults) == 3
        assert version.state == "draft"


def test_a_changed_rubric_needs_a_new_version(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        first = rubric_versions.add_rubric(session, None, program, factories.a_rubric(), now=NOW)
        assert (
            rubric_versions.add_rubric(session, None, program, factories.a_rubric(), now=NOW)
            is first
        )
        with pytest.raises(Refused, match="new version"):
            rubric_versions.add_rubric(
                session, None, program, factories.a_rubric(title="Another"), now=NOW
            )
        rubric_versions.publish_rubric(session, None, first, now=NOW)
        with pytest.raises(IllegalTransition):
            rubric_versions.publish_rubric(session, None, first, now=NOW)
        assert first.rubric == factories.a_rubric()


def test_a_plan_is_versioned_and_fixed_when_the_cohort_opens(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        due = cohort.due_at
        longer = plans.from_dict({"preset": "course", "submit_days": 35})
        cohorts.revise_plan(session, None, cohort, longer, now=NOW)
        assert cohort.plan_version.version == 2
        assert cohort.due_at == due + timedelta(days=7)
        with pytest.raises(FaultsFound) as refused:
            openings.open_cohort(session, None, cohort, now=NOW)
        assert [fault.params for fault in refused.value.faults] == [
            {"n": 1, "there": 0},
            {"n": longer.sign_offs, "there": 0},
        ]
        factories.a_member(session, cohort, "Grader Basalt", Role.GRADER, now=NOW)
        for name in ("Instructor Opal", "Instructor Jade"):
            factories.a_member(session, cohort, name, Role.INSTRUCTOR, now=NOW)
        session.flush()
        openings.open_cohort(session, None, cohort, now=NOW)
        assert cohort.plan_version.frozen_at == NOW
        with pytest.raises(Refused, match="fixed"):
            cohorts.revise_plan(session, None, cohort, plans.PRESETS["economy"], now=NOW)


def test_a_cohort_names_all_that_it_lacks(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        draft = rubric_versions.add_rubric(session, None, program, factories.a_rubric(), now=NOW)
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


def test_a_calendar_names_every_pair_that_is_the_wrong_way_round(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        days = calendars.of_cohort(cohort)
        early = replace(days, results_at=days.due_at - timedelta(days=1))
        with pytest.raises(FaultsFound) as caught:
            cohorts.set_calendar(session, None, cohort, early, now=NOW)
        assert [(f.where, f.params["earlier"]) for f in caught.value.faults] == [
            ("results_at", "Deadline"),
            ("results_at", "Peer reviews by"),
            ("results_at", "Grading ends"),
        ]
        late = replace(days, closes_at=days.grading_due_at + timedelta(days=1))
        cohorts.set_calendar(session, None, cohort, late, now=NOW)
        session.flush()
        assert cohort.closes_at > cohort.peers_due_at


def test_a_cohort_takes_another_brief_and_zone_until_it_opens(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        newer = programs.add_brief(
            session, None, cohort.program, "# Another", example="Like *this*.", now=NOW
        )
        assert newer.version == 2
        again = programs.add_brief(
            session, None, cohort.program, "# Another", example="Like *this*.", now=NOW
        )
        assert again is newer
        opened = cohort.opens_at.astimezone(cohort.zone)
        changes = {
            "name": "Spring, moved",
            "time_zone": "America/New_York",
            "brief": newer,
            "rubric_version": cohort.rubric_version,
        }
        cohorts.revise_cohort(session, None, cohort, **changes, now=NOW)
        local = cohort.opens_at.astimezone(cohort.zone)
        assert (local.date(), local.hour) == (opened.date(), 9)
        assert cohort.brief.example == "Like *this*."
        factories.a_member(session, cohort, "Grader Basalt", Role.GRADER, now=NOW)
        factories.a_member(session, cohort, "Instructor Opal", Role.INSTRUCTOR, now=NOW)
        openings.open_cohort(session, None, cohort, now=NOW)
        with pytest.raises(Refused, match="fixed"):
            cohorts.revise_cohort(session, None, cohort, **changes, now=NOW)


def test_what_is_impossible_stands_in_the_chain_when_a_cohort_opens(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW, opened=False)
        factories.a_member(session, cohort, "Grader Basalt", Role.GRADER, now=NOW)
        factories.a_member(session, cohort, "Instructor Opal", Role.INSTRUCTOR, now=NOW)
        openings.open_cohort(session, None, cohort, now=NOW)
        cohort_id = cohort.id
    with act() as session:
        entry = session.scalars(
            select(AuditEntry).where(
                AuditEntry.chain == cohort_id, AuditEntry.action == "cohort:open"
            )
        ).one()
        lacking = json.loads(entry.after)["impossible"]
        assert set(lacking) == {"misconduct", "no_fresh_appeal"}


def test_a_cohort_in_which_nobody_can_be_cleared_is_not_opened_before_a_lead_clears_somebody(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cohort = factories.a_cohort(
            session, now=NOW, opened=False, calibration="required", practice_papers=5,
            qualification_papers=10, qualification_sets=2,
        )  # fmt: skip
        grader = factories.a_member(session, cohort, "Grader Basalt", Role.GRADER, now=NOW)
        lead = factories.a_member(session, cohort, "Instructor Opal", Role.INSTRUCTOR, now=NOW)
        factories.a_member(session, cohort, "Instructor Jade", Role.INSTRUCTOR, now=NOW)
        for name in factories.PLANTS[:8]:
            factories.a_learner(session, cohort, f"Learner {name}", now=NOW)
        with pytest.raises(FaultsFound) as refused:
            openings.open_cohort(session, None, cohort, now=NOW)
        [fault] = refused.value.faults
        assert fault.params == {"n": 1, "cleared": 0, "needed": 21, "there": 0, "learners": 8}
        assert cohort.state == "preparing"
        assert cohort.plan_version.frozen_at is None
        clearing.clear_by_hand(
            session, lead, cohort, grader, reason="She reads for us for years.", now=NOW
        )
        openings.open_cohort(session, None, cohort, now=NOW)
        assert cohort.state == "open"


def test_nobody_gives_themselves_a_part_in_scoring(act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW)
        for role in (Role.GRADER, Role.LEAD, Role.INSTRUCTOR):
            with pytest.raises(Refused, match="themselves"):
                parts.enrol(session, garnet, cohort, garnet, role, now=NOW)
        parts.enrol(session, garnet, cohort, garnet, Role.OBSERVER, now=NOW)


def test_a_conflict_is_withdrawn_by_somebody_else_and_with_a_reason(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        opal = factories.a_member(session, cohort, "Opal", Role.INSTRUCTOR, now=NOW)
        garnet = factories.a_member(session, cohort, "Garnet", Role.COORDINATOR, now=NOW)
        alder = factories.a_learner(session, cohort, "Alder", now=NOW)
        conflict = conflicts.declare_conflict(
            session, opal, cohort, rater=opal, learner=alder, reason="Cousins", now=NOW
        )
        conflict_id = conflict.id
        for actor, reason in ((opal, "Not really"), (garnet, " ")):
            with pytest.raises(Refused):
                conflicts.withdraw_conflict(session, actor, conflict, reason=reason, now=NOW)
        conflicts.withdraw_conflict(session, garnet, conflict, reason="Another Alder", now=NOW)
        assert session.scalar(select(ConflictOfInterest.id)) is None
    with act() as session:
        written = session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.subject_id == conflict_id)
            .order_by(AuditEntry.number)
        ).all()
        assert written == ["conflict_of_interest:declare", "conflict_of_interest:withdraw"]


def test_courses_say_what_counts_and_keep_their_codes_once_something_refers_to_them(
    act: Callable[[], Any],
) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        entries = [
            CourseEntry("measuring", "Measuring", True, ("counting", "gauging"), 24, 10.0),
            CourseEntry("cleaning", "Cleaning"),
            CourseEntry("fitting", "Fitting", required=False),
        ]
        programs.revise_courses(session, None, program, entries, now=NOW)
        assert [course.code for course in program.courses] == ["measuring", "cleaning", "fitting"]
        assert program.courses[0].equivalents == ["counting", "gauging"]
        assert program.courses[2].required is False
        bad = [
            replace(entries[0], equivalents=("cleaning", "No!"), expires_months=0, hours=-1),
            *entries[1:],
        ]
        with pytest.raises(FaultsFound) as caught:
            programs.revise_courses(session, None, program, bad, now=NOW)
        assert wheres(caught) == ["course 1"] * 4
        alder = factories.a_person(session, "Alder", now=NOW)
        completions.record_completion(
            session,
            None,
            program.courses[0],
            alder,
            completed_on=date(2026, 6, 1),
            identity_assurance="proctored",
            now=NOW,
        )
        renamed = [replace(entries[0], code="metering"), *entries[1:]]
        with pytest.raises(FaultsFound, match="codes stay"):
            programs.revise_courses(session, None, program, renamed, now=NOW)
        longer = [replace(entries[0], title="To measure", expires_months=None), *entries[1:]]
        programs.revise_courses(session, None, program, longer, now=NOW)
        assert program.courses[0].title == "To measure"


def test_a_program_says_what_a_retake_costs_and_its_hours(act: Callable[[], Any]) -> None:
    with act() as session:
        program = factories.a_program(session, now=NOW)
        about = {
            "name": "Counting",
            "capstone_title": "A city",
            "entitlement_required": True,
            "retake_terms": "Next in spring, 90 euros.",
            "capstone_hours": 12.5,
            "hours_approver": "Example Board",
            "provider_number": "P-17",
            "valid_months": 36,
        }
        programs.revise_program(session, None, program, **about, now=NOW)
        assert {key: getattr(program, key) for key in about} == about
        with pytest.raises(FaultsFound) as caught:
            programs.revise_program(
                session,
                None,
                program,
                **(
                    about
                    | {
                        "name": " ",
                        "capstone_hours": 0,
                        "provider_number": "x" * 101,
                        "valid_months": 0,
                    }
                ),
                now=NOW,
            )
        assert sorted(wheres(caught)) == [
            "capstone_hours",
            "name",
            "provider_number",
            "valid_months",
        ]


def test_a_sponsor_has_signatories_and_an_office(act: Callable[[], Any]) -> None:
    with act() as session:
        sponsor = sponsors.create_sponsor(session, None, name="Example College", now=NOW)
        with pytest.raises(FaultsFound, match="of that name"):
            sponsors.create_sponsor(session, None, name="Example College ", now=NOW)
        kept = {"name": "Example College", "issuer_name": "The Example"}
        sponsors.revise_sponsor(
            session, None, sponsor, **kept, signatories=[("Onyx", "Dean")], now=NOW
        )
        assert sponsor.issuer == "The Example"
        with pytest.raises(FaultsFound) as caught:
            sponsors.revise_sponsor(
                session, None, sponsor, **kept, signatories=[("Onyx", "")] * 5, now=NOW
            )
        assert wheres(caught) == ["signatories", *(f"signatory {n}" for n in range(1, 6))]
        member = sponsors.add_member(
            session, None, sponsor, email="office@example.org", name="Office", now=NOW
        )
        assert session.scalars(select(Job).where(Job.key.startswith("invitation:"))).one()
        sponsors.end_member(session, None, member, now=NOW)
        again = sponsors.add_member(session, None, sponsor, email="office@example.org", now=NOW)
        assert again is member
        assert member.ended_at is None


def test_the_last_administrator_stays(act: Callable[[], Any]) -> None:
    with act() as session:
        beryl = factories.a_person(session, "Beryl", now=NOW, administrator=True)
        other = factories.a_person(session, "Other", now=NOW)
        with pytest.raises(Refused, match="their own"):
            accounts.deactivate(session, beryl, beryl, now=NOW)
        with pytest.raises(Refused, match="last administrator"):
            accounts.deactivate(session, None, beryl, now=NOW)
        accounts.set_administrator(session, beryl, other, True, now=NOW)
        session.flush()
        epoch = beryl.epoch
        accounts.deactivate(session, other, beryl, reason="left", now=NOW)
        assert (beryl.active, beryl.epoch) == (False, epoch + 1)
        with pytest.raises(Refused, match="last administrator"):
            accounts.set_administrator(session, None, other, False, now=NOW)
        accounts.reactivate(session, other, beryl, now=NOW)
        assert beryl.active


def test_a_job_that_failed_is_tried_again_and_no_other(act: Callable[[], Any]) -> None:
    with act() as session:
        outbox.post(session, "mail", {}, key="a", now=NOW)
        job = session.scalars(select(Job).where(Job.key == "a")).one()
        with pytest.raises(Refused, match="not failed"):
            outbox.retry(session, None, job, now=NOW)
        job.state, job.attempts, job.error, job.ended_at = JobState.FAILED, 8, "no", NOW
        outbox.retry(session, None, job, now=NOW + timedelta(hours=1))
        assert (job.state, job.attempts, job.run_at) == (
            JobState.WAITING, 0, NOW + timedelta(hours=1),
        )  # fmt: skip


def test_a_mailed_link_works_once_and_ends_other_sign_ins(act: Callable[[], Any]) -> None:
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        token = passwords.issue_reset(session, person, now=NOW)
        old = passwords.issue_reset(session, person, now=NOW - timedelta(days=8))
        session.flush()
        with pytest.raises(FaultsFound, match="at least 10"):
            passwords.use_reset(session, token, "short", hasher=HASHER, now=NOW)
        epoch = person.epoch
        passwords.use_reset(session, token, factories.PASSWORD, hasher=HASHER, now=NOW)
        assert person.epoch == epoch + 1
        for used in (token, old, "none"):
            with pytest.raises(Refused, match="too old"):
                passwords.use_reset(session, used, factories.PASSWORD, hasher=HASHER, now=NOW)


def test_asking_for_a_link_often_sends_one_mail_and_tells_nothing(act: Callable[[], Any]) -> None:
    with act() as session:
        person = factories.a_person(session, "Learner Alder", now=NOW)
        for email in (person.email, person.email, "nobody@example.org"):
            passwords.request_reset(session, email, now=NOW)
        jobs = session.scalars(select(Job)).all()
        assert [job.payload["person"] for job in jobs] == [person.id]


def test_an_address_has_one_account(act: Callable[[], Any]) -> None:
    with act() as session:
        factories.a_person(session, "Learner Alder", now=NOW)
        with pytest.raises(Refused, match="exists"):
            factories.a_person(session, "Another", email="LEARNER.alder@example.org", now=NOW)
        assert session.scalar(select(func.count()).select_from(Person)) == 1
