"""What the demo's doors say will be found, each number read from the database as it is now.

A story that is not true any more, because somebody looked round and acted, is None.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.cohorts.queries import participants
from grading.disputes.queries import dispute_queue
from grading.measurement.monitoring.effects import severity
from grading.measurement.scoring.scale import CriterionScale, composite_of
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    CredentialRecord,
    Discrepancy,
    Extension,
    Grade,
    MisconductCase,
    Person,
    Quarantine,
    QuarantinedRating,
    Rating,
    RecordEntry,
    ShareLink,
    Submission,
)
from grading.readings import holds
from grading.readings.queries import reading_series
from grading.releases.queries import candidates
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.appeal import AppealState
from grading.workflow.calendar import ExtensionState
from grading.workflow.cohort import Role
from grading.workflow.credential import RecordState
from grading.workflow.deadlines import days_late
from grading.workflow.misconduct import MisconductState
from grading.workflow.monitoring import QuarantineState


@dataclass(frozen=True)
class NarrowPass:
    """A released result just above the pass mark, and what the first reading alone came to."""

    grade: Grade
    above: float
    first: float


@dataclass(frozen=True)
class Late:
    """A project handed in after the deadline within an extension, and the item a grader has of it."""

    work: Submission
    days: int
    granted: int
    item: Allocation | None


@dataclass(frozen=True)
class Strict:
    """A grader whose levels lie below what the other graders' readings let expect."""

    person: Person
    cohort: Cohort
    # In levels, from the mean of the other graders.
    by: float
    sheets: int


@dataclass(frozen=True)
class Drifted:
    """A grader whose sheets after some check item were set aside; how many works were read since."""

    quarantine: Quarantine
    cohort: Cohort
    checks: int
    sheets: int
    again: int


@dataclass(frozen=True)
class Apart:
    """A case that waits for its third reading: how far two readings lie apart on a criterion."""

    case: Discrepancy
    cohort: Cohort
    # An instructor or lead whom nothing keeps from taking it now.
    reader: Person
    criterion: str
    levels: float
    waiting: int


def cohorts(session: Session) -> list[Cohort]:
    """The demo's cohorts in the order they opened."""
    return list(session.scalars(select(Cohort).order_by(Cohort.opens_at)))


def narrow_pass(session: Session) -> NarrowPass | None:
    """Find who, of those who share their record, passed most narrowly after an undisputed second reading."""
    narrowest: NarrowPass | None = None
    shared = (
        select(RecordEntry.grade_id)
        .join(ShareLink, ShareLink.record_id == RecordEntry.record_id)
        .where(RecordEntry.grade_id.is_not(None))
    )
    grades = session.scalars(
        select(Grade)
        .where(Grade.number == 1, Grade.passed.is_(True), Grade.id.in_(shared))
        .order_by(Grade.released_at)
    )
    for grade in grades:
        above = float(grade.value) - grade.submission.cohort.plan.cut
        read = list(
            session.scalars(
                select(Allocation)
                .where(
                    Allocation.submission_id == grade.submission_id,
                    Allocation.pool == Pool.PROFESSIONAL,
                    Allocation.state == AllocationState.SEALED,
                )
                .order_by(Allocation.finished_at)
            )
        )
        plain = [item for item in read if item.purpose in (Purpose.LIVE, Purpose.SECOND_READING)]
        if (
            len(read) != 2
            or len(plain) != 2
            or (narrowest is not None and above >= narrowest.above)
        ):
            continue
        narrowest = NarrowPass(grade, above, _composite(session, read[0]))
    return narrowest


def _composite(session: Session, item: Allocation) -> float:
    # The points of 100 of one reading alone.
    rubric = item.cohort.rubric_version.rubric
    given = dispute_queue.levels_of(session, item.id)
    return composite_of(
        {one.code: float(one.levels[given[one.code]].points) for one in rubric.criteria},
        tuple(
            CriterionScale(one.code, one.weight, tuple(float(level.points) for level in one.levels))
            for one in rubric.criteria
        ),
    )


def upheld_appeal(session: Session) -> Appeal | None:
    """Find the appeal that was upheld last."""
    return session.scalar(
        select(Appeal)
        .where(Appeal.state == AppealState.UPHELD)
        .order_by(Appeal.decided_at.desc())
        .limit(1)
    )


def late_with_extension(session: Session) -> Late | None:
    """Find a project that an extension made in time, and the item of it that a grader has open."""
    rows = session.execute(
        select(Submission, Cohort, func.sum(Extension.days))
        .join(Cohort, Cohort.id == Submission.cohort_id)
        .join(
            Extension,
            (Extension.cohort_id == Cohort.id) & (Extension.person_id == Submission.learner_id),
        )
        .where(
            Extension.state == ExtensionState.GRANTED,
            Submission.submitted_at > Cohort.due_at,
            Submission.attempt == 1,
        )
        .group_by(Submission.id, Cohort.id)
        .order_by(Submission.submitted_at.desc())
    )
    for work, cohort, granted in rows:
        assert work.submitted_at is not None
        item = session.scalar(
            select(Allocation)
            .where(
                Allocation.submission_id == work.id,
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.rater_id.is_not(None),
                Allocation.state != AllocationState.DECLINED,
                Allocation.replaced.is_(False),
            )
            .order_by(Allocation.begun_at.desc())
            .limit(1)
        )
        return Late(
            work, days_late(work.submitted_at, cohort.due_at, cohort.zone), int(granted), item
        )
    return None


def strictest(session: Session, cohort: Cohort) -> Strict | None:
    """Find the grader who marks most severely beside the others, on the total of a sheet."""
    column = reading_series.column(
        cohort.rubric_version.rubric, reading_series.sheets(session, cohort), reading_series.TOTAL
    )
    if column is None or len(column.series) < 2:
        return None
    found = {
        person: severity(series.residual, series.variance)
        for person, series in column.series.items()
    }
    person = max(found, key=lambda one: found[one].estimate)
    others = [effect.estimate for one, effect in found.items() if one != person]
    return Strict(
        session.get_one(Person, person),
        cohort,
        found[person].estimate - float(np.mean(others)),
        found[person].n,
    )


def drifted(session: Session) -> Drifted | None:
    """Find the quarantine in force, and how much of it has been read again."""
    quarantine = session.scalar(
        select(Quarantine)
        .where(Quarantine.state == QuarantineState.IN_FORCE)
        .order_by(Quarantine.at.desc())
        .limit(1)
    )
    if quarantine is None:
        return None
    aside = (
        select(Rating.allocation_id)
        .join(QuarantinedRating, QuarantinedRating.rating_id == Rating.id)
        .where(QuarantinedRating.quarantine_id == quarantine.id)
        .distinct()
    )
    works = select(Allocation.submission_id).where(Allocation.id.in_(aside))
    checks = session.scalar(
        select(func.count())
        .select_from(Allocation)
        .where(
            Allocation.cohort_id == quarantine.cohort_id,
            Allocation.rater_id == quarantine.person_id,
            Allocation.purpose == Purpose.VALIDITY,
            Allocation.finished_at <= quarantine.since,
        )
    )
    again = session.scalar(
        select(func.count(Allocation.submission_id.distinct())).where(
            Allocation.submission_id.in_(works),
            Allocation.pool == Pool.PROFESSIONAL,
            Allocation.state == AllocationState.SEALED,
            Allocation.finished_at > quarantine.at,
        )
    )
    return Drifted(
        quarantine,
        session.get_one(Cohort, quarantine.cohort_id),
        checks or 0,
        session.scalar(select(func.count()).select_from(aside.subquery())) or 0,
        again or 0,
    )


def apart(session: Session, *, now: datetime) -> Apart | None:
    """Find a case whose readings lie apart on a criterion, and who may give the third."""
    rows = session.execute(
        select(Discrepancy, Cohort)
        .join(Cohort, Cohort.id == Discrepancy.cohort_id)
        .join(Allocation, Allocation.id == Discrepancy.allocation_id)
        .where(
            Discrepancy.state == DiscrepancyState.OPEN,
            Allocation.state == AllocationState.OPEN,
        )
        .order_by(Discrepancy.found_at.desc())
    ).all()
    for case, cohort in rows:
        for finding in case.findings:
            if finding["kind"] == "criterion" and "peers" not in finding["sides"]:
                reader = _third_reader(session, cohort, case, now)
                if reader is None:
                    break
                rubric = cohort.rubric_version.rubric
                return Apart(
                    case,
                    cohort,
                    reader,
                    rubric.criterion(finding["criterion"]).title,
                    finding["gap"],
                    len(rows),
                )
    return None


def _third_reader(
    session: Session, cohort: Cohort, case: Discrepancy, now: datetime
) -> Person | None:
    item = select(Allocation.id).join(Submission, Submission.id == Allocation.submission_id)
    for person in participants.with_roles(session, cohort, Role.INSTRUCTOR, Role.LEAD):
        may_take = item.where(
            Allocation.id == case.allocation_id, holds.claimable(person, cohort, now)
        )
        if session.scalar(may_take) is not None:
            return person
    return None


def dry_run(session: Session, *, now: datetime) -> tuple[Cohort, int, int] | None:
    """Find a cohort of which a part is ready to be released: it, how many are, and how many are not."""
    for cohort in cohorts(session):
        found = candidates.candidates(session, cohort, now=now)
        ready = sum(one.ready for one in found)
        if ready:
            return cohort, ready, len(found) - ready
    return None


def links(session: Session) -> dict[str, str]:
    """Give the public address of a valid, a revoked and a replaced record, as far as there are."""
    addresses = {}
    for state in (RecordState.VALID, RecordState.REVOKED, RecordState.REPLACED):
        address = session.scalar(
            select(ShareLink.public_id)
            .join(CredentialRecord, CredentialRecord.id == ShareLink.record_id)
            .where(
                CredentialRecord.state == state,
                ShareLink.withdrawn_at.is_(None),
                CredentialRecord.completed_at.is_not(None)
                if state == RecordState.VALID
                else CredentialRecord.id.is_not(None),
            )
            .order_by(ShareLink.created_at)
            .limit(1)
        )
        if address is not None:
            addresses[str(state)] = address
    return addresses


def upheld_case(session: Session) -> MisconductCase | None:
    """Find the case that took a record away."""
    return session.scalar(
        select(MisconductCase)
        .where(MisconductCase.state == MisconductState.UPHELD)
        .order_by(MisconductCase.decided_at.desc())
        .limit(1)
    )
