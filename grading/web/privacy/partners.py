"""Sending a record to a partner: who there is, what exactly would go, consent, and what became of it."""

import json

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField
from wtforms.validators import InputRequired

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import NotFound
from grading.models import CredentialRecord, Partner, PartnerConsent, Program
from grading.records import partners
from grading.records.queries import program_record
from grading.web import access
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view
from grading.workflow.privacy import SendingState

bp = Blueprint("partners", __name__, url_prefix="/learn")

OWN = Permission.SIGNED_IN


class ConsentForm(Form):
    digest = HiddenField()
    consent = BooleanField(
        validators=[InputRequired(_l("Tick the box if you consent; without it nothing is sent."))]
    )


def _program(program_id: str) -> Program:
    program = load(Program, program_id, OWN)
    if not program_record.learns_in(db.session(), program_id, access.person().id):
        raise NotFound("There is no such page.")
    return program


def _record(program: Program) -> CredentialRecord | None:
    return program_record.current_record(db.session(), program.id, access.person().id)


def _partner(program: Program, partner_id: str) -> Partner:
    partner = load(Partner, partner_id, OWN)
    if partner.sponsor_id != program.sponsor_id:
        raise NotFound("There is no such page.")
    return partner


@bp.get("/programs/<program_id>/partners")
@requires(OWN)
def page(program_id: str) -> ResponseReturnValue:
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
def offer(program_id: str, partner_id: str) -> ResponseReturnValue:
    """Exactly what would be sent, before any consent."""
    return _render_offer(program_id, partner_id, ConsentForm.blank())


def _render_offer(program_id: str, partner_id: str, form: ConsentForm) -> str:
    session = db.session()
    program = _program(program_id)
    partner = _partner(program, partner_id)
    if partner.ended_at is not None:
        raise NotFound("There is no such page.")
    record = _record(program)
    offer = partners.offer_of(session, record, partner) if record is not None else None
    consent = partners.consent_in_force(session, access.person().id, partner.id)
    same = consent is not None and offer is not None and consent.digest == offer.digest
    last = consent.sendings[-1] if consent is not None and consent.sendings else None
    again = last is not None and last.state in (SendingState.FAILED, SendingState.UNKNOWN)
    return render_template(
        "privacy/partner.html",
        program=program,
        partner=partner,
        record=record,
        offer=offer if offer is not None and offer.credentials else None,
        body=json.dumps(offer.body, indent=2, ensure_ascii=False) if offer is not None else "",
        consent=consent,
        same=same,
        last=last,
        again=same and again,
        may=not same or again or last is None,
        form=form,
    )


@bp.post("/programs/<program_id>/partners/<partner_id>")
@requires(OWN)
def send(program_id: str, partner_id: str) -> ResponseReturnValue:
    """Consent to this partner and this version, and have it sent."""
    _program(program_id)

    def act(session: Session, form: ConsentForm) -> Done:
        program = _program(program_id)
        record = _record(program)
        if record is None:
            raise NotFound("There is no such page.")
        partners.send_record(
            session,
            access.person(),
            record,
            _partner(program, partner_id),
            digest=form.digest.data,
            now=access.now(),
        )
        return Done(
            url_for("partners.page", program_id=program_id),
            _("Your record is on its way. What becomes of it stands here."),
        )

    def show(form: ConsentForm) -> str:
        return _render_offer(program_id, partner_id, form)

    return form_view(ConsentForm(), act, show, refused_at="consent")


@bp.post("/consents/<consent_id>/withdraw")
@requires(OWN)
def withdraw(consent_id: str) -> ResponseReturnValue:
    with transaction() as session:
        consent = load(PartnerConsent, consent_id, OWN, owner="person_id")
        program_id = consent.record.program_id
        partners.withdraw_consent(session, access.person(), consent, now=access.now())
    flash(_("Your consent is withdrawn. Nothing more is sent to this partner."))
    return redirect(url_for("partners.page", program_id=program_id), 303)
