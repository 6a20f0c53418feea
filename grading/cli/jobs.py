"""grading jobs: what the outbox holds."""

import threading

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.edge import CreateApp, as_json, get_record, in_transaction, now, service, show
from grading.db import transaction
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import outbox
from grading.models import Job, JobState


@click.group("jobs")
def command() -> None:
    """Jobs: mail, releases, upkeep."""


@command.command("list")
@click.option("--state", type=click.Choice([str(state) for state in JobState]))
@as_json
@in_transaction
def list_jobs(session: Session, state: str | None, as_json: bool) -> None:
    """List jobs, latest first, 200 at most."""
    statement = select(Job).order_by(Job.created_at.desc()).limit(200)
    if state:
        statement = statement.where(Job.state == state)
    rows = [
        {
            "id": job.id,
            "topic": job.topic,
            "state": job.state,
            "run_at": job.run_at.isoformat(timespec="seconds"),
            "attempts": job.attempts,
            "error": (job.error or "").strip().splitlines()[-1:] or "",
        }
        for job in session.scalars(statement)
    ]
    show(rows, json_wanted=as_json, empty="No jobs.")


@command.command("status")
@click.pass_obj
def status(create_app: CreateApp) -> None:
    """Say what waits for a worker, what failed, and where mail goes."""
    with service(create_app) as app, transaction() as session:
        backlog = outbox.backlog(session, now=now())
        since = f", since {backlog.due_since:%Y-%m-%d %H:%M} UTC" if backlog.due_since else ""
        click.echo(f"due: {backlog.due}{since}")
        click.echo(f"failed: {backlog.failed}")
        click.echo(f"database: {session.get_bind().dialect.name}")
        click.echo(f"mail: {app.extensions['grading'].mailer.where}")


@command.command("run")
@click.option("--once", is_flag=True, help="Stop when nothing is due.")
@click.pass_obj
def run(create_app: CreateApp, once: bool) -> None:
    """Work as a worker, beside the web service or instead of its own."""
    with service(create_app) as app:
        worker = Worker(app, HANDLERS)
        if once:
            worker.ask_for_upkeep(now())
            click.echo(f"{worker.run_until_idle(now())} jobs done.")
            return
        click.echo("Working. Stop with Ctrl+C.")
        stop = threading.Event()
        try:
            worker.run(stop)
        except KeyboardInterrupt:
            stop.set()


@command.command("retry")
@click.argument("job_id")
@in_transaction
def retry(session: Session, job_id: str) -> str:
    """Try the failed job JOB_ID again."""
    job = get_record(session, Job, job_id, "There is no job %(id)s.")
    outbox.retry(session, None, job, now=now())
    return "It runs with the next worker."
