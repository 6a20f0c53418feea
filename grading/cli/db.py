"""grading db: the database's tables."""

import click

from grading import migrations
from grading.cli.edge import CreateApp, service
from grading.db import db


@click.group("db")
def command() -> None:
    """The database's tables."""


@command.command("upgrade")
@click.pass_obj
def upgrade(create_app: CreateApp) -> None:
    """Bring the tables up to date."""
    with service(create_app):
        migrations.upgrade(db.engine)
    click.echo("The database is up to date.")


@command.command("check")
@click.pass_obj
def check(create_app: CreateApp) -> None:
    """Say whether the tables are up to date."""
    with service(create_app), db.engine.connect() as connection:
        migrations.require_current(connection)
    click.echo("The database is up to date.")


@command.command("revision")
@click.argument("message")
@click.pass_obj
def revision(create_app: CreateApp, message: str) -> None:
    """Write the next migration from what the models have and the database has not.

    MESSAGE says in a few words what changes; it names the file. Read what was written: renamed
    columns and changed checks are not seen.
    """
    with service(create_app):
        path = migrations.revise(db.engine, message)
    click.echo(f"Wrote {path}. Read it, then run “grading db upgrade”.")
