"""Which of a learner's grades of a submission is in force: the latest, because a later one replaces."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from grading.models import Grade


def in_force() -> ColumnElement[bool]:
    """Whether a `Grade` of the enclosing statement is the one that counts for its learner."""
    later = aliased(Grade)
    return ~exists().where(
        later.submission_id == Grade.submission_id,
        later.person_id == Grade.person_id,
        later.number > Grade.number,
    )


def values_in_force(session: Session, submission_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """Give the values that count for some works now, by submission and person."""
    rows = session.execute(
        select(Grade.submission_id, Grade.person_id, Grade.value).where(
            Grade.submission_id.in_(list(submission_ids)), in_force()
        )
    )
    return {(submission_id, person_id): value for submission_id, person_id, value in rows}
