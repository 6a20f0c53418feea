"""Small questions about a person and a record that a role does not answer."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import batches
from grading.models import SubmissionMember
from grading.workflow.group import TOOK_PART


def has_own_interest(session: Session, person_id: str, submission_ids: Iterable[str]) -> bool:
    """Whether a person ever had a part in one of some works, so that they judge nothing about it.

    Whoever looks at readings, signs or decides is asked this, whatever their role.
    """
    return any(
        session.scalar(
            select(SubmissionMember.id)
            .where(
                SubmissionMember.submission_id.in_(ids),
                SubmissionMember.person_id == person_id,
                SubmissionMember.state.in_(TOOK_PART),
            )
            .limit(1)
        )
        is not None
        for ids in batches(submission_ids)
    )
