"""grading stats generalizability: variance components, and how many raters are enough."""

from typing import Any

import click
import numpy as np

from grading.cli.edge import show
from grading.cli.ratings_file import Numbers, Source, criteria_of, reads_file
from grading.cli.stats.shared import choice, echo, ends, number, refusals
from grading.measurement.components import generalizability
from grading.measurement.components.generalizability import VarianceComponents


@click.command("generalizability")
@reads_file
@click.option("--effects", help="Effects, comma between, such as work,rater,work:criterion.")
@choice("--method", ("reml", "moments"), default="reml")
@click.option("--raters", type=Numbers(), default="1,2,3,4", show_default=True)
@click.option(
    "--random-criteria",
    is_flag=True,
    help="The criteria stand for others; by default they are all that matters.",
)
@click.option(
    "--same-raters", is_flag=True, help="The same raters will read every work; by default others."
)
@click.option("--reliability", type=click.FloatRange(0.01, 0.99), default=0.8, show_default=True)
@click.option("--works", type=click.IntRange(1), help="Works to be read; by default those here.")
@click.option("--cost", type=click.FloatRange(0), default=1.0, help="Of one reading.")
def generalizability_command(
    source: Source,
    as_json: bool,
    effects: str | None,
    method: str,
    raters: tuple[float, ...],
    random_criteria: bool,
    same_raters: bool,
    reliability: float,
    works: int | None,
    cost: float,
) -> None:
    """Variance components, reliability for a number of raters, and how many are enough."""
    ratings = source.ratings
    with refusals():
        named = tuple(effects.replace(" ", "").split(",")) if effects else None
        components = generalizability.variance_components(
            ratings,
            effects=named,
            method=method,  # type: ignore[arg-type]
        )
        facets = {part for name in components.names for part in name.split(":")}
        criteria = {"criterion": len(criteria_of(ratings))} if "criterion" in facets else {}
        fixed = ("criterion",) if criteria and not random_criteria else ()
        nested = ("rater",) if "rater" in facets and not same_raters else ()
        studies = []
        needed: dict[str, Any] = {}
        if "rater" in facets:
            studies = [
                generalizability.d_study(
                    components, n={**criteria, "rater": int(n)}, fixed=fixed, nested=nested
                )
                for n in raters
            ]
            needed = {
                kind: generalizability.raters_needed(
                    components,
                    reliability=reliability,
                    kind=kind,
                    n=criteria,
                    fixed=fixed,
                    nested=nested,
                    works=works or len(np.unique(ratings.work)),
                    cost_per_reading=cost,
                )
                for kind in ("phi", "e_rho2")
            }
    if as_json:
        echo({"variance_components": components, "d_study": studies, "raters_needed": needed})
        return
    _show_components(components)
    rows = [
        {
            "raters": study.n["rater"],
            "E rho^2": number(study.e_rho2.estimate),
            "E rho^2 interval": ends(study.e_rho2.interval),
            "Phi": number(study.phi.estimate),
            "Phi interval": ends(study.phi.interval),
            "s.e.m.": number(study.absolute_sem),
        }
        for study in studies
    ]
    click.echo()
    show(rows, json_wanted=False, empty="The design has no raters to vary.")
    for kind, words in (("phi", "to stand against a mark"), ("e_rho2", "to compare works")):
        if kind in needed:
            enough = needed[kind]
            answer = (
                f"{enough.raters} raters a work "
                f"({enough.readings:,} readings, cost {enough.cost:,.2f})"
                if enough.raters
                else enough.reason
            )
            click.echo(f"For {reliability:g} {words}: {answer}")


def _show_components(components: VarianceComponents) -> None:
    total = sum(max(value, 0.0) for value in components.components.values())
    errors = components.standard_errors
    rows = [
        {
            "effect": name,
            "variance": number(value, 4),
            "s.e.": number(errors[name], 4),
            "share": f"{max(value, 0.0) / total:.1%}" if total > 0 else "–",
            "levels": components.levels.get(name, components.n),
        }
        for name, value in components.components.items()
    ]
    show(rows, json_wanted=False, empty="")
    for words in (components.reason, components.note):
        if words:
            click.echo(words)
