"""Agreement and components against their peers: ``python -m benchmarks.agreement [--sizes S,M,L] [--xl]``.

Peers and ours take turns in one process, so that a busy machine hurts both; the median of the turns
counts. irrCAC pins an old SciPy, so it takes its turns in an interpreter of its own
(``python -m venv DIR; DIR/bin/pip install irrCAC; --irrcac DIR/bin/python``). Peak memory is of a
process of its own a case. Writes ``benchmarks/results/agreement.md``.
"""

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grading.measurement.agreement import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac,
    icc,
    krippendorff_alpha,
    pair_table,
)
from grading.measurement.components.variance import variance_components
from grading.measurement.ratings import Ratings

RESULT = Path(__file__).parent / "results" / "agreement.md"
# Turns of each side by size, and more for what is quick; a side that takes longer than this a turn gets one.
TURNS = {"S": 7, "M": 5, "L": 3, "XL": 3}
MOST_TURNS = 15
PATIENCE = 5.0


@dataclass(frozen=True)
class Case:
    """One thing done by ours and by a peer on the same data.

    ``peer`` is None where the peer cannot, with the reason in ``why``; ``both`` gives the two values
    that must agree.
    """

    name: str
    size: str
    ours: Callable[[], Any]
    peer_name: str
    peer: Callable[[], Any] | None = None
    why: str = ""
    value: Callable[[Any], float] = lambda result: float(result.estimate)
    peer_value: Callable[[Any], float] = float


class Elsewhere:
    """A peer in an interpreter of its own; it measures itself, and gives seconds and value."""

    python: str | None = None

    def __init__(self, packed: np.ndarray, weights: str) -> None:
        assert self.python is not None
        self._folder = tempfile.TemporaryDirectory()
        data = Path(self._folder.name) / "packed.npy"
        np.save(data, packed)
        script = Path(__file__).with_name("irrcac_peer.py")
        self._process = subprocess.Popen(
            [self.python, str(script), str(data), weights],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def _read(self) -> list[str]:
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        if not words:
            raise RuntimeError(f"the peer ended with {self._process.wait()}")
        return words

    def __call__(self) -> tuple[float, float]:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        seconds, value = self._read()
        return float(seconds), float(value)


def columns(size: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of work, rater and level: S 100 x 5 complete, M 10,000 x 20 a fifth observed, L, XL sparse."""
    rng = np.random.default_rng(20)
    if size == "S":
        work, rater = np.repeat(np.arange(100), 5), np.tile(np.arange(5), 100)
        n_works, n_raters = 100, 5
    elif size == "M":
        n_works, n_raters = 10_000, 20
        work, rater = np.nonzero(rng.random((n_works, n_raters)) < 0.2)
    else:
        n_works, n_raters = (1_000_000, 20_000) if size == "L" else (3_500_000, 50_000)
        sizes = rng.integers(2, 5, n_works)
        work = np.repeat(np.arange(n_works, dtype=np.int32), sizes)
        turn = np.arange(len(work)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        # One rater of each quarter of the raters, so that nobody rates a work twice.
        rater = rng.integers(0, n_raters // 4, len(work)) * 4 + turn
    latent = (
        rng.normal(0, 1.1, n_works)[work]
        + rng.normal(0, 0.4, n_raters)[rater]
        + rng.normal(0, 0.8, len(work))
    )
    level = np.clip(np.round(latent + 2), 0, 4).astype(np.int8)
    return work.astype(np.int32), rater.astype(np.int32), level


def sparse(size: str) -> Ratings:
    return Ratings.from_long(*columns(size), levels=range(5))


def complete(size: str) -> np.ndarray:
    """Scores of complete designs: 100 x 5, 10,000 x 20, 1,000,000 x 3."""
    rng = np.random.default_rng(21)
    n, k = {"S": (100, 5), "M": (10_000, 20), "L": (1_000_000, 3)}[size]
    return np.clip(np.round(rng.normal(2, 1, (n, 1)) + rng.normal(0, 0.8, (n, k))), 0, 4).astype(
        int
    )


def long_of(table: np.ndarray) -> Ratings:
    """A complete table as long ratings."""
    n, k = table.shape
    return Ratings.from_long(
        np.repeat(np.arange(n, dtype=np.int32), k),
        np.tile(np.arange(k, dtype=np.int32), n),
        table.ravel().astype(np.int8),
        levels=range(5),
    )


def counts_of(ratings: Ratings) -> np.ndarray:
    """The table of counts that the krippendorff package reads; made outside the clock."""
    n, q = len(ratings.works), len(ratings.levels)
    cells = ratings.work * np.int64(q) + ratings.level
    return np.bincount(cells, minlength=n * q).reshape(n, q)


def afresh(ratings: Ratings, act: Callable[[Ratings], Any]) -> Callable[[], Any]:
    """Ours from the long ratings, without what an earlier turn has worked out from them."""

    def run() -> Any:
        ratings.known.clear()
        return act(ratings)

    return run


def cases(sizes: list[str]) -> list[Case]:
    """All cases of the sizes."""
    found: list[Case] = []
    for size in sizes:
        found += _any_raters(size)
        if size != "XL":
            found += _two_raters(size) + _complete(size)
    return found


def _any_raters(size: str) -> list[Case]:
    import krippendorff

    ratings = sparse(size)
    counts = counts_of(ratings)
    found = []
    for metric in ("nominal", "ordinal", "interval"):
        found.append(
            Case(
                f"alpha, {metric}, with s.e.",
                size,
                afresh(ratings, lambda r, m=metric: krippendorff_alpha(r, metric=m)),  # type: ignore[misc]
                "krippendorff (value_counts; no s.e.)",
                lambda m=metric: krippendorff.alpha(value_counts=counts, level_of_measurement=m),  # type: ignore[misc]
            )
        )
    for name, weights in (("AC1", "identity"), ("AC2", "quadratic")):
        found.append(
            Case(
                f"Gwet {name}, with s.e.",
                size,
                afresh(ratings, lambda r, w=weights: gwet_ac(r, weights=w)),  # type: ignore[misc]
                "irrCAC (packed)",
                *_irrcac(ratings, weights),
            )
        )
    found.append(
        Case(
            "generalised Fleiss, with s.e.",
            size,
            afresh(ratings, fleiss_kappa),
            "statsmodels",
            None,
            "n/a: balanced designs only",
        )
    )
    for name, act in (("alpha, ordinal", krippendorff_alpha), ("AC1", gwet_ac)):
        found.append(
            Case(
                f"bootstrap 1000, {name}",
                size,
                afresh(ratings, lambda r, f=act: f(r, interval="bootstrap")),  # type: ignore[misc]
                "krippendorff in a loop" if name.startswith("alpha") else "irrCAC in a loop",
                (lambda: _loop(counts)) if name.startswith("alpha") and size == "S" else None,
                "" if size == "S" and name.startswith("alpha") else "n/a: minutes",
                peer_value=lambda _: float("nan"),
            )
        )
    for method, peer in (("moments", "statsmodels MixedLM"), ("reml", "statsmodels MixedLM")):
        can = method == "reml" and size == "S"
        why = {
            "S": "n/a: no moments" if method == "moments" else "",
            "M": "n/a: more than 120 s",
        }.get(size, "n/a: out of memory")
        found.append(
            Case(
                f"components, {method}",
                size,
                afresh(
                    ratings,
                    lambda r, m=method: variance_components(r, effects=("work", "rater"), method=m),  # type: ignore[misc]
                ),
                peer,
                (lambda: _mixed(ratings)) if can else None,
                why,
                value=lambda result: result.components["work"],
            )
        )
    return found


def _irrcac(ratings: Ratings, weights: str) -> tuple[Callable[[], Any] | None, str]:
    if Elsewhere.python is None:
        return None, "n/a: no interpreter with it was named"
    order = np.argsort(ratings.work, kind="stable")
    work = ratings.work[order]
    place = np.arange(len(work)) - np.searchsorted(work, work)
    packed = np.full((len(ratings.works), int(place.max()) + 1), np.nan)
    packed[work, place] = ratings.level[order]
    return Elsewhere(packed, weights), ""


def _loop(counts: np.ndarray) -> float:
    import krippendorff

    rng = np.random.default_rng(0)
    values = []
    for _ in range(1000):
        rows = counts[rng.integers(0, len(counts), len(counts))]
        values.append(krippendorff.alpha(value_counts=rows, level_of_measurement="ordinal"))
    return float(np.std(values))


def _mixed(ratings: Ratings) -> float:
    import pandas as pd
    from statsmodels.regression.mixed_linear_model import MixedLM

    frame = pd.DataFrame({"s": ratings.values(), "u": ratings.work, "r": ratings.rater, "one": 1})
    parts = {"u": "0 + C(u)", "r": "0 + C(r)"}
    model = MixedLM.from_formula("s ~ 1", groups="one", vc_formula=parts, data=frame)
    fitted = model.fit(reml=True)
    return float(dict(zip(fitted.model.exog_vc.names, fitted.vcomp, strict=True))["u"])


def _two_raters(size: str) -> list[Case]:
    from sklearn.metrics import cohen_kappa_score
    from statsmodels.stats.inter_rater import cohens_kappa, to_table

    n = {"S": 100, "M": 10_000, "L": 1_000_000}[size]
    rng = np.random.default_rng(22)
    true = rng.normal(2, 1, n)
    one, other = (
        np.clip(np.round(true + rng.normal(0, 0.7, n)), 0, 4).astype(np.int64) for _ in range(2)
    )

    def ours() -> Any:
        return cohen_kappa(pair_table(one, other, levels=range(5)), weights="quadratic")

    return [
        Case(
            "quadratic kappa, with s.e.",
            size,
            ours,
            "statsmodels",
            lambda: cohens_kappa(
                to_table(np.column_stack([one, other]), bins=5)[0], wt="quadratic"
            ),
            peer_value=lambda result: float(result.kappa),
        ),
        Case(
            "quadratic kappa, with s.e.",
            size,
            ours,
            "scikit-learn (no s.e.)",
            lambda: cohen_kappa_score(one, other, weights="quadratic"),
        ),
    ]


def _complete(size: str) -> list[Case]:
    import pandas as pd
    import pingouin
    from statsmodels.stats.inter_rater import aggregate_raters
    from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

    table = complete(size)
    ratings = long_of(table)
    frame = pd.DataFrame({"u": ratings.work, "r": ratings.rater, "s": ratings.values()})
    return [
        Case(
            "six ICC with intervals",
            size,
            afresh(ratings, icc),
            "pingouin",
            lambda: pingouin.intraclass_corr(frame, "u", "r", "s"),
            value=lambda result: result.forms["ICC(2,1)"].estimate,
            peer_value=lambda result: float(result["ICC"].iloc[1]),
        ),
        Case(
            "Fleiss' kappa, balanced",
            size,
            afresh(ratings, fleiss_kappa),
            "statsmodels",
            lambda: statsmodels_fleiss(aggregate_raters(table, 5)[0]),
        ),
    ]


def measure(case: Case) -> tuple[float, float, float]:
    """Median seconds of ours and of the peer, in turns, and how far their values lie apart."""
    times: tuple[list[float], list[float]] = ([], [])
    apart = float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        for turn in range(MOST_TURNS + 1):
            if turn > TURNS[case.size] and time.perf_counter() - began > PATIENCE:
                break
            results: list[Any] = []
            for side, act in enumerate((case.ours, case.peer)):
                if act is None or (turn > 1 and times[side] and times[side][0] > PATIENCE):
                    results.append(None)
                    continue
                gc.collect()
                start = time.process_time()
                result = act()
                seconds = time.process_time() - start
                if isinstance(act, Elsewhere):
                    seconds, result = result
                results.append(result)
                if turn or seconds > PATIENCE:
                    # The first turn warms up, unless it was long enough to be the only one.
                    times[side].append(seconds)
            if results[0] is not None and results[1] is not None:
                apart = abs(case.value(results[0]) - case.peer_value(results[1]))
    ours, peer = (statistics.median(side) if side else float("nan") for side in times)
    return ours, peer, apart


def peak(name: str, side: str, data: Path) -> str:
    """Peak memory of a process that reads the columns from a file and runs one side once."""
    command = [sys.executable, "-m", "benchmarks.agreement", "--one", f"{name}|{side}|{data}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return "failed"
    return f"{int(done.stdout.split()[-1]) // 1024} MB"


def run_one(name: str, side: str, data: str) -> None:
    """Run one side of a case and print the peak memory of this process, in KB."""
    with np.load(data) as file:
        ratings = Ratings.from_long(file["work"], file["rater"], file["level"], levels=range(5))
    if side == "ours":
        {
            "alpha": lambda: krippendorff_alpha(ratings),
            "AC1": lambda: gwet_ac(ratings),
            "AC2": lambda: gwet_ac(ratings, weights="quadratic"),
            "moments": lambda: variance_components(
                ratings, effects=("work", "rater"), method="moments"
            ),
        }[name]()
    elif side == "peer":
        import krippendorff

        krippendorff.alpha(value_counts=counts_of(ratings), level_of_measurement="ordinal")
    # Not `ru_maxrss`: a process inherits that from the one that starts it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def spoken(seconds: float) -> str:
    """Seconds for a table."""
    if not np.isfinite(seconds):
        return "–"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def write(lines: list[str]) -> None:
    """Show the last line and keep all, so that a run that is cut short leaves what it measured."""
    print(lines[-1], flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Run the cases and write the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="S,M,L")
    options.add_argument("--xl", action="store_true", help="also 10.5 million ratings")
    options.add_argument("--irrcac", help="a Python that has irrCAC")
    options.add_argument("--one", help=argparse.SUPPRESS)
    given = options.parse_args()
    Elsewhere.python = given.irrcac
    if given.one:
        run_one(*given.one.split("|"))
        return
    sizes = given.sizes.split(",") + (["XL"] if given.xl else [])
    lines = [
        "# Agreement and variance components, side by side",
        "",
        "Written by `python -m benchmarks.agreement`. Ours starts from long integer codes each time and "
        "groups the works anew; the krippendorff package starts from a table of counts, made outside the "
        "clock. One thread, medians of turns about, in seconds of the processor: what a wall clock would "
        f"show if nothing else ran. {platform.machine()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.0f} at the start, Python {platform.python_version()}, "
        f"NumPy {np.__version__}.",
        "",
        "S = 100 works x 5 raters; M = 10,000 x 20, a fifth observed (complete for ICC and balanced "
        "Fleiss); L = 1 million works, 2 to 4 ratings each of 20,000 raters (x 3 complete for ICC and "
        "balanced Fleiss; 1 million pairs for kappa); XL = 3.5 million works, 50,000 raters.",
        "",
        "| size | what | ours | peer | peer's time | ratio | values apart |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        for case in cases([size]):
            ours, theirs, apart = measure(case)
            ratio = f"{theirs / ours:.1f}x" if np.isfinite(theirs) else "–"
            lines.append(
                f"| {size} | {case.name} | {spoken(ours)} | {case.peer_name} | "
                f"{spoken(theirs) if case.peer else case.why} | {ratio} | "
                f"{f'{apart:.1e}' if np.isfinite(apart) else '–'} |"
            )
            write(lines)
    large = [size for size in sizes if size in ("L", "XL")]
    if large:
        lines += ["", "Peak memory of a process that reads the data and computes once:", ""]
        lines += ["| size | what | peak |", "|---|---|---|"]
    for size in large:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "ratings.npz"
            np.savez(data, **dict(zip(("work", "rater", "level"), columns(size), strict=True)))
            for name, side in (
                ("the data alone", "none"),
                ("alpha", "ours"),
                ("AC1", "ours"),
                ("AC2", "ours"),
                ("moments", "ours"),
                ("alpha", "peer"),
            ):
                who = {"none": "", "ours": "ours: ", "peer": "krippendorff (value_counts): "}[side]
                lines.append(f"| {size} | {who}{name} | {peak(name, side, data)} |")
                write(lines)


if __name__ == "__main__":
    main()
