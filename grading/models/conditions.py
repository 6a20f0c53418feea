"""Conditions of SQL that several subjects ask of the same tables, each written once."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.models import (
    CredentialRecord,
    Grade,
    Membership,
    Person,
    Submission,
    SubmissionMember,
)
from grading.workflow.cohort import Role
from grading.workflow.credential import RecordState
from grading.workflow.group import MemberState

_account = aliased(Person, name="open_account")

Id = str | InstrumentedAttribute[str]
OptionalId = Id | InstrumentedAttribute[str | None] | None


def has_part(
    *roles: Role, cohort_id: OptionalId = None, person_id: OptionalId = None
) -> ColumnElement[bool]:
    """Whether a `Membership` of the enclosing statement has not ended, whatever became of the account.

    Parameters
    ----------
    *roles : Role
        Only these; any when there is none.
    cohort_id, person_id : str or column, optional
        Only in this cohort, only of this person.
    """
    conditions: list[ColumnElement[bool]] = [Membership.ended_at.is_(None)]
    if roles:
        conditions.append(Membership.role.in_(roles))
    if cohort_id is not None:
        conditions.append(Membership.cohort_id == cohort_id)
    if person_id is not None:
        conditions.append(Membership.person_id == person_id)
    return and_(*conditions)


def takes_part(
    *roles: Role, cohort_id: OptionalId = None, person_id: OptionalId = None
) -> ColumnElement[bool]:
    """Whether a `Membership` of the enclosing statement is in force now: not ended, its account open.

    Parameters are those of `has_part`.
    """
    account_is_open = (
        select(_account.id)
        .where(_account.id == Membership.person_id, _account.active.is_(True))
        .correlate_except(_account)
        .exists()
    )
    return and_(has_part(*roles, cohort_id=cohort_id, person_id=person_id), account_is_open)


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
