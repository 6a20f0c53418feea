"""Statistics that are kept: what there is, how old it is, and how each kind is computed.

Results are plain data with None for what is undefined, so that they can be stored and shown as they are.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.models import Cohort, CohortStatistics
from grading.readings.queries.ratings import fingerprint
from grading.scores.queries import agreement, generalizability, outliers, risk, severity

Builder = Callable[[Session, Cohort], dict[str, Any]]

BUILDERS: Mapping[str, Builder] = {
    "agreement": agreement.detailed,
    "severity": severity.detailed,
    "generalizability": generalizability.detailed,
    "risk": risk.detailed,
    "outliers": outliers.detailed,
}


def kept(session: Session, cohort: Cohort) -> dict[str, CohortStatistics]:
    """List what was computed last, by kind, in one query."""
    return {
        one.kind: one
        for one in session.scalars(
            select(CohortStatistics).where(CohortStatistics.cohort_id == cohort.id)
        )
    }


def latest(session: Session, cohort: Cohort, kind: str) -> CohortStatistics | None:
    """Find what was computed last of one kind."""
    return session.get(CohortStatistics, (cohort.id, kind))


def current(session: Session, cohort: Cohort, kind: str) -> dict[str, Any] | None:
    """Give what is kept of one kind, if it is of the ratings as they are now."""
    found = latest(session, cohort, kind)
    if found is None or found.fingerprint != fingerprint(session, cohort):
        return None
    return found.result
