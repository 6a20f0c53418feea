"""What a grader's pages show: their own items, never anybody else's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, selectinload

from grading.models import (
    Allocation,
    AnchorPaper,
    AnchorReading,
    Cohort,
    Membership,
    Person,
    QueuePause,
    Standing,
    SubmittedCopy,
)
from grading.models.conditions import takes_part
from grading.readings.queries import standings
from grading.workflow.allocation import ATTEMPTED, HELD, AllocationState, Pool
from grading.workflow.cohort import Role

RECENT = timedelta(hours=24)


@dataclass(frozen=True)
class Bench:
    """One cohort as its grader sees it.

    ``standings`` are by criterion code; ``cleared`` says whether new items are given, ``paused`` why not.
    """

    cohort: Cohort
    waiting: int
    done: int
    begun: Sequence[Allocation]
    finished: Sequence[Allocation]
    ended: Sequence[Allocation]
    cleared: bool
    standings: dict[str, Standing]
    paused: QueuePause | None


def benches(session: Session, person_id: str, *, now: datetime) -> list[Bench]:
    """Gather a grader's cohorts: a fixed number of queries for each."""
    cohorts = session.scalars(
        select(Cohort)
        .join(Membership, Membership.cohort_id == Cohort.id)
        .where(
            takes_part(Role.GRADER, person_id=person_id),
        )
        .order_by(Cohort.grading_due_at)
    )
    return [_bench(session, cohort, person_id, now) for cohort in list(cohorts)]


def _bench(session: Session, cohort: Cohort, person_id: str, now: datetime) -> Bench:
    mine = (
        Allocation.cohort_id == cohort.id,
        Allocation.rater_id == person_id,
        Allocation.pool == Pool.PROFESSIONAL,
        Allocation.purpose.not_in(ATTEMPTED),
    )
    paused = standings.pause_of(session, cohort.id, person_id)
    me = session.get_one(Person, person_id)
    waiting, done = session.execute(
        select(
            func.coalesce(func.sum(case((Allocation.state.in_(HELD), 1), else_=0)), 0),
            func.coalesce(
                func.sum(
                    case(
                        (
                            Allocation.state.in_(
                                (AllocationState.FINISHED, AllocationState.SEALED)
                            ),
                            1,
                        ),
                        else_=0,
                    )
                ),
                0,
            ),
        ).where(*mine)
    ).one()
    items = select(Allocation).options(selectinload(Allocation.review))
    return Bench(
        cohort=cohort,
        waiting=waiting,
        done=done,
        begun=list(
            session.scalars(
                items.where(*mine, Allocation.state == AllocationState.BEGUN).order_by(
                    Allocation.hold_until
                )
            )
        ),
        finished=list(
            session.scalars(
                items.where(*mine, Allocation.finished_at > now - RECENT)
                .order_by(Allocation.finished_at.desc())
                .limit(50)
            )
        ),
        ended=list(
            session.scalars(
                items.where(
                    *mine,
                    Allocation.state == AllocationState.LAPSED,
                    Allocation.begun_at.is_not(None),
                    Allocation.replaced.is_(False),
                ).limit(20)
            )
        ),
        # A pause is shown as such, not as a want of standing.
        cleared=paused is not None or bool(standings.grading(session, cohort, [me], now)),
        standings=standings.of_person(session, cohort, person_id),
        paused=paused,
    )


def copy_to_read(session: Session, allocation: Allocation) -> SubmittedCopy | None:
    """Find the copy that was handed in last: what a rater reads."""
    return session.scalar(
        select(SubmittedCopy)
        .where(SubmittedCopy.submission_id == allocation.submission_id)
        .order_by(SubmittedCopy.number.desc())
        .limit(1)
    )


def paper_of(session: Session, allocation: Allocation) -> AnchorPaper:
    """Find the anchor paper that an item of an attempt is of."""
    return session.scalars(
        select(AnchorPaper)
        .join(AnchorReading, AnchorReading.anchor_id == AnchorPaper.id)
        .where(AnchorReading.allocation_id == allocation.id)
    ).one()
