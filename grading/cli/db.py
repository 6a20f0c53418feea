"""grading db: the database's tables."""

import click

from grading import migrations
from grading.cli.edge import CreateApp, service
from grading.db import db
from grading.errors import Refused


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
        if not migrations.is_current(connection):
            raise Refused("The database is not up to date. Run “grading db upgrade”.")
    click.echo("The database is up to date.")
