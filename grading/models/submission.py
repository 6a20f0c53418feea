"""Submissions: what learners hand in."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, Versioned, state_of
from grading.models.cohort import Cohort
from grading.models.person import Person
from grading.workflow.submission import MACHINE, SubmissionState


class Submission(OfCohort, Versioned, Base):
    """One work, one attempt: the draft, and every copy that was handed in.

    Whose it is stands in its `SubmissionMember` rows, of which it always has one; it is a group's when
    it has several. ``learner_id`` is the one who began it, or took over when that one left: it only
    orders and names. ``group_name`` and ``join_code`` are a group's alone.
    ``digest`` is the SHA-256 of the copy that counts; it changes when the learner replaces it.
    ``professionals_wanted`` and ``peers_wanted`` are the readings it is to have, adjudication apart;
    whoever finds that more are needed raises them, and the upkeep sees that somebody gives them.
    """

    __tablename__ = "submission"

    learner_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    attempt: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(20), default=SubmissionState.DRAFT)
    title: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(default="")
    links: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    professionals_wanted: Mapped[int] = mapped_column(default=0)
    peers_wanted: Mapped[int] = mapped_column(default=0)
    # Those of the professional ones that routing asked for: they are paid from its budget.
    routed: Mapped[int] = mapped_column(default=0)
    allocated_at: Mapped[datetime | None]
    # A retake has a window of its own.
    due_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    # Its learner lets it train graders, without their name.
    example_consent_at: Mapped[datetime | None]
    group_name: Mapped[str] = mapped_column(String(100), default="")
    join_code: Mapped[str | None] = mapped_column(String(20), unique=True)
    # Until then a member can object, and nobody reads it.
    objections_until: Mapped[datetime | None]

    cohort: Mapped[Cohort] = relationship()
    learner: Mapped[Person] = relationship()
    files: Mapped[list["SubmissionFile"]] = relationship(order_by="SubmissionFile.position")
    copies: Mapped[list["SubmittedCopy"]] = relationship(order_by="SubmittedCopy.number")

    __table_args__ = (
        Index("ix_submission_cohort_id_state", "cohort_id", "state"),
        state_of(MACHINE),
        CheckConstraint(
            "state IN ('draft', 'withdrawn') OR (submitted_at IS NOT NULL AND digest IS NOT NULL)",
            name="submitted",
        ),
    )

    @property
    def current_files(self) -> "list[SubmissionFile]":
        return [file for file in self.files if file.removed_at is None]


class SubmissionFile(Identified, Base):
    """One file of a submission; a removed one is kept while a handed-in copy names it."""

    __tablename__ = "submission_file"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), index=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(20))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    # A copy of a work shares its stored files.
    key: Mapped[str] = mapped_column(String(200), index=True)
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    submission: Mapped[Submission] = relationship(back_populates="files")


class SubmittedCopy(Identified, Base):
    """What was handed in at one instant, with the honour statement bound to its digest."""

    __tablename__ = "submitted_copy"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str]
    links: Mapped[list[Any]]
    files: Mapped[list[Any]]
    digest: Mapped[str] = mapped_column(String(64))
    statement: Mapped[int]
    submitted_at: Mapped[datetime]
    late: Mapped[bool]

    __table_args__ = (UniqueConstraint("submission_id", "number"),)
