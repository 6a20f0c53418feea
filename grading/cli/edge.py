"""What all commands share: the app's context, the clock, and how to print."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
from flask import Flask
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grading.db import db
from grading.errors import NotFound
from grading.models import Cohort, Program

CreateApp = Callable[..., Flask]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def now() -> datetime:
    """The instant of a command."""
    return datetime.now(UTC)


@contextmanager
def service(create_app: CreateApp) -> Iterator[Flask]:
    """Open the service the environment describes."""
    app = create_app()
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def show(rows: Sequence[dict[str, Any]], *, json_wanted: bool, empty: str) -> None:
    """Print rows as a table, or as a JSON list."""
    if json_wanted:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    names = list(rows[0])
    widths = [max(len(name), *(len(str(row[name])) for row in rows)) for name in names]
    for cells in (names, *([str(row[name]) for name in names] for row in rows)):
        click.echo("  ".join(_padded(cells, widths)).rstrip())


def _padded(cells: Iterable[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]


def find_program(session: Session, key: str) -> Program:
    """Find a program by id or name; raises `NotFound`."""
    program = session.scalar(select(Program).where(or_(Program.id == key, Program.name == key)))
    if program is None:
        raise NotFound("There is no program “%(key)s”.", key=key)
    return program


def find_cohort(session: Session, key: str) -> Cohort:
    """Find a cohort by id, or by a name that only one has; raises `NotFound`."""
    found = list(session.scalars(select(Cohort).where(or_(Cohort.id == key, Cohort.name == key))))
    if len(found) != 1:
        raise NotFound(
            "%(n)s cohorts are called “%(key)s”. Give its id; “grading cohort list” shows it.",
            n=len(found),
            key=key,
        )
    return found[0]
