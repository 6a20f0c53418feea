"""A project's items and sealed readings as staff see them, and from whom its scores stay hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.measurement.allocation.linking import components
from grading.models import Allocation, Cohort, Exposure, Person, Rating, Submission
from grading.readings.queries.ratings import READING_ORDER
from grading.workflow.allocation import ENDED, OF_ANCHORS, AllocationState, Pool, reading_signs
from grading.workflow.cohort import CohortState
from grading.workflow.submission import SubmissionState


def item_counts(session: Session, cohort: Cohort) -> dict[str, dict[str, int]]:
    """Count items by pool and state."""
    rows = session.execute(
        select(Allocation.pool, Allocation.state, func.count())
        .where(Allocation.cohort_id == cohort.id, Allocation.purpose.not_in(OF_ANCHORS))
        .group_by(Allocation.pool, Allocation.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for pool, state, count in rows:
        counts.setdefault(pool, {})[state] = count
    return counts


def separate_groups(session: Session, cohort: Cohort) -> list[list[str]]:
    """Name the groups of professionals that no shared work links; one group, or none, is no finding.

    Only raters who have read or are to read something are counted.
    """
    rows = session.execute(
        select(Allocation.submission_id, Allocation.rater_id, Person.name)
        .join(Person, Person.id == Allocation.rater_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state.not_in(ENDED),
        )
    ).all()
    names = {rater: name for _, rater, name in rows}
    raters = {rater: index for index, rater in enumerate(sorted(names, key=names.__getitem__))}
    works: dict[str, int] = {}
    codes = [(works.setdefault(work, len(works)), raters[rater]) for work, rater, _ in rows]
    if not codes:
        return []
    work, rater = np.array(codes).T
    labels = list(raters)
    return [
        [names[labels[index]] for index in group.tolist()]
        for group in components(work, rater, len(raters))
    ]


def items_of_work(session: Session, submission: Submission) -> Sequence[Allocation]:
    """List a submission's items, oldest first, professionals before peers."""
    return list(
        session.scalars(
            select(Allocation)
            .where(Allocation.submission_id == submission.id)
            .order_by(Allocation.pool.desc(), Allocation.created_at, Allocation.blind_code)
        )
    )


@dataclass(frozen=True)
class ShownReading:
    """One sealed reading under a name that tells only its kind."""

    pool: str
    purpose: str
    sign: str
    levels: dict[str, int]
    comments: dict[str, str]


def shown_readings(session: Session, submission: Submission) -> list[ShownReading]:
    """List the sealed readings of a submission: professionals A, B …, peers 1, 2 …"""
    rows = session.execute(
        select(Allocation, Rating.criterion, Rating.level, Rating.comment)
        .join(Rating, Rating.allocation_id == Allocation.id)
        .where(
            Allocation.submission_id == submission.id, Allocation.state == AllocationState.SEALED
        )
        .order_by(*READING_ORDER)
    ).all()
    shown: dict[str, ShownReading] = {}
    signs = reading_signs((allocation.id, allocation.pool) for allocation, *_ in rows)
    for allocation, criterion, level, comment in rows:
        if allocation.id not in shown:
            shown[allocation.id] = ShownReading(
                Pool(allocation.pool), allocation.purpose, signs[allocation.id], {}, {}
            )
        shown[allocation.id].levels[criterion] = level
        shown[allocation.id].comments[criterion] = comment
    return list(shown.values())


def works_still_readable_by(
    session: Session, cohort: Cohort, submission_ids: Sequence[str], person_id: str
) -> set[str]:
    """Name the works that a person could still be given to read, so that scores stay hidden.

    A released one can be read again for an appeal, until the cohort ends.
    """
    if cohort.state == CohortState.ENDED:
        return set()
    seen = select(Exposure.submission_id).where(Exposure.person_id == person_id)
    read = select(Allocation.submission_id).where(
        Allocation.rater_id == person_id, Allocation.state == AllocationState.SEALED
    )
    return set(
        session.scalars(
            select(Submission.id).where(
                Submission.id.in_(submission_ids),
                Submission.state.not_in((SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)),
                Submission.id.not_in(seen),
                Submission.id.not_in(read),
            )
        )
    )


def may_still_score(session: Session, submission: Submission, person_id: str) -> bool:
    """Whether a person could still be given the submission to read, so that scores stay hidden."""
    return bool(works_still_readable_by(session, submission.cohort, [submission.id], person_id))
