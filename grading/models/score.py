"""Scores and discrepancies: what follows from ratings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, Identified, OfCohort, Versioned, partial_index, state_of
from grading.models.review import Allocation
from grading.models.submission import Submission
from grading.workflow.adjudication import MACHINE, DiscrepancyState


class Score(Identified, Base):
    """The number computed from ratings, unrounded, of 100; a new one replaces, the old one stays.

    ``criteria`` maps criterion code to ``{"level": mean level index, "points": mean points}``.
    ``rating_ids`` are the ratings it rests on. ``criteria`` are of the professionals' levels as they were
    given, also where ``composite`` was adjusted; ``adjustment`` then says what moved it::

        {"id": of the `Adjustment`, "raw": composite before, "shift": what severities add,
         "readings": [{"allocation", "share", "severity", "standard_error"}],
         "peers": null or {"allocations", "median", "criteria", "leniency", "weight"}}
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
    # The type keeps a missing one as NULL, not as the JSON word null.
    adjustment: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    submission: Mapped[Submission] = relationship()

    __table_args__ = (UniqueConstraint("submission_id", "number"),)


class Adjustment(OfCohort, Base):
    """What a cohort's readings told of severity and leniency when its scores were adjusted.

    A new one replaces, the old ones stay, because scores rest on them. ``parameters`` are those of
    `measurement.correction`; ``notes`` say why a part was not done, by part.
    """

    __tablename__ = "adjustment"

    number: Mapped[int]
    parameters: Mapped[dict[str, Any]]
    notes: Mapped[dict[str, Any]]
    works: Mapped[int]
    moved: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(80))
    plan_digest: Mapped[str] = mapped_column(String(64))
    computed_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("cohort_id", "number"),)


class Discrepancy(OfCohort, Versioned, Base):
    """Readings of one submission further apart than the plan allows; on pages, a case.

    ``findings`` says what is apart: ``[{"kind", "criterion", "sides", "gap"}]``. ``allocation_id`` is
    the third reading that settles it.
    """

    __tablename__ = "discrepancy"

    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"))
    state: Mapped[str] = mapped_column(String(20), default=DiscrepancyState.OPEN)
    findings: Mapped[list[Any]]
    found_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    submission: Mapped[Submission] = relationship()
    allocation: Mapped[Allocation] = relationship()

    __table_args__ = (
        Index("ix_discrepancy_cohort_id_state", "cohort_id", "state"),
        partial_index("uq_discrepancy_open", "submission_id", unique=True, where="state = 'open'"),
        state_of(MACHINE),
    )
