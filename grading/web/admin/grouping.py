"""Groups, from the office: who works with whom, and objections that came after the deadline."""

import re
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts import groups, objections
from grading.cohorts.queries import group_members
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import Cohort, Objection, Submission, SubmissionMember
from grading.people import accounts
from grading.web import access
from grading.web.access import load, page_number, requires
from grading.web.errors import fault_words

bp = Blueprint("groups", __name__, url_prefix="/admin/cohorts/<cohort_id>/groups")

COHORT = Permission.COHORT_MANAGE


def _cohort(cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, COHORT)
    g.cohort_zone = cohort.zone
    return cohort


def _page(
    cohort: Cohort, *, faults: list[Fault] | None = None, at: str = ""
) -> ResponseReturnValue:
    session = db.session()
    pager = group_members.groups(session, cohort, page=page_number())
    page = render_template(
        "admin/groups.html",
        cohort=cohort,
        groups=pager.entries,
        rows=group_members.rows_of(session, pager.entries),
        objections=group_members.open_objections(session, cohort),
        pager=pager,
        entered=request.form,
        at=at,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.get("")
@requires(COHORT)
def page(cohort_id: str) -> ResponseReturnValue:
    """Every group with its members, without a word of what they write."""
    return _page(_cohort(cohort_id))


def _people(session: Session) -> list[Any]:
    """Find the people named in the form by address; every address that is nobody's is a fault."""
    found, faults = [], []
    for email in dict.fromkeys(re.split(r"[\s,;]+", request.form.get("people", "").strip())):
        person = accounts.look_up(session, email) if email else None
        if person is None:
            faults.append(
                Fault("people", "No account has the address “%(email)s”.", {"email": email})
            )
        else:
            found.append(person)
    if faults:
        raise FaultsFound(faults)
    return found


@bp.post("")
@requires(COHORT)
def form(cohort_id: str) -> ResponseReturnValue:
    """Put learners together."""
    try:
        with transaction() as session:
            groups.form(
                session,
                access.person(),
                _cohort(cohort_id),
                _people(session),
                name=request.form.get("name", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(_cohort(cohort_id), faults=list(found.faults), at="new")
    except Refused as error:
        fault = Fault("people", error.template, error.params)
        return _page(_cohort(cohort_id), faults=[fault], at="new")
    flash(_("The group is made. Its members are told."))
    return redirect(url_for("groups.page", cohort_id=cohort_id), 303)


def _of(session: Session, cohort: Cohort, submission_id: str) -> Submission:
    found = session.get(Submission, submission_id)
    if found is None or found.cohort_id != cohort.id:
        raise NotFound("There is no such group.")
    return found


@bp.post("/<submission_id>/members")
@requires(COHORT)
def place(cohort_id: str, submission_id: str) -> ResponseReturnValue:
    """Put a learner into a group; they leave the one they were in."""
    try:
        with transaction() as session:
            found = _of(session, _cohort(cohort_id), submission_id)
            for person in _people(session):
                groups.place(session, access.person(), found, person, now=access.now())
    except FaultsFound as error:
        return _page(_cohort(cohort_id), faults=list(error.faults), at=submission_id)
    except Refused as error:
        fault = Fault("people", error.template, error.params)
        return _page(_cohort(cohort_id), faults=[fault], at=submission_id)
    flash(_("The group is changed. Its members are told."))
    return redirect(url_for("groups.page", cohort_id=cohort_id), 303)


@bp.post("/members/<member_id>/take-out")
@requires(COHORT)
def take_out(cohort_id: str, member_id: str) -> ResponseReturnValue:
    """Take somebody out of a group that has not handed in."""
    with transaction() as session:
        cohort = _cohort(cohort_id)
        found = session.get(SubmissionMember, member_id)
        if found is None or found.cohort_id != cohort.id:
            raise NotFound("There is no such group.")
        groups.take_out(session, access.person(), found, reason="", now=access.now())
    flash(_("The group is changed. Its members are told."))
    return redirect(url_for("groups.page", cohort_id=cohort_id), 303)


@bp.post("/objections/<objection_id>")
@requires(COHORT)
def decide(cohort_id: str, objection_id: str) -> ResponseReturnValue:
    """Dismiss an objection, or let the objector work alone."""
    try:
        with transaction() as session:
            cohort = _cohort(cohort_id)
            found = session.get(Objection, objection_id)
            if found is None or found.cohort_id != cohort.id:
                raise NotFound("There is no such objection.")
            verdict = request.form.get("verdict")
            if verdict not in ("dismiss", "take_out"):
                raise FaultsFound([Fault("verdict", "Choose what is to happen.")])
            objections.decide(
                session,
                access.person(),
                found,
                take_out=verdict == "take_out",
                answer=request.form.get("answer", ""),
                now=access.now(),
            )
    except FaultsFound as error:
        return _page(_cohort(cohort_id), faults=list(error.faults), at=objection_id)
    flash(_("The objection is decided. All members are told, with your answer."))
    return redirect(url_for("groups.page", cohort_id=cohort_id), 303)
