"""A sponsor's partners: whom its learners can have their credentials sent to."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.db import db, transaction
from grading.errors import FaultsFound, NotFound
from grading.models import Partner, Sponsor
from grading.records import partners
from grading.web import access
from grading.web.access import load, requires
from grading.web.admin.common import SERVICE, bp, by_field
from grading.workflow.privacy import PartnerGets, PartnerKind


@bp.route("/sponsors/<sponsor_id>/partners", methods=["GET", "POST"])
@requires(SERVICE)
def sponsor_partners(sponsor_id: str) -> Any:
    """The list, and one more."""
    faults: dict[str, str] = {}
    if request.method == "POST":
        try:
            with transaction() as session:
                given = ("name", "kind", "address", "gets", "pathway")
                partners.make_partner(
                    session,
                    access.person(),
                    load(Sponsor, sponsor_id, SERVICE),
                    **{name: request.form.get(name, "") for name in given},
                    gateway=access.installation().partners,
                    now=access.now(),
                )
            flash(_("The partner is on the list. Learners decide for themselves."))
            return redirect(url_for("admin.sponsor_partners", sponsor_id=sponsor_id), 303)
        except FaultsFound as found:
            faults = by_field(found)
    page = render_template(
        "admin/partners.html",
        sponsor=load(Sponsor, sponsor_id, SERVICE),
        partners=partners.partners_of(db.session(), sponsor_id),
        kinds=list(PartnerKind),
        gets=list(PartnerGets),
        entered=request.form,
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.post("/sponsors/<sponsor_id>/partners/<partner_id>/end")
@requires(SERVICE)
def end_partner(sponsor_id: str, partner_id: str) -> Any:
    with transaction() as session:
        partner = load(Partner, partner_id, SERVICE)
        if partner.sponsor_id != sponsor_id:
            raise NotFound("There is no such page.")
        partners.end_partner(session, access.person(), partner, now=access.now())
    flash(_("The partner is off the list. Nothing more is sent there."))
    return redirect(url_for("admin.sponsor_partners", sponsor_id=sponsor_id), 303)
