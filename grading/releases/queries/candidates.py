"""The dry run of a release: who is ready, who is not and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from grading.cohorts.queries import group_members
from grading.models import (
    Allocation,
    Cohort,
    MisconductCase,
    Release,
    ReleaseItem,
    Score,
    Submission,
)
from grading.readings.eligibility import nobody_may_read
from grading.scores.queries import adjustments
from grading.scores.queries.current_scores import is_current
from grading.workflow.allocation import (
    ATTEMPTED,
    OUTSTANDING,
    AllocationState,
    Pool,
)
from grading.workflow.deadlines import shifted
from grading.workflow.misconduct import PENDING as CASE_PENDING
from grading.workflow.release import PENDING, Facts, Hindrance, hindrances
from grading.workflow.submission import SubmissionState


@dataclass(frozen=True)
class Candidate:
    """One submission in a dry run; ready when ``hindrances`` is empty."""

    submission_id: str
    score_id: str | None
    composite: float | None
    hindrances: tuple[Hindrance, ...]

    @property
    def ready(self) -> bool:
        return not self.hindrances


def candidates(
    session: Session, cohort: Cohort, *, now: datetime, apart_from: str | None = None
) -> Sequence[Candidate]:
    """Look at every submission that awaits release, in a fixed number of queries.

    Parameters
    ----------
    apart_from : str, optional
        A release whose own list does not count as "another release".
    """
    works = session.execute(
        select(
            Submission.id,
            Submission.state,
            Score.id,
            Score.composite,
            Score.adjustment,
        )
        .join(Score, and_(Score.submission_id == Submission.id, is_current()), isouter=True)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state.not_in(
                (
                    SubmissionState.DRAFT,
                    SubmissionState.WITHDRAWN,
                    SubmissionState.WITHHELD,
                    SubmissionState.RELEASED,
                )
            ),
        )
        .order_by(Submission.submitted_at, Submission.id)
    ).all()
    counts = {
        row.submission_id: row
        for row in session.execute(
            select(
                Allocation.submission_id,
                func.count().label("allocations"),
                func.sum(case((Allocation.state.in_(OUTSTANDING), 1), else_=0)).label(
                    "outstanding"
                ),
                func.sum(case((Allocation.state == AllocationState.FINISHED, 1), else_=0)).label(
                    "undo_open"
                ),
            )
            .where(Allocation.cohort_id == cohort.id)
            .group_by(Allocation.submission_id)
        )
    }
    waits = now < shifted(cohort.results_at, cohort.plan.reviews_wait_days, cohort.zone)
    owed = owed_reviews(session, cohort) if waits and cohort.plan.reviews_wait_days else {}
    people = group_members.by_submission(session, cohort) if owed else {}
    elsewhere = (
        select(ReleaseItem.submission_id)
        .join(Release)
        .where(Release.cohort_id == cohort.id, Release.state.in_(PENDING))
    )
    if apart_from is not None:
        elsewhere = elsewhere.where(Release.id != apart_from)
    pending = set(session.scalars(elsewhere))
    suspected = set(
        session.scalars(
            select(MisconductCase.submission_id).where(
                MisconductCase.cohort_id == cohort.id, MisconductCase.state.in_(CASE_PENDING)
            )
        )
    )
    asked = adjustments.asked(cohort.plan)
    adjusted = adjustments.current(session, cohort) if asked else None
    stranded = {allocation.submission_id for allocation in stranded_items(session, cohort)}
    listed = []
    for submission_id, state, score_id, composite, adjustment in works:
        row = counts.get(submission_id)
        facts = Facts(
            state=state,
            allocations=row.allocations if row else 0,
            outstanding=row.outstanding if row else 0,
            undo_open=row.undo_open if row else 0,
            nobody_eligible=submission_id in stranded,
            # One result goes out to all of a group at once, so it waits for whoever owes.
            reviews_owed=sum(owed.get(person, 0) for person in people.get(submission_id, ())),
            in_another_release=submission_id in pending,
            misconduct=submission_id in suspected,
            # What was signed as adjusted stays so, whatever was sealed since.
            not_adjusted=asked
            and (adjustment is None or (apart_from is None and adjustment["id"] != adjusted)),
        )
        listed.append(Candidate(submission_id, score_id, composite, hindrances(facts)))
    return listed


def ready_scores(
    session: Session, cohort: Cohort, *, now: datetime, apart_from: str | None = None
) -> dict[str, str]:
    """Give the score of every submission that nothing hinders, by submission; as `candidates` finds them."""
    return {
        item.submission_id: item.score_id
        for item in candidates(session, cohort, now=now, apart_from=apart_from)
        if item.ready and item.score_id is not None
    }


def owed_reviews(session: Session, cohort: Cohort) -> dict[str, int]:
    """Count, by learner, peer reviews given to them that they neither finished nor handed back.

    One that was taken from them because the author withdrew is not owed.
    """
    rows = session.execute(
        select(Allocation.rater_id, func.count())
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PEER,
            Allocation.purpose.not_in(ATTEMPTED),
            Allocation.state.in_(
                (AllocationState.ALLOCATED, AllocationState.BEGUN, AllocationState.LAPSED)
            ),
        )
        .group_by(Allocation.rater_id)
    )
    return {rater: count for rater, count in rows if rater is not None}


def stranded_items(session: Session, cohort: Cohort) -> Sequence[Allocation]:
    """List open items that no grader, lead or instructor of the cohort may read."""
    return list(
        session.scalars(
            select(Allocation)
            .where(Allocation.cohort_id == cohort.id, nobody_may_read())
            .order_by(Allocation.created_at, Allocation.id)
        )
    )


def stranded_counts(session: Session, cohort_ids: Sequence[str]) -> dict[str, int]:
    """Count such items in each of several cohorts that has one."""
    rows = session.execute(
        select(Allocation.cohort_id, func.count())
        .where(Allocation.cohort_id.in_(cohort_ids), nobody_may_read())
        .group_by(Allocation.cohort_id)
    )
    return dict(rows.all())
