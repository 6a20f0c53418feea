"""Sponsors: what stands on their credentials, and who works in their program office."""

import secrets
from io import BytesIO

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, GradingError, NotFound, Refused
from grading.models import Sponsor, SponsorMember
from grading.people import sponsors
from grading.web import access
from grading.web.access import load, permit, requires
from grading.web.admin.common import PROGRAM, SERVICE, bp, listed, sent_bytes
from grading.web.errors import words
from grading.web.forms import Form
from grading.workflow import files

_needed = InputRequired(_l("This cannot be empty."))


class SponsorForm(Form):
    name = StringField(_l("Name of the sponsor"), [_needed, Length(max=sponsors.LONGEST_NAME)])


class IssuerForm(SponsorForm):
    issuer_name = StringField(_l("Name on credentials"), [Length(max=sponsors.LONGEST_NAME)])


class MemberForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [Length(max=200)])


@bp.route("/sponsors/new", methods=["GET", "POST"])
@requires(SERVICE)
def new_sponsor() -> ResponseReturnValue:
    permit(SERVICE)
    form = SponsorForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                made = sponsors.create_sponsor(
                    session, access.person(), name=form.name.data, now=access.now()
                )
                sponsor_id = made.id
            return redirect(url_for("admin.sponsor", sponsor_id=sponsor_id), 303)
        except FaultsFound as found:
            form.take(found)
    page = render_template("admin/new_sponsor.html", form=form, page_error=bool(form.errors))
    return page, 422 if form.errors else 200


@bp.route("/sponsors/<sponsor_id>", methods=["GET", "POST"])
@requires(PROGRAM)
def sponsor(sponsor_id: str) -> ResponseReturnValue:
    """The issuer and those who sign; the logo and the program office."""
    found = load(Sponsor, sponsor_id, PROGRAM)
    form = IssuerForm(obj=found)
    signed = list(
        zip(request.form.getlist("signatory"), request.form.getlist("title"), strict=False)
    )
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            with transaction() as session:
                sponsors.revise_sponsor(
                    session,
                    access.person(),
                    load(Sponsor, sponsor_id, PROGRAM),
                    name=form.name.data,
                    issuer_name=form.issuer_name.data or "",
                    signatories=[row for row in signed if any(cell.strip() for cell in row)],
                    now=access.now(),
                )
            flash(_("The sponsor is saved. Credentials that are out keep what they say."))
            return redirect(url_for("admin.sponsor", sponsor_id=sponsor_id), 303)
        except FaultsFound as error:
            faults = form.take(error)
    return _page(sponsor_id, form=form, signed=signed, faults=faults)


def _page(
    sponsor_id: str,
    *,
    form: IssuerForm | None = None,
    signed: list[tuple[str, str]] | None = None,
    member: MemberForm | None = None,
    faults: list[str] | None = None,
) -> ResponseReturnValue:
    found = load(Sponsor, sponsor_id, PROGRAM)
    form = form or IssuerForm(formdata=None, obj=found)
    member = member or MemberForm(formdata=None)
    rows = signed or [(item["name"], item["title"]) for item in found.signatories]
    rows += [("", "")] * (sponsors.MOST_SIGNATORIES - len(rows))
    members = db.session.scalars(
        select(SponsorMember)
        .where(SponsorMember.sponsor_id == found.id, SponsorMember.ended_at.is_(None))
        .options(selectinload(SponsorMember.person))
        .order_by(SponsorMember.since)
    )
    failed = bool(form.errors or member.errors or faults)
    page = render_template(
        "admin/sponsor.html",
        sponsor=found,
        form=form,
        signatories=rows,
        member=member,
        members=list(members),
        manages=access.person().administrator,
        largest=sponsors.LARGEST_LOGO // 1000,
        faults=faults or [],
        page_error=failed,
    )
    return page, 422 if failed else 200


@bp.post("/sponsors/<sponsor_id>/logo")
@requires(PROGRAM)
def logo(sponsor_id: str) -> ResponseReturnValue:
    """Put a picture in place of the logo, or take it away; its content is looked at first."""
    load(Sponsor, sponsor_id, PROGRAM)
    store = access.installation().files
    key = kind = None
    try:
        if not request.form.get("remove"):
            key, kind = _keep_picture(sponsor_id)
        with transaction() as session:
            before = sponsors.set_logo(
                session,
                access.person(),
                load(Sponsor, sponsor_id, PROGRAM),
                key=key,
                kind=kind,
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(sponsor_id, faults=listed(found))
    except Refused as error:
        return _page(sponsor_id, faults=[words(error)])
    if before is not None:
        store.delete(before)
    flash(_("The logo is removed.") if key is None else _("The logo is saved."))
    return redirect(url_for("admin.sponsor", sponsor_id=sponsor_id), 303)


def _keep_picture(sponsor_id: str) -> tuple[str, str]:
    """Check the picture that was sent, and keep it under a key of its own."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise FaultsFound([Fault("", "Choose a picture first.")])
    data = sent_bytes(sponsors.LARGEST_LOGO)
    kind = files.check(sent.filename, BytesIO(data), len(data))
    if not kind.is_image:
        raise Refused("The logo must be a PNG or JPEG picture.")
    key = f"sponsors/{sponsor_id}/{secrets.token_urlsafe(12)}"
    access.installation().files.put(key, [data], limit=sponsors.LARGEST_LOGO)
    return key, kind.suffix


@bp.post("/sponsors/<sponsor_id>/members")
@requires(SERVICE)
def add_sponsor_member(sponsor_id: str) -> ResponseReturnValue:
    permit(SERVICE)
    form = MemberForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                sponsors.add_member(
                    session,
                    access.person(),
                    load(Sponsor, sponsor_id, SERVICE),
                    email=form.email.data,
                    name=form.name.data or "",
                    now=access.now(),
                )
            flash(_("They run this sponsor’s programs from now on."))
            return redirect(url_for("admin.sponsor", sponsor_id=sponsor_id), 303)
        except GradingError as error:
            if isinstance(error, NotFound):
                raise
            form.email.errors = [*form.email.errors, words(error)]
    return _page(sponsor_id, member=form)


@bp.post("/sponsors/<sponsor_id>/members/<member_id>/end")
@requires(SERVICE)
def end_sponsor_member(sponsor_id: str, member_id: str) -> ResponseReturnValue:
    with transaction() as session:
        member = load(SponsorMember, member_id, SERVICE)
        if member.sponsor_id != sponsor_id:
            raise NotFound("There is no such page.")
        sponsors.end_member(session, access.person(), member, now=access.now())
    flash(_("They no longer see this sponsor’s programs."))
    return redirect(url_for("admin.sponsor", sponsor_id=sponsor_id), 303)
