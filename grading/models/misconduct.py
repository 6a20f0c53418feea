"""Misconduct cases with their evidence."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import (
    Base,
    Identified,
    OfCohort,
    Versioned,
    one_of,
    partial_index,
    state_of,
)
from grading.models.person import Person
from grading.models.submission import Submission
from grading.workflow.misconduct import MACHINE, MisconductKind, MisconductState


class MisconductCase(OfCohort, Versioned, Base):
    """A suspicion about one submission. ``outcome`` is what the first of two deciders proposed."""

    __tablename__ = "misconduct_case"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    state: Mapped[str] = mapped_column(String(20), default=MisconductState.OPEN)
    kind: Mapped[str] = mapped_column(String(20))
    opened_by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[datetime]
    allegation: Mapped[str | None]
    answer_by: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str | None]
    proposed_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    decided_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]

    submission: Mapped[Submission] = relationship()
    opened_by: Mapped[Person] = relationship(foreign_keys=[opened_by_id])
    proposed_by: Mapped[Person | None] = relationship(foreign_keys=[proposed_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])
    evidence: Mapped[list["Evidence"]] = relationship(order_by="Evidence.at")

    __table_args__ = (
        Index("ix_misconduct_case_cohort_id_state", "cohort_id", "state"),
        partial_index(
            "uq_misconduct_case_pending",
            "submission_id",
            unique=True,
            where="state IN ('open', 'hearing', 'heard', 'proposed')",
        ),
        state_of(MACHINE),
        one_of("kind", MisconductKind),
        one_of("outcome", ("upheld", "dismissed")),
        CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR "
            "(decided_by_id IS NOT NULL AND proposed_by_id <> decided_by_id)",
            name="decided_by_two",
        ),
    )


class Evidence(Identified, Base):
    """What somebody saw, in words; only added, never changed. ``digest`` is that of the copy seen."""

    __tablename__ = "evidence"

    case_id: Mapped[str] = mapped_column(ForeignKey("misconduct_case.id"), index=True)
    by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    text: Mapped[str]
    source: Mapped[str] = mapped_column(default="")
    digest: Mapped[str | None] = mapped_column(String(64))

    by: Mapped[Person] = relationship()
