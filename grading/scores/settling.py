"""From sealed ratings to a score, to a third reading, or to one more."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from grading.errors import Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.measurement.scoring.combining import Resolution
from grading.measurement.scoring.resolution import (
    Discrepant,
    NeedsReading,
    Reading,
    Resolved,
    Rule,
    Waiting,
    resolve,
)
from grading.models import Allocation, Discrepancy, Score, Submission
from grading.readings import allocations
from grading.readings.queries import ratings
from grading.readings.queries.ratings import SealedReading, scales
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import (
    OUTSTANDING,
    AllocationState,
    Pool,
    Purpose,
)
from grading.workflow.plan import GradingPlan
from grading.workflow.submission import SubmissionState


def rule(plan: GradingPlan, professionals_wanted: int) -> Rule:
    """Give the plan's part in resolution, for a work that is to have so many professional readings."""
    return Rule(
        peers_needed=plan.peers_needed,
        professional_readings=professionals_wanted,
        tolerance_levels=plan.tolerance_levels,
        tolerance_total=plan.tolerance_total,
        across_cut=plan.tolerance_cut,
        cut=plan.cut,
        resolution=Resolution(plan.resolution),
        near_cut=plan.near_cut,
        readings_near_cut=plan.readings_near_cut,
        readings_before_not_passed=plan.readings_before_not_passed,
    )


def readings(
    session: Session, submission: Submission
) -> tuple[list[Reading], dict[str, list[int]]]:
    """Read the sealed readings of a work that count, and the ids of their ratings by allocation."""
    sealed = ratings.readings_of_work(session, submission.id)
    return [as_reading(one, third=one.third) for one in sealed], {
        one.allocation_id: list(one.rating_ids.values()) for one in sealed
    }


def as_reading(sealed: SealedReading, *, third: bool) -> Reading:
    """Give a sealed reading as resolution wants it, as one that settles a difference or not."""
    return Reading(
        key=sealed.allocation_id,
        pool="professional" if sealed.professional else "peer",
        adjudication=third,
        levels=sealed.levels | sealed.set_aside,
        set_aside=frozenset(sealed.set_aside),
    )


def set_aside_readings(session: Session, submission: Submission) -> int:
    """Count the professional readings that are whole no longer; others are wanted in their place."""
    return _broken(readings(session, submission)[0])


def _broken(counting: list[Reading]) -> int:
    return sum(
        reading.pool == "professional" and not reading.adjudication and not reading.whole
        for reading in counting
    )


def outstanding(session: Session, submission: Submission, *, now: datetime) -> int:
    """Count the readings of a work that may still come: at hand, or kept for their rater."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Allocation)
            .where(
                Allocation.submission_id == submission.id,
                or_(Allocation.state.in_(OUTSTANDING), covering_lapse(now)),
            )
        )
        or 0
    )


def covering_lapse(now: datetime) -> ColumnElement[bool]:
    """The condition of a lapsed hold whose draft still keeps others away."""
    return and_(
        Allocation.state == AllocationState.LAPSED,
        Allocation.replaced.is_(False),
        Allocation.covers_until > now,
    )


def settle(session: Session, submission: Submission, *, now: datetime) -> bool:
    """Bring a work as far as its sealed readings allow; says whether anything changed.

    Nothing happens while a reading is outstanding, so that no score rests on whoever was quickest.
    """
    if submission.state not in (SubmissionState.BEGUN, SubmissionState.DISCREPANT):
        return False
    if outstanding(session, submission, now=now):
        return False
    cohort = submission.cohort
    counting, rating_ids = readings(session, submission)
    verdict = resolve(
        counting,
        scales(cohort.rubric_version.rubric),
        rule(cohort.plan, submission.professionals_wanted - _broken(counting)),
    )
    open_case = session.scalar(
        select(Discrepancy).where(
            Discrepancy.submission_id == submission.id, Discrepancy.state == DiscrepancyState.OPEN
        )
    )
    if open_case is not None:
        if open_case.allocation.state != AllocationState.SEALED:
            return False
        move(
            session,
            open_case,
            "adjudicate",
            actor=open_case.allocation.rater,
            now=now,
            settled_at=now,
        )
    match verdict:
        case Waiting():
            return _wait(session, submission, verdict, now)
        case NeedsReading():
            wanted = wanted_for(verdict, counting, submission.professionals_wanted)
            want_professionals(session, submission, wanted, verdict.reason, now)
            return True
        case Discrepant():
            _adjudicate(session, submission, verdict, now)
            return True
        case Resolved():
            score = _keep(session, submission, verdict, rating_ids, now)
            move(
                session,
                submission,
                "resolve",
                actor=None,
                now=now,
                note={
                    "score": score.id,
                    "composite": score.composite,
                    "ratings": score.rating_ids,
                    "method": score.method,
                },
            )
            return True


def wanted_for(verdict: NeedsReading, counting: Sequence[Reading], wanted: int) -> int:
    """Say how many professional readings a work is to have that has too few for its result.

    An adjudicator's reading stands beside the wanted ones and must not use one up.
    """
    have = sum(reading.pool == "professional" and not reading.adjudication for reading in counting)
    return max(have + verdict.professional_short, wanted + 1)


def rescore(session: Session, submission: Submission, *, now: datetime) -> Score:
    """Compute what the readings that count amount to now, after a re-mark or a struck reading.

    No further reading is called and nothing is found discrepant: the re-mark is the last word.

    Raises
    ------
    Refused
        No professional reading is left that counts.
    """
    counting, rating_ids = readings(session, submission)
    cohort = submission.cohort
    verdict = resolve(
        [replace(reading, adjudication=reading.pool == "professional") for reading in counting],
        scales(cohort.rubric_version.rubric),
        replace(
            # A work that was to be read by peers alone may go on resting on them.
            rule(cohort.plan, min(submission.professionals_wanted, 1)),
            readings_near_cut=0,
            readings_before_not_passed=0,
            peers_needed=0,
        ),
    )
    if not isinstance(verdict, Resolved):
        raise Refused("No reading is left that counts. Somebody has to read the project first.")
    return _keep(session, submission, verdict, rating_ids, now)


def _wait(session: Session, submission: Submission, verdict: Waiting, now: datetime) -> bool:
    """Nobody is ever stuck: where no peers can come any more, a professional reads."""
    if verdict.reason == "peers" and now >= submission.cohort.peers_due_at:
        want_professionals(
            session, submission, submission.professionals_wanted + 1, "short_of_peers", now
        )
        return True
    return False


def want_professionals(
    session: Session, submission: Submission, wanted: int, reason: str, now: datetime
) -> None:
    """Raise the professional readings a work is to have; the upkeep finds who gives them."""
    before = submission.professionals_wanted
    submission.professionals_wanted = max(wanted, before + 1)
    audit.record(
        session,
        None,
        "submission:call_reading",
        submission,
        now=now,
        before={"professionals_wanted": before},
        after={"professionals_wanted": submission.professionals_wanted},
        reason=reason,
    )


def _adjudicate(
    session: Session, submission: Submission, verdict: Discrepant, now: datetime
) -> None:
    allocation = allocations.give(
        session,
        submission,
        None,
        Pool.PROFESSIONAL,
        Purpose.ADJUDICATION,
        codes=allocations.BlindCodes(session, submission.cohort_id),
        now=now,
    )
    findings = [
        {
            "kind": finding.kind,
            "criterion": finding.criterion,
            "sides": list(finding.sides),
            "gap": finding.gap,
        }
        for finding in verdict.findings
    ]
    discrepancy = Discrepancy(
        cohort_id=submission.cohort_id,
        submission=submission,
        allocation=allocation,
        findings=findings,
        found_at=now,
    )
    session.add(discrepancy)
    session.flush()
    audit.record(
        session,
        None,
        "discrepancy:find",
        discrepancy,
        now=now,
        after={"state": discrepancy.state, "submission": submission.id, "findings": findings},
    )
    move(session, submission, "find_discrepancy", actor=None, now=now)


def _keep(
    session: Session,
    submission: Submission,
    verdict: Resolved,
    rating_ids: dict[str, list[int]],
    now: datetime,
) -> Score:
    number = session.scalar(
        select(func.max(Score.number)).where(Score.submission_id == submission.id)
    )
    score = Score(
        submission=submission,
        number=(number or 0) + 1,
        composite=verdict.composite,
        standard_error=None if math.isnan(verdict.standard_error) else verdict.standard_error,
        criteria={
            code: {"level": verdict.levels[code], "points": points}
            for code, points in verdict.points.items()
        },
        rating_ids=sorted(rating for key in verdict.keys for rating in rating_ids[key]),
        professionals=verdict.n_professional,
        peers=verdict.n_peer,
        method=verdict.method,
        plan_digest=submission.cohort.plan_version.digest,
        computed_at=now,
    )
    session.add(score)
    session.flush()
    return score
