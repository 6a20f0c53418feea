"""Scores adjusted for who read: graders' severity, and peers centred on the professionals.

What decides about discrepancies and further readings are raw readings, work by work (`settling`). The
adjustment needs the whole cohort, so it comes when its readings are in, as a further score of each work.
"""

import math
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.measurement.scoring.combining import PEER_METHOD, Resolution
from grading.measurement.scoring.correction import Corrected, Parameters
from grading.measurement.scoring.scale import passed
from grading.models import (
    Adjustment,
    Allocation,
    Cohort,
    Person,
    Release,
    ReleaseItem,
    Score,
    Submission,
)
from grading.readings.queries.ratings import (
    fingerprint,
    readings_of_cohort,
    readings_of_work,
    readings_resting_on,
    scales,
)
from grading.scores import corrections, settling
from grading.scores.corrections import AdjustedScore
from grading.scores.queries import adjustments
from grading.scores.queries.current_scores import current_scores
from grading.workflow.allocation import (
    OUTSTANDING,
)
from grading.workflow.cohort import CohortState
from grading.workflow.plan import GradingPlan
from grading.workflow.release import PENDING as PENDING_RELEASE
from grading.workflow.submission import IN_GRADING, SubmissionState


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
        for work, score in current_scores(session, cohort, (SubmissionState.RESOLVED,))
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


def _method(plan: GradingPlan, learned: Parameters, adjusted: AdjustedScore) -> str:
    rule = Resolution(plan.resolution)
    if not adjusted.professionals:
        name = PEER_METHOD
    else:
        name = rule.adjusted_method if learned.severity else rule.method
    return f"{name}{'+centred-peers' if adjusted.corrected.weight else ''}/1"


def _keep(
    session: Session,
    plan: GradingPlan,
    learned: Parameters,
    before: Score,
    adjusted: AdjustedScore,
    now: datetime,
) -> Score:
    error = adjusted.corrected.standard_error
    standard_error: float | None = (
        adjusted.detail["raw_standard_error"] if math.isnan(error) else error
    )
    if math.isnan(error) and adjusted.corrected.weight:
        standard_error = None
    counted_readings = [*adjusted.professionals, *adjusted.peers]
    score = Score(
        submission_id=before.submission_id,
        number=before.number + 1,
        composite=adjusted.corrected.composite,
        standard_error=standard_error,
        criteria=before.criteria,
        rating_ids=sorted(
            rating for reading in counted_readings for rating in reading.rating_ids.values()
        )
        or before.rating_ids,
        professionals=before.professionals,
        peers=len(adjusted.peers) or (0 if adjusted.professionals else before.peers),
        method=_method(plan, learned, adjusted),
        plan_digest=before.plan_digest,
        computed_at=now,
        adjustment=adjusted.detail,
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
    works = current_scores(session, cohort, (SubmissionState.RESOLVED,))
    if not works:
        raise Refused("There is no score yet that could be adjusted.")
    criteria = scales(cohort.rubric_version.rubric)
    readings = readings_of_cohort(session, cohort)
    learned, notes = corrections.learn(plan, criteria, readings)
    readings_by_work = corrections.by_work(readings)
    number = session.scalar(
        select(func.max(Adjustment.number)).where(Adjustment.cohort_id == cohort.id)
    )
    adjustment = Adjustment(
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
    session.add(adjustment)
    session.flush()
    kept = _on_their_way(session, cohort)
    again: list[str] = []
    for work, score in works:
        if work.id in kept:
            continue
        adjusted = corrections.adjust_score(
            plan, criteria, score, readings_by_work.get(work.id, []), learned, adjustment.id
        )
        if _on_too_few(plan, adjusted):
            move(session, work, "reopen", actor=None, now=now)
            settling.want_professionals(
                session, work, work.professionals_wanted + 1, "not_passed", now
            )
            again.append(work.id)
            continue
        _keep(session, plan, learned, score, adjusted, now)
        adjustment.works += 1
        adjustment.moved += abs(adjusted.corrected.composite - adjusted.corrected.raw) >= 0.5
    session.flush()
    audit.record(
        session,
        actor,
        "cohort:adjust",
        adjustment,
        now=now,
        after={
            "parameters": adjustment.parameters,
            "notes": notes,
            "works": adjustment.works,
            "moved": adjustment.moved,
            "again": again,
        },
    )
    return adjustment


def _on_too_few(plan: GradingPlan, adjusted: AdjustedScore) -> bool:
    """Nobody is told "Not passed" on one person's word, nor by an adjustment of it."""
    return (
        0 < len(adjusted.professionals) < plan.readings_before_not_passed
        and passed(adjusted.corrected.raw, plan.cut)
        and not passed(adjusted.corrected.composite, plan.cut)
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
    cohort = submission.cohort
    learned = Parameters(**session.get_one(Adjustment, adjustment_id).parameters)
    adjusted = corrections.adjust_score(
        cohort.plan,
        scales(cohort.rubric_version.rubric),
        raw,
        readings_of_work(session, submission.id),
        learned,
        adjustment_id,
    )
    return _keep(session, cohort.plan, learned, raw, adjusted, now)


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
    adjustment = session.get_one(Adjustment, score.adjustment["id"])
    cohort = score.submission.cohort
    return corrections.adjust_score(
        cohort.plan,
        scales(cohort.rubric_version.rubric),
        score,
        readings_resting_on(session, score.submission_id, score.rating_ids),
        Parameters(**adjustment.parameters),
        adjustment.id,
    ).corrected
