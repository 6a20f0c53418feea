"""Cohorts: one run of a capstone with its calendar, people and plan."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, Versioned, one_of, state_of
from grading.models.person import Person
from grading.models.program import Brief, Program, RubricVersion
from grading.workflow.cohort import MACHINE, CohortState, Role
from grading.workflow.plan import GradingPlan, from_stored


class Cohort(Identified, Versioned, Base):
    """One run. ``allocated_at`` is when the batch at the deadline was done."""

    __tablename__ = "cohort"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    name: Mapped[str] = mapped_column(String(200))
    brief_id: Mapped[str] = mapped_column(ForeignKey("brief.id"))
    rubric_version_id: Mapped[str] = mapped_column(ForeignKey("rubric_version.id"))
    time_zone: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default=CohortState.PREPARING)
    created_at: Mapped[datetime]
    opens_at: Mapped[datetime]
    due_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    peers_due_at: Mapped[datetime]
    grading_due_at: Mapped[datetime]
    results_at: Mapped[datetime]
    allocated_at: Mapped[datetime | None]
    # From then on the periods of its plan run.
    ended_at: Mapped[datetime | None]
    # When its raters were last charted.
    looked_at: Mapped[datetime | None]

    program: Mapped[Program] = relationship()
    brief: Mapped[Brief] = relationship()
    rubric_version: Mapped[RubricVersion] = relationship()
    plans: Mapped[list["PlanVersion"]] = relationship(order_by="PlanVersion.version")

    __table_args__ = (
        UniqueConstraint("program_id", "name"),
        state_of(MACHINE),
        CheckConstraint(
            "opens_at < due_at AND due_at <= closes_at AND due_at <= peers_due_at "
            "AND peers_due_at <= grading_due_at AND grading_due_at <= results_at",
            name="calendar",
        ),
    )

    @property
    def chain(self) -> str:
        return self.id

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def plan_version(self) -> "PlanVersion":
        """The latest plan; after opening no later one can be made."""
        return self.plans[-1]

    @property
    def plan(self) -> GradingPlan:
        return self.plan_version.plan


class PlanVersion(Identified, Base):
    """A cohort's grading plan as it was on some day; frozen when the cohort opens."""

    __tablename__ = "plan_version"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"))
    version: Mapped[int]
    choices: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("cohort_id", "version"),)

    @property
    def plan(self) -> GradingPlan:
        return from_stored(self.choices)


class Membership(OfCohort, Base):
    """A person's part in a cohort; a part that ended stays on record."""

    __tablename__ = "membership"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    cohort: Mapped[Cohort] = relationship()
    person: Mapped[Person] = relationship()

    __table_args__ = (UniqueConstraint("cohort_id", "person_id", "role"), one_of("role", Role))


class ConflictOfInterest(OfCohort, Base):
    """This rater and this learner must not meet."""

    __tablename__ = "conflict_of_interest"

    rater_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    learner_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    created_at: Mapped[datetime]

    rater: Mapped[Person] = relationship(foreign_keys=[rater_id])
    learner: Mapped[Person] = relationship(foreign_keys=[learner_id])

    __table_args__ = (
        UniqueConstraint("cohort_id", "rater_id", "learner_id"),
        CheckConstraint("rater_id <> learner_id", name="two_people"),
    )


class Exposure(Base):
    """This person has seen what raters gave this submission, so they may not score it any more."""

    __tablename__ = "exposure"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), primary_key=True)
    at: Mapped[datetime]

    __table_args__ = (Index("ix_exposure_person_id", "person_id"),)
