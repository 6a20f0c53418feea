"""Whose a submission is: every question about it goes through its members, of whom a single work has one."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from grading.batches import batches
from grading.models import Cohort, MemberPoints, Objection, Person, Submission, SubmissionMember
from grading.models.conditions import is_member
from grading.paging import Page, page_of
from grading.workflow.group import PRESENT, MemberState, ObjectionState

_ANY = tuple(MemberState)


def people(
    session: Session, submission: Submission, states: Sequence[str] = (MemberState.JOINED,)
) -> list[Person]:
    """List the members of a work; who began it, or took it over, is the first."""
    found = [member.person for member in rows(session, submission, states)]
    return sorted(found, key=lambda person: person.id != submission.learner_id)


def rows(
    session: Session, submission: Submission, states: Sequence[str] = _ANY
) -> list[SubmissionMember]:
    """List the parts in a work, oldest first."""
    return list(
        session.scalars(
            select(SubmissionMember)
            .options(joinedload(SubmissionMember.person))
            .where(
                SubmissionMember.submission_id == submission.id,
                SubmissionMember.state.in_(states),
            )
            .order_by(SubmissionMember.since, SubmissionMember.id)
        )
    )


def part(session: Session, submission: Submission, person_id: str) -> SubmissionMember | None:
    """Find a person's part in a work, whatever became of it."""
    return session.scalar(
        select(SubmissionMember).where(
            SubmissionMember.submission_id == submission.id,
            SubmissionMember.person_id == person_id,
        )
    )


def has(session: Session, submission: Submission, person_id: str) -> bool:
    """Say whether a person is a member of a work now."""
    found = part(session, submission, person_id)
    return found is not None and found.state == MemberState.JOINED


def newest(session: Session, cohort: Cohort, person_id: str) -> Submission | None:
    """Find a learner's latest attempt, one that they withdrew from included."""
    return session.scalar(
        select(Submission)
        .where(Submission.cohort_id == cohort.id, is_member(person_id, PRESENT))
        .order_by(Submission.attempt.desc())
        .limit(1)
    )


def invitations(session: Session, cohort: Cohort, person_id: str) -> list[SubmissionMember]:
    """List what a learner is asked to join."""
    return list(
        session.scalars(
            select(SubmissionMember)
            .where(
                SubmissionMember.cohort_id == cohort.id,
                SubmissionMember.person_id == person_id,
                SubmissionMember.state == MemberState.INVITED,
            )
            .order_by(SubmissionMember.since, SubmissionMember.id)
        )
    )


def by_submission(session: Session, cohort: Cohort) -> dict[str, list[str]]:
    """Give the ids of the members of every work of a cohort."""
    found: dict[str, list[str]] = {}
    for submission_id, person_id in session.execute(
        select(SubmissionMember.submission_id, SubmissionMember.person_id).where(
            SubmissionMember.cohort_id == cohort.id,
            SubmissionMember.state == MemberState.JOINED,
        )
    ):
        found.setdefault(submission_id, []).append(person_id)
    return found


def objections(
    session: Session, submission: Submission, *, only_open: bool = False
) -> list[Objection]:
    """List the objections to a work, oldest first."""
    statement = select(Objection).where(Objection.submission_id == submission.id)
    if only_open:
        statement = statement.where(Objection.state == ObjectionState.OPEN)
    return list(session.scalars(statement.order_by(Objection.made_at, Objection.id)))


def points(session: Session, submission: Submission, person_id: str) -> MemberPoints | None:
    """Find what one member has more or fewer than the others; None where it is nothing."""
    return points_of(session, [submission.id]).get((submission.id, person_id))


def points_of(
    session: Session, submission_ids: Iterable[str]
) -> dict[tuple[str, str], MemberPoints]:
    """Give what members have more or fewer than the others, by work and person; none is left out."""
    found: dict[tuple[str, str], MemberPoints] = {}
    for ids in batches(submission_ids):
        rows = session.scalars(
            select(MemberPoints)
            .where(MemberPoints.submission_id.in_(ids))
            .order_by(MemberPoints.number)
        )
        found |= {(row.submission_id, row.person_id): row for row in rows}
    return {key: row for key, row in found.items() if row.points}


def people_of(session: Session, works: Sequence[Submission]) -> dict[str, list[Person]]:
    """Give the members of several works at once, each as `people` does."""
    found: dict[str, list[Person]] = {work.id: [] for work in works}
    for ids in batches(found):
        for member in session.scalars(
            select(SubmissionMember)
            .options(joinedload(SubmissionMember.person))
            .where(
                SubmissionMember.submission_id.in_(ids),
                SubmissionMember.state == MemberState.JOINED,
            )
            .order_by(SubmissionMember.since, SubmissionMember.id)
        ):
            found[member.submission_id].append(member.person)
    for work in works:
        found[work.id].sort(key=lambda person: person.id != work.learner_id)
    return found


def groups(session: Session, cohort: Cohort, *, page: int) -> Page[Submission]:
    """Give one page of a cohort's groups, newest last.

    A group is a work with a name, or one that more than one person is in or asked to join.
    """
    several = (
        select(func.count())
        .select_from(SubmissionMember)
        .where(
            SubmissionMember.submission_id == Submission.id,
            SubmissionMember.state.in_((*PRESENT, MemberState.INVITED)),
        )
        .correlate(Submission)
        .scalar_subquery()
    )
    condition = (
        Submission.cohort_id == cohort.id,
        several > 0,
        (several > 1) | (Submission.group_name != ""),
    )
    statement = (
        select(Submission)
        .where(*condition)
        .order_by(Submission.group_name, Submission.created_at, Submission.id)
    )
    return page_of(session, statement, page)


def rows_of(session: Session, works: Sequence[Submission]) -> dict[str, list[SubmissionMember]]:
    """Give the parts in several works at once, oldest first."""
    found: dict[str, list[SubmissionMember]] = {work.id: [] for work in works}
    for member in session.scalars(
        select(SubmissionMember)
        .options(joinedload(SubmissionMember.person))
        .where(SubmissionMember.submission_id.in_(list(found)))
        .order_by(SubmissionMember.since, SubmissionMember.id)
    ):
        found[member.submission_id].append(member)
    return found


def open_objections(session: Session, cohort: Cohort) -> list[Objection]:
    """List the objections of a cohort that somebody has to decide, oldest first."""
    return list(
        session.scalars(
            select(Objection)
            .options(joinedload(Objection.person), joinedload(Objection.submission))
            .where(Objection.cohort_id == cohort.id, Objection.state == ObjectionState.OPEN)
            .order_by(Objection.made_at, Objection.id)
        )
    )
