"""grading plan: grading plans before a cohort has one."""

import json
import sys
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from grading.cli.edge import as_json, read_table, show
from grading.errors import Refused
from grading.measurement.allocation.worlds import KINDS, Kind
from grading.scores.rehearsal import Assumptions, Rehearsal, rehearse, spread
from grading.workflow import plan as plans

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHARE = click.FloatRange(0, 1)


@click.group("plan")
def command() -> None:
    """Grading plans."""


def _read(path: Path) -> plans.GradingPlan:
    return plans.from_dict(read_table(path, tomllib.loads))


NUMBERS: tuple[tuple[str, str, Callable[[Rehearsal], float], int], ...] = (
    ("readings", "professional readings a project", lambda one: one.total / one.works, 2),
    ("first", "  first readings", lambda one: one.readings.get("first", 0) / one.works, 2),
    ("second", "  second, at random", lambda one: one.readings.get("second", 0) / one.works, 2),
    ("close", "  near or below the mark", lambda one: one.readings.get("close", 0) / one.works, 2),
    ("third", "  third readings", lambda one: one.readings.get("third", 0) / one.works, 2),
    ("routed", "  routed", lambda one: one.readings.get("routed", 0) / one.works, 2),
    ("with_checks", "with check items", lambda one: one.per_work, 2),
    ("wrong_side", "wrong side of the mark, %", lambda one: 100 * one.wrong_side, 1),
    ("false_fail", "  passed in truth, %", lambda one: 100 * one.false_fail, 1),
    ("false_pass", "  not passed in truth, %", lambda one: 100 * one.false_pass, 1),
    ("wrong_band", "wrong band, %", lambda one: 100 * one.wrong_band, 1),
    ("rmse", "error of the score, points", lambda one: one.rmse, 1),
    ("undecided", "projects without a result", lambda one: float(one.undecided), 0),
    ("appeals", "appeals expected", lambda one: one.appeals, 1),
    ("false_alarms", "false alarms expected", lambda one: one.false_alarms, 2),
)


@command.command("simulate")
@click.argument("file", type=FILE)
@click.option(
    "--cohort",
    "works",
    default=120,
    show_default=True,
    type=click.IntRange(20, 20_000),
    help="Projects in the cohort.",
)
@click.option(
    "--graders",
    default=8,
    show_default=True,
    type=click.IntRange(2, 1_000),
    help="Professional graders; the world “panels” needs 4.",
)
@click.option(
    "--world",
    "kind",
    default="plain",
    show_default=True,
    type=click.Choice(KINDS),
    help="What goes wrong among the peers and graders.",
)
@click.option("--replications", default=10, show_default=True, type=click.IntRange(1, 1_000))
@click.option("--seed", default=1, show_default=True, type=int)
@click.option(
    "--appeal-wronged",
    default=Assumptions.wronged,
    show_default=True,
    type=SHARE,
    help="Share of learners in a band too low who appeal.",
)
@click.option(
    "--appeal-others",
    default=Assumptions.others,
    show_default=True,
    type=SHARE,
    help="Share of all others who appeal.",
)
@as_json
def simulate(
    file: Path, works: int, graders: int, kind: Kind, replications: int, seed: int,
    appeal_wronged: float, appeal_others: float, as_json: bool,
) -> None:  # fmt: skip
    """Grade simulated cohorts by the plan in FILE; needs no service.

    Says what the plan costs in readings, how often a decision is wrong, and how many appeals and false
    alarms to expect: medians, and what nine in ten cohorts lie below and above.
    """
    plan = _read(file)
    if kind == "panels" and graders < 4:
        raise Refused("Two panels need four graders.")
    assumptions = Assumptions(appeal_wronged, appeal_others)
    done = []
    with click.progressbar(range(replications), label="Cohorts", file=sys.stderr) as bar:
        for number in bar:
            rng = np.random.default_rng([seed, number])
            done.append(
                rehearse(plan, kind, works, professionals=graders, rng=rng, assumptions=assumptions)
            )
    found = {name: spread([take(one) for one in done]) for name, _title, take, _digits in NUMBERS}
    if as_json:
        heading = {
            "world": kind, "works": works, "graders": graders, "replications": replications,
            "seed": seed, "assumptions": asdict(assumptions),
        }  # fmt: skip
        numbers = {name: asdict(one) for name, one in found.items()}
        click.echo(json.dumps(heading | {"results": numbers}, indent=2))
        return
    click.echo(f"World “{kind}”, {works} projects, {graders} graders, {replications} cohorts.")
    show(
        [
            {
                "": words,
                "median": f"{found[name].median:.{places}f}",
                "low": f"{found[name].low:.{places}f}",
                "high": f"{found[name].high:.{places}f}",
            }
            for name, words, _take, places in NUMBERS
        ],
        json_wanted=False,
        empty="",
    )
    click.echo(
        f"Assumed: {appeal_wronged:.0%} of learners in a band too low appeal, and "
        f"{appeal_others:.0%} of all others. False alarms: one in "
        f"{plan.sheets_for_a_false_alarm} sheets, by the plan."
    )
    if plan.peer_readings > 4:
        click.echo("The simulated worlds have four peers a project; the plan asks for more.")
