"""Accounts of the whole service, for administrators."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length

from grading.cohorts import departures, parts
from grading.db import db
from grading.errors import NotFound
from grading.models import Membership, Person, Sponsor, SponsorMember
from grading.paging import page_of
from grading.people import accounts, passkeys, passwords
from grading.web import access, downloads
from grading.web.access import load, permit, requires
from grading.web.admin.common import PAGE, SERVICE, bp
from grading.web.entering import page_number, search_words
from grading.web.forms import HEAD, Done, Form, form_view

_needed = InputRequired(_l("This cannot be empty."))


class AccountForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [_needed, Length(max=200)])
    administrator = BooleanField(_l("Administrator of the service"))


class AccountActForm(Form):
    """What is done to an account: a button's word, or one with a reason."""

    act = HiddenField()
    passkey = HiddenField()
    reason = StringField(_l("Reason"))


@bp.get("/accounts", endpoint="accounts")
@requires(SERVICE)
def list_accounts() -> ResponseReturnValue:
    permit(SERVICE)
    return render_accounts(AccountForm.blank())


def render_accounts(form: AccountForm) -> str:
    text = search_words()
    wanted = []
    if text:
        like = f"%{text.lower()}%"
        wanted.append(or_(func.lower(Person.name).like(like), Person.email.like(like)))
    if request.args.get("closed"):
        wanted.append(Person.active.is_(False))
    statement = select(Person).where(*wanted).order_by(Person.name, Person.email)
    pager = page_of(db.session(), statement, page_number())
    return render_template(
        "admin/accounts.html",
        people=pager.entries,
        text=text,
        closed=bool(request.args.get("closed")),
        pager=pager,
        form=form,
    )


@bp.post("/accounts")
@requires(SERVICE)
def add_account() -> ResponseReturnValue:
    permit(SERVICE)

    def act(session: Session, form: AccountForm) -> Done:
        person = accounts.create_account(
            session,
            access.person(),
            email=form.email.data,
            name=form.name.data,
            administrator=form.administrator.data,
            now=access.now(),
        )
        accounts.invite(session, person, now=access.now())
        return Done(
            url_for("admin.account", person_id=person.id),
            _("The account is made. The invitation goes out by mail."),
            *downloads.printing_note(person.name),
        )

    return form_view(AccountForm(), act, render_accounts, refused_at="email")


@bp.route("/accounts/<person_id>", methods=["GET", "POST"])
@requires(SERVICE)
def account(person_id: str) -> ResponseReturnValue:
    """One account: its parts, closing it, opening it, a way back in."""

    def act(session: Session, form: AccountActForm) -> Done:
        message = _change_account(session, load(Person, person_id, SERVICE), form)
        return Done(url_for("admin.account", person_id=person_id), message)

    def show(form: AccountActForm) -> str:
        return render_account(load(Person, person_id, SERVICE), form)

    return form_view(AccountActForm(), act, show, refused_at=HEAD)


def render_account(person: Person, form: AccountActForm) -> str:
    """Render an account; each act that asks for a reason has a form, with what was typed in it."""

    def reason_form(act: str, passkey: str = "") -> AccountActForm:
        refused = (form.act.data, form.passkey.data) == (act, passkey)
        return AccountActForm.blank(
            ids=f"{passkey or act}-",
            act=act,
            passkey=passkey,
            reason=form.reason.data if refused else "",
        )

    session = db.session()
    parts = session.scalars(
        select(Membership)
        .where(Membership.person_id == person.id)
        .options(selectinload(Membership.cohort))
        .order_by(Membership.since.desc())
        .limit(PAGE)
    )
    offices = session.scalars(
        select(Sponsor)
        .join(SponsorMember, SponsorMember.sponsor_id == Sponsor.id)
        .where(SponsorMember.person_id == person.id, SponsorMember.ended_at.is_(None))
        .order_by(Sponsor.name)
    )
    return render_template(
        "admin/account.html",
        person=person,
        parts=list(parts),
        offices=list(offices),
        passkeys=[
            (passkey, reason_form("passkey", passkey.id))
            for passkey in passkeys.passkeys_of(session, person)
        ],
        closing=reason_form("close"),
        own=person.id == access.person().id,
        form=form,
    )


def _change_account(session: Session, person: Person, form: AccountActForm) -> str:
    """Do what a form asks for; give the words for it."""
    actor, now, reason = access.person(), access.now(), form.reason.data
    match form.act.data:
        case "close":
            departures.close_account(session, actor, person, reason=reason, now=now)
            return _(
                "The account is closed, every sign-in has ended, and what it held to read goes to others."
            )
        case "open":
            parts.open_account(session, actor, person, now=now)
            return _("The account is open again.")
        case "reset":
            passwords.request_reset(session, person.email, now=now)
            return _("A way back in goes out by mail.")
        case "administrator" | "no_administrator":
            administrator = form.act.data == "administrator"
            accounts.set_administrator(session, actor, person, administrator, now=now)
            return _("The account is changed, and every sign-in has ended.")
        case "passkey":
            passkeys.help_out(session, actor, person, form.passkey.data, reason=reason, now=now)
            return _("The passkey is removed. Its owner is told by mail.")
    raise NotFound("There is no such page.")
