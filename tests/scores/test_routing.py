"""Routing: the plan's least first, then one reading at a time to where it prevents most."""

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.models import Allocation, AuditEntry, Score, Submission
from grading.office.upkeep_run import UpkeepRun
from grading.readings import holds
from grading.scores import routing
from grading.scores.queries import routing_board
from grading.workflow.allocation import AllocationState, Pool
from tests import factories
from tests.database import NOW
from tests.kept import kept


@kept
def read_once(session: Session) -> factories.Cast:
    """Thirty works, each read once by a professional and by two peers; some lie at the pass mark."""
    cast = factories.a_cast(
        session, now=NOW, learners=30, graders=4, tolerance_levels=3, tolerance_total=100.0,
        tolerance_cut=False, routing_share=0.2, second_share=0.2, second_minimum=6,
        reviews_wait_days=0,
    )  # fmt: skip
    due = cast.cohort.due_at
    for step in factories.upkeep.STEPS:
        if step is not factories.upkeep.route:
            step(session, cast.cohort, UpkeepRun(due, 4))
            session.flush()
    rng = np.random.default_rng(4)
    truth = {work.id: rng.normal(1.8, 0.6) for work in cast.submissions}
    for item in session.scalars(select(Allocation)).all():
        given = np.clip(np.round(truth[item.submission_id] + rng.normal(0, 0.5, 2)), 0, 3)
        factories.rate(session, item, {"question": int(given[0]), "method": int(given[1])}, now=due)
    return cast


@pytest.fixture
def cast(session: Session) -> factories.Cast:
    return read_once(session)


def opened(session: Session) -> list[Allocation]:
    return list(
        session.scalars(
            select(Allocation).where(
                Allocation.state == AllocationState.OPEN, Allocation.pool == Pool.PROFESSIONAL
            )
        )
    )


def test_readings_go_to_the_riskiest_until_the_budget_is_spent(
    session: Session, cast: factories.Cast
) -> None:
    cohort = cast.cohort
    assert routing.budget(session, cohort) == (6, 0)
    now = cohort.due_at + timedelta(hours=1)
    factories.run_upkeep(session, cohort, now=now)
    asked = {item.submission_id for item in opened(session)}
    # As many as there are graders, no more: what comes in changes what is best next.
    assert len(asked) == 4
    assert routing.budget(session, cohort) == (6, 4)
    result = routing_board.posterior(routing_board.totals(session, cohort), cohort.plan)
    assert result is not None
    _, band = routing_board.board(result, cohort.plan, 1).wrong()
    risk = dict(zip(result.labels, band, strict=True))
    others = [value for label, value in risk.items() if label not in asked]
    assert np.mean([risk[label] for label in asked]) > np.mean(others)
    # Asked again, nothing more is wanted while those are open.
    factories.run_upkeep(session, cohort, now=now)
    assert len(opened(session)) == 4

    for hour in range(2, 8):
        at = cohort.due_at + timedelta(hours=hour)
        for rater in cast.graders:
            item = holds.claim(session, rater, cohort, now=at)
            if item is not None:
                factories.rate(session, item, {"question": 2, "method": 2}, now=at)
        factories.run_upkeep(session, cohort, now=at + timedelta(minutes=30))
    assert routing.budget(session, cohort) == (6, 6)
    assert opened(session) == []
    assert {work.state for work in cast.submissions} == {"resolved"}
    # Each further reading entered a score of its own number.
    numbers = session.execute(
        select(Score.submission_id, func.max(Score.number)).group_by(Score.submission_id)
    )
    assert {work for work, number in numbers if number > 1} >= asked
    session.commit()
    notes = session.scalars(
        select(AuditEntry).where(AuditEntry.action == "submission:route_reading")
    ).all()
    assert len(notes) == 6
    assert {note.reason for note in notes} <= {"pass mark", "band"}


def test_without_a_share_nothing_is_routed(session: Session, cast: factories.Cast) -> None:
    plan = cast.cohort.plan_version
    plan.choices = {**plan.choices, "routing_share": 0.0}
    factories.run_upkeep(session, cast.cohort, now=cast.cohort.due_at + timedelta(hours=1))
    assert opened(session) == []
    assert not session.scalar(select(func.sum(Submission.routed)))


def test_what_is_certain_enough_is_left_alone(session: Session, cast: factories.Cast) -> None:
    plan = cast.cohort.plan_version
    plan.choices = {**plan.choices, "routing_limit": 0.5}
    result = None
    now = cast.cohort.due_at + timedelta(hours=1)
    factories.run_upkeep(session, cast.cohort, now=now)
    result = routing_board.posterior(routing_board.totals(session, cast.cohort), cast.cohort.plan)
    assert result is not None
    board = routing_board.board(result, cast.cohort.plan, 6)
    asked = {item.submission_id for item in opened(session)}
    settled = {
        label for label, is_settled in zip(board.labels, board.settled(), strict=True) if is_settled
    }
    assert settled
    assert not asked & settled
