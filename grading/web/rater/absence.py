"""A grader's own absence: days and a cover, set once, from the bench."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.errors import NotFound
from grading.models import Absence, Cohort
from grading.readings import absences
from grading.web import access
from grading.web.access import load, requires
from grading.web.forms import Done, form_view
from grading.web.shared_forms import AbsenceForm
from grading.workflow.cohort import Role

bp = Blueprint("absence", __name__, url_prefix="/grade")

GRADE = Permission.REVIEW_PROFESSIONAL


def _cohort(cohort_id: str) -> Cohort:
    """Find a cohort in which the signed-in person grades."""
    cohort = load(Cohort, cohort_id, GRADE)
    if Role.GRADER not in access.identity(cohort.id).roles:
        raise NotFound("There is no such page.")
    g.cohort_zone = cohort.zone
    return cohort


def _form(cohort: Cohort, **values: Any) -> AbsenceForm:
    me = access.person().id
    graders = participants.graders(db.session(), cohort)
    return AbsenceForm((person for person in graders if person.id != me), **values)


def _render_away(cohort: Cohort, form: AbsenceForm | None = None) -> str:
    return render_template(
        "rater/away.html",
        cohort=cohort,
        absences=participants.absences(
            db.session(), cohort, now=access.now(), person_id=access.person().id
        ),
        form=form or _form(cohort, formdata=None),
    )


@bp.get("/<cohort_id>/away")
@requires(GRADE)
def away(cohort_id: str) -> ResponseReturnValue:
    """One's own days away."""
    return _render_away(_cohort(cohort_id))


@bp.post("/<cohort_id>/away")
@requires(GRADE)
def declare(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: AbsenceForm) -> Done:
        cohort, me = _cohort(cohort_id), access.person()
        starts_at, ends_at = form.instants(cohort)
        absences.declare_absence(
            session,
            me,
            cohort,
            me,
            starts_at=starts_at,
            ends_at=ends_at,
            cover=form.covering,
            now=access.now(),
        )
        return Done(
            url_for("absence.away", cohort_id=cohort_id),
            _("Noted. What you have not begun by then is given on; nothing counts against you."),
        )

    def show(form: AbsenceForm) -> str:
        return _render_away(_cohort(cohort_id), form)

    return form_view(_form(_cohort(cohort_id)), act, show)


@bp.post("/absence/<own_absence_id>/end")
@requires(GRADE)
def end(own_absence_id: str) -> ResponseReturnValue:
    with transaction() as session:
        absence = load(Absence, own_absence_id, GRADE, owner="person_id")
        cohort_id = absence.cohort_id
        absences.end_absence(session, access.person(), absence, now=access.now())
    flash(_("Welcome back. You are given items again."))
    return redirect(url_for("absence.away", cohort_id=cohort_id), 303)
