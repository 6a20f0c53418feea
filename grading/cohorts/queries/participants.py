"""What whoever looks after a cohort's calendar sees: learners to find, time granted, graders away."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from grading.models import Absence, Cohort, Extension, Membership, Person
from grading.models.conditions import takes_part
from grading.workflow.calendar import ExtensionState
from grading.workflow.cohort import Role

FOUND = 20
LISTED = 500


def with_roles(session: Session, cohort: Cohort, *roles: Role) -> list[Person]:
    """List the people who have one of the roles now, by address, so that a seed repeats a draw."""
    return list(
        session.scalars(
            select(Person)
            .where(
                Person.id.in_(
                    select(Membership.person_id).where(takes_part(*roles, cohort_id=cohort.id))
                )
            )
            .order_by(Person.email)
        )
    )


def has_role(session: Session, cohort: Cohort, person: Person, role: Role) -> bool:
    """Whether a person has a role in a cohort now."""
    return (
        session.scalar(
            select(Membership.id).where(
                takes_part(role, cohort_id=cohort.id, person_id=person.id),
            )
        )
        is not None
    )


def learners(session: Session, cohort: Cohort, text: str) -> Sequence[Person]:
    """Find learners by a part of their name or address, in the order of their names."""
    wanted = text.strip().lower()
    return list(
        session.scalars(
            select(Person)
            .join(Membership, Membership.person_id == Person.id)
            .where(
                takes_part(Role.LEARNER, cohort_id=cohort.id),
                or_(
                    func.lower(Person.name).contains(wanted, autoescape=True),
                    func.lower(Person.email).contains(wanted, autoescape=True),
                ),
            )
            .order_by(Person.name, Person.id)
            .limit(FOUND)
        )
    )


def learner(session: Session, cohort: Cohort, person_id: str) -> Person | None:
    """Find one learner of a cohort."""
    return session.scalar(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Person.id == person_id,
            takes_part(Role.LEARNER, cohort_id=cohort.id),
        )
    )


def extensions(
    session: Session, cohort: Cohort, *, granted: bool, person_id: str | None = None
) -> Sequence[Extension]:
    """List extensions and adjustments, the newest first."""
    found = (
        select(Extension)
        .options(selectinload(Extension.person), selectinload(Extension.granted_by))
        .where(
            Extension.cohort_id == cohort.id,
            (Extension.state == ExtensionState.GRANTED) == granted,
        )
        .order_by(Extension.granted_at.desc(), Extension.id)
        .limit(LISTED)
    )
    if person_id is not None:
        found = found.where(Extension.person_id == person_id)
    return list(session.scalars(found))


def graders(session: Session, cohort: Cohort) -> Sequence[Person]:
    """List the graders of a cohort, by name."""
    return list(
        session.scalars(
            select(Person)
            .join(Membership, Membership.person_id == Person.id)
            .where(
                takes_part(Role.GRADER, cohort_id=cohort.id),
            )
            .order_by(Person.name, Person.id)
        )
    )


def absences(
    session: Session, cohort: Cohort, *, now: datetime, person_id: str | None = None
) -> Sequence[Absence]:
    """List absences that are not over, the next first."""
    found = (
        select(Absence)
        .options(selectinload(Absence.person), selectinload(Absence.cover))
        .where(
            Absence.cohort_id == cohort.id,
            Absence.ended_at.is_(None),
            Absence.ends_at > now,
        )
        .order_by(Absence.starts_at, Absence.id)
        .limit(LISTED)
    )
    if person_id is not None:
        found = found.where(Absence.person_id == person_id)
    return list(session.scalars(found))
