"""Plays real ratings through the whole service: every learner, rater, clock tick and release.

The sheets are filled with the levels that people really gave; everything else (who reads what, third
readings, scores, release) is decided by the services the web uses, under a simulated clock.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select

from grading import migrations
from grading.cli.replay import report
from grading.cli.replay.given_ratings import read_ratings
from grading.cli.replay.player import Player
from grading.db import db
from grading.errors import GradingError
from grading.models import Program
from grading.models.codes import retold
from grading.settings import Settings, from_environment
from grading.workflow import plan as plans


@contextmanager
def _settings(database: str | None) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="replay-") as home:
        environment = {"GRADING_HOME": home, "GRADING_SECRET_KEY": "a replay signs nobody in " * 2}
        if database:
            environment["GRADING_DATABASE_URL"] = database
        yield replace(from_environment(environment), files_url="memory:", password_cost="light")


@click.command("replay")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--professionals", default=6, show_default=True, help="Raters drawn as professionals."
)
@click.option("--peers", default=3, show_default=True, help="Peer readings a work is to have.")
@click.option("--second-share", default=0.2, show_default=True, help="Share read a second time.")
@click.option(
    "--preset",
    type=click.Choice(sorted(plans.PRESETS)),
    default="certification",
    show_default=True,
    help="The grading plan to start from.",
)
@click.option("--seed", default=1, show_default=True, help="Repeats every draw.")
@click.option("--database", help="An empty database to use; a temporary SQLite file otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    create_app: Callable[..., Flask],
    directory: Path,
    professionals: int,
    peers: int,
    second_share: float,
    preset: str,
    seed: int,
    database: str | None,
    as_json: bool,
) -> None:
    """Play DIRECTORY/scores.csv (work,rater,criterion,score) through the whole service."""
    ratings = read_ratings(directory / "scores.csv")
    if not 1 <= professionals < len(ratings.raters):
        raise click.BadParameter("there must be raters of both kinds", param_hint="--professionals")
    with _settings(database) as settings:
        app = create_app(settings)
        with app.app_context(), retold(seed):
            migrations.upgrade(db.engine)
            if db.session.scalar(select(Program.id).limit(1)):
                raise GradingError("The database is not empty. A replay needs one of its own.")
            player = Player(app, ratings, seed=seed)
            player.set_up(
                professionals=professionals, peers=peers, second_share=second_share, preset=preset
            )
            with _bar("Submitting", len(ratings.levels)) as step:
                player.submit(step)
            with _bar("Reading", len(ratings.levels) * (peers + 2)) as step:
                player.grade(step)
            player.release()
            played = report.report(player)
            db.session.remove()
            db.engine.dispose()
    click.echo(json.dumps(played, indent=2) if as_json else report.in_words(played))


@contextmanager
def _bar(label: str, length: int) -> Iterator[Callable[[], object]]:
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)
