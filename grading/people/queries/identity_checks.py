"""Which identity check counts: for a name, and for a submission."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from grading.batches import batches
from grading.models import (
    Cohort,
    IdentityCheck,
    Membership,
    Person,
    Submission,
    SubmissionMember,
    SubmittedCopy,
)
from grading.models.conditions import is_member, takes_part
from grading.paging import Page, page_of
from grading.workflow.cohort import Role
from grading.workflow.credential import IdentityAssurance
from grading.workflow.group import MemberState

# From strongest to weakest, as a reader of a credential would weigh them.
STRENGTH = tuple(IdentityAssurance)


@dataclass(frozen=True)
class PresentName:
    """The name somebody goes by, how it was verified and on which day (UTC); None where nobody has."""

    name: str
    how: str | None = None
    checked_on: date | None = None


def present_name(session: Session, person: Person, *, now: datetime) -> PresentName:
    """Give the name of the latest check that holds; the account's, unverified, where there is none."""
    verified = verified_names(session, [person.id], now=now)
    return verified.get(person.id, PresentName(person.name))


def verified_names(
    session: Session, person_ids: Iterable[str], *, now: datetime
) -> dict[str, PresentName]:
    """Give the names of the latest checks that hold, by person; who has none is left out."""
    verified: dict[str, PresentName] = {}
    for ids in batches(person_ids):
        checks = session.execute(
            select(IdentityCheck.person_id, IdentityCheck.name, IdentityCheck.how, IdentityCheck.at)
            .where(
                IdentityCheck.person_id.in_(ids),
                # What somebody attests of themself verifies nothing.
                IdentityCheck.how != IdentityAssurance.ATTESTED,
                IdentityCheck.at <= now,
                or_(IdentityCheck.holds_until.is_(None), IdentityCheck.holds_until > now),
            )
            .order_by(IdentityCheck.at, IdentityCheck.id.desc())
        )
        for person_id, name, how, at in checks:
            verified[person_id] = PresentName(name, how, at.date())
    return verified


def check_behind(
    session: Session, submission: Submission, person_id: str, *, known_at: datetime
) -> IdentityCheck | None:
    """Find the check on which one member's part in a submission rests; None where only they attest it.

    The strongest of those that name the submission, else of those that held when it was handed in.

    Parameters
    ----------
    known_at : datetime
        Checks that were made later are left aside.
    """
    checks = session.scalars(
        select(IdentityCheck).where(
            IdentityCheck.person_id == person_id, IdentityCheck.at <= known_at
        )
    ).all()
    return _strongest(checks, submission)


def _strongest(checks: Sequence[IdentityCheck], submission: Submission) -> IdentityCheck | None:
    bound = [one for one in checks if one.submission_id == submission.id]
    general = [one for one in checks if one.submission_id is None and _held(one, submission)]
    return min(
        bound or general,
        key=lambda one: (STRENGTH.index(IdentityAssurance(one.how)), -one.at.timestamp(), one.id),
        default=None,
    )


def _held(check: IdentityCheck, submission: Submission) -> bool:
    at = submission.submitted_at
    return (
        at is not None and check.at <= at and (check.holds_until is None or at < check.holds_until)
    )


def _unchecked(person_id: Any, cohort_id: Any, now: datetime) -> ColumnElement[bool]:
    """Whether no check vouches for a member of a cohort: neither for their last work nor while it holds."""
    handed_in = (
        select(func.max(Submission.submitted_at))
        .where(Submission.cohort_id == cohort_id, is_member(person_id))
        .correlate_except(Submission)
        .scalar_subquery()
    )
    at = func.coalesce(handed_in, now)
    work = aliased(Submission)
    vouched = exists(
        select(IdentityCheck.id)
        .outerjoin(work, work.id == IdentityCheck.submission_id)
        .where(
            IdentityCheck.person_id == person_id,
            IdentityCheck.how != IdentityAssurance.ATTESTED,
            or_(
                and_(work.cohort_id == cohort_id, work.submitted_at == handed_in),
                and_(
                    IdentityCheck.submission_id.is_(None),
                    IdentityCheck.at <= at,
                    or_(IdentityCheck.holds_until.is_(None), IdentityCheck.holds_until > at),
                ),
            ),
        )
    )
    return ~vouched


def _waiting(cohort_ids: Sequence[str], except_for: str, now: datetime) -> ColumnElement[bool]:
    return and_(
        Membership.cohort_id.in_(cohort_ids),
        takes_part(Role.LEARNER),
        # Nobody checks their own identity.
        Membership.person_id != except_for,
        _unchecked(Membership.person_id, Membership.cohort_id, now),
    )


def unchecked_counts(
    session: Session, cohort_ids: Sequence[str], *, except_for: str, now: datetime
) -> dict[str, int]:
    """Count, by cohort, the learners whose identity nobody has checked; cohorts without any are left out."""
    if not cohort_ids:
        return {}
    rows = session.execute(
        select(Membership.cohort_id, func.count())
        .where(_waiting(cohort_ids, except_for, now))
        .group_by(Membership.cohort_id)
    )
    return dict(rows.all())


def unchecked_learners(
    session: Session, cohort: Cohort, *, except_for: str, now: datetime, page: int
) -> Page[Person]:
    """Give one page of the learners whose identity nobody has checked, by name."""
    statement = (
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(_waiting([cohort.id], except_for, now))
        .order_by(Person.name, Person.id)
    )
    return page_of(session, statement, page)


def last_works(
    session: Session, cohort: Cohort, person_ids: Sequence[str]
) -> dict[str, Submission]:
    """Find what some learners handed in last."""
    rows = session.execute(
        select(SubmissionMember.person_id, Submission)
        .join(Submission, Submission.id == SubmissionMember.submission_id)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.submitted_at.is_not(None),
            SubmissionMember.person_id.in_(person_ids),
            SubmissionMember.state == MemberState.JOINED,
        )
        .order_by(Submission.submitted_at)
    )
    return dict(rows.all())


def checks_of(session: Session, person_id: str) -> Sequence[IdentityCheck]:
    """List the checks of a person, the newest first, with who made them."""
    return session.scalars(
        select(IdentityCheck)
        .options(joinedload(IdentityCheck.by))
        .where(IdentityCheck.person_id == person_id)
        .order_by(IdentityCheck.at.desc(), IdentityCheck.id)
    ).all()


@dataclass(frozen=True)
class Assured:
    """How it is known whose work a submission is.

    ``copy`` holds the honour statement that was affirmed with exactly those files; ``check`` is None where
    only that vouches.
    """

    submission: Submission
    copy: SubmittedCopy | None
    check: IdentityCheck | None


def assurances_of(session: Session, works: Sequence[Submission], person_id: str) -> list[Assured]:
    """Say of several works of one learner how it is known that they are theirs; two queries."""
    copies = {
        (copy.submission_id, copy.digest): copy
        for copy in session.scalars(
            select(SubmittedCopy)
            .where(SubmittedCopy.submission_id.in_([work.id for work in works]))
            .order_by(SubmittedCopy.number)
        )
    }
    checks = checks_of(session, person_id)
    return [
        Assured(work, copies.get((work.id, work.digest or "")), _strongest(checks, work))
        for work in works
        if work.submitted_at is not None
    ]
