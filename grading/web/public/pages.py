"""What anybody may see beside credentials: logos, the way out, health, help and the small print."""

from urllib.parse import urlsplit

from flask import Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import NotFound
from grading.migrations import is_current
from grading.models import Job, JobState, Sponsor
from grading.web import access, page_help
from grading.web.access import requires
from grading.web.public.common import bp
from grading.workflow import files


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
    parts = urlsplit(to)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        abort(404)
    return (
        render_template("public/out.html", to=to, host=parts.netloc),
        200,
        {"Referrer-Policy": "no-referrer"},
    )


@bp.get("/healthz")
@requires(Permission.SIGNED_OUT)
def health() -> ResponseReturnValue:
    """Say whether the service can work, for machines and for the operator."""
    settings = access.installation()
    try:
        db.session.execute(text("SELECT 1"))
        current = is_current(db.session.connection())
        waiting = db.session.execute(
            select(func.count(), func.min(Job.run_at)).where(
                Job.state == JobState.WAITING, Job.run_at <= access.now()
            )
        ).one()
        failed = db.session.scalar(select(func.count()).where(Job.state == JobState.FAILED))
    except SQLAlchemyError:
        db.session.rollback()
        return jsonify(status="down", database="cannot be reached"), 503
    oldest = waiting[1]
    lag = (access.now() - oldest).total_seconds() if oldest else 0
    body = {
        "status": "ok" if current else "migrations missing",
        "database": db.engine.dialect.name,
        "migrations": "current" if current else "missing: run “grading db upgrade”",
        "mail": settings.mailer.where,
        "jobs_waiting": waiting[0],
        "jobs_oldest_seconds": round(lag),
        "jobs_failed": failed,
    }
    return jsonify(body), 200 if current else 503


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
