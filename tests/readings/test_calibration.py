"""Anchor papers, practice, qualification and standings: from two blind markings to who may grade."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.db import db
from grading.errors import FaultsFound, NotFound, Refused
from grading.models import (
    Allocation,
    AnchorPaper,
    CalibrationAttempt,
    Person,
    Rating,
    Standing,
    Submission,
)
from grading.office import upkeep
from grading.office.upkeep_run import UpkeepRun
from grading.readings import anchors, calibration, check_items, clearing, eligibility
from grading.readings.queries import standings
from grading.workflow.allocation import AllocationState, Purpose
from grading.workflow.calibration import AttemptKind
from tests import factories
from tests.database import NOW
from tests.kept import kept

AT = NOW + timedelta(days=2)
RULES: dict[str, Any] = {
    "calibration": "required",
    "practice_papers": 1,
    "qualification_papers": 3,
    "qualification_sets": 1,
    "check_every": 0,
}
PRACTICE, QUALIFICATION = AttemptKind.PRACTICE, AttemptKind.QUALIFICATION


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@kept
def with_examples(session: Session) -> factories.Cast:
    cast = factories.a_cast(session, now=NOW, learners=10, graders=3, **RULES)
    factories.anchor_papers(session, cast, 1, "practice", now=AT)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=1)
    factories.anchor_papers(session, cast, 3, "qualification", now=AT, first=4, set_number=2)
    return cast


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return with_examples(session)


def read_all(
    session: Session, attempt: CalibrationAttempt, level: int, *, now: datetime = AT
) -> None:
    for item, _paper in calibration.items(session, attempt):
        factories.rate(session, item, {"question": level, "method": level}, now=now)


def practised(session: Session, cast: factories.Cast, rater: Person) -> None:
    attempt = calibration.start(session, rater, cast.cohort, PRACTICE, rng=rng(), now=AT)
    read_all(session, attempt, 0)
    calibration.hand_in(session, rater, attempt, now=AT)


def test_two_leads_mark_blind_and_agree(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=2, **RULES)
    work = cast.submissions[0]
    with pytest.raises(Refused, match="has not agreed"):
        anchors.propose(session, cast.lead, work, now=AT)
    anchors.consent(session, work.learner, work, given=True, now=AT)
    anchor = anchors.propose(session, cast.lead, work, now=AT)
    with pytest.raises(Refused, match="already"):
        anchors.propose(session, cast.lead, work, now=AT)
    reasons = {"question": "Clear and measurable.", "method": "Counts are compared."}
    with pytest.raises(FaultsFound) as missing:
        anchors.mark(session, cast.lead, anchor, levels={"question": 2}, reasons={}, now=AT)
    assert {fault.where for fault in missing.value.faults} == {
        "method", "reason-question", "reason-method",
    }  # fmt: skip
    first = {"question": 2, "method": 3}
    anchors.mark(session, cast.lead, anchor, levels=first, reasons=reasons, now=AT)
    with pytest.raises(Refused, match="Another lead"):
        anchors.mark(session, cast.lead, anchor, levels=first, reasons=reasons, now=AT)
    agreed = {"question": 2, "method": 2}
    choice: dict[str, Any] = {"reasons": reasons, "use": "practice", "set_number": 1, "now": AT}
    with pytest.raises(Refused, match="blind"):
        anchors.agree(session, cast.lead, anchor, levels=agreed, **choice)
    second = {"question": 2, "method": 1}
    anchors.mark(session, cast.instructor, anchor, levels=second, reasons=reasons, now=AT)
    with pytest.raises(Refused, match="two leads"):
        anchors.agree(session, cast.second_instructor, anchor, levels=agreed, **choice)
    anchors.agree(session, cast.lead, anchor, levels=agreed, **choice)
    assert anchor.levels == agreed
    # Both blind markings stay beside the consensus.
    assert [marking.levels for marking in anchor.markings] == [first, second]
    # Whoever others are measured by has no other standard.
    people = [cast.lead, cast.instructor, cast.second_instructor]
    assert standings.grading(session, cast.cohort, people, AT) == people[:2]


def test_an_anchor_is_a_copy_that_never_touches_its_work(
    session: Session, cast: factories.Cast
) -> None:
    work = cast.submissions[1]
    anchor = session.scalars(select(AnchorPaper).where(AnchorPaper.source_id == work.id)).one()
    assert anchor.submission_id != work.id
    assert anchor.submission.digest == work.digest
    rater = cast.graders[0]
    practised(session, cast, rater)
    attempt = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    read_all(session, attempt, 2)
    calibration.hand_in(session, rater, attempt, now=AT)
    assert not session.scalar(
        select(func.count()).select_from(Rating).where(Rating.submission_id == work.id)
    )
    # Whoever met the copy does not grade the work.
    pairs = eligibility.forbidden_pairs(session, cast.cohort, [work], [rater])
    assert pairs == {(0, 0)}
    # Its own learner's attempts are untouched by it.
    assert work.attempt == 1
    assert work.state == "submitted"


def test_practice_shows_levels_and_counts_for_nothing(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    with pytest.raises(Refused, match="Practise first"):
        calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    attempt = calibration.start(session, rater, cast.cohort, PRACTICE, rng=rng(), now=AT)
    read_all(session, attempt, 0)
    [(item, paper)] = calibration.items(session, attempt)
    # Sealed at once, because the definitive levels are shown beside it.
    assert item.state == AllocationState.SEALED
    calibration.hand_in(session, rater, attempt, now=AT)
    assert attempt.outcome is not None
    assert attempt.outcome["question"]["exact"] == 0.0
    assert paper.levels == {"question": 2, "method": 2}
    assert standings.of_person(session, cast.cohort, rater.id) == {}


def test_whoever_reads_as_the_leads_do_is_cleared(session: Session, cast: factories.Cast) -> None:
    rater, other = cast.graders[:2]
    assert standings.grading(session, cast.cohort, [rater, other], AT) == []
    with pytest.raises(Refused, match="not cleared"):
        check_items.next_item(session, rater, cast.cohort, now=AT)
    practised(session, cast, rater)
    attempt = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    with pytest.raises(Refused, match="3 examples"):
        calibration.hand_in(session, rater, attempt, now=AT)
    with pytest.raises(NotFound):
        calibration.hand_in(session, other, attempt, now=AT)
    read_all(session, attempt, 2)
    verdicts = calibration.hand_in(session, rater, attempt, now=AT)
    assert set(verdicts.values()) == {"qualified"}
    assert standings.grading(session, cast.cohort, [rater, other], AT) == [rater]
    later = AT + timedelta(days=cast.cohort.plan.standing_days, seconds=1)
    assert standings.grading(session, cast.cohort, [rater], later) == []
    assert clearing.expire(session, cast.cohort, now=later) == 2


def test_a_standing_is_of_one_criterion(session: Session, cast: factories.Cast) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    attempt = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    for item, _paper in calibration.items(session, attempt):
        factories.rate(session, item, {"question": 2, "method": 0}, now=AT)
    calibration.hand_in(session, rater, attempt, now=AT)
    found = standings.of_person(session, cast.cohort, rater.id)
    assert (found["question"].state, found["method"].state) == ("qualified", "not_qualified")
    assert standings.grading(session, cast.cohort, [rater], AT) == []
    # A better second try clears the rest, and does not undo what was won.
    again = AT + timedelta(hours=cast.cohort.plan.qualification_wait_hours)
    second = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=again)
    first_papers = {paper.id for _item, paper in calibration.items(session, attempt)}
    assert not first_papers & {paper.id for _item, paper in calibration.items(session, second)}
    for item, _paper in calibration.items(session, second):
        factories.rate(session, item, {"question": 0, "method": 2}, now=again)
    calibration.hand_in(session, rater, second, now=again)
    assert standings.grading(session, cast.cohort, [rater], again) == [rater]


def test_tries_and_waiting_time(session: Session, cast: factories.Cast) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    attempt = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    read_all(session, attempt, 0)
    calibration.hand_in(session, rater, attempt, now=AT)
    with pytest.raises(Refused, match="48 hours"):
        calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    again = AT + timedelta(hours=48)
    second = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=again)
    calibration.end(session, rater, second, now=again)
    with pytest.raises(Refused, match="used your tries"):
        calibration.start(
            session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=again + timedelta(days=9)
        )


def test_an_anchor_withdrawn_in_use_is_taken_back_and_the_rest_is_judged(
    session: Session, cast: factories.Cast
) -> None:
    rater = cast.graders[0]
    practised(session, cast, rater)
    attempt = calibration.start(session, rater, cast.cohort, QUALIFICATION, rng=rng(), now=AT)
    found = calibration.items(session, attempt)
    factories.rate(session, found[0][0], {"question": 2, "method": 2}, now=AT)
    source = found[1][1].source
    anchors.consent(session, source.learner, source, given=False, now=AT)
    assert found[1][0].state == AllocationState.CANCELLED
    factories.rate(session, found[2][0], {"question": 2, "method": 2}, now=AT)
    verdicts = calibration.hand_in(session, rater, attempt, now=AT)
    # Two papers are fewer than a set: nobody is cleared by them, and nothing is lost.
    assert set(verdicts.values()) == {"not_qualified"}
    assert attempt.outcome is not None
    assert attempt.outcome["method"]["papers"] == 2


def test_range_finding_puts_early_works_forward_and_clears_the_leads(session: Session) -> None:
    cast = factories.a_cast(
        session, now=NOW, learners=12, **(RULES | {"first_anchors": 10, "qualification_papers": 3})
    )
    with pytest.raises(Refused, match="No project"):
        anchors.find_range(session, cast.lead, cast.cohort, rng=rng(), now=AT)
    for work in cast.submissions:
        anchors.consent(session, work.learner, work, given=True, now=AT)
    found = anchors.find_range(session, cast.lead, cast.cohort, rng=rng(), now=AT)
    assert len({anchor.source_id for anchor in found}) == 10
    with pytest.raises(Refused, match="has begun"):
        anchors.find_range(session, cast.lead, cast.cohort, rng=rng(), now=AT)
    levels = {"question": 2, "method": 2}
    reasons = dict.fromkeys(levels, "As the rubric says.")
    for anchor in found[:3]:
        for lead in (cast.lead, cast.instructor):
            anchors.mark(session, lead, anchor, levels=levels, reasons=reasons, now=AT)
        anchors.agree(
            session, cast.lead, anchor, levels=levels, reasons=reasons, use="practice",
            set_number=1, now=AT,
        )  # fmt: skip
    people = [cast.lead, cast.instructor, cast.second_instructor]
    assert standings.grading(session, cast.cohort, people, AT) == people[:2]


def test_nobody_without_a_standing_is_given_work(session: Session, cast: factories.Cast) -> None:
    practised(session, cast, cast.graders[0])
    attempt = calibration.start(
        session, cast.graders[0], cast.cohort, QUALIFICATION, rng=rng(), now=AT
    )
    read_all(session, attempt, 2)
    calibration.hand_in(session, cast.graders[0], attempt, now=AT)
    due = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=due)
    live = select(Allocation.rater_id).where(
        Allocation.purpose == Purpose.LIVE,
        Allocation.pool == "professional",
        Allocation.rater_id.is_not(None),
    )
    assert set(session.scalars(live)) == {cast.graders[0].id}
    # Its standing over, what is not begun is passed on.
    later = due + timedelta(days=cast.cohort.plan.standing_days)
    cast.cohort.closes_at = cast.cohort.peers_due_at = later + timedelta(days=30)
    cast.cohort.grading_due_at = cast.cohort.results_at = later + timedelta(days=40)
    run = UpkeepRun(later, 1)
    upkeep.expire_standings(session, cast.cohort, run)
    assert upkeep.pass_on_uncleared(session, cast.cohort, run) > 0
    assert set(session.scalars(live.where(Allocation.state == "allocated"))) == set()


def test_two_starts_at_once_make_one_attempt(
    app: Flask,
    any_database: str,
    act: Callable[[], AbstractContextManager[Session]],
) -> None:
    del any_database
    with act() as session:
        cast = factories.a_cast(session, now=NOW, learners=4, **RULES)
        factories.anchor_papers(session, cast, 2, "practice", now=AT)
        rater_id, cohort_id = cast.graders[0].id, cast.cohort.id
    found: list[str] = []

    def press() -> None:
        with act() as session:
            attempt = calibration.start(
                session,
                session.get_one(Person, rater_id),
                session.get_one(factories.Cohort, cohort_id),
                PRACTICE,
                rng=rng(),
                now=AT,
            )
            found.append(attempt.id)

    threads = [Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(CalibrationAttempt)) == 1
        assert db.session.scalar(select(func.count()).select_from(Standing)) == 0
        assert db.session.scalar(
            select(func.count()).select_from(Submission).where(Submission.state == "anchor")
        ) == 2  # fmt: skip
