"""The statistical gates of a release that are not met; each can be passed with a reason."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grading.models import Cohort
from grading.releases.queries.candidates import Candidate
from grading.scores.queries import agreement, kept_statistics, risk

WRONG_SIDE = "wrong_side"


@dataclass(frozen=True)
class Gate:
    """A gate that is not met.

    Attributes
    ----------
    key : str
        ``kappa:CRITERION``, ``kappa:total`` or ``wrong_side``.
    title : str
        Of the criterion.
    estimate, needed : float
        The kappa; or the largest risk, and the largest that is allowed.
    count : int
        Pairs; or works above the gate.
    """

    key: str
    title: str
    estimate: float
    needed: float
    count: int


def failed(session: Session, cohort: Cohort, candidates: Iterable[Candidate]) -> list[Gate]:
    """List the gates that are not met for what is ready among some candidates."""
    return agreement_gates(session, cohort) + _risk(session, cohort, candidates)


def agreement_gates(session: Session, cohort: Cohort) -> list[Gate]:
    """List the gates on professional agreement that are not met, once there are enough pairs."""
    plan = cohort.plan
    gates = []
    for code, title, kappa, pairs in _kappas(session, cohort):
        needed = plan.gate_total_kappa if code is None else plan.gate_criterion_kappa
        if kappa is None or pairs < plan.gate_minimum or kappa >= needed:
            continue
        gates.append(Gate(f"kappa:{code or 'total'}", title, kappa, needed, pairs))
    return gates


def _kappas(
    session: Session, cohort: Cohort
) -> Iterator[tuple[str | None, str, float | None, int]]:
    """What is kept, or computed now: a gate is never asked of ratings that have changed since."""
    kept = kept_statistics.current(session, cohort, "agreement")
    if kept is not None:
        for item in kept["criteria"]:
            pool = item["pools"]["professionals"]
            yield item["code"], item["title"], pool["quadratic_kappa"]["estimate"], pool["pairs"]
        return
    for part in agreement.report(session, cohort):
        kappa = part.professionals.quadratic_kappa.estimate
        pairs = part.professionals.n_pairs
        yield part.code, part.title, None if math.isnan(kappa) else kappa, pairs


def _risk(session: Session, cohort: Cohort, candidates: Iterable[Candidate]) -> list[Gate]:
    plan = cohort.plan
    scores = [
        (item.submission_id, item.composite)
        for item in candidates
        if item.ready and item.composite is not None
    ]
    if plan.gate_wrong_side >= 1 or not scores:
        return []
    result = kept_statistics.current(session, cohort, "risk") or risk.detailed(session, cohort)
    risks = risk.wrong_side(plan, result, scores)
    above = [value for value in risks.values() if value > plan.gate_wrong_side]
    largest = max(above, default=math.nan)
    if not above:
        return []
    return [Gate(WRONG_SIDE, "", largest, plan.gate_wrong_side, len(above))]
