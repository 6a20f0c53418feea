"""Who may submit: an enrolled learner with the completions the program demands."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from grading.models import Cohort, Completion, Course


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


def courses(session: Session, program_id: str, person_id: str, *, on: date) -> list[CourseStanding]:
    """Say how each course of a program stands with a learner on a day, in the program's order."""
    rows = session.execute(
        select(Course, Completion)
        .join(
            Completion,
            and_(Completion.course_id == Course.id, Completion.person_id == person_id),
            isouter=True,
        )
        .where(Course.program_id == program_id)
        .order_by(Course.position)
    )
    found = []
    for course, completion in rows:
        expires = (
            add_months(completion.completed_on, course.expires_months)
            if completion is not None and course.expires_months
            else None
        )
        found.append(
            CourseStanding(course, completion, expires, expires is not None and expires < on)
        )
    return found


def missing_courses(session: Session, cohort: Cohort, person_id: str) -> list[Course]:
    """List the required courses without a completion that holds on the cohort's opening day."""
    on = cohort.opens_at.astimezone(cohort.zone).date()
    return [
        standing.course
        for standing in courses(session, cohort.program_id, person_id, on=on)
        if standing.course.required and not standing.counts
    ]
