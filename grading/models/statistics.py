"""Statistics of a cohort that take long to compute: kept until ratings change."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from grading.models.base import Base, one_of

KINDS = ("agreement", "severity", "generalizability", "risk", "outliers")


class CohortStatistics(Base):
    """One kind of statistics as it was last computed; unlike scores, it is replaced, not added to.

    ``fingerprint`` is that of the ratings it rests on (`queries.ratings.fingerprint`).
    """

    __tablename__ = "cohort_statistics"

    cohort_id: Mapped[str] = mapped_column(ForeignKey("cohort.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    result: Mapped[dict[str, Any]]
    fingerprint: Mapped[str] = mapped_column(String(80))
    computed_at: Mapped[datetime]

    __table_args__ = (one_of("kind", KINDS),)
