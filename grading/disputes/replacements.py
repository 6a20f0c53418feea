"""Replacements: who reads instead of a reader that did not come, handed back or let a hold end."""

from datetime import datetime

import numpy as np
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from grading.disputes import appeals
from grading.ledger import audit
from grading.models import Allocation, Appeal, Cohort, Discrepancy, Person, Submission
from grading.readings import allocations
from grading.scores import settling
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import (
    HELD,
    OUTSTANDING,
    THIRD_READINGS,
    AllocationState,
    Pool,
    Purpose,
)
from grading.workflow.appeal import AppealState
from grading.workflow.submission import IN_GRADING

# Works a step looks at.
BATCH = 200


def missing_peers(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Let a professional stand in where peers did not come; says for how many works it looked."""
    have = (
        select(func.count())
        .select_from(Allocation)
        .where(
            Allocation.submission_id == Submission.id,
            Allocation.pool == Pool.PEER,
            # What is still held now belongs to a peer who was given more time.
            Allocation.state.in_((*HELD, AllocationState.SEALED, AllocationState.FINISHED)),
        )
        .correlate(Submission)
        .scalar_subquery()
    )
    short = list(
        session.execute(
            select(Submission, have)
            .where(
                Submission.cohort_id == cohort.id,
                Submission.state.in_(IN_GRADING),
                Submission.allocated_at.is_not(None),
                Submission.peers_wanted > have,
            )
            .limit(BATCH)
        )
    )
    for submission, count in short:
        before = submission.peers_wanted
        submission.peers_wanted = count
        if count < cohort.plan.peers_needed:
            settling.want_professionals(
                session, submission, submission.professionals_wanted + 1, "short_of_peers", now
            )
        else:
            audit.record(
                session,
                None,
                "submission:close_peer_reviews",
                submission,
                now=now,
                before={"peers_wanted": before},
                after={"peers_wanted": count},
            )
    return len(short)


def lost_readers(
    session: Session, cohort: Cohort, rng: np.random.Generator, *, now: datetime
) -> int:
    """Call others where a reading was handed back or left alone; says how many were called."""
    counts = {
        pool: (
            select(func.count())
            .select_from(Allocation)
            .where(
                Allocation.submission_id == Submission.id,
                Allocation.pool == pool,
                Allocation.purpose.not_in(THIRD_READINGS),
                or_(
                    Allocation.state.in_((*OUTSTANDING, AllocationState.SEALED)),
                    settling.covering_lapse(now),
                ),
            )
            .correlate(Submission)
            .scalar_subquery()
        )
        for pool in Pool
    }
    rows = list(
        session.execute(
            select(Submission, counts[Pool.PROFESSIONAL], counts[Pool.PEER])
            .join(Person, Person.id == Submission.learner_id)
            .where(
                Submission.cohort_id == cohort.id,
                Submission.state.in_(IN_GRADING),
                Submission.allocated_at.is_not(None),
                or_(
                    Submission.professionals_wanted > counts[Pool.PROFESSIONAL],
                    Submission.peers_wanted > counts[Pool.PEER],
                ),
            )
            .order_by(Person.email)
        )
    )
    codes = allocations.BlindCodes(session, cohort.id) if rows else None
    made = 0
    works: list[Submission] = []
    short: list[int] = []
    for submission, professionals, peers in rows:
        assert codes is not None
        for _ in range(submission.professionals_wanted - professionals):
            _mark_replaced(session, submission, Pool.PROFESSIONAL, now)
            allocations.give(
                session,
                submission,
                None,
                Pool.PROFESSIONAL,
                Purpose.LIVE if professionals == 0 else Purpose.SECOND_READING,
                codes=codes,
                now=now,
            )
            made += 1
        if submission.peers_wanted > peers and now < cohort.peers_due_at:
            _mark_replaced(session, submission, Pool.PEER, now)
            works.append(submission)
            short.append(submission.peers_wanted - peers)
    if works and codes is not None:
        made += allocations.allocate_peers(
            session, cohort, works, short, rng=rng, codes=codes, now=now
        )
    return (
        made + _lost_adjudicators(session, cohort, now) + _lost_appeal_readers(session, cohort, now)
    )


def _lost_adjudicators(session: Session, cohort: Cohort, now: datetime) -> int:
    """Open a third reading again that was handed back or left alone."""
    lost = list(
        session.scalars(
            select(Discrepancy)
            .join(Allocation, Allocation.id == Discrepancy.allocation_id)
            .where(
                Discrepancy.cohort_id == cohort.id,
                Discrepancy.state == DiscrepancyState.OPEN,
                Allocation.state.in_((AllocationState.DECLINED, AllocationState.LAPSED)),
                ~settling.covering_lapse(now),
            )
        )
    )
    codes = allocations.BlindCodes(session, cohort.id) if lost else None
    for discrepancy in lost:
        assert codes is not None
        discrepancy.allocation.replaced = True
        discrepancy.allocation = allocations.give(
            session,
            discrepancy.submission,
            None,
            Pool.PROFESSIONAL,
            Purpose.ADJUDICATION,
            codes=codes,
            now=now,
        )
    return len(lost)


def _lost_appeal_readers(session: Session, cohort: Cohort, now: datetime) -> int:
    """Call somebody else to an appeal whose reader handed it back or left it alone."""
    lost = list(
        session.scalars(
            select(Appeal)
            .join(Allocation, Allocation.id == Appeal.allocation_id)
            .where(
                Appeal.cohort_id == cohort.id,
                Appeal.state == AppealState.OPEN,
                Allocation.state.in_((AllocationState.DECLINED, AllocationState.LAPSED)),
                ~settling.covering_lapse(now),
            )
        )
    )
    for appeal in lost:
        appeals.call_reader_again(session, appeal, now=now)
    return len(lost)


def _mark_replaced(session: Session, submission: Submission, pool: Pool, now: datetime) -> None:
    for allocation in session.scalars(
        select(Allocation).where(
            Allocation.submission_id == submission.id,
            Allocation.pool == pool,
            Allocation.state == AllocationState.LAPSED,
            Allocation.purpose.not_in(THIRD_READINGS),
            Allocation.replaced.is_(False),
            Allocation.covers_until <= now,
        )
    ):
        allocation.replaced = True
