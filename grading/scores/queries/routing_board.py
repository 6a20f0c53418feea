"""What a cohort's readings say about each of its works: the ground that routing stands on."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.measurement.allocation.decisions import Decisions
from grading.measurement.allocation.routing import Board, Limits
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.readings import Readings
from grading.measurement.scoring.scale import HALF_POINT, band_cuts
from grading.models import Allocation, Cohort, Submission
from grading.readings.queries.ratings import readings_of_cohort, scales
from grading.workflow.allocation import OUTSTANDING, Pool
from grading.workflow.plan import GradingPlan


@dataclass(frozen=True, eq=False)
class Totals:
    """Every whole sealed sheet of a cohort as one number of 100.

    Attributes
    ----------
    readings : Readings
        Raters are ``(person id, professional)``.
    professionals : frozenset
        Those of them that read as professionals.
    """

    readings: Readings
    professionals: frozenset[tuple[str, bool]]


def totals(session: Session, cohort: Cohort) -> Totals:
    """Read the composites of a cohort's sheets, in one query."""
    criteria = scales(cohort.rubric_version.rubric)
    whole = [
        reading for reading in readings_of_cohort(session, cohort) if reading.is_whole(criteria)
    ]
    raters = [(reading.rater_id, reading.professional) for reading in whole]
    return Totals(
        Readings.from_long(
            [reading.submission_id for reading in whole],
            raters,
            [reading.composite(criteria) for reading in whole],
        ),
        frozenset(rater for rater in raters if rater[1]),
    )


def posterior(totals_read: Totals, plan: GradingPlan) -> Aggregation | None:
    """Aggregate a cohort's totals; None while too little is known for any probability."""
    if len(totals_read.readings) < 3 or not totals_read.professionals:
        return None
    result = aggregate(
        totals_read.readings,
        professionals=totals_read.professionals,
        scale=(0.0, 100.0),
        cuts=band_cuts(plan.bands),
    )
    known = result.standard_error[result.standard_error > 0]
    return result if len(known) else None


def board(result: Aggregation, plan: GradingPlan, budget: int) -> Board:
    """Lay out the works for routing under a plan."""
    return Board(
        result,
        Decisions(
            cuts=band_cuts(plan.bands),
            pass_mark=plan.cut - HALF_POINT,
        ),
        limits=Limits(band=plan.routing_limit),
        budget=budget,
    )


def works(session: Session, ids: Sequence[str]) -> dict[str, Submission]:
    """Give submissions by id, in one query."""
    return {
        work.id: work for work in session.scalars(select(Submission).where(Submission.id.in_(ids)))
    }


def outstanding(session: Session, ids: Sequence[str]) -> set[str]:
    """Name the works of which a professional reading is under way."""
    return set(
        session.scalars(
            select(Allocation.submission_id).where(
                Allocation.submission_id.in_(ids),
                Allocation.pool == Pool.PROFESSIONAL,
                Allocation.state.in_(OUTSTANDING),
            )
        )
    )
