"""grading cohort: programs and their cohorts."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.edge import (
    CreateApp,
    as_json,
    find_cohort,
    find_program,
    get_record,
    in_transaction,
    now,
    read_table,
    read_text,
    service,
    show,
)
from grading.cohorts import cohorts
from grading.cohorts.queries import submission_lists
from grading.db import transaction
from grading.errors import NotFound, Refused
from grading.jobs import upkeep
from grading.models import Cohort, ImportBatch, Program, RubricVersion
from grading.office import imports
from grading.office.imports import Choice
from grading.people.consequences import Decided, Decision
from grading.programs import programs
from grading.readings import openings
from grading.readings.queries import staff_view, staffing_facts
from grading.releases.queries import candidates
from grading.texts import clean_text
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
@in_transaction
def new_program(
    session: Session,
    name: str,
    sponsor: str,
    capstone: str,
    courses: tuple[str, ...],
    brief: Path,
) -> str:
    """Set up the program NAME."""
    pairs = [(code, title) for code, _, title in (course.partition("=") for course in courses)]
    program = programs.create_program(
        session,
        None,
        sponsor=sponsor,
        name=name,
        capstone_title=capstone,
        courses=pairs,
        now=now(),
    )
    programs.add_brief(session, None, program, clean_text(read_text(brief)), now=now())
    return program.id


@command.command("list")
@as_json
@in_transaction
def list_cohorts(session: Session, as_json: bool) -> None:
    """List all cohorts."""
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
        shown = find_cohort(session, cohort)
        lines = candidates.candidates(session, shown, now=now())
        body: dict[str, Any] = {
            "id": shown.id,
            "name": shown.name,
            "state": shown.state,
            "due": shown.due_at.isoformat(),
            "plan": shown.plan_version.digest,
            "submissions": submission_lists.submission_counts(session, shown),
            "items": staff_view.item_counts(session, shown),
            "ready": sum(line.ready for line in lines),
            "hindered": sum(not line.ready for line in lines),
            "stuck": len(candidates.stranded_items(session, shown)),
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
@in_transaction
def create(
    session: Session,
    name: str,
    program: str,
    rubric: str,
    opens_on: datetime,
    time_zone: str,
    plan_file: Path | None,
    preset: str,
) -> str:
    """Set up the cohort NAME."""
    choices = read_table(plan_file, json.loads) if plan_file else {"preset": preset}
    plan = plans.from_dict(choices)
    in_program = find_program(session, program)
    version = session.scalar(
        select(RubricVersion)
        .where(RubricVersion.program_id == in_program.id, RubricVersion.digest.startswith(rubric))
        .limit(1)
    )
    if version is None:
        raise NotFound("The program has no rubric with the digest %(digest)s.", digest=rubric)
    cohort = cohorts.create_cohort(
        session,
        None,
        in_program,
        name=name,
        opens_on=opens_on.date(),
        time_zone=time_zone,
        rubric_version=version,
        plan=plan,
        now=now(),
    )
    return cohort.id


@command.command("open")
@click.argument("cohort")
@in_transaction
def open_cohort(session: Session, cohort: str) -> str:
    """Open COHORT and fix its plan."""
    openings.open_cohort(session, None, find_cohort(session, cohort), now=now())
    return "The cohort is open."


@command.command("end")
@click.argument("cohort")
@click.option("--reason", default="", help="Why it ends although something is unfinished.")
@click.pass_obj
def end_cohort(create_app: CreateApp, cohort: str, reason: str) -> None:
    """End COHORT."""
    with service(create_app), transaction() as session:
        cohorts.end_cohort(session, None, find_cohort(session, cohort), reason=reason, now=now())
    click.echo("The cohort has ended.")


def _file_command(kind: ImportKind, place: str, text: str) -> None:
    """Make the command that reads a file of one kind into a cohort or a program."""
    find = find_cohort if place == "COHORT" else find_program

    @command.command(str(kind), help=text)
    @click.argument("place", metavar=place)
    @click.argument("file", type=FILE)
    @click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
    @click.option("--encoding", type=click.Choice(imports.ENCODINGS))
    @click.option("--delimiter", type=click.Choice(imports.DELIMITERS))
    @click.option("--sheet", default="", help="Of a workbook; otherwise the first.")
    @click.option(
        "--days",
        type=click.Choice([str(order) for order in imports.DayOrder]),
        help="How dates such as 3/4/2026 are written.",
    )
    @click.option("--leave-out", is_flag=True, help="Go on although columns are not known.")
    @click.option("--amend", is_flag=True, help="Amend results and records that rest on this.")
    @click.option("--because", default="", help="Why results and records stay as they are.")
    @click.pass_obj
    def read(
        create_app: CreateApp,
        place: str,
        file: Path,
        dry_run: bool,
        leave_out: bool,
        encoding: str | None,
        delimiter: str | None,
        sheet: str,
        days: str | None,
        amend: bool,
        because: str,
    ) -> None:
        with service(create_app), transaction() as session:
            choice = Choice(encoding or "", delimiter or "", sheet, days or "")
            otherwise = Decision(amend, because) if amend or because else None
            _import(
                session,
                kind,
                find(session, place),
                file,
                dry_run,
                leave_out,
                choice,
                Decided({}, otherwise),
            )


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
    session: Session,
    kind: ImportKind,
    place: Cohort | Program,
    file: Path,
    dry_run: bool,
    leave_out: bool,
    choice: Choice,
    decided: Decided,
) -> None:
    data, batch = file.read_bytes(), None
    effects = imports.preview(session, None, kind, place, data, choice=choice, now=now())
    for line in _read_words(effects):
        click.echo(line)
    if effects.table.left_out and not leave_out and not dry_run:
        raise Refused("With --leave-out, the import goes on without these columns.")
    if not dry_run:
        effects, batch = imports.carry_out(
            session,
            None,
            kind,
            place,
            data,
            choice=choice,
            seen=effects.digest,
            decided=decided,
            now=now(),
        )
    for effect, count in effects.counts.items():
        click.echo(f"{effect.replace('_', ' ')}: {count}")
    click.echo(f"unchanged: {effects.unchanged}")
    if dry_run:
        click.echo("Nothing was changed.")
    elif batch is not None:
        click.echo(f"“grading cohort undo {batch.id}” takes it back.")


def _read_words(effects: imports.Preview) -> Iterator[str]:
    """Say how a file was read, where it could be read otherwise."""
    table = effects.table
    if table.sheet:
        yield f"sheet: {table.sheet}"
    if table.assumed:
        yield f"encoding: {table.encoding}, assumed; see --encoding. It reads {', '.join(table.unusual)}."
    if table.left_out:
        yield f"columns left out: {', '.join(table.left_out)}"
    for change in effects.offers:
        taken = "gives way" if change.offered else "stays, since it was checked"
        yield f"line {change.line}, name: “{change.before}” {taken}, the file has “{change.detail}”"


@command.command("undo")
@click.argument("batch")
@in_transaction
def undo(session: Session, batch: str) -> str:
    """Take back the import BATCH; what was used since stays, and is named."""
    carried_out = get_record(session, ImportBatch, batch, "There is no import %(id)s.")
    done = imports.undo(session, None, carried_out, now=now())
    for item in done.kept:
        click.echo(f"{item.who} {item.template}")
    return f"Taken back: {len(done.made)}. Kept: {len(done.kept)}."


@command.command("staffing")
@click.argument("cohort")
@click.option("--learners", type=int, help="As many as are expected; otherwise those enrolled.")
@in_transaction
def staffing(session: Session, cohort: str, learners: int | None) -> str:
    """Say what COHORT's plan makes impossible with its people."""
    in_cohort = find_cohort(session, cohort)
    verdict = staffing_facts.check(session, in_cohort, in_cohort.plan, learners=learners)
    for item in verdict.findings:
        click.echo(f"{item.severity}: {item.template % item.params}")
    return (
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
