"""A grader's own absence: days and a cover, set once, from the bench."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from grading.authorization.permissions import Permission
from grading.cohorts.queries import participants
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Absence, Cohort
from grading.readings import absences
from grading.web import access
from grading.web.absence_form import days_away, grader
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.workflow.cohort import Role

bp = Blueprint("absence", __name__, url_prefix="/grade")

GRADE = Permission.REVIEW_PROFESSIONAL


def _cohort(cohort_id: str) -> Cohort:
    """Find a cohort in which the signed-in person grades."""
    found = load(Cohort, cohort_id, GRADE)
    if Role.GRADER not in access.identity(found.id).roles:
        raise NotFound("There is no such page.")
    g.cohort_zone = found.zone
    return found


def _page(cohort: Cohort, faults: list[Fault] | None = None) -> Any:
    session = db.session()
    me = access.person().id
    page = render_template(
        "rater/away.html",
        cohort=cohort,
        absences=participants.absences(session, cohort, now=access.now(), person_id=me),
        graders=[person for person in participants.graders(session, cohort) if person.id != me],
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/away")
@requires(GRADE)
def away(cohort_id: str) -> Any:
    """One's own days away."""
    return _page(_cohort(cohort_id))


@bp.post("/<cohort_id>/away")
@requires(GRADE)
def declare(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            found = _cohort(cohort_id)
            starts_at, ends_at = days_away(found)
            me = access.person()
            absences.declare_absence(
                session,
                me,
                found,
                me,
                starts_at=starts_at,
                ends_at=ends_at,
                cover=grader(session, found, "cover"),
                now=access.now(),
            )
    except FaultsFound as error:
        return _page(_cohort(cohort_id), list(error.faults))
    flash(_("Noted. What you have not begun by then is given on; nothing counts against you."))
    return redirect(url_for("absence.away", cohort_id=cohort_id), 303)


@bp.post("/absence/<own_absence_id>/end")
@requires(GRADE)
def end(own_absence_id: str) -> Any:
    with transaction() as session:
        found = load(Absence, own_absence_id, GRADE, owner="person_id")
        cohort_id = found.cohort_id
        absences.end_absence(session, access.person(), found, now=access.now())
    flash(_("Welcome back. You are given items again."))
    return redirect(url_for("absence.away", cohort_id=cohort_id), 303)
