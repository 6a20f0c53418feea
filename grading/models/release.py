"""Releases and grades: what was made final, by whom and when."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, Versioned, state_of
from grading.models.cohort import Cohort
from grading.models.person import Person
from grading.models.score import Score
from grading.models.submission import Submission
from grading.workflow.release import MACHINE, ReleaseState


class Release(OfCohort, Versioned, Base):
    """A list of scores to be made final together, after sign-off and a delay in which to stop it."""

    __tablename__ = "release"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), default=ReleaseState.PROPOSED)
    proposed_at: Mapped[datetime]
    release_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    overrides: Mapped[list[Any]] = mapped_column(default=list)
    # What was no longer as the first person signed it, where that made it void.
    changes: Mapped[list[Any] | None]

    cohort: Mapped[Cohort] = relationship()
    items: Mapped[list["ReleaseItem"]] = relationship()
    sign_offs: Mapped[list["SignOff"]] = relationship(order_by="SignOff.at")

    __table_args__ = (
        state_of(MACHINE),
        CheckConstraint("state <> 'scheduled' OR release_at IS NOT NULL", name="scheduled"),
        CheckConstraint("state <> 'void' OR changes IS NOT NULL", name="void"),
    )


class ReleaseItem(Base):
    """One submission of a release, with the very score that was looked at."""

    __tablename__ = "release_item"

    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    score_id: Mapped[str] = mapped_column(ForeignKey("score.id"))

    submission: Mapped[Submission] = relationship()
    score: Mapped[Score] = relationship()

    __table_args__ = (Index("ix_release_item_submission_id", "submission_id"),)


class SignOff(Base):
    """One person's yes to a release."""

    __tablename__ = "sign_off"

    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    at: Mapped[datetime]

    person: Mapped[Person] = relationship()


class Grade(Identified, Base):
    """What was released to one learner on the program's scale; a later change is a new row.

    Each member of a group has their own.

    ``value`` is the rounded number as decimal text, ``detail`` everything a reader of the record is
    told: criteria with levels, rubric digest, plan and method version, raters by number and kind.
    """

    __tablename__ = "grade"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[int] = mapped_column(default=1)
    score_id: Mapped[str] = mapped_column(ForeignKey("score.id"))
    release_id: Mapped[str] = mapped_column(ForeignKey("release.id"), index=True)
    # Why it replaced the one before it; None for the first.
    amended_for: Mapped[str | None] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(20))
    band: Mapped[str] = mapped_column(String(100))
    passed: Mapped[bool]
    detail: Mapped[dict[str, Any]]
    released_at: Mapped[datetime]

    submission: Mapped[Submission] = relationship()
    person: Mapped[Person] = relationship()
    score: Mapped[Score] = relationship()

    __table_args__ = (UniqueConstraint("submission_id", "person_id", "number"),)


class GradeSeen(Base):
    """The learner has opened this result; a grade itself is never written to again."""

    __tablename__ = "grade_seen"

    grade_id: Mapped[str] = mapped_column(ForeignKey("grade.id"), primary_key=True)
    at: Mapped[datetime]
