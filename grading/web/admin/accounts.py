"""Accounts of the whole service, for administrators."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from grading.cohorts import departures
from grading.db import db, transaction
from grading.errors import GradingError, NotFound, Refused
from grading.models import Membership, Person, Sponsor, SponsorMember
from grading.paging import page_of
from grading.people import accounts as people
from grading.people import passkeys, passwords
from grading.web import access
from grading.web.access import load, page_number, permit, requires
from grading.web.admin.common import PAGE, SERVICE, bp
from grading.web.errors import words
from grading.web.forms import Form

_needed = InputRequired(_l("This cannot be empty."))


class AccountForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [_needed, Length(max=200)])
    administrator = BooleanField(_l("Administrator of the service"))


@bp.get("/accounts")
@requires(SERVICE)
def accounts() -> ResponseReturnValue:
    permit(SERVICE)
    return _page()


def _page(form: AccountForm | None = None) -> ResponseReturnValue:
    session = db.session()
    form = form or AccountForm(formdata=None)
    text = request.args.get("text", "").strip()
    wanted = []
    if text:
        like = f"%{text.lower()}%"
        wanted.append(or_(func.lower(Person.name).like(like), Person.email.like(like)))
    if request.args.get("closed"):
        wanted.append(Person.active.is_(False))
    statement = select(Person).where(*wanted).order_by(Person.name, Person.email)
    pager = page_of(session, statement, page_number())
    page = render_template(
        "admin/accounts.html",
        people=pager.entries,
        text=text,
        closed=bool(request.args.get("closed")),
        pager=pager,
        form=form,
        page_error=bool(form.errors),
    )
    return page, 422 if form.errors else 200


@bp.post("/accounts")
@requires(SERVICE)
def add_account() -> ResponseReturnValue:
    permit(SERVICE)
    form = AccountForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                made = people.create_account(
                    session,
                    access.person(),
                    email=form.email.data,
                    name=form.name.data,
                    administrator=form.administrator.data,
                    now=access.now(),
                )
                people.invite(session, made, now=access.now())
                person_id = made.id
            flash(_("The account is made. The invitation goes out by mail."))
            return redirect(url_for("admin.account", person_id=person_id), 303)
        except GradingError as error:
            form.email.errors = [*form.email.errors, words(error)]
    return _page(form)


@bp.route("/accounts/<person_id>", methods=["GET", "POST"])
@requires(SERVICE)
def account(person_id: str) -> ResponseReturnValue:
    """One account: its parts, closing it, opening it, a way back in."""
    faults: list[str] = []
    if request.method == "POST":
        try:
            with transaction():
                said = _act(load(Person, person_id, SERVICE), request.form.get("act", ""))
            flash(said)
            return redirect(url_for("admin.account", person_id=person_id), 303)
        except Refused as error:
            faults = [words(error)]
    found = load(Person, person_id, SERVICE)
    session = db.session()
    parts = session.scalars(
        select(Membership)
        .where(Membership.person_id == found.id)
        .options(selectinload(Membership.cohort))
        .order_by(Membership.since.desc())
        .limit(PAGE)
    )
    offices = session.scalars(
        select(Sponsor)
        .join(SponsorMember, SponsorMember.sponsor_id == Sponsor.id)
        .where(SponsorMember.person_id == found.id, SponsorMember.ended_at.is_(None))
        .order_by(Sponsor.name)
    )
    page = render_template(
        "admin/account.html",
        found=found,
        parts=list(parts),
        offices=list(offices),
        passkeys=passkeys.passkeys_of(session, found),
        own=found.id == access.person().id,
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


def _act(found: Person, act: str) -> str:
    session, actor, now = db.session(), access.person(), access.now()
    if act == "close":
        reason = request.form.get("reason", "")
        departures.close_account(session, actor, found, reason=reason, now=now)
        return _(
            "The account is closed, every sign-in has ended, and what it held to read goes to others."
        )
    if act == "open":
        people.reactivate(session, actor, found, now=now)
        return _("The account is open again.")
    if act == "reset":
        passwords.request_reset(session, found.email, now=now)
        return _("A way back in goes out by mail.")
    if act in ("administrator", "no_administrator"):
        people.set_administrator(session, actor, found, act == "administrator", now=now)
        return _("The account is changed, and every sign-in has ended.")
    if act == "passkey":
        key, reason = request.form.get("passkey", ""), request.form.get("reason", "")
        passkeys.help_out(session, actor, found, key, reason=reason, now=now)
        return _("The passkey is removed. Its owner is told by mail.")
    raise NotFound("There is no such page.")
