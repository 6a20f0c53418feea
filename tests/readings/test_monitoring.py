"""Check items, alarms, pauses and quarantines: from a moved standard to works read again, and back."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import FaultsFound, HoldLost, Refused
from grading.ledger import verifying
from grading.models import (
    Alarm,
    Allocation,
    AnchorReading,
    AuditEntry,
    Cohort,
    Person,
    Score,
    Submission,
)
from grading.readings import calibration, check_items, holds, monitoring, reviews
from grading.readings.queries import reading_series, standings
from grading.releases import releases
from grading.scores import quarantines
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.monitoring import AlarmState
from grading.workflow.submission import SubmissionState
from tests import factories
from tests.database import NOW
from tests.kept import kept

AT = NOW + timedelta(days=2)
GOOD = {"question": 2, "method": 2}


@kept
def with_check_papers(session: Session) -> factories.Cast:
    """Six works for three graders, and four check papers from others' works."""
    cast = factories.a_cast(
        session, now=NOW, learners=10, graders=3, peer_readings=0, peers_needed=0,
        check_every=2, check_every_early=2, check_early=0, check_first_of_day=False,
    )  # fmt: skip
    factories.anchor_papers(session, cast, 4, "validity", now=AT)
    for work in cast.submissions[:4]:
        work.state = SubmissionState.WITHDRAWN
    session.flush()
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    return cast


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return with_check_papers(session)


def grade_on(
    session: Session, cast: factories.Cast, rater: Person, count: int, levels: dict[str, int],
    *, minutes: int = 0,
) -> list[Allocation]:  # fmt: skip
    """Press “next” and finish what comes, so many times."""
    done = []
    for number in range(count):
        at = cast.cohort.due_at + timedelta(minutes=minutes + number)
        item = check_items.next_item(session, rater, cast.cohort, now=at)
        if item is None:
            break
        factories.rate(session, item, levels, now=at)
        done.append(item)
    return done


def test_check_items_come_at_random_and_only_where_there_are_papers(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    done = grade_on(session, cast, rater, 20, GOOD)
    kinds = [item.purpose for item in done]
    assert Purpose.VALIDITY in kinds
    assert Purpose.LIVE in kinds
    # No paper twice, and no more of them than there are.
    papers = [item.submission_id for item in done if item.purpose == Purpose.VALIDITY]
    assert len(papers) == len(set(papers)) <= 4
    assert check_items.next_item(session, rater, cast.cohort, now=cast.cohort.due_at) is None


def test_works_that_still_wait_for_a_reading_are_the_last_to_be_check_items(
    session: Session,
) -> None:
    cast = factories.a_cast(
        session, now=NOW, learners=26, graders=3, peer_readings=0, peers_needed=0,
        check_every=2, check_every_early=2, check_early=0, check_first_of_day=False,
    )  # fmt: skip
    waiting = {paper.id for paper in factories.anchor_papers(session, cast, 6, "validity", now=AT)}
    elsewhere = factories.anchor_papers(session, cast, 2, "validity", now=AT, first=24)
    for work in cast.submissions[24:]:
        work.state = SubmissionState.WITHDRAWN
    session.flush()
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at)
    for rater in cast.graders:
        done = grade_on(session, cast, rater, 30, GOOD)
        papers = session.scalars(
            select(AnchorReading.anchor_id)
            .join(Allocation, Allocation.id == AnchorReading.allocation_id)
            .where(Allocation.rater_id == rater.id)
            .order_by(Allocation.finished_at)
        ).all()
        assert len(done) > len(papers) > 2
        assert set(papers[:2]) == {paper.id for paper in elsewhere}
        # A check item that is due does not fail to come for want of others.
        assert set(papers[2:]) <= waiting


def test_pressing_next_twice_gives_the_same_item(session: Session, cast: factories.Cast) -> None:
    for rater in cast.graders:
        for _ in range(12):
            at = cast.cohort.due_at
            item = check_items.next_item(session, rater, cast.cohort, now=at)
            if item is None:
                break
            again = check_items.next_item(session, rater, cast.cohort, now=at)
            assert again is not None
            assert again.id == item.id
            factories.rate(session, item, GOOD, now=at)


def test_a_miss_brings_another_check_item_sooner() -> None:
    usual = {"every": 10, "early_every": 5, "early": 0, "first_of_day": False}
    from grading.workflow.validity import Facts, draw, due

    def share(**facts: Any) -> float:
        base = {"sheets": 50, "checks": 5, "today": 4, "missed": False, "alarmed": False} | facts
        found = [
            due(Facts(**base), **usual, chance=draw("rater", "cohort", number))
            for number in range(4_000)
        ]
        return float(np.mean(found))

    assert share() == pytest.approx(0.1, abs=0.02)
    assert share(missed=True) == pytest.approx(0.2, abs=0.025)
    assert share(alarmed=True) == pytest.approx(0.2, abs=0.025)
    assert due(
        Facts(sheets=50, checks=5, today=0, missed=False, alarmed=False),
        **(usual | {"first_of_day": True}),
        chance=0.99,
    )
    assert not due(
        Facts(sheets=50, checks=5, today=0, missed=True, alarmed=True),
        **(usual | {"every": 0}),
        chance=0.0,
    )


def test_readings_of_check_items_never_score_a_work(session: Session, cast: factories.Cast) -> None:
    for rater in cast.graders:
        grade_on(session, cast, rater, 20, GOOD)
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at + timedelta(hours=1))
    sheets = reading_series.sheets(session, cast.cohort)
    assert any(sheet.definitive for sheet in sheets)
    scored = set(session.scalars(select(Score.submission_id)))
    works = {work.id for work in cast.submissions[4:]}
    assert scored == works
    states = set(session.scalars(select(Submission.state).where(Submission.attempt < 1)))
    assert states == {"anchor"}


def test_a_paused_grader_keeps_what_they_began(session: Session, cast: factories.Cast) -> None:
    rater, cohort = cast.graders[0], cast.cohort
    at = cohort.due_at
    item = check_items.next_item(session, rater, cohort, now=at)
    assert item is not None
    reviews.save_draft(
        session, rater, item, reviews.Sheet(levels={"question": 2}), version=0, now=at
    )
    with pytest.raises(FaultsFound):
        monitoring.pause(session, cast.lead, cohort, rater, reason=" ", now=at)
    paused = monitoring.pause(session, cast.lead, cohort, rater, reason="A look first.", now=at)
    with pytest.raises(Refused, match="paused already"):
        monitoring.pause(session, cast.lead, cohort, rater, reason="Again.", now=at)
    with pytest.raises(Refused, match="paused"):
        check_items.next_item(session, rater, cohort, now=at)
    with pytest.raises(HoldLost) as lost:
        reviews.save_draft(session, rater, item, reviews.Sheet(levels=GOOD), version=1, now=at)
    assert lost.value.reason == "paused"
    assert item.review is not None
    assert item.review.levels == {"question": 2}
    # An answer is owed within working hours.
    assert paused.answer_by > at
    assert monitoring.overdue(paused, paused.answer_by + timedelta(hours=1)) == timedelta(hours=1)
    monitoring.resume(session, cast.lead, paused, answer="All is well.", now=at)
    reviews.save_draft(session, rater, item, reviews.Sheet(levels=GOOD), version=1, now=at)
    assert item.review.levels == GOOD
    assert monitoring.overdue(paused, paused.answer_by + timedelta(hours=1)) is None


@kept
def drifting(session: Session, drift: bool) -> tuple[factories.Cast, Person]:
    """Two graders who read every work of 160; from the eightieth on, one gives two levels less."""
    cast = factories.a_cast(
        session, now=NOW, learners=160, graders=2, peer_readings=0, peers_needed=0,
        professional_readings=2, check_every=0, tolerance_levels=3, tolerance_total=100.0,
        tolerance_cut=False,
    )  # fmt: skip
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    rng = np.random.default_rng(8)
    truth = {work.id: rng.normal(2.0, 0.7, 2) for work in cast.submissions}
    mover = cast.graders[0]
    for rater in cast.graders:
        items = session.scalars(
            select(Allocation)
            .join(Submission, Submission.id == Allocation.submission_id)
            .join(Person, Person.id == Submission.learner_id)
            .where(Allocation.rater_id == rater.id)
            # Not in the rater's own order, which hangs on random ids: each run is the same.
            .order_by(Person.email)
        ).all()
        # The colleague meets the same works in another order, so that nothing moves for them at once.
        places = range(len(items)) if rater is mover else rng.permutation(len(items)).tolist()
        for number, item in enumerate(items[place] for place in places):
            low = 1.2 if drift and rater is mover and number >= 80 else 0.0
            given = np.clip(np.round(truth[item.submission_id] - low + rng.normal(0, 0.4, 2)), 0, 3)
            factories.rate(
                session,
                item,
                {"question": int(given[0]), "method": int(given[1])},
                now=due + timedelta(minutes=number),
            )
    return cast, mover


@pytest.mark.slow
def test_a_moved_standard_is_found_set_aside_and_restored(session: Session) -> None:
    cast, mover = drifting(session, drift=True)
    cohort = cast.cohort
    now = cohort.due_at + timedelta(hours=6)
    factories.run_upkeep(session, cohort, now=now)
    alarms = session.scalars(select(Alarm)).all()
    assert alarms
    assert {alarm.person_id for alarm in alarms} == {mover.id}
    assert {alarm.detail["side"] for alarm in alarms} == {"stricter"}
    total = next(alarm for alarm in alarms if alarm.criterion is None)
    assert 75 <= total.detail["since"] <= 90
    # Looking again finds nothing new.
    later = now + timedelta(hours=1)
    assert monitoring.look(session, cohort, now=later) == []
    # An alarm pauses nobody.
    assert standings.grading(session, cohort, [mover], later) == [mover]

    scores = {
        work.id: session.scalars(
            select(Score).where(Score.submission_id == work.id).order_by(Score.number.desc())
        ).first()
        for work in cast.submissions
    }
    assert all(scores.values())
    monitoring.answer(session, cast.lead, total, upheld=True, reason="Two levels low.", now=later)
    since = quarantines.since_of(session, cohort, total)
    with pytest.raises(Refused, match="nothing to set aside"):
        quarantines.impose(
            session, cast.lead, cohort, mover, criterion=None, since=later, reason="x", now=later
        )
    quarantine, effect = quarantines.impose(
        session, cast.lead, cohort, mover, criterion=None, since=since,
        reason="Two levels low.", now=later, alarm=total,
    )  # fmt: skip
    again = {work.id for work in effect.again}
    assert effect.ratings == 2 * len(again)
    assert 70 <= len(again) <= 85
    assert effect.released == []
    factories.run_upkeep(session, cohort, now=later)
    # What was resolved by the two is open again, for somebody else to read.
    states = {work.id: work.state for work in cast.submissions}
    assert {states[work_id] for work_id in again} == {"begun"}
    opened = session.scalars(
        select(Allocation.submission_id).where(Allocation.state == AllocationState.OPEN)
    ).all()
    assert sorted(opened) == sorted(again)

    # Somebody fresh reads two of them: their scores rest on the sound readings alone.
    third = factories.a_member(session, cohort, "Grader Marble", factories.Role.GRADER, now=later)
    amended = []
    for _ in range(2):
        item = holds.claim(session, third, cohort, now=later)
        assert item is not None
        factories.rate(session, item, {"question": 3, "method": 3}, now=later)
        amended.append(item.submission_id)
    factories.run_upkeep(session, cohort, now=later + timedelta(hours=1))
    for work_id in amended:
        found = session.scalars(
            select(Score).where(Score.submission_id == work_id).order_by(Score.number.desc())
        ).first()
        before = scores[work_id]
        assert found is not None
        assert before is not None
        assert found.number > before.number
        assert found.composite > before.composite
        assert session.get_one(Submission, work_id).state == "resolved"

    # Lifted, everything counts again; readings nobody took are taken back.
    restored = quarantines.lift(
        session, cast.lead, quarantine, reason="It was the works.", now=later + timedelta(hours=2)
    )
    assert {work.id for work in restored} == again
    factories.run_upkeep(session, cohort, now=later + timedelta(hours=3))
    assert {work.state for work in cast.submissions} == {"resolved"}
    untouched = next(iter(again - set(amended)))
    newest = session.scalars(
        select(Score).where(Score.submission_id == untouched).order_by(Score.number.desc())
    ).first()
    assert newest is not None
    assert newest.composite == pytest.approx(scores[untouched].composite)  # type: ignore[union-attr]
    chain = cohort.id
    session.commit()
    actions = set(session.scalars(select(AuditEntry.action).where(AuditEntry.chain == chain)))
    assert {"alarm:raise", "alarm:uphold", "quarantine:impose", "quarantine:lift"} <= actions
    assert not any(report.faults for report in verifying.verify(session))


@pytest.mark.slow
def test_steady_graders_raise_no_alarm(session: Session) -> None:
    cast, _mover = drifting(session, drift=False)
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at + timedelta(hours=6))
    assert session.scalars(select(Alarm)).all() == []


def test_a_quarantine_during_release_leaves_its_works_out(session: Session) -> None:
    cast = factories.a_cast(
        session, now=NOW, learners=4, graders=3, peer_readings=0, peers_needed=0, sign_offs=1
    )
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, GOOD, now=due)
    now = due + timedelta(hours=1)
    factories.run_upkeep(session, cast.cohort, now=now)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    touched = session.scalars(
        select(Allocation).where(Allocation.pool == Pool.PROFESSIONAL)
    ).first()
    assert touched is not None
    assert touched.rater is not None
    quarantine, effect = quarantines.impose(
        session, cast.lead, cast.cohort, touched.rater, criterion="method",
        since=NOW, reason="Off since the start.", now=now,
    )  # fmt: skip
    again = {work.id for work in effect.again}
    assert touched.submission_id in again
    goes_out = now + timedelta(minutes=11)
    releases.carry_out(session, release, now=goes_out)
    states = {work.id: work.state for work in cast.submissions}
    assert {states[work_id] for work_id in again} == {"begun"}
    assert {state for work_id, state in states.items() if work_id not in again} <= {"released"}
    # The reading's other criterion still counts; alone it is none of the readings a result needs.
    assert quarantines.possible_amendments(session, cast.cohort) == []
    quarantines.lift(session, cast.lead, quarantine, reason="Looked at.", now=goes_out)
    factories.run_upkeep(session, cast.cohort, now=goes_out)
    assert {work.state for work in cast.submissions} <= {"resolved", "released"}


def test_released_works_are_only_listed(session: Session) -> None:
    cast = factories.a_cast(
        session, now=NOW, learners=3, graders=2, peer_readings=0, peers_needed=0, sign_offs=1
    )
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    for item in session.scalars(select(Allocation)).all():
        factories.rate(session, item, GOOD, now=due)
    now = due + timedelta(hours=1)
    factories.run_upkeep(session, cast.cohort, now=now)
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
    )
    releases.carry_out(session, release, now=now + timedelta(minutes=11))
    rater = cast.graders[0]
    _, effect = quarantines.impose(
        session, cast.lead, cast.cohort, rater, criterion=None, since=NOW, reason="Off.", now=now
    )
    assert effect.again == []
    assert effect.released
    listed = [work.id for work, _score in quarantines.possible_amendments(session, cast.cohort)]
    assert listed == [work.id for work in effect.released]
    assert {work.state for work in cast.submissions} == {"released"}


def test_nobody_decides_about_themself(session: Session, cast: factories.Cast) -> None:
    with pytest.raises(Refused):
        monitoring.pause(session, cast.lead, cast.cohort, cast.lead, reason="x", now=AT)
    with pytest.raises(Refused):
        quarantines.impose(
            session,
            cast.lead,
            cast.cohort,
            cast.lead,
            criterion=None,
            since=NOW,
            reason="x",
            now=AT,
        )
    alarm = Alarm(cohort_id=cast.cohort.id, person_id=cast.lead.id, state=AlarmState.OPEN)
    with pytest.raises(Refused):
        monitoring.answer(session, cast.lead, alarm, upheld=False, reason="x", now=AT)
    assert alarm.state == AlarmState.OPEN


def test_a_set_aside_standing_stops_new_work(session: Session) -> None:
    cast = factories.a_cast(
        session, now=NOW, learners=9, graders=2, peer_readings=0, peers_needed=0,
        calibration="required", practice_papers=0, qualification_papers=3, qualification_sets=1,
        check_every=0,
    )  # fmt: skip
    factories.anchor_papers(session, cast, 3, "qualification", now=AT)
    cohort: Cohort = cast.cohort
    for rater in cast.graders:
        attempt = calibration.start(
            session, rater, cohort, calibration.AttemptKind.QUALIFICATION,
            rng=np.random.default_rng(2), now=AT,
        )  # fmt: skip
        for item, _paper in calibration.items(session, attempt):
            factories.rate(session, item, GOOD, now=AT)
        calibration.hand_in(session, rater, attempt, now=AT)
    due = cohort.due_at
    factories.run_upkeep(session, cohort, now=due)
    rater = cast.graders[0]
    item = check_items.next_item(session, rater, cohort, now=due)
    assert item is not None
    factories.rate(session, item, GOOD, now=due)
    now = due + timedelta(hours=1)
    factories.run_upkeep(session, cohort, now=now)
    quarantine, _ = quarantines.impose(
        session, cast.lead, cohort, rater, criterion="method", since=NOW, reason="Off.", now=now
    )
    assert standings.grading(session, cohort, cast.graders, now) == [cast.graders[1]]
    quarantines.lift(session, cast.lead, quarantine, reason="Looked at.", now=now)
    assert standings.grading(session, cohort, cast.graders, now) == cast.graders
