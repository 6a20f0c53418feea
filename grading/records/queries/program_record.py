"""A learner's program record: courses, attempts, hours, and what is missing for what."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from grading.models import (
    Cohort,
    Completion,
    Course,
    CredentialRecord,
    Grade,
    Membership,
    Program,
    RecordEntry,
    Submission,
)
from grading.models.conditions import in_force, is_current_record, is_member, takes_part
from grading.programs.queries import course_standings
from grading.programs.queries.course_standings import CourseStanding
from grading.workflow.cohort import CohortState, Role
from grading.workflow.deadlines import last_day_over, local_day
from grading.workflow.group import PRESENT


@dataclass(frozen=True)
class Attempt:
    """One attempt at the capstone; without a grade nothing is released yet."""

    cohort: Cohort
    submission: Submission
    grade: Grade | None
    counts: bool


@dataclass(frozen=True)
class Reach:
    """The earliest cohort in which a learner could hand in, and what is missing for it."""

    cohort: Cohort
    enrolled: bool
    missing: Sequence[Course]


@dataclass(frozen=True)
class ProgramRecord:
    """All a learner's page shows of one program.

    Attributes
    ----------
    hours : float
        Of completed courses, and of the capstone once passed.
    began_on, passed_on : date or None
        The first completion, and the day on which the result that counts was released, if passed.
    updated_at : datetime or None
        When anything in it changed last.
    """

    program: Program
    record: CredentialRecord | None
    courses: Sequence[CourseStanding]
    attempts: Sequence[Attempt]
    hours: float
    began_on: date | None
    passed_on: date | None
    updated_at: datetime | None
    reach: Reach | None

    @property
    def completed(self) -> int:
        return sum(one.completion is not None for one in self.courses)

    @property
    def days_taken(self) -> int | None:
        """Days from the first completion to the passed capstone; None before both are there."""
        if self.began_on is None or self.passed_on is None:
            return None
        return max((self.passed_on - self.began_on).days, 0)

    @property
    def counting(self) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.counts), None)


def learns_in(session: Session, program_id: str, person_id: str) -> bool:
    """Say whether a person learns in a program: enrolled once, or with a course completed."""
    enrolled = (
        select(Membership.id)
        .join(Cohort, Cohort.id == Membership.cohort_id)
        .where(
            Cohort.program_id == program_id,
            Membership.person_id == person_id,
            Membership.role == Role.LEARNER,
        )
    )
    completed = (
        select(Completion.id)
        .join(Course, Course.id == Completion.course_id)
        .where(Course.program_id == program_id, Completion.person_id == person_id)
    )
    return session.scalar(enrolled.union_all(completed).limit(1)) is not None


def gather(session: Session, program: Program, person_id: str, *, now: datetime) -> ProgramRecord:
    """Gather a learner's record of a program, in a fixed number of queries."""
    courses = course_standings.courses(session, program.id, person_id, over=last_day_over(now))
    entered = (
        select(func.max(RecordEntry.added_at))
        .where(RecordEntry.record_id == CredentialRecord.id)
        .scalar_subquery()
    )
    found = session.execute(
        select(CredentialRecord, entered).where(
            CredentialRecord.program_id == program.id,
            CredentialRecord.person_id == person_id,
            is_current_record(),
        )
    ).one_or_none()
    record, last_entry = found if found is not None else (None, None)
    attempts = _attempts(session, program, person_id)
    counting = next((one for one in attempts if one.counts), None)
    passed = counting.grade if counting and counting.grade and counting.grade.passed else None
    completions = [one.completion for one in courses if one.completion is not None]
    hours = sum(one.course.hours or 0 for one in courses if one.completion is not None)
    if passed is not None:
        hours += program.capstone_hours or 0
    changes = [one.recorded_at for one in completions]
    changes += [one.grade.released_at for one in attempts if one.grade is not None]
    if record is not None:
        changes += [
            at for at in (record.created_at, record.revoked_at, last_entry) if at is not None
        ]
    return ProgramRecord(
        program=program,
        record=record,
        courses=courses,
        attempts=attempts,
        hours=hours,
        began_on=min((one.completed_on for one in completions), default=None),
        passed_on=local_day(passed.released_at, counting.cohort.zone)
        if passed is not None and counting is not None
        else None,
        updated_at=max(changes, default=None),
        reach=None if passed is not None else _reach(session, program, person_id, now),
    )


def counting_grade(newest_first: Sequence[Grade]) -> Grade | None:
    """Say which of several attempts' results counts: the highest value, the earlier of equals."""
    return max(reversed(newest_first), key=lambda grade: float(grade.value), default=None)


def _attempts(session: Session, program: Program, person_id: str) -> list[Attempt]:
    rows = session.execute(
        select(Submission, Cohort, Grade)
        .join(Cohort, Cohort.id == Submission.cohort_id)
        .join(
            Grade,
            and_(Grade.submission_id == Submission.id, Grade.person_id == person_id, in_force()),
            isouter=True,
        )
        .where(Cohort.program_id == program.id, is_member(person_id, PRESENT))
        .order_by(Cohort.opens_at.desc(), Submission.attempt.desc())
    ).all()
    counting = counting_grade([grade for _, _, grade in rows if grade is not None])
    return [
        Attempt(
            cohort,
            submission,
            grade,
            grade is not None and counting is not None and grade.id == counting.id,
        )
        for submission, cohort, grade in rows
    ]


def _reach(session: Session, program: Program, person_id: str, now: datetime) -> Reach | None:
    """Find the first cohort that can still be handed in to, of those one is in before the others."""
    mine = (
        select(func.count())
        .select_from(Membership)
        .where(
            takes_part(Role.LEARNER, cohort_id=Cohort.id, person_id=person_id),
        )
        .scalar_subquery()
    )
    row = session.execute(
        select(Cohort, mine)
        .where(
            Cohort.program_id == program.id,
            Cohort.state != CohortState.ENDED,
            Cohort.closes_at > now,
        )
        .order_by(Cohort.due_at, Cohort.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    cohort, enrolled = row
    return Reach(
        cohort, bool(enrolled), course_standings.missing_courses(session, cohort, person_id)
    )


COLUMNS = (
    "kind", "title", "date", "hours", "identity_assurance", "via", "expires_on", "cohort", "attempt",
    "level", "score", "passed", "counts", "signed",
)  # fmt: skip


def lines(program_record: ProgramRecord, vouched: Container[str]) -> list[dict[str, Any]]:
    """Write a record as plain rows with `COLUMNS`, for files; what is not known is None.

    Parameters
    ----------
    vouched : container of str
        Ids of the courses and grades for which a signed credential in force vouches.
    """
    rows: list[dict[str, Any]] = []
    for one in program_record.courses:
        done = one.completion
        rows.append(
            {
                "kind": "course",
                "title": one.course.title,
                "date": done.completed_on.isoformat() if done else None,
                "hours": one.course.hours if done else None,
                "identity_assurance": done.identity_assurance if done else None,
                "via": done.via if done else None,
                "expires_on": one.expires_on.isoformat() if one.expires_on else None,
                "signed": one.course.id in vouched,
            }
        )
    for attempt in program_record.attempts:
        grade = attempt.grade
        zone = attempt.cohort.zone
        rows.append(
            {
                "kind": "capstone",
                "title": program_record.program.capstone_title,
                "date": local_day(grade.released_at, zone).isoformat() if grade else None,
                "hours": program_record.program.capstone_hours if grade and grade.passed else None,
                "cohort": attempt.cohort.name,
                "attempt": attempt.submission.attempt,
                "level": grade.band if grade else None,
                "score": grade.value if grade else None,
                "passed": grade.passed if grade else None,
                "counts": attempt.counts,
                "signed": grade is not None and grade.id in vouched,
            }
        )
    return [{column: row.get(column) for column in COLUMNS} for row in rows]


def current_record(
    session: Session, program_id: str, person_id: str, *, lock: bool = False
) -> CredentialRecord | None:
    """Find a learner's record of a program: the one that no other replaces."""
    statement = select(CredentialRecord).where(
        CredentialRecord.program_id == program_id,
        CredentialRecord.person_id == person_id,
        is_current_record(),
    )
    return session.scalar(statement.with_for_update() if lock else statement)
