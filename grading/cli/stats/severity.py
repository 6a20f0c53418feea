"""grading stats severity: how strict each rater of a file is."""

from typing import Any

import click

from grading.cli.edge import show
from grading.cli.plain import plain
from grading.cli.ratings_file import Source, reads_file
from grading.cli.stats.shared import choice, echo, number, refusals


@click.command("severity")
@reads_file
@choice("--model", ("partial_credit", "rating_scale"), default="partial_credit")
@choice("--estimator", ("mml", "jmle"), default="mml")
@click.option(
    "--nodes", type=click.IntRange(5, 201), help="Of the quadrature; by default as needed."
)
def severity_command(
    source: Source, as_json: bool, model: str, estimator: str, nodes: int | None
) -> None:
    """How strict each rater is, and what each work is worth, by the many-facet Rasch model."""
    from grading.measurement import severity

    options: dict[str, Any] = {"model": model, "estimator": estimator, "nodes": nodes}
    with refusals():
        fitted = severity.fit(source.ratings, **options)
        summaries = {facet: fitted.summary(facet) for facet in ("rater", "work", "criterion")}
    if as_json:
        echo({**plain(fitted, leave=("parameters",)), "summaries": summaries})
        return
    rows = [
        {
            "rater": label,
            "severity": number(rater.severity),
            "s.e.": number(rater.standard_error),
            "infit": number(rater.infit, 2),
            "outfit": number(rater.outfit, 2),
            "fair average": number(rater.fair_average, 2),
            "ratings": rater.n,
            "group": rater.group,
        }
        for label, rater in sorted(fitted.raters.items(), key=lambda item: -item[1].severity)
    ]
    if len(fitted.components) == 1:
        rows = [{key: value for key, value in row.items() if key != "group"} for row in rows]
    show(rows, json_wanted=False, empty="No rater has a rating.")
    told_apart = summaries["rater"]
    click.echo(
        f"separation {number(told_apart.separation, 2)}, reliability {number(told_apart.reliability, 2)}, "
        f"deviance {fitted.deviance:.3f}"
    )
    if len(fitted.components) > 1:
        click.echo(
            f"Nothing connects {len(fitted.components)} groups; severities of different groups "
            "cannot be compared."
        )
    for note in fitted.notes:
        click.echo(note)
