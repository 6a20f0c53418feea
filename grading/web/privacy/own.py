"""Your data: the export, the request to be erased, and the log of disclosures."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import HiddenField

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Refused
from grading.models import ErasureRequest, PersonalExport
from grading.office import erasure_requests, exporting
from grading.paging import page_in
from grading.records import disclosures
from grading.web import access, downloads
from grading.web.access import load, requires
from grading.web.entering import page_number
from grading.web.errors import words
from grading.web.forms import Done, Form, form_view
from grading.web.privacy.words import DISCLOSED, GROUNDS

bp = Blueprint("privacy", __name__, url_prefix="/your-data")

OWN = Permission.SIGNED_IN


class ErasureForm(Form):
    act = HiddenField()


@bp.get("")
@requires(OWN)
def overview() -> ResponseReturnValue:
    return _render_your_data()


def _render_your_data(fault: str = "") -> str:
    session, me = db.session(), access.person()
    exports = exporting.exports_of(session, me, me.id)
    requests = session.scalars(
        select(ErasureRequest)
        .where(ErasureRequest.person_id == me.id)
        .order_by(ErasureRequest.asked_at.desc(), ErasureRequest.id)
        .limit(5)
    ).all()
    return render_template(
        "privacy/your_data.html",
        exports=exports,
        failed={one.id for one in exports if exporting.failed_exports(session, one)},
        requests=requests,
        pending=erasure_requests.pending_request(session, me.id),
        days=exporting.LASTS.days,
        faults=[fault] if fault else [],
        page_error=bool(fault),
    )


@bp.post("/export")
@requires(OWN)
def ask_export() -> ResponseReturnValue:
    with transaction() as session:
        me = access.person()
        exporting.request_export(session, me, me, now=access.now())
    flash(_("Your export is being made. Look again in a moment."))
    return redirect(url_for("privacy.overview"), 303)


@bp.get("/exports/<export_id>")
@requires(OWN)
def download(export_id: str) -> ResponseReturnValue:
    """The zip, for as long as it is kept."""
    try:
        with transaction() as session:
            export = load(PersonalExport, export_id, OWN, owner="person_id")
            key = exporting.fetch_export(session, access.person(), export, now=access.now())
            size = export.size
    except Refused as error:
        return _render_your_data(words(error)), 422
    return zipped(key, size, "your-data.zip")


def zipped(key: str, size: int | None, name: str) -> Response:
    """Stream a finished export."""
    response = Response(access.installation().files.read(key), mimetype="application/zip")
    downloads.attach(response, name)
    if size is not None:
        response.headers["Content-Length"] = str(size)
    return response


@bp.post("/erasure")
@requires(OWN)
def ask_erasure() -> ResponseReturnValue:
    """Ask to be erased, or take the request back."""

    def act(session: Session, form: ErasureForm) -> Done:
        me = access.person()
        pending = erasure_requests.pending_request(session, me.id)
        if form.act.data != "withdraw":
            erasure_requests.request_erasure(session, me, me, now=access.now())
            said = _("You have asked to be erased. An administrator answers within a month.")
        elif pending is not None:
            erasure_requests.withdraw_request(session, me, pending, now=access.now())
            said = _("Your request is taken back. Nothing was erased.")
        else:
            said = _("There is no request to take back.")
        return Done(url_for("privacy.overview") + "#erasure", said)

    return form_view(ErasureForm(), act)


@bp.get("/disclosures")
@requires(OWN)
def log() -> ResponseReturnValue:
    """To whom something of mine was given, on what ground."""
    pager = page_in(disclosures.disclosures_of(db.session(), access.person().id), page_number())
    return render_template("privacy/disclosures.html", lines=pager.entries, pager=pager)


@bp.get("/disclosures.csv")
@requires(OWN)
def log_csv() -> Response:
    rows = [
        (
            line.at.date().isoformat() if line.looks else line.at.isoformat(),
            str(DISCLOSED[line.what]),
            line.recipient,
            str(GROUNDS[line.ground]),
            line.times,
            line.note,
        )
        for line in disclosures.disclosures_of(db.session(), access.person().id)
    ]
    headings = ("when", "what", "to", "ground", "times", "note")
    return downloads.table("disclosures.csv", headings, rows)
