"""The ``grading`` command: everything an operator does without a browser."""

import sys
from collections.abc import Callable

import click
from flask import Flask
from sqlalchemy.exc import OperationalError

from grading.cli import (
    audit,
    backup,
    cohort,
    credential,
    db,
    demo,
    init,
    jobs,
    keys,
    people,
    plan,
    recompute,
    replay,
    rubric,
    serve,
    stats,
)
from grading.cli.edge import clean_parameters
from grading.db import failure_of
from grading.errors import FaultsFound, GradingError

CreateApp = Callable[..., Flask]


class Group(click.Group):
    """A group whose commands say what was refused in words, and end with 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FaultsFound as error:
            for fault in error.faults:
                click.echo(str(fault), err=True)
            click.echo(f"{len(error.faults)} faults found; nothing was changed.", err=True)
            sys.exit(1)
        except (GradingError, OperationalError, OSError) as error:
            click.echo(_said(error), err=True)
            sys.exit(1)


def _said(error: GradingError | OperationalError | OSError) -> str:
    """Say what was refused: by a rule, by the database, or by the machine."""
    failed = error if isinstance(error, OperationalError) else error.__cause__
    if isinstance(failed, OperationalError):
        return f"{failure_of(failed)} ({failed.orig})"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


@click.group(cls=Group)
def group() -> None:
    """Grades capstone projects with professional graders and peers.

    Settings come from GRADING_… variables; “grading init” makes a first installation.
    """


for command in (
    init.command,
    serve.command,
    demo.command,
    db.command,
    people.command,
    rubric.command,
    plan.command,
    cohort.command,
    jobs.command,
    audit.command,
    keys.command,
    credential.command,
    recompute.command,
    replay.command,
    stats.command,
    backup.backup,
    backup.restore,
):
    group.add_command(command)
clean_parameters(group)


def main(create_app: CreateApp) -> None:
    """Run the command.

    Parameters
    ----------
    create_app : callable
        Builds the service from `Settings`, or from the environment when called without.
    """
    group(obj=create_app, prog_name="grading")
