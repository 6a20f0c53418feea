"""Alarms about raters, pauses of their queues, and ratings that are set aside."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grading.models.base import Base, OfCohort, Versioned, one_of, partial_index, state_of
from grading.models.person import Person
from grading.models.review import Rating
from grading.workflow.monitoring import (
    ALARM_MACHINE,
    QUARANTINE_MACHINE,
    AlarmState,
    QuarantineState,
)


class Alarm(OfCohort, Versioned, Base):
    """A chart of a rater left its limits; ``criterion`` is None for the total.

    ``detail`` keeps what the chart said: side, shift, sheets, the limit.
    """

    __tablename__ = "alarm"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    criterion: Mapped[str | None] = mapped_column(String(60))
    chart: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=AlarmState.OPEN)
    # The sheet at which it alarmed, and the one from which the movement shows.
    allocation_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"))
    since_id: Mapped[str] = mapped_column(ForeignKey("allocation.id"))
    detail: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]
    answered_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        Index("ix_alarm_cohort_id_state", "cohort_id", "state"),
        # Looking twice finds one alarm.
        Index("uq_alarm_allocation", "allocation_id", "chart", "criterion", unique=True),
        partial_index(
            "uq_alarm_allocation_total",
            "allocation_id",
            "chart",
            unique=True,
            where="criterion IS NULL",
        ),
        state_of(ALARM_MACHINE),
        one_of("chart", ("drift", "validity")),
    )


class QueuePause(OfCohort, Base):
    """A rater's queue is paused by a lead, who owes an answer by ``answer_by``."""

    __tablename__ = "queue_pause"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    since: Mapped[datetime]
    answer_by: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    answer: Mapped[str | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    by: Mapped[Person] = relationship(foreign_keys=[by_id])

    __table_args__ = (
        partial_index(
            "uq_queue_pause_in_force",
            "cohort_id",
            "person_id",
            unique=True,
            where="ended_at IS NULL",
        ),
        CheckConstraint("ended_at IS NULL OR answer IS NOT NULL", name="answered"),
    )


class Quarantine(OfCohort, Versioned, Base):
    """What a rater gave on a criterion (or on all: None) since some time, set aside on a lead's word."""

    __tablename__ = "quarantine"

    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    criterion: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(20), default=QuarantineState.IN_FORCE)
    alarm_id: Mapped[str | None] = mapped_column(ForeignKey("alarm.id"))
    since: Mapped[datetime]
    reason: Mapped[str]
    by_id: Mapped[str] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    lifted_by_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"))
    lifted_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    __table_args__ = (
        Index("ix_quarantine_cohort_id_state", "cohort_id", "state"),
        state_of(QUARANTINE_MACHINE),
    )


class QuarantinedRating(Base):
    """One rating that a quarantine sets aside; it stays, and counts again when it is lifted."""

    __tablename__ = "quarantined_rating"

    quarantine_id: Mapped[str] = mapped_column(ForeignKey("quarantine.id"), primary_key=True)
    rating_id: Mapped[int] = mapped_column(ForeignKey("rating.id"), primary_key=True)

    rating: Mapped[Rating] = relationship()

    __table_args__ = (Index("ix_quarantined_rating_rating_id", "rating_id"),)
