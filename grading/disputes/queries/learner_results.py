"""What a learner's pages show; none of it depends on how many others there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts.queries import calendars, group_members
from grading.models import (
    Allocation,
    Appeal,
    Cohort,
    Course,
    CredentialRecord,
    Grade,
    GradeSeen,
    Membership,
    MisconductCase,
    Objection,
    Rating,
    Review,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import in_force, is_member
from grading.programs.queries import course_standings
from grading.readings.queries.ratings import READING_ORDER
from grading.records.queries.program_record import counting_grade
from grading.workflow.allocation import ATTEMPTED, GONE, AllocationState, Pool, reading_signs
from grading.workflow.cohort import Role
from grading.workflow.credential import RecordState
from grading.workflow.deadlines import Calendar
from grading.workflow.group import MemberState


def cohorts(session: Session, person_id: str) -> Sequence[tuple[Cohort, str]]:
    """List the cohorts a person learns or reviews in, newest first, with the role."""
    return list(
        session.execute(
            select(Cohort, Membership.role)
            .join(Membership, Membership.cohort_id == Cohort.id)
            .where(
                Membership.person_id == person_id,
                Membership.ended_at.is_(None),
                Membership.role.in_((Role.LEARNER, Role.PEER)),
            )
            .order_by(Cohort.opens_at.desc())
        )
    )


def submission(session: Session, cohort: Cohort, person_id: str) -> Submission | None:
    """Find the learner's latest attempt."""
    return group_members.newest(session, cohort, person_id)


def released(session: Session, cohort: Cohort, person_id: str) -> list[tuple[Submission, Grade]]:
    """List the learner's released attempts with the grade in force, newest first."""
    return list(
        session.execute(
            select(Submission, Grade)
            .join(Grade, Grade.submission_id == Submission.id)
            .where(
                Submission.cohort_id == cohort.id,
                Grade.person_id == person_id,
                in_force(),
            )
            .order_by(Submission.attempt.desc())
        ).all()
    )


def seen(session: Session, found: Grade) -> bool:
    """Say whether the learner has opened this result before."""
    return session.get(GradeSeen, found.id) is not None


def earlier_grades(session: Session, found: Grade) -> Sequence[Grade]:
    """List the grades that one replaced, oldest first."""
    return list(
        session.scalars(
            select(Grade)
            .where(
                Grade.submission_id == found.submission_id,
                Grade.person_id == found.person_id,
                Grade.number < found.number,
            )
            .order_by(Grade.number)
        )
    )


def hearing(session: Session, cohort: Cohort, person_id: str) -> MisconductCase | None:
    """Find the newest suspicion that was put to a learner."""
    return session.scalar(
        select(MisconductCase)
        .join(Submission, Submission.id == MisconductCase.submission_id)
        .where(
            MisconductCase.cohort_id == cohort.id,
            is_member(person_id),
            MisconductCase.allegation.is_not(None),
        )
        .order_by(MisconductCase.opened_at.desc())
        .limit(1)
    )


def appeals(session: Session, found: Submission) -> Sequence[Appeal]:
    """List a work's appeals, oldest first."""
    return list(
        session.scalars(
            select(Appeal)
            .where(Appeal.submission_id == found.id)
            .order_by(Appeal.made_at, Appeal.id)
        )
    )


def peer_items(session: Session, cohort: Cohort, person_id: str) -> Sequence[Allocation]:
    """List the projects a person was given to review, in the order they were given."""
    return list(
        session.scalars(
            select(Allocation)
            .where(
                Allocation.cohort_id == cohort.id,
                Allocation.rater_id == person_id,
                Allocation.pool == Pool.PEER,
                Allocation.purpose.not_in(ATTEMPTED),
            )
            .order_by(Allocation.created_at, Allocation.blind_code)
        )
    )


@dataclass(frozen=True)
class Standing:
    """Why a learner may or may not submit, and what they did so far."""

    missing: Sequence[Course]
    submission: Submission | None
    reviews: Sequence[Allocation]
    attempts: Sequence[tuple[Submission, Grade]]
    calendar: Calendar
    due_at: datetime
    closes_at: datetime
    hearing: MisconductCase | None
    own: SubmissionMember | None
    group: Sequence[SubmissionMember]
    objections: Sequence[Objection]
    invitations: Sequence[SubmissionMember]

    @property
    def in_group(self) -> bool:
        """Whether others are in the work too."""
        return sum(member.state == MemberState.JOINED for member in self.group) > 1

    @property
    def grade(self) -> Grade | None:
        """The result that counts."""
        return counting_grade([grade for _submission, grade in self.attempts])

    @property
    def reviews_done(self) -> int:
        done = (AllocationState.FINISHED, AllocationState.SEALED)
        return sum(item.state in done for item in self.reviews)

    @property
    def reviews_given(self) -> int:
        """Reviews that count towards what is asked: handed back and called back ones do not."""
        return sum(item.state not in GONE for item in self.reviews)


def standing(session: Session, cohort: Cohort, person_id: str) -> Standing:
    """Gather what the learner's landing page turns on."""
    found = submission(session, cohort, person_id)
    group = group_members.rows(session, found) if found else []
    grouped = cohort.plan.group_size > 1 or len(group) > 1
    own = calendars.personal(session, cohort, person_id)
    work = calendars.of_work(session, found) if found else own
    due_at, closes_at = (
        calendars.window(session, found)
        if found and found.due_at
        else (work.due_at, work.closes_at)
    )
    return Standing(
        missing=course_standings.missing_courses(session, cohort, person_id),
        submission=found,
        reviews=peer_items(session, cohort, person_id),
        attempts=released(session, cohort, person_id),
        calendar=replace(
            own, results_at=calendars.results_of(session, found) if found else own.results_at
        ),
        due_at=due_at,
        closes_at=closes_at,
        hearing=hearing(session, cohort, person_id),
        own=next((member for member in group if member.person_id == person_id), None),
        group=group,
        objections=group_members.objections(session, found) if found and grouped else [],
        invitations=group_members.invitations(session, cohort, person_id) if grouped else [],
    )


@dataclass(frozen=True)
class Comment:
    """What one rater wrote on one criterion, under a name that tells only the kind of rater."""

    label: tuple[str, str]
    level: int
    text: str


def comments(session: Session, found: Grade) -> dict[str, list[Comment]]:
    """List every rater's level and comment by criterion code, in a stable order.

    All raters whose readings were sealed before the release are heard, not only those who count.
    """
    rows = list(
        session.execute(
            select(Allocation.id, Allocation.pool, Rating.criterion, Rating.level, Rating.comment)
            .join(Allocation, Allocation.id == Rating.allocation_id)
            .where(
                Rating.submission_id == found.submission_id,
                Allocation.sealed_at <= found.released_at,
            )
            .order_by(*READING_ORDER, Rating.criterion)
        )
    )
    signs = reading_signs((allocation_id, pool) for allocation_id, pool, *_ in rows)
    heard: dict[str, list[Comment]] = {}
    for allocation_id, pool, criterion, level, text in rows:
        heard.setdefault(criterion, []).append(Comment((pool, signs[allocation_id]), level, text))
    return heard


@dataclass(frozen=True)
class Column:
    """One reading in the table of how a result was worked out.

    Attributes
    ----------
    label : (pool, sign)
        As in `Comment`.
    levels : mapping of criterion to level
        Of what counted.
    share : float
        How much of the professionals' composite is this reading's; 0 for a peer's.
    severity : float
        Points added to it; positive: its grader is stricter than the panel.
    """

    label: tuple[str, str]
    levels: dict[str, int]
    share: float
    severity: float


def worked_out(session: Session, found: Grade) -> list[Column]:
    """List the readings that a result rests on, with what each weighs; in the order of `comments`."""
    score = found.score
    rows = session.execute(
        select(Allocation.id, Allocation.pool, Rating.id, Rating.criterion, Rating.level)
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(
            Rating.submission_id == found.submission_id,
            Allocation.sealed_at <= found.released_at,
        )
        .order_by(*READING_ORDER, Rating.criterion)
    ).all()
    detail = score.adjustment or {}
    adjusted = {one["allocation"]: one for one in detail.get("readings", ())}
    resting = set(score.rating_ids)
    pools = {allocation_id: pool for allocation_id, pool, *_ in rows}
    signs = reading_signs(pools.items())
    levels: dict[str, dict[str, int]] = {}
    for allocation_id, _pool, rating_id, criterion, level in rows:
        if rating_id in resting:
            levels.setdefault(allocation_id, {})[criterion] = level
    professionals = sum(pools[allocation_id] == Pool.PROFESSIONAL for allocation_id in levels)
    columns = []
    for allocation_id, counted in levels.items():
        pool = pools[allocation_id]
        adjustment = adjusted.get(allocation_id)
        equal = 1 / professionals if pool == Pool.PROFESSIONAL else 0.0
        columns.append(
            Column(
                label=(pool, signs[allocation_id]),
                levels=counted,
                share=adjustment["share"] if adjustment else equal,
                severity=adjustment["severity"] if adjustment else 0.0,
            )
        )
    return columns


def overall_comments(session: Session, found: Grade) -> list[str]:
    """List what raters wrote on the work as a whole."""
    return [
        text
        for text in session.scalars(
            select(Review.comment)
            .join(Allocation, Allocation.id == Review.allocation_id)
            .where(
                Allocation.submission_id == found.submission_id,
                Allocation.sealed_at <= found.released_at,
            )
            .order_by(*READING_ORDER)
        )
        if text
    ]


def record(session: Session, cohort: Cohort, person_id: str) -> CredentialRecord | None:
    """Find the learner's record of the cohort's program."""
    return session.scalar(
        select(CredentialRecord).where(
            CredentialRecord.program_id == cohort.program_id,
            CredentialRecord.person_id == person_id,
            CredentialRecord.state != RecordState.REPLACED,
        )
    )
