"""Late, withdrawn and back, once more: days of the cohort's zone, fresh readers, the best counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import cohorts, extensions, retakes, submissions, withdrawals
from grading.cohorts.queries import calendars, group_members
from grading.disputes.queries import learner_results
from grading.errors import FaultsFound, IllegalTransition, Refused
from grading.models import Allocation, Cohort, CredentialRecord, Grade, Submission
from grading.readings import eligibility, holds, openings
from grading.readings.eligibility import may_read
from grading.records.queries import program_record
from grading.records.queries.program_record import counting_grade
from grading.releases import releases, results
from grading.workflow import plan as plans
from grading.workflow.allocation import Pool
from grading.workflow.calendar import ExtensionKind
from grading.workflow.deadlines import Calendar
from grading.workflow.submission import CURRENT_STATEMENT, SubmissionState
from tests import factories
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
LATE = {"late_days": 7, "late_points": 5.0, "late_points_most": 20.0}


@pytest.fixture
def cohort_of(any_database: str) -> Callable[..., Cohort]:
    def make(session: Session, **plan: Any) -> Cohort:
        return factories.a_cohort(session, now=NOW, **plan)

    return make


# Late work. The cohort's zone is London: its deadline is 5 October 2026, 23:59 BST = 22:59 UTC.


@pytest.mark.parametrize(
    ("after", "days", "points"),
    [
        (-MINUTE, 0, 0.0),
        (timedelta(hours=1), 0, 0.0),  # the grace
        (timedelta(hours=1, seconds=1), 1, 5.0),
        (DAY, 1, 5.0),
        (DAY + MINUTE, 2, 10.0),
        (4 * DAY, 4, 20.0),
        (7 * DAY, 7, 20.0),  # the cap
    ],
)
def test_each_day_late_costs_up_to_the_most(
    cohort_of: Any, act: Callable[[], Any], after: timedelta, days: int, points: float
) -> None:
    with act() as session:
        cohort = cohort_of(session, **LATE)
        assert cohort.due_at == datetime(2026, 10, 5, 22, 59, tzinfo=UTC)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        work = submissions.start(session, learner, cohort, now=NOW + DAY)
        # What is shown before handing in is what is taken after it.
        assert results.points_lost(session, work, at=cohort.due_at + after) == (days, points)
        factories.a_submission(session, cohort, learner, now=cohort.due_at + after)
        assert results.points_lost(session, work) == (days, points)
        assert work.copies[-1].late == (after > timedelta(0))


def test_late_without_a_penalty_costs_nothing(cohort_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = cohort_of(session, late_days=3)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        work = factories.a_submission(session, cohort, learner, now=cohort.due_at + 2 * DAY)
        assert work.copies[-1].late
        assert results.points_lost(session, work) == (0, 0.0)
        with pytest.raises(Refused, match="no longer submit"):
            factories.a_submission(
                session,
                cohort,
                factories.a_learner(session, cohort, "Learner Birch", now=NOW),
                now=cohort.closes_at + MINUTE,
            )


def test_a_clock_change_is_no_day_late(cohort_of: Any, act: Callable[[], Any]) -> None:
    """London goes back an hour on 25 October 2026, 02:00 BST, so that day has 25 hours."""
    with act() as session:
        cohort = cohort_of(session, opened=False, **LATE)
        instants = [
            NOW,
            datetime(2026, 10, 24, 22, 59, tzinfo=UTC),  # 24 October, 23:59 BST
            datetime(2026, 10, 31, 23, 59, tzinfo=UTC),  # 31 October, 23:59 GMT
            *(datetime(2026, 11, day, 9, tzinfo=UTC) for day in (7, 14, 21)),
        ]
        cohorts.set_calendar(session, None, cohort, Calendar(*instants), now=NOW)
        factories.a_member(session, cohort, "Grader Agate", "grader", now=NOW)
        factories.a_member(session, cohort, "Instructor Opal", "instructor", now=NOW)
        openings.open_cohort(session, None, cohort, now=NOW)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        work = submissions.start(session, learner, cohort, now=NOW + DAY)
        cost = {
            at: results.points_lost(session, work, at=at)[0]
            for at in (
                datetime(2026, 10, 24, 23, 59, tzinfo=UTC),  # the grace ends at 00:59 BST
                datetime(2026, 10, 25, 0, 0, tzinfo=UTC),
                datetime(2026, 10, 25, 23, 59, tzinfo=UTC),  # 25 hours late, and one day
                datetime(2026, 10, 26, 0, 0, tzinfo=UTC),
            )
        }
        assert list(cost.values()) == [0, 1, 1, 2]
        # A day more is a day of the calendar: 23:59 before is 23:59 after.
        extensions.grant(
            session,
            factories.a_member(session, cohort, "Coordinator Garnet", "coordinator", now=NOW),
            cohort,
            learner,
            kind=ExtensionKind.EXTENSION,
            days=1,
            reason="ill",
            now=NOW,
        )
        assert calendars.window(session, work)[0] == datetime(2026, 10, 25, 23, 59, tzinfo=UTC)
        assert results.points_lost(session, work, at=datetime(2026, 10, 26, 0, 59, tzinfo=UTC)) == (
            0, 0.0,
        )  # fmt: skip


def test_lateness_is_taken_from_the_result_and_not_told_to_others(
    any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast, now = graded(session, level=3, submitted_after=timedelta(hours=26), **LATE)
        grade = session.scalars(select(Grade).where(Grade.person_id == cast.learners[0].id)).one()
        assert grade.detail["late"] == {"days": 2, "points": 10.0}
        assert (grade.value, grade.detail["composite"]) == ("90", 100.0)
        record = program_record.current_record(session, cast.cohort.program_id, cast.learners[0].id)
        assert record is not None
        assert record.capstone is not None
        assert "late" not in record.capstone.detail
        assert record.capstone.detail["value"] == "90"
        assert now > cast.cohort.due_at


@pytest.mark.parametrize(
    "plan", [{"late_points": 5.0}, {"late_points_most": -1}, {"group_size": 0}, {"group_size": 13}]
)
def test_a_plan_that_cannot_be(plan: dict[str, Any]) -> None:
    with pytest.raises(FaultsFound) as caught:
        plans.from_dict(plan)
    assert [fault.where for fault in caught.value.faults] == list(plan)


# Withdrawing and coming back.


@pytest.mark.parametrize("handed_in", [True, False])
@pytest.mark.parametrize("after_deadline", [True, False])
def test_withdrawn_and_back(
    cohort_of: Any, act: Callable[[], Any], handed_in: bool, after_deadline: bool
) -> None:
    with act() as session:
        cohort = cohort_of(session)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        at = cohort.due_at - DAY
        if handed_in:
            work = factories.a_submission(session, cohort, learner, now=at)
        else:
            work = submissions.start(session, learner, cohort, now=at)
        withdrawals.withdraw(session, learner, work, now=at)
        own = group_members.part(session, work, learner.id)
        assert (work.state, own and own.state) == ("withdrawn", "withdrawn")
        assert withdrawals.may_return_until(own) == at + 14 * DAY
        assert submissions.start(session, learner, cohort, now=at) is work
        back = at + 14 * DAY if after_deadline else at + timedelta(hours=3)
        if after_deadline and not handed_in:
            with pytest.raises(Refused, match="deadline has passed"):
                withdrawals.come_back(session, learner, work, now=back)
            return
        withdrawals.come_back(session, learner, work, now=back)
        expected = SubmissionState.SUBMITTED if after_deadline else SubmissionState.DRAFT
        assert (work.state, work.withdrawn_at) == (expected, None)
        with pytest.raises(Refused, match="nothing to come back to"):
            withdrawals.come_back(session, learner, work, now=back)


def test_too_late_to_come_back(cohort_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = cohort_of(session)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        work = factories.a_submission(session, cohort, learner, now=NOW + DAY)
        withdrawals.withdraw(session, learner, work, now=NOW + DAY)
        with pytest.raises(Refused, match="over"):
            withdrawals.come_back(session, learner, work, now=NOW + 16 * DAY)


def test_back_after_the_draw_it_finds_other_readers(cohort_of: Any, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = cohort_of(session)
        factories.a_member(session, cohort, "Grader Basalt", "grader", now=NOW)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        work = factories.a_submission(session, cohort, learner, now=NOW + DAY)
        factories.run_upkeep(session, cohort, now=cohort.due_at)
        first = session.scalars(select(Allocation).where(Allocation.pool == "professional")).one()
        at = cohort.closes_at + DAY
        withdrawals.withdraw(session, learner, work, now=at)
        assert first.state == "cancelled"
        withdrawals.come_back(session, learner, work, now=at + DAY)
        factories.run_upkeep(session, cohort, now=at + DAY)
        again = session.scalars(
            select(Allocation).where(Allocation.pool == "professional", Allocation.state == "open")
        ).one()
        assert first.rater is not None
        claimed = holds.claim(session, first.rater, cohort, now=at + DAY, allocation_id=again.id)
        assert claimed is None


# Retakes.


def graded(
    session: Session,
    *,
    level: int = 1,
    submitted_after: timedelta | None = None,
    **plan: Any,
) -> tuple[factories.Cast, datetime]:
    """Everybody's first attempt released; the first learner's may be late."""
    cast = factories.a_cast(
        session, now=NOW, learners=4, graders=5, submitted=False, sign_offs=1, **plan
    )
    for learner in cast.learners[1:]:
        factories.a_submission(session, cast.cohort, learner, now=NOW + DAY)
    factories.a_submission(
        session,
        cast.cohort,
        cast.learners[0],
        now=cast.cohort.due_at + submitted_after if submitted_after else NOW + DAY,
    )
    now = cast.cohort.due_at + (submitted_after or timedelta(0))
    return cast, everything_released(session, cast, now, level)


def everything_released(
    session: Session, cast: factories.Cast, now: datetime, level: int
) -> datetime:
    """Read what is to be read, each by whoever may, and release what is ready."""
    levels = {"question": level, "method": level}
    factories.run_upkeep(session, cast.cohort, now=now)
    for _ in range(4):
        for item in session.scalars(select(Allocation).where(Allocation.state == "allocated")):
            factories.rate(session, item, levels, now=now)
        for item in session.scalars(select(Allocation).where(Allocation.state == "open")).all():
            for grader in cast.graders:
                got = holds.claim(session, grader, cast.cohort, now=now, allocation_id=item.id)
                if got is not None:
                    factories.rate(session, got, levels, now=now)
                    break
        now += timedelta(minutes=11)
        factories.run_upkeep(session, cast.cohort, now=now)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    now += timedelta(minutes=11)
    releases.carry_out(session, release, now=now)
    return now


def retaken(session: Session, cast: factories.Cast, now: datetime, level: int) -> Submission:
    learner = cast.learners[0]
    [(before, _grade)] = learner_results.released_attempts(session, cast.cohort, learner.id)[:1]
    again = retakes.retake(session, learner, before, now=now)
    submissions.submit(
        session, learner, again, statement=CURRENT_STATEMENT, version=None, now=now + DAY
    )
    everything_released(session, cast, now + DAY, level)
    return again


@pytest.mark.parametrize(("level", "counts"), [(3, 2), (0, 1), (1, 1)])
def test_the_best_attempt_counts_on_page_and_record(
    any_database: str, act: Callable[[], Any], level: int, counts: int
) -> None:
    with act() as session:
        cast, now = graded(session, level=1)
        learner = cast.learners[0]
        again = retaken(session, cast, now, level)
        assert again.state == SubmissionState.RELEASED
        attempts = learner_results.released_attempts(session, cast.cohort, learner.id)
        assert [work.attempt for work, _ in attempts] == [2, 1]
        best = counting_grade([grade for _work, grade in attempts])
        assert best is not None
        assert best.submission.attempt == counts
        record = session.scalars(
            select(CredentialRecord).where(CredentialRecord.person_id == learner.id)
        ).one()
        assert len([entry for entry in record.entries if entry.grade_id]) == 2
        assert record.capstone is not None
        assert record.capstone.grade_id == best.id
        # A passed retake completes the program; a failed one takes nothing away.
        assert (record.completed_at is not None) == (level == 3)


def test_a_retake_is_read_by_others_than_before(any_database: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session)
        learner = cast.learners[0]
        [(first, _grade)] = learner_results.released_attempts(session, cast.cohort, learner.id)
        before = set(session.scalars(
            select(Allocation.rater_id).where(Allocation.submission_id == first.id)
        ))  # fmt: skip
        pools = set(
            session.scalars(select(Allocation.pool).where(Allocation.submission_id == first.id))
        )
        assert pools == {Pool.PROFESSIONAL, Pool.PEER}
        again = retakes.retake(session, learner, first, now=now)
        for person in (*cast.learners, *cast.graders):
            allowed = session.scalar(
                select(Submission.id).where(Submission.id == again.id, may_read(person.id))
            )
            assert (allowed is None) == (person.id in before or person is learner)
        everybody = [*cast.learners, *cast.graders]
        pairs = eligibility.forbidden_pairs(session, cast.cohort, [again], everybody)
        assert {everybody[rater].id for _work, rater in pairs} == before | {learner.id}
        submissions.submit(
            session, learner, again, statement=CURRENT_STATEMENT, version=None, now=now + DAY
        )
        everything_released(session, cast, now + DAY, 2)
        after = set(session.scalars(
            select(Allocation.rater_id).where(Allocation.submission_id == again.id)
        ))  # fmt: skip
        assert after
        assert not after & before


def test_a_retake_has_its_own_deadline_moved_by_extensions(
    any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        cast, now = graded(session, retake_days=10)
        learner = cast.learners[0]
        [(first, _grade)] = learner_results.released_attempts(session, cast.cohort, learner.id)
        again = retakes.retake(session, learner, first, now=now)
        due, closes = calendars.window(session, again)
        local = now.astimezone(cast.cohort.zone).date() + 10 * DAY
        assert due == closes
        assert due.astimezone(cast.cohort.zone).date() == local
        results = calendars.results_of(session, again).astimezone(cast.cohort.zone).date()
        assert results - local == cast.cohort.plan.results_day * DAY
        extensions.grant(
            session, cast.coordinator, cast.cohort, learner,
            kind=ExtensionKind.ADJUSTMENT, days=4, reason="a lasting need", now=now,
        )  # fmt: skip
        assert calendars.window(session, again)[0].astimezone(cast.cohort.zone).date() == (
            local + 4 * DAY
        )
        with pytest.raises(Refused, match="no longer submit"):
            submissions.submit(
                session, learner, again, statement=CURRENT_STATEMENT, version=None,
                now=due + 4 * DAY + timedelta(hours=2),
            )  # fmt: skip


def test_retakes_are_counted_and_one_at_a_time(any_database: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cast, now = graded(session, retakes=1)
        learner = cast.learners[0]
        [(first, _grade)] = learner_results.released_attempts(session, cast.cohort, learner.id)
        with pytest.raises(Refused, match="not your project"):
            retakes.retake(session, cast.learners[1], first, now=now)
        again = retakes.retake(session, learner, first, now=now)
        with pytest.raises(Refused, match="begun a retake"):
            retakes.retake(session, learner, first, now=now)
        assert retakes.retakes_left(again) == 0
        with pytest.raises(IllegalTransition):
            withdrawals.withdraw(session, learner, first, now=now)
        # Whoever withdraws from the retake keeps the first result.
        withdrawals.withdraw(session, learner, again, now=now)
        assert (
            counting_grade(
                [
                    grade
                    for _work, grade in learner_results.released_attempts(
                        session, cast.cohort, learner.id
                    )
                ]
            )
            is not None
        )
        withdrawals.come_back(session, learner, again, now=now + DAY)
        assert again.state == SubmissionState.DRAFT
        with pytest.raises(FaultsFound, match="still appeal"):
            cohorts.end_cohort(session, None, cast.cohort, reason="It is over.", now=now)
        cohorts.end_cohort(
            session, None, cast.cohort, reason="It is over.",
            now=now + (1 + cast.cohort.plan.appeal_days) * DAY,
        )  # fmt: skip
        other = learner_results.released_attempts(session, cast.cohort, cast.learners[1].id)[0][0]
        with pytest.raises(Refused, match="ended"):
            retakes.retake(session, cast.learners[1], other, now=now)
