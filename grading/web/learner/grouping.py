"""Working together: who is in the group, asking and joining, leaving, objecting."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from grading.authorization.permissions import Permission
from grading.cohorts import groups, objections
from grading.cohorts.queries import calendars, group_members
from grading.db import db, transaction
from grading.errors import Fault, FaultsFound, NotFound, Refused
from grading.models import Cohort, Objection, Submission, SubmissionMember
from grading.web import access
from grading.web.access import load, requires
from grading.web.errors import fault_words
from grading.workflow.cohort import CohortState
from grading.workflow.group import MemberState
from grading.workflow.submission import SubmissionState

bp = Blueprint("group", __name__, url_prefix="/learn")

LEARN = Permission.SUBMISSION_WRITE


def _cohort(cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, LEARN)
    g.cohort_zone = cohort.zone
    if cohort.plan.group_size < 2:
        raise NotFound("There is no such page.")
    return cohort


def _own(session: Session, cohort: Cohort) -> Submission:
    found = group_members.newest(session, cohort, access.person().id)
    if found is None:
        raise NotFound("There is no such page.")
    return found


def _page(
    cohort: Cohort, *, faults: list[Fault] | None = None, refused: str = "", status: int = 200
) -> Any:
    session = db.session()
    me = access.person()
    found = group_members.newest(session, cohort, me.id)
    rows = group_members.rows(session, found) if found else []
    present = [row for row in rows if row.state == MemberState.JOINED]
    asked = [row for row in rows if row.state == MemberState.INVITED]
    changeable = (
        cohort.state == CohortState.OPEN
        and found is not None
        and found.state == SubmissionState.DRAFT
        and access.now() <= calendars.window(session, found)[1]
        and any(row.person_id == me.id for row in present)
    )
    page = render_template(
        "learner/group.html",
        cohort=cohort,
        submission=found,
        present=present,
        asked=asked,
        invitations=group_members.invitations(session, cohort, me.id),
        changeable=changeable,
        room=cohort.plan.group_size
        - sum(
            row.state in (MemberState.JOINED, MemberState.WITHDRAWN, MemberState.INVITED)
            for row in rows
        ),
        objections=group_members.objections(session, found) if found else [],
        may_object=found is not None and objections.may_object(found, access.now()),
        me=me.id,
        entered=request.form,
        faults=[(fault.where, fault_words(fault)) for fault in faults or ()],
        refused=refused,
        page_error=bool(faults or refused),
    )
    return page, status


@bp.get("/<cohort_id>/group")
@requires(LEARN)
def page(cohort_id: str) -> Any:
    """Who is in it, who is asked, and how others come in."""
    return _page(_cohort(cohort_id))


@bp.post("/<cohort_id>/group/invite")
@requires(LEARN)
def invite(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            member = groups.invite(
                session,
                access.person(),
                _own(session, _cohort(cohort_id)),
                email=request.form.get("email", ""),
                now=access.now(),
            )
            name = member.person.name
    except FaultsFound as found:
        return _page(_cohort(cohort_id), faults=list(found.faults), status=422)
    except Refused as error:
        fault = Fault("email", error.template, error.params)
        return _page(_cohort(cohort_id), faults=[fault], status=422)
    flash(_("%(name)s is asked to join.", name=name))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/group/join")
@requires(LEARN)
def join(cohort_id: str) -> Any:
    try:
        with transaction() as session:
            groups.join(
                session,
                access.person(),
                _cohort(cohort_id),
                code=request.form.get("code", ""),
                now=access.now(),
            )
    except FaultsFound as found:
        return _page(_cohort(cohort_id), faults=list(found.faults), status=422)
    except Refused as error:
        fault = Fault("code", error.template, error.params)
        return _page(_cohort(cohort_id), faults=[fault], status=422)
    flash(_("You are in the group."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)


@bp.post("/invitation/<invitation_id>/<reply>")
@requires(LEARN)
def answer(invitation_id: str, reply: str) -> Any:
    """Say yes or no to being asked."""
    if reply not in ("accept", "decline"):
        raise NotFound("There is no such page.")
    with transaction() as session:
        found = load(SubmissionMember, invitation_id, LEARN, owner="person_id")
        cohort_id = found.cohort_id
        if reply == "accept":
            groups.accept(session, access.person(), found, now=access.now())
        else:
            groups.decline(session, access.person(), found, now=access.now())
    flash(_("You are in the group.") if reply == "accept" else _("You have said no."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/group/call-off/<member_id>")
@requires(LEARN)
def call_off(cohort_id: str, member_id: str) -> Any:
    """Take an invitation back."""
    with transaction() as session:
        own = _own(session, _cohort(cohort_id))
        found = next((row for row in group_members.rows(session, own) if row.id == member_id), None)
        if found is None:
            raise NotFound("There is no such page.")
        groups.call_off(session, access.person(), found, now=access.now())
    flash(_("The invitation is taken back."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/group/leave")
@requires(LEARN)
def leave(cohort_id: str) -> Any:
    with transaction() as session:
        found = _own(session, _cohort(cohort_id))
        groups.leave(session, access.person(), found, now=access.now())
    flash(_("You have left the group. What you wrote together stays with the others."))
    return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)


@bp.route("/<cohort_id>/group/object", methods=["GET", "POST"])
@requires(LEARN)
def object_to(cohort_id: str) -> Any:
    """Say that one does not stand by what was handed in for all."""
    faults: list[Fault] = []
    if request.method == "POST":
        try:
            with transaction() as session:
                objection = objections.object_to(
                    session,
                    access.person(),
                    _own(session, _cohort(cohort_id)),
                    reason=request.form.get("reason", ""),
                    now=access.now(),
                )
                returned = objection.state == "returned"
            flash(
                _("Your project is a draft again. Settle it with the others, and submit it anew.")
                if returned
                else _(
                    "Your objection is with the program. Nobody reads the project before it is decided."
                )
            )
            return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)
        except FaultsFound as found:
            faults = list(found.faults)
    cohort = _cohort(cohort_id)
    session = db.session()
    submission = _own(session, cohort)
    if not objections.may_object(submission, access.now()):
        raise NotFound("There is no such page.")
    page = render_template(
        "learner/object.html",
        cohort=cohort,
        submission=submission,
        in_time=access.now() <= calendars.window(session, submission)[1],
        entered=request.form.get("reason", ""),
        faults=[(fault.where, fault_words(fault)) for fault in faults],
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


@bp.post("/objection/<own_objection_id>/withdraw")
@requires(LEARN)
def withdraw_objection(own_objection_id: str) -> Any:
    with transaction() as session:
        found = load(Objection, own_objection_id, LEARN, owner="person_id")
        cohort_id = found.cohort_id
        objections.withdraw(session, access.person(), found, now=access.now())
    flash(_("Your objection is withdrawn."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)
