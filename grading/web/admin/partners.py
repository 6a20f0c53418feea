"""A sponsor's partners: whom its learners can have their credentials sent to."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField

from grading.db import db, transaction
from grading.errors import NotFound
from grading.models import Partner, Sponsor
from grading.records import partners
from grading.web import access
from grading.web.access import load, requires
from grading.web.admin.common import SERVICE, bp
from grading.web.forms import Done, Form, form_view, options, radio
from grading.web.privacy.words import GETS, PARTNER_KINDS
from grading.workflow.privacy import PartnerGets, PartnerKind


class PartnerForm(Form):
    name = StringField(_l("Name"))
    kind = radio(
        _l("How it is sent"),
        default=next(iter(PartnerKind)),
        choices=options((kind, PARTNER_KINDS[kind]) for kind in PartnerKind),
    )
    address = StringField(_l("Address"))
    gets = radio(
        _l("What they get"),
        default=next(iter(PartnerGets)),
        choices=options((what, GETS[what]) for what in PartnerGets),
    )
    pathway = TextAreaField(_l("What they do with it"))


@bp.route("/sponsors/<sponsor_id>/partners", methods=["GET", "POST"])
@requires(SERVICE)
def sponsor_partners(sponsor_id: str) -> ResponseReturnValue:
    """The list, and one more."""

    def act(session: Session, form: PartnerForm) -> Done:
        partners.make_partner(
            session,
            access.person(),
            load(Sponsor, sponsor_id, SERVICE),
            name=form.name.data,
            kind=form.kind.data,
            address=form.address.data,
            gets=form.gets.data,
            pathway=form.pathway.data,
            gateway=access.installation().partners,
            now=access.now(),
        )
        return Done(
            url_for("admin.sponsor_partners", sponsor_id=sponsor_id),
            _("The partner is on the list. Learners decide for themselves."),
        )

    def show(form: PartnerForm) -> str:
        return render_template(
            "admin/partners.html",
            sponsor=load(Sponsor, sponsor_id, SERVICE),
            partners=partners.partners_of(db.session(), sponsor_id),
            form=form,
        )

    return form_view(PartnerForm(), act, show)


@bp.post("/sponsors/<sponsor_id>/partners/<partner_id>/end")
@requires(SERVICE)
def end_partner(sponsor_id: str, partner_id: str) -> ResponseReturnValue:
    with transaction() as session:
        partner = load(Partner, partner_id, SERVICE)
        if partner.sponsor_id != sponsor_id:
            raise NotFound("There is no such page.")
        partners.end_partner(session, access.person(), partner, now=access.now())
    flash(_("The partner is off the list. Nothing more is sent there."))
    return redirect(url_for("admin.sponsor_partners", sponsor_id=sponsor_id), 303)
