"""What anybody may see: checking a credential, the way out, health, and the small print."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import FaultsFound, NotFound, PassingFailure, TooMany
from grading.migrations import is_current
from grading.models import Job, JobState, Sponsor
from grading.records import checking, sharing, verifying
from grading.web import access, downloads, page_help, reading
from grading.web.access import requires
from grading.web.errors import fault_words, words
from grading.web.labels import STATUS_TAGS
from grading.web.public import front, issued
from grading.workflow import files
from grading.workflow.credential import PublicStatus

bp = Blueprint("public", __name__)


@bp.get("/verify")
@requires(Permission.SIGNED_OUT)
def verify() -> Any:
    """Lead from a pasted id to its page; dashes and spaces around it do no harm."""
    given = request.args.get("id", "").strip()
    if given:
        place, _slash, public_id = urlsplit(given).path.rstrip("/").rpartition("/")
        # A single credential's address leads to its own page, anything else to a record's.
        if place.endswith("/credentials"):
            return redirect(url_for("issued.credential", credential_id=public_id.strip()))
        return redirect(url_for("public.record", public_id=public_id.strip()))
    return render_template("public/verify.html")


@bp.get("/verify/<public_id>")
@requires(Permission.SIGNED_OUT)
def record(public_id: str) -> Any:
    """Check a shared record in front of the reader.

    Hidden and unknown are one answer, and that we cannot check is never “not valid”.
    """
    return front.checked(public_id, lambda: _record_page(public_id))


def _record_page(public_id: str) -> str:
    shown = sharing.find(db.session(), public_id, on=access.now().date())
    installation = access.installation()
    verdict = verifying.check(
        db.session(),
        shown.record,
        notary=installation.notary,
        base_url=installation.settings.base_url,
        now=access.now(),
    )
    shown = replace(shown, status=verifying.word(shown.status, verdict))
    if shown.status == PublicStatus.BROKEN:
        current_app.logger.error("the stored record %s is not what was signed", shown.record.id)
    entries = [entry for entry in shown.record.entries if entry.id not in verdict.revoked]
    # What was not passed is the learner's own business, and of several the best counts.
    capstone = max(
        (entry for entry in entries if entry.detail.get("passed")),
        key=lambda entry: float(entry.detail["value"]),
        default=None,
    )
    detail = capstone.detail if capstone else None
    return render_template(
        "public/record.html",
        shown=shown,
        record=shown.record,
        verdict=verdict,
        sponsor_id=shown.record.program.sponsor_id,
        published=checking.published(verdict.checked),
        keys_here=checking.keys_here(verdict.checked),
        courses=[entry for entry in entries if entry.course_id],
        capstone=capstone,
        updated=max((entry.added_at for entry in entries), default=None),
        judged=reading.who_judged(detail) if detail else "",
        bands=reading.bands(detail) if detail else [],
        likely=reading.likely_range(float(detail["value"]), detail["standard_error"])
        if detail
        else None,
        likely_words=reading.likely_words(detail) if detail else "",
    )


@dataclass(frozen=True)
class Row:
    """One id of many, with what may be said of it."""

    public_id: str
    tag: Any
    found: bool = False
    name: str = ""
    program: str = ""
    issuer: str = ""
    completed_on: date | None = None
    expires_on: date | None = None
    newer: str | None = None


def _row(public_id: str, shown: sharing.Shown | None) -> Row:
    if shown is None:
        return Row(public_id, (_("Not found"), "grey"))
    tag = STATUS_TAGS[shown.status]
    if not shown.open:
        return Row(public_id, tag, True, newer=shown.newer)
    record = shown.record
    return Row(
        public_id,
        tag,
        True,
        record.name,
        record.program.name,
        record.program.sponsor.issuer,
        record.completed_at.date() if record.completed_at else None,
        record.expires_on,
    )


@bp.route("/verify/many", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def verify_many() -> Any:
    """Check a list of ids at once; the status word comes first."""
    if request.method == "GET":
        return _many_page()
    entered = request.form.get("ids", "")
    try:
        ids = sharing.asked_ids(entered)
        with transaction() as session:
            found = sharing.check_many(
                session, ids, address=request.remote_addr or "", now=access.now()
            )
            checked = _checked(found)
            rows = [_row(public_id, checked.get(public_id)) for public_id in ids]
    except FaultsFound as error:
        return _many_page(entered, fault=fault_words(error.faults[0]), status=422)
    except TooMany as error:
        page = _many_page(entered, fault=words(error), status=429)
        page[2]["Retry-After"] = str(int(str(error.params["minutes"])) * 60)
        return page
    except (PassingFailure, SQLAlchemyError):
        return front.unlisted(render_template("public/unavailable.html"), 503)
    if request.form.get("as") == "csv":
        columns = (
            "status",
            "name",
            "program",
            "issuer",
            "completed_on",
            "expires_on",
            "id",
            "newer",
        )
        return downloads.table(
            "credentials.csv",
            columns,
            [
                (str(row.tag[0]), row.name, row.program, row.issuer, row.completed_on,
                 row.expires_on, row.public_id, row.newer)
                for row in rows
            ],
        )  # fmt: skip
    return _many_page(entered, rows)


def _checked(found: dict[str, sharing.Shown]) -> dict[str, sharing.Shown]:
    """Put what checking the tokens found in place of the states."""
    installation = access.installation()
    verdicts = verifying.check_all(
        db.session(),
        [one.record for one in found.values()],
        notary=installation.notary,
        base_url=installation.settings.base_url,
        now=access.now(),
        whole=False,
    )
    return {
        public_id: replace(one, status=verifying.word(one.status, verdicts[one.record.id]))
        for public_id, one in found.items()
    }


def _many_page(
    entered: str = "", rows: list[Row] | None = None, *, fault: str = "", status: int = 200
) -> Any:
    page = render_template(
        "public/many.html",
        entered=entered,
        rows=rows or [],
        fault=fault,
        most=sharing.MOST_AT_ONCE,
        hour=sharing.MOST_AN_HOUR,
        page_error=bool(fault),
    )
    return front.unlisted(page, status)


@bp.get("/logo/<sponsor_id>")
@requires(Permission.SIGNED_OUT)
def logo(sponsor_id: str) -> Any:
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
    return render_template("public/help.html", groups=page_help.help_by_reader())


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
    app.register_blueprint(issued.bp)
