"""Privacy for administrators: exports on request, erasure in two steps, and what periods take away."""

import json

from flask import Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from wtforms import HiddenField, StringField, TextAreaField

from grading.db import db, transaction
from grading.errors import NotFound, Refused
from grading.models import ErasureRequest, KeptTranscript, Person, PersonalExport
from grading.office import erasure, erasure_requests, exporting, retention
from grading.office.queries import erasure_hindrances
from grading.paging import page_in
from grading.records import transcripts
from grading.web import access, downloads
from grading.web.access import load, permit, requires
from grading.web.admin.common import PAGE, SERVICE, bp
from grading.web.entering import page_number
from grading.web.forms import HEAD, Done, Form, Shown, form_view
from grading.web.privacy.own import zipped
from grading.workflow.privacy import ERASURE_PENDING, ErasureState


class GroundForm(Form):
    """What is done with a person's data, and why."""

    act = HiddenField()
    ground = TextAreaField(_l("Reason"))


class ExportForm(GroundForm):
    ground = StringField(_l("On whose request, and how you know"))


class TranscriptForm(GroundForm):
    ground = StringField(_l("Ground in law"))


GROUND_FORMS = {"export": ExportForm, "transcript": TranscriptForm, "refuse": GroundForm}


class EraseForm(Form):
    typed = StringField(_l("Write the person’s e-mail address"))


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

    def act(session: Session, form: GroundForm) -> Done | Shown:
        return _act_on_data(session, load(Person, person_id, SERVICE), form)

    def show(form: GroundForm) -> str:
        return render_account_privacy(load(Person, person_id, SERVICE), form)

    return form_view(GroundForm(), act, show, refused_at=HEAD)


def render_account_privacy(person: Person, form: GroundForm) -> str:
    session = db.session()
    exports = exporting.exports_of(session, access.person(), person.id)
    return render_template(
        "admin/account_privacy.html",
        person=person,
        preview=None
        if person.erased_at
        else erasure.preview_erasure(session, person, now=access.now()),
        hindrance_words=erasure_hindrances.WORDS,
        kept=session.scalar(select(KeptTranscript).where(KeptTranscript.person_id == person.id)),
        pending=erasure_requests.pending_request(session, person.id),
        exports=exports,
        failed={export.id for export in exports if exporting.failed_exports(session, export)},
        own=person.id == access.person().id,
        form=form,
        forms={
            act: ground_form.blank(
                ids=f"{act}-", act=act, ground=form.ground.data if form.act.data == act else ""
            )
            for act, ground_form in GROUND_FORMS.items()
        },
    )


def _act_on_data(session: Session, person: Person, form: GroundForm) -> Done | Shown:
    actor, now, ground = access.person(), access.now(), form.ground.data
    here = url_for("admin.account_privacy", person_id=person.id)
    match form.act.data:
        case "export":
            exporting.request_export(session, actor, person, ground=ground, now=now)
            return Done(here, _("The export is being made. Look again in a moment."))
        case "prepare":
            erasure_request = erasure_requests.prepare_erasure(session, actor, person, now=now)
            return Done(url_for("admin.erase", request_id=erasure_request.id))
        case "refuse":
            pending = erasure_requests.pending_request(session, person.id)
            if pending is None:
                raise Refused("There is no request that waits.")
            erasure_requests.refuse_request(session, actor, pending, reason=ground, now=now)
            return Done(here, _("The request is refused. The person reads the reason."))
        case "transcript":
            kept = transcripts.transcripts_of(session, person.id)
            content = transcripts.read_transcript(session, actor, kept, ground=ground, now=now)
            response = Response(
                json.dumps(content, indent=2, ensure_ascii=False), mimetype="application/json"
            )
            downloads.attach(response, "transcript.json")
            return Shown(response)
    raise NotFound("There is no such page.")


@bp.route("/erasures/<request_id>", methods=["GET", "POST"])
@requires(SERVICE)
def erase(request_id: str) -> ResponseReturnValue:
    """The second step: it asks for the address, and cannot be undone."""
    erasure_request = load(ErasureRequest, request_id, SERVICE)
    person_id = erasure_request.person_id
    after = url_for("admin.account_privacy", person_id=person_id)
    if erasure_request.state != ErasureState.PREPARED:
        return redirect(after, 303)

    def act(session: Session, form: EraseForm) -> Done:
        erasure.confirm_erasure(
            session,
            access.person(),
            load(ErasureRequest, request_id, SERVICE),
            typed=form.typed.data,
            now=access.now(),
        )
        return Done(after, _("The person is erased. Their files are being deleted."))

    def show(form: EraseForm) -> str:
        person = load(Person, person_id, SERVICE)
        preview = erasure.preview_erasure(db.session(), person, now=access.now())
        return render_template("admin/erase.html", person=person, preview=preview, form=form)

    return form_view(EraseForm(), act, show, refused_at="typed")


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
