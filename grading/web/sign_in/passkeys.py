"""A person's own passkeys: what there is, adding one, removing one."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from grading.authorization.permissions import Permission
from grading.db import db, transaction
from grading.errors import FaultsFound, NotFound, Refused
from grading.models import Challenge, Passkey
from grading.people import approvals, passkeys, passwords
from grading.web import access, step_up
from grading.web.access import requires
from grading.web.errors import status_of, words
from grading.web.forms import Form
from grading.workflow.approval import Action

bp = Blueprint("passkeys", __name__, url_prefix="/passkeys")


class AddForm(Form):
    name = StringField(_l("Name of the passkey"), [InputRequired(_l("Give it a name."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Enter your password."))])


@bp.get("/")
@requires(Permission.SIGNED_IN)
def page() -> Any:
    """The passkeys there are, and the form for another."""
    return _page(AddForm(formdata=None))


def _page(form: AddForm, message: str = "", status: int = 200) -> Any:
    person = access.person()
    shown = render_template(
        "sign_in/passkeys.html",
        form=form,
        more=[message] if message else [],
        passkeys=passkeys.passkeys_of(db.session(), person),
        party=step_up.party(),
        has_password=person.password_hash is not None,
        email=person.email,
        page_error=bool(form.errors or message),
    )
    return shown, status


@bp.post("/")
@requires(Permission.SIGNED_IN)
def begin() -> Any:
    """Ask for the password again; then the browser is asked for a passkey."""
    form = AddForm()
    if not form.validate_on_submit():
        return _page(form, status=422)
    challenge_id = None
    try:
        with transaction() as session:
            person, now = access.person(), access.now()
            if step_up.party() is None:
                raise Refused("This address of the service allows no passkeys.")
            name = passkeys.name_of(form.name.data)
            right = passwords.confirm_password(
                session,
                person,
                form.password.data,
                address=request.remote_addr or "",
                hasher=access.installation().hasher,
                now=now,
            )
            if right:
                challenge_id = approvals.lay_before(
                    session,
                    person,
                    Action.ADD_PASSKEY,
                    person.id,
                    cohort_id=None,
                    records=[],
                    note={"name": name},
                    now=now,
                ).id
    except FaultsFound as found:
        form.take(found)
        return _page(form, status=422)
    except Refused as error:
        return _page(form, words(error), status_of(error))
    if challenge_id is None:
        form.password.errors = [_("That is not your password.")]
        return _page(form, status=422)
    return redirect(url_for("passkeys.make", challenge_id=challenge_id), 303)


def _begun(challenge_id: str) -> Challenge:
    """Find what the signed-in person began, as long as it is good."""
    found = db.session.get(Challenge, challenge_id)
    if (
        found is None
        or found.person_id != access.person().id
        or found.action != Action.ADD_PASSKEY
        or step_up.party() is None
    ):
        raise NotFound("There is no such page.")
    return found


@bp.route("/new/<challenge_id>", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def make(challenge_id: str) -> Any:
    """Have the browser make the passkey, and keep it."""
    if request.method == "GET":
        return _making(challenge_id)
    try:
        with transaction() as session:
            challenge, now = _begun(challenge_id), access.now()
            party = step_up.party()
            if party is None:
                raise NotFound("There is no such page.")
            approvals.claim(session, challenge, now=now)
            given = request.form.get("assertion", "")
            passkeys.add_passkey(session, access.person(), challenge, given, party=party, now=now)
    except Refused as error:
        return _making(challenge_id, words(error), status_of(error))
    flash(_("The passkey is added. We write to you about it, in case it was not you."))
    return redirect(url_for("passkeys.page"), 303)


def _making(challenge_id: str, message: str = "", status: int = 200) -> Any:
    challenge, party = _begun(challenge_id), step_up.party()
    if challenge.used_at is not None or challenge.expires_at <= access.now() or party is None:
        flash(_("That page was used, or was open for too long. Begin again."))
        return redirect(url_for("passkeys.page"), 303)
    shown = render_template(
        "sign_in/passkey.html",
        name=challenge.note["name"],
        challenge_id=challenge_id,
        options=passkeys.registration_options(db.session(), access.person(), challenge, party),
        refused=message,
        page_error=bool(message),
    )
    return shown, status


@bp.post("/<passkey_id>/remove")
@requires(Permission.SIGNED_IN)
def remove(passkey_id: str) -> Any:
    """Let one of one's own passkeys sign nothing more."""
    with transaction() as session:
        person = access.person()
        found = session.get(Passkey, passkey_id)
        if found is None or found.person_id != person.id:
            raise NotFound("There is no such page.")
        passkeys.remove_passkey(session, person, found, now=access.now())
    flash(_("The passkey is removed. It signs nothing any more."))
    return redirect(url_for("passkeys.page"), 303)
