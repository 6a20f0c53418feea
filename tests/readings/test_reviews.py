"""The sheet: kept, finished once, undone in time, and never lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import submissions
from grading.cohorts.queries import participants
from grading.errors import FaultsFound, HoldLost, NotFound, Refused, StaleRecord
from grading.models import Allocation, Cohort, ConflictOfInterest, Rating, Submission
from grading.readings import holds, reviews
from grading.readings.reviews import Sheet
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.submission import CURRENT_STATEMENT, SubmissionState
from tests import factories
from tests.database import NOW
from tests.kept import kept

WHOLE = Sheet({"question": 2, "method": 3}, {"method": "Well counted."}, "Good to read.")


@kept
def allocated(session: Session) -> str:
    cast = factories.a_cast(session, now=NOW)
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    return str(
        session.scalars(select(Allocation.id).where(Allocation.pool == Pool.PROFESSIONAL)).first()
    )


@pytest.fixture
def item_id(any_database: str, act: Callable[[], Any]) -> str:
    """A grader's item, not yet begun."""
    with act() as session:
        return allocated(session)


def the(session: Session, item_id: str) -> tuple[Allocation, Any, Any]:
    item = session.get_one(Allocation, item_id)
    return item, item.rater, item.cohort.due_at


def test_opening_changes_nothing_and_the_first_input_begins(
    item_id: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        assert (item.state, item.submission.state) == ("allocated", "submitted")
        reviews.save_draft(session, rater, item, Sheet({"question": 1}), version=0, now=now)
        assert (item.state, item.submission.state) == ("begun", "begun")
        assert item.hold_until == now + timedelta(hours=2)


def test_a_finish_with_gaps_names_each(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        with pytest.raises(FaultsFound) as caught:
            reviews.finish(session, rater, item, Sheet(), version=0, now=now)
        assert [fault.where for fault in caught.value.faults] == ["question", "method"]
        assert item.state == AllocationState.ALLOCATED


def test_a_double_finish_counts_once(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        first = reviews.finish(session, rater, item, WHOLE, version=0, now=now)
        again = reviews.finish(session, rater, item, WHOLE, version=0, now=now)
        assert first is again
        other = Sheet({"question": 0, "method": 0})
        with pytest.raises(Refused, match="Undo"):
            reviews.finish(session, rater, item, other, version=1, now=now)
        with pytest.raises(Refused, match="Undo"):
            reviews.save_draft(session, rater, item, other, version=1, now=now)
        assert dict(item.review.levels) == {"question": 2, "method": 3}


def test_a_stale_sheet_is_refused_and_the_newer_stays(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        reviews.save_draft(session, rater, item, Sheet({"question": 1}), version=0, now=now)
        with pytest.raises(StaleRecord):
            reviews.save_draft(session, rater, item, Sheet({"question": 3}), version=0, now=now)
        assert item.review.levels == {"question": 1}


def test_undo_within_ten_minutes_and_ratings_only_after(
    item_id: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        reviews.finish(session, rater, item, WHOLE, version=0, now=now)
        reviews.undo(session, rater, item, now=now + timedelta(minutes=10))
        assert item.state == AllocationState.BEGUN
        assert item.review.levels == WHOLE.levels
        later = now + timedelta(minutes=10)
        reviews.finish(session, rater, item, WHOLE, version=item.review.version, now=later)
        factories.run_upkeep(session, item.cohort, now=later + timedelta(minutes=10))
        assert session.scalar(select(Rating.id)) is None
        with pytest.raises(Refused, match="over"):
            reviews.undo(session, rater, item, now=later + timedelta(minutes=10, seconds=1))
        factories.run_upkeep(session, item.cohort, now=later + timedelta(minutes=11))
        ratings = session.scalars(select(Rating).order_by(Rating.criterion)).all()
        assert [(r.criterion, r.level, r.comment) for r in ratings] == [
            ("method", 3, "Well counted."),
            ("question", 2, ""),
        ]
        assert item.state == AllocationState.SEALED


@pytest.mark.parametrize(
    ("sheet", "where"),
    [
        (Sheet({"question": 4}), "question"),
        (Sheet({"question": -1}), "question"),
        (Sheet({"question": True}), "question"),
        (Sheet({"style": 1}), "style"),
        (Sheet({}, {"style": "x"}), "style"),
        (Sheet({}, {"method": "x" * 10_001}), "method"),
    ],
)
def test_what_is_not_on_the_rubric_is_refused(
    item_id: str, act: Callable[[], Any], sheet: Sheet, where: str
) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        with pytest.raises(FaultsFound) as caught:
            reviews.save_draft(session, rater, item, sheet, version=0, now=now)
        assert [fault.where for fault in caught.value.faults] == [where]


def test_nobody_writes_on_anothers_sheet(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        item, _rater, now = the(session, item_id)
        stranger = factories.a_person(session, "Grader Quartz", now=NOW)
        for write in (reviews.save_draft, reviews.finish):
            with pytest.raises(NotFound):
                write(session, stranger, item, WHOLE, version=0, now=now)
        with pytest.raises(NotFound):
            reviews.undo(session, stranger, item, now=now)


def test_an_expired_hold_keeps_the_draft_and_can_be_taken_back(
    item_id: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        reviews.save_draft(session, rater, item, Sheet({"question": 1}), version=0, now=now)
        late = now + timedelta(hours=2, seconds=1)
        with pytest.raises(HoldLost) as lost:
            reviews.save_draft(session, rater, item, WHOLE, version=1, now=late)
        assert lost.value.reason == "expired"
        factories.run_upkeep(session, item.cohort, now=late)
        assert item.state == AllocationState.LAPSED
        holds.reclaim(session, rater, item, now=late)
        reviews.finish(session, rater, item, WHOLE, version=item.review.version, now=late)
        assert item.state == AllocationState.FINISHED


def test_a_draft_left_for_a_day_goes_to_somebody_else(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        reviews.save_draft(session, rater, item, Sheet({"question": 1}), version=0, now=now)
        late = now + timedelta(hours=3)
        factories.run_upkeep(session, item.cohort, now=late)
        of_work = select(Allocation).where(
            Allocation.submission_id == item.submission_id,
            Allocation.state == AllocationState.OPEN,
        )
        assert session.scalars(of_work).all() == []
        factories.run_upkeep(session, item.cohort, now=late + timedelta(hours=25))
        assert len(session.scalars(of_work).all()) == 1
        with pytest.raises(HoldLost) as lost:
            holds.reclaim(session, rater, item, now=late + timedelta(hours=26))
        assert lost.value.reason == "reassigned"
        assert item.review.levels == {"question": 1}


def test_handing_back_never_returns_the_item_and_a_known_author_is_kept_away(
    item_id: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        reviews.decline(session, rater, item, reason="knows_author", note="a cousin", now=now)
        session.flush()
        conflict = session.scalars(select(ConflictOfInterest)).one()
        assert (conflict.rater_id, conflict.learner_id) == (rater.id, item.submission.learner_id)
        factories.run_upkeep(session, item.cohort, now=now)
        claimed = holds.claim(session, rater, item.cohort, now=now)
        assert claimed is None
        other = next(
            person
            for person in participants.with_roles(session, item.cohort, factories.Role.GRADER)
            if person.id != rater.id
        )
        again = holds.claim(session, other, item.cohort, now=now)
        assert again is not None
        assert again.submission_id == item.submission_id
        assert again.blind_code != item.blind_code
        with pytest.raises(HoldLost):
            reviews.save_draft(session, rater, item, WHOLE, version=0, now=now)


def test_a_reason_is_needed_to_hand_back(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        item, rater, now = the(session, item_id)
        with pytest.raises(FaultsFound):
            reviews.decline(session, rater, item, reason="boring", note="", now=now)


def test_a_replaced_work_is_not_graded_on_its_old_copy(
    item_id: str, act: Callable[[], Any]
) -> None:
    """The learner took it back before any input; the rater's page was already open."""
    with act() as session:
        item, rater, now = the(session, item_id)
        work = session.get_one(Submission, item.submission_id)
        submissions.take_back(session, work.learner, work, now=now)
        with pytest.raises(HoldLost) as lost:
            reviews.save_draft(session, rater, item, WHOLE, version=0, now=now)
        assert lost.value.reason == "replaced"
        submissions.save_draft(
            session, work.learner, work, title="Anew", text="anew", links=[], version=None, now=now
        )
        submissions.submit(
            session, work.learner, work, statement=CURRENT_STATEMENT, version=None, now=now
        )
        saved = reviews.save_draft(session, rater, item, WHOLE, version=0, now=now)
        assert saved.digest == work.digest
        assert work.state == SubmissionState.BEGUN


def test_raters_of_one_work_see_different_codes(item_id: str, act: Callable[[], Any]) -> None:
    with act() as session:
        cohort = session.get_one(Cohort, session.get_one(Allocation, item_id).cohort_id)
        codes = session.scalars(
            select(Allocation.blind_code).where(Allocation.cohort_id == cohort.id)
        ).all()
        assert len(codes) == len(set(codes)) == 12
