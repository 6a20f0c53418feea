"""Are planted marks found among real ones: ``python -m benchmarks.outliers``.

``os_tutorial_3ta`` (``GRADING_DATA`` or ``../shared/data``): 40 works, six questions, three teaching
assistants, and 30 planted marks that nobody gave. Each planted mark stands in place of one assistant's
(added where that assistant left the question out), once for each assistant, as the file does not say whose
it is. Marks are judged question by question by `grading.measurement.posterior.outliers`, at the
rate of sound marks that it names on the leads' page (one in 500) and at one in 2,000;
*at once* is what judging all marks by one fit finds, without setting any aside first.
Writes ``benchmarks/results/outliers.md``.
"""

import csv
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.stats import norm

from benchmarks.simulation import write
from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.outliers import MOST, outliers
from grading.measurement.posterior.prediction import leave_one_out
from grading.measurement.posterior.readings import Readings

Cell = tuple[str, str]
Marks = dict[Cell, float]


def named(marks: Marks, rate: float, most: float) -> set[Cell]:
    """Which (work, rater) of one question are named."""
    cells = list(marks)
    readings = Readings.from_long(
        [work for work, _ in cells],
        [rater for _, rater in cells],
        [marks[cell] for cell in cells],
    )
    if most:
        found = outliers(readings, professionals=readings.raters, rate=rate, most=most)
        return {cells[index] for index in found.index.tolist()}
    model = aggregate(readings, professionals=set(readings.raters), rule="model")
    expected = leave_one_out(readings, model)
    distance = np.abs(expected.residual - model.rater_bias[readings.rater])
    far = distance / np.sqrt(expected.variance) > norm.isf(rate / 2)
    return {cells[index] for index in np.flatnonzero(far)}


def main() -> None:
    home = Path(os.environ.get("GRADING_DATA", Path(__file__).parents[2] / "shared" / "data"))
    folder = home / "os_tutorial_3ta"
    if not folder.is_dir():
        print("n/a: os_tutorial_3ta is not here (set GRADING_DATA).")
        return
    given: dict[str, Marks] = defaultdict(dict)
    full: dict[str, float] = {}
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            given[row["criterion"]][row["work"], row["rater"]] = float(row["score"])
            full[row["criterion"]] = float(row["full_points"])
    with (folder / "injected_outliers.csv").open(newline="", encoding="utf-8") as file:
        planted = list(csv.DictReader(file))
    raters = sorted({rater for marks in given.values() for _, rater in marks})
    lines = [
        "# Planted marks among real ones",
        "",
        "Written by `python -m benchmarks.outliers`, which says how. Wrongly named: marks an assistant "
        "really gave; how far they lie from the mean of the other assistants, as a share of the points.",
        "",
        "| planted in place of | judged | planted | named | found | recall | precision "
        "| wrongly named lie apart (median) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for who in raters:
        for way, rate, most in (
            ("at once, 1 in 2,000", 1 / 2000, 0.0),
            ("by the clean part, 1 in 2,000", 1 / 2000, MOST),
            ("by the clean part, 1 in 500", 1 / 500, MOST),
        ):
            hits, count, apart = 0, 0, []
            for criterion, marks in given.items():
                mine = {
                    (row["work"], who): float(row["score_outlier"])
                    for row in planted
                    if row["criterion"] == criterion
                }
                found = named({**marks, **mine}, rate, most)
                hits += len(found & set(mine))
                count += len(found)
                for work, rater in found - set(mine):
                    others = [
                        mark for (one, by), mark in marks.items() if one == work and by != rater
                    ]
                    gap = abs(marks[work, rater] - float(np.mean(others)))
                    apart.append(gap / full[criterion])
            lines.append(
                f"| {who} | {way} | {len(planted)} | {count} | {hits} "
                f"| {hits / len(planted):.2f} | {hits / max(count, 1):.2f} "
                f"| {f'{np.median(apart):.0%}' if apart else '–'} |"
            )
    write("outliers.md", lines)


if __name__ == "__main__":
    main()
