"""Signing in with the institution: there, and back."""

from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.db import transaction
from grading.errors import NotFound, PassingFailure, Refused
from grading.people import openid
from grading.ports import IdentityProvider
from grading.settings import OpenId
from grading.web import access
from grading.web.access import requires
from grading.web.errors import words
from grading.web.sign_in.common import entering, page_here

bp = Blueprint("openid", __name__, url_prefix="/sign-in/institution")

# What is kept of a sign-in on its way, in the signed cookie, and used once.
WAITING = "openid"


def _configured() -> tuple[IdentityProvider, OpenId]:
    installation = access.installation()
    if installation.provider is None or installation.settings.openid is None:
        raise NotFound("There is no such page.")
    return installation.provider, installation.settings.openid


def _back() -> str:
    return access.installation().settings.base_url + url_for("openid.back")


def _away(error: PassingFailure) -> ResponseReturnValue:
    """Say that the provider is away; the way in by password does not need it."""
    page = render_template("sign_in/institution_away.html", message=words(error), page_error=True)
    return page, 503, {"Retry-After": "60"}


@bp.get("")
@requires(Permission.SIGNED_OUT)
def begin() -> ResponseReturnValue:
    """Lead to the provider. No form does this: a form may lead nowhere but here."""
    provider, _settings = _configured()
    try:
        begun = provider.begin(_back(), now=access.now())
    except PassingFailure as error:
        return _away(error)
    session[WAITING] = {
        "state": begun.state,
        "nonce": begun.nonce,
        "verifier": begun.verifier,
        "next": request.args.get("next"),
    }
    return redirect(begun.url)


@bp.get("/back")
@requires(Permission.SIGNED_OUT)
def back() -> ResponseReturnValue:
    """Take the provider's answer, once, for the sign-in that this browser began."""
    provider, settings = _configured()
    waiting = session.pop(WAITING, None)
    if waiting is None:
        raise Refused("No sign-in was begun in this browser. Begin again from the sign-in page.")
    try:
        signed_in = provider.finish(
            _back(),
            request.args.to_dict(),
            state=waiting["state"],
            nonce=waiting["nonce"],
            verifier=waiting["verifier"],
            now=access.now(),
        )
    except PassingFailure as error:
        return _away(error)
    with transaction() as database:
        person = openid.sign_in(
            database,
            signed_in,
            by_email=settings.link_by_email,
            assured=settings.assured,
            holds=timedelta(days=settings.assured_days),
            now=access.now(),
        )
        enter = entering(database, person)
    enter()
    return redirect(page_here(waiting["next"]), 303)
