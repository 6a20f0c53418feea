"""Appeals, struck readings and requests for explanation: what a learner asks about a released result."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, OfCohort, Versioned, partial_index, state_of
from grading.models.person import Person
from grading.models.release import Grade
from grading.models.review import Allocation
from grading.models.score import Score
from grading.models.submission import Submission
from grading.workflow.appeal import EXPLANATION_MACHINE, MACHINE, AppealState, ExplanationState


class Appeal(OfCohort, Versioned, Base):
    """A learner asks that a released result be looked at by somebody who has not scored it.

    ``allocation_id`` is the re-mark; without one the decision was not blind. ``score_id`` is what the
    readings amount to with the re-mark, ``amended_id`` the grade that replaced the old one, if any.
    """

    __tablename__ = "appeal"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    grade_id: Mapped[str] = mapped_column(ForeignKey("grade.id"))
    learner_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), default=AppealState.OPEN)
    criteria: Mapped[list[Any]]
    reason: Mapped[str]
    made_at: Mapped[datetime]
    decide_by: Mapped[datetime]
    blind: Mapped[bool] = mapped_column(default=True)
    allocation_id: Mapped[str | None] = mapped_column(ForeignKey("allocation.id"), unique=True)
    decided_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    score_id: Mapped[str | None] = mapped_column(ForeignKey("score.id"))
    amended_id: Mapped[str | None] = mapped_column(ForeignKey("grade.id"))

    submission: Mapped[Submission] = relationship()
    grade: Mapped[Grade] = relationship(foreign_keys=[grade_id])
    amended: Mapped[Grade | None] = relationship(foreign_keys=[amended_id])
    score: Mapped[Score | None] = relationship()
    allocation: Mapped[Allocation | None] = relationship()

    __table_args__ = (
        Index("ix_appeal_cohort_id_state", "cohort_id", "state"),
        partial_index(
            "uq_appeal_pending", "submission_id", unique=True, where="state IN ('open', 'remarked')"
        ),
        state_of(MACHINE),
        CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR "
            "(decided_at IS NOT NULL AND decided_by_id IS NOT NULL AND answer IS NOT NULL)",
            name="decided",
        ),
    )


class StruckReading(Base):
    """A sealed reading that no longer counts, for a recorded fault; the sheet itself stays.

    ``criteria`` are the ones the fault touches: the same reader's other works are looked at for these.
    """

    __tablename__ = "struck_reading"

    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"), primary_key=True)
    fault: Mapped[str]
    criteria: Mapped[list[Any]]
    by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]

    allocation: Mapped[Allocation] = relationship()


class Explanation(OfCohort, Versioned, Base):
    """A question about a result, answered by a reader of the work; the score cannot change by it."""

    __tablename__ = "explanation"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    grade_id: Mapped[str] = mapped_column(ForeignKey("grade.id"))
    learner_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(20), default=ExplanationState.OPEN)
    criteria: Mapped[list[Any]]
    question: Mapped[str]
    asked_at: Mapped[datetime]
    answer_by: Mapped[datetime]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))

    submission: Mapped[Submission] = relationship()
    owner: Mapped[Person | None] = relationship(foreign_keys=[owner_id])

    __table_args__ = (
        Index("ix_explanation_owner_id_state", "owner_id", "state"),
        Index("ix_explanation_cohort_id_state", "cohort_id", "state"),
        state_of(EXPLANATION_MACHINE),
        CheckConstraint("state <> 'answered' OR answer IS NOT NULL", name="answered"),
    )
