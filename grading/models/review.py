"""Allocations, reviews and ratings: who reads what, and what they gave."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
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
from grading.models.cohort import Cohort
from grading.models.person import Person
from grading.models.submission import Submission
from grading.workflow.allocation import MACHINE, AllocationState, DeclineReason, Pool, Purpose


class Allocation(OfCohort, Versioned, Base):
    """One rater given one submission; without a rater it waits to be claimed.

    ``blind_code`` names the submission to this rater alone. ``covers_until`` is how long a lapsed hold
    still keeps the item from others; ``replaced`` says that somebody else has it now.
    """

    __tablename__ = "allocation"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    rater_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    pool: Mapped[str] = mapped_column(String(20))
    purpose: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=AllocationState.OPEN)
    blind_code: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime]
    held_since: Mapped[datetime | None]
    hold_until: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    undo_until: Mapped[datetime | None]
    sealed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    covers_until: Mapped[datetime | None]
    replaced: Mapped[bool] = mapped_column(default=False)
    decline_reason: Mapped[str | None] = mapped_column(String(30))
    decline_note: Mapped[str | None]

    cohort: Mapped[Cohort] = relationship()
    submission: Mapped[Submission] = relationship()
    rater: Mapped[Person | None] = relationship()
    review: Mapped["Review | None"] = relationship(back_populates="allocation")

    __table_args__ = (
        # Nobody reads a work twice, whatever the purpose.
        UniqueConstraint("submission_id", "rater_id"),
        UniqueConstraint("cohort_id", "blind_code"),
        Index("ix_allocation_rater_id_state", "rater_id", "state"),
        Index("ix_allocation_cohort_id_state", "cohort_id", "state"),
        partial_index("ix_allocation_open", "cohort_id", "pool", where="state = 'open'"),
        state_of(MACHINE),
        one_of("pool", Pool),
        one_of("purpose", Purpose),
        one_of("decline_reason", DeclineReason),
        CheckConstraint("state IN ('open', 'cancelled') OR rater_id IS NOT NULL", name="rater"),
        CheckConstraint(
            "state NOT IN ('finished', 'sealed') OR (finished_at IS NOT NULL AND undo_until IS NOT NULL)",
            name="finished",
        ),
        CheckConstraint("state <> 'declined' OR decline_reason IS NOT NULL", name="declined"),
    )


class Review(Identified, Versioned, Base):
    """A rater's sheet: levels and comments while they work; ratings once it is sealed.

    ``levels`` maps criterion code to level index, ``comments`` to text. ``digest`` is that of the copy
    that was read.
    """

    __tablename__ = "review"

    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"), unique=True)
    levels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    comments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    comment: Mapped[str] = mapped_column(default="")
    digest: Mapped[str] = mapped_column(String(64))
    saved_at: Mapped[datetime]

    allocation: Mapped[Allocation] = relationship(back_populates="review")


class Rating(Base):
    """The level a rater gave on one criterion; written once, when the sheet is sealed."""

    __tablename__ = "rating"

    id: Mapped[int] = mapped_column(primary_key=True)
    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"))
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    criterion: Mapped[str] = mapped_column(String(60))
    level: Mapped[int]
    comment: Mapped[str]
    created_at: Mapped[datetime]

    allocation: Mapped[Allocation] = relationship()

    __table_args__ = (
        UniqueConstraint("allocation_id", "criterion"),
        CheckConstraint("level >= 0", name="level"),
    )
