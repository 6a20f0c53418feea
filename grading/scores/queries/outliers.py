"""Levels that stand out from what the other readings of a project let expect."""

from typing import Any

from sqlalchemy.orm import Session

from grading.measurement.posterior.outliers import RATE, outliers
from grading.models import Cohort
from grading.readings.queries import reading_series

# Below so many readings of a criterion nothing is said.
FEWEST = 30
# A list to look through, the furthest first.
LONGEST = 200


def detailed(session: Session, cohort: Cohort) -> dict[str, Any]:
    """Judge every professional level of a cohort that counts, criterion by criterion.

    Returns
    -------
    dict
        ``rate`` of sound levels named by mistake; ``judged`` levels; ``found``, how many stand out; and the
        furthest as ``rows`` of ``submission``, ``rater``, ``criterion``, ``level``, ``expected`` (levels from
        0) and ``distance`` (standard deviations).
    """
    rubric = cohort.rubric_version.rubric
    sheets = reading_series.sheets(session, cohort)
    judged = 0
    rows = []
    for criterion in rubric.criteria:
        live, readings, professionals = reading_series.live_readings(rubric, sheets, criterion.code)
        own = sum(sheet.professional for sheet in live)
        if own < FEWEST:
            continue
        judged += own
        named = outliers(readings, professionals=professionals, step=1.0)
        for index, residual, distance in zip(
            named.index.tolist(), named.residual.tolist(), named.distance.tolist(), strict=True
        ):
            level = float(readings.value[index])
            rows.append(
                {
                    "submission": live[index].submission_id,
                    "rater": live[index].rater_id,
                    "criterion": criterion.code,
                    "level": level,
                    "expected": round(level - residual, 3),
                    "distance": round(distance, 3),
                }
            )
    rows.sort(key=lambda row: (-row["distance"], row["submission"], row["criterion"]))
    return {"rate": RATE, "judged": judged, "found": len(rows), "rows": rows[:LONGEST]}
