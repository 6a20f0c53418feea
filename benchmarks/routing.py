"""Double marking against routed readings: ``python -m benchmarks.routing [--simulated|--real|--latency]``.

Simulated worlds: double marking, double with a third reader where two are more than ten apart, peers with
professional readings at random, and the same routed by the board that the service uses. Costs are
professional readings a work. ``--real`` replays ``writing_windhua`` (``GRADING_DATA`` or
``../shared/data``); ``--latency`` asks for the next reading among 100,000 works. Without an option all.
"""

import argparse
import csv
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation import (
    Pairs,
    Score,
    adaptive,
    ece,
    keep,
    median,
    progress,
    score,
    started,
    write,
)
from grading.measurement.allocation.decisions import Decisions
from grading.measurement.allocation.routing import Board, Choice, Limits
from grading.measurement.allocation.worlds import (
    CUTS,
    KINDS,
    PASS_MARK,
    Kind,
    World,
    simulate,
)
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.readings import Readings

COSTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.5, 2.0)
SHOWN = (0.1, 0.25, 0.5, 0.8, 1.0, 2.0)
APART = 10.0
TARGET_COST = {"plain": 0.25, "shared-error": 0.80, "weak-peers": 1.00}
Floats = NDArray[np.float64]
Run = dict[tuple[str, float], tuple[float, Score]]


def doubled(world: World, rng: np.random.Generator) -> Pairs:
    pairs = Pairs(world, rng)
    for _ in range(2):
        pairs.read(rng.permutation(len(world.truth)))
    return pairs


def means(pairs: Pairs) -> Floats:
    work, who = pairs.codes()
    n = len(pairs.world.truth)
    return np.bincount(work, pairs.world.marks[work, who], n) / np.bincount(work, minlength=n)


def by_hand(world: World, rng: np.random.Generator) -> Iterator[tuple[str, float, Score]]:
    """Policies without peers."""
    pairs, n = doubled(world, rng), len(world.truth)
    yield "double marking, mean", 2.0, score(means(pairs), None, world.truth, PASS_MARK)
    work, who = pairs.codes()
    alone = aggregate(
        world.readings(work, who, peers=False),
        professionals=world.professionals,
        cuts=CUTS,
        rule="model",
    )
    yield (
        "double marking, model",
        2.0,
        score(alone.mean, alone.standard_error, world.truth, PASS_MARK),
    )
    marks = world.marks[work, who]
    order = np.argsort(work, kind="stable")
    gap = np.abs(np.diff(marks[order].reshape(n, 2), axis=1))[:, 0]
    pairs.read(np.flatnonzero(gap > APART))
    yield (
        "double + third, mean",
        len(pairs.work) / n,
        score(means(pairs), None, world.truth, PASS_MARK),
    )


def at_random(pairs: Pairs, rng: np.random.Generator) -> Iterator[tuple[float, Aggregation]]:
    """Peers, and readings of works in a random order: all once before any twice."""
    known, n = pairs.aggregate(), len(pairs.world.truth)
    for cost in COSTS:
        missing = round(cost * n) - len(pairs.work)
        if missing > 0:
            count = np.bincount(np.array(pairs.work), minlength=n)
            order = np.argsort(count + 0.9 * rng.random(n), kind="stable")
            pairs.read(order[:missing])
            known = pairs.aggregate(known)
        yield cost, known


def one_world(kind: Kind, seed: int, works: int) -> Run:
    """Every policy in one replication; costs that differ from draw to draw are kept with the score."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    world = simulate(kind, works, rng=rng)
    found: Run = {}
    for name, cost, result in by_hand(world, rng):
        found[name, 2.0] = (cost, result)
    for name, path in (
        ("random hybrid", at_random(started(world, np.random.default_rng(seed)), rng)),
        (
            "adaptive hybrid",
            adaptive(started(world, np.random.default_rng(seed)), COSTS, Decisions(CUTS)),
        ),
    ):
        for cost, known in path:
            found[name, cost] = (
                cost,
                score(known.mean, known.standard_error, world.truth, PASS_MARK),
            )
    return found


def reached(medians: list[float], aim: float) -> float | None:
    """Cost at which the medians first reach the aim, on straight lines between the costs tried."""
    for k, value in enumerate(medians):
        if value >= aim:
            if k == 0:
                return COSTS[0]
            share = (aim - medians[k - 1]) / (value - medians[k - 1])
            return COSTS[k - 1] + share * (COSTS[k] - COSTS[k - 1])
    return None


def timed_world(kind: Kind, seed: int, works: int) -> tuple[float, Run]:
    begun = time.process_time()
    found = one_world(kind, seed, works)
    return time.process_time() - begun, found


def simulated(kinds: list[Kind], seeds: range, works: int, workers: int) -> list[str]:
    replications = len(seeds)
    lines = [
        "# Routing in simulated worlds",
        "",
        f"{works} works, 40 professionals, {replications} replications (seeds {seeds[0]} to {seeds[-1]}): "
        "medians (quartiles). 5 % of the works are read twice at the start of the hybrids. Cost: "
        "professional readings a work.",
    ]
    targets: list[str] = []
    report: list[str] = []
    for kind in kinds:
        show = progress(kind)
        runs, seconds = [], []
        with ProcessPoolExecutor(workers) as pool:
            asked = [pool.submit(timed_world, kind, seed, works) for seed in seeds]
            for number, answer in enumerate(asked):
                taken, found = answer.result()
                runs.append(found)
                seconds.append(taken)
                show(number + 1, replications)
        lines += [
            "",
            f"## {kind} ({median(seconds):.1f} s of one processor a replication)",
            "",
            "| policy | cost | band accuracy | RMSE | pass/fail | coverage | calibration error |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, cost in runs[0]:
            if "hybrid" in name and cost not in SHOWN:
                continue
            scores = [run[name, cost][1] for run in runs]
            low, high = np.quantile([one.band for one in scores], (0.25, 0.75))
            lines.append(
                f"| {name} | {median(run[name, cost][0] for run in runs):.2f} "
                f"| {median(s.band for s in scores):.3f} ({low:.3f}-{high:.3f}) "
                f"| {median(s.rmse for s in scores):.2f} | {median(s.side for s in scores):.3f} "
                f"| {median(s.coverage for s in scores):.3f} | {ece(scores):.3f} |"
            )
        goal = median(run["double marking, mean", 2.0][1].band for run in runs)
        for name in ("random hybrid", "adaptive hybrid"):
            for aim, words in ((0.64, ".640"), (goal, f"double marking's {goal:.3f}")):
                medians = [median(run[name, cost][1].band for run in runs) for cost in COSTS]
                cost = reached(medians, aim)
                targets.append(
                    f"| {kind} | {name} | {words} "
                    f"| {'more than 2' if cost is None else f'{cost:.2f}'} "
                    f"| {TARGET_COST.get(kind, '-')} |"
                )
        # Kept after every world, so that a run that is cut short leaves what it has.
        report = [
            *lines,
            "",
            "## Readings a work at which the median band accuracy is reached (target 10)",
            "",
            "| world | policy | band accuracy | readings a work | target for .640 |",
            "|---|---|---|---|---|",
            *targets,
        ]
        keep("routing.md", report)
    return report


def latency(works: int = 100_000, asks: int = 400) -> list[str]:
    """Seconds to find the next reading, one promise or record between two questions."""
    rng = np.random.default_rng(1)
    world = simulate("plain", works, rng=rng)
    pairs = started(world, rng, 0.02)
    begun = time.perf_counter()
    known = pairs.aggregate()
    aggregated = time.perf_counter() - begun
    begun = time.perf_counter()
    board = Board(known, Decisions(CUTS, PASS_MARK), limits=Limits(side=0.02))
    built = time.perf_counter() - begun
    seconds = []
    for ask in range(asks):
        who = ask % len(world.professionals)
        name = world.professionals[who]
        begun = time.perf_counter()
        found = board.next_reading(name, eligible=world.eligible[:, who])
        assert isinstance(found, Choice)
        board.promise(found.work, name)
        if ask % 2:
            board.record(found.work, name, float(world.marks[found.work, who]))
        seconds.append(time.perf_counter() - begun)
    return [
        "",
        f"## The next reading among {works} works",
        "",
        f"Aggregation {aggregated:.0f} s, board {built:.2f} s; next reading with its update: median "
        f"{1e3 * median(seconds):.1f} ms, 99th percentile {1e3 * np.quantile(seconds, 0.99):.1f} ms, "
        f"longest {1e3 * max(seconds):.1f} ms over {asks} questions (target: below 50 ms).",
    ]


def windhua() -> tuple[Floats, Floats] | None:
    """Composites, works x raters, 0 to 3, and each criterion's marks (works, raters, criteria)."""
    home = Path(os.environ.get("GRADING_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = home / "writing_windhua" / "scores.csv"
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    axes = [sorted({row[name] for row in rows}) for name in ("work", "rater", "criterion")]
    place = [{label: k for k, label in enumerate(axis)} for axis in axes]
    marks = np.full([len(axis) for axis in axes], np.nan)
    for row in rows:
        marks[place[0][row["work"]], place[1][row["rater"]], place[2][row["criterion"]]] = float(
            row["score"]
        )
    return marks.mean(axis=2), marks


REAL_COSTS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 1.9)


def real_draw(
    marks: Floats, seed: int, peers: str, per_work: int, cuts: tuple[float, ...]
) -> tuple[tuple[float, float], dict[float, tuple[float, float]]]:
    """(RMSE, band accuracy) of double marking, and of routing by cost, to the mean of the others.

    Six raters are professionals, the rest peers, of whom ``per_work`` read each work. The truth of a work is
    the mean of the raters who did not read it under the policy in question.
    """
    rng = np.random.default_rng(seed)
    composite, (n, n_raters) = marks.mean(axis=2), marks.shape[:2]
    order = rng.permutation(n_raters)
    experts, others = order[:6], order[6:]

    def against(estimate: Floats, read: NDArray[np.bool_]) -> tuple[float, float]:
        truth = np.where(read, 0.0, composite).sum(axis=1) / (~read).sum(axis=1)
        right = np.digitize(estimate, cuts) == np.digitize(truth, cuts)
        return float(np.sqrt(np.mean((estimate - truth) ** 2))), float(np.mean(right))

    double = np.zeros((n, n_raters), dtype=bool)
    for work in range(n):
        double[work, rng.choice(experts, 2, replace=False)] = True
    base = against(np.where(double, composite, 0.0).sum(axis=1) / 2.0, double)

    seen = np.zeros((n, n_raters), dtype=bool)
    given = marks.copy()
    if peers != "none":
        for work in range(n):
            seen[work, rng.choice(others, per_work, replace=False)] = True
    if peers == "half random":
        # Half of all peer marks become marks of the same criterion drawn from anywhere.
        for k in range(marks.shape[2]):
            rows, columns = np.nonzero(seen & (rng.random((n, n_raters)) < 0.5))
            given[rows, columns, k] = rng.choice(marks[:, :, k].ravel(), len(rows))
    values = given.mean(axis=2)
    free = np.ones((n, len(experts)), dtype=bool)
    load = np.zeros(len(experts))
    found: dict[float, tuple[float, float]] = {}
    known = None
    for cost in REAL_COSTS:
        missing = round(cost * n) - int(np.sum(~free))
        board = None if known is None else Board(known, Decisions(error_weight=1.0))
        for _ in range(missing):
            who = int(np.argmin(load + 0.5 * rng.random(len(load))))
            work = -1
            if board is not None:
                choice = board.next_reading(int(experts[who]), eligible=free[:, who])
                if isinstance(choice, Choice):
                    work = choice.work
                    board.promise(work, int(experts[who]))
            if work < 0:
                # Nothing is known yet: first readings in pairs, so that errors can be told from works.
                count = np.sum(~free, axis=1)
                mine = np.flatnonzero(free[:, who])
                half = mine[count[mine] == 1]
                work = int(half[0]) if len(half) else int(rng.choice(mine))
            free[work, who] = False
            load[who] += 1
        read = seen.copy()
        for who, expert in enumerate(experts):
            read[~free[:, who], expert] = True
        rows, columns = np.nonzero(read)
        readings = Readings(
            rows.astype(np.int32),
            columns.astype(np.int32),
            values[rows, columns],
            tuple(range(n)),
            tuple(range(n_raters)),
        )
        known = aggregate(
            readings, professionals=set(experts.tolist()), cuts=cuts, start=known, rule="model"
        )
        found[cost] = against(known.mean, read)
    return base, found


def real(draws: int) -> list[str]:
    loaded = windhua()
    if loaded is None:
        return ["", "## Real ratings", "", "n/a: writing_windhua is not here (set GRADING_DATA)."]
    composite, marks = loaded
    cuts = tuple(np.quantile(composite.mean(axis=1), (0.2, 0.4, 0.6, 0.8)).tolist())
    lines = [
        "",
        "## Real ratings: writing_windhua",
        "",
        f"372 works, 21 raters, composite 0 to 3 of four criteria; {draws} draws of six professionals, four "
        "peers a work of the other fifteen; bands at the quintiles; truth: mean of the raters who did not "
        "read the work. Readings at which double marking's RMSE (two readings a work) is reached:",
        "",
        "| peers | double marking RMSE (band) | routed RMSE (band) there | readings a work "
        "| of double marking's | target |",
        "|---|---|---|---|---|---|",
    ]
    for peers, target in (("as they are", 0.10), ("half random", 0.80), ("none", 0.95)):
        show = progress(f"real, peers {peers}")
        runs = []
        for seed in range(draws):
            runs.append(real_draw(marks, seed, peers, 4, cuts))
            show(seed + 1, draws)
        base = [median(run[0][k] for run in runs) for k in (0, 1)]
        path = {
            cost: [median(run[1][cost][k] for run in runs) for k in (0, 1)] for cost in REAL_COSTS
        }
        reached = [cost for cost in REAL_COSTS if path[cost][0] <= base[0]]
        at = reached[0] if reached else REAL_COSTS[-1]
        share = f"{at / 2:.1%}" if reached else f"more than {at / 2:.0%}"
        lines.append(
            f"| {peers} | {base[0]:.3f} ({base[1]:.3f}) | {path[at][0]:.3f} ({path[at][1]:.3f}) "
            f"| {at} | {share} | {target:.0%} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0, help="of the replications")
    parser.add_argument("--works", type=int, default=2000)
    parser.add_argument("--worlds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--simulated", action="store_true")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--latency", action="store_true")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.replications)
    everything = not (arguments.simulated or arguments.real or arguments.latency)
    if everything or arguments.simulated:
        write(
            "routing.md",
            simulated(arguments.worlds, seeds, arguments.works, arguments.workers),
        )
    if everything or arguments.latency:
        write("routing_latency.md", latency())
    if everything or arguments.real:
        write("routing_real.md", real(arguments.draws))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"Peak memory {peak:.0f} MB.")


if __name__ == "__main__":
    main()
