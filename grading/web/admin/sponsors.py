"""Sponsors: what stands on their credentials, and who works in their program office."""

import secrets
from functools import partial
from io import BytesIO

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import Sponsor, SponsorMember
from grading.people import sponsors
from grading.web import access
from grading.web.access import load, permit, requires
from grading.web.admin.common import PROGRAM, SERVICE, UploadForm, bp
from grading.web.forms import Done, Form, form_view, several, yes_field
from grading.workflow import files

_needed = InputRequired(_l("This cannot be empty."))


class SponsorForm(Form):
    name = StringField(_l("Name of the sponsor"), [_needed, Length(max=sponsors.LONGEST_NAME)])


class IssuerForm(SponsorForm):
    issuer_name = StringField(_l("Name on credentials"), [Length(max=sponsors.LONGEST_NAME)])
    signatory = several()
    title = several()

    @property
    def signatories(self) -> list[tuple[str, str]]:
        """Give the rows as they were written: a name and a title."""
        return list(zip(self.signatory.data, self.title.data, strict=False))


class LogoForm(UploadForm):
    file = FileField(_l("Picture"), render_kw={"accept": ".png,.jpg,.jpeg"})
    remove = yes_field()


class SponsorMemberForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [Length(max=200)])


@bp.route("/sponsors/new", methods=["GET", "POST"])
@requires(SERVICE)
def new_sponsor() -> ResponseReturnValue:
    permit(SERVICE)

    def act(session: Session, form: SponsorForm) -> Done:
        sponsor = sponsors.create_sponsor(
            session, access.person(), name=form.name.data, now=access.now()
        )
        return Done(url_for("admin.sponsor", sponsor_id=sponsor.id))

    def show(form: SponsorForm) -> str:
        return render_template("admin/new_sponsor.html", form=form)

    return form_view(SponsorForm(), act, show)


@bp.route("/sponsors/<sponsor_id>", methods=["GET", "POST"])
@requires(PROGRAM)
def sponsor(sponsor_id: str) -> ResponseReturnValue:
    """The issuer and those who sign; the logo and the program office."""

    def act(session: Session, form: IssuerForm) -> Done:
        sponsors.revise_sponsor(
            session,
            access.person(),
            load(Sponsor, sponsor_id, PROGRAM),
            name=form.name.data,
            issuer_name=form.issuer_name.data or "",
            signatories=[row for row in form.signatories if any(cell.strip() for cell in row)],
            now=access.now(),
        )
        return Done(
            url_for("admin.sponsor", sponsor_id=sponsor_id),
            _("The sponsor is saved. Credentials that are out keep what they say."),
        )

    def show(form: IssuerForm) -> str:
        return render_sponsor(sponsor_id, form=form)

    return form_view(IssuerForm(obj=load(Sponsor, sponsor_id, PROGRAM)), act, show)


def render_sponsor(
    sponsor_id: str,
    *,
    form: IssuerForm | None = None,
    logo: LogoForm | None = None,
    member: SponsorMemberForm | None = None,
) -> str:
    sponsor = load(Sponsor, sponsor_id, PROGRAM)
    form = form or IssuerForm.blank(obj=sponsor)
    rows = form.signatories or [(item["name"], item["title"]) for item in sponsor.signatories]
    rows += [("", "")] * (sponsors.MOST_SIGNATORIES - len(rows))
    members = db.session.scalars(
        select(SponsorMember)
        .where(SponsorMember.sponsor_id == sponsor.id, SponsorMember.ended_at.is_(None))
        .options(selectinload(SponsorMember.person))
        .order_by(SponsorMember.since)
    )
    return render_template(
        "admin/sponsor.html",
        sponsor=sponsor,
        form=form,
        signatories=rows,
        logo=logo or LogoForm.blank(ids="logo-"),
        member=member or SponsorMemberForm.blank(ids="member-"),
        members=list(members),
        manages=access.person().administrator,
        largest=sponsors.LARGEST_LOGO // 1000,
    )


@bp.post("/sponsors/<sponsor_id>/logo")
@requires(PROGRAM)
def logo(sponsor_id: str) -> ResponseReturnValue:
    """Put a picture in place of the logo, or take it away; its content is looked at first."""

    def act(session: Session, form: LogoForm) -> Done:
        sponsor = load(Sponsor, sponsor_id, PROGRAM)
        key, kind = (None, None) if form.remove.data else _keep_picture(sponsor_id, form)
        former_key = sponsors.set_logo(
            session, access.person(), sponsor, key=key, kind=kind, now=access.now()
        )
        store = access.installation().files
        return Done(
            url_for("admin.sponsor", sponsor_id=sponsor_id),
            _("The logo is removed.") if key is None else _("The logo is saved."),
            then=None if former_key is None else partial(store.delete, former_key),
        )

    def show(form: LogoForm) -> str:
        return render_sponsor(sponsor_id, logo=form)

    return form_view(LogoForm(ids="logo-"), act, show, refused_at="file")


def _keep_picture(sponsor_id: str, form: LogoForm) -> tuple[str, str]:
    """Check the picture that was sent, and keep it under a key of its own."""
    if not form.file.data:
        raise FaultsFound([Fault("file", "Choose a picture first.")])
    data = form.read(sponsors.LARGEST_LOGO)
    kind = files.check(form.file.data.filename, BytesIO(data), len(data))
    if not kind.is_image:
        raise Refused("The logo must be a PNG or JPEG picture.")
    key = f"sponsors/{sponsor_id}/{secrets.token_urlsafe(12)}"
    access.installation().files.put(key, [data], limit=sponsors.LARGEST_LOGO)
    return key, kind.suffix


@bp.post("/sponsors/<sponsor_id>/members")
@requires(SERVICE)
def add_sponsor_member(sponsor_id: str) -> ResponseReturnValue:
    permit(SERVICE)

    def act(session: Session, form: SponsorMemberForm) -> Done:
        sponsors.add_member(
            session,
            access.person(),
            load(Sponsor, sponsor_id, SERVICE),
            email=form.email.data,
            name=form.name.data,
            now=access.now(),
        )
        return Done(
            url_for("admin.sponsor", sponsor_id=sponsor_id),
            _("They run this sponsor’s programs from now on."),
        )

    def show(form: SponsorMemberForm) -> str:
        return render_sponsor(sponsor_id, member=form)

    return form_view(SponsorMemberForm(ids="member-"), act, show, refused_at="email")


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
