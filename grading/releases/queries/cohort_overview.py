"""What instructors see of a cohort. Each page costs a fixed number of queries, whatever the cohort's size."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session, selectinload

from grading.measurement.allocation.linking import components
from grading.models import (
    Allocation,
    Approval,
    AuditEntry,
    Cohort,
    Exposure,
    Membership,
    Person,
    Rating,
    Release,
    ReleaseItem,
    Score,
    Submission,
)
from grading.models.conditions import takes_part
from grading.paging import Page, page_of, rows_page_of
from grading.readings.queries.ratings import READING_ORDER
from grading.workflow.allocation import ENDED, OF_ANCHORS, AllocationState, Pool, reading_signs
from grading.workflow.approval import Action
from grading.workflow.cohort import CohortState, Role
from grading.workflow.submission import SubmissionState

STAFF = (Role.INSTRUCTOR, Role.LEAD, Role.COORDINATOR, Role.OBSERVER)


def case_code(submission_id: str) -> str:
    """Name a submission to staff without naming its learner; the same code on every page."""
    digest = hashlib.blake2b(submission_id.encode(), digest_size=8).hexdigest().upper()
    return f"C-{digest[:6]}"


def cohorts(session: Session, person_id: str) -> Sequence[Cohort]:
    """List the cohorts a person teaches or looks after, newest first."""
    mine = select(Membership.cohort_id).where(
        takes_part(*STAFF, person_id=person_id),
    )
    return list(
        session.scalars(select(Cohort).where(Cohort.id.in_(mine)).order_by(Cohort.opens_at.desc()))
    )


def submission_counts(session: Session, cohort: Cohort) -> dict[str, int]:
    """Count submissions by state."""
    rows = session.execute(
        select(Submission.state, func.count())
        .where(Submission.cohort_id == cohort.id, Submission.state != SubmissionState.ANCHOR)
        .group_by(Submission.state)
    )
    return {str(state): count for state, count in rows}


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


def submissions(
    session: Session, cohort: Cohort, *, state: str | None, page: int
) -> Page[Submission]:
    """Give one page of submissions, by code rather than by time."""
    condition = [Submission.cohort_id == cohort.id, Submission.state != SubmissionState.ANCHOR]
    if state:
        condition.append(Submission.state == state)
    return page_of(
        session, select(Submission).where(*condition).order_by(func.md5(Submission.id)), page
    )


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


def items(session: Session, submission: Submission) -> Sequence[Allocation]:
    """List a submission's items, oldest first, professionals before peers."""
    return list(
        session.scalars(
            select(Allocation)
            .where(Allocation.submission_id == submission.id)
            .order_by(Allocation.pool.desc(), Allocation.created_at, Allocation.blind_code)
        )
    )


@dataclass(frozen=True)
class Reading:
    """One sealed reading under a name that tells only its kind."""

    pool: str
    purpose: str
    sign: str
    levels: dict[str, int]
    comments: dict[str, str]


def readings(session: Session, submission: Submission) -> list[Reading]:
    """List the sealed readings of a submission: professionals A, B …, peers 1, 2 …"""
    rows = session.execute(
        select(Allocation, Rating.criterion, Rating.level, Rating.comment)
        .join(Rating, Rating.allocation_id == Allocation.id)
        .where(
            Allocation.submission_id == submission.id, Allocation.state == AllocationState.SEALED
        )
        .order_by(*READING_ORDER)
    ).all()
    found: dict[str, Reading] = {}
    signs = reading_signs((allocation.id, allocation.pool) for allocation, *_ in rows)
    for allocation, criterion, level, comment in rows:
        if allocation.id not in found:
            found[allocation.id] = Reading(
                Pool(allocation.pool), allocation.purpose, signs[allocation.id], {}, {}
            )
        found[allocation.id].levels[criterion] = level
        found[allocation.id].comments[criterion] = comment
    return list(found.values())


def may_still_score(session: Session, submission: Submission, person_id: str) -> bool:
    """Whether a person could still be given the submission to read, so that scores stay hidden.

    A released one can be read again for an appeal, until the cohort ends.
    """
    gone = (SubmissionState.WITHDRAWN, SubmissionState.WITHHELD)
    if submission.state in gone or submission.cohort.state == CohortState.ENDED:
        return False
    seen = session.get(Exposure, (submission.id, person_id))
    sealed = session.scalar(
        select(Allocation.id).where(
            Allocation.submission_id == submission.id,
            Allocation.rater_id == person_id,
            Allocation.state == AllocationState.SEALED,
        )
    )
    return seen is None and sealed is None


def latest_score(session: Session, submission: Submission) -> Score | None:
    """Find the score in force."""
    return session.scalar(
        select(Score)
        .where(Score.submission_id == submission.id)
        .order_by(Score.number.desc())
        .limit(1)
    )


def releases(session: Session, cohort: Cohort) -> Sequence[tuple[Release, int]]:
    """List the releases of a cohort, newest first, with how many results each has."""

    rows = session.execute(
        select(Release, func.count(ReleaseItem.submission_id))
        .join(ReleaseItem, ReleaseItem.release_id == Release.id)
        .options(selectinload(Release.sign_offs))
        .where(Release.cohort_id == cohort.id)
        .group_by(Release.id)
        .order_by(Release.proposed_at.desc())
    )
    return [(release, count) for release, count in rows]


def proofs(session: Session, cohort: Cohort) -> dict[tuple[str, str], str]:
    """Say how each person who signed a release of a cohort showed that it was them."""
    rows = session.execute(
        select(Approval.subject_id, Approval.person_id, Approval.proof).where(
            Approval.cohort_id == cohort.id,
            Approval.action.in_((Action.PROPOSE, Action.SIGN)),
        )
    )
    return {(release_id, person_id): proof for release_id, person_id, proof in rows}


def history(
    session: Session,
    chain: str,
    *,
    page: int,
    action: str | None = None,
    subjects: Sequence[str] = (),
) -> Page[Row[AuditEntry, str | None]]:
    """Give one page of a chain, newest first: the entries with their actor's name."""
    condition = [AuditEntry.chain == chain]
    if action:
        condition.append(AuditEntry.action == action)
    if subjects:
        condition.append(or_(*[AuditEntry.subject_id == subject for subject in subjects]))
    statement = (
        select(AuditEntry, Person.name)
        .join(Person, Person.id == AuditEntry.actor_id, isouter=True)
        .where(*condition)
        .order_by(AuditEntry.number.desc())
    )
    return rows_page_of(session, statement, page)


def actions(session: Session, chain: str) -> list[str]:
    """List the kinds of entry a chain has."""
    return list(
        session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.chain == chain)
            .distinct()
            .order_by(AuditEntry.action)
        )
    )
