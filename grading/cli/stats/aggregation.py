"""grading stats aggregate: what each work of a file is worth, from peers with professionals."""

from typing import Any

import click
import numpy as np

from grading.cli.edge import show
from grading.cli.ratings_file import Numbers, Source, reads_file
from grading.cli.stats.shared import choice, echo, number, refusals
from grading.errors import Refused


@click.command("aggregate")
@reads_file
@click.option("--cuts", type=Numbers(), default=(), help="Where bands begin, such as 50,60,70.")
@choice("--rule", ("auto", "model", "mean"), default="auto")
def aggregate_command(source: Source, as_json: bool, cuts: tuple[float, ...], rule: str) -> None:
    """What each work is worth, from peers with professionals, and how sure that is."""
    from grading.measurement.posterior import aggregation

    ratings = source.ratings
    professionals: Any = ()
    if source.professional is not None:
        both = set(np.unique(ratings.rater[source.professional]).tolist())
        if both & set(np.unique(ratings.rater[~source.professional]).tolist()):
            raise Refused("A rater stands in both pools; give each pool its own labels.")
        professionals = {ratings.raters[code] for code in both}
    scale = (ratings.levels[0], ratings.levels[-1]) if source.own_scale else None
    with refusals():
        options: dict[str, Any] = {"cuts": cuts, "rule": rule, "scale": scale}
        aggregated = aggregation.aggregate(ratings, professionals=professionals, **options)
    if as_json:
        echo(aggregated, leave=("fit", "labels", "rater_labels"))
        return
    rows = [
        {
            "work": label,
            "mean": number(work.mean, 2),
            "s.e.": number(work.standard_error, 2),
            **{f"band {i}": number(p, 2) for i, p in enumerate(work.bands)},
        }
        for label, work in aggregated.works.items()
    ]
    show(rows, json_wanted=False, empty="No work has a rating.")
    click.echo(f"rule: {aggregated.rule}")
    if aggregated.note:
        click.echo(aggregated.note)
