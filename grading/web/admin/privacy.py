"""Privacy for administrators: exports on request, erasure in two steps, and what periods take away."""

import json

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grading.db import db, transaction
from grading.errors import FaultsFound, GradingError, IllegalTransition, NotFound, Refused
from grading.models import ErasureRequest, KeptTranscript, Person, PersonalExport
from grading.office import erasure, erasure_requests, exporting, retention
from grading.office.queries import erasure_hindrances
from grading.paging import page_in
from grading.records import transcripts
from grading.web import access
from grading.web.access import load, page_number, permit, requires
from grading.web.admin.common import PAGE, SERVICE, bp
from grading.web.errors import fault_words, words
from grading.web.privacy.own import zipped
from grading.workflow.privacy import ERASURE_PENDING, ErasureState


def _all(error: GradingError) -> list[str]:
    if isinstance(error, FaultsFound):
        return [fault_words(fault) for fault in error.faults]
    return [words(error)]


@bp.get("/erasures")
@requires(SERVICE)
def erasures() -> ResponseReturnValue:
    """Who asked to be erased, the most urgent first."""
    permit(SERVICE)
    rows = db.session.scalars(
        select(ErasureRequest)
        .where(ErasureRequest.state.in_(ERASURE_PENDING))
        .options(joinedload(ErasureRequest.person))
        .order_by(ErasureRequest.decide_by, ErasureRequest.id)
        .limit(PAGE)
    )
    return render_template("admin/erasures.html", requests=list(rows))


@bp.route("/accounts/<person_id>/privacy", methods=["GET", "POST"])
@requires(SERVICE)
def account_privacy(person_id: str) -> ResponseReturnValue:
    """Everything about a person on request; and what erasing them would do."""
    faults: list[str] = []
    if request.method == "POST":
        try:
            return _act(person_id, request.form.get("act", ""))
        except (FaultsFound, Refused, IllegalTransition) as error:
            faults = _all(error)
    session = db.session()
    found = load(Person, person_id, SERVICE)
    exports = exporting.exports_of(session, access.person(), found.id)
    page = render_template(
        "admin/account_privacy.html",
        found=found,
        preview=None
        if found.erased_at
        else erasure.preview_erasure(session, found, now=access.now()),
        hindrance_words=erasure_hindrances.WORDS,
        kept=session.scalar(select(KeptTranscript).where(KeptTranscript.person_id == found.id)),
        pending=erasure_requests.pending_request(session, found.id),
        exports=exports,
        failed={one.id for one in exports if exporting.failed_exports(session, one)},
        own=found.id == access.person().id,
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


def _act(person_id: str, act: str) -> ResponseReturnValue:
    ground = request.form.get("ground", "")
    here = url_for("admin.account_privacy", person_id=person_id)
    with transaction() as session:
        found, actor, now = load(Person, person_id, SERVICE), access.person(), access.now()
        if act == "export":
            exporting.request_export(session, actor, found, ground=ground, now=now)
            flash(_("The export is being made. Look again in a moment."))
            return redirect(here, 303)
        if act == "prepare":
            request_id = erasure_requests.prepare_erasure(session, actor, found, now=now).id
            return redirect(url_for("admin.erase", request_id=request_id), 303)
        if act == "refuse":
            pending = erasure_requests.pending_request(session, found.id)
            if pending is None:
                raise Refused("There is no request that waits.")
            erasure_requests.refuse_request(session, actor, pending, reason=ground, now=now)
            flash(_("The request is refused. The person reads the reason."))
            return redirect(here, 303)
        if act == "transcript":
            kept = transcripts.transcripts_of(session, found.id)
            content = transcripts.read_transcript(session, actor, kept, ground=ground, now=now)
            answer = Response(
                json.dumps(content, indent=2, ensure_ascii=False), mimetype="application/json"
            )
            answer.headers.set("Content-Disposition", "attachment", filename="transcript.json")
            return answer
    raise NotFound("There is no such page.")


@bp.route("/erasures/<request_id>", methods=["GET", "POST"])
@requires(SERVICE)
def erase(request_id: str) -> ResponseReturnValue:
    """The second step: it asks for the address, and cannot be undone."""
    faults: list[str] = []
    found = load(ErasureRequest, request_id, SERVICE)
    person_id = found.person_id
    if found.state != ErasureState.PREPARED:
        return redirect(url_for("admin.account_privacy", person_id=person_id), 303)
    if request.method == "POST":
        try:
            with transaction() as session:
                erasure.confirm_erasure(
                    session,
                    access.person(),
                    load(ErasureRequest, request_id, SERVICE),
                    typed=request.form.get("typed", ""),
                    now=access.now(),
                )
            flash(_("The person is erased. Their files are being deleted."))
            return redirect(url_for("admin.account_privacy", person_id=person_id), 303)
        except (FaultsFound, Refused) as error:
            faults = _all(error)
    page = render_template(
        "admin/erase.html",
        found=load(Person, person_id, SERVICE),
        preview=erasure.preview_erasure(
            db.session(), load(Person, person_id, SERVICE), now=access.now()
        ),
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/exports/<export_id>")
@requires(SERVICE)
def export_file(export_id: str) -> ResponseReturnValue:
    """An export that an administrator asked for; fetching it is a disclosure."""
    with transaction() as session:
        export = load(PersonalExport, export_id, SERVICE)
        key = exporting.fetch_export(session, access.person(), export, now=access.now())
        size = export.size
    return zipped(key, size, "personal-data.zip")


@bp.get("/retention")
@requires(SERVICE)
def periods() -> ResponseReturnValue:
    """What falls due when, and what was taken away: a look that changes nothing."""
    permit(SERVICE)
    pager = page_in(retention.dues(db.session()), page_number())
    return render_template("admin/retention.html", dues=pager.entries, pager=pager)
