"""Working together: who is in the group, asking and joining, leaving, objecting."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import EmailField, StringField, TextAreaField

from grading.authorization.permissions import Permission
from grading.cohorts import groups, objections
from grading.cohorts.queries import calendars, group_members
from grading.db import db, transaction
from grading.errors import NotFound
from grading.models import Cohort, Objection, Submission, SubmissionMember
from grading.web import access
from grading.web.access import load, requires
from grading.web.forms import Done, Form, form_view
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
    submission = group_members.newest(session, cohort, access.person().id)
    if submission is None:
        raise NotFound("There is no such page.")
    return submission


class InviteForm(Form):
    email = EmailField(_l("E-mail address"))


class JoinForm(Form):
    code = StringField(_l("Code"))


class ObjectionForm(Form):
    reason = TextAreaField(_l("Why do you not stand by it?"))


def _render_group(
    cohort: Cohort, *, invite: InviteForm | None = None, join: JoinForm | None = None
) -> str:
    session = db.session()
    me = access.person()
    submission = group_members.newest(session, cohort, me.id)
    rows = group_members.rows(session, submission) if submission else []
    present = [row for row in rows if row.state == MemberState.JOINED]
    changeable = (
        cohort.state == CohortState.OPEN
        and submission is not None
        and submission.state == SubmissionState.DRAFT
        and access.now() <= calendars.window(session, submission)[1]
        and any(row.person_id == me.id for row in present)
    )
    return render_template(
        "learner/group.html",
        cohort=cohort,
        submission=submission,
        present=present,
        asked=[row for row in rows if row.state == MemberState.INVITED],
        invitations=group_members.invitations(session, cohort, me.id),
        changeable=changeable,
        room=cohort.plan.group_size
        - sum(
            row.state in (MemberState.JOINED, MemberState.WITHDRAWN, MemberState.INVITED)
            for row in rows
        ),
        objections=group_members.objections(session, submission) if submission else [],
        may_object=submission is not None and objections.may_object(submission, access.now()),
        me=me.id,
        invite=invite or InviteForm.blank(),
        join=join or JoinForm.blank(),
    )


@bp.get("/<cohort_id>/group")
@requires(LEARN)
def page(cohort_id: str) -> ResponseReturnValue:
    """Who is in it, who is asked, and how others come in."""
    return _render_group(_cohort(cohort_id))


@bp.post("/<cohort_id>/group/invite")
@requires(LEARN)
def invite(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: InviteForm) -> Done:
        own = _own(session, _cohort(cohort_id))
        member = groups.invite(
            session, access.person(), own, email=form.email.data, now=access.now()
        )
        message = _("%(name)s is asked to join.", name=member.person.name)
        return Done(url_for("group.page", cohort_id=cohort_id), message)

    def show(form: InviteForm) -> str:
        return _render_group(_cohort(cohort_id), invite=form)

    return form_view(InviteForm(), act, show, refused_at="email")


@bp.post("/<cohort_id>/group/join")
@requires(LEARN)
def join(cohort_id: str) -> ResponseReturnValue:
    def act(session: Session, form: JoinForm) -> Done:
        cohort = _cohort(cohort_id)
        groups.join(session, access.person(), cohort, code=form.code.data, now=access.now())
        return Done(url_for("group.page", cohort_id=cohort_id), _("You are in the group."))

    def show(form: JoinForm) -> str:
        return _render_group(_cohort(cohort_id), join=form)

    return form_view(JoinForm(), act, show, refused_at="code")


@bp.post("/invitation/<invitation_id>/<reply>")
@requires(LEARN)
def answer(invitation_id: str, reply: str) -> ResponseReturnValue:
    """Say yes or no to being asked."""
    if reply not in ("accept", "decline"):
        raise NotFound("There is no such page.")
    with transaction() as session:
        invitation = load(SubmissionMember, invitation_id, LEARN, owner="person_id")
        cohort_id = invitation.cohort_id
        if reply == "accept":
            groups.accept(session, access.person(), invitation, now=access.now())
        else:
            groups.decline(session, access.person(), invitation, now=access.now())
    flash(_("You are in the group.") if reply == "accept" else _("You have said no."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/group/call-off/<member_id>")
@requires(LEARN)
def call_off(cohort_id: str, member_id: str) -> ResponseReturnValue:
    """Take an invitation back."""
    with transaction() as session:
        own = _own(session, _cohort(cohort_id))
        invitation = next(
            (row for row in group_members.rows(session, own) if row.id == member_id), None
        )
        if invitation is None:
            raise NotFound("There is no such page.")
        groups.call_off(session, access.person(), invitation, now=access.now())
    flash(_("The invitation is taken back."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)


@bp.post("/<cohort_id>/group/leave")
@requires(LEARN)
def leave(cohort_id: str) -> ResponseReturnValue:
    with transaction() as session:
        submission = _own(session, _cohort(cohort_id))
        groups.leave(session, access.person(), submission, now=access.now())
    flash(_("You have left the group. What you wrote together stays with the others."))
    return redirect(url_for("learner.cohort", cohort_id=cohort_id), 303)


@bp.route("/<cohort_id>/group/object", methods=["GET", "POST"])
@requires(LEARN)
def object_to(cohort_id: str) -> ResponseReturnValue:
    """Say that one does not stand by what was handed in for all."""

    def act(session: Session, form: ObjectionForm) -> Done:
        objection = objections.object_to(
            session,
            access.person(),
            _own(session, _cohort(cohort_id)),
            reason=form.reason.data,
            now=access.now(),
        )
        return Done(
            url_for("learner.cohort", cohort_id=cohort_id),
            _("Your project is a draft again. Settle it with the others, and submit it anew.")
            if objection.state == "returned"
            else _(
                "Your objection is with the program. Nobody reads the project before it is decided."
            ),
        )

    def show(form: ObjectionForm) -> str:
        cohort = _cohort(cohort_id)
        submission = _own(db.session(), cohort)
        if not objections.may_object(submission, access.now()):
            raise NotFound("There is no such page.")
        return render_template(
            "learner/object.html",
            cohort=cohort,
            submission=submission,
            in_time=access.now() <= calendars.window(db.session(), submission)[1],
            form=form,
        )

    return form_view(ObjectionForm(), act, show)


@bp.post("/objection/<own_objection_id>/withdraw")
@requires(LEARN)
def withdraw_objection(own_objection_id: str) -> ResponseReturnValue:
    with transaction() as session:
        objection = load(Objection, own_objection_id, LEARN, owner="person_id")
        cohort_id = objection.cohort_id
        objections.withdraw(session, access.person(), objection, now=access.now())
    flash(_("Your objection is withdrawn."))
    return redirect(url_for("group.page", cohort_id=cohort_id), 303)
