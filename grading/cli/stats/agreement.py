"""grading stats agreement: how far the raters of a file agree."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click
import numpy as np

from grading.cli.edge import show
from grading.cli.ratings_file import Source, criteria_of, reads_file
from grading.cli.stats.shared import choice, echo, ends, number
from grading.measurement import agreement
from grading.measurement.agreement.coefficient import Coefficient
from grading.measurement.ratings import Ratings

WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "radical", "ratio")
METRICS = ("nominal", "ordinal", "interval", "ratio")
OF_TWO = ("cohen_kappa", "lin_concordance", "bland_altman")


@click.command("agreement")
@reads_file
@choice("--weights", WEIGHTS, default="quadratic")
@choice("--metric", METRICS, default="ordinal", help="Of Krippendorff's alpha.")
@choice(
    "--interval",
    ("analytic", "bootstrap", "two_way"),
    default="analytic",
    help="Over works by formula or resampling, or over works and raters.",
)
@click.option("--confidence", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
def agreement_command(source: Source, as_json: bool, **options: Any) -> None:
    """How far raters agree, per criterion: every coefficient with its interval.

    With professionals, also within each pool, and between the two.
    """
    pools = {"all": _by_criterion(source, None, options)}
    if source.professional is not None:
        pools["professionals"] = _by_criterion(source, source.professional, options)
        pools["peers"] = _by_criterion(source, ~source.professional, options)
        pools["between"] = _between(source)
    if as_json:
        parts = {pool: {"criteria": criteria} for pool, criteria in pools.items() if pool != "all"}
        echo({"criteria": pools["all"], **parts})
        return
    rows = [
        row
        for pool, criteria in pools.items()
        for criterion, results in criteria.items()
        for name, result in results.items()
        for row in _agreement_rows(pool, criterion, name, result)
        # What is of two raters only would fill the table of a panel with dashes.
        if row["raters"] <= 2 or name not in OF_TWO
    ]
    if source.professional is None:
        rows = [{key: value for key, value in row.items() if key != "pool"} for row in rows]
    show(rows, json_wanted=False, empty="The file has no ratings.")
    _echo_notes(pools["all"])


def _coefficients(ratings: Ratings, options: Mapping[str, Any]) -> dict[str, Any]:
    weights, confidence = options["weights"], options["confidence"]
    common = {
        "interval": options["interval"],
        "confidence": confidence,
        "seed": options["seed"],
    }
    return {
        "percent_exact": agreement.percent_exact(ratings, **common),
        "percent_adjacent": agreement.percent_adjacent(ratings, **common),
        "cohen_kappa": agreement.cohen_kappa(ratings, weights=weights, **common),
        "fleiss_kappa": agreement.fleiss_kappa(ratings, weights=weights, **common),
        "conger_kappa": agreement.conger_kappa(ratings, weights=weights, confidence=confidence),
        "brennan_prediger": agreement.brennan_prediger(ratings, weights=weights, **common),
        "krippendorff_alpha": agreement.krippendorff_alpha(
            ratings, metric=options["metric"], **common
        ),
        "gwet_ac": agreement.gwet_ac(ratings, weights=weights, **common),
        "kendall_w": agreement.kendall_w(ratings),
        "icc": agreement.icc(ratings, confidence=confidence),
        "lin_concordance": agreement.lin_concordance(ratings, confidence=confidence),
        "bland_altman": agreement.bland_altman(ratings, confidence=confidence),
    }


def _by_criterion(
    source: Source, rows: np.ndarray | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    pool = source if rows is None else replace(source, ratings=source.ratings.where(rows))
    return {
        str(name): _coefficients(pool.on(name), options) for name in criteria_of(source.ratings)
    }


def _between(source: Source) -> dict[str, Any]:
    assert source.professional is not None
    by_criterion = {}
    for name in criteria_of(source.ratings):
        rows = source.ratings.criterion == source.ratings.criteria.index(name)
        professionals, peers = (
            source.ratings.where(rows & pool)
            for pool in (source.professional, ~source.professional)
        )
        by_criterion[str(name)] = {"between": agreement.between(professionals, peers)}
    return by_criterion


def _agreement_rows(pool: str, criterion: str, name: str, result: Any) -> list[dict[str, Any]]:
    if isinstance(result, agreement.IntraclassCorrelations):
        parts = dict(result.forms)
    elif isinstance(result, agreement.BlandAltman):
        parts = {
            "bland_altman bias": result.bias,
            "bland_altman lower": result.lower,
            "bland_altman upper": result.upper,
        }
    elif isinstance(result, agreement.Agreement):
        parts = {"quadratic kappa": result.quadratic_kappa, "krippendorff_alpha": result.alpha}
    else:
        parts = {name: result}
    return [_coefficient_row(pool, criterion, label, part) for label, part in parts.items()]


def _coefficient_row(pool: str, criterion: str, name: str, found: Coefficient) -> dict[str, Any]:
    return {
        "pool": pool,
        "criterion": criterion or "–",
        "statistic": name,
        "estimate": number(found.estimate),
        "s.e.": number(found.standard_error),
        "interval": ends(found.interval) if all(map(math.isfinite, found.interval)) else "–",
        "works": found.n_works,
        "raters": found.n_raters,
        "": found.reason if found.reason and math.isnan(found.estimate) else "",
    }


def _echo_notes(by_criterion: Mapping[str, Any]) -> None:
    for criterion, results in by_criterion.items():
        notes = {getattr(result, "note", None) for result in results.values()} - {None}
        for note in sorted(str(note) for note in notes):
            click.echo(f"{criterion}: {note}" if criterion else note)
