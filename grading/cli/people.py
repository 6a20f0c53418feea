"""grading people: accounts."""

import sys

import click
from sqlalchemy import select

from grading.cli.edge import CreateApp, as_json, now, service, show
from grading.db import transaction
from grading.models import Person
from grading.services import people


@click.group("people")
def command() -> None:
    """Accounts."""


@command.command("list")
@as_json
@click.pass_obj
def list_people(create_app: CreateApp, as_json: bool) -> None:
    """List all accounts."""
    with service(create_app), transaction() as session:
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
@click.pass_obj
def add(create_app: CreateApp, email: str, name: str, administrator: bool) -> None:
    """Make an account for EMAIL and NAME, and mail an invitation."""
    with service(create_app), transaction() as session:
        person = people.create(
            session, None, email=email, name=name, administrator=administrator, now=now()
        )
        people.invite(session, person, now=now())
    click.echo(f"{email} has an account; the invitation goes out with the next job.")


@command.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_obj
def password(create_app: CreateApp, email: str, password_stdin: bool) -> None:
    """Set the password of EMAIL, ending every sign-in there is."""
    if password_stdin:
        given = sys.stdin.readline().rstrip("\n")
    else:
        given = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with service(create_app) as app, transaction() as session:
        hasher = app.extensions["grading"].hasher
        person = people.find(session, email)
        people.set_password(session, None, person, given, hasher=hasher, now=now())
    click.echo("The password is set.")


@command.command("deactivate")
@click.argument("email")
@click.pass_obj
def deactivate(create_app: CreateApp, email: str) -> None:
    """Close the account of EMAIL. What they did stays on record."""
    with service(create_app), transaction() as session:
        people.deactivate(session, None, people.find(session, email), now=now())
    click.echo(f"{email} can no longer sign in.")
