"""grading keys: what sponsors sign their credentials with."""

import json
from collections.abc import Callable

import click
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from grading.cli.edge import CreateApp, as_json, get_record, in_transaction, now, service, show
from grading.db import transaction
from grading.errors import NotFound
from grading.models import SigningKey, Sponsor
from grading.records import issuers

did_option = click.option(
    "--did", help="A did:web on the sponsor's own domain, where it puts “keys document” itself."
)


@click.group("keys")
def command() -> None:
    """Issuers' keys. The private halves are encrypted with the installation's secret key."""


def _sponsor(session: Session, key: str) -> Sponsor:
    sponsor = session.scalar(select(Sponsor).where(or_(Sponsor.id == key, Sponsor.name == key)))
    if sponsor is None:
        raise NotFound("There is no sponsor “%(key)s”.", key=key)
    return sponsor


def _rows(keys: list[SigningKey]) -> list[dict[str, str]]:
    return [
        {
            "id": key.id,
            "sponsor": key.sponsor.name,
            "kind": key.kind,
            "state": key.state,
            "issuer": key.did,
            "key": key.fragment,
            "made": key.created_at.isoformat(timespec="seconds"),
        }
        for key in keys
    ]


@command.command("list")
@as_json
@in_transaction
def list_keys(session: Session, as_json: bool) -> None:
    """List every key there was."""
    keys = session.scalars(select(SigningKey).order_by(SigningKey.created_at, SigningKey.id))
    rows = _rows(list(keys))
    show(rows, json_wanted=as_json, empty="No sponsor has a key yet.")


@command.command("make")
@click.argument("sponsor")
@did_option
@click.pass_obj
def make(create_app: CreateApp, sponsor: str, did: str | None) -> None:
    """Make the keys SPONSOR lacks; they are made by themselves with its first credential."""
    _new_keys(create_app, issuers.make, sponsor, did)


@command.command("rotate")
@click.argument("sponsor")
@did_option
@click.pass_obj
def rotate(create_app: CreateApp, sponsor: str, did: str | None) -> None:
    """Retire SPONSOR's keys and make new ones; what the old ones signed stays good."""
    _new_keys(create_app, issuers.rotate, sponsor, did)


def _new_keys(
    create_app: CreateApp, act: Callable[..., list[SigningKey]], sponsor: str, did: str | None
) -> None:
    with service(create_app) as app, transaction() as session:
        installation = app.extensions["grading"]
        made = act(
            session,
            None,
            _sponsor(session, sponsor),
            notary=installation.notary,
            base_url=installation.settings.base_url,
            did=did,
            now=now(),
        )
        rows = _rows(made)
    show(rows, json_wanted=False, empty="It has its keys.")


def _key(session: Session, key_id: str) -> SigningKey:
    return get_record(session, SigningKey, key_id, "There is no key %(id)s.")


@command.command("retire")
@click.argument("key_id", metavar="KEY")
@in_transaction
def retire(session: Session, key_id: str) -> str:
    """Sign no more with KEY; what it signed stays good."""
    issuers.retire(session, None, _key(session, key_id), now=now())
    return "It signs no more. A new one is made with the next credential."


@command.command("withdraw")
@click.argument("key_id", metavar="KEY")
@click.option("--reason", required=True)
@in_transaction
def withdraw(session: Session, key_id: str, reason: str) -> str:
    """Take KEY, which fell into other hands, out of the DID document, and issue anew what it signed."""
    count = issuers.withdraw(session, None, _key(session, key_id), reason=reason, now=now())
    return f"It vouches for nothing any more. {count} learners' credentials are issued anew."


@command.command("reseal")
@click.option(
    "--old",
    envvar="GRADING_OLD_SECRET_KEY",
    prompt="The secret key as it was",
    hide_input=True,
    help="The secret key as it was; by default GRADING_OLD_SECRET_KEY, or asked for.",
)
@click.pass_obj
def reseal(create_app: CreateApp, old: str) -> None:
    """Encrypt the private halves anew after GRADING_SECRET_KEY has changed: all of them, or none."""
    with service(create_app) as app, transaction() as session:
        notary = app.extensions["grading"].notary
        count = issuers.reseal(session, None, notary=notary, old_secret=old, now=now())
    click.echo(f"{count} keys are encrypted with the present secret key.")


@command.command("document")
@click.argument("sponsor")
@did_option
@click.pass_obj
def document(create_app: CreateApp, sponsor: str, did: str | None) -> None:
    """Print SPONSOR's DID document, to be put where its DID says."""
    with service(create_app) as app, transaction() as session:
        issuer = _sponsor(session, sponsor)
        name = did or issuers.own_did(app.extensions["grading"].settings.base_url, issuer)
        text = issuers.did_document(session, issuer, name)
        if text is None:
            raise NotFound("The sponsor has never signed as %(did)s.", did=name)
    click.echo(json.dumps(text, indent=2))
