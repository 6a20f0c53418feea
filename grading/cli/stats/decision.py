"""grading stats decision: how often a pass or a band is right, and what wrong ones cost."""

import math
from typing import Any

import click
import numpy as np

from grading.cli.edge import show
from grading.cli.ratings_file import Numbers, Source, criteria_of, reads_file
from grading.cli.stats.shared import echo, number, refusals
from grading.measurement.components import generalizability
from grading.measurement.components.generalizability import VarianceComponents
from grading.measurement.ratings import Ratings
from grading.measurement.scoring import decision


@click.command("decision")
@reads_file
@click.option(
    "--cuts",
    type=Numbers(),
    required=True,
    help="Where bands begin, such as 60 or 50,60,70; the first is the pass mark.",
)
@click.option(
    "--reliability", type=click.FloatRange(0.01, 0.99), help="By default Phi of the file."
)
@click.option("--costs", help="Rows of costs, such as “0,5;1,0”: released band by right band.")
def decision_command(
    source: Source,
    as_json: bool,
    cuts: tuple[float, ...],
    reliability: float | None,
    costs: str | None,
) -> None:
    """How often a pass or a band is right, work by work, and what wrong ones are expected to cost.

    A work's score is the mean of its readings, each the mean over the criteria. What is believed of it
    is drawn towards the mean of all works as far as its readings are unreliable (Kelley).
    """
    with refusals():
        works, scores, counts, components = _scores(source.ratings)
        signal = components.components.get("work", math.nan)
        noise = sum(
            max(value, 0.0) for name, value in components.components.items() if name != "work"
        )
        reliable = (
            signal / (signal + noise / counts) if signal > 0 else np.full(len(counts), math.nan)
        )
        if reliability is not None:
            reliable = np.full(len(counts), reliability)
            signal = float(scores.var(ddof=1)) * reliability if len(scores) > 1 else math.nan
        typical = float(np.mean(reliable)) if len(reliable) else math.nan
        mean = scores.mean() + reliable * (scores - scores.mean()) if len(scores) else scores
        error = np.sqrt(signal * (1 - reliable))
        table = None
        if costs:
            table = [[float(cell) for cell in row.split(",")] for row in costs.split(";")]
        bands = decision.misclassification(mean, error, cuts, costs=table)
        low, high = (source.ratings.levels or (0.0,))[0], (source.ratings.levels or (0.0,))[-1]
        classified = (
            decision.livingston_lewis(
                scores, reliability=typical, cut=cuts[0], lowest=low, highest=high
            )
            if 0 < typical < 1
            else None
        )
    by_work = {
        str(work): {
            "score": scores[i],
            "mean": mean[i],
            "standard_error": error[i],
            "band": bands.band[i],
            "probabilities": bands.probabilities[i],
            "wrong": bands.wrong[i],
            "cost": bands.cost[i],
            "cheapest": bands.cheapest[i],
        }
        for i, work in enumerate(works)
    }
    if as_json:
        echo(
            {
                "livingston_lewis": classified,
                "misclassification": {
                    "works": by_work,
                    "expected_accuracy": bands.expected_accuracy,
                    "total_cost": bands.total_cost,
                },
                "reliability": typical,
            }
        )
        return
    rows = [
        {
            "work": work,
            "score": number(row["score"], 2),
            "believed": number(row["mean"], 2),
            "s.e.": number(row["standard_error"], 2),
            "band": row["band"],
            "P(wrong)": number(row["wrong"]),
            "cost": number(row["cost"], 2),
        }
        for work, row in by_work.items()
    ]
    show(rows, json_wanted=False, empty="No work has a rating.")
    click.echo(
        f"expected accuracy {number(bands.expected_accuracy)}, expected cost "
        f"{number(bands.total_cost, 2)}, mean reliability {number(typical)}"
    )
    if classified is not None:
        click.echo(
            f"Livingston-Lewis at {cuts[0]:g}: accuracy {number(classified.accuracy)}, consistency "
            f"{number(classified.consistency)}"
            + (f" ({classified.reason})" if classified.reason else "")
        )


def _scores(ratings: Ratings) -> tuple[list[Any], np.ndarray, np.ndarray, VarianceComponents]:
    """Each work's mean over readings, how many there are, and the components of single readings.

    A reading that lacks a criterion is left out: a mean over the rest would compare other things.
    """
    cells = ratings.work * np.int64(max(len(ratings.raters), 1)) + ratings.rater
    present, reading = np.unique(cells, return_inverse=True)
    sizes = np.bincount(reading, minlength=len(present))
    totals = np.bincount(reading, weights=ratings.values(), minlength=len(present))
    whole = sizes == len(criteria_of(ratings))
    work = present[whole] // max(len(ratings.raters), 1)
    rater = present[whole] % max(len(ratings.raters), 1)
    means = totals[whole] / np.maximum(sizes[whole], 1)
    components = generalizability.variance_components(Ratings.from_long(work, rater, means))
    codes, place = np.unique(work, return_inverse=True)
    counts = np.bincount(place, minlength=len(codes))
    scores = np.bincount(place, weights=means, minlength=len(codes)) / np.maximum(counts, 1)
    return [ratings.works[code] for code in codes.tolist()], scores, counts, components
