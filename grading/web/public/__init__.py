"""What anybody may see: checking a credential, the way out, health, and the small print."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, jsonify, redirect, render_template, request, url_for
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import NotFound
from grading.migrations import is_current
from grading.models import Job, JobState
from grading.services import records
from grading.web import access
from grading.web.access import requires
from grading.workflow.credential import RecordState

bp = Blueprint("public", __name__)


@bp.get("/verify")
@requires(Permission.SIGNED_OUT)
def verify() -> Any:
    """Lead from a pasted id to its page; dashes and spaces around it do no harm."""
    given = request.args.get("id", "").strip()
    if given:
        public_id = urlsplit(given).path.rstrip("/").rsplit("/", 1)[-1].strip()
        return redirect(url_for("public.record", public_id=public_id))
    return render_template("public/verify.html")


@bp.get("/verify/<public_id>")
@requires(Permission.SIGNED_OUT)
def record(public_id: str) -> Any:
    """Show a shared record. Hidden and unknown are one answer, and a failure is never “not valid”."""
    try:
        found = records.public(db.session(), public_id)
        page = render_template(
            "public/record.html",
            record=found,
            valid=found.state == RecordState.VALID,
            courses=[entry for entry in found.entries if entry.course_id],
            # The best attempt counts; what was not passed is the learner's own business.
            capstones=[
                entry for entry in (found.capstone,) if entry and entry.detail.get("passed")
            ],
        )
    except NotFound:
        return _unlisted(render_template("public/unknown.html"), 404)
    except SQLAlchemyError:
        return _unlisted(render_template("public/unavailable.html"), 503)
    return _unlisted(page, 200)


def _unlisted(page: str, status: int) -> Any:
    headers = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
    return page, status, headers


@bp.get("/out")
@requires(Permission.SIGNED_OUT)
def out() -> Any:
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
def health() -> Any:
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
def help_page() -> Any:
    return render_template("public/help.html")


@bp.get("/accessibility")
@requires(Permission.SIGNED_OUT)
def accessibility() -> Any:
    return render_template("public/accessibility.html")


@bp.get("/privacy")
@requires(Permission.SIGNED_OUT)
def privacy() -> Any:
    return render_template("public/privacy.html")


def register(app: Flask) -> None:
    app.register_blueprint(bp)
