"""What everybody sets for themselves: name, time zone, colours, keys, mails."""

from zoneinfo import available_timezones

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField, StringField

from grading.authorization.permissions import Permission
from grading.db import db
from grading.people import accounts, consequences
from grading.records import outdated, reissues
from grading.web import access, downloads
from grading.web.access import requires
from grading.web.consequences import AmendingForm, amending_view, decided
from grading.web.forms import Done, options
from grading.web.sign_in.common import bp


class PreferencesForm(AmendingForm):
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


@bp.route("/preferences", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def preferences() -> ResponseReturnValue:
    def act(session: Session, form: PreferencesForm) -> Done:
        person, now = access.person(), access.now()
        person.time_zone = form.time_zone.data or None
        person.theme = form.theme.data
        person.single_keys = form.single_keys.data
        person.digest = form.digest.data
        messages = [_("Your preferences are saved.")]
        # A page that was opened before there was a name on it sends none.
        sent = bool(form.name.raw_data)
        renamed = sent and accounts.rename_person(session, person, person, form.name.data, now=now)
        if renamed:
            messages += downloads.printing_note(person.name)
        if renamed:
            consequences.settle(
                session,
                person,
                outdated.under_another_name(session, person, person, now=now),
                decided(form.decisions.data),
                now=now,
            )
        return Done(url_for("sign_in.preferences"), *messages)

    def show(form: PreferencesForm) -> str:
        return render_template(
            "sign_in/preferences.html",
            form=form,
            records=reissues.records_under_another_name(
                db.session(), access.person(), now=access.now()
            ),
        )

    form = PreferencesForm(obj=access.person())
    zones = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    form.time_zone.choices = options(
        [("", _("The cohort's")), *((name, name.replace("_", " ")) for name in zones)]
    )
    return amending_view(form, act, show)
