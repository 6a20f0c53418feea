"""Scores adjusted for who read: graders' severity, and peers centred on the professionals.

What decides about discrepancies and further readings are raw readings, work by work (`settling`). The
adjustment needs the whole cohort, so it comes when its readings are in, as a further score of each work.
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.measurement.scoring import correction
from grading.measurement.scoring.correction import Corrected, Parameters
from grading.measurement.scoring.resolution import CriterionScale, composite_of, passed
from grading.models import (
    Adjustment,
    Allocation,
    Cohort,
    Person,
    Rating,
    Release,
    ReleaseItem,
    Score,
    StruckReading,
    Submission,
)
from grading.readings.queries.ratings import fingerprint, scales, set_aside
from grading.scores import settling
from grading.scores.queries import adjustments
from grading.workflow.allocation import (
    OF_ANCHORS,
    OUTSTANDING,
    AllocationState,
    Pool,
)
from grading.workflow.cohort import CohortState
from grading.workflow.plan import GradingPlan
from grading.workflow.release import PENDING as PENDING_RELEASE
from grading.workflow.submission import IN_GRADING, SubmissionState

METHODS = {
    "severity": "severity-corrected-mean",
    "mean": "mean-of-professional-readings",
    "median": "median-of-professional-readings",
}


@dataclass(frozen=True)
class Sheet:
    """One sealed reading of a work: the levels that count, and their ratings' ids, by criterion."""

    allocation_id: str
    rater_id: str
    professional: bool
    levels: Mapping[str, int]
    ids: Mapping[str, int]


@dataclass(frozen=True)
class _Rubric:
    criteria: tuple[CriterionScale, ...]

    def points(self, sheet: Sheet) -> dict[str, float]:
        return {one.code: one.points[sheet.levels[one.code]] for one in self.criteria}

    def whole(self, sheet: Sheet) -> bool:
        return len(sheet.levels) == len(self.criteria)

    def composite(self, points: Mapping[str, float]) -> float:
        return composite_of(points, self.criteria)

    def shares(self, sheets: Sequence[Sheet]) -> dict[str, float]:
        """How much of the mean composite is each sheet's, by allocation; they add up to 1."""
        total = math.fsum(one.weight for one in self.criteria)
        found: dict[str, float] = {sheet.allocation_id: 0.0 for sheet in sheets}
        for one in self.criteria:
            given = [sheet for sheet in sheets if one.code in sheet.levels]
            for sheet in given:
                found[sheet.allocation_id] += one.weight / total / len(given)
        return found


def counting() -> tuple[ColumnElement[bool], ...]:
    """The conditions of a `Rating` that counts now: neither struck nor set aside."""
    return (Allocation.id.not_in(select(StruckReading.allocation_id)), ~set_aside())


def sheets(session: Session, *conditions: ColumnElement[bool]) -> dict[str, list[Sheet]]:
    """Read sealed readings by work, in one query."""
    rows = session.execute(
        select(
            Rating.id,
            Rating.submission_id,
            Rating.allocation_id,
            Rating.criterion,
            Rating.level,
            Allocation.rater_id,
            Allocation.pool,
        )
        .join(Allocation, Allocation.id == Rating.allocation_id)
        .where(
            Allocation.state == AllocationState.SEALED,
            Allocation.purpose.not_in(OF_ANCHORS),
            *conditions,
        )
        .order_by(Rating.id)
    )
    levels: dict[str, dict[str, int]] = defaultdict(dict)
    ids: dict[str, dict[str, int]] = defaultdict(dict)
    heads: dict[str, tuple[str, str, bool]] = {}
    for rating_id, work, allocation, criterion, level, rater, pool in rows:
        levels[allocation][criterion] = level
        ids[allocation][criterion] = rating_id
        heads[allocation] = (work, rater or "", pool == Pool.PROFESSIONAL)
    found: dict[str, list[Sheet]] = defaultdict(list)
    for allocation, (work, rater, professional) in heads.items():
        found[work].append(
            Sheet(allocation, rater, professional, levels[allocation], ids[allocation])
        )
    return found


def complete(session: Session, cohort: Cohort, *, now: datetime) -> bool:
    """Whether every reading of the cohort's works that is wanted before release is in."""
    if cohort.allocated_at is None:
        return False
    unread = session.scalar(
        select(Submission.id)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.state.in_(IN_GRADING),
            Submission.allocated_at.is_not(None),
        )
        .limit(1)
    )
    outstanding = session.scalar(
        select(Allocation.id)
        .join(Submission, Submission.id == Allocation.submission_id)
        .where(
            Allocation.cohort_id == cohort.id,
            Submission.state == SubmissionState.RESOLVED,
            or_(Allocation.state.in_(OUTSTANDING), settling.covering_lapse(now)),
        )
        .limit(1)
    )
    return unread is None and outstanding is None


def due(session: Session, cohort: Cohort, *, now: datetime) -> bool:
    """Whether the plan asks for an adjustment, all is in, and some result is not adjusted to it."""
    if not adjustments.asked(cohort.plan) or not complete(session, cohort, now=now):
        return False
    latest = adjustments.current(session, cohort)
    kept = _on_their_way(session, cohort)
    return any(
        work.id not in kept and (score.adjustment or {}).get("id") != (latest or "")
        for work, score in adjustments.scores(session, cohort, (SubmissionState.RESOLVED,))
    )


def _on_their_way(session: Session, cohort: Cohort) -> set[str]:
    """Works in a release that is proposed or scheduled: what people have signed does not change."""
    return set(
        session.scalars(
            select(ReleaseItem.submission_id)
            .join(Release)
            .where(Release.cohort_id == cohort.id, Release.state.in_(PENDING_RELEASE))
        )
    )


def parameters(
    plan: GradingPlan, criteria: tuple[CriterionScale, ...], found: Mapping[str, Sequence[Sheet]]
) -> tuple[Parameters, dict[str, Any]]:
    """Learn severity and leniency from all of a cohort's readings.

    Returns
    -------
    Parameters, dict
        The second says by part (``severity``, ``peers``) why it was not done, and names separate ``groups``
        of graders.
    """
    rubric = _Rubric(criteria)
    rows = [
        (work, sheet.rater_id, rubric.composite(rubric.points(sheet)))
        for work, given in sorted(found.items())
        for sheet in given
        if sheet.professional and rubric.whole(sheet)
    ]
    panel = correction.severities(
        [work for work, _, _ in rows], [rater for _, rater, _ in rows], [y for _, _, y in rows]
    )
    notes: dict[str, Any] = {}
    severity: dict[str, tuple[float, float]] = {}
    if plan.resolution == "severity":
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
    for _work, given in sorted(found.items()):
        professionals = [one for one in given if one.professional and rubric.whole(one)]
        peers = _peers(plan, rubric, given)
        if not professionals or not peers:
            continue
        raw = statistics.fmean(rubric.composite(rubric.points(one)) for one in professionals)
        one = correction.correct(raw, _by_rater(rubric, professionals), learned)
        gaps.append(rubric.composite(_median(rubric, peers)) - raw - one.shift)
        variances.append(one.standard_error**2)
    lenient = correction.leniency(gaps, statistics.fmean(variances) if variances else math.nan)
    if lenient.reason is not None:
        notes["peers"] = lenient.reason
        notes["both"] = lenient.works
        return learned, notes
    return (
        Parameters(
            severity=severity,
            severity_variance=learned.severity_variance,
            error_variance=learned.error_variance,
            leniency=lenient.shift,
            leniency_error=lenient.standard_error,
            peer_variance=lenient.variance,
            peer_weight=plan.peer_weight,
        ),
        notes | {"both": lenient.works},
    )


def _peers(plan: GradingPlan, rubric: _Rubric, given: Sequence[Sheet]) -> list[Sheet]:
    """The peers of a work, where there are enough of them to count."""
    peers = [one for one in given if not one.professional and rubric.whole(one)]
    return peers if len(peers) >= max(plan.peers_needed, 1) else []


def _median(rubric: _Rubric, peers: Sequence[Sheet]) -> dict[str, float]:
    points = [rubric.points(one) for one in peers]
    return {
        one.code: float(statistics.median([given[one.code] for given in points]))
        for one in rubric.criteria
    }


def _by_rater(rubric: _Rubric, professionals: Sequence[Sheet]) -> dict[str, float]:
    raters = {one.allocation_id: one.rater_id for one in professionals}
    found: dict[str, float] = defaultdict(float)
    for allocation, share in rubric.shares(professionals).items():
        found[raters[allocation]] += share
    return found


@dataclass(frozen=True)
class _Adjusted:
    corrected: Corrected
    professionals: Sequence[Sheet]
    peers: Sequence[Sheet]
    detail: dict[str, Any]


def _adjust_one(
    plan: GradingPlan,
    rubric: _Rubric,
    score: Score,
    given: Sequence[Sheet],
    learned: Parameters,
    adjustment_id: str,
) -> _Adjusted:
    """Correct one score from the readings it rests on and the stored parameters alone."""
    resting = set(score.rating_ids)
    used = [one for one in given if one.professional and resting & set(one.ids.values())]
    peers = _peers(plan, rubric, given)
    before = score.adjustment or {}
    raw = rubric.composite({code: one["points"] for code, one in score.criteria.items()})
    shares = rubric.shares(used) if used else {}
    median = _median(rubric, peers) if peers else {}
    found = correction.correct(
        raw,
        _by_rater(rubric, used) if used else {},
        learned,
        peers=rubric.composite(median) if peers else None,
        linear=plan.resolution != "median" or len(used) <= 2,
    )
    raw_error = before.get("raw_standard_error", score.standard_error)
    detail = {
        "id": adjustment_id,
        "raw": raw,
        "raw_standard_error": raw_error,
        "shift": found.shift,
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
        if found.peers is None
        else {
            "allocations": [one.allocation_id for one in peers],
            "median": found.peers,
            "criteria": median,
            "leniency": found.leniency,
            "weight": found.weight,
        },
    }
    return _Adjusted(found, used, peers if found.weight else [], detail)


def _method(plan: GradingPlan, learned: Parameters, one: _Adjusted) -> str:
    if not one.professionals:
        name = "median-of-peer-readings"
    elif plan.resolution == "severity" and not learned.severity:
        name = METHODS["mean"]
    else:
        name = METHODS[plan.resolution]
    return f"{name}{'+centred-peers' if one.corrected.weight else ''}/1"


def _keep(
    session: Session,
    plan: GradingPlan,
    learned: Parameters,
    before: Score,
    one: _Adjusted,
    now: datetime,
) -> Score:
    error = one.corrected.standard_error
    kept: float | None = one.detail["raw_standard_error"] if math.isnan(error) else error
    if math.isnan(error) and one.corrected.weight:
        kept = None
    counted = [*one.professionals, *one.peers]
    score = Score(
        submission_id=before.submission_id,
        number=before.number + 1,
        composite=one.corrected.composite,
        standard_error=kept,
        criteria=before.criteria,
        rating_ids=sorted(rating for sheet in counted for rating in sheet.ids.values())
        or before.rating_ids,
        professionals=before.professionals,
        peers=len(one.peers) or (0 if one.professionals else before.peers),
        method=_method(plan, learned, one),
        plan_digest=before.plan_digest,
        computed_at=now,
        adjustment=one.detail,
    )
    session.add(score)
    return score


def adjust(session: Session, actor: Person | None, cohort: Cohort, *, now: datetime) -> Adjustment:
    """Adjust every score that awaits release, from all readings of the cohort that are in.

    Scores in a release that people have signed stay. A work that would be told "Not passed" by this, on
    fewer professional readings than the plan asks for, is read once more instead.

    Raises
    ------
    Refused
        The plan asks for no adjustment, the cohort is not open, or no result awaits release.
    """
    plan = cohort.plan
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort is not open.")
    if not adjustments.asked(plan):
        raise Refused("The plan asks for no adjustment.")
    works = adjustments.scores(session, cohort, (SubmissionState.RESOLVED,))
    if not works:
        raise Refused("There is no score yet that could be adjusted.")
    rubric = _Rubric(scales(cohort.rubric_version.rubric))
    found = sheets(session, Allocation.cohort_id == cohort.id, *counting())
    learned, notes = parameters(plan, rubric.criteria, found)
    number = session.scalar(
        select(func.max(Adjustment.number)).where(Adjustment.cohort_id == cohort.id)
    )
    made = Adjustment(
        cohort_id=cohort.id,
        number=(number or 0) + 1,
        parameters=learned.to_dict(),
        notes=notes,
        works=0,
        moved=0,
        fingerprint=fingerprint(session, cohort),
        plan_digest=cohort.plan_version.digest,
        computed_at=now,
    )
    session.add(made)
    session.flush()
    kept = _on_their_way(session, cohort)
    again: list[str] = []
    for work, score in works:
        if work.id in kept:
            continue
        one = _adjust_one(plan, rubric, score, found.get(work.id, []), learned, made.id)
        if _on_too_few(plan, one):
            move(session, work, "reopen", actor=None, now=now)
            settling.want_professionals(
                session, work, work.professionals_wanted + 1, "not_passed", now
            )
            again.append(work.id)
            continue
        _keep(session, plan, learned, score, one, now)
        made.works += 1
        made.moved += abs(one.corrected.composite - one.corrected.raw) >= 0.5
    session.flush()
    audit.record(
        session,
        actor,
        "cohort:adjust",
        made,
        now=now,
        after={
            "parameters": made.parameters,
            "notes": notes,
            "works": made.works,
            "moved": made.moved,
            "again": again,
        },
    )
    return made


def _on_too_few(plan: GradingPlan, one: _Adjusted) -> bool:
    """Nobody is told "Not passed" on one person's word, nor by an adjustment of it."""
    return (
        0 < len(one.professionals) < plan.readings_before_not_passed
        and passed(one.corrected.raw, plan.cut)
        and not passed(one.corrected.composite, plan.cut)
    )


def rescore(session: Session, submission: Submission, *, now: datetime) -> Score:
    """Compute what the readings that count amount to now, under the adjustment the score had.

    Only the reading that came or went moves the score: the graders' severities and the peers' leniency
    stay those of the released result, and who came after them counts as the panel's average.

    Raises
    ------
    Refused
        No professional reading is left that counts.
    """
    before = session.scalar(
        select(Score)
        .where(Score.submission_id == submission.id, Score.adjustment.is_not(None))
        .order_by(Score.number.desc())
        .limit(1)
    )
    raw = settling.rescore(session, submission, now=now)
    if before is None or before.adjustment is None:
        return raw
    score = _under(session, submission, raw, before.adjustment["id"], now)
    session.flush()
    return score


def _under(
    session: Session, submission: Submission, raw: Score, adjustment_id: str, now: datetime
) -> Score:
    made = session.get_one(Adjustment, adjustment_id)
    cohort = submission.cohort
    learned = Parameters(**made.parameters)
    rubric = _Rubric(scales(cohort.rubric_version.rubric))
    found = sheets(session, Allocation.submission_id == submission.id, *counting())
    given = found.get(submission.id, [])
    one = _adjust_one(cohort.plan, rubric, raw, given, learned, made.id)
    return _keep(session, cohort.plan, learned, raw, one, now)


def recomputed(session: Session, score: Score) -> Corrected:
    """Compute an adjusted score again from its ratings and the stored parameters.

    What was struck or set aside afterwards counts as it did then.

    Raises
    ------
    ValueError
        The score was not adjusted.
    """
    if score.adjustment is None:
        raise ValueError("this score was not adjusted")
    made = session.get_one(Adjustment, score.adjustment["id"])
    cohort = score.submission.cohort
    resting = set(score.rating_ids)
    rows = sheets(session, Rating.id.in_(resting)).get(score.submission_id, [])
    return _adjust_one(
        cohort.plan,
        _Rubric(scales(cohort.rubric_version.rubric)),
        score,
        rows,
        Parameters(**made.parameters),
        made.id,
    ).corrected
