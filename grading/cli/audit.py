"""grading audit: the chain of who did what."""

import json
import sys
from dataclasses import asdict

import click

from grading.cli.edge import CreateApp, as_json, service
from grading.db import transaction
from grading.ledger import verifying
from grading.office.stored_files import verify_files
from grading.people import approvals


@click.group("audit")
def command() -> None:
    """The audit chains: one for each cohort, one for the service."""


@command.command("verify")
@click.option("--head", help="A head printed earlier: it must still stand in a chain.")
@click.option("--no-files", is_flag=True, help="Leave out the files, each of which is read.")
@as_json
@click.pass_obj
def verify(create_app: CreateApp, head: str | None, no_files: bool, as_json: bool) -> None:
    """Recompute every chain, and hold tables, files and signed approvals against them.

    Ends with 1 when an entry was changed, removed or cut off, a row is not as an act left it, a file is
    not what was handed in, or an approval is not what was signed. Rows of before there were seals are
    counted and are no fault.
    """
    with service(create_app) as app, transaction() as session:
        reports = verifying.verify(session, head=head)
        signed = approvals.verify(session)
        if not no_files:
            stored = verify_files(session, app.extensions["grading"].files)
            reports.append(
                verifying.ChainReport("files", stored.count, "", stored.faults, unit="files")
            )
    # Where nothing was ever signed there is nothing to say of it.
    if signed.count or signed.faults:
        reports.append(verifying.ChainReport("approvals", signed.count, "", signed.faults))
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2))
    else:
        for report in reports:
            state = "; ".join((*(report.faults or ("whole",)), *report.notes))
            click.echo(
                f"{report.chain or 'head'}  {report.count} {report.unit}  {report.hash}  {state}"
            )
    if any(report.faults for report in reports):
        sys.exit(1)
