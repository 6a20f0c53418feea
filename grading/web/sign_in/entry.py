"""Signing in and out, and where everybody lands."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, logout_user
from sqlalchemy.orm import Session
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound
from grading.office import needs
from grading.people import accounts, passwords, sign_ins
from grading.web import access
from grading.web.access import requires
from grading.web.forms import Done, Form, form_view
from grading.web.sign_in import doors
from grading.web.sign_in.common import bp, entering, known_devices, note, page_here


class SignInForm(Form):
    email = EmailField(_l("E-mail address"), [InputRequired(_l("Enter your e-mail address."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])


@bp.get("/")
@requires(Permission.SIGNED_OUT)
def home() -> ResponseReturnValue:
    """What waits for me, in all my parts, by its date; or when what comes next."""
    if not current_user.is_authenticated:
        if doors.has_doors():
            return redirect(url_for("demo.doors"))
        return redirect(url_for("sign_in.form"))
    session = db.session()
    me = needs.parts_of(session, access.person())
    waiting = needs.needs_of(session, me, now=access.now())
    return render_template(
        "sign_in/home.html",
        waiting=[need for need in waiting if not need.optional],
        optional=[need for need in waiting if need.optional],
        coming=needs.dates_to_come(session, me, now=access.now()),
    )


@bp.route("/sign-in", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def form() -> ResponseReturnValue:
    def act(session: Session, entry: SignInForm) -> Done | FaultsFound:
        person = passwords.sign_in_with_password(
            session,
            entry.email.data,
            entry.password.data,
            address=request.remote_addr or "",
            devices=known_devices(),
            hasher=access.installation().hasher,
            now=access.now(),
        )
        if person is None:
            tried = accounts.look_up(session, entry.email.data)
            note("sign_in_failed", tried.id if tried else None)
            return FaultsFound([Fault("password", "That email and password do not match.")])
        return Done(page_here(request.args.get("next")), then=entering(session, person))

    def show(entry: SignInForm) -> str:
        settings = access.installation().settings.openid
        return render_template(
            "sign_in/form.html", form=entry, institution=settings.name if settings else ""
        )

    return form_view(SignInForm(), act, show, refused_at="password")


@bp.post("/sign-out")
@requires(Permission.SIGNED_OUT)
def sign_out() -> ResponseReturnValue:
    if current_user.is_authenticated:
        with transaction() as session:
            sign_ins.end_sign_in(session, current_user.token)
        note("sign_out", current_user.id)
    return _signed_out(_("You are signed out."))


@bp.post("/sign-out/everywhere")
@requires(Permission.SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    """End every sign-in of mine, on other devices too, and every link that was mailed to me."""
    with transaction() as session:
        sign_ins.sign_out_everywhere(session, access.person(), now=access.now())
    return _signed_out(_("You are signed out on every device."))


def _signed_out(message: str) -> ResponseReturnValue:
    logout_user()
    flash(message)
    return redirect(url_for("sign_in.form"), 303)
