"""Adjusted scores: what moves them, what does not, and that each can be computed again by hand."""

import json
import math
import statistics
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.measurement.scoring.scale import graded
from grading.models import Adjustment, Allocation, AuditEntry, Rating, Score, Submission
from grading.office.upkeep_run import UpkeepRun
from grading.readings import holds
from grading.releases import releases
from grading.releases.queries import candidates, gates
from grading.scores import adjusting
from grading.scores.queries import adjustments
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.release import Hindrance
from tests import factories
from tests.database import NOW
from tests.kept import kept

ELEVEN = timedelta(minutes=11)
STRICT = 1.0


@kept
def graded_cohort(
    session: Session,
    *,
    learners: int = 40,
    graders: int = 4,
    strict: float = STRICT,
    mild: float = 1.0,
    **plan: Any,
) -> tuple[factories.Cast, datetime]:
    """Works read by graders of whom one is stricter by a level, and by peers who are milder by one."""
    cast = factories.a_cast(
        session, now=NOW, learners=learners, graders=graders,
        **{"tolerance_levels": 3, "tolerance_total": 100.0, "tolerance_cut": False, "second_share": 0.5,
           "second_minimum": 0, "reviews_wait_days": 0} | plan,
    )  # fmt: skip
    now = cast.cohort.due_at
    factories.run_upkeep(session, cast.cohort, now=now)
    rng = np.random.default_rng(7)
    truth = {work.id: rng.uniform(0.8, 2.4) for work in cast.submissions}
    harsh = cast.graders[0].id

    def read(item: Allocation) -> None:
        at = truth[item.submission_id] + rng.normal(0, 0.3, 2)
        if item.pool == Pool.PEER:
            at = at + mild
        elif item.rater_id == harsh:
            at = at - strict
        levels = np.clip(np.round(at), 0, 3).astype(int).tolist()
        factories.rate(session, item, {"question": levels[0], "method": levels[1]}, now=now)

    for item in session.scalars(select(Allocation).order_by(Allocation.id)).all():
        if item.state == AllocationState.ALLOCATED:
            read(item)
    for _ in range(200):
        taken = [holds.claim(session, one, cast.cohort, now=now) for one in cast.graders]
        for item in taken:
            if item is not None:
                read(item)
        if not any(taken):
            break
    return cast, now + ELEVEN


def latest(session: Session, work: Submission) -> Score:
    return session.scalars(
        select(Score).where(Score.submission_id == work.id).order_by(Score.number.desc()).limit(1)
    ).one()


def by_hand(session: Session, score: Score) -> float:
    """The composite from ratings and what the score says moved it, by the formula of the result page."""
    detail = score.adjustment
    assert detail is not None
    weight = {"question": 40.0, "method": 60.0}
    rows = session.scalars(select(Rating).where(Rating.submission_id == score.submission_id)).all()
    professionals = {one["allocation"] for one in detail["readings"]}
    own = sum(
        weight[code]
        * statistics.fmean(
            one.level
            for one in rows
            if one.criterion == code and one.allocation_id in professionals
        )
        / 3
        for code in weight
    )
    own += sum(one["share"] * one["severity"] for one in detail["readings"])
    peers = detail["peers"]
    if peers is None:
        return own
    theirs = sum(
        weight[code]
        * statistics.median(
            one.level
            for one in rows
            if one.criterion == code and one.allocation_id in peers["allocations"]
        )
        / 3
        for code in weight
    )
    centred = theirs - peers["leniency"]
    return float((1 - peers["weight"]) * own + peers["weight"] * centred)


def test_severity_is_taken_out_and_every_figure_follows_from_what_is_kept(session: Session) -> None:
    cast, now = graded_cohort(session, resolution="severity")
    factories.run_upkeep(session, cast.cohort, now=now)
    made = session.scalars(select(Adjustment)).one()
    assert made.works == len(cast.submissions)
    shift, error = made.parameters["severity"][cast.graders[0].id]
    others = [made.parameters["severity"][one.id][0] for one in cast.graders[1:]]
    # A level is 33 points; the panel's average lies a quarter of the way to the strict one.
    assert shift - statistics.fmean(others) == pytest.approx(33.3, abs=3 * error + 3)
    for work in cast.submissions:
        score = latest(session, work)
        assert score.method == "severity-corrected-mean/1"
        assert score.adjustment is not None
        assert score.adjustment["id"] == made.id
        assert score.composite == pytest.approx(min(max(by_hand(session, score), 0), 100))
        assert adjusting.recomputed(session, score).composite == pytest.approx(score.composite)
        assert score.standard_error is not None
        assert score.standard_error > 0
        first = session.scalars(
            select(Score).where(Score.submission_id == work.id, Score.number == 1)
        ).one()
        assert first.adjustment is None
        assert score.adjustment["raw"] == pytest.approx(first.composite)
    session.commit()
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "cohort:adjust")).one()
    assert json.loads(entry.after or "")["works"] == made.works


def test_peers_are_centred_before_they_count(session: Session) -> None:
    cast, now = graded_cohort(session, strict=0.0, peer_weight=0.2, preset="course")
    factories.run_upkeep(session, cast.cohort, now=now)
    made = session.scalars(select(Adjustment)).one()
    # One level is 33.3 points; what the top of the scale cuts off the peers leaves 31.9 (by 4,000 draws).
    error = made.parameters["leniency_error"]
    assert made.parameters["leniency"] == pytest.approx(31.9, abs=3 * error)
    assert error < 3
    scores = [latest(session, work) for work in cast.submissions]
    assert {score.method for score in scores} == {"mean-of-professional-readings+centred-peers/1"}
    for score in scores:
        assert score.peers == 2
        assert score.composite == pytest.approx(min(max(by_hand(session, score), 0), 100))
    moved = statistics.fmean(score.composite - score.adjustment["raw"] for score in scores)  # type: ignore[index]
    # Milder peers do not lift the class.
    assert moved == pytest.approx(0, abs=0.5)


def test_few_works_with_both_leave_the_peers_out_and_it_says_so(session: Session) -> None:
    cast, now = graded_cohort(session, learners=12, peer_weight=0.2, preset="course")
    factories.run_upkeep(session, cast.cohort, now=now)
    made = session.scalars(select(Adjustment)).one()
    assert made.notes["both"] == 12
    assert "too few" in made.notes["peers"]
    for work in cast.submissions:
        score = latest(session, work)
        assert score.adjustment is not None
        assert score.composite == score.adjustment["raw"]
        assert score.peers == 0


def test_separate_groups_of_graders_are_not_adjusted(session: Session) -> None:
    cast, now = graded_cohort(session, second_share=0.0, resolution="severity")
    factories.run_upkeep(session, cast.cohort, now=now)
    made = session.scalars(select(Adjustment)).one()
    assert made.parameters["severity"] == {}
    assert made.notes["severity"]
    assert len(made.notes["groups"]) == 4
    score = latest(session, cast.submissions[0])
    assert (score.method, score.composite) == (
        "mean-of-professional-readings/1",
        score.adjustment["raw"],  # type: ignore[index]
    )


def test_release_waits_for_the_adjustment_and_a_later_reading_undoes_it(session: Session) -> None:
    cast, now = graded_cohort(session, resolution="severity")
    for step in factories.upkeep.STEPS:
        if step is not factories.upkeep.adjust:
            while step(session, cast.cohort, UpkeepRun(now, 1)):
                session.flush()
    found = candidates.candidates(session, cast.cohort, now=now)
    assert {item.hindrances for item in found} == {(Hindrance.NOT_ADJUSTED,)}
    with pytest.raises(Refused):
        releases.propose(
            session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], now=now
        )
    adjusting.adjust(session, cast.instructor, cast.cohort, now=now)
    found = candidates.candidates(session, cast.cohort, now=now)
    assert all(item.ready for item in found)
    some = {item.submission_id for item in found[:5]}
    release = releases.propose(
        session, cast.instructor, cast.cohort, overrides={}, failed_gates=[], chosen=some, now=now
    )
    late = session.scalars(select(Rating)).first()
    assert late is not None
    item = session.scalars(select(Allocation).where(Allocation.id == late.allocation_id)).one()
    # Another sheet of a work that is not in the release.
    other = next(work for work in cast.submissions if work.id not in some)
    extra = Allocation(
        cohort_id=cast.cohort.id, submission_id=other.id, rater_id=cast.lead.id,
        pool=Pool.PROFESSIONAL, purpose=item.purpose, state=AllocationState.SEALED,
        blind_code="ZZZ-ZZZ", created_at=now, finished_at=now, undo_until=now, sealed_at=now,
    )  # fmt: skip
    session.add(extra)
    session.flush()
    for code in ("question", "method"):
        session.add(
            Rating(allocation_id=extra.id, submission_id=other.id, criterion=code, level=1,
                   comment="", created_at=now)
        )  # fmt: skip
    session.flush()
    waiting = {
        item.submission_id: item.hindrances
        for item in candidates.candidates(session, cast.cohort, now=now)
    }
    assert waiting[other.id] == (Hindrance.NOT_ADJUSTED,)
    # What two people signed goes out as they signed it.
    assert releases.carry_out(session, release, now=now + ELEVEN) == 5
    assert adjustments.summary(session, cast.cohort).is_current is False


def test_nobody_fails_by_adjustment_on_one_reading(session: Session) -> None:
    cast, now = graded_cohort(
        session,
        strict=-STRICT,
        resolution="severity",
        readings_before_not_passed=2,
        second_share=0.6,
    )
    factories.run_upkeep(session, cast.cohort, now=now)
    # Works that fail as they were read wait for a second reading, so this comes before all is in.
    adjusting.adjust(session, cast.instructor, cast.cohort, now=now)
    session.commit()
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "cohort:adjust")).one()
    again = set(json.loads(entry.after or "")["again"])
    assert again
    bands = cast.cohort.plan.bands
    for work in cast.submissions:
        if work.id in again:
            assert (work.state, work.professionals_wanted) == ("begun", 2)
            assert latest(session, work).adjustment is None
        elif work.state == "resolved":
            score = latest(session, work)
            assert graded(score.composite, bands).band or score.professionals >= 2


def test_a_plan_without_it_is_left_alone(session: Session) -> None:
    cast, now = graded_cohort(session, learners=12)
    factories.run_upkeep(session, cast.cohort, now=now)
    assert session.scalars(select(Adjustment)).first() is None
    with pytest.raises(Refused, match="asks for no"):
        adjusting.adjust(session, cast.instructor, cast.cohort, now=now)
    assert all(item.ready for item in candidates.candidates(session, cast.cohort, now=now))


def test_the_gate_on_risk_names_works_near_the_pass_mark(session: Session) -> None:
    cast, now = graded_cohort(session, gate_wrong_side=0.2, strict=0.0)
    factories.run_upkeep(session, cast.cohort, now=now)
    found = candidates.candidates(session, cast.cohort, now=now)
    failed = gates.failed(session, cast.cohort, found)
    gate = next(one for one in failed if one.key == gates.WRONG_SIDE)
    assert 0 < gate.count < len(found)
    assert 0.2 < gate.estimate <= 1
    assert not math.isnan(gate.needed)
