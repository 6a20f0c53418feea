"""Scores and discrepancies: what follows from ratings."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, state_of
from grading.models.review import Allocation
from grading.models.submission import Submission
from grading.workflow.adjudication import MACHINE, DiscrepancyState


class Score(Identified, Base):
    """The number computed from ratings, unrounded, of 100; a new one replaces, the old one stays.

    ``criteria`` maps criterion code to ``{"level": mean level index, "points": mean points}``.
    ``rating_ids`` are the ratings it rests on.
    """

    __tablename__ = "score"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    number: Mapped[int]
    composite: Mapped[float]
    standard_error: Mapped[float | None]
    criteria: Mapped[dict[str, Any]]
    rating_ids: Mapped[list[Any]]
    professionals: Mapped[int]
    peers: Mapped[int]
    method: Mapped[str] = mapped_column(String(80))
    plan_digest: Mapped[str] = mapped_column(String(64))
    computed_at: Mapped[datetime]

    submission: Mapped[Submission] = relationship()

    __table_args__ = (UniqueConstraint("submission_id", "number"),)


class Discrepancy(Identified, Base):
    """Readings of one submission further apart than the plan allows; on pages, a case.

    ``findings`` says what is apart: ``[{"kind", "criterion", "sides", "gap"}]``. ``allocation_id`` is
    the third reading that settles it.
    """

    __tablename__ = "discrepancy"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"))
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"))
    state: Mapped[str] = mapped_column(String(20), default=DiscrepancyState.OPEN)
    version: Mapped[int] = mapped_column(default=1)
    findings: Mapped[list[Any]]
    found_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    submission: Mapped[Submission] = relationship()
    allocation: Mapped[Allocation] = relationship()

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index("ix_discrepancy_cohort_id_state", "cohort_id", "state"),
        Index(
            "uq_discrepancy_open",
            "submission_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        state_of(MACHINE),
    )

    @property
    def chain(self) -> str:
        return self.cohort_id
