"""What anybody may see beside credentials: logos, the way out, health, help and the small print."""

import os
import shutil
from pathlib import Path

from flask import Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import NotFound, Refused
from grading.migrations import is_current
from grading.models import Sponsor
from grading.texts import web_address
from grading.web import access, page_help
from grading.web.access import requires
from grading.web.public.common import bp
from grading.workflow import files

# Bytes that a database, its log and some works need before anybody has made room.
LEAST_ROOM = 50_000_000


@bp.get("/logo/<sponsor_id>")
@requires(Permission.SIGNED_OUT)
def logo(sponsor_id: str) -> ResponseReturnValue:
    """A sponsor's logo, for the pages that name it."""
    sponsor = db.session.get(Sponsor, sponsor_id)
    if sponsor is None or sponsor.logo_key is None or sponsor.logo_kind is None:
        raise NotFound("There is no such page.")
    response = Response(
        access.installation().files.read(sponsor.logo_key),
        mimetype=files.KINDS[sponsor.logo_kind].media_type,
    )
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@bp.get("/out")
@requires(Permission.SIGNED_OUT)
def out() -> ResponseReturnValue:
    """Stand between a learner's link and the reader: the other side will see who comes."""
    to = request.args.get("to", "")
    try:
        host = web_address(to).netloc
    except Refused:
        raise NotFound("There is no such page.") from None
    return (
        render_template("public/out.html", to=to, host=host),
        200,
        {"Referrer-Policy": "no-referrer"},
    )


def has_room(folder: Path) -> bool:
    """Whether a folder can be written, and its disk takes the next works."""
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= LEAST_ROOM


@bp.get("/healthz")
@requires(Permission.SIGNED_OUT)
def health() -> ResponseReturnValue:
    """Say whether the service can work: up or down, and not a word more, because anybody may ask."""
    try:
        db.session.execute(text("SELECT 1"))
        up = is_current(db.session.connection()) and has_room(access.installation().settings.home)
    except (SQLAlchemyError, OSError):
        db.session.rollback()
        up = False
    return jsonify(status="ok" if up else "down"), 200 if up else 503


@bp.get("/help")
@requires(Permission.SIGNED_OUT)
def help_page() -> ResponseReturnValue:
    return render_template("public/help.html", groups=page_help.help_by_reader())


@bp.get("/accessibility")
@requires(Permission.SIGNED_OUT)
def accessibility() -> ResponseReturnValue:
    return render_template("public/accessibility.html")


@bp.get("/privacy")
@requires(Permission.SIGNED_OUT)
def privacy() -> ResponseReturnValue:
    return render_template("public/privacy.html")
