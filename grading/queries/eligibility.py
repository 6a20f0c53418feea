"""Who may submit: an enrolled learner with the completions the program demands."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Cohort, Completion, Course


def missing_courses(session: Session, cohort: Cohort, person_id: str) -> list[Course]:
    """List the required courses a learner has not completed, in the program's order."""
    completed = (
        select(Completion.id)
        .where(Completion.course_id == Course.id, Completion.person_id == person_id)
        .exists()
    )
    return list(
        session.scalars(
            select(Course)
            .where(Course.program_id == cohort.program_id, Course.required.is_(True), ~completed)
            .order_by(Course.position)
        )
    )
