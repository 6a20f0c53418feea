"""grading init: the first installation."""

import os
import secrets
import sys
from pathlib import Path

import click
from sqlalchemy import select

from grading import migrations
from grading.cli.edge import CreateApp, now, service
from grading.db import db, transaction
from grading.errors import Refused
from grading.models import Person
from grading.people import accounts, passwords
from grading.settings import SECRET_FILE


def write_secret(home: Path) -> bool:
    """Make the home folder and its secret, readable by its owner alone; False when it is there."""
    home.mkdir(0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(home / SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    return True


@click.command("init")
@click.option("--email", prompt="E-mail address of the first administrator")
@click.option("--name", prompt="Name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def command(create_app: CreateApp, email: str, name: str, password_stdin: bool) -> None:
    """Make the home folder, its secret, the tables, and the first administrator."""
    home = Path(os.environ.get("GRADING_HOME", "var")).absolute()
    if not os.environ.get("GRADING_SECRET_KEY") and write_secret(home):
        click.echo(f"Wrote a new secret to {home / SECRET_FILE}.")
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with service(create_app) as app:
        migrations.upgrade(db.engine)
        with transaction() as session:
            if session.scalar(select(Person.id).where(Person.administrator.is_(True)).limit(1)):
                raise Refused(
                    "There is an administrator already. Add people with “grading people”."
                )
            person = accounts.create_account(
                session, None, email=email, name=name, administrator=True, now=now()
            )
            passwords.set_password(
                session,
                None,
                person,
                password,
                hasher=app.extensions["grading"].hasher,
                now=now(),
            )
    click.echo(f"{name} can sign in now. Start the service with “grading serve --worker”.")
