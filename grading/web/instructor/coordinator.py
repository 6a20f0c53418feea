"""The calendar of real life: more time for one learner, and graders who are away.

More time is the coordinator's alone: whoever scores learns neither that it was granted nor why.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.orm import Session
from wtforms import Field, HiddenField, SelectField, StringField, ValidationError

from grading.authorization.permissions import Permission
from grading.cohorts import extensions
from grading.cohorts.queries import calendars, participants
from grading.db import db, transaction
from grading.errors import NotFound
from grading.models import Absence, Cohort, Extension, Person
from grading.people.approvals import Answer
from grading.readings import absences
from grading.releases import amendments
from grading.texts import whole_number
from grading.web import access
from grading.web.access import load, requires
from grading.web.consequences import AmendingForm, amending_view, decided, would_change
from grading.web.entering import search_words
from grading.web.forms import Done, form_view, options, radio
from grading.web.instructor import shell
from grading.web.shared_forms import AbsenceForm
from grading.workflow.calendar import FACTORS, ExtensionKind, days_of_factor
from grading.workflow.deadlines import own_zone

bp = Blueprint("coordinator", __name__, url_prefix="/teach")

EXTEND = Permission.EXTEND
MANAGE = Permission.COHORT_MANAGE
EXTENSION_CHOICES: dict[ExtensionKind, Any] = {
    ExtensionKind.EXTENSION: _l("Extension: for an event, such as an illness"),
    ExtensionKind.ADJUSTMENT: _l("Adjustment: for a lasting need; a review may be held longer too"),
}


@bp.get("/<cohort_id>/extensions")
@requires(EXTEND)
def overview(cohort_id: str) -> ResponseReturnValue:
    """Find a learner; see who was granted more time."""
    cohort = shell.cohort(cohort_id, EXTEND)
    session = db.session()
    text = search_words("q")
    return shell.render(
        "extensions.html",
        cohort,
        q=text,
        learners=participants.learners(session, cohort, text) if text else [],
        granted=participants.extensions(session, cohort, granted=True),
        ended=participants.extensions(session, cohort, granted=False),
    )


def _learner(cohort: Cohort, person_id: str) -> Person:
    person = participants.learner(db.session(), cohort, person_id)
    if person is None:
        raise NotFound("There is no such page.")
    return person


class ExtensionForm(AmendingForm):
    kind = radio(_l("What is it?"))
    more = radio(_l("How much?"), default="days")
    days = StringField(_l("Days"))
    reason = StringField(_l("Reason"))
    then = HiddenField()

    def __init__(self, cohort: Cohort, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.submit_days = cohort.plan.submit_days
        self.kind.choices = options((kind, EXTENSION_CHOICES[kind]) for kind in ExtensionKind)
        self.more.choices = options(
            [(factor, _factor_words(factor, self.submit_days)) for factor in FACTORS]
            + [("days", _("A number of days"))]
        )

    @property
    def granted_days(self) -> int:
        """The whole days that are asked for; 0 where no number can be read."""
        if self.more.data in {str(factor) for factor in FACTORS}:
            return days_of_factor(float(self.more.data), self.submit_days)
        return whole_number(self.days.data) or 0

    def validate_kind(self, field: Field) -> None:
        if field.data not in set(ExtensionKind):
            raise ValidationError(_("Choose which it is."))

    def validate_days(self, _field: Field) -> None:
        if not 1 <= self.granted_days <= extensions.MOST_DAYS:
            raise ValidationError(_("Give 1 to %(most)s days.", most=extensions.MOST_DAYS))

    def validate_reason(self, field: Field) -> None:
        if not field.data.strip():
            raise ValidationError(_("Give the reason. Nobody who scores will see it."))


def _factor_words(factor: float, submit_days: int) -> str:
    return ngettext(
        "%(factor)s times the time to hand in: %(num)s day more",
        "%(factor)s times the time to hand in: %(num)s days more",
        days_of_factor(factor, submit_days),
        factor=factor,
    )


def _render_learner(
    cohort: Cohort,
    person: Person,
    form: ExtensionForm | None = None,
    preview: calendars.Preview | None = None,
) -> str:
    session = db.session()
    return shell.render(
        "extension.html",
        cohort,
        person=person,
        person_zone=own_zone(person.time_zone, cohort.zone),
        calendar=calendars.of_learner(session, cohort, person.id),
        granted=participants.extensions(session, cohort, granted=True, person_id=person.id),
        most=extensions.MOST_DAYS,
        preview=preview,
        form=form or ExtensionForm(cohort, formdata=None),
    )


@bp.get("/<cohort_id>/extensions/<person_id>")
@requires(EXTEND)
def learner(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """One learner's calendar, and a form to give more time."""
    cohort = shell.cohort(cohort_id, EXTEND)
    return _render_learner(cohort, _learner(cohort, person_id))


@bp.post("/<cohort_id>/extensions/<person_id>")
@requires(EXTEND)
def grant(cohort_id: str, person_id: str) -> ResponseReturnValue:
    """First show every date that moves, and every result; grant when that was seen and confirmed."""

    def act(session: Session, form: ExtensionForm) -> Done:
        return grant_time(
            session, cohort_id, _entered(form, person_id)[1] | {"sent": form.decisions.data}
        )

    def show(form: ExtensionForm) -> str:
        cohort = shell.cohort(cohort_id, EXTEND)
        person = _learner(cohort, person_id)
        return _render_learner(cohort, person, form, _preview(cohort, person, form))

    form = ExtensionForm(shell.cohort(cohort_id, EXTEND))
    if form.then.data != "grant" and form.validate():
        if question := would_change(lambda session: act(session, form)):
            form.ask(question)
        return show(form)
    return amending_view(form, act, show, entered=lambda form: _entered(form, person_id))


def _preview(cohort: Cohort, person: Person, form: ExtensionForm) -> calendars.Preview | None:
    """Show the dates that move, where what was entered can be granted."""
    if any(field.errors for field in form):
        return None
    return calendars.preview(
        db.session(),
        cohort,
        person.id,
        days=form.granted_days,
        kind=ExtensionKind(form.kind.data),
    )


def _entered(form: ExtensionForm, person_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give what is signed of more time, and all that granting it needs."""
    kind, days, reason = ExtensionKind(form.kind.data), form.granted_days, form.reason.data.strip()
    note = amendments.time_note(person_id, kind=kind, days=days, reason=reason)
    return note, note | {"reason": reason}


def grant_time(
    session: Session, cohort_id: str, entered: Mapping[str, Any], signed: Answer | None = None
) -> Done:
    """Grant what was entered to a learner, with what was decided on their results."""
    cohort = shell.cohort(cohort_id, EXTEND)
    person_id = str(entered["person"])
    amendments.grant_time(
        session,
        access.person(),
        cohort,
        _learner(cohort, person_id),
        kind=ExtensionKind(entered["kind"]),
        days=int(entered["days"]),
        reason=str(entered["reason"]),
        decided=decided(entered["sent"], signed),
        now=access.now(),
    )
    return Done(
        url_for("coordinator.learner", cohort_id=cohort_id, person_id=person_id),
        _("Granted. The learner is told; nobody who scores is."),
    )


@bp.post("/extension/<extension_id>/end")
@requires(EXTEND)
def end(extension_id: str) -> ResponseReturnValue:
    with transaction() as session:
        extension = load(Extension, extension_id, EXTEND)
        cohort_id = extension.cohort_id
        extensions.end(session, access.person(), extension, now=access.now())
    flash(_("Ended. Their dates are what they were without it."))
    return redirect(url_for("coordinator.overview", cohort_id=cohort_id), 303)


class CohortAbsenceForm(AbsenceForm):
    """An absence that a coordinator notes for somebody."""

    person = SelectField(_l("Grader"), validate_choice=False)

    def __init__(self, graders: Iterable[Person], **kwargs: Any) -> None:
        super().__init__(graders, **kwargs)
        self.person.choices = options([("", _("Choose")), *self.names])

    def validate_person(self, field: Field) -> None:
        if field.data not in self.by_id:
            raise ValidationError(_("Choose a grader of the cohort."))


def _absence_form(cohort: Cohort, **values: Any) -> CohortAbsenceForm:
    return CohortAbsenceForm(participants.graders(db.session(), cohort), **values)


def _render_absences(cohort: Cohort, form: CohortAbsenceForm | None = None) -> str:
    return shell.render(
        "absences.html",
        cohort,
        absences=participants.absences(db.session(), cohort, now=access.now()),
        form=form or _absence_form(cohort, formdata=None),
    )


@bp.get("/<cohort_id>/absences", endpoint="absences")
@requires(MANAGE)
def list_absences(cohort_id: str) -> ResponseReturnValue:
    """Who is away, and who covers."""
    return _render_absences(shell.cohort(cohort_id, MANAGE))


@bp.post("/<cohort_id>/absences")
@requires(MANAGE)
def declare(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: CohortAbsenceForm) -> Done:
        cohort = shell.cohort(cohort_id, MANAGE)
        starts_at, ends_at = form.instants(cohort)
        absences.declare_absence(
            session,
            access.person(),
            cohort,
            form.by_id[form.person.data],
            starts_at=starts_at,
            ends_at=ends_at,
            cover=form.covering,
            now=access.now(),
        )
        return Done(
            url_for("coordinator.absences", cohort_id=cohort_id),
            _("Noted. What they have not begun by then is given on."),
        )

    def show(form: CohortAbsenceForm) -> str:
        return _render_absences(shell.cohort(cohort_id, MANAGE), form)

    return form_view(_absence_form(shell.cohort(cohort_id, MANAGE)), act, show)


@bp.post("/absence/<absence_id>/end")
@requires(MANAGE)
def end_absence(absence_id: str) -> ResponseReturnValue:
    with transaction() as session:
        absence = load(Absence, absence_id, MANAGE)
        cohort_id = absence.cohort_id
        absences.end_absence(session, access.person(), absence, now=access.now())
    flash(_("Ended. They are given items again."))
    return redirect(url_for("coordinator.absences", cohort_id=cohort_id), 303)
