"""The calendar of real life: more time for one person, and a grader's absence."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, Versioned, one_of, state_of
from grading.models.person import Person
from grading.workflow.calendar import EXTENSION_MACHINE, ExtensionKind, ExtensionState


class Extension(Identified, Versioned, Base):
    """Days by which every date of one learner moves. Nobody who scores ever learns of it."""

    __tablename__ = "extension"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=ExtensionState.GRANTED)
    days: Mapped[int]
    reason: Mapped[str]
    granted_by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    granted_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    granted_by: Mapped[Person] = relationship(foreign_keys=[granted_by_id])

    __table_args__ = (
        Index("ix_extension_cohort_id_person_id", "cohort_id", "person_id"),
        state_of(EXTENSION_MACHINE),
        one_of("kind", ExtensionKind),
        CheckConstraint("days > 0", name="days"),
    )

    @property
    def chain(self) -> str:
        """Apart from the cohort's chain, which those who score may read."""
        return "calendar:" + self.cohort_id


class Absence(OfCohort, Base):
    """A grader is away. What they have not begun goes to their cover, or to whoever is free."""

    __tablename__ = "absence"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    cover_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    declared_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    cover: Mapped[Person | None] = relationship(foreign_keys=[cover_id])

    __table_args__ = (
        Index("ix_absence_cohort_id_person_id", "cohort_id", "person_id"),
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("cover_id IS NULL OR cover_id <> person_id", name="cover"),
    )
