"""What waits for whom: each kind appears when it is due, for whom it is, and goes when it is done."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import cohorts, conflicts, departures, extensions, retakes
from grading.disputes import appeals, decisions, explanations, misconduct
from grading.ledger import outbox
from grading.ledger.transitions import move
from grading.models import (
    Allocation,
    Cohort,
    Grade,
    Job,
    JobState,
    Membership,
    MisconductCase,
    Person,
    Submission,
)
from grading.office import needs
from grading.office.needs import ComingKind, Kind, Need
from grading.readings import allocations, holds, reviews
from grading.releases import grades, releases
from grading.web.need_words import COMING_WORDS, NEED_WORDS
from grading.workflow.allocation import Pool
from grading.workflow.cohort import Role
from grading.workflow.deadlines import end_of_day
from tests import factories
from tests.database import NOW
from tests.web.test_query_counts import counted

DAY = timedelta(days=1)
ELEVEN = timedelta(minutes=11)
LONG = "A reason that is long enough to be read by somebody."


def of(session: Session, person: Person, now: Any) -> list[Need]:
    session.flush()
    return needs.needs_of(session, needs.parts_of(session, person), now=now)


def kinds(session: Session, person: Person, now: Any) -> list[Kind]:
    return [need.kind for need in of(session, person, now)]


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return factories.a_cast(session, now=NOW, submitted=False, sign_offs=2)


def graded(session: Session, cast: factories.Cast, level: int = 2) -> Any:
    """Hand in, read and settle everything; gives the instant."""
    for learner in cast.learners:
        factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, {"question": level, "method": level}, now=now)
    now += ELEVEN
    factories.run_upkeep(session, cast.cohort, now=now)
    return now


def released(session: Session, cast: factories.Cast) -> Any:
    now = graded(session, cast)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    releases.sign(session, cast.second_instructor, release, now=now)
    releases.carry_out(session, release, now=now + ELEVEN)
    return now + ELEVEN


def test_a_learner_is_to_submit_until_they_have(session: Session, cast: factories.Cast) -> None:
    learner, cohort = cast.learners[0], cast.cohort
    assert kinds(session, learner, cohort.opens_at - DAY) == []
    (need,) = of(session, learner, NOW + DAY)
    assert (need.kind, need.role, need.by) == (Kind.SUBMIT, Role.LEARNER, cohort.due_at)
    (need,) = of(session, learner, cohort.due_at + timedelta(minutes=1))
    assert need.by == cohort.closes_at
    assert kinds(session, learner, cohort.closes_at + DAY) == []
    factories.a_submission(session, cohort, learner, now=NOW + DAY)
    assert kinds(session, learner, NOW + DAY) == []


def test_an_extension_moves_what_a_learner_is_told(session: Session, cast: factories.Cast) -> None:
    cohort, learner = cast.cohort, cast.learners[0]
    extensions.grant(
        session,
        cast.coordinator,
        cohort,
        learner,
        kind="extension",
        days=3,
        reason="ill for three days",
        now=NOW + DAY,
    )
    (need,) = of(session, learner, cohort.closes_at + DAY)
    assert need.by == cohort.due_at + 3 * DAY
    assert kinds(session, cast.learners[1], cohort.closes_at + DAY) == []


def test_missing_courses_come_before_the_project(session: Session, cast: factories.Cast) -> None:
    late = factories.a_learner(session, cast.cohort, "Learner Yew", now=NOW, completed=False)
    (need,) = of(session, late, NOW + DAY)
    assert need.kind == Kind.COMPLETE_COURSES
    assert need.titles == ("Measuring", "Cleaning", "Modelling")
    # A completion that has run out by the opening day counts as none.
    factories.complete_courses(session, cast.cohort, late, now=NOW)
    cast.cohort.program.courses[1].expires_months = 1
    (need,) = of(session, late, NOW + DAY)
    assert need.titles == ("Cleaning",)
    assert date(2026, 6, 1) < NOW.date() - timedelta(days=31)


def test_peers_owe_reviews_and_graders_items_until_they_are_done(
    session: Session, cast: factories.Cast
) -> None:
    cohort = cast.cohort
    for learner in cast.learners:
        factories.a_submission(session, cohort, learner, now=NOW + DAY)
    factories.run_upkeep(session, cohort, now=cohort.due_at)
    learner = cast.learners[0]
    (need,) = of(session, learner, cohort.due_at)
    assert (need.kind, need.count, need.by) == (Kind.REVIEW, 2, cohort.peers_due_at)
    mine = select(Allocation).where(Allocation.rater_id == learner.id)
    for item in session.scalars(mine).all():
        factories.rate(session, item, {"question": 2, "method": 2}, now=cohort.due_at)
    assert kinds(session, learner, cohort.due_at) == []
    item = session.scalars(select(Allocation).where(Allocation.pool == Pool.PROFESSIONAL)).first()
    assert item is not None
    grader = item.rater
    assert grader is not None
    (need,) = of(session, grader, cohort.due_at)
    assert (need.kind, need.by) == (Kind.ITEMS_GIVEN, cohort.grading_due_at)
    reviews.save_draft(
        session, grader, item, reviews.Sheet({"question": 1}), version=0, now=cohort.due_at
    )
    first = of(session, grader, cohort.due_at)[0]
    assert (first.kind, first.target, first.code) == (Kind.ITEM_BEGUN, item.id, item.blind_code)
    assert first.by == cohort.due_at + timedelta(hours=2)
    later = cohort.due_at + timedelta(hours=3)
    factories.run_upkeep(session, cohort, now=later)
    assert Kind.HOLD_ENDED in kinds(session, grader, later)
    # An open item is offered to whoever may read it, and to nobody who has had it.
    holds.reclaim(session, grader, item, now=later)
    reviews.finish(
        session,
        grader,
        item,
        reviews.Sheet({"question": 2, "method": 2}),
        version=1,
        now=later,
    )
    assert Kind.ITEM_BEGUN not in kinds(session, grader, later)


def test_open_items_are_offered_only_to_who_may_read_them_and_are_stranded_without(
    session: Session, cast: factories.Cast
) -> None:
    cohort = cast.cohort
    work = factories.a_submission(session, cohort, cast.learners[0], now=NOW + DAY)
    item = allocations.give(
        session,
        work,
        None,
        Pool.PROFESSIONAL,
        allocations.Purpose.LIVE,
        codes=allocations.BlindCodes(session, cohort.id),
        now=NOW + DAY,
    )
    assert item.rater_id is None
    barred, *others = cast.graders
    declare = conflicts.declare_conflict
    declare(
        session, None, cohort, rater=barred, learner=cast.learners[0], reason="kin", now=NOW + DAY
    )
    assert kinds(session, barred, NOW + DAY) == []
    assert kinds(session, others[0], NOW + DAY) == [Kind.ITEMS_OPEN]
    assert Kind.STRANDED not in kinds(session, cast.coordinator, NOW + DAY)
    for grader in others:
        declare(
            session,
            None,
            cohort,
            rater=grader,
            learner=cast.learners[0],
            reason="kin",
            now=NOW + DAY,
        )
    for person in (cast.coordinator, cast.instructor, cast.lead):
        assert kinds(session, person, NOW + DAY) == [Kind.STRANDED]
    assert kinds(session, cast.observer, NOW + DAY) == []


def test_results_to_release_to_sign_to_read_and_to_appeal(
    session: Session, cast: factories.Cast
) -> None:
    now = graded(session, cast)
    cohort, learner = cast.cohort, cast.learners[0]
    assert Kind.READY not in kinds(session, cast.instructor, now)
    due = cohort.grading_due_at
    (need,) = of(session, cast.instructor, due)
    assert (need.kind, need.count, need.by) == (Kind.READY, 4, cohort.results_at)
    release = releases.propose(
        session, cast.instructor, cohort, overrides={}, failed_gates=[], now=due
    )
    assert kinds(session, cast.instructor, due) == []
    assert kinds(session, cast.second_instructor, due) == [Kind.SIGN_OFF]
    assert kinds(session, cast.lead, due) == []
    assert kinds(session, learner, due) == []
    releases.sign(session, cast.second_instructor, release, now=due)
    assert kinds(session, cast.second_instructor, due) == []
    out = due + ELEVEN
    releases.carry_out(session, release, now=out)
    assert kinds(session, learner, out) == [Kind.RESULT]
    assert needs.dates_to_come(session, needs.parts_of(session, learner), now=out) == []
    grade = session.scalars(
        select(Grade).join(Submission).where(Submission.learner_id == learner.id)
    ).one()
    grades.see(session, learner, grade, now=out)
    grades.see(session, learner, grade, now=out + DAY)
    assert kinds(session, learner, out) == []
    wait = out + timedelta(hours=cohort.plan.appeal_wait_hours)
    (need,) = of(session, learner, wait)
    assert (need.kind, need.optional) == (Kind.APPEAL_WINDOW, True)
    assert need.by == end_of_day(out, cohort.plan.appeal_days, cohort.zone)
    assert kinds(session, learner, need.by + DAY) == []


def test_an_appeal_goes_from_who_may_read_to_who_decides(
    session: Session, cast: factories.Cast
) -> None:
    now = released(session, cast) + 2 * DAY
    learner = cast.learners[0]
    work = session.scalars(select(Submission).where(Submission.learner_id == learner.id)).one()
    appeal = appeals.lodge_appeal(session, learner, work, criteria=["method"], reason=LONG, now=now)
    assert appeal.allocation is not None
    assert Kind.APPEAL_WINDOW not in kinds(session, learner, now)
    readers = {
        item.rater_id
        for item in session.scalars(
            select(Allocation).where(
                Allocation.submission_id == work.id, Allocation.rater_id.is_not(None)
            )
        )
    }
    assert kinds(session, cast.lead, now) == [Kind.APPEALS_OPEN]
    fresh = next(one for one in cast.graders if one.id not in readers)
    used = next(one for one in cast.graders if one.id in readers)
    (need,) = of(session, fresh, now)
    assert (need.kind, need.by) == (Kind.ITEMS_OPEN, appeal.decide_by)
    assert kinds(session, used, now) == []
    item = holds.claim(session, fresh, cast.cohort, now=now)
    assert item is not None
    assert kinds(session, fresh, now) == [Kind.THIRD_READING]
    assert kinds(session, cast.lead, now) == []
    factories.rate(session, item, {"question": 3, "method": 3}, now=now)
    factories.run_upkeep(session, cast.cohort, now=now + ELEVEN)
    (need,) = of(session, fresh, now + ELEVEN)
    assert (need.kind, need.target, need.by) == (
        Kind.APPEAL_DECIDE,
        appeal.id,
        appeal.decide_by,
    )
    decisions.decide_appeal(session, fresh, appeal, answer=LONG, now=now + ELEVEN)
    assert kinds(session, fresh, now + ELEVEN) == []
    # The amended result is a new one to read.
    assert Kind.RESULT in kinds(session, learner, now + ELEVEN)


def test_a_question_waits_for_its_reader_then_for_whoever_settles(
    session: Session, cast: factories.Cast
) -> None:
    now = released(session, cast) + DAY
    learner = cast.learners[0]
    work = session.scalars(select(Submission).where(Submission.learner_id == learner.id)).one()
    grade = session.scalars(select(Grade).where(Grade.submission_id == work.id)).one()
    asked = explanations.request_explanation(
        session, learner, work, grade, criteria=["method"], question=LONG, now=now
    )
    assert asked.owner is not None
    (need,) = of(session, asked.owner, now)
    assert (need.kind, need.target, need.by) == (Kind.QUESTION, asked.id, asked.answer_by)
    assert kinds(session, cast.lead, now) == []
    late = asked.answer_by + timedelta(hours=1)
    assert kinds(session, cast.lead, late) == [Kind.QUESTIONS_OPEN]
    explanations.answer_question(session, asked.owner, asked, text=LONG, now=late)
    assert kinds(session, cast.lead, late) == []


def test_a_case_goes_round_those_who_may_decide_and_never_to_who_brought_it(
    session: Session, cast: factories.Cast
) -> None:
    work = factories.a_submission(session, cast.cohort, cast.learners[0], now=NOW + DAY)
    now = NOW + 2 * DAY
    case: MisconductCase = misconduct.report_suspicion(
        session, cast.lead, work, kind="copying", text=LONG, source="", now=now
    )
    first, second = cast.instructor, cast.second_instructor
    assert kinds(session, first, now) == [Kind.MISCONDUCT_HEAR]
    misconduct.put_to_learner(session, first, case, allegation=LONG, now=now)
    assert kinds(session, first, now) == []
    (need,) = of(session, cast.learners[0], now)
    assert (need.kind, need.by) == (Kind.HEARING, case.answer_by)
    misconduct.answer_suspicion(session, cast.learners[0], case, text=LONG, now=now)
    assert kinds(session, cast.learners[0], now) == []
    assert kinds(session, second, now) == [Kind.MISCONDUCT_DECIDE]
    misconduct.propose_outcome(session, first, case, upheld=False, reason=LONG, now=now)
    assert kinds(session, first, now) == []
    assert kinds(session, second, now) == [Kind.MISCONDUCT_SECOND]
    misconduct.second_outcome(session, second, case, agree=True, now=now)
    assert kinds(session, second, now) == []
    other = factories.a_submission(session, cast.cohort, cast.learners[1], now=now)
    misconduct.report_suspicion(
        session, first, other, kind="copying", text=LONG, source="", now=now
    )
    assert kinds(session, first, now) == []
    assert kinds(session, second, now) == [Kind.MISCONDUCT_HEAR]


def test_cases_too_far_apart_wait_until_somebody_takes_them(
    session: Session, cast: factories.Cast
) -> None:
    for learner in cast.learners:
        factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    for item in session.scalars(select(Allocation)).all():
        level = 0 if item.pool == Pool.PEER else 3
        factories.rate(session, item, {"question": level, "method": level}, now=now)
    now += ELEVEN
    factories.run_upkeep(session, cast.cohort, now=now)
    (need,) = of(session, cast.lead, now)
    assert (need.kind, need.count, need.by) == (
        Kind.CASES_OPEN,
        4,
        cast.cohort.grading_due_at,
    )
    item = session.scalars(select(Allocation).where(Allocation.purpose == "adjudication")).first()
    assert item is not None
    holds.claim_case(session, cast.lead, item, now=now)
    found = {need.kind: need.count for need in of(session, cast.lead, now)}
    assert found == {Kind.THIRD_READING: 1, Kind.CASES_OPEN: 3}


def test_a_cohort_is_to_be_opened_and_at_last_ended(session: Session) -> None:
    cohort = factories.a_cohort(session, now=NOW, opened=False)
    office = factories.a_member(session, cohort, "Coordinator Garnet", Role.COORDINATOR, now=NOW)
    (need,) = of(session, office, NOW)
    assert (need.kind, need.by) == (Kind.OPEN_COHORT, cohort.opens_at)


def test_a_failed_job_waits_for_an_administrator_and_nobody_else(
    session: Session, cast: factories.Cast
) -> None:
    assert Kind.JOBS_FAILED not in kinds(session, cast.administrator, NOW)
    outbox.post(session, "mail", {}, key="one", now=NOW)
    session.flush()
    job = session.scalars(select(Job).where(Job.key == "one")).one()
    job.state = JobState.FAILED
    (need,) = [one for one in of(session, cast.administrator, NOW) if one.kind == Kind.JOBS_FAILED]
    assert (need.count, need.cohort) == (1, None)
    assert Kind.JOBS_FAILED not in kinds(session, cast.instructor, NOW)
    job.state = JobState.WAITING
    assert Kind.JOBS_FAILED not in kinds(session, cast.administrator, NOW)


def test_a_finished_cohort_is_to_be_ended_but_not_while_anything_can_come(
    session: Session, cast: factories.Cast
) -> None:
    now = released(session, cast)
    late = max(now, cast.cohort.results_at) + timedelta(days=cast.cohort.plan.appeal_days + 1)
    assert kinds(session, cast.coordinator, late) == [Kind.END_COHORT]
    work = session.scalars(select(Submission).where(Submission.learner_id == cast.learners[0].id))
    retakes.retake(session, cast.learners[0], work.one(), now=late)
    assert kinds(session, cast.coordinator, late) == []


def test_nothing_waits_and_what_comes_next_is_told(session: Session, cast: factories.Cast) -> None:
    cohort, learner = cast.cohort, cast.learners[0]
    factories.a_submission(session, cohort, learner, now=NOW + DAY)
    session.flush()
    me = needs.parts_of(session, learner)
    assert needs.needs_of(session, me, now=NOW + DAY) == []
    assert [(one.kind, one.at) for one in needs.dates_to_come(session, me, now=NOW + DAY)] == [
        (ComingKind.PEERS_GIVEN, cohort.due_at),
        (ComingKind.RESULTS, cohort.results_at),
    ]
    assert needs.dates_to_come(session, me, now=cohort.results_at) == []
    stranger = needs.parts_of(session, cast.stranger)
    assert needs.needs_of(session, stranger, now=NOW) == []
    assert needs.dates_to_come(session, stranger, now=NOW) == []


def test_a_part_that_has_ended_brings_no_need(session: Session, cast: factories.Cast) -> None:
    learner = cast.learners[0]
    for membership in session.scalars(select(Membership).where(Membership.person_id == learner.id)):
        departures.end_part(session, None, membership, reason="left", now=NOW + DAY)
    assert kinds(session, learner, NOW + DAY) == []


EVERY_PART = (
    Role.LEARNER,
    Role.PEER,
    Role.GRADER,
    Role.INSTRUCTOR,
    Role.LEAD,
    Role.COORDINATOR,
)


def test_it_costs_the_same_with_3_and_with_30_cohorts(
    app: Flask, act: Callable[[], Any], sign_in: Any
) -> None:
    """One person with every part in each cohort, and something waiting in each."""
    with act() as session:
        first = factories.a_cast(session, now=NOW)
        busy = factories.a_person(session, "Busy Agate", now=NOW)
        busy_id, program_id = busy.id, first.cohort.program_id

    def grow(start: int, stop: int) -> None:
        with act() as session:
            person = session.get_one(Person, busy_id)
            template = session.scalars(
                select(Cohort).where(Cohort.program_id == program_id).order_by(Cohort.created_at)
            ).first()
            assert template is not None
            for number in range(start, stop):
                cohort = cohorts.create_cohort(
                    session,
                    None,
                    template.program,
                    name=f"Run {number}",
                    opens_on=NOW.date(),
                    time_zone="Europe/London",
                    rubric_version=template.rubric_version,
                    plan=template.plan,
                    now=NOW,
                )
                for role in EVERY_PART:
                    session.add(
                        Membership(cohort_id=cohort.id, person_id=person.id, role=role, since=NOW)
                    )
                cohort.plan_version.frozen_at = NOW
                move(session, cohort, "open", actor=None, now=NOW)
                learner = factories.a_member(
                    session, cohort, f"Learner {number}", Role.LEARNER, now=NOW
                )
                factories.complete_courses(session, cohort, learner, now=NOW)
                work = factories.a_submission(session, cohort, learner, now=NOW + DAY)
                allocations.give(
                    session,
                    work,
                    None,
                    Pool.PROFESSIONAL,
                    allocations.Purpose.LIVE,
                    codes=allocations.BlindCodes(session, cohort.id),
                    now=NOW + DAY,
                )

    def cost() -> tuple[int, int]:
        client = sign_in(busy_id)
        with counted(app) as statements:
            page = client.get("/")
        assert page.status_code == 200
        return len(statements), page.text.count('class="task need"')

    grow(0, 3)
    app.extensions["clock"].now = NOW + 2 * DAY
    few, shown = cost()
    grow(3, 30)
    many, more = cost()
    assert (shown, more) == (6, 60)
    assert many == few <= 40


def test_the_page_names_reason_date_and_way(
    app: Flask, act: Callable[[], Any], sign_in: Any, clock: Any
) -> None:
    with act() as session:
        cast = factories.a_cast(session, now=NOW, submitted=False)
        learner, cohort, observer = cast.learners[0].id, cast.cohort.id, cast.observer.id
        stranger = cast.stranger.id
    clock.now = NOW + DAY
    page = sign_in(learner).get("/").text
    assert "Submit your project" in page
    assert f'href="/learn/{cohort}"' in page
    assert "<time datetime=" in page
    assert "Nothing waits for you now." in sign_in(observer).get("/").text
    assert "not enrolled in any cohort" in sign_in(stranger).get("/").text


def test_every_kind_has_words_and_a_way(app: Flask) -> None:
    assert set(NEED_WORDS) == set(Kind)
    assert set(COMING_WORDS) == set(ComingKind)
    plan = type("Plan", (), {"reviews_wait_days": 7})
    cohort: Any = type("Cohort", (), {"id": "c", "plan": plan})
    with app.test_request_context():
        for kind, words in NEED_WORDS.items():
            need = Need(kind, Role.LEARNER, cohort, target="t", titles=("A", "B"))
            for text in (words.what(need), words.why(need), words.address(need)):
                assert text.strip(), kind
