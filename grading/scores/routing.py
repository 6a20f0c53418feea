"""Further professional readings, one by one, to where they prevent most wrong decisions."""

import math
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts.queries import participants
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.measurement.allocation.routing import Choice
from grading.models import Allocation, Cohort, Submission
from grading.readings.queries import burndown, standings
from grading.scores.queries import routing_board
from grading.workflow.allocation import OUTSTANDING, AllocationState, Pool
from grading.workflow.cohort import CohortState, Role
from grading.workflow.plan import GradingPlan
from grading.workflow.submission import SubmissionState

# These may get one more; what is released or disputed is decided otherwise.
OPEN_TO_MORE = (SubmissionState.SUBMITTED, SubmissionState.BEGUN, SubmissionState.RESOLVED)


def paid_readings(plan: GradingPlan, works: int) -> int:
    """Count the further readings that a plan pays for."""
    return math.ceil(round(plan.routing_share * works, 9))


def budget(session: Session, cohort: Cohort) -> tuple[int, int]:
    """Say how many further readings the plan pays for, and how many are spent."""
    works, spent = session.execute(
        select(func.count(), func.coalesce(func.sum(Submission.routed), 0)).where(
            Submission.cohort_id == cohort.id, Submission.allocated_at.is_not(None)
        )
    ).one()
    return paid_readings(cohort.plan, works), int(spent)


def route(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Ask for the readings that free graders can take now; the least the plan wants comes first.

    A work is passed over while a reading of it is outstanding, so that each choice rests on all that is
    known. As many are asked for at a time as there are graders without an open item, because every
    reading that comes in changes what is best next.

    Returns
    -------
    int
        How many readings were asked for.
    """
    plan = cohort.plan
    if plan.routing_share <= 0 or cohort.allocated_at is None or cohort.state != CohortState.OPEN:
        return 0
    paid, spent = budget(session, cohort)
    graders = standings.grading(
        session, cohort, participants.with_roles(session, cohort, Role.GRADER), now
    )
    waiting = _waiting(session, cohort)
    wanted = min(len(graders) - waiting, paid - spent)
    if wanted <= 0:
        return 0
    result = routing_board.posterior(routing_board.totals(session, cohort), plan)
    if result is None:
        return 0
    works = {
        work.id: work
        for work in session.scalars(
            select(Submission).where(
                Submission.cohort_id == cohort.id,
                Submission.state.in_(OPEN_TO_MORE),
                Submission.allocated_at.is_not(None),
                ~select(Allocation.id)
                .where(
                    Allocation.submission_id == Submission.id,
                    Allocation.pool == Pool.PROFESSIONAL,
                    Allocation.state.in_(OUTSTANDING),
                )
                .exists(),
            )
        )
    }
    board = routing_board.board(result, plan, paid - spent)
    eligible = np.array([label in works for label in board.labels], dtype=bool)
    made = 0
    while made < wanted:
        choice = board.next_reading(eligible=eligible)
        if not isinstance(choice, Choice):
            break
        eligible[choice.work] = False
        _ask(session, works[str(choice.label)], choice, now)
        made += 1
    return made


def _waiting(session: Session, cohort: Cohort) -> int:
    """Count the professional readings that nobody has taken, and those that are wanted but not called."""
    untaken = session.scalar(
        select(func.count())
        .select_from(Allocation)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state == AllocationState.OPEN,
        )
    )
    return burndown.not_given_out(session, cohort) + int(untaken or 0)


def _ask(session: Session, work: Submission, choice: Choice, now: datetime) -> None:
    """Want one more professional reading of a work, with what it is expected to change."""
    if work.state == SubmissionState.RESOLVED:
        move(session, work, "reopen", actor=None, now=now)
    before = work.professionals_wanted
    work.professionals_wanted += 1
    work.routed += 1
    audit.record(
        session,
        None,
        "submission:route_reading",
        work,
        now=now,
        before={"professionals_wanted": before},
        after={
            "professionals_wanted": work.professionals_wanted,
            "wrong_side": round(choice.wrong_side, 4),
            "wrong_band": round(choice.wrong_band, 4),
            "wrong_side_after": round(choice.side_after, 4),
            "wrong_band_after": round(choice.band_after, 4),
        },
        reason=choice.reason,
    )
