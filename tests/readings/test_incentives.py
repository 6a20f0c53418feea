"""What nobody gains by: skipping reviews, colluding, or leaving a work unread."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.readings import Readings
from grading.measurement.scoring.resolution import Reading, Resolved, Waiting, resolve
from grading.measurement.scoring.scale import CriterionScale
from grading.models import Allocation, Grade, Score, Submission
from grading.releases.queries import candidates
from grading.scores import settling
from grading.workflow import plan as plans
from grading.workflow.allocation import AllocationState, Pool
from grading.workflow.release import Hindrance
from tests import factories
from tests.database import NOW

FOUR = (CriterionScale("only", 1.0, (0.0, 1.0, 2.0, 3.0)),)


def grades(session: Session, skipping: bool) -> tuple[dict[str, float], str]:
    """Grade one cohort twice over: with everybody reviewing, or with the first learner doing none.

    Learners' reviews give one level more than professionals', so that what counts shows.
    """
    cast = factories.a_cast(
        session, now=NOW, learners=6, graders=3, tolerance_levels=3, tolerance_total=100.0,
        tolerance_cut=False,
    )  # fmt: skip
    due, idler = cast.cohort.due_at, cast.learners[0]
    factories.run_upkeep(session, cast.cohort, now=due, seed=6)
    owed = 0
    for item in session.scalars(select(Allocation)).all():
        if item.pool == Pool.PEER and item.rater_id == idler.id and skipping:
            owed += 1
            continue
        level = 3 if item.pool == Pool.PEER else 2
        factories.rate(session, item, {"question": level, "method": level}, now=due)
    assert owed == (2 if skipping else 0)
    after = cast.cohort.peers_due_at + timedelta(hours=1)
    factories.run_upkeep(session, cast.cohort, now=after)
    for item in session.scalars(
        select(Allocation).where(
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state.in_((AllocationState.OPEN, AllocationState.ALLOCATED)),
        )
    ).all():
        if item.rater_id is not None:
            factories.rate(session, item, {"question": 2, "method": 2}, now=after)
    factories.run_upkeep(session, cast.cohort, now=after + timedelta(minutes=11))
    latest = {
        work.learner_id: session.scalars(
            select(Score.composite)
            .where(Score.submission_id == work.id)
            .order_by(Score.number.desc())
            .limit(1)
        ).first()
        for work in cast.submissions
    }
    names = {learner.id: learner.name for learner in cast.learners}
    return {names[key]: value for key, value in latest.items() if value is not None}, idler.name


@pytest.mark.parametrize("skipping", [True, False])
def test_skipping_reviews_leaves_ones_own_grade_as_it_is(session: Session, skipping: bool) -> None:
    found, idler = grades(session, skipping)
    # Two thirds of 100: what the professional gave, whether or not one reviewed.
    assert found[idler] == pytest.approx(200 / 3)


def test_who_owes_reviews_waits_and_is_released_unchanged(session: Session) -> None:
    grades(session, skipping=True)
    cohort = session.scalars(select(factories.Cohort)).one()
    soon = cohort.peers_due_at + timedelta(hours=2)
    waiting = [
        one
        for one in candidates.candidates(session, cohort, now=soon)
        if Hindrance.REVIEWS_OWED in one.hindrances
    ]
    assert len(waiting) == 1
    assert waiting[0].composite == pytest.approx(200 / 3)
    late = cohort.results_at + timedelta(days=cohort.plan.reviews_wait_days + 1)
    [same] = [
        one
        for one in candidates.candidates(session, cohort, now=late)
        if one.submission_id == waiting[0].submission_id
    ]
    assert Hindrance.REVIEWS_OWED not in same.hindrances
    assert same.composite == waiting[0].composite


def test_a_missing_review_is_never_a_zero() -> None:
    def given(key: str, level: int) -> Reading:
        return Reading(key, "peer", False, {"only": level})

    rule = settling.rule(plans.from_dict({"preset": "economy", "peers_needed": 2}), 0)
    three = [given("a", 2), given("b", 2), given("c", 2)]
    full = resolve(three, FOUR, rule)
    short = resolve(three[:2], FOUR, rule)
    assert isinstance(full, Resolved)
    assert isinstance(short, Resolved)
    assert short.composite == full.composite
    # With too few of them there is no score at all, rather than a lower one.
    assert isinstance(resolve(three[:1], FOUR, rule), Waiting)
    assert isinstance(resolve([], FOUR, rule), Waiting)


def test_an_unreviewed_submission_is_never_released_as_0(session: Session) -> None:
    cast = factories.a_cast(session, now=NOW, learners=4, graders=3)
    cohort = cast.cohort
    factories.run_upkeep(session, cohort, now=cohort.due_at)
    unread = cast.submissions[0]
    for item in session.scalars(select(Allocation)).all():
        if item.submission_id != unread.id:
            factories.rate(session, item, {"question": 3, "method": 3}, now=cohort.due_at)
    for day in range(1, 30):
        factories.run_upkeep(session, cohort, now=cohort.due_at + timedelta(days=day))
    late = cohort.due_at + timedelta(days=60)
    found = {one.submission_id: one for one in candidates.candidates(session, cohort, now=late)}
    assert not session.scalar(
        select(func.count()).select_from(Score).where(Score.submission_id == unread.id)
    )
    assert not session.scalar(select(func.count()).select_from(Grade))
    candidate = found[unread.id]
    assert not candidate.ready
    assert candidate.composite is None
    assert session.get_one(Submission, unread.id).state in ("submitted", "begun")


def panel(seed: int, colluding: int) -> tuple[Any, float]:
    """Sixty works of four peers, an eighth also read by professionals.

    The peers ``p0`` … collude: they give 95 to whatever they read. All others read with an error of 8.
    Gives the aggregation and what the works deserve on average.
    """
    rng = np.random.default_rng(seed)
    n = 60
    truth = rng.normal(66, 11, n)
    work = np.repeat(np.arange(n), 4)
    peer = np.concatenate([rng.choice(20, 4, replace=False) for _ in range(n)])
    value = truth[work] + rng.normal(0, 8, len(work))
    value[peer < colluding] = 95.0
    labels = [f"p{one}" for one in peer]
    read = rng.permutation(n)[:24]
    for grader in ("r0", "r1"):
        work = np.concatenate([work, read])
        labels += [grader] * len(read)
        value = np.concatenate([value, truth[read] + rng.normal(0, 6, len(read))])
    readings = Readings.from_long(work.tolist(), labels, np.clip(value, 0, 100).tolist())
    found = aggregate(readings, professionals={"r0", "r1"}, scale=(0.0, 100.0), cuts=(60.0,))
    return found, truth


@pytest.mark.parametrize("seed", range(3))
def test_three_colluding_peers_do_not_lower_an_honest_reviewers_standing(seed: int) -> None:
    """Of what three give too much, at most a tenth falls on what is thought of the honest ones."""

    def biases(colluding: int) -> dict[Any, float]:
        found, _truth = panel(seed, colluding)
        return dict(zip(found.rater_labels, found.rater_bias.tolist(), strict=True))

    alone, beside = biases(0), biases(3)
    honest = [f"p{number}" for number in range(3, 20)]
    moved = [abs(beside[name] - alone[name]) for name in honest]
    three = [beside[f"p{number}"] for number in range(3)]
    assert np.mean(moved) < np.mean(three) / 10
    assert min(three) > max(beside[name] for name in honest)


def test_two_reviewers_at_100_and_at_0_do_not_both_shine() -> None:
    """Who gives 100 and who gives 0 to everything cannot both be near what works deserve."""
    rng = np.random.default_rng(4)
    n = 40
    truth = rng.normal(66, 11, n)
    rows: list[tuple[int, str, float]] = []
    for work in range(n):
        rows += [(work, "high", 100.0), (work, "low", 0.0)]
        rows += [
            (work, f"p{one}", float(np.clip(truth[work] + rng.normal(0, 9), 0, 100)))
            for one in range(3)
        ]
    for work in range(0, n, 2):
        rows += [(work, f"r{one}", float(truth[work] + rng.normal(0, 6))) for one in range(2)]
    readings = Readings.from_long(*([row[place] for row in rows] for place in range(3)))
    found = aggregate(readings, professionals={"r0", "r1"}, scale=(0.0, 100.0))
    bias = dict(zip(found.rater_labels, found.rater_bias.tolist(), strict=True))
    assert bias["high"] > 15
    assert bias["low"] < -15
    # And the works stay where the honest readings put them.
    assert abs(float(np.mean(found.mean - truth))) < 4
