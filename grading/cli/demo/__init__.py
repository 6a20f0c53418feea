"""grading demo: a running service with one program, whose cohorts the service itself has made."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select

from grading import migrations
from grading.cli import init, serve
from grading.cli.demo.autumn import Autumn
from grading.cli.demo.spring import Spring
from grading.cli.demo.summer import Summer
from grading.cli.demo.world import SEED, World
from grading.cli.edge import CreateApp, now
from grading.db import db
from grading.errors import Refused
from grading.models import Program
from grading.models.codes import retold
from grading.settings import from_environment

DATABASE = ("grading.db", "grading.db-wal", "grading.db-shm")
MARK = "being-made"


def make_anew(app: Flask, today: datetime, progress: Callable[[str], object]) -> World:
    """Make the tables and the demo in them; the database is empty."""
    migrations.upgrade(db.engine, demo_made_at=today)
    return make(app, today, progress)


def make(app: Flask, today: datetime, progress: Callable[[str], object]) -> World:
    """Make the demo in an empty, migrated database: everything that happened until ``today``."""
    world = World(app, today, progress)
    for cohort in (Spring(world), Summer(world), Autumn(world)):
        cohort.plan()
    # The mails of these weeks stay in the outbox: the service's own worker writes them once it runs.
    with retold(SEED):
        world.agenda.run(today)
    return world


@contextmanager
def _half_made(home: Path) -> Iterator[None]:
    """Mark a demo that is being made, so that one whose making was cut off is made anew."""
    mark = home / MARK
    mark.touch()
    yield
    mark.unlink()


def prepare(app: Flask, home: Path, progress: Callable[[str], object]) -> bool:
    """Bring the database to this version and make the demo unless it is there; says whether it did.

    Raises
    ------
    Refused
        The database is of a version this one does not know, or of a house that is no demo; nothing was
        changed.
    """
    try:
        migrations.upgrade(db.engine, demo_made_at=now())
    except Refused as refusal:
        raise Refused(
            "%(why)s Or name another folder than %(home)s with --home.", why=str(refusal), home=home
        ) from None
    there = db.session.scalar(select(Program.id).limit(1)) is not None
    db.session.rollback()
    if not there:
        with _half_made(home):
            make(app, now(), progress)
    return not there


def forget_half_made(home: Path) -> None:
    """Take away a demo whose making was cut off; a database without a demo's mark stays."""
    with db.engine.connect() as connection:
        demo = migrations.is_demo(connection)
    db.engine.dispose()
    for name in DATABASE if demo else ():
        (home / name).unlink(missing_ok=True)
    (home / MARK).unlink()


def see_port_free(port: int) -> None:
    """Find out before the minute of making that nobody listens there; raises `Refused`."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Refused(
                "Port %(port)s is taken, or not allowed. Choose another with --port.", port=port
            ) from None


@click.command("demo")
@click.option("--port", default=8000, show_default=True)
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), default=Path("var/demo"))
@click.option("--anew", is_flag=True, help="Make the demo again, and forget what was done in it.")
@click.pass_obj
def command(create_app: CreateApp, port: int, home: Path, anew: bool) -> None:
    """Start a service with a demo program on this machine; a second start goes on with it."""
    see_port_free(port)
    home = home.absolute()
    init.write_secret(home)
    settings = from_environment(
        {
            "GRADING_HOME": str(home),
            "GRADING_BASE_URL": f"http://127.0.0.1:{port}",
            "GRADING_DEMO": "1",
            "GRADING_PARTNERS_ANYWHERE": "1",
        }
    )
    app = create_app(settings)
    with app.app_context():
        if anew and (home / DATABASE[0]).exists():
            (home / MARK).touch()
        if (home / MARK).exists():
            forget_half_made(home)
        made = prepare(app, home, lambda step: click.echo(f"{step} …"))
        db.session.remove()
        click.echo(
            "The demo is ready."
            if made
            else "The demo goes on where it was; --anew makes it again, as of today."
        )
        click.echo(f"Open http://127.0.0.1:{port}/demo and choose a door. Stop with Ctrl+C.")
        serve.run(app, "127.0.0.1", port, worker=True)
