"""The many-facet model, side by side with a peer: ``python -m benchmarks.severity [--sizes A C B]``.

Draws the worlds A (500 works, 40 raters), C (2,000, 100) and, on request, B (20,000, 500): works
N(0, 1), severities N(0, .5) centred, five criteria at -.6 to .6, thresholds -1.5 -.5 .5 1.5, three
raters a work, loads balanced. Every run is a process of its own with one thread; ours and the
peer's alternate; medians are shown. The peer from PyPI gets an environment that is thrown away. The
figures of R packages were measured elsewhere, on other draws of these worlds, and say so.
Writes ``benchmarks/results/severity.md``.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"A": (500, 40), "C": (2000, 100), "B": (20000, 500)}
TARGET = {"A": "0.3 s", "C": "1 s", "B": "10 s, 500 MB"}
PER_WORK, DIFFICULTIES = 3, np.linspace(-0.6, 0.6, 5)
THRESHOLDS = np.array([-1.5, -0.5, 0.5, 1.5])
PEER = "raschpy==1.4.0"
OURS = {
    "ours, mml (default grid)": {},
    "ours, mml (21 nodes on -6..6)": {"nodes": 21},
    "ours, jmle": {"estimator": "jmle"},
}
RASCHPY = f"{PEER.replace('==', ' ')}, calibrate('global') + person_estimates()"
# Measured elsewhere on another draw of the same worlds: seconds, MB, severity and person RMSE.
QUOTED = [
    ("A", "R TAM tam.mml.mfr + tam.wle", "1.37", "178", ".0844", ".3046"),
    ("A", "R sirt rm.facets", "4.90", "136", ".0848", "-"),
    ("A", "R immer eps_adj", "2.16", "179", ".0861", ".3286"),
    ("C", "R TAM tam.mml.mfr + tam.wle", "23.0 (not converged)", "1021", ".0811", ".3185"),
    ("C", "R sirt rm.facets", "22.3", "262", ".0810", "-"),
    ("C", "R immer eps_adj", "163", "1074", ".0779", ".3378"),
    ("B", "R TAM", "n/a: out of memory at 22.9 GiB", "-", "-", "-"),
    ("B", "R sirt rm.facets", "n/a: stopped after 400 s", "-", "-", "-"),
    ("B", "R immer", "n/a: cannot allocate (5.6 GiB vector)", "-", "-", "-"),
]
HERE = Path(__file__).resolve()


def draw(n_works: int, n_raters: int, seed: int) -> dict[str, Any]:
    """One world; loads are within one of each other and no rater reads a work twice."""
    rng = np.random.default_rng(seed)
    theta, severity = rng.normal(size=n_works), rng.normal(0, 0.5, n_raters)
    severity -= severity.mean()
    turns = -(-n_works * PER_WORK // n_raters)
    readers = np.concatenate([rng.permutation(n_raters) for _ in range(turns)])
    readers = readers[: n_works * PER_WORK].reshape(n_works, PER_WORK)
    while True:
        twice = [i for i, row in enumerate(np.sort(readers, axis=1)) if np.any(np.diff(row) == 0)]
        if not twice:
            break
        for i in twice:
            j, a, b = rng.integers(n_works), rng.integers(PER_WORK), rng.integers(PER_WORK)
            readers[i, a], readers[j, b] = readers[j, b], readers[i, a]
    n = len(DIFFICULTIES)
    work = np.repeat(np.arange(n_works), PER_WORK * n)
    rater, criterion = np.repeat(readers.ravel(), n), np.tile(np.arange(n), n_works * PER_WORK)
    eta = theta[work] - severity[rater] - DIFFICULTIES[criterion]
    logits = np.cumsum(eta[:, None] - THRESHOLDS, axis=1)
    odds = np.exp(np.concatenate([np.zeros((len(eta), 1)), logits], axis=1))
    below = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)[:, :-1]
    level = (rng.random((len(eta), 1)) > below).sum(axis=1)
    codes = {"work": work, "rater": rater, "criterion": criterion, "level": level}
    return {
        **{name: values.astype(np.int32) for name, values in codes.items()},
        "theta": theta, "severity": severity,
    }  # fmt: skip


def rmse(found: Any, truth: Any) -> float:
    found, truth = np.asarray(found, dtype=float), np.asarray(truth, dtype=float)
    known = np.isfinite(found)
    away = found[known] - found[known].mean() - (truth[known] - truth[known].mean())
    return float(np.sqrt(np.mean(away**2)))


def fit_ours(world: Any, options: dict[str, Any]) -> dict[str, Any]:
    from grading.measurement.ratings import Ratings
    from grading.measurement.severity import fit

    n_works, n_raters = len(world["theta"]), len(world["severity"])
    rows = Ratings(
        world["work"], world["rater"], world["criterion"], world["level"], tuple(range(n_works)),
        tuple(range(n_raters)), tuple(range(len(DIFFICULTIES))), (0.0, 1.0, 2.0, 3.0, 4.0), 0,
    )  # fmt: skip
    start, busy = time.perf_counter(), time.process_time()
    found = fit(rows, **options)
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    ours = [found.raters[label].severity for label in range(n_raters)]
    measures = [found.works[label].measure for label in range(n_works)]
    z = (np.array(ours) - world["severity"]) / [
        found.raters[label].standard_error for label in range(n_raters)
    ]
    return {
        "seconds": seconds, "cpu": cpu, "severity": rmse(ours, world["severity"]),
        "person": rmse(measures, world["theta"]), "converged": found.converged,
        "coverage": float(np.mean(np.abs(z) < 1.959964)),
    }  # fmt: skip


def fit_raschpy(world: Any) -> dict[str, Any]:
    import warnings

    import pandas as pd  # type: ignore[import-untyped]
    from raschpy import MFRM  # type: ignore[import-not-found]

    warnings.simplefilter("ignore")
    n_works, n_raters = len(world["theta"]), len(world["severity"])
    start, busy = time.perf_counter(), time.process_time()
    long = pd.DataFrame({name: world[name] for name in ("rater", "work", "criterion", "level")})
    table = long.pivot(index=["rater", "work"], columns="criterion", values="level").astype(float)
    table.columns = [f"c{code}" for code in table.columns]
    every = pd.MultiIndex.from_product([range(n_raters), range(n_works)], names=["Rater", "Person"])
    model = MFRM(table.reindex(every), max_score=4)
    model.calibrate(model="global")
    model.person_estimates(model="global")
    seconds, cpu = time.perf_counter() - start, time.process_time() - busy
    raters = pd.Series(np.asarray(model.raters_global).ravel(), index=model.raters_global.index)
    persons = getattr(model, "persons_global", None)
    if persons is None:
        persons = model.abils_global
    return {
        "seconds": seconds,
        "cpu": cpu,
        "severity": rmse(raters.reindex(range(n_raters)), world["severity"]),
        "person": rmse(pd.Series(persons).reindex(range(n_works)), world["theta"]),
    }


def worker(kind: str, path: str, options: str) -> None:
    """One run in this process; a line of JSON."""
    if kind == "recovery":
        print(json.dumps(recovery(json.loads(options)["draws"])))
        return
    with np.load(path) as stored:
        world = dict(stored)
    found = fit_ours(world, json.loads(options)) if kind == "ours" else fit_raschpy(world)
    found["mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def run(
    python: str, kind: str, path: Path, options: dict[str, Any], limit: float
) -> dict[str, Any]:
    """A run in a process of its own: its figures, or why there are none."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python, str(HERE), "--worker", kind, str(path), json.dumps(options)]
    environment = {**os.environ, **one, "PYTHONPATH": str(HERE.parents[1])}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return {"why": f"stopped after {limit:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["killed"])[-1]
        return {"why": f"exit {done.returncode}: {last[:120]}"}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def peer_python(folder: Path) -> tuple[str | None, str]:
    """An interpreter with the peer, or why there is none."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", PEER],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return None, f"{PEER} could not be installed"
    return str(python), ""


def row(size: str, name: str, runs: list[dict[str, Any]], ours: float | None) -> tuple[str, float]:
    """A line of the table, and the median seconds."""
    good = [found for found in runs if "why" not in found]
    if not good:
        return f"| {size} | {name} | n/a: {runs[0]['why']} | | | | | |", float("nan")
    cpu = statistics.median(found["cpu"] for found in good)
    seconds = statistics.median(found["seconds"] for found in good)
    memory = max(found["mb"] for found in good)
    ratio = "1" if ours is None else f"{seconds / ours:.1f}"
    return (
        f"| {size} | {name} | {seconds:.2f} s | {cpu:.2f} s | {ratio} | {memory:.0f} MB | "
        f"{good[0]['severity']:.4f} | {good[0]['person']:.4f} |"
    ), seconds


def recovery(draws: int) -> dict[str, Any]:
    """Recovery on A over several draws, so that one lucky world does not decide."""
    found = [fit_ours(draw(*SIZES["A"], 100 + number), {}) for number in range(draws)]
    errors, persons, covered = (
        [one[name] for one in found] for name in ("severity", "person", "coverage")
    )
    return {
        "text": f"Over {draws} draws of A (default grid): severity RMSE {np.mean(errors):.4f} "
        f"(from {min(errors):.4f} to {max(errors):.4f}), person RMSE {np.mean(persons):.4f} (from "
        f"{min(persons):.4f} to {max(persons):.4f}); 95 % intervals of severities cover "
        f"{np.mean(covered):.3f}."
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=["A", "C"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--draws", type=int, default=20, help="worlds for the recovery line")
    parser.add_argument("--limit", type=float, default=300, help="seconds before a run is stopped")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        worker(*given.worker)
        return
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        python, why = (None, "left out") if given.no_peer else peer_python(folder / "environment")
        lines = []
        for number, size in enumerate(given.sizes):
            path = folder / f"{size}.npz"
            np.savez(path, **draw(*SIZES[size], number + 1))
            runs: dict[str, list[dict[str, Any]]] = {name: [] for name in OURS}
            theirs: list[dict[str, Any]] = []
            for _ in range(given.repeats):
                for name, options in OURS.items():
                    runs[name].append(run(sys.executable, "ours", path, options, given.limit))
                if python is None:
                    theirs.append({"why": why})
                elif not theirs or "why" not in theirs[-1]:
                    theirs.append(run(python, "raschpy", path, {}, given.limit))
            reference: float | None = None
            for name, found in runs.items():
                line, seconds = row(size, name, found, reference)
                lines.append(line)
                reference = seconds if reference is None else reference
            lines.append(row(size, RASCHPY, theirs, reference)[0])
            lines += [
                f"| {of} | {name}, *measured elsewhere* | {seconds} | | | {mb} | {one} | {two} |"
                for of, name, seconds, mb, one, two in QUOTED
                if of == size
            ]
        again = run(sys.executable, "recovery", folder, {"draws": given.draws}, given.limit)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    targets = ", ".join(f"{size} {TARGET[size]}" for size in given.sizes)
    text = "\n".join(
        [
            "# Severity",
            "",
            f"{' '.join(parser.description.split())}" if parser.description else "",
            "",
            f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores, "
            f"one thread a run, medians of {given.repeats}; load average at the end {load}: above the "
            "number of cores the wall clock tells more of the machine than of the code, CPU seconds do "
            "not. Ours includes standard errors, fit, fair averages and summaries; the peer's time is "
            f"for estimates only. Targets: {targets}.",
            "",
            "| world | what | time | CPU | ratio of times | peak memory | severity RMSE | person RMSE |",
            "|---|---|---|---|---|---|---|---|",
            *lines,
            "",
            again.get("text", f"n/a: {again.get('why')}"),
            "",
        ]
    )
    (HERE.parent / "results").mkdir(exist_ok=True)
    (HERE.parent / "results" / "severity.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
