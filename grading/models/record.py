"""The credential record: a learner's program record with us."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, OfService, Versioned, one_of, partial_index, state_of
from grading.models.codes import new_public_id
from grading.models.person import Person
from grading.models.program import Program
from grading.models.release import Grade
from grading.workflow.credential import (
    RECORD_MACHINE,
    USUALLY_SHOWN,
    IdentityAssurance,
    RecordState,
)


class CredentialRecord(OfService, Versioned, Base):
    """Courses, capstone and what was released. Hidden until the learner shares it.

    A record is never rewritten: what is amended, or belongs to a changed name, is a new one that
    replaces it, and the old address says so.
    """

    __tablename__ = "credential_record"

    program_id: Mapped[str] = mapped_column(ForeignKey("program.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True, default=new_public_id)
    state: Mapped[str] = mapped_column(String(20), default=RecordState.VALID)
    name: Mapped[str] = mapped_column(String(200))
    # How the name was verified, and on which day (UTC); None where nobody has.
    name_how: Mapped[str | None] = mapped_column(String(30))
    name_checked_on: Mapped[date | None]
    created_at: Mapped[datetime]
    shared_at: Mapped[datetime | None]
    # The `RecordFact`s that its own address shows.
    shows: Mapped[list[Any]] = mapped_column(default=lambda: list(USUALLY_SHOWN))
    completed_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("credential_record.id"), unique=True)
    # The last day on which it holds; None for good.
    expires_on: Mapped[date | None]

    program: Mapped[Program] = relationship()
    person: Mapped[Person] = relationship()
    replaced_by: Mapped["CredentialRecord | None"] = relationship(
        foreign_keys="CredentialRecord.replaces_id", uselist=False, viewonly=True
    )
    entries: Mapped[list["RecordEntry"]] = relationship(order_by="RecordEntry.id")
    links: Mapped[list["ShareLink"]] = relationship(
        order_by="ShareLink.created_at", back_populates="record"
    )

    __table_args__ = (
        partial_index(
            "uq_credential_record_in_force",
            "program_id",
            "person_id",
            unique=True,
            where="state <> 'replaced'",
        ),
        state_of(RECORD_MACHINE),
        one_of("name_how", IdentityAssurance),
        CheckConstraint("(name_how IS NULL) = (name_checked_on IS NULL)", name="name_checked"),
        CheckConstraint("(state = 'replaced') = (replaced_at IS NOT NULL)", name="replaced"),
        CheckConstraint("state <> 'revoked' OR revoked_at IS NOT NULL", name="revoked"),
    )

    @property
    def capstone(self) -> "RecordEntry | None":
        """The capstone result that counts: the best, the earlier of equals."""
        return max(
            (entry for entry in self.entries if entry.grade_id),
            key=lambda entry: (float(entry.detail["value"]), -entry.on.toordinal()),
            default=None,
        )


class RecordEntry(Base):
    """A line of the record: one completed course, or the capstone's grade. Lines are only added."""

    __tablename__ = "record_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(ForeignKey("credential_record.id"), index=True)
    course_id: Mapped[str | None] = mapped_column(ForeignKey("course.id"))
    grade_id: Mapped[str | None] = mapped_column(ForeignKey("grade.id"))
    title: Mapped[str] = mapped_column(String(200))
    on: Mapped[date]
    detail: Mapped[dict[str, Any]]
    added_at: Mapped[datetime]

    grade: Mapped[Grade | None] = relationship()

    __table_args__ = (
        UniqueConstraint("record_id", "course_id"),
        UniqueConstraint("record_id", "grade_id"),
        CheckConstraint("(course_id IS NULL) <> (grade_id IS NULL)", name="course_or_grade"),
    )


class ShareLink(OfService, Base):
    """An address of a record beside its own, for one reader or one purpose, with what it shows.

    When the record is issued anew, so is each of its links; the old address says “Replaced”.
    """

    __tablename__ = "share_link"

    record_id: Mapped[str] = mapped_column(ForeignKey("credential_record.id"), index=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True, default=new_public_id)
    label: Mapped[str] = mapped_column(String(100))
    shows: Mapped[list[Any]] = mapped_column(default=lambda: list(USUALLY_SHOWN))
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    replaces_id: Mapped[str | None] = mapped_column(ForeignKey("share_link.id"), unique=True)

    record: Mapped[CredentialRecord] = relationship(back_populates="links")


class PublicView(Base):
    """How often an address was looked at on a day (UTC); nothing is kept of who looked.

    ``own`` are the looks of the record's owner, and those of our own page that checks a token.
    """

    __tablename__ = "public_view"

    public_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    own: Mapped[int] = mapped_column(default=0)


class BulkCheck(Base):
    """Ids that were checked at once from one place; kept for as long as the polite limit counts."""

    __tablename__ = "bulk_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    ids: Mapped[int]

    __table_args__ = (
        Index("ix_bulk_check_key_at", "key", "at"),
        CheckConstraint("ids > 0", name="ids"),
    )
