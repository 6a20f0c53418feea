"""grading recompute: a grade built again from its ratings."""

import json
import sys

import click

from grading.cli.edge import CreateApp, as_json, service
from grading.db import transaction
from grading.errors import NotFound
from grading.models import Grade
from grading.releases import recomputing
from grading.releases.recomputing import Check


@click.command("recompute")
@click.argument("grade_id", metavar="GRADE")
@as_json
@click.pass_obj
def command(create_app: CreateApp, grade_id: str, as_json: bool) -> None:
    """Build GRADE again from its ratings; ends with 1 where a digit or a digest does not agree."""
    with service(create_app) as app, transaction() as session:
        grade = session.get(Grade, grade_id)
        if grade is None:
            raise NotFound("There is no grade %(id)s.", id=grade_id)
        checks = recomputing.recompute(session, grade, notary=app.extensions["grading"].notary)
    if as_json:
        rows = [
            {"what": check.what, "kept": check.kept, "found": check.found, "agrees": check.agrees}
            for check in checks
        ]
        click.echo(json.dumps(rows, indent=2, default=str))
    else:
        for check in checks:
            click.echo(_line(check))
    wrong = sum(not check.agrees for check in checks)
    if not as_json:
        click.echo(f"{len(checks)} checks, {wrong} do not agree.")
    if wrong:
        sys.exit(1)


def _line(check: Check) -> str:
    if check.agrees:
        return f"agrees  {check.what}: {check.kept}"
    return f"DIFFERS {check.what}: kept {check.kept}, found {check.found}"
