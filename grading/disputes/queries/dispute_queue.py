"""What whoever settles a dispute sees: sheets side by side, the work, what waits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, union
from sqlalchemy.orm import Session, selectinload

from grading.cohorts.queries import calendars
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    ConflictOfInterest,
    Discrepancy,
    Explanation,
    Membership,
    MisconductCase,
    Person,
    Rating,
    Review,
    StruckReading,
    Submission,
    SubmissionMember,
    SubmittedCopy,
)
from grading.models.conditions import takes_part
from grading.readings.queries.ratings import READING_ORDER
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import AllocationState, Pool, reading_signs
from grading.workflow.appeal import PENDING, ExplanationState
from grading.workflow.group import TOOK_PART
from grading.workflow.misconduct import PENDING as CASE_PENDING
from grading.workflow.misconduct import MisconductState

# A queue longer than this is no queue any more.
MOST = 500
LAST = 50


@dataclass
class SealedSheet:
    """One sealed reading under a name that tells only its kind."""

    allocation_id: str
    pool: str
    sign: str
    remark: bool
    fault: str | None
    levels: dict[str, int] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def sealed_sheets(session: Session, appeal: Appeal) -> list[SealedSheet]:
    """List every sealed reading of an appealed work, struck ones with their fault."""
    rows = session.execute(
        select(Allocation, StruckReading.fault, Rating)
        .join(Rating, Rating.allocation_id == Allocation.id)
        .join(StruckReading, StruckReading.allocation_id == Allocation.id, isouter=True)
        .where(
            Allocation.submission_id == appeal.submission_id,
            Allocation.state == AllocationState.SEALED,
        )
        .order_by(*READING_ORDER)
    ).all()
    sheets: dict[str, SealedSheet] = {}
    signs = reading_signs((allocation.id, allocation.pool) for allocation, *_ in rows)
    for allocation, fault, rating in rows:
        if allocation.id not in sheets:
            sheets[allocation.id] = SealedSheet(
                allocation_id=allocation.id,
                pool=Pool(allocation.pool),
                sign=signs[allocation.id],
                remark=allocation.id == appeal.allocation_id,
                fault=fault,
            )
        sheets[allocation.id].levels[rating.criterion] = rating.level
        sheets[allocation.id].comments[rating.criterion] = rating.comment
    return list(sheets.values())


def levels_of(session: Session, allocation_id: str | None) -> dict[str, int]:
    """Give the levels of one sealed reading by criterion; nothing where there is none."""
    rows = session.execute(
        select(Rating.criterion, Rating.level).where(Rating.allocation_id == allocation_id)
    )
    return {row.criterion: row.level for row in rows}


def gave_reading(
    session: Session, submission_id: str, person_id: str, *, apart_from: str | None = None
) -> bool:
    """Whether a person gave a work a reading that was sealed, apart from one of them."""
    found = select(Allocation.id).where(
        Allocation.submission_id == submission_id,
        Allocation.rater_id == person_id,
        Allocation.state == AllocationState.SEALED,
    )
    if apart_from is not None:
        found = found.where(Allocation.id != apart_from)
    return session.scalar(found.limit(1)) is not None


def is_conflicted(session: Session, submission: Submission, person_id: str) -> bool:
    """Whether a person must not meet one of those who had a part in a work."""
    return (
        session.scalar(
            select(ConflictOfInterest.id)
            .join(SubmissionMember, SubmissionMember.person_id == ConflictOfInterest.learner_id)
            .where(
                ConflictOfInterest.cohort_id == submission.cohort_id,
                ConflictOfInterest.rater_id == person_id,
                SubmissionMember.submission_id == submission.id,
                SubmissionMember.state.in_(TOOK_PART),
            )
            .limit(1)
        )
        is not None
    )


def upheld_case(session: Session, submission: Submission) -> MisconductCase | None:
    """Find the case that took a work's result away."""
    return session.scalar(
        select(MisconductCase)
        .where(
            MisconductCase.submission_id == submission.id,
            MisconductCase.state == MisconductState.UPHELD,
        )
        .limit(1)
    )


def latest_copy(session: Session, submission: Submission) -> SubmittedCopy | None:
    """Find what was handed in last."""
    return session.scalar(
        select(SubmittedCopy)
        .where(SubmittedCopy.submission_id == submission.id)
        .order_by(SubmittedCopy.number.desc())
        .limit(1)
    )


def own_sheet(session: Session, submission: Submission, person_id: str) -> Review | None:
    """Find what a person gave a work themself."""
    return session.scalar(
        select(Review)
        .join(Allocation, Allocation.id == Review.allocation_id)
        .where(
            Allocation.submission_id == submission.id,
            Allocation.rater_id == person_id,
            Allocation.state == AllocationState.SEALED,
        )
    )


@dataclass(frozen=True)
class OpenDispute:
    """One case of the queue: a third reading, an appeal, or a question.

    Attributes
    ----------
    kind : {'adjudication', 'appeal', 'question'}
    id, submission_id : str
    since, decide_by : datetime
    state : str
        Of the discrepancy, appeal or question.
    item : Allocation or None
        The reading called for it.
    owner : Person or None
        Who has it now: holds the reading, decides, or answers.
    blind : bool
        False for an appeal that is decided without a fresh reading.
    free : bool
        A question that anybody who adjudicates may answer.
    """

    kind: str
    id: str
    submission_id: str
    since: datetime
    decide_by: datetime
    state: str
    item: Allocation | None = None
    owner: Person | None = None
    blind: bool = True
    free: bool = False


def open_disputes(session: Session, cohort: Cohort, *, now: datetime) -> list[OpenDispute]:
    """List everything disputed that waits for somebody, the earliest decide-by date first."""
    found = _third_readings(session, cohort) + _appeals(session, cohort)
    found += _questions(session, cohort, now)
    return sorted(found, key=lambda one: (one.decide_by, one.since, one.id))


def _third_readings(session: Session, cohort: Cohort) -> list[OpenDispute]:
    rows = session.scalars(
        select(Discrepancy)
        .options(selectinload(Discrepancy.allocation).selectinload(Allocation.rater))
        .where(Discrepancy.cohort_id == cohort.id, Discrepancy.state == DiscrepancyState.OPEN)
        .order_by(Discrepancy.found_at, Discrepancy.id)
        .limit(MOST)
    )
    return [
        OpenDispute(
            "adjudication",
            one.id,
            one.submission_id,
            one.found_at,
            cohort.grading_due_at if one.found_at < cohort.grading_due_at else cohort.results_at,
            one.state,
            item=one.allocation,
            owner=one.allocation.rater,
        )
        for one in rows
    ]


def _appeals(session: Session, cohort: Cohort) -> list[OpenDispute]:
    rows = session.scalars(
        select(Appeal)
        .options(selectinload(Appeal.allocation).selectinload(Allocation.rater))
        .where(Appeal.cohort_id == cohort.id, Appeal.state.in_(PENDING))
        .order_by(Appeal.decide_by, Appeal.id)
        .limit(MOST)
    )
    return [
        OpenDispute(
            "appeal",
            one.id,
            one.submission_id,
            one.made_at,
            one.decide_by,
            one.state,
            item=one.allocation,
            owner=one.allocation.rater if one.allocation else None,
            blind=one.blind,
        )
        for one in rows
    ]


def _questions(session: Session, cohort: Cohort, now: datetime) -> list[OpenDispute]:
    here = select(Membership.person_id).where(takes_part(cohort_id=cohort.id))
    rows = session.execute(
        select(Explanation, Explanation.owner_id.in_(here))
        .options(selectinload(Explanation.owner))
        .where(Explanation.cohort_id == cohort.id, Explanation.state == ExplanationState.OPEN)
        .order_by(Explanation.answer_by, Explanation.id)
        .limit(MOST)
    )
    away = calendars.absent(session, cohort, now)
    return [
        OpenDispute(
            "question",
            one.id,
            one.submission_id,
            one.asked_at,
            one.answer_by,
            one.state,
            owner=one.owner,
            free=not present or one.owner_id in away or one.answer_by < now,
        )
        for one, present in rows
    ]


def involved(session: Session, cohort: Cohort, person_id: str) -> set[str]:
    """List the works a person gave a reading of, had a part in, or must not meet a learner of."""
    read = select(Allocation.submission_id).where(
        Allocation.cohort_id == cohort.id,
        Allocation.rater_id == person_id,
        Allocation.state == AllocationState.SEALED,
    )
    took_part = select(SubmissionMember.submission_id).where(
        SubmissionMember.cohort_id == cohort.id, SubmissionMember.state.in_(TOOK_PART)
    )
    own = took_part.where(SubmissionMember.person_id == person_id)
    barred = took_part.join(
        ConflictOfInterest, ConflictOfInterest.learner_id == SubmissionMember.person_id
    ).where(
        ConflictOfInterest.cohort_id == cohort.id,
        ConflictOfInterest.rater_id == person_id,
    )
    return set(session.scalars(union(read, own, barred)))


@dataclass(frozen=True)
class SettledDispute:
    """A case that is over."""

    kind: str
    id: str
    submission_id: str
    at: datetime
    state: str


def settled_disputes(session: Session, cohort: Cohort) -> list[SettledDispute]:
    """List what was decided, answered or called off last, the newest first."""
    disputes: list[SettledDispute] = []
    sources: tuple[tuple[str, Any, Any, Any], ...] = (
        ("adjudication", Discrepancy, Discrepancy.settled_at, Discrepancy.state),
        ("appeal", Appeal, Appeal.decided_at, Appeal.state),
        ("question", Explanation, Explanation.answered_at, Explanation.state),
    )
    for kind, model, at, state in sources:
        rows = session.execute(
            select(model.id, model.submission_id, at, state)
            .where(model.cohort_id == cohort.id, at.is_not(None))
            .order_by(at.desc(), model.id)
            .limit(LAST)
        )
        disputes += [SettledDispute(kind, *row) for row in rows]
    return sorted(disputes, key=lambda one: one.at, reverse=True)[:LAST]


def struck_readings(session: Session, cohort: Cohort) -> Sequence[StruckReading]:
    """List the struck readings of a cohort, the newest first."""
    return list(
        session.scalars(
            select(StruckReading)
            .join(Allocation, Allocation.id == StruckReading.allocation_id)
            .options(selectinload(StruckReading.allocation))
            .where(Allocation.cohort_id == cohort.id)
            .order_by(StruckReading.at.desc(), StruckReading.allocation_id)
            .limit(LAST)
        )
    )


def cases_of(session: Session, submission: Submission) -> Sequence[MisconductCase]:
    """List the misconduct cases of a work, oldest first."""
    return list(
        session.scalars(
            select(MisconductCase)
            .where(MisconductCase.submission_id == submission.id)
            .order_by(MisconductCase.opened_at, MisconductCase.id)
        )
    )


def pending_cases(session: Session, cohort: Cohort) -> dict[str, str]:
    """Give the undecided misconduct cases of a cohort: submission id to case id."""
    rows = session.execute(
        select(MisconductCase.submission_id, MisconductCase.id).where(
            MisconductCase.cohort_id == cohort.id, MisconductCase.state.in_(CASE_PENDING)
        )
    )
    return {row.submission_id: row.id for row in rows}


def pools_of(session: Session, submission_id: str) -> dict[str, str]:
    """Say as what each rater of a work was given it: person id to pool."""
    rows = session.execute(
        select(Allocation.rater_id, Allocation.pool).where(
            Allocation.submission_id == submission_id, Allocation.rater_id.is_not(None)
        )
    )
    return {row.rater_id: row.pool for row in rows}


def misconduct_cases(
    session: Session, cohort: Cohort, *, pending: bool
) -> Sequence[MisconductCase]:
    """List misconduct cases: undecided ones oldest first, decided ones newest first."""
    found = select(MisconductCase).where(MisconductCase.cohort_id == cohort.id)
    if pending:
        found = found.where(MisconductCase.state.in_(CASE_PENDING)).order_by(
            MisconductCase.opened_at, MisconductCase.id
        )
    else:
        found = found.where(MisconductCase.state.not_in(CASE_PENDING)).order_by(
            MisconductCase.decided_at.desc(), MisconductCase.id
        )
    return list(session.scalars(found.limit(MOST)))
