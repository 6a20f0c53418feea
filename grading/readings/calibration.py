"""Calibration: practice with the leads' levels beside one's own, then qualification without feedback."""

from datetime import datetime
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
)
from grading.models.conditions import takes_part
from grading.readings import allocations, clearing, holds, reviews
from grading.readings.queries import clearances, example_stock
from grading.readings.queries.example_stock import ExampleStock
from grading.workflow.allocation import AllocationState, Pool, Purpose
from grading.workflow.calibration import AttemptKind, AttemptState
from grading.workflow.cohort import SCORING, CohortState, Role
from grading.workflow.plan import GradingPlan

PEERS = (Role.LEARNER, Role.PEER)


def _pool(session: Session, cohort: Cohort, rater: Person) -> Pool:
    roles = set(
        session.scalars(
            select(Membership.role).where(
                takes_part(cohort_id=cohort.id, person_id=rater.id),
            )
        )
    )
    if roles & set(SCORING):
        return Pool.PROFESSIONAL
    if roles & set(PEERS) and cohort.plan.peer_calibration != "off":
        return Pool.PEER
    raise NotFound("There is no such page.")


def may_start(
    session: Session, cohort: Cohort, rater: Person, kind: AttemptKind, *, now: datetime
) -> ExampleStock:
    """Take stock of a rater's examples for an attempt that can begin.

    Raises
    ------
    Refused
        What stands in the way.
    """
    if cohort.state != CohortState.OPEN:
        raise Refused("The cohort is not open.")
    plan = cohort.plan
    stock = example_stock.stock_of_one(session, cohort, rater)
    if kind is AttemptKind.PRACTICE:
        if stock.practice:
            return stock
        if stock.has_practised:
            raise Refused(
                "You have met every example to practise on. You can qualify without more."
            )
        raise Refused(
            "There is no example to practise on yet: two leads have to agree on some first."
        )
    # Whoever has met every example there is to practise on is not asked for more of them.
    owes_practice = stock.practice or not stock.has_practised
    if (
        plan.practice_papers
        and owes_practice
        and not clearances.has_practised(session, cohort, rater)
    ):
        if stock.practice:
            raise Refused("Practise first: then you see how the leads read.")
        raise Refused(
            "You practise first, and there is no example for that yet. Talk to your lead."
        )
    tries = clearances.tries_of(plan, clearances.attempts(session, cohort, rater.id))
    if tries.again is None:
        raise Refused("You have used your tries. Talk to your lead, who can clear you by hand.")
    if now < tries.again:
        raise Refused(
            "You can try again %(hours)g hours after the last try.",
            hours=plan.qualification_wait_hours,
        )
    if not stock.tries(plan):
        raise Refused(
            "A try takes %(sets)s sets of %(papers)s examples that you have not met, and there are"
            " %(there)s. Your lead makes more, or clears you by hand.",
            sets=plan.qualification_sets,
            papers=plan.qualification_papers,
            there=len(stock.full_sets(plan)),
        )
    return stock


def can_go_on(session: Session, cohort: Cohort, rater: Person, *, now: datetime) -> bool:
    """Whether a rater can do something now about a standing they have not: go on, practise or qualify."""
    tried = clearances.attempts(session, cohort, rater.id)
    if any(attempt.state == AttemptState.OPEN for attempt in tried):
        return True
    kinds = [AttemptKind.QUALIFICATION]
    if cohort.plan.practice_papers and not clearances.has_practised(session, cohort, rater):
        kinds.append(AttemptKind.PRACTICE)
    return any(hindrance(session, cohort, rater, kind, now=now) is None for kind in kinds)


def hindrance(
    session: Session, cohort: Cohort, rater: Person, kind: AttemptKind, *, now: datetime
) -> Refused | None:
    """Say what keeps an attempt from beginning; None when it can."""
    try:
        may_start(session, cohort, rater, kind, now=now)
    except Refused as refused:
        return refused
    return None


def _drawn(
    stock: ExampleStock, plan: GradingPlan, kind: AttemptKind, rng: np.random.Generator
) -> list[AnchorPaper]:
    if kind is AttemptKind.PRACTICE:
        return stock.practice[: max(plan.practice_papers, 1)]
    papers = []
    for number in stock.full_sets(plan)[: plan.qualification_sets]:
        order = rng.permutation(len(stock.sets[number]))[: plan.qualification_papers]
        papers += [stock.sets[number][index] for index in order.tolist()]
    return papers


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
    earlier = clearances.attempts(session, cohort, rater.id)
    for attempt in earlier:
        if attempt.state == AttemptState.OPEN:
            return attempt
    stock = may_start(session, cohort, rater, kind, now=now)
    papers = _drawn(stock, cohort.plan, kind, rng)
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
        clearing.set_standings(session, cohort, attempt, verdicts, now=now)
    return verdicts


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


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
