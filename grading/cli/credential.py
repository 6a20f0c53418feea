"""grading credential: what was issued, as others get it."""

import json
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.edge import find_cohort, in_transaction, now
from grading.errors import NotFound
from grading.models import IssuedCredential, Person
from grading.records import credentials, disclosures, issuers
from grading.records.queries import issued_credentials
from grading.workflow.issued import CredentialKind, IssuedState


@click.group("credential")
def command() -> None:
    """Signed credentials."""


@command.command("export")
@click.option("--cohort", "cohort_key", required=True, help="Id or name of the cohort.")
@click.option("--learner", "email", help="E-mail address; by default the first complete record.")
@click.option("--all", "everybody", is_flag=True, help="A folder for each learner.")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@in_transaction
def export(
    session: Session, cohort_key: str, email: str | None, everybody: bool, folder: Path
) -> str:
    """Write a learner's credentials, and what a verifier fetches to check them, into DIR.

    capstone.json, course1.json …, clr.json: the signed documents that hold; *.jwt: the same as tokens;
    did.json and jwks.json: the issuer's keys; status.json, status2.json …: its status lists.
    """
    cohort = find_cohort(session, cohort_key)
    # The newest of each learner: also one that was revoked, whose status others want to see.
    newest = {one.person_id: one for one in issued_credentials.capstones_of_cohort(session, cohort)}
    capstones = [one for one in newest.values() if email is None or one.person.email == email]
    if not capstones:
        raise NotFound("Nobody of this cohort has a credential. “grading jobs run” issues them.")
    written = 0
    if everybody:
        for number, capstone in enumerate(capstones, 1):
            written += _write(session, capstone, folder / f"learner{number}")
    else:
        complete = (capstone for capstone in capstones if _program(session, capstone) is not None)
        written = _write(session, next(complete, capstones[0]), folder)
    return f"{written} files in {folder}."


def _valid(session: Session, capstone: IssuedCredential) -> list[IssuedCredential]:
    issued = issued_credentials.issued(session, capstone.program_id, capstone.person_id)
    return [credential for credential in issued if credential.state == IssuedState.VALID]


def _program(session: Session, capstone: IssuedCredential) -> IssuedCredential | None:
    valid = _valid(session, capstone)
    return next((held for held in valid if held.kind == CredentialKind.PROGRAM), None)


def _write(session: Session, capstone: IssuedCredential, folder: Path) -> int:
    issued = issued_credentials.issued(session, capstone.program_id, capstone.person_id)
    valid = _valid(session, capstone)
    courses = [credential for credential in valid if credential.course is not None]
    courses.sort(key=lambda credential: credential.course.position if credential.course else 0)
    named = {str(one.kind): one for one in valid if one.kind == CredentialKind.CAPSTONE}
    named |= {f"course{number}": course for number, course in enumerate(courses, 1)}
    program = _program(session, capstone)
    if program is not None:
        named["clr"] = program
    files: dict[str, Any] = {}
    for name, credential in named.items():
        files[f"{name}.json"] = credential.document
        files[f"{name}.jwt"] = credential.token
    sponsor, did = capstone.program.sponsor, capstone.key.did
    files["did.json"] = issuers.did_document(session, sponsor, did)
    files["jwks.json"] = issuers.jwks(session, sponsor)
    disclosures.export_credentials(
        session, None, list(named.values()), recipient="operator", now=now()
    )
    lists = sorted(
        {credential.status_list for credential in issued}, key=lambda status: status.number
    )
    for number, status in enumerate(lists):
        files[f"status{number + 1 if number else ''}.json"] = credentials.served_list(status)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    return len(files)


@command.command("revoke")
@click.argument("credential_id", metavar="CREDENTIAL")
@click.option("--by", "email", required=True, help="E-mail address of the person who decides.")
@click.option("--reason", required=True)
@in_transaction
def revoke(session: Session, credential_id: str, email: str, reason: str) -> str:
    """Revoke one credential for good; the program's, which holds it, follows."""
    credential = session.get(IssuedCredential, credential_id)
    person = session.scalar(select(Person).where(Person.email == email))
    if credential is None or person is None or not person.administrator:
        raise NotFound("There is no such credential, or no such administrator.")
    # Nobody signed in here: whoever reads the audit sees that the operator says who it was.
    said = f"{reason.strip()} (on the command line)" if reason.strip() else ""
    credentials.revoke_credential(session, person, credential, reason=said, now=now())
    return "Revoked. The status list is signed anew with the next job."
