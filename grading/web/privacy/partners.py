"""Sending a record to a partner: who there is, what exactly would go, consent, and what became of it."""

import json
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import NotFound, Refused
from grading.models import CredentialRecord, Partner, PartnerConsent, Program
from grading.records import partners
from grading.records.queries import program_record
from grading.web import access
from grading.web.access import load, requires
from grading.web.errors import words
from grading.workflow.privacy import SendingState

bp = Blueprint("partners", __name__, url_prefix="/learn")

OWN = Permission.SIGNED_IN


def _program(program_id: str) -> Program:
    found = load(Program, program_id, OWN)
    if not program_record.learns_in(db.session(), program_id, access.person().id):
        raise NotFound("There is no such page.")
    return found


def _record(program: Program) -> CredentialRecord | None:
    return program_record.current_record(db.session(), program.id, access.person().id)


def _partner(program: Program, partner_id: str) -> Partner:
    found = load(Partner, partner_id, OWN)
    if found.sponsor_id != program.sponsor_id:
        raise NotFound("There is no such page.")
    return found


@bp.get("/programs/<program_id>/partners")
@requires(OWN)
def page(program_id: str) -> Any:
    """The sponsor's partners, and what was sent to whom."""
    program = _program(program_id)
    return render_template(
        "privacy/partners.html",
        program=program,
        record=_record(program),
        partners=partners.partners_of(db.session(), program.sponsor_id),
        history=partners.consents_of(db.session(), access.person().id, program_id),
    )


@bp.get("/programs/<program_id>/partners/<partner_id>")
@requires(OWN)
def offer(program_id: str, partner_id: str) -> Any:
    """Exactly what would be sent, before any consent."""
    return _offer(_program(program_id), partner_id)


def _offer(program: Program, partner_id: str, faults: list[str] | None = None) -> Any:
    session = db.session()
    partner = _partner(program, partner_id)
    if partner.ended_at is not None:
        raise NotFound("There is no such page.")
    record = _record(program)
    found = partners.offer_of(session, record, partner) if record is not None else None
    consent = partners.consent_in_force(session, access.person().id, partner.id)
    same = consent is not None and found is not None and consent.digest == found.digest
    last = consent.sendings[-1] if consent is not None and consent.sendings else None
    again = last is not None and last.state in (SendingState.FAILED, SendingState.UNKNOWN)
    shown = render_template(
        "privacy/partner.html",
        program=program,
        partner=partner,
        record=record,
        offer=found if found is not None and found.credentials else None,
        body=json.dumps(found.body, indent=2, ensure_ascii=False) if found is not None else "",
        consent=consent,
        same=same,
        last=last,
        again=same and again,
        may=not same or again or last is None,
        faults=faults or [],
        page_error=bool(faults),
    )
    return shown, 422 if faults else 200


@bp.post("/programs/<program_id>/partners/<partner_id>")
@requires(OWN)
def send(program_id: str, partner_id: str) -> Any:
    """Consent to this partner and this version, and have it sent."""
    program = _program(program_id)
    if request.form.get("consent") != "yes":
        return _offer(
            program, partner_id, [_("Tick the box if you consent; without it nothing is sent.")]
        )
    try:
        with transaction() as session:
            program = _program(program_id)
            record = _record(program)
            if record is None:
                raise NotFound("There is no such page.")
            partners.send_record(
                session,
                access.person(),
                record,
                _partner(program, partner_id),
                digest=request.form.get("digest", ""),
                now=access.now(),
            )
    except Refused as error:
        return _offer(_program(program_id), partner_id, [words(error)])
    flash(_("Your record is on its way. What becomes of it stands here."))
    return redirect(url_for("partners.page", program_id=program_id), 303)


@bp.post("/consents/<consent_id>/withdraw")
@requires(OWN)
def withdraw(consent_id: str) -> Any:
    with transaction() as session:
        consent = load(PartnerConsent, consent_id, OWN, owner="person_id")
        program_id = consent.record.program_id
        partners.withdraw_consent(session, access.person(), consent, now=access.now())
    flash(_("Your consent is withdrawn. Nothing more is sent to this partner."))
    return redirect(url_for("partners.page", program_id=program_id), 303)
