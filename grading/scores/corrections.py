"""What a cohort's readings say of who read, and one score corrected by it; nothing is stored here."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grading.measurement.scoring import correction
from grading.measurement.scoring.combining import Resolution
from grading.measurement.scoring.correction import Corrected, Parameters
from grading.measurement.scoring.scale import CriterionScale, composite_of
from grading.models import Score
from grading.readings.queries.ratings import SealedReading
from grading.workflow.plan import GradingPlan

Criteria = Sequence[CriterionScale]


def learn(
    plan: GradingPlan, criteria: Criteria, readings: Sequence[SealedReading]
) -> tuple[Parameters, dict[str, Any]]:
    """Learn severity and leniency from all of a cohort's readings.

    Returns
    -------
    Parameters, dict
        The second says by part (``severity``, ``peers``) why it was not done, and names separate ``groups``
        of graders.
    """
    rule = Resolution(plan.resolution)
    works = sorted(by_work(readings).items())
    panel_readings = [
        reading
        for _work, given in works
        for reading in given
        if reading.professional and reading.is_whole(criteria)
    ]
    panel = correction.severities(
        [reading.submission_id for reading in panel_readings],
        [reading.rater_id for reading in panel_readings],
        [reading.composite(criteria) for reading in panel_readings],
    )
    notes: dict[str, Any] = {}
    severity: dict[str, tuple[float, float]] = {}
    if rule is Resolution.SEVERITY:
        if panel.reason is not None:
            notes["severity"] = panel.reason
            if len(panel.groups) > 1:
                notes["groups"] = [list(group) for group in panel.groups]
        severity = {
            str(rater): (one.shift, one.standard_error) for rater, one in panel.severities.items()
        }
    told = not math.isnan(panel.error_variance)
    learned = Parameters(
        severity=severity,
        severity_variance=panel.severity_variance if told else None,
        error_variance=panel.error_variance if told else None,
    )
    if plan.peer_weight <= 0:
        return learned, notes
    gaps, variances = [], []
    for _work, given in works:
        professionals = [one for one in given if one.professional and one.is_whole(criteria)]
        peers = _peers(plan, criteria, given)
        if not professionals or not peers:
            continue
        raw = statistics.fmean(one.composite(criteria) for one in professionals)
        shares = _shares(rule, professionals, criteria)
        corrected = correction.correct(raw, _by_rater(professionals, shares), learned)
        gaps.append(composite_of(_median(peers, criteria), criteria) - raw - corrected.shift)
        variances.append(corrected.standard_error**2)
    lenient = correction.leniency(gaps, statistics.fmean(variances) if variances else math.nan)
    if lenient.reason is not None:
        notes["peers"] = lenient.reason
        notes["both"] = lenient.works
        return learned, notes
    return (
        replace(
            learned,
            leniency=lenient.shift,
            leniency_error=lenient.standard_error,
            peer_variance=lenient.variance,
            peer_weight=plan.peer_weight,
        ),
        notes | {"both": lenient.works},
    )


def by_work(readings: Sequence[SealedReading]) -> dict[str, list[SealedReading]]:
    """Group readings by the id of their work."""
    grouped: dict[str, list[SealedReading]] = defaultdict(list)
    for reading in readings:
        grouped[reading.submission_id].append(reading)
    return grouped


def _peers(
    plan: GradingPlan, criteria: Criteria, given: Sequence[SealedReading]
) -> list[SealedReading]:
    """The peers of a work, where there are enough of them to count."""
    peers = [one for one in given if not one.professional and one.is_whole(criteria)]
    return peers if len(peers) >= max(plan.peers_needed, 1) else []


def _median(peers: Sequence[SealedReading], criteria: Criteria) -> dict[str, float]:
    points = [peer.points(criteria) for peer in peers]
    return {
        criterion.code: Resolution.MEDIAN.combine([given[criterion.code] for given in points])
        for criterion in criteria
    }


def _by_rater(
    professionals: Sequence[SealedReading], shares: Mapping[str, float]
) -> dict[str, float]:
    by_rater: dict[str, float] = defaultdict(float)
    for reading in professionals:
        by_rater[reading.rater_id] += shares[reading.allocation_id]
    return by_rater


def _shares(
    rule: Resolution, professionals: Sequence[SealedReading], criteria: Criteria
) -> dict[str, float]:
    return rule.shares({one.allocation_id: one.levels for one in professionals}, criteria)


@dataclass(frozen=True)
class AdjustedScore:
    """One score corrected for who read.

    Attributes
    ----------
    professionals, peers : sequence of SealedReading
        Those it rests on.
    detail : dict
        What is kept with the score, so that every figure of it can be followed by hand.
    """

    corrected: Corrected
    professionals: Sequence[SealedReading]
    peers: Sequence[SealedReading]
    detail: dict[str, Any]


def adjust_score(
    plan: GradingPlan,
    criteria: Criteria,
    score: Score,
    given: Sequence[SealedReading],
    learned: Parameters,
    adjustment_id: str,
) -> AdjustedScore:
    """Correct one score from the readings it rests on and the stored parameters alone."""
    resting = set(score.rating_ids)
    used = [one for one in given if one.professional and resting & set(one.rating_ids.values())]
    peers = _peers(plan, criteria, given)
    before = score.adjustment or {}
    raw = composite_of({code: one["points"] for code, one in score.criteria.items()}, criteria)
    rule = Resolution(plan.resolution)
    shares = _shares(rule, used, criteria)
    median = _median(peers, criteria) if peers else {}
    corrected = correction.correct(
        raw,
        _by_rater(used, shares),
        learned,
        peers=composite_of(median, criteria) if peers else None,
        linear=rule.is_mean_of(len(used)),
    )
    raw_error = before.get("raw_standard_error", score.standard_error)
    detail = {
        "id": adjustment_id,
        "raw": raw,
        "raw_standard_error": raw_error,
        "shift": corrected.shift,
        "readings": [
            {
                "allocation": one.allocation_id,
                "share": shares[one.allocation_id],
                "severity": learned.severity.get(one.rater_id, (0.0, None))[0],
                "standard_error": learned.severity.get(one.rater_id, (0.0, None))[1],
            }
            for one in used
        ],
        "peers": None
        if corrected.peers is None
        else {
            "allocations": [one.allocation_id for one in peers],
            "median": corrected.peers,
            "criteria": median,
            "leniency": corrected.leniency,
            "weight": corrected.weight,
        },
    }
    return AdjustedScore(corrected, used, peers if corrected.weight else [], detail)
