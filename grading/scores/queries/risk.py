"""How likely each work's result lies on the wrong side of the pass mark."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from grading.measurement.scoring.decision import band_probabilities
from grading.measurement.scoring.scale import HALF_POINT, passed
from grading.models import Cohort
from grading.phrases import phrase
from grading.scores.queries import routing_board
from grading.workflow.plan import GradingPlan


def detailed(session: Session, cohort: Cohort) -> dict[str, Any]:
    """Give the probability of passing of every work, from all that is known of it.

    Returns
    -------
    dict
        ``passing`` by submission id, empty with a ``reason`` while too little is known.
    """
    plan = cohort.plan
    beliefs = routing_board.posterior(routing_board.totals(session, cohort), plan)
    if beliefs is None:
        return {
            "passing": {},
            "reason": phrase("too few projects were read twice to tell any risk"),
        }
    cut = plan.cut - HALF_POINT
    p = band_probabilities(beliefs.mean, beliefs.standard_error, [cut])[:, 1]
    return {
        "passing": {
            str(label): round(float(value), 6)
            for label, value in zip(beliefs.labels, p, strict=True)
            if np.isfinite(value)
        },
        "reason": None,
    }


def wrong_side(
    plan: GradingPlan, result: dict[str, Any], scores: Iterable[tuple[str, float]]
) -> dict[str, float]:
    """Give, for results as they would be released, the probability that the other side is right.

    Parameters
    ----------
    result : dict
        Of `detailed`.
    scores : pairs of submission id and composite
    """
    passing = result["passing"]
    return {
        work: 1 - passing[work] if passed(composite, plan.cut) else passing[work]
        for work, composite in scores
        if work in passing
    }
