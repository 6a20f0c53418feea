"""Do 95 % intervals hold the true value? ``python -m benchmarks.coverage [--replications 1000]``.

Works and raters are drawn from a population; the truth is the coefficient among all its raters. Two
designs: other raters for each work, and a fixed panel of three, which is where intervals over works
alone break. Writes ``benchmarks/results/coverage.md``.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grading.measurement.agreement import gwet_ac, krippendorff_alpha
from grading.measurement.ratings import Ratings

RESULT = Path(__file__).parent / "results" / "coverage.md"
SIZES = (30, 100, 400)
# Latent scale: works, raters' severity, error; cut at these points into levels 0 to 4. Severities are
# such that a bootstrap over 400 works holds alpha's true value about 7 times in 10 with a fixed panel.
WORK, SEVERITY, ERROR = 1.0, 0.3, 0.7
CUTS = (-1.5, -0.5, 0.5, 1.5)

Function = Callable[..., Any]
COEFFICIENTS: dict[str, Function] = {
    "alpha, ordinal": krippendorff_alpha,
    "AC2, quadratic": lambda data, **options: gwet_ac(data, weights="quadratic", **options),
}


def draw(rng: np.random.Generator, works: int, raters: int, *, fixed: bool) -> Ratings:
    """Ratings of a panel of ``raters``, the same for all works or others for each."""
    severity = rng.normal(0, SEVERITY, (1 if fixed else works, raters))
    latent = rng.normal(0, WORK, (works, 1)) + severity + rng.normal(0, ERROR, (works, raters))
    level = np.searchsorted(CUTS, latent.ravel())
    work = np.repeat(np.arange(works), raters)
    turn = np.tile(np.arange(raters), works)
    return Ratings.from_long(work, turn if fixed else work * raters + turn, level, levels=range(5))


def truths() -> dict[str, float]:
    """Each coefficient in the whole population: many works, other raters for each."""
    rng = np.random.default_rng(0)
    ratings = draw(rng, 2_000_000, 3, fixed=False)
    return {name: act(ratings).estimate for name, act in COEFFICIENTS.items()}


def main() -> None:
    """Run the replications and write the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--replications", type=int, default=1000)
    given = options.parse_args()
    true = truths()
    lines = [
        "# Coverage of 95 % intervals",
        "",
        f"Written by `python -m benchmarks.coverage`, {given.replications} replications. Scores 0 to 4, "
        f"latent standard deviations: works {WORK}, severity {SEVERITY}, error {ERROR}; three ratings a "
        "work. True values: "
        + ", ".join(f"{name} {value:.4f}" for name, value in true.items())
        + ".",
        "",
        "| design | works | coefficient | interval | coverage | median width |",
        "|---|---|---|---|---|---|",
    ]
    for fixed in (False, True):
        kinds = ("analytic", "bootstrap", "two_way") if fixed else ("analytic", "bootstrap")
        for works in SIZES:
            rng = np.random.default_rng(works)
            found: dict[tuple[str, str], list[tuple[float, float]]] = {}
            for _ in range(given.replications):
                ratings = draw(rng, works, 3, fixed=fixed)
                for name, act in COEFFICIENTS.items():
                    for kind in kinds:
                        interval = act(ratings, interval=kind, resamples=400).interval
                        found.setdefault((name, kind), []).append(interval)
            for (name, kind), intervals in found.items():
                held = np.mean([low <= true[name] <= high for low, high in intervals])
                widths = [high - low for low, high in intervals if not math.isnan(low)]
                design = "the same three raters" if fixed else "other raters for each work"
                lines.append(
                    f"| {design} | {works} | {name} | {kind} | {held:.3f} | {np.median(widths):.3f} |"
                )
                print(lines[-1], flush=True)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
