"""Who asks: a person with their parts in one cohort, or with none."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Membership, Person, SponsorMember
from grading.models.conditions import takes_part
from grading.workflow.cohort import Role


@dataclass(frozen=True)
class Identity:
    """A person and what they are where they ask.

    Attributes
    ----------
    roles : frozenset of Role
        In the cohort they ask about.
    sponsors : frozenset of str
        Whose program office they work in.
    sponsor_id : str or None
        The sponsor they ask about.
    """

    person: Person | None
    roles: frozenset[Role] = field(default_factory=frozenset)
    sponsors: frozenset[str] = field(default_factory=frozenset)
    sponsor_id: str | None = None

    @property
    def administrator(self) -> bool:
        return self.person is not None and self.person.administrator

    @property
    def office(self) -> bool:
        """Whether they work in the program office of the sponsor they ask about."""
        return self.sponsor_id is not None and self.sponsor_id in self.sponsors


def identify(session: Session, person: Person | None, cohort_id: str | None) -> Identity:
    """Read a person's present roles in a cohort; one query, none for a stranger."""
    if person is None or cohort_id is None:
        return Identity(person)
    rows = session.scalars(
        select(Membership.role).where(
            takes_part(cohort_id=cohort_id, person_id=person.id),
        )
    )
    return Identity(person, frozenset(Role(row) for row in rows))


def sponsors_of(session: Session, person: Person) -> frozenset[str]:
    """List the sponsors in whose program office a person works now."""
    return frozenset(
        session.scalars(
            select(SponsorMember.sponsor_id).where(
                SponsorMember.person_id == person.id, SponsorMember.ended_at.is_(None)
            )
        )
    )
