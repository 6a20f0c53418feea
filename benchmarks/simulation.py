"""What the two benchmarks on simulated worlds share: starting readings, policies, rules and scores."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grading.measurement.allocation.decisions import Decisions
from grading.measurement.allocation.routing import Board, Choice
from grading.measurement.allocation.worlds import CUTS, World
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.scoring.decision import band_probabilities

RESULTS = Path(__file__).parent / "results"
INSIDE = 1.6448536269514722  # of a normal 90 % interval
BINS = 10


@dataclass
class Pairs:
    """Which professional read which work, and who may still."""

    world: World
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.free = self.world.eligible.copy()
        self.load = np.zeros(self.world.marks.shape[1])
        self.work: list[int] = []
        self.who: list[int] = []

    def reader(self, work: int) -> int:
        """The free professional with the fewest readings; lots are drawn between equals."""
        free = np.flatnonzero(self.free[work])
        return int(free[np.argmin(self.load[free] + 0.5 * self.rng.random(len(free)))])

    def add(self, work: int, who: int) -> None:
        self.free[work, who] = False
        self.load[who] += 1
        self.work.append(work)
        self.who.append(who)

    def read(self, works: Iterable[int]) -> None:
        for work in works:
            self.add(int(work), self.reader(int(work)))

    def codes(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        return np.array(self.work, np.int32), np.array(self.who, np.int32)

    def aggregate(self, start: Aggregation | None = None, **options: object) -> Aggregation:
        return aggregate(
            self.world.readings(*self.codes()),
            professionals=self.world.professionals,
            cuts=CUTS,
            start=start,
            **options,  # type: ignore[arg-type]
        )


def started(world: World, rng: np.random.Generator, share: float = 0.05) -> Pairs:
    """A share of the works, drawn at random, read by two professionals each."""
    pairs, n = Pairs(world, rng), len(world.truth)
    drawn = rng.permutation(n)[: round(share * n)]
    pairs.read(drawn)
    pairs.read(drawn)
    return pairs


def adaptive(
    pairs: Pairs, costs: Iterable[float], decisions: Decisions
) -> Iterable[tuple[float, Aggregation]]:
    """Spend readings by the board up to each cost (readings a work), aggregating anew at each."""
    known = pairs.aggregate()
    n = len(pairs.world.truth)
    for cost in costs:
        if round(cost * n) > len(pairs.work):
            board = Board(known, decisions)
            names = pairs.world.professionals
            for work, who in zip(pairs.work, pairs.who, strict=True):
                board.forbid(work, names[who])
            while len(pairs.work) < round(cost * n):
                # The least loaded professional asks for work, as in the service.
                who = int(np.argmin(pairs.load + 0.5 * pairs.rng.random(len(pairs.load))))
                found = board.next_reading(names[who], eligible=pairs.free[:, who])
                if not isinstance(found, Choice):
                    break
                board.promise(found.work, names[who])
                pairs.add(found.work, who)
            known = pairs.aggregate(known)
        yield cost, known


@dataclass(frozen=True)
class Score:
    """How a rule did on a world.

    ``calibration`` holds, a bin of the probability of the chosen band, the works, the summed
    probability and the hits; ``ece`` is its expected calibration error.
    """

    rmse: float
    band: float
    side: float
    coverage: float
    calibration: NDArray[np.float64]


def score(
    mean: NDArray[np.float64],
    error: NDArray[np.float64] | None,
    truth: NDArray[np.float64],
    pass_mark: float,
) -> Score:
    """Against the truth; without standard errors the band is the mean's, and nothing is calibrated."""
    real = np.digitize(truth, CUTS)
    side = float(np.mean((mean >= pass_mark) == (truth >= pass_mark)))
    rmse = float(np.sqrt(np.mean((mean - truth) ** 2)))
    nothing = np.full((BINS, 3), np.nan)
    if error is None or np.any(np.isnan(error)):
        right = np.digitize(mean, CUTS) == real
        return Score(rmse, float(np.mean(right)), side, float("nan"), nothing)
    bands = band_probabilities(mean, error, CUTS)
    chosen = np.argmax(bands, axis=1)
    sure = bands[np.arange(len(mean)), chosen]
    inside = float(np.mean(np.abs(mean - truth) <= INSIDE * error))
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    table = np.column_stack(
        [
            np.bincount(place, weights, BINS)
            for weights in (np.ones(len(sure)), sure, (chosen == real).astype(float))
        ]
    )
    return Score(rmse, float(np.mean(chosen == real)), side, inside, table)


def ece(scores: Iterable[Score]) -> float:
    """Expected calibration error of the chosen band, pooled over replications."""
    table = np.sum([one.calibration for one in scores], axis=0)
    return float(np.sum(np.abs(table[:, 1] - table[:, 2])) / np.sum(table[:, 0]))


def median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))


def progress(label: str) -> Callable[[int, int], None]:
    """A bar on standard error; silent where that is not a terminal."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            filled = round(30 * done / max(total, 1))
            end = "\n" if done == total else ""
            bar = "#" * filled + "." * (30 - filled)
            print(f"\r{label:24s} [{bar}] {done}/{total}", end=end, file=sys.stderr, flush=True)

    return show


def keep(name: str, lines: Iterable[str]) -> str:
    """Write a report beside the benchmarks."""
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(text, encoding="utf-8")
    return text


def write(name: str, lines: Iterable[str]) -> None:
    """Keep a report and print it."""
    print(keep(name, lines))
