"""Which of a learner's grades of a submission is in force: the latest, because a later one replaces."""

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import aliased

from grading.models import Grade


def in_force() -> ColumnElement[bool]:
    """Whether a `Grade` of the enclosing statement is the one that counts for its learner."""
    later = aliased(Grade)
    return ~exists().where(
        later.submission_id == Grade.submission_id,
        later.person_id == Grade.person_id,
        later.number > Grade.number,
    )
