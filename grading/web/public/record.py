"""Checking one record: from a pasted id to its page."""

from dataclasses import replace

from flask import current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from grading.authorization.permissions import Permission
from grading.db import db
from grading.records import checking, sharing, verifying
from grading.web import access, reading
from grading.web.access import requires
from grading.web.entering import search_words
from grading.web.public import front
from grading.web.public.common import bp
from grading.workflow.credential import PublicStatus


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
