"""Who asks: a person with their parts in one cohort, or with none."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Membership, Person
from grading.workflow.cohort import Role


@dataclass(frozen=True)
class Identity:
    """A person and the roles they have where they ask."""

    person: Person | None
    roles: frozenset[Role] = field(default_factory=frozenset)

    @property
    def administrator(self) -> bool:
        return self.person is not None and self.person.administrator


def identify(session: Session, person: Person | None, cohort_id: str | None) -> Identity:
    """Read a person's present roles in a cohort; one query, none for a stranger."""
    if person is None or cohort_id is None:
        return Identity(person)
    rows = session.scalars(
        select(Membership.role).where(
            Membership.cohort_id == cohort_id,
            Membership.person_id == person.id,
            Membership.ended_at.is_(None),
        )
    )
    return Identity(person, frozenset(Role(row) for row in rows))
