"""Programs: a sponsor's courses and the capstone that ties them together."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, one_of, state_of
from grading.rubric.definition import Rubric
from grading.workflow.credential import RUBRIC_MACHINE, IdentityAssurance, RubricState


class Sponsor(Identified, Base):
    """Who offers programs and stands behind their credentials."""

    __tablename__ = "sponsor"

    name: Mapped[str] = mapped_column(String(200), unique=True)


class Program(Identified, Base):
    """A specialization: three to nine courses and a capstone."""

    __tablename__ = "program"

    sponsor_id: Mapped[str] = mapped_column(ForeignKey("sponsor.id"))
    name: Mapped[str] = mapped_column(String(200))
    capstone_title: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]

    sponsor: Mapped[Sponsor] = relationship()
    courses: Mapped[list["Course"]] = relationship(order_by="Course.position")

    __table_args__ = (UniqueConstraint("sponsor_id", "name"),)

    @property
    def chain(self) -> str:
        return "service"


class Course(Identified, Base):
    """One course of a program. ``required`` ones must be completed before the capstone."""

    __tablename__ = "course"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    code: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    required: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (UniqueConstraint("program_id", "code"),)


class Brief(Identified, Base):
    """The task the learner reads, in Markdown; a change is a new version."""

    __tablename__ = "brief"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    version: Mapped[int]
    text: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("program_id", "version"),)


class RubricVersion(Identified, Base):
    """A fixed copy of a rubric, found by its digest; once published it never changes."""

    __tablename__ = "rubric_version"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(20), default=RubricState.DRAFT)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    program: Mapped[Program] = relationship()

    __table_args__ = (
        UniqueConstraint("program_id", "digest"),
        UniqueConstraint("program_id", "name", "number"),
        state_of(RUBRIC_MACHINE),
    )

    @property
    def rubric(self) -> Rubric:
        return Rubric.from_dict(self.definition)

    @property
    def chain(self) -> str:
        return "service"


class Completion(Identified, Base):
    """A learner completed a course, and how the course knew who they were."""

    __tablename__ = "completion"

    course_id: Mapped[str] = mapped_column(ForeignKey("course.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    completed_on: Mapped[date]
    identity_assurance: Mapped[str] = mapped_column(String(30))
    recorded_at: Mapped[datetime]

    course: Mapped[Course] = relationship()

    __table_args__ = (
        UniqueConstraint("course_id", "person_id"),
        one_of("identity_assurance", IdentityAssurance),
    )

    @property
    def chain(self) -> str:
        return "service"
