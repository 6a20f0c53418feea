"""Signing in and out, the way back in, preferences, and where everybody lands."""

from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user, logout_user
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import FaultsFound, Refused, TooMany
from grading.office import needs
from grading.people import accounts, passwords
from grading.records import reissues
from grading.web import access
from grading.web.access import requires
from grading.web.errors import words
from grading.web.forms import Form, options
from grading.web.sign_in import doors, openid, passkeys
from grading.web.sign_in.landing import local

bp = Blueprint("sign_in", __name__)


class SignInForm(Form):
    email = EmailField(_l("E-mail address"), [InputRequired(_l("Enter your e-mail address."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])


class ForgotForm(Form):
    email = EmailField(_l("E-mail address"), [InputRequired(_l("Enter your e-mail address."))])


class ResetForm(Form):
    password = PasswordField(_l("New password"), [InputRequired(_l("Enter a password."))])


class PreferencesForm(Form):
    name = StringField(_l("Name"))
    time_zone = SelectField(_l("Time zone"))
    theme = SelectField(
        _l("Colours"),
        choices=options(
            [("system", _l("As the device")), ("light", _l("Light")), ("dark", _l("Dark"))]
        ),
    )
    single_keys = BooleanField(_l("Use single-key shortcuts when grading"))
    digest = BooleanField(_l("Write to me each morning when something waits for me"))


@bp.get("/")
@requires(Permission.SIGNED_OUT)
def home() -> Any:
    """What waits for me, in all my parts, by its date; or when what comes next."""
    if not current_user.is_authenticated:
        if access.installation().settings.demo:
            return redirect(url_for("demo.doors"))
        return redirect(url_for("sign_in.form"))
    session = db.session()
    me = needs.parts_of(session, access.person())
    found = needs.needs_of(session, me, now=access.now())
    return render_template(
        "sign_in/home.html",
        waiting=[need for need in found if not need.optional],
        optional=[need for need in found if need.optional],
        coming=needs.dates_to_come(session, me, now=access.now()),
    )


@bp.route("/sign-in", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def form() -> Any:
    entry = SignInForm()
    if not entry.validate_on_submit():
        return _form(entry), 422 if entry.errors else 200
    try:
        with transaction() as session:
            found = passwords.sign_in_with_password(
                session,
                entry.email.data,
                entry.password.data,
                address=request.remote_addr or "",
                hasher=access.installation().hasher,
                now=access.now(),
            )
            account = access.Account(found) if found else None
    except TooMany as error:
        entry.password.errors = [words(error)]
        return _form(entry), 429
    if account is None:
        entry.password.errors = [_("That email and password do not match.")]
        return _form(entry), 422
    login_user(account)
    return redirect(local(request.args.get("next")), 303)


def _form(entry: SignInForm) -> str:
    settings = access.installation().settings.openid
    return render_template(
        "sign_in/form.html", form=entry, institution=settings.name if settings else ""
    )


@bp.post("/sign-out")
@requires(Permission.SIGNED_OUT)
def sign_out() -> Any:
    logout_user()
    flash(_("You are signed out."))
    return redirect(url_for("sign_in.form"), 303)


@bp.route("/password/forgot", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def forgot() -> Any:
    entry = ForgotForm()
    if not entry.validate_on_submit():
        return render_template("sign_in/forgot.html", form=entry), 422 if entry.errors else 200
    with transaction() as session:
        passwords.request_reset(session, entry.email.data, now=access.now())
    return render_template("sign_in/forgot_sent.html", email=entry.email.data)


@bp.route("/password/reset/<token>", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def reset(token: str) -> Any:
    if passwords.find_reset(db.session(), token, now=access.now()) is None:
        return render_template("sign_in/reset_gone.html"), 410
    entry = ResetForm()
    if not entry.validate_on_submit():
        return render_template("sign_in/reset.html", form=entry), 422 if entry.errors else 200
    try:
        with transaction() as session:
            account = access.Account(
                passwords.use_reset(
                    session,
                    token,
                    entry.password.data,
                    hasher=access.installation().hasher,
                    now=access.now(),
                )
            )
    except FaultsFound as found:
        entry.take(found)
        return render_template("sign_in/reset.html", form=entry), 422
    except Refused:
        return render_template("sign_in/reset_gone.html"), 410
    login_user(account)
    flash(_("Your new password is set."))
    return redirect(url_for("sign_in.home"), 303)


@bp.route("/preferences", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def preferences() -> Any:
    entry = PreferencesForm(obj=access.person())
    zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    entry.time_zone.choices = options(
        [("", _("The cohort's")), *((name, name.replace("_", " ")) for name in zones)]
    )
    if not entry.validate_on_submit():
        return _preferences_page(entry)
    try:
        with transaction() as session:
            person = access.person()
            person.time_zone = entry.time_zone.data or None
            person.theme = entry.theme.data
            person.single_keys = entry.single_keys.data
            person.digest = entry.digest.data
            renamed = entry.name.data is not None and accounts.rename_person(
                session, person, person, entry.name.data, now=access.now()
            )
            kept = (
                reissues.records_under_another_name(session, person, now=access.now())
                if renamed
                else []
            )
    except FaultsFound as found:
        entry.take(found)
        return _preferences_page(entry)
    flash(_("Your preferences are saved."))
    if kept:
        flash(
            _(
                "Your program record still has your name as it was. You can have it issued anew there."
            )
        )
    return redirect(url_for("sign_in.preferences"), 303)


def _preferences_page(entry: PreferencesForm) -> Any:
    page = render_template(
        "sign_in/preferences.html",
        form=entry,
        records=reissues.records_under_another_name(
            db.session(), access.person(), now=access.now()
        ),
        page_error=bool(entry.errors),
    )
    return page, 422 if entry.errors else 200


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(passkeys.bp)
    app.register_blueprint(doors.bp)
    app.register_blueprint(openid.bp)
