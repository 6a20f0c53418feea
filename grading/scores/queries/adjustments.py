"""Whether a cohort's scores are adjusted for who read, and what that moved."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.measurement.scoring.combining import Resolution
from grading.measurement.scoring.scale import graded
from grading.models import Adjustment, Cohort
from grading.readings.queries.ratings import fingerprint
from grading.scores.queries.current_scores import current_scores
from grading.workflow.plan import GradingPlan
from grading.workflow.submission import SubmissionState


def asked(plan: GradingPlan) -> bool:
    """Whether a plan's scores need the whole cohort's readings."""
    return plan.resolution == Resolution.SEVERITY or (
        plan.peer_weight > 0 and plan.peer_readings > 0
    )


def latest(session: Session, cohort: Cohort) -> Adjustment | None:
    """Find the adjustment that was made last."""
    return session.scalar(
        select(Adjustment)
        .where(Adjustment.cohort_id == cohort.id)
        .order_by(Adjustment.number.desc())
        .limit(1)
    )


def current(session: Session, cohort: Cohort) -> str | None:
    """Give the id of the latest adjustment, if no reading came in or went since."""
    adjustment = latest(session, cohort)
    if adjustment is None or adjustment.fingerprint != fingerprint(session, cohort):
        return None
    return adjustment.id


@dataclass(frozen=True)
class Summary:
    """How results that await release moved, in whole points as they would be released.

    Attributes
    ----------
    adjustment : Adjustment or None
        The one they rest on; None before there is one.
    is_current : bool
        Whether no reading came in or went since.
    up, down, same : int
        Adjusted results above, below and at their raw value.
    to_pass, to_fail : int
        Those that reach the pass mark by it, and those that no longer do.
    largest : float
        In points, unrounded; 0 without results.
    waiting : int
        Results that are not adjusted yet.
    """

    adjustment: Adjustment | None
    is_current: bool
    up: int
    down: int
    same: int
    to_pass: int
    to_fail: int
    largest: float
    waiting: int


def summary(session: Session, cohort: Cohort) -> Summary:
    """Count what the adjustment moved among the works that await release."""
    adjustment = latest(session, cohort)
    is_current = adjustment is not None and adjustment.fingerprint == fingerprint(session, cohort)
    bands = cohort.plan.bands
    counts = {"up": 0, "down": 0, "same": 0, "to_pass": 0, "to_fail": 0, "waiting": 0}
    largest = 0.0
    for _work, score in current_scores(session, cohort, (SubmissionState.RESOLVED,)):
        if (
            score.adjustment is None
            or adjustment is None
            or score.adjustment["id"] != adjustment.id
        ):
            counts["waiting"] += 1
            continue
        raw, adjusted = graded(score.adjustment["raw"], bands), graded(score.composite, bands)
        way = (
            "same"
            if adjusted.value == raw.value
            else "up"
            if adjusted.value > raw.value
            else "down"
        )
        counts[way] += 1
        if (raw.band is None) != (adjusted.band is None):
            counts["to_pass" if raw.band is None else "to_fail"] += 1
        largest = max(largest, abs(score.composite - score.adjustment["raw"]))
    return Summary(adjustment, is_current, largest=largest, **counts)
