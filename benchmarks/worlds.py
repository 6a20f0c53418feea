"""Aggregation rules on the simulated worlds: ``python -m benchmarks.worlds [--large]``.

Two designs: one work in twenty read by two professionals besides its peers, and every second one. Each rule
gets the same readings; medians over the replications, calibration pooled over them. Targets 10 to 12 of
the plan as far as aggregation decides them; the readings they need are in ``benchmarks.routing``.
"""

import argparse
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.simulation import INSIDE, Pairs, Score, ece, median, progress, score, started, write
from grading.measurement.allocation.worlds import CUTS, KINDS, PASS_MARK, Kind, simulate
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.readings import Readings

Rule = Callable[[Pairs], Aggregation]


def alone(pairs: Pairs) -> Aggregation:
    """The professionals' readings by the same model, the peers ignored."""
    return aggregate(
        pairs.world.readings(*pairs.codes(), peers=False),
        professionals=pairs.world.professionals,
        cuts=CUTS,
        rule="model",
    )


def one_pool(pairs: Pairs) -> Aggregation:
    """Empirical Bayes severity: all raters of one kind, slope 1, nothing shared."""
    return aggregate(pairs.world.readings(*pairs.codes()), cuts=CUTS, rule="model")


RULES: dict[str, Rule] = {
    "mean of all readings": lambda pairs: pairs.aggregate(rule="mean"),
    "professionals alone, model": alone,
    "empirical Bayes severity": one_pool,
    "ours": lambda pairs: pairs.aggregate(),
}


def one_world(kind: Kind, seed: int, works: int, share: float) -> tuple[bool, dict[str, Score]]:
    """Whether ours fell back to the mean, and each rule's score."""
    rng = np.random.default_rng([seed, round(100 * share)])
    world = simulate(kind, works, rng=rng)
    pairs = started(world, rng, share)
    results = {name: rule(pairs) for name, rule in RULES.items()}
    return results["ours"].rule == "mean", {
        name: score(result.mean, result.standard_error, world.truth, PASS_MARK)
        for name, result in results.items()
    }


def large(works: int = 3_500_000, peers: int = 50_000) -> list[str]:
    """Ten million peer readings: time, and the peak of this process with its data."""
    rng = np.random.default_rng(1)
    work = np.repeat(np.arange(works, dtype=np.int32), rng.integers(2, 5, works))
    rater = rng.integers(0, peers, len(work), dtype=np.int32)
    truth = rng.normal(66.0, 11.0, works)
    value = truth[work]
    value += rng.normal(5.0, 7.0, peers)[rater]
    value += rng.normal(0.0, 10.0, len(work))
    readings = Readings(work, rater, value, range(works), range(peers))
    begun, used = time.perf_counter(), time.process_time()
    found = aggregate(readings)
    wall, used = time.perf_counter() - begun, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    inside = np.mean(np.abs(found.mean - 5.0 - truth) <= INSIDE * found.standard_error)
    return [
        "# Ten million peer readings",
        "",
        f"{len(work)} readings of {works} works by {peers} peers: {wall:.1f} s ({used:.1f} s of one "
        f"processor), peak memory {peak:.0f} MB with the data (target 13: 10 s, 1 GB). RMSE "
        f"{np.sqrt(np.mean((found.mean - 5.0 - truth) ** 2)):.3f}, coverage of 90 % intervals {inside:.3f}.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0, help="of the replications")
    parser.add_argument("--works", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--worlds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--large", action="store_true", help="only ten million readings")
    arguments = parser.parse_args()
    if arguments.large:
        write("aggregation_large.md", large())
        return
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.replications)
    begun = time.perf_counter()
    lines = [
        "# Aggregation in simulated worlds",
        "",
        f"{arguments.works} works, 40 professionals, {arguments.replications} replications "
        f"(seeds {seeds[0]} to {seeds[-1]}); medians.",
        "Professional readings: twice for a share of the works. Band accuracy of bands at "
        "50/60/70/80; coverage of 90 % intervals; calibration error of the chosen band, pooled.",
    ]
    worst_alone = worst_mean = 0.0
    for share in (0.05, 0.5):
        lines += [
            "",
            f"## {share:.0%} of the works read twice",
            "",
            "| world | rule | RMSE | band accuracy | pass/fail | coverage | calibration error |",
            "|---|---|---|---|---|---|---|",
        ]
        for kind in arguments.worlds:
            show = progress(f"{kind} {share:.0%}")
            found: dict[str, list[Score]] = {name: [] for name in RULES}
            fell_back = 0
            with ProcessPoolExecutor(arguments.workers) as pool:
                asked = [
                    pool.submit(one_world, kind, seed, arguments.works, share) for seed in seeds
                ]
                for number, answer in enumerate(asked):
                    is_mean, scores_by_rule = answer.result()
                    fell_back += is_mean
                    for name, one in scores_by_rule.items():
                        found[name].append(one)
                    show(number + 1, arguments.replications)
            for name, scores in found.items():
                shown = name if name != "ours" or not fell_back else f"ours (mean in {fell_back})"
                lines.append(
                    f"| {kind} | {shown} | {median(s.rmse for s in scores):.2f} "
                    f"| {median(s.band for s in scores):.3f} "
                    f"| {median(s.side for s in scores):.3f} "
                    f"| {median(s.coverage for s in scores):.3f} | {ece(scores):.3f} |"
                )
            ratios = [
                [
                    ours.rmse / other.rmse
                    for ours, other in zip(found["ours"], found[name], strict=True)
                ]
                for name in ("professionals alone, model", "mean of all readings")
            ]
            worst_alone = max(worst_alone, *ratios[0])
            if kind == "alike":
                worst_mean = max(worst_mean, *ratios[1])
    lines += [
        "",
        f"Largest RMSE against the same professional readings with the peers ignored, any world, any "
        f"replication: {worst_alone:.3f} (target 12: at most 1.02).",
        f"Largest RMSE against the plain mean where raters do not differ: {worst_mean:.3f} "
        "(target 12: at most 1.01).",
        "",
        f"{time.perf_counter() - begun:.0f} s.",
    ]
    write("worlds.md", lines)


if __name__ == "__main__":
    main()
