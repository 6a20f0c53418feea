"""Whether a learner is entitled to a credential; never asked on a page of somebody who scores."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Entitlement, Program
from grading.workflow.credential import EntitlementState


def find(
    session: Session, program: Program, person_id: str, course_id: str | None
) -> Entitlement | None:
    """Find the entitlement for a course, or for the capstone (no course)."""
    return session.scalar(
        select(Entitlement).where(
            Entitlement.program_id == program.id,
            Entitlement.person_id == person_id,
            Entitlement.course_id.is_(None)
            if course_id is None
            else Entitlement.course_id == course_id,
        )
    )


def entitled(session: Session, program: Program, person_id: str, course_id: str | None) -> bool:
    """Say whether it is paid, waived or sponsored, or whether the program does not ask."""
    if not program.entitlement_required:
        return True
    found = find(session, program, person_id, course_id)
    return found is not None and found.state != EntitlementState.REFUNDED
