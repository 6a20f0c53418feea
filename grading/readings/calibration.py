"""Calibration: practice with the leads' levels beside one's own, then qualification without feedback."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from grading.errors import NotFound, Refused
from grading.ledger import audit
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.measurement.monitoring.calibration import Judgement, Verdict, judge, standard
from grading.models import (
    Allocation,
    AnchorPaper,
    AnchorReading,
    CalibrationAttempt,
    Cohort,
    Membership,
    Person,
    Standing,
)
from grading.models.conditions import takes_part
from grading.readings import allocations, anchors, eligibility, holds, reviews
from grading.readings.queries import standings
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.calibration import (
    EVENT_OF_VERDICT,
    AnchorUse,
    AttemptKind,
    AttemptState,
    StandingState,
    may_try_again_at,
)
from grading.workflow.cohort import CohortState, Role
from grading.workflow.plan import GradingPlan

PROFESSIONALS = (Role.GRADER, Role.LEAD, Role.INSTRUCTOR)
PEERS = (Role.LEARNER, Role.PEER)


def attempts(
    session: Session, cohort: Cohort, person_id: str, kind: AttemptKind | None = None
) -> Sequence[CalibrationAttempt]:
    """List a rater's attempts in a cohort, oldest first."""
    statement = select(CalibrationAttempt).where(
        CalibrationAttempt.cohort_id == cohort.id, CalibrationAttempt.person_id == person_id
    )
    if kind is not None:
        statement = statement.where(CalibrationAttempt.kind == kind)
    return list(session.scalars(statement.order_by(CalibrationAttempt.started_at)))


def _pool(session: Session, cohort: Cohort, rater: Person) -> Pool:
    roles = set(
        session.scalars(
            select(Membership.role).where(
                takes_part(cohort_id=cohort.id, person_id=rater.id),
            )
        )
    )
    if roles & set(PROFESSIONALS):
        return Pool.PROFESSIONAL
    if roles & set(PEERS) and cohort.plan.peer_calibration != "off":
        return Pool.PEER
    raise NotFound("There is no such page.")


def _fresh(
    session: Session, cohort: Cohort, rater: Person, use: AnchorUse
) -> dict[int, list[AnchorPaper]]:
    """The papers of a use that a rater has not met, by set; of a set begun before, none."""
    papers = anchors.in_use(session, cohort, use)
    readable = eligibility.readable(session, rater, [paper.submission_id for paper in papers])
    met = set(
        session.scalars(
            select(AnchorReading.anchor_id)
            .join(Allocation, Allocation.id == AnchorReading.allocation_id)
            .where(Allocation.rater_id == rater.id)
        )
    )
    marked = {
        paper.id
        for paper in papers
        if any(marking.person_id == rater.id for marking in paper.markings)
    }
    sets: dict[int, list[AnchorPaper]] = defaultdict(list)
    spent = {paper.set_number for paper in papers if paper.id in met}
    for paper in papers:
        number = paper.set_number or 1
        used_up = use == AnchorUse.QUALIFICATION and number in spent
        if paper.submission_id in readable and paper.id not in met | marked and not used_up:
            sets[number].append(paper)
    return sets


def _papers(
    session: Session,
    cohort: Cohort,
    rater: Person,
    kind: AttemptKind,
    rng: np.random.Generator,
) -> list[AnchorPaper]:
    plan = cohort.plan
    if kind is AttemptKind.PRACTICE:
        sets = _fresh(session, cohort, rater, AnchorUse.PRACTICE)
        papers = [paper for number in sorted(sets) for paper in sets[number]]
        if not papers:
            raise Refused("There is no example left for you to practise on. Talk to your lead.")
        return papers[: max(plan.practice_papers, 1)]
    sets = _fresh(session, cohort, rater, AnchorUse.QUALIFICATION)
    full = [number for number in sorted(sets) if len(sets[number]) >= plan.qualification_papers]
    if len(full) < plan.qualification_sets:
        raise Refused("There is no fresh set of examples for you yet. Your lead has to make one.")
    chosen = full[: plan.qualification_sets]
    papers = []
    for number in chosen:
        order = rng.permutation(len(sets[number]))[: plan.qualification_papers]
        papers += [sets[number][index] for index in order.tolist()]
    return papers


def may_start(
    session: Session, cohort: Cohort, rater: Person, kind: AttemptKind, *, now: datetime
) -> None:
    """See that an attempt can begin; raises `Refused` with what stands in the way."""
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort is not open.")
    if kind is AttemptKind.PRACTICE:
        return
    plan = cohort.plan
    practised = any(
        attempt.state == AttemptState.JUDGED
        for attempt in attempts(session, cohort, rater.id, AttemptKind.PRACTICE)
    )
    if plan.practice_papers and not practised:
        raise Refused("Practise first: then you see how the leads read.")
    ended = [
        attempt.ended_at
        for attempt in attempts(session, cohort, rater.id, AttemptKind.QUALIFICATION)
        if attempt.ended_at is not None
    ]
    again = may_try_again_at(
        ended, tries=plan.qualification_tries, wait_hours=plan.qualification_wait_hours
    )
    if again is None:
        raise Refused("You have used your tries. Talk to your lead.")
    if now < again:
        raise Refused(
            "You can try again %(hours)g hours after the last try.",
            hours=plan.qualification_wait_hours,
        )


def start(
    session: Session,
    rater: Person,
    cohort: Cohort,
    kind: AttemptKind,
    *,
    rng: np.random.Generator,
    now: datetime,
) -> CalibrationAttempt:
    """Begin an attempt, or give the one that is open: pressed twice, there is one.

    Raises
    ------
    NotFound, Refused
    """
    pool = _pool(session, cohort, rater)
    take_turns(session, rater)
    earlier = attempts(session, cohort, rater.id)
    for attempt in earlier:
        if attempt.state == AttemptState.OPEN:
            return attempt
    may_start(session, cohort, rater, kind, now=now)
    papers = _papers(session, cohort, rater, kind, rng)
    attempt = CalibrationAttempt(
        cohort_id=cohort.id,
        person=rater,
        kind=kind,
        number=1 + sum(one.kind == kind for one in earlier),
        started_at=now,
    )
    session.add(attempt)
    session.flush()
    codes = allocations.BlindCodes(session, cohort.id)
    purpose = Purpose.PRACTICE if kind is AttemptKind.PRACTICE else Purpose.QUALIFICATION
    for paper in papers:
        item = allocations.give_in(
            session, cohort, paper.submission, rater, pool, purpose, codes=codes, now=now
        )
        session.flush()
        session.add(AnchorReading(allocation_id=item.id, anchor_id=paper.id, attempt_id=attempt.id))
    session.flush()
    audit.record(
        session,
        rater,
        "attempt:start",
        attempt,
        now=now,
        after={"kind": kind, "papers": [paper.id for paper in papers]},
    )
    return attempt


def items(session: Session, attempt: CalibrationAttempt) -> list[tuple[Allocation, AnchorPaper]]:
    """List an attempt's items with their papers, in the rater's own stable order."""
    return [
        (allocation, paper)
        for allocation, paper in session.execute(
            select(Allocation, AnchorPaper)
            .join(AnchorReading, AnchorReading.allocation_id == Allocation.id)
            .join(AnchorPaper, AnchorPaper.id == AnchorReading.anchor_id)
            .options(selectinload(Allocation.review))
            .where(AnchorReading.attempt_id == attempt.id)
            .order_by(holds.own_order(attempt.person))
        )
    ]


def _standard(levels: int, plan: GradingPlan) -> Any:
    return standard(levels, discrepancies=plan.qualification_discrepancies)


def judgements(
    session: Session, attempt: CalibrationAttempt
) -> tuple[dict[str, Judgement], dict[str, list[Judgement]]]:
    """Judge an attempt's finished sheets on each criterion: pooled, and set by set."""
    cohort = session.get_one(Cohort, attempt.cohort_id)
    plan = cohort.plan
    done = [
        (item.review.levels, paper)
        for item, paper in items(session, attempt)
        if item.review is not None
        and item.state in (AllocationState.FINISHED, AllocationState.SEALED)
    ]
    least = plan.qualification_papers if attempt.kind == AttemptKind.QUALIFICATION else 1
    pooled: dict[str, Judgement] = {}
    by_set: dict[str, list[Judgement]] = {}
    numbers = sorted({paper.set_number or 1 for _levels, paper in done})
    for criterion in cohort.rubric_version.rubric.criteria:
        count = len(criterion.levels)

        def levels_of(rows: list[tuple[Any, AnchorPaper]], code: str = criterion.code) -> Any:
            return (
                [levels[code] for levels, _paper in rows],
                [(paper.levels or {})[code] for _levels, paper in rows],
            )

        pooled[criterion.code] = judge(
            *levels_of(done), levels=count, asked=_standard(count, plan), least_papers=least
        )
        by_set[criterion.code] = [
            judge(
                *levels_of([row for row in done if (row[1].set_number or 1) == number]),
                levels=count,
                asked=_standard(count, plan),
                least_papers=least,
            )
            for number in numbers
        ]
    return pooled, by_set


_ORDER = (Verdict.NOT_QUALIFIED, Verdict.PROVISIONAL, Verdict.QUALIFIED)


def _verdicts(
    pooled: dict[str, Judgement], by_set: dict[str, list[Judgement]], plan: GradingPlan
) -> dict[str, Verdict]:
    found = {}
    for code, judgement in pooled.items():
        verdicts = [judgement.verdict]
        if plan.qualification_rule == "best":
            verdicts += [one.verdict for one in by_set[code]]
        found[code] = max(verdicts, key=_ORDER.index)
    if plan.must_pass == "all" and Verdict.NOT_QUALIFIED in found.values():
        return dict.fromkeys(found, Verdict.NOT_QUALIFIED)
    return found


def hand_in(
    session: Session, rater: Person, attempt: CalibrationAttempt, *, now: datetime
) -> dict[str, Verdict]:
    """End an attempt whose sheets are all finished: seal them, judge them, and set the standings.

    Raises
    ------
    NotFound
        It is another's.
    Refused
        A sheet is not finished.
    IllegalTransition
        It is judged already.
    """
    take_turns(session, attempt)
    if attempt.person_id != rater.id:
        raise NotFound("There is no such attempt.")
    found = items(session, attempt)
    waiting = [
        item
        for item, _paper in found
        if item.state
        not in (AllocationState.FINISHED, AllocationState.SEALED, AllocationState.CANCELLED)
    ]
    if waiting:
        raise Refused("%(n)s examples are still to be finished.", n=len(waiting))
    pooled, by_set = judgements(session, attempt)
    cohort = session.get_one(Cohort, attempt.cohort_id)
    verdicts = _verdicts(pooled, by_set, cohort.plan)
    outcome = {
        code: {
            "verdict": str(verdicts[code]),
            "exact": _number(judgement.exact),
            "adjacent": _number(judgement.adjacent),
            "kappa": _number(judgement.kappa),
            "discrepancies": judgement.discrepancies,
            "papers": judgement.n,
            "short": list(judgement.short),
        }
        for code, judgement in pooled.items()
    }
    for item, _paper in found:
        if item.state == AllocationState.FINISHED:
            reviews.seal(session, item, now=now)
    move(session, attempt, "judge", actor=rater, now=now, ended_at=now, outcome=outcome)
    if attempt.kind == AttemptKind.QUALIFICATION:
        _set_standings(session, attempt, cohort, verdicts, now)
    return verdicts


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _set_standings(
    session: Session,
    attempt: CalibrationAttempt,
    cohort: Cohort,
    verdicts: dict[str, Verdict],
    now: datetime,
) -> None:
    held = standings.of_person(session, cohort, attempt.person_id)
    for code, verdict in verdicts.items():
        standing = held.get(code)
        if standing is None:
            standing = Standing(
                cohort_id=cohort.id,
                person=attempt.person,
                criterion=code,
                state=StandingState.NOT_QUALIFIED,
                since=now,
                expires_at=now,
            )
            session.add(standing)
            session.flush()
        elif verdict is Verdict.NOT_QUALIFIED and standing.state == StandingState.QUALIFIED:
            # What somebody has won is not lost by trying again for another criterion.
            continue
        move(
            session,
            standing,
            EVENT_OF_VERDICT[verdict],
            actor=None,
            now=now,
            since=now,
            expires_at=now + timedelta(days=cohort.plan.standing_days),
            attempt_id=attempt.id,
        )


def end(
    session: Session, actor: Person | None, attempt: CalibrationAttempt, *, now: datetime
) -> None:
    """Give an attempt up; its papers are spent, and it counts as a try."""
    if actor is not None and attempt.person_id != actor.id:
        raise NotFound("There is no such attempt.")
    for item, _paper in items(session, attempt):
        if item.state in (AllocationState.ALLOCATED, AllocationState.BEGUN):
            move(session, item, "cancel", actor=actor, now=now, ended_at=now)
    move(session, attempt, "end", actor=actor, now=now, ended_at=now)


def expire(session: Session, cohort: Cohort, *, now: datetime) -> int:
    """Let standings end whose time is over."""
    over = list(
        session.scalars(
            select(Standing).where(
                Standing.cohort_id == cohort.id,
                Standing.state.in_((StandingState.QUALIFIED, StandingState.PROVISIONAL)),
                Standing.expires_at <= now,
            )
        )
    )
    for standing in over:
        move(session, standing, "expire", actor=None, now=now, since=now)
    return len(over)
