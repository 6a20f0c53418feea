"""Who is in a submission, objections of members, and points given or taken for one of them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, Versioned, partial_index, state_of
from grading.models.person import Person
from grading.models.submission import Submission
from grading.workflow.group import MEMBER_MACHINE, OBJECTION_MACHINE, MemberState, ObjectionState


class SubmissionMember(OfCohort, Versioned, Base):
    """One learner's part in one submission; a part that ended stays on record.

    ``cohort_id`` and ``attempt`` are the submission's, so that the database itself sees to it that a
    learner has one work an attempt.
    """

    __tablename__ = "submission_member"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=MemberState.INVITED)
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    invited_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))

    submission: Mapped[Submission] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    invited_by: Mapped[Person | None] = relationship(foreign_keys=[invited_by_id])

    __table_args__ = (
        UniqueConstraint("submission_id", "person_id"),
        partial_index(
            "uq_submission_member_one_work",
            "cohort_id",
            "person_id",
            "attempt",
            unique=True,
            where="state IN ('joined', 'withdrawn')",
        ),
        state_of(MEMBER_MACHINE),
        CheckConstraint("state <> 'withdrawn' OR ended_at IS NOT NULL", name="withdrawn"),
    )


class Objection(OfCohort, Versioned, Base):
    """A member does not stand by what another one handed in for all. ``copy`` is the number of it."""

    __tablename__ = "objection"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"), index=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    copy: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), default=ObjectionState.OPEN)
    reason: Mapped[str]
    made_at: Mapped[datetime]
    decided_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str | None]

    submission: Mapped[Submission] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        state_of(OBJECTION_MACHINE),
        CheckConstraint(
            "state NOT IN ('upheld', 'dismissed') OR "
            "(decided_by_id IS NOT NULL AND decided_at IS NOT NULL AND answer IS NOT NULL)",
            name="decided",
        ),
    )


class MemberPoints(Identified, Base):
    """Points of 100 that one member of a group has more or fewer than the group; the latest counts."""

    __tablename__ = "member_points"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    number: Mapped[int]
    points: Mapped[float]
    reason: Mapped[str]
    by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]

    submission: Mapped[Submission] = relationship()

    __table_args__ = (
        UniqueConstraint("submission_id", "person_id", "number"),
        CheckConstraint("points BETWEEN -100 AND 100", name="points"),
    )

    @property
    def chain(self) -> str:
        return self.submission.cohort_id
