"""Programs: a sponsor's courses and the capstone that ties them together."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import (
    Base,
    Identified,
    OfService,
    Versioned,
    one_of,
    partial_index,
    state_of,
)
from grading.models.person import Person
from grading.rubric.definition import Rubric
from grading.workflow.cohort import ImportKind
from grading.workflow.credential import (
    ENTITLEMENT_MACHINE,
    RUBRIC_MACHINE,
    EntitlementState,
    IdentityAssurance,
    RubricState,
)


class Sponsor(OfService, Base):
    """Who offers programs and stands behind their credentials."""

    __tablename__ = "sponsor"

    name: Mapped[str] = mapped_column(String(200), unique=True)
    # What stands on its credentials; the name itself where empty.
    issuer_name: Mapped[str] = mapped_column(String(200), default="")
    # ``[{"name", "title"}]``
    signatories: Mapped[list[Any]] = mapped_column(default=list)
    logo_key: Mapped[str | None] = mapped_column(String(200))
    logo_kind: Mapped[str | None] = mapped_column(String(20))

    @property
    def issuer(self) -> str:
        return self.issuer_name or self.name


class SponsorMember(OfService, Base):
    """Somebody of a sponsor's program office: they run its programs and see no other sponsor's."""

    __tablename__ = "sponsor_member"

    sponsor_id: Mapped[str] = mapped_column(ForeignKey("sponsor.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    sponsor: Mapped[Sponsor] = relationship()
    person: Mapped[Person] = relationship()

    __table_args__ = (UniqueConstraint("sponsor_id", "person_id"),)


class Program(OfService, Base):
    """A specialization: three to nine courses and a capstone."""

    __tablename__ = "program"

    sponsor_id: Mapped[str] = mapped_column(ForeignKey("sponsor.id"))
    name: Mapped[str] = mapped_column(String(200))
    capstone_title: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    # Whether a credential asks for an entitlement; without one a learner gets feedback only.
    entitlement_required: Mapped[bool] = mapped_column(default=False)
    retake_terms: Mapped[str] = mapped_column(default="")
    capstone_hours: Mapped[float | None]
    hours_approver: Mapped[str] = mapped_column(String(200), default="")
    provider_number: Mapped[str] = mapped_column(String(100), default="")
    # How long its credential holds after the program is complete; None for good.
    valid_months: Mapped[int | None]

    sponsor: Mapped[Sponsor] = relationship()
    courses: Mapped[list["Course"]] = relationship(order_by="Course.position")

    __table_args__ = (UniqueConstraint("sponsor_id", "name"),)


class Course(Identified, Base):
    """One course of a program. ``required`` ones must be completed before the capstone."""

    __tablename__ = "course"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    code: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    position: Mapped[int]
    required: Mapped[bool] = mapped_column(default=True)
    # Codes of other courses whose completion counts as this one's.
    equivalents: Mapped[list[Any]] = mapped_column(default=list)
    # A completion older than this does not open the capstone; None never expires.
    expires_months: Mapped[int | None]
    hours: Mapped[float | None]

    __table_args__ = (UniqueConstraint("program_id", "code"),)


class Brief(Identified, Base):
    """The task the learner reads, in Markdown; a change is a new version."""

    __tablename__ = "brief"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    version: Mapped[int]
    text: Mapped[str]
    # A piece of work with notes beside it, so that learners see what the rubric's words mean.
    example: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("program_id", "version"),)


class RubricVersion(OfService, Base):
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


class Completion(OfService, Base):
    """A learner completed a course, and how the course knew who they were."""

    __tablename__ = "completion"

    course_id: Mapped[str] = mapped_column(ForeignKey("course.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    completed_on: Mapped[date]
    identity_assurance: Mapped[str] = mapped_column(String(30))
    recorded_at: Mapped[datetime]
    # The equivalent course that was completed in its place.
    via: Mapped[str | None] = mapped_column(String(60))

    course: Mapped[Course] = relationship()

    __table_args__ = (
        UniqueConstraint("course_id", "person_id"),
        one_of("identity_assurance", IdentityAssurance),
    )


class Entitlement(OfService, Versioned, Base):
    """What entitles a learner to the credential of a course, or of the capstone (no course).

    Those who score never see it.
    """

    __tablename__ = "entitlement"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    course_id: Mapped[str | None] = mapped_column(ForeignKey("course.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str] = mapped_column(String(20), default=EntitlementState.PAID)
    note: Mapped[str] = mapped_column(default="")
    recorded_at: Mapped[datetime]

    course: Mapped[Course | None] = relationship()
    person: Mapped[Person] = relationship()

    __table_args__ = (
        UniqueConstraint("program_id", "person_id", "course_id"),
        partial_index(
            "uq_entitlement_capstone",
            "program_id",
            "person_id",
            unique=True,
            where="course_id IS NULL",
        ),
        state_of(ENTITLEMENT_MACHINE),
    )


class ImportBatch(Identified, Base):
    """One import that was carried out, with what it made, so that it can be undone.

    ``made`` lists ``[word, id, …]``; which words there are is its kind's to say.
    """

    __tablename__ = "import_batch"

    kind: Mapped[str] = mapped_column(String(20))
    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"), index=True)
    cohort_id: Mapped[str | None] = mapped_column(ForeignKey("cohort.id"), index=True)
    by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    made: Mapped[list[Any]]
    undone_at: Mapped[datetime | None]

    __table_args__ = (one_of("kind", ImportKind),)

    @property
    def chain(self) -> str:
        return self.cohort_id or "service"
