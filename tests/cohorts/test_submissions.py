"""Handing in: who may, when, and what stays as it was."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from grading.adapters.storage import open_store
from grading.cohorts import departures, parts, submissions, withdrawals
from grading.errors import FaultsFound, IllegalTransition, Refused, StaleRecord
from grading.models import Allocation, Cohort, Job, Submission
from grading.readings import allocations, reviews
from grading.workflow.cohort import Role
from grading.workflow.submission import CURRENT_STATEMENT, SubmissionState
from tests import factories
from tests.database import NOW

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)


@pytest.fixture
def cohort_id(any_database: str, act: Callable[[], Any]) -> str:
    with act() as session:
        return str(factories.a_cohort(session, now=NOW).id)


def test_a_learner_with_the_courses_may_submit(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        submission = factories.a_submission(session, cohort, learner, now=NOW + DAY)
        copy = submission.copies[-1]
        assert submission.state == SubmissionState.SUBMITTED
        assert (copy.digest, copy.statement, copy.late) == (
            submission.digest,
            CURRENT_STATEMENT,
            False,
        )
        assert session.scalar(
            select(Job).where(Job.key == f"mail:receipt:{submission.id}:1:{learner.id}")
        )


@pytest.mark.parametrize(
    ("role", "completed", "when", "message"),
    [
        (Role.LEARNER, False, DAY, "Measuring, Cleaning, Modelling"),
        (Role.PEER, True, DAY, "not enrolled"),
        (Role.LEARNER, True, -timedelta(hours=9), "not opened"),
        (Role.LEARNER, True, timedelta(days=40), "can no longer submit"),
    ],
)
def test_who_may_not_yet_is_told_why(
    cohort_id: str,
    act: Callable[[], Any],
    role: Role,
    completed: bool,
    when: timedelta,
    message: str,
) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        person = factories.a_member(session, cohort, "Learner Alder", role, now=NOW)
        if completed:
            factories.complete_courses(session, cohort, person, now=NOW)
        with pytest.raises(Refused, match=message):
            submissions.start(session, person, cohort, now=NOW + when)


def test_the_grace_is_late_and_after_it_is_too_late(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        submission = factories.a_submission(
            session, cohort, learner, now=cohort.due_at + timedelta(minutes=59)
        )
        assert submission.copies[-1].late
        other = factories.a_learner(session, cohort, "Learner Birch", now=NOW)
        draft = submissions.start(session, other, cohort, now=cohort.due_at)
        with pytest.raises(Refused, match="can no longer submit"):
            submissions.submit(
                session,
                other,
                draft,
                statement=CURRENT_STATEMENT,
                version=None,
                now=cohort.closes_at + timedelta(seconds=1),
            )


def test_what_is_missing_is_named_at_once(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        draft = submissions.start(session, learner, cohort, now=NOW + DAY)
        with pytest.raises(FaultsFound) as caught:
            submissions.submit(session, learner, draft, statement=0, version=None, now=NOW + DAY)
        assert {fault.where for fault in caught.value.faults} == {"title", "text", "statement"}
        assert draft.state == SubmissionState.DRAFT


def test_a_stale_draft_is_not_overwritten(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        draft = submissions.start(session, learner, cohort, now=NOW + DAY)
        seen = draft.version
        save = {"title": "One", "text": "first", "links": [], "now": NOW + DAY}
        submissions.save_draft(session, learner, draft, version=seen, **save)
        session.flush()
        with pytest.raises(StaleRecord):
            submissions.save_draft(
                session, learner, draft, version=seen, **(save | {"text": "second"})
            )
        assert draft.text == "first"


def test_two_devices_at_once_lose_nothing(cohort_id: str, act: Callable[[], Any]) -> None:
    """The version column refuses a write over a row that changed after it was read."""
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        draft_id = submissions.start(session, learner, cohort, now=NOW + DAY).id

    def write_over_a_change() -> None:
        with act() as session:
            draft = session.get_one(Submission, draft_id)
            session.connection().exec_driver_sql(
                "UPDATE submission SET version = version + 1, text = 'theirs'"
            )
            draft.text = "mine"

    with pytest.raises(StaleRecord):
        write_over_a_change()


def test_links_are_checked_each(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        draft = submissions.start(session, learner, cohort, now=NOW + DAY)
        with pytest.raises(FaultsFound) as caught:
            submissions.save_draft(
                session,
                learner,
                draft,
                title="T",
                text="",
                links=["https://example.org/a", "javascript:alert(1)", "ftp://example.org"],
                version=None,
                now=NOW + DAY,
            )
        assert [fault.where for fault in caught.value.faults] == ["link 2", "link 3"]


def test_taken_back_until_a_rater_begins(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        at = NOW + DAY
        submission = factories.a_submission(session, cohort, learner, now=at)
        first = submission.digest
        submissions.take_back(session, learner, submission, now=at)
        submissions.save_draft(
            session, learner, submission, title="Two", text="second", links=[], version=None, now=at
        )
        submissions.submit(
            session, learner, submission, statement=CURRENT_STATEMENT, version=None, now=at
        )
        session.flush()
        assert [copy.number for copy in submission.copies] == [1, 2]
        assert submission.copies[0].digest == first != submission.digest

        grace = cohort.due_at + timedelta(minutes=10)
        factories.run_upkeep(session, cohort, now=grace)
        allocation = session.scalars(
            select(Allocation).where(
                Allocation.submission_id == submission.id, Allocation.rater_id.is_not(None)
            )
        ).first()
        assert allocation is not None
        assert allocation.rater is not None
        reviews.save_draft(
            session,
            allocation.rater,
            allocation,
            reviews.Sheet({"question": 1}),
            version=0,
            now=grace,
        )
        with pytest.raises(IllegalTransition):
            submissions.take_back(session, learner, submission, now=grace)


def test_withdrawing_calls_back_what_raters_hold(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        submission = factories.a_submission(session, cohort, learner, now=NOW + DAY)
        factories.run_upkeep(session, cohort, now=cohort.due_at)
        withdrawals.withdraw(session, learner, submission, now=cohort.due_at)
        session.flush()
        states = set(
            session.scalars(
                select(Allocation.state).where(Allocation.submission_id == submission.id)
            )
        )
        assert states == {"cancelled"}
        before = session.scalar(select(func.count()).select_from(Allocation))
        factories.run_upkeep(session, cohort, now=cohort.due_at + DAY)
        assert session.scalar(select(func.count()).select_from(Allocation)) == before


def test_nobody_acts_on_anothers_project(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        other = factories.a_learner(session, cohort, "Learner Birch", now=NOW)
        submission = factories.a_submission(session, cohort, learner, now=NOW + DAY)
        for act_on in (submissions.take_back, withdrawals.withdraw):
            with pytest.raises(Refused):
                act_on(session, other, submission, now=NOW + DAY)
        with pytest.raises(Refused):
            submissions.save_draft(
                session, other, submission, title="", text="", links=[], version=None, now=NOW + DAY
            )


def test_files_are_part_of_the_digest_and_can_be_put_back(
    tmp_path: Path, cohort_id: str, act: Callable[[], Any]
) -> None:
    store = open_store(f"file://{tmp_path / 'store'}")
    kept, other = (
        submissions.keep_file(store, "notes of Alder.txt", BytesIO(words), limit=1000)
        for words in (b"120 bicycles", b"121 bicycles")
    )
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        draft = submissions.start(session, learner, cohort, now=NOW + DAY)
        bare = submissions.copy_digest(draft)
        file = submissions.add_file(session, learner, draft, kept, now=NOW + DAY)
        session.refresh(draft)
        with_file = submissions.copy_digest(draft)
        submissions.remove_file(session, learner, file, now=NOW + DAY)
        assert submissions.copy_digest(draft) == bare != with_file
        submissions.restore_file(session, learner, file, now=NOW + DAY)
        assert submissions.copy_digest(draft) == with_file
        # Another file of the same name, kind and size is another work.
        submissions.remove_file(session, learner, file, now=NOW + DAY)
        submissions.add_file(session, learner, draft, other, now=NOW + DAY)
        session.refresh(draft)
        assert submissions.copy_digest(draft) not in (bare, with_file)
    assert b"".join(store.read(kept.key)) == b"120 bicycles"


def test_a_file_over_the_limit_leaves_nothing_behind(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path / 'store'}")
    with pytest.raises(Refused, match="at most"):
        submissions.keep_file(store, "notes.txt", BytesIO(b"x" * 2_000_001), limit=2_000_000)
    assert list(store.keys()) == []


def test_ended_members_cannot_submit(cohort_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, cohort_id)
        learner = factories.a_learner(session, cohort, "Learner Alder", now=NOW)
        draft = submissions.start(session, learner, cohort, now=NOW + DAY)
        submissions.save_draft(
            session, learner, draft, title="T", text="t", links=[], version=None, now=NOW + DAY
        )
        membership = parts.enrol(session, None, cohort, learner, Role.LEARNER, now=NOW)
        departures.end_part(session, None, membership, reason="left", now=NOW + DAY)
        session.flush()
        with pytest.raises(Refused, match="not enrolled"):
            submissions.submit(
                session, learner, draft, statement=CURRENT_STATEMENT, version=None, now=NOW + DAY
            )
        assert allocations.peers(session, cohort) == []
