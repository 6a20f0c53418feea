"""Checking one record: from a pasted id to its page."""

from flask import current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import NotFound
from grading.models import IssuedCredential, Program
from grading.records import checking, sharing
from grading.records.showing import ShownRecord
from grading.web import reading
from grading.web.access import requires
from grading.web.entering import search_words
from grading.web.public import files, front, looks
from grading.web.public.common import bp
from grading.workflow.credential import PublicStatus, RecordFact


@bp.get("/verify")
@requires(Permission.SIGNED_OUT)
def verify() -> ResponseReturnValue:
    """Lead from a pasted id to its page; dashes and spaces around it do no harm."""
    given = search_words("id")
    if public_id := sharing.id_in(given):
        # A single credential's address leads to its own page, anything else to a record's.
        if "/credentials/" in given:
            return redirect(url_for("issued.credential", credential_id=public_id))
        return redirect(url_for("public.record", public_id=public_id))
    return render_template("public/verify.html")


@bp.get("/verify/<public_id>")
@requires(Permission.SIGNED_OUT)
def record(public_id: str) -> ResponseReturnValue:
    """Check a shared record in front of the reader.

    Hidden and unknown are one answer, and that we cannot check is never “not valid”.
    """
    return front.checked(public_id, lambda: _record_page(public_id))


def _record_page(public_id: str) -> str:
    address = sharing.find(db.session(), public_id)
    shown = reading.shown_records([address])[public_id]
    if shown.status == PublicStatus.BROKEN:
        current_app.logger.error("the stored record %s is not what was signed", address.record.id)
    return render_record(shown, address.record.program)


def render_record(shown: ShownRecord, program: Program, *, preview: bool = False) -> str:
    """Render the page of a record: for its readers, and for its owner who wants to see it as they do."""
    capstone = shown.capstone
    likely, likely_words = None, ""
    if capstone is not None and capstone.value is not None:
        value, evidence = float(capstone.value), capstone.evidence
        scale = [(band.low, band.name) for band in capstone.bands]
        likely = reading.likely_range(value, evidence["standard_error"])
        likely_words = reading.likely_words(value, evidence, scale)
    judged = capstone is not None and RecordFact.JUDGED in shown.shows
    return render_template(
        "public/record.html",
        shown=shown,
        preview=preview,
        verdict=shown.verdict,
        program_id=program.id,
        sponsor_id=program.sponsor_id,
        files=[
            (one.title, *_places(shown, one.credential.id, preview=preview)) for one in shown.files
        ],
        keys_here=checking.keys_here(shown.verdict.checked),
        judged=reading.who_judged(capstone.evidence) if capstone and judged else "",
        likely=likely,
        likely_words=likely_words,
    )


def _places(shown: ShownRecord, credential_id: str, *, preview: bool) -> tuple[str, str]:
    """Give where a reader fetches the signed document and token; the owner fetches their own."""
    if preview:
        return (
            url_for("credentials.document", credential_id=credential_id),
            url_for("credentials.token", credential_id=credential_id),
        )
    at = shown.public_id
    return (
        url_for("public.shared_document", public_id=at, credential_id=credential_id),
        url_for("public.shared_token", public_id=at, credential_id=credential_id),
    )


def _shared_file(public_id: str, credential_id: str) -> IssuedCredential:
    """Find a signed file that an address shows; hidden and unknown are alike."""
    address = sharing.find(db.session(), public_id)
    shown = reading.shown_records([address], whole=False)[public_id]
    for checked in shown.files:
        if checked.credential.id == credential_id:
            return checked.credential
    raise NotFound("We cannot find that credential.")


@bp.get("/verify/<public_id>/<credential_id>/document")
@requires(Permission.SIGNED_OUT)
def shared_document(public_id: str, credential_id: str) -> ResponseReturnValue:
    """The signed document, at an address that shows the signed files."""
    answer = files.document(_shared_file(public_id, credential_id))
    looks.count([credential_id])
    return answer


@bp.get("/verify/<public_id>/<credential_id>/token")
@requires(Permission.SIGNED_OUT)
def shared_token(public_id: str, credential_id: str) -> ResponseReturnValue:
    """The same as a token."""
    answer = files.token(_shared_file(public_id, credential_id))
    looks.count([credential_id])
    return answer
