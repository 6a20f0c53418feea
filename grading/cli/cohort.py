"""grading cohort: programs and their cohorts."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.edge import CreateApp, as_json, find_cohort, find_program, now, service, show
from grading.cohorts import cohorts
from grading.cohorts.queries import staffing_facts
from grading.db import transaction
from grading.errors import NotFound
from grading.jobs import upkeep
from grading.models import Cohort, ImportBatch, Program, RubricVersion
from grading.office import imports
from grading.programs import programs
from grading.releases.queries import candidates as releasing
from grading.releases.queries import cohort_overview
from grading.workflow import plan as plans
from grading.workflow.cohort import ImportKind

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("cohort")
def command() -> None:
    """Programs and cohorts."""


@command.command("program")
@click.argument("name")
@click.option("--sponsor", required=True)
@click.option("--capstone", required=True, help="Title of the capstone.")
@click.option(
    "--course", "courses", multiple=True, required=True, help="CODE=TITLE, in order; 3 to 9."
)
@click.option("--brief", type=FILE, required=True, help="The task, a Markdown file.")
@click.pass_obj
def new_program(
    create_app: CreateApp,
    name: str,
    sponsor: str,
    capstone: str,
    courses: tuple[str, ...],
    brief: Path,
) -> None:
    """Set up the program NAME."""
    pairs = [(code, title) for code, _, title in (course.partition("=") for course in courses)]
    with service(create_app), transaction() as session:
        program = programs.create_program(
            session,
            None,
            sponsor=sponsor,
            name=name,
            capstone_title=capstone,
            courses=pairs,
            now=now(),
        )
        programs.add_brief(session, None, program, brief.read_text(encoding="utf-8"), now=now())
        click.echo(program.id)


@command.command("list")
@as_json
@click.pass_obj
def list_cohorts(create_app: CreateApp, as_json: bool) -> None:
    """List all cohorts."""
    with service(create_app), transaction() as session:
        rows = [
            {
                "id": cohort.id,
                "program": cohort.program.name,
                "name": cohort.name,
                "state": cohort.state,
                "due": cohort.due_at.isoformat(),
            }
            for cohort in session.scalars(select(Cohort).order_by(Cohort.opens_at))
        ]
    show(rows, json_wanted=as_json, empty="No cohort yet.")


@command.command("show")
@click.argument("cohort")
@as_json
@click.pass_obj
def show_cohort(create_app: CreateApp, cohort: str, as_json: bool) -> None:
    """Say where COHORT (id or name) stands."""
    with service(create_app), transaction() as session:
        found = find_cohort(session, cohort)
        candidates = releasing.candidates(session, found, now=now())
        body: dict[str, Any] = {
            "id": found.id,
            "name": found.name,
            "state": found.state,
            "due": found.due_at.isoformat(),
            "plan": found.plan_version.digest,
            "submissions": cohort_overview.submission_counts(session, found),
            "items": cohort_overview.item_counts(session, found),
            "ready": sum(item.ready for item in candidates),
            "hindered": sum(not item.ready for item in candidates),
            "stuck": len(releasing.stranded_items(session, found)),
        }
    if as_json:
        click.echo(json.dumps(body, indent=2))
        return
    for name, value in body.items():
        click.echo(f"{name}: {value}")


@command.command("create")
@click.argument("name")
@click.option("--program", required=True, help="Id or name.")
@click.option("--rubric", required=True, help="Digest of a published rubric, or its beginning.")
@click.option("--opens-on", required=True, type=click.DateTime(["%Y-%m-%d"]))
@click.option("--time-zone", required=True, help="Such as Europe/London.")
@click.option(
    "--plan", "plan_file", type=FILE, help="A JSON file; fields left out come from its preset."
)
@click.option("--preset", type=click.Choice(sorted(plans.PRESETS)), default="certification")
@click.pass_obj
def create(
    create_app: CreateApp,
    name: str,
    program: str,
    rubric: str,
    opens_on: datetime,
    time_zone: str,
    plan_file: Path | None,
    preset: str,
) -> None:
    """Set up the cohort NAME."""
    choices = json.loads(plan_file.read_text(encoding="utf-8")) if plan_file else {"preset": preset}
    plan = plans.from_dict(choices)
    with service(create_app), transaction() as session:
        found = find_program(session, program)
        version = session.scalar(
            select(RubricVersion)
            .where(RubricVersion.program_id == found.id, RubricVersion.digest.startswith(rubric))
            .limit(1)
        )
        if version is None:
            raise NotFound("The program has no rubric with the digest %(digest)s.", digest=rubric)
        cohort = cohorts.create_cohort(
            session,
            None,
            found,
            name=name,
            opens_on=opens_on.date(),
            time_zone=time_zone,
            rubric_version=version,
            plan=plan,
            now=now(),
        )
        click.echo(cohort.id)


@command.command("open")
@click.argument("cohort")
@click.pass_obj
def open_cohort(create_app: CreateApp, cohort: str) -> None:
    """Open COHORT and fix its plan."""
    with service(create_app), transaction() as session:
        cohorts.open_cohort(session, None, find_cohort(session, cohort), now=now())
    click.echo("The cohort is open.")


@command.command("end")
@click.argument("cohort")
@click.option("--reason", default="", help="Why it ends although something is unfinished.")
@click.pass_obj
def end_cohort(create_app: CreateApp, cohort: str, reason: str) -> None:
    """End COHORT."""
    with service(create_app), transaction() as session:
        found = find_cohort(session, cohort)
        cohorts.end_cohort(session, None, found, reason=reason, now=now())
    click.echo("The cohort has ended.")


def _file_command(kind: ImportKind, place: str, text: str) -> None:
    """Make the command that reads a file of one kind into a cohort or a program."""
    find = find_cohort if place == "COHORT" else find_program

    @command.command(str(kind), help=text)
    @click.argument("place", metavar=place)
    @click.argument("file", type=FILE)
    @click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
    @click.pass_obj
    def read(create_app: CreateApp, place: str, file: Path, dry_run: bool) -> None:
        with service(create_app), transaction() as session:
            _import(session, kind, find(session, place), file, dry_run)


for _kind, _place, _text in (
    (ImportKind.ROSTER, "COHORT", "Enrol the people of FILE (email,name,role) in COHORT."),
    (
        ImportKind.COMPLETIONS,
        "PROGRAM",
        "Record the completions of FILE (email,course,completed_on,identity_assurance) for PROGRAM.",
    ),
    (
        ImportKind.ENTITLEMENTS,
        "PROGRAM",
        "Note the entitlements of FILE (email,course,state,note) for PROGRAM.",
    ),
    (
        ImportKind.CONFLICTS,
        "COHORT",
        "Keep the pairs of FILE (rater,learner,reason) apart in COHORT.",
    ),
):
    _file_command(_kind, _place, _text)


def _import(
    session: Session, kind: ImportKind, place: Cohort | Program, file: Path, dry_run: bool
) -> None:
    data = file.read_bytes()
    if dry_run:
        found = imports.preview(session, None, kind, place, data, now=now())
    else:
        found, batch = imports.carry_out(session, None, kind, place, data, now=now())
    for effect, count in found.counts.items():
        click.echo(f"{effect.replace('_', ' ')}: {count}")
    click.echo(f"unchanged: {found.unchanged}")
    if dry_run:
        click.echo("Nothing was changed.")
    elif batch is not None:
        click.echo(f"“grading cohort undo {batch.id}” takes it back.")


@command.command("undo")
@click.argument("batch")
@click.pass_obj
def undo(create_app: CreateApp, batch: str) -> None:
    """Take back the import BATCH; what was used since stays, and is named."""
    with service(create_app), transaction() as session:
        found = session.get(ImportBatch, batch)
        if found is None:
            raise NotFound("There is no import %(id)s.", id=batch)
        done = imports.undo(session, None, found, now=now())
        for item in done.kept:
            click.echo(f"{item.who} {item.template}")
        click.echo(f"Taken back: {len(done.made)}. Kept: {len(done.kept)}.")


@command.command("staffing")
@click.argument("cohort")
@click.option("--learners", type=int, help="As many as are expected; otherwise those enrolled.")
@click.pass_obj
def staffing(create_app: CreateApp, cohort: str, learners: int | None) -> None:
    """Say what COHORT's plan makes impossible with its people."""
    with service(create_app), transaction() as session:
        found = find_cohort(session, cohort)
        verdict = staffing_facts.check(session, found, found.plan, learners=learners)
        for item in verdict.findings:
            click.echo(f"{item.severity}: {item.template % item.params}")
        click.echo(
            f"{verdict.readings} readings at least, {verdict.hours_needed:.0f} hours;"
            f" the graders have {verdict.hours_there:.0f}."
        )


@command.command("upkeep")
@click.argument("cohort")
@click.option("--seed", type=int, help="Repeats the draws.")
@click.pass_obj
def keep_up(create_app: CreateApp, cohort: str, seed: int | None) -> None:
    """Do at once what the clock demands of COHORT; the worker does it by itself."""
    with service(create_app) as app:
        with transaction() as session:
            cohort_id = find_cohort(session, cohort).id
        click.echo(f"{upkeep.run(app, cohort_id, now=now(), seed=seed)} done.")
