"""Conditions of SQL that several subjects ask of the same tables, each written once."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.models import CredentialRecord, Grade, Submission, SubmissionMember
from grading.workflow.credential import RecordState
from grading.workflow.group import MemberState


def is_member(
    person_id: str | InstrumentedAttribute[str],
    states: Sequence[str] = (MemberState.JOINED,),
    *,
    of: InstrumentedAttribute[str] = Submission.id,
) -> ColumnElement[bool]:
    """Whether a person is in a work of the enclosing statement; ``of`` is the column with its id."""
    member = aliased(SubmissionMember)
    return (
        select(member.id)
        .where(member.submission_id == of, member.person_id == person_id, member.state.in_(states))
        .correlate_except(member)
        .exists()
    )


def in_force() -> ColumnElement[bool]:
    """Whether a `Grade` of the enclosing statement is the one that counts for its learner."""
    later = aliased(Grade)
    return ~exists().where(
        later.submission_id == Grade.submission_id,
        later.person_id == Grade.person_id,
        later.number > Grade.number,
    )


def is_current_record() -> ColumnElement[bool]:
    """Whether a `CredentialRecord` of the enclosing statement is the one that no other replaces."""
    return CredentialRecord.state != RecordState.REPLACED
