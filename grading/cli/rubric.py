"""grading rubric: rubric definitions and versions."""

from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.edge import as_json, find_program, in_transaction, now, show
from grading.errors import NotFound
from grading.models import RubricVersion
from grading.programs import rubric_versions
from grading.rubric import loading

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("rubric")
def command() -> None:
    """Rubrics."""


@command.command("check")
@click.argument("files", nargs=-1, required=True, type=FILE)
def check(files: tuple[Path, ...]) -> None:
    """Read rubric FILES and name every fault in them; needs no service."""
    for path in files:
        rubric = loading.load(path)
        click.echo(
            f"{path.name}: {rubric.title}, version {rubric.version}, "
            f"{len(rubric.criteria)} criteria, digest {rubric.digest}"
        )


@command.command("load")
@click.argument("file", type=FILE)
@click.option("--program", required=True, help="Id or name of the program.")
@click.option("--publish", is_flag=True, help="Publish it at once.")
@in_transaction
def load(session: Session, file: Path, program: str, publish: bool) -> str:
    """Keep the rubric FILE for a program, as a draft or published."""
    rubric = loading.load(file)
    version = rubric_versions.add_rubric(
        session, None, find_program(session, program), rubric, now=now()
    )
    if publish:
        rubric_versions.publish_rubric(session, None, version, now=now())
    return f"{version.id} {version.state} {version.digest}"


@command.command("publish")
@click.argument("digest")
@in_transaction
def publish(session: Session, digest: str) -> str:
    """Publish the draft with this DIGEST, or its beginning."""
    version = session.scalar(
        select(RubricVersion).where(RubricVersion.digest.startswith(digest)).limit(1)
    )
    if version is None:
        raise NotFound("No rubric has the digest %(digest)s.", digest=digest)
    rubric_versions.publish_rubric(session, None, version, now=now())
    return f"{version.name} {version.number} is published."


@command.command("list")
@as_json
@in_transaction
def list_rubrics(session: Session, as_json: bool) -> None:
    """List all rubric versions."""
    rows = [
        {
            "id": version.id,
            "program": version.program.name,
            "name": version.name,
            "version": version.number,
            "state": version.state,
            "digest": version.digest,
        }
        for version in session.scalars(
            select(RubricVersion).order_by(RubricVersion.name, RubricVersion.number)
        )
    ]
    show(rows, json_wanted=as_json, empty="No rubric yet.")
