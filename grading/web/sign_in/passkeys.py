"""A person's own passkeys: what there is, adding one, removing one."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import Challenge, Passkey
from grading.people import approvals, passkeys, passwords
from grading.web import access, step_up
from grading.web.access import requires
from grading.web.forms import Done, Form, form_view
from grading.workflow.approval import Action

bp = Blueprint("passkeys", __name__, url_prefix="/passkeys")


class AddForm(Form):
    name = StringField(_l("Name of the passkey"), [InputRequired(_l("Give it a name."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])


class KeyForm(Form):
    assertion = HiddenField()


@bp.get("/")
@requires(Permission.SIGNED_IN)
def page() -> ResponseReturnValue:
    """The passkeys there are, and the form for another."""
    return _render_passkeys(AddForm.blank())


def _render_passkeys(form: AddForm) -> str:
    person = access.person()
    return render_template(
        "sign_in/passkeys.html",
        form=form,
        passkeys=passkeys.passkeys_of(db.session(), person),
        party=step_up.party(),
        has_password=person.password_hash is not None,
        email=person.email,
    )


@bp.post("/")
@requires(Permission.SIGNED_IN)
def begin() -> ResponseReturnValue:
    """Ask for the password again; then the browser is asked for a passkey."""

    def act(session: Session, form: AddForm) -> Done | FaultsFound:
        person, now = access.person(), access.now()
        if step_up.party() is None:
            raise Refused("This address of the service allows no passkeys.")
        name = passkeys.name_of(form.name.data)
        if not passwords.confirm_password(
            session,
            person,
            form.password.data,
            hasher=access.installation().hasher,
            now=now,
        ):
            return FaultsFound([Fault("password", "That is not your password.")])
        challenge = approvals.lay_before(
            session,
            person,
            Action.ADD_PASSKEY,
            person.id,
            cohort_id=None,
            records=[],
            note={"name": name},
            now=now,
        )
        return Done(url_for("passkeys.make", challenge_id=challenge.id))

    return form_view(AddForm(), act, _render_passkeys)


def _begun(challenge_id: str) -> Challenge:
    """Find what the signed-in person began, as long as it is good."""
    challenge = db.session.get(Challenge, challenge_id)
    if (
        challenge is None
        or challenge.person_id != access.person().id
        or challenge.action != Action.ADD_PASSKEY
        or step_up.party() is None
    ):
        raise NotFound("There is no such page.")
    return challenge


@bp.route("/new/<challenge_id>", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def make(challenge_id: str) -> ResponseReturnValue:
    """Have the browser make the passkey, and keep it."""

    def act(session: Session, form: KeyForm) -> Done:
        challenge, party, now = _begun(challenge_id), step_up.party(), access.now()
        if party is None:
            raise NotFound("There is no such page.")
        approvals.claim(session, challenge, now=now)
        passkeys.add_passkey(
            session, access.person(), challenge, form.assertion.data, party=party, now=now
        )
        return Done(
            url_for("passkeys.page"),
            _("The passkey is added. We write to you about it, in case it was not you."),
        )

    def show(form: KeyForm) -> str:
        challenge, party = _begun(challenge_id), step_up.party()
        if party is None:
            raise NotFound("There is no such page.")
        return render_template(
            "sign_in/passkey.html",
            name=challenge.note["name"],
            challenge_id=challenge_id,
            options=passkeys.registration_options(db.session(), access.person(), challenge, party),
            form=form,
        )

    challenge = _begun(challenge_id)
    if challenge.used_at is not None or challenge.expires_at <= access.now():
        flash(_("That page was used, or was open for too long. Begin again."))
        return redirect(url_for("passkeys.page"), 303)
    return form_view(KeyForm(), act, show)


@bp.post("/<passkey_id>/remove")
@requires(Permission.SIGNED_IN)
def remove(passkey_id: str) -> ResponseReturnValue:
    """Let one of one's own passkeys sign nothing more."""
    with transaction() as session:
        person = access.person()
        passkey = session.get(Passkey, passkey_id)
        if passkey is None or passkey.person_id != person.id:
            raise NotFound("There is no such page.")
        passkeys.remove_passkey(session, person, passkey, now=access.now())
    flash(_("The passkey is removed. It signs nothing any more."))
    return redirect(url_for("passkeys.page"), 303)
