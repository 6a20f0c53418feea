"""Anchor papers, calibration attempts and standings."""

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
from grading.models.person import Person
from grading.models.review import Allocation
from grading.models.submission import Submission
from grading.workflow.calibration import (
    ANCHOR_MACHINE,
    ATTEMPT_MACHINE,
    CLEARED,
    STANDING_MACHINE,
    AnchorState,
    AnchorUse,
    AttemptKind,
    AttemptState,
    StandingState,
)


class AnchorPaper(OfCohort, Versioned, Base):
    """A work with a definitive level and a written reason on each criterion, agreed by two leads.

    ``source_id`` is the learner's work, ``submission_id`` the copy that raters read: it is never
    scored, and the readings of it never touch the work. ``rubric_digest`` says which rubric the levels
    are of; ``set_number`` puts it into one of several sets of one use.
    """

    __tablename__ = "anchor_paper"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"), index=True)
    source_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), unique=True)
    rubric_digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default=AnchorState.PROPOSED)
    use: Mapped[str | None] = mapped_column(String(20))
    set_number: Mapped[int | None]
    levels: Mapped[dict[str, Any] | None]
    reasons: Mapped[dict[str, Any] | None]
    proposed_by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    proposed_at: Mapped[datetime]
    agreed_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    agreed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    source: Mapped[Submission] = relationship(foreign_keys=[source_id])
    submission: Mapped[Submission] = relationship(foreign_keys=[submission_id])
    markings: Mapped[list["AnchorMarking"]] = relationship(order_by="AnchorMarking.at")

    __table_args__ = (
        Index("ix_anchor_paper_program_id_use", "program_id", "use"),
        partial_index(
            "uq_anchor_paper_source", "source_id", unique=True, where="state <> 'withdrawn'"
        ),
        state_of(ANCHOR_MACHINE),
        one_of("use", AnchorUse),
        CheckConstraint(
            "state <> 'agreed' OR (levels IS NOT NULL AND reasons IS NOT NULL AND use IS NOT NULL)",
            name="agreed",
        ),
    )


class AnchorMarking(Identified, Base):
    """What one lead gave an anchor paper, blind; kept beside the consensus."""

    __tablename__ = "anchor_marking"

    anchor_id: Mapped[str] = mapped_column(ForeignKey("anchor_paper.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    levels: Mapped[dict[str, Any]]
    reasons: Mapped[dict[str, Any]]
    at: Mapped[datetime]

    person: Mapped[Person] = relationship()

    __table_args__ = (UniqueConstraint("anchor_id", "person_id"),)


class CalibrationAttempt(OfCohort, Versioned, Base):
    """One go at practice or qualification in a cohort; its items are `AnchorReading`s."""

    __tablename__ = "calibration_attempt"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=AttemptState.OPEN)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # By criterion: verdict, shares, kappa and number of papers.
    outcome: Mapped[dict[str, Any] | None]

    person: Mapped[Person] = relationship()
    readings: Mapped[list["AnchorReading"]] = relationship()

    __table_args__ = (
        UniqueConstraint("cohort_id", "person_id", "kind", "number"),
        # One attempt at a time, whatever is pressed twice.
        partial_index(
            "uq_calibration_attempt_open",
            "cohort_id",
            "person_id",
            unique=True,
            where="state = 'open'",
        ),
        state_of(ATTEMPT_MACHINE),
        one_of("kind", AttemptKind),
    )


class AnchorReading(Base):
    """An allocation that is of an anchor paper; the rater's own page does not tell for a check item."""

    __tablename__ = "anchor_reading"

    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"), primary_key=True)
    anchor_id: Mapped[str] = mapped_column(ForeignKey("anchor_paper.id"), index=True)
    attempt_id: Mapped[str | None] = mapped_column(ForeignKey("calibration_attempt.id"), index=True)

    allocation: Mapped[Allocation] = relationship()
    anchor: Mapped[AnchorPaper] = relationship()


class Standing(OfCohort, Versioned, Base):
    """How a rater stands on one criterion of a rubric version, until it expires.

    It carries over to every cohort that is graded by the rubric version. ``cohort_id`` is where it last
    changed, and whose chain tells of that. ``cleared_by_id`` and ``reason`` are of one given by hand.
    """

    __tablename__ = "standing"

    rubric_version_id: Mapped[str] = mapped_column(ForeignKey("rubric_version.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    criterion: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(20), default=StandingState.NOT_QUALIFIED)
    since: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempt_id: Mapped[str | None] = mapped_column(ForeignKey("calibration_attempt.id"))
    cleared_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    cleared_by: Mapped[Person | None] = relationship(foreign_keys=[cleared_by_id])

    def clears(self, now: datetime) -> bool:
        """Whether it lets its rater grade on the criterion now."""
        return self.state in CLEARED and self.expires_at > now

    __table_args__ = (
        UniqueConstraint("rubric_version_id", "person_id", "criterion"),
        Index("ix_standing_person_id", "person_id"),
        state_of(STANDING_MACHINE),
    )
