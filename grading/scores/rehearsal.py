"""Trying a grading plan on a simulated cohort, before people are graded by it.

The readings are drawn, everything else is what grades real cohorts: the rule of the plan, resolution,
aggregation and the board that routes further readings. A simulated work has one number of 100 and no
criteria, so that tolerances on a criterion find nothing here: third readings are counted somewhat low.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from grading.measurement.allocation.routing import Choice
from grading.measurement.allocation.worlds import Kind, World, simulate
from grading.measurement.posterior.readings import Readings
from grading.measurement.scoring.resolution import (
    Discrepant,
    NeedsReading,
    Reading,
    Resolved,
    Rule,
    Waiting,
    resolve,
)
from grading.measurement.scoring.scale import CriterionScale, graded
from grading.readings import allocations
from grading.scores import routing, settling
from grading.scores.queries import routing_board
from grading.workflow.plan import GradingPlan

Cause = Literal["first", "second", "close", "third", "routed"]
POINTS = CriterionScale("total", 1.0, tuple(float(point) for point in range(101)))
# A cohort is routed in at most so many rounds, each after a new aggregation.
ROUNDS = 20


@dataclass(frozen=True)
class Assumptions:
    """What no simulation can know.

    Attributes
    ----------
    wronged, others : float
        Shares of those who appeal: of learners whose band is below the one their work deserves, and of
        all other learners.
    """

    wronged: float = 0.33
    others: float = 0.02


@dataclass(frozen=True)
class Rehearsal:
    """One simulated cohort graded by a plan.

    Attributes
    ----------
    works : int
    readings : dict
        Professional readings by cause: the plan's first ones, second readings at random, those close to
        or below the pass mark, third readings, and routed ones.
    check_items : float
        Expected, beside the readings.
    undecided : int
        Works without a result: nobody was left to read them, or too few peers did.
    wrong_side, wrong_band : float
        Shares of the works with a result.
    false_fail, false_pass : float
        The two parts of ``wrong_side``.
    rmse : float
        Of the score, in points of 100.
    appeals, false_alarms : float
        Expected, under the assumptions and the plan's rate.
    """

    works: int
    readings: dict[Cause, int]
    check_items: float
    undecided: int
    wrong_side: float
    wrong_band: float
    false_fail: float
    false_pass: float
    rmse: float
    appeals: float
    false_alarms: float

    @property
    def total(self) -> int:
        return sum(self.readings.values())

    @property
    def per_work(self) -> float:
        """Professional readings a work, check items among them."""
        return (self.total + self.check_items) / self.works


class _Cohort:
    """A world under a plan: who has read what, and what it amounts to."""

    def __init__(self, plan: GradingPlan, world: World, rng: np.random.Generator) -> None:
        self.plan, self.world, self.rng = plan, world, rng
        self.n = len(world.truth)
        self.free = world.eligible.copy()
        self.load = np.zeros(world.marks.shape[1])
        self.counts: Counter[Cause] = Counter()
        self.given: dict[int, list[Reading]] = defaultdict(list)
        self.peers: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for work, rater, value in zip(
            world.peers.work.tolist(),
            world.peers.rater.tolist(),
            world.peers.value.tolist(),
            strict=True,
        ):
            if len(self.peers[work]) < plan.peer_readings:
                self.peers[work].append((rater, value))
        for work, reviews in self.peers.items():
            self.given[work] += [
                Reading(f"p{rater}", "peer", False, {"total": round(value)})
                for rater, value in reviews
            ]
        self.wanted = allocations.draw_wanted(plan, self.n, rng)
        self.results: dict[int, Resolved] = {}

    def read(self, work: int, cause: Cause, *, adjudication: bool = False) -> bool:
        """Let the free professional with the fewest readings read a work; False where nobody is left."""
        free = np.flatnonzero(self.free[work])
        if not len(free):
            return False
        who = int(free[np.argmin(self.load[free] + 0.5 * self.rng.random(len(free)))])
        self.free[work, who] = False
        self.load[who] += 1
        self.counts[cause] += 1
        mark = round(float(self.world.marks[work, who]))
        self.given[work].append(Reading(f"r{who}", "professional", adjudication, {"total": mark}))
        return True

    def rule(self, work: int) -> Rule:
        """The plan's rule; a criterion of 101 levels has no tolerance in levels."""
        return replace(
            settling.rule(self.plan, int(self.wanted[work])), tolerance_levels=len(POINTS.points)
        )

    def planned(self, work: int) -> Cause:
        """Name the next of the readings that the plan gives a work from the start."""
        given = sum(reading.pool == "professional" for reading in self.given[work])
        return "first" if given < max(self.plan.professional_readings, 1) else "second"

    def settle(self, work: int, cause: Cause | None = None) -> None:
        """Call readings until a work has a result, or nobody is left to give one.

        Parameters
        ----------
        cause : Cause, optional
            Of a reading that is wanted beyond those the plan gives from the start.
        """
        self.results.pop(work, None)
        while True:
            found = resolve(self.given[work], [POINTS], self.rule(work))
            if isinstance(found, Resolved):
                self.results[work] = found
                return
            if isinstance(found, Discrepant):
                went_on = self.read(work, "third", adjudication=True)
            elif isinstance(found, NeedsReading):
                self.wanted[work] = settling.wanted_for(
                    found, self.given[work], int(self.wanted[work])
                )
                went_on = self.read(work, "close")
            elif isinstance(found, Waiting) and found.reason == "peers":
                # A work short of peers becomes a professional's, as at the peers' deadline.
                self.wanted[work] += 1
                went_on = self.read(work, cause or self.planned(work))
            else:
                went_on = self.read(work, cause or self.planned(work))
            if not went_on:
                return

    def grade_all(self) -> None:
        for work in range(self.n):
            self.settle(work)

    def totals(self) -> routing_board.Totals:
        """Every reading in the form of the service's own query."""
        rows = [
            (work, (reading.key, reading.pool == "professional"), float(reading.levels["total"]))
            for work, given in sorted(self.given.items())
            for reading in given
        ]
        return routing_board.Totals(
            Readings.from_long(
                [work for work, _rater, _value in rows],
                [rater for _work, rater, _value in rows],
                [value for _work, _rater, value in rows],
            ),
            frozenset(rater for _work, rater, _value in rows if rater[1]),
        )

    def route(self) -> None:
        """Spend the plan's further readings where they buy most."""
        left = routing.paid_readings(self.plan, self.n)
        at_once = max(len(self.load), math.ceil(left / ROUNDS))
        while left > 0:
            known = routing_board.posterior(self.totals(), self.plan)
            if known is None:
                return
            board = routing_board.board(known, self.plan, left)
            eligible = np.array([self.free[int(str(label))].any() for label in board.labels])
            made = 0
            while made < min(at_once, left):
                choice = board.next_reading(eligible=eligible)
                if not isinstance(choice, Choice):
                    break
                eligible[choice.work] = False
                work = int(str(choice.label))
                self.wanted[work] += 1
                self.settle(work, "routed")
                made += 1
            if not made:
                return
            left -= made


def rehearse(
    plan: GradingPlan,
    kind: Kind,
    works: int,
    *,
    professionals: int,
    rng: np.random.Generator,
    assumptions: Assumptions = Assumptions(),
) -> Rehearsal:
    """Grade one simulated cohort by a plan.

    Parameters
    ----------
    works, professionals : int
        As `measurement.worlds.simulate` takes them; the world has at most four peers a work.

    Raises
    ------
    ValueError
        Too few works or professionals for a world.
    """
    world = simulate(kind, works, n_professionals=professionals, rng=rng)
    cohort = _Cohort(plan, world, rng)
    cohort.grade_all()
    cohort.route()
    truth = np.clip(world.truth, 0.0, 100.0)
    done = sorted(cohort.results)
    score = np.array([cohort.results[work].composite for work in done])
    given = [graded(value, plan.bands) for value in score.tolist()]
    right = [graded(float(truth[work]), plan.bands) for work in done]
    order = {name: place for place, (_low, name) in enumerate(plan.bands)}
    mine, deserved = (
        np.array([-1 if one.band is None else order[one.band] for one in side], dtype=int)
        for side in (given, right)
    )
    wronged = int((mine < deserved).sum())
    sheets = sum(cohort.counts.values())
    checks = sheets / plan.check_every if plan.check_every else 0.0
    count = max(len(done), 1)
    return Rehearsal(
        works,
        dict(cohort.counts),
        checks,
        works - len(done),
        float(((mine < 0) != (deserved < 0)).sum()) / count,
        float((mine != deserved).sum()) / count,
        float(((mine < 0) & (deserved >= 0)).sum()) / count,
        float(((mine >= 0) & (deserved < 0)).sum()) / count,
        float(np.sqrt(np.mean((score - truth[done]) ** 2))) if done else math.nan,
        assumptions.wronged * wronged + assumptions.others * (len(done) - wronged),
        (sheets + checks) / plan.sheets_for_a_false_alarm,
    )


@dataclass(frozen=True)
class Spread:
    """A number over several simulated cohorts: median, and the lowest and highest tenth."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise replications.

    Examples
    --------
    >>> spread([1.0, 2.0, 3.0]).median
    2.0
    """
    low, middle, high = np.quantile(np.asarray(values, dtype=float), (0.1, 0.5, 0.9))
    return Spread(float(middle), float(low), float(high))
