"""grading stats: the measurement core on a file, without a service or a database."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click
import numpy as np

from grading.cli.edge import show
from grading.cli.plain import plain
from grading.cli.ratings_file import Numbers, Source, criteria_of, reads_file
from grading.errors import Refused
from grading.measurement import agreement
from grading.measurement.agreement.coefficient import Coefficient
from grading.measurement.components import generalizability
from grading.measurement.components.generalizability import VarianceComponents
from grading.measurement.ratings import Ratings
from grading.measurement.scoring import decision

WEIGHTS = ("identity", "linear", "quadratic", "ordinal", "radical", "ratio")
OF_TWO = ("cohen_kappa", "lin_concordance", "bland_altman")


@click.group("stats")
def command() -> None:
    """Agreement, severity, reliability and decisions from a file of ratings.

    FILE is CSV (or Parquet) with a row a rating: work, rater, criterion, score. Nothing is kept.
    """


def number(value: float, digits: int = 3) -> str:
    """A number for a table; what is undefined is a dash."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def echo(data: Mapping[str, Any]) -> None:
    """Print plain data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


# agreement ------------------------------------------------------------------------------------------


@command.command("agreement")
@reads_file
@click.option("--weights", type=click.Choice(WEIGHTS), default="quadratic", show_default=True)
@click.option(
    "--metric",
    type=click.Choice(("nominal", "ordinal", "interval", "ratio")),
    default="ordinal",
    show_default=True,
    help="Of Krippendorff's alpha.",
)
@click.option(
    "--interval",
    type=click.Choice(("analytic", "bootstrap", "two_way")),
    default="analytic",
    show_default=True,
    help="Over works by formula or resampling, or over works and raters.",
)
@click.option("--confidence", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resampling.")
def agreement_command(source: Source, as_json: bool, **options: Any) -> None:
    """How far raters agree, per criterion: every coefficient with its interval.

    With professionals, also within each pool, and between the two.
    """
    found: dict[str, Any] = {"criteria": _by_criterion(source, None, options)}
    if source.professional is not None:
        found["professionals"] = {"criteria": _by_criterion(source, source.professional, options)}
        found["peers"] = {"criteria": _by_criterion(source, ~source.professional, options)}
        found["between"] = {"criteria": _between(source)}
    if as_json:
        echo(plain(found))
        return
    rows = []
    for pool, of_pool in (("all", found), *((k, v) for k, v in found.items() if k != "criteria")):
        for criterion, results in of_pool["criteria"].items():
            for name, result in results.items():
                rows += [
                    row
                    for row in _agreement_rows(pool, criterion, name, result)
                    # What is of two raters only would fill the table of a panel with dashes.
                    if row["raters"] <= 2 or name not in OF_TWO
                ]
    if source.professional is None:
        rows = [{key: value for key, value in row.items() if key != "pool"} for row in rows]
    show(rows, json_wanted=False, empty="The file has no ratings.")
    _echo_notes(found)


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
    found = {}
    for name in criteria_of(source.ratings):
        one = source.ratings.criterion == source.ratings.criteria.index(name)
        professionals, peers = (
            source.ratings.where(one & pool) for pool in (source.professional, ~source.professional)
        )
        found[str(name)] = {"between": agreement.between(professionals, peers)}
    return found


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
    return [_coefficient_row(pool, criterion, label, one) for label, one in parts.items()]


def _coefficient_row(pool: str, criterion: str, name: str, one: Coefficient) -> dict[str, Any]:
    return {
        "pool": pool,
        "criterion": criterion or "–",
        "statistic": name,
        "estimate": number(one.estimate),
        "s.e.": number(one.standard_error),
        "interval": " to ".join(number(end) for end in one.interval)
        if all(map(math.isfinite, one.interval))
        else "–",
        "works": one.n_works,
        "raters": one.n_raters,
        "": one.reason if one.reason and math.isnan(one.estimate) else "",
    }


def _echo_notes(found: Mapping[str, Any]) -> None:
    for criterion, results in found["criteria"].items():
        notes = {getattr(result, "note", None) for result in results.values()} - {None}
        for note in sorted(str(note) for note in notes):
            click.echo(f"{criterion}: {note}" if criterion else note)


# generalizability -----------------------------------------------------------------------------------


@command.command("generalizability")
@reads_file
@click.option("--effects", help="Effects, comma between, such as work,rater,work:criterion.")
@click.option("--method", type=click.Choice(("reml", "moments")), default="reml", show_default=True)
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
    try:
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
    except ValueError as error:
        raise Refused("%(message)s", message=str(error)) from error
    if as_json:
        echo(
            plain({"variance_components": components, "d_study": studies, "raters_needed": needed})
        )
        return
    _show_components(components)
    rows = [
        {
            "raters": study.n["rater"],
            "E rho^2": number(study.e_rho2.estimate),
            "E rho^2 interval": " to ".join(map(number, study.e_rho2.interval)),
            "Phi": number(study.phi.estimate),
            "Phi interval": " to ".join(map(number, study.phi.interval)),
            "s.e.m.": number(study.absolute_sem),
        }
        for study in studies
    ]
    click.echo()
    show(rows, json_wanted=False, empty="The design has no raters to vary.")
    for kind, words in (("phi", "to stand against a mark"), ("e_rho2", "to compare works")):
        if kind in needed:
            found = needed[kind]
            said = (
                f"{found.raters} raters a work ({found.readings:,} readings, cost {found.cost:,.2f})"
                if found.raters
                else found.reason
            )
            click.echo(f"For {reliability:g} {words}: {said}")


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


# severity and aggregation ---------------------------------------------------------------------------


@command.command("severity")
@reads_file
@click.option(
    "--model",
    type=click.Choice(("partial_credit", "rating_scale")),
    default="partial_credit",
    show_default=True,
)
@click.option("--estimator", type=click.Choice(("mml", "jmle")), default="mml", show_default=True)
@click.option(
    "--nodes", type=click.IntRange(5, 201), help="Of the quadrature; by default as needed."
)
def severity_command(
    source: Source, as_json: bool, model: str, estimator: str, nodes: int | None
) -> None:
    """How strict each rater is, and what each work is worth, by the many-facet Rasch model."""
    from grading.measurement import severity

    options: dict[str, Any] = {"model": model, "estimator": estimator, "nodes": nodes}
    try:
        found = severity.fit(source.ratings, **options)
        summaries = {facet: found.summary(facet) for facet in ("rater", "work", "criterion")}
    except ValueError as error:
        raise Refused("%(message)s", message=str(error)) from error
    if as_json:
        echo({**plain(found, leave=("parameters",)), "summaries": plain(summaries)})
        return
    rows = [
        {
            "rater": label,
            "severity": number(one.severity),
            "s.e.": number(one.standard_error),
            "infit": number(one.infit, 2),
            "outfit": number(one.outfit, 2),
            "fair average": number(one.fair_average, 2),
            "ratings": one.n,
            "group": one.group,
        }
        for label, one in sorted(found.raters.items(), key=lambda item: -item[1].severity)
    ]
    if len(found.components) == 1:
        rows = [{key: value for key, value in row.items() if key != "group"} for row in rows]
    show(rows, json_wanted=False, empty="No rater has a rating.")
    raters = summaries["rater"]
    click.echo(
        f"separation {number(raters.separation, 2)}, reliability {number(raters.reliability, 2)}, "
        f"deviance {found.deviance:.3f}"
    )
    if len(found.components) > 1:
        click.echo(
            f"Nothing connects {len(found.components)} groups; severities of different groups "
            "cannot be compared."
        )
    for note in found.notes:
        click.echo(note)


@command.command("aggregate")
@reads_file
@click.option("--cuts", type=Numbers(), default=(), help="Where bands begin, such as 50,60,70.")
@click.option(
    "--rule", type=click.Choice(("auto", "model", "mean")), default="auto", show_default=True
)
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
    try:
        options: dict[str, Any] = {"cuts": cuts, "rule": rule, "scale": scale}
        found = aggregation.aggregate(ratings, professionals=professionals, **options)
    except ValueError as error:
        raise Refused("%(message)s", message=str(error)) from error
    if as_json:
        echo(plain(found, leave=("fit", "labels", "rater_labels")))
        return
    rows = [
        {
            "work": label,
            "mean": number(one.mean, 2),
            "s.e.": number(one.standard_error, 2),
            **{f"band {i}": number(p, 2) for i, p in enumerate(one.bands)},
        }
        for label, one in found.works.items()
    ]
    show(rows, json_wanted=False, empty="No work has a rating.")
    click.echo(f"rule: {found.rule}")
    if found.note:
        click.echo(found.note)


# decision -------------------------------------------------------------------------------------------


@command.command("decision")
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
    try:
        works, scores, counts, components = _scores(source.ratings)
        signal = components.components.get("work", math.nan)
        noise = sum(
            max(value, 0.0) for name, value in components.components.items() if name != "work"
        )
        own = signal / (signal + noise / counts) if signal > 0 else np.full(len(counts), math.nan)
        if reliability is not None:
            own = np.full(len(counts), reliability)
            signal = float(scores.var(ddof=1)) * reliability if len(scores) > 1 else math.nan
        typical = float(np.mean(own)) if len(own) else math.nan
        mean = scores.mean() + own * (scores - scores.mean()) if len(scores) else scores
        error = np.sqrt(signal * (1 - own))
        table = None
        if costs:
            table = [[float(cell) for cell in row.split(",")] for row in costs.split(";")]
        found = decision.misclassification(mean, error, cuts, costs=table)
        low, high = (source.ratings.levels or (0.0,))[0], (source.ratings.levels or (0.0,))[-1]
        classified = (
            decision.livingston_lewis(
                scores, reliability=typical, cut=cuts[0], lowest=low, highest=high
            )
            if 0 < typical < 1
            else None
        )
    except ValueError as fault:
        raise Refused("%(message)s", message=str(fault)) from fault
    by_work = {
        str(work): {
            "score": scores[i],
            "mean": mean[i],
            "standard_error": error[i],
            "band": found.band[i],
            "probabilities": found.probabilities[i],
            "wrong": found.wrong[i],
            "cost": found.cost[i],
            "cheapest": found.cheapest[i],
        }
        for i, work in enumerate(works)
    }
    if as_json:
        echo(
            plain(
                {
                    "livingston_lewis": classified,
                    "misclassification": {
                        "works": by_work,
                        "expected_accuracy": found.expected_accuracy,
                        "total_cost": found.total_cost,
                    },
                    "reliability": typical,
                }
            )
        )
        return
    rows = [
        {
            "work": work,
            "score": number(one["score"], 2),
            "believed": number(one["mean"], 2),
            "s.e.": number(one["standard_error"], 2),
            "band": one["band"],
            "P(wrong)": number(one["wrong"]),
            "cost": number(one["cost"], 2),
        }
        for work, one in by_work.items()
    ]
    show(rows, json_wanted=False, empty="No work has a rating.")
    click.echo(
        f"expected accuracy {number(found.expected_accuracy)}, expected cost "
        f"{number(found.total_cost, 2)}, mean reliability {number(typical)}"
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
