"""A forgotten password: asking for a way back in, and using it."""

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired

from grading.authorization.permissions import Permission
from grading.db import db
from grading.errors import Refused
from grading.people import passwords
from grading.web import access
from grading.web.access import requires
from grading.web.forms import Done, Form, Shown, form_view
from grading.web.sign_in.common import bp, entering


class ForgotForm(Form):
    email = EmailField(_l("E-mail address"), [InputRequired(_l("Enter your e-mail address."))])


class ResetForm(Form):
    password = PasswordField(_l("New password"), [InputRequired(_l("Enter a password."))])


@bp.route("/password/forgot", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def forgot() -> ResponseReturnValue:
    def act(session: Session, form: ForgotForm) -> Shown:
        passwords.request_reset(session, form.email.data, now=access.now())
        return Shown(render_template("sign_in/forgot_sent.html", email=form.email.data))

    return form_view(
        ForgotForm(), act, lambda form: render_template("sign_in/forgot.html", form=form)
    )


@bp.route("/password/reset/<token>", methods=["GET", "POST"])
@requires(Permission.SIGNED_OUT)
def reset(token: str) -> ResponseReturnValue:
    gone = "sign_in/reset_gone.html"
    if passwords.find_reset(db.session(), token, now=access.now()) is None:
        return render_template(gone), 410

    def act(session: Session, form: ResetForm) -> Done:
        person = passwords.use_reset(
            session,
            token,
            form.password.data,
            hasher=access.installation().hasher,
            now=access.now(),
        )
        return Done(
            url_for("sign_in.home"),
            _("Your new password is set."),
            then=entering(session, person),
        )

    def show(form: ResetForm) -> str:
        return render_template("sign_in/reset.html", form=form)

    try:
        return form_view(ResetForm(), act, show, leave=(Refused,))
    except Refused:
        return render_template(gone), 410
