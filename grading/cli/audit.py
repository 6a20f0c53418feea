"""grading audit: the chain of who did what."""

import json
import sys
from dataclasses import asdict

import click

from grading.cli.edge import CreateApp, as_json, service
from grading.db import transaction
from grading.ledger import audit
from grading.people import approvals


@click.group("audit")
def command() -> None:
    """The audit chains: one for each cohort, one for the service."""


@command.command("verify")
@click.option("--head", help="A head printed earlier: it must still stand in a chain.")
@as_json
@click.pass_obj
def verify(create_app: CreateApp, head: str | None, as_json: bool) -> None:
    """Recompute every chain, and check every signed approval.

    Ends with 1 when an entry was changed, removed or cut off, or an approval is not what was signed.
    """
    with service(create_app), transaction() as session:
        reports = audit.verify(session, head=head)
        signed = approvals.verify(session)
    # Where nothing was ever signed there is nothing to say of it.
    if signed.count or signed.faults:
        reports.append(audit.ChainReport("approvals", signed.count, "", signed.faults))
    if as_json:
        click.echo(json.dumps([asdict(report) for report in reports], indent=2))
    else:
        for report in reports:
            state = "; ".join(report.faults) if report.faults else "whole"
            click.echo(f"{report.chain or 'head'}  {report.count} entries  {report.hash}  {state}")
    if any(report.faults for report in reports):
        sys.exit(1)
