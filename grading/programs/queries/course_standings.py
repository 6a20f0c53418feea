"""Who may submit: an enrolled learner with the completions the program demands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from grading.models import Cohort, Completion, Course
from grading.workflow.deadlines import local_day


@dataclass(frozen=True)
class CourseStanding:
    """One course of a program as it stands with one learner; a completion can be too old."""

    course: Course
    completion: Completion | None
    expires_on: date | None
    expired: bool

    @property
    def counts(self) -> bool:
        return self.completion is not None and not self.expired


def add_months(day: date, months: int) -> date:
    """Move a day by months; the 31st becomes the last day there is."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError(f"no such day {months} months from {day}")


def _standing(course: Course, completion: Completion | None, over: date) -> CourseStanding:
    expires = (
        add_months(completion.completed_on, course.expires_months)
        if completion is not None and course.expires_months
        else None
    )
    return CourseStanding(course, completion, expires, expires is not None and expires <= over)


def _rows(
    session: Session, program_ids: Iterable[str], person_id: str
) -> list[tuple[Course, Completion | None]]:
    rows = session.execute(
        select(Course, Completion)
        .join(
            Completion,
            and_(Completion.course_id == Course.id, Completion.person_id == person_id),
            isouter=True,
        )
        .where(Course.program_id.in_(list(program_ids)))
        .order_by(Course.program_id, Course.position)
    )
    return [(course, completion) for course, completion in rows]


def courses(
    session: Session, program_id: str, person_id: str, *, over: date
) -> list[CourseStanding]:
    """Say how each course of a program stands with a learner, in its order; ``over`` is the last day past."""
    return [
        _standing(course, completion, over)
        for course, completion in _rows(session, [program_id], person_id)
    ]


def missing_in(
    session: Session, cohorts: Sequence[Cohort], person_id: str
) -> dict[str, list[Course]]:
    """List, by cohort, the required courses without a completion that holds on its opening day.

    One query for all cohorts.
    """
    rows = _rows(session, {cohort.program_id for cohort in cohorts}, person_id)
    return {
        cohort.id: [
            course
            for course, completion in rows
            if course.program_id == cohort.program_id
            and course.required
            and not _standing(
                course, completion, local_day(cohort.opens_at, cohort.zone) - timedelta(days=1)
            ).counts
        ]
        for cohort in cohorts
    }


def missing_courses(session: Session, cohort: Cohort, person_id: str) -> list[Course]:
    """List the required courses without a completion that holds on the cohort's opening day."""
    return missing_in(session, [cohort], person_id)[cohort.id]
