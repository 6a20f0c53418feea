"""The calendar of real life: more time for one learner, and graders who are away.

More time is the coordinator's alone: whoever scores learns neither that it was granted nor why.
"""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts import extensions
from grading.cohorts.queries import calendars, participants
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Absence, Cohort, Extension, Person
from grading.readings import absences as away
from grading.web import access
from grading.web.absence_form import days_away, grader
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.web.instructor import shell
from grading.workflow.calendar import FACTORS, ExtensionKind, days_of_factor

bp = Blueprint("coordinator", __name__, url_prefix="/teach")

EXTEND = Permission.EXTEND
MANAGE = Permission.COHORT_MANAGE


@bp.get("/<cohort_id>/extensions")
@requires(EXTEND)
def overview(cohort_id: str) -> Any:
    """Find a learner; see who was granted more time."""
    found = shell.cohort(cohort_id, EXTEND)
    session = db.session()
    text = request.args.get("q", "").strip()
    return shell.render(
        "extensions.html",
        found,
        q=text,
        learners=participants.learners(session, found, text) if text else [],
        granted=participants.extensions(session, found, granted=True),
        ended=participants.extensions(session, found, granted=False),
    )


def _learner(session: Session, cohort: Cohort, person_id: str) -> Person:
    person = participants.learner(session, cohort, person_id)
    if person is None:
        raise NotFound("There is no such page.")
    return person


def _wanted(cohort: Cohort) -> tuple[ExtensionKind, int, str]:
    """Read what is to be granted: a kind, whole days, a reason.

    Raises
    ------
    FaultsFound
    """
    faults = []
    kind = request.form.get("kind", "")
    if kind not in set(ExtensionKind):
        faults.append(Fault("kind", "Choose which it is."))
    more = request.form.get("more", "")
    given = request.form.get("days", "").strip()
    days = 0
    if more in {str(factor) for factor in FACTORS}:
        days = days_of_factor(float(more), cohort.plan.submit_days)
    elif more == "days" and given.isdecimal():
        days = int(given)
    if not 1 <= days <= extensions.MOST_DAYS:
        faults.append(Fault("days", "Give 1 to %(most)s days.", {"most": extensions.MOST_DAYS}))
    reason = request.form.get("reason", "").strip()
    if not reason:
        faults.append(Fault("reason", "Give the reason. Nobody who scores will see it."))
    if faults:
        raise FaultsFound(faults)
    return ExtensionKind(kind), days, reason


def _learner_page(
    cohort: Cohort,
    person: Person,
    faults: list[Fault] | None = None,
    preview: calendars.Preview | None = None,
) -> Any:
    session = db.session()
    page = shell.render(
        "extension.html",
        cohort,
        person=person,
        person_zone=ZoneInfo(person.time_zone) if person.time_zone else cohort.zone,
        calendar=calendars.of_learner(session, cohort, person.id),
        granted=participants.extensions(session, cohort, granted=True, person_id=person.id),
        kinds=list(ExtensionKind),
        factors=[(factor, days_of_factor(factor, cohort.plan.submit_days)) for factor in FACTORS],
        most=extensions.MOST_DAYS,
        preview=preview,
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/extensions/<person_id>")
@requires(EXTEND)
def learner(cohort_id: str, person_id: str) -> Any:
    """One learner's calendar, and a form to give more time."""
    found = shell.cohort(cohort_id, EXTEND)
    return _learner_page(found, _learner(db.session(), found, person_id))


@bp.post("/<cohort_id>/extensions/<person_id>")
@requires(EXTEND)
def grant(cohort_id: str, person_id: str) -> Any:
    """First show every date that moves; grant when that was seen and confirmed."""
    found = shell.cohort(cohort_id, EXTEND)
    person = _learner(db.session(), found, person_id)
    try:
        kind, days, reason = _wanted(found)
        if request.form.get("then") != "grant":
            shown = calendars.preview(db.session(), found, person.id, days=days, kind=kind)
            return _learner_page(found, person, preview=shown)
        with transaction() as session:
            found = shell.cohort(cohort_id, EXTEND)
            extensions.grant(
                session,
                access.person(),
                found,
                _learner(session, found, person_id),
                kind=kind,
                days=days,
                reason=reason,
                now=access.now(),
            )
    except FaultsFound as error:
        found = shell.cohort(cohort_id, EXTEND)
        return _learner_page(found, _learner(db.session(), found, person_id), list(error.faults))
    flash(_("Granted. The learner is told; nobody who scores is."))
    return redirect(url_for("coordinator.learner", cohort_id=cohort_id, person_id=person_id), 303)


@bp.post("/extension/<extension_id>/end")
@requires(EXTEND)
def end(extension_id: str) -> Any:
    with transaction() as session:
        found = load(Extension, extension_id, EXTEND)
        cohort_id = found.cohort_id
        extensions.end(session, access.person(), found, now=access.now())
    flash(_("Ended. Their dates are what they were without it."))
    return redirect(url_for("coordinator.overview", cohort_id=cohort_id), 303)


def _absences_page(cohort: Cohort, faults: list[Fault] | None = None) -> Any:
    session = db.session()
    page = shell.render(
        "absences.html",
        cohort,
        absences=participants.absences(session, cohort, now=access.now()),
        graders=participants.graders(session, cohort),
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("/<cohort_id>/absences")
@requires(MANAGE)
def absences(cohort_id: str) -> Any:
    """Who is away, and who covers."""
    return _absences_page(shell.cohort(cohort_id, MANAGE))


@bp.post("/<cohort_id>/absences")
@requires(MANAGE)
def declare(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            found = shell.cohort(cohort_id, MANAGE)
            person = grader(session, found, "person")
            if person is None:
                raise FaultsFound([Fault("person", "Choose a grader of the cohort.")])
            starts_at, ends_at = days_away(found)
            away.declare_absence(
                session,
                access.person(),
                found,
                person,
                starts_at=starts_at,
                ends_at=ends_at,
                cover=grader(session, found, "cover"),
                now=access.now(),
            )
    except FaultsFound as error:
        return _absences_page(shell.cohort(cohort_id, MANAGE), list(error.faults))
    flash(_("Noted. What they have not begun by then is given on."))
    return redirect(url_for("coordinator.absences", cohort_id=cohort_id), 303)


@bp.post("/absence/<absence_id>/end")
@requires(MANAGE)
def end_absence(absence_id: str) -> Any:
    with transaction() as session:
        found = load(Absence, absence_id, MANAGE)
        cohort_id = found.cohort_id
        away.end_absence(session, access.person(), found, now=access.now())
    flash(_("Ended. They are given items again."))
    return redirect(url_for("coordinator.absences", cohort_id=cohort_id), 303)
