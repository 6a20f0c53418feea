"""What a cohort's readings say about each of its works: the ground that routing stands on."""

import math
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grading.measurement.aggregation import Aggregation, Readings, aggregate
from grading.measurement.routing import Board, Decisions, Limits
from grading.models import Cohort
from grading.queries.ratings import sealed_ratings
from grading.rubric.definition import Rubric
from grading.workflow.plan import GradingPlan

# Values are rounded half up to whole points, so a band begins half a point below its number.
HALF_POINT = 0.5


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
    rubric: Rubric = cohort.rubric_version.rubric
    weight = {one.code: one.weight for one in rubric.criteria}
    share = {
        one.code: [level.points / one.levels[-1].points for level in one.levels]
        for one in rubric.criteria
    }
    scale = 100 / math.fsum(weight.values())
    rows = sealed_ratings(session, cohort)
    sheets: dict[tuple[str, str, bool], dict[str, float]] = defaultdict(dict)
    for work, rater, criterion, level, professional in zip(
        rows.work, rows.rater, rows.criterion, rows.level, rows.professional, strict=True
    ):
        sheets[work, rater, bool(professional)][criterion] = (
            weight[criterion] * share[criterion][level]
        )
    whole = {key: given for key, given in sheets.items() if len(given) == len(weight)}
    readings = Readings.from_long(
        [work for work, _rater, _professional in whole],
        [(rater, professional) for _work, rater, professional in whole],
        [scale * math.fsum(given.values()) for given in whole.values()],
    )
    return Totals(
        readings,
        frozenset((rater, professional) for _work, rater, professional in whole if professional),
    )


def posterior(found: Totals, plan: GradingPlan) -> Aggregation | None:
    """Aggregate a cohort's totals; None while too little is known for any probability."""
    if len(found.readings) < 3 or not found.professionals:
        return None
    result = aggregate(
        found.readings,
        professionals=found.professionals,
        scale=(0.0, 100.0),
        cuts=[low - HALF_POINT for low, _name in plan.bands],
    )
    known = result.standard_error[result.standard_error > 0]
    return result if len(known) else None


def board(result: Aggregation, plan: GradingPlan, budget: int) -> Board:
    """Lay out the works for routing under a plan."""
    return Board(
        result,
        Decisions(
            cuts=tuple(low - HALF_POINT for low, _name in plan.bands),
            pass_mark=plan.cut - HALF_POINT,
        ),
        limits=Limits(band=plan.routing_limit),
        budget=budget,
    )
