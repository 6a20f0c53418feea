"""grading people: accounts."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cli.edge import CreateApp, as_json, get_record, in_transaction, now, service, show
from grading.cohorts import departures
from grading.db import db, transaction
from grading.errors import NotFound, Refused
from grading.ledger import audit
from grading.models import Person, Submission
from grading.office import exporting
from grading.people import accounts, identity, openid, passkeys, passwords
from grading.records import disclosures, reissues
from grading.workflow.credential import IdentityAssurance
from grading.workflow.privacy import Disclosed, Ground


@click.group("people")
def command() -> None:
    """Accounts."""


@command.command("list")
@as_json
@in_transaction
def list_people(session: Session, as_json: bool) -> None:
    """List all accounts."""
    rows = [
        {
            "id": person.id,
            "email": person.email,
            "name": person.name,
            "administrator": person.administrator,
            "active": person.active,
        }
        for person in session.scalars(select(Person).order_by(Person.email))
    ]
    show(rows, json_wanted=as_json, empty="There is no account yet. Run “grading init”.")


@command.command("add")
@click.argument("email")
@click.argument("name")
@click.option("--administrator", is_flag=True)
@in_transaction
def add(session: Session, email: str, name: str, administrator: bool) -> str:
    """Make an account for EMAIL and NAME, and mail an invitation."""
    person = accounts.create_account(
        session, None, email=email, name=name, administrator=administrator, now=now()
    )
    accounts.invite(session, person, now=now())
    return f"{email} has an account; the invitation goes out with the next job."


@command.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def password(create_app: CreateApp, email: str, password_stdin: bool) -> None:
    """Set the password of EMAIL, ending every sign-in there is."""
    if password_stdin:
        new = sys.stdin.readline().rstrip("\n")
    else:
        new = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with service(create_app) as app, transaction() as session:
        hasher = app.extensions["grading"].hasher
        person = accounts.find_account(session, email)
        passwords.set_password(session, None, person, new, hasher=hasher, now=now())
    click.echo("The password is set.")


@command.command("verify")
@click.argument("email")
@click.argument("name")
@click.option("--how", type=click.Choice([str(way) for way in IdentityAssurance]), required=True)
@click.option("--by", help="E-mail address of the person who checked.")
@click.option(
    "--submission", "submission_id", help="The one submission that the check vouches for."
)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Until when it holds (UTC).")
@in_transaction
def verify(
    session: Session,
    email: str,
    name: str,
    how: str,
    by: str | None,
    submission_id: str | None,
    until: datetime | None,
) -> str:
    """Record that the identity of EMAIL was checked, and is NAME; records are issued under it."""
    person = accounts.find_account(session, email)
    submission = None
    if submission_id:
        submission = get_record(
            session, Submission, submission_id, "There is no submission %(id)s."
        )
    actor = accounts.find_account(session, by) if by else None
    identity.record_check(
        session,
        actor,
        person,
        how=how,
        name=name,
        submission=submission,
        holds_until=until.replace(tzinfo=UTC) if until else None,
        now=now(),
    )
    count = reissues.issue_under_new_name(session, actor, person, now=now())
    return f"{email} is {name}. {count} records are issued anew."


@command.command("export")
@click.argument("email", metavar="PERSON")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--ground", default="", help="On whose request, for the person's log of disclosures.")
@click.pass_obj
def export(create_app: CreateApp, email: str, path: Path, ground: str) -> None:
    """Write everything about PERSON (an e-mail address, or the id of somebody erased) into the zip FILE.

    It stands in the person's log of disclosures. docs/privacy.md says what is in it.
    """
    if path.exists():
        raise Refused("There is a file %(path)s already.", path=str(path))
    part = path.with_name(path.name + ".part")
    with service(create_app) as app:
        at = now()
        with transaction() as session:
            person = session.get(Person, email) or accounts.find_account(session, email)
            person_id = person.id
            disclosures.log_disclosure(
                session,
                person_id,
                Disclosed.EXPORT,
                recipient="operator",
                ground=Ground.REQUEST,
                by=None,
                note=ground.strip(),
                now=at,
            )
            audit.record(session, None, "export:command", person, now=at)
        reading = db.session()
        chunks = exporting.write_export(
            reading,
            reading.get_one(Person, person_id),
            store=app.extensions["grading"].files,
            now=at,
        )
        with part.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        part.replace(path)
    click.echo(f"Everything about {email} is in {path}.")


@command.command("link")
@click.argument("email")
@click.argument("subject")
@click.pass_obj
def link(create_app: CreateApp, email: str, subject: str) -> None:
    """Let SUBJECT of the institution's sign-in (its claim “sub”) sign in to the account of EMAIL."""
    with service(create_app) as app, transaction() as session:
        settings = app.extensions["grading"].settings.openid
        if settings is None:
            raise Refused("No institution's sign-in is configured: set GRADING_OIDC_ISSUER.")
        person = accounts.find_account(session, email)
        openid.link(session, None, person, issuer=settings.issuer, subject=subject, now=now())
    click.echo(f"{email} signs in with {settings.name}.")


@command.command("deactivate")
@click.argument("email")
@in_transaction
def deactivate(session: Session, email: str) -> str:
    """Close the account of EMAIL. What they did stays on record; what they hold goes to others."""
    departures.close_account(session, None, accounts.find_account(session, email), now=now())
    return f"{email} can no longer sign in."


@command.command("passkeys")
@click.argument("email")
@as_json
@in_transaction
def list_passkeys(session: Session, email: str, as_json: bool) -> None:
    """List the passkeys of EMAIL."""
    rows = [
        {
            "id": passkey.id,
            "name": passkey.name,
            "address": passkey.party,
            "added": passkey.added_at,
            "used": passkey.used_at,
        }
        for passkey in passkeys.passkeys_of(session, accounts.find_account(session, email))
    ]
    show(rows, json_wanted=as_json, empty="There is no passkey.")


@command.command("remove-passkey")
@click.argument("email")
@click.argument("passkey_id", metavar="PASSKEY")
@click.option("--reason", required=True, help="Why; it stands in the audit.")
@in_transaction
def remove_passkey(session: Session, email: str, passkey_id: str, reason: str) -> str:
    """Remove PASSKEY of EMAIL, who lost it. They are told by mail; what it signed stays valid."""
    person = accounts.find_account(session, email)
    own_passkeys = passkeys.passkeys_of(session, person)
    passkey = next((passkey for passkey in own_passkeys if passkey.id == passkey_id), None)
    if passkey is None:
        raise NotFound("%(email)s has no passkey %(id)s.", email=email, id=passkey_id)
    passkeys.remove_passkey(session, None, passkey, reason=reason, now=now())
    return "The passkey is removed; the mail goes out with the next job."
