"""What all commands share: the app's context, the clock, and how to print."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grading.db import db, transaction
from grading.errors import FaultsFound, NotFound, Refused
from grading.models import Cohort, Program
from grading.texts import clean_line, fault_of

CreateApp = Callable[..., Flask]
Model = TypeVar("Model")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


class Words(click.ParamType[str]):
    """A text of the command line, each of its lines cleaned as one of a form is."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        lines = str(value).split("\n")
        for line in lines:
            if fault := fault_of(str(param and param.name), clean_line, line):
                raise FaultsFound([fault])
        return "\n".join(map(clean_line, lines))


def clean_parameters(command: click.Command) -> None:
    """Have every text that a command takes cleaned, and those of the commands below it."""
    for parameter in command.params:
        if parameter.type is click.STRING:
            parameter.type = Words()
    if isinstance(command, click.Group):
        for part in command.commands.values():
            clean_parameters(part)


def read_text(path: Path) -> str:
    """Read a file that somebody wrote, with or without a byte order mark; raises `Refused`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("%(name)s is not UTF-8 text.", name=path.name) from None


def read_table(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    """Read a file that holds a table, as JSON or TOML; raises `Refused`."""
    try:
        table = parse(read_text(path))
    except (ValueError, RecursionError) as error:
        raise Refused("%(name)s: %(error)s", name=path.name, error=str(error)) from None
    if not isinstance(table, dict):
        raise Refused("%(name)s holds no table.", name=path.name)
    return table


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


def in_transaction(act: Callable[..., str | None]) -> Callable[..., None]:
    """Give a command the session of one transaction; print what it returns once that is kept."""

    @click.pass_obj
    @wraps(act)
    def run(create_app: CreateApp, /, **arguments: Any) -> None:
        with service(create_app), transaction() as session:
            said = act(session, **arguments)
        if said is not None:
            click.echo(said)

    return run


def get_record(session: Session, model: type[Model], key: str, template: str) -> Model:
    """Load a record by id; raise `NotFound`, whose words name the ``%(id)s``, where there is none."""
    record = session.get(model, key)
    if record is None:
        raise NotFound(template, id=key)
    return record


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
    cohorts = session.scalars(select(Cohort).where(or_(Cohort.id == key, Cohort.name == key))).all()
    if len(cohorts) != 1:
        raise NotFound(
            "%(n)s cohorts are called “%(key)s”. Give its id; “grading cohort list” shows it.",
            n=len(cohorts),
            key=key,
        )
    return cohorts[0]
