"""grading stats: the measurement core on a file, without a service or a database."""

import click

from grading.cli.stats.aggregation import aggregate_command
from grading.cli.stats.agreement import agreement_command
from grading.cli.stats.decision import decision_command
from grading.cli.stats.generalizability import generalizability_command
from grading.cli.stats.severity import severity_command

__all__ = ["command"]


@click.group(
    "stats",
    commands=[
        agreement_command,
        generalizability_command,
        severity_command,
        aggregate_command,
        decision_command,
    ],
)
def command() -> None:
    """Agreement, severity, reliability and decisions from a file of ratings.

    FILE is CSV (or Parquet) with a row a rating: work, rater, criterion, score. Nothing is kept.
    """
