"""Who has seen what others gave: they can no longer score that work."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.models import Allocation, Exposure, Person, Submission
from grading.workflow.allocation import OUTSTANDING


def expose(session: Session, person: Person, submission: Submission, *, now: datetime) -> None:
    """Let a person see the readings of a work.

    Raises
    ------
    Refused
        They have the work to read themselves, and must finish or hand it back first.
    """
    if session.get(Exposure, (submission.id, person.id)) is not None:
        return
    reading = session.scalar(
        select(Allocation.id).where(
            Allocation.submission_id == submission.id,
            Allocation.rater_id == person.id,
            Allocation.state.in_(OUTSTANDING),
        )
    )
    if reading is not None:
        raise Refused("You are reading this project yourself. Finish it or hand it back first.")
    session.add(Exposure(submission_id=submission.id, person_id=person.id, at=now))
    audit.record(
        session, person, "submission:show_scores", submission, now=now, after={"person": person.id}
    )
