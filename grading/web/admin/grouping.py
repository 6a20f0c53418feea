"""Groups, from the office: who works with whom, and objections that came after the deadline."""

import re
from collections.abc import Mapping
from typing import Self

from flask import Blueprint, g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField

from grading.authorization.permissions import Permission
from grading.cohorts import groups, objections
from grading.cohorts.queries import group_members
from grading.db import db
from grading.errors import Fault, FaultsFound, NotFound
from grading.models import Cohort, Objection, Person, Submission, SubmissionMember
from grading.people import accounts
from grading.web import access
from grading.web.access import load, requires
from grading.web.entering import page_number
from grading.web.forms import Done, Form, form_view, options, radio

bp = Blueprint("groups", __name__, url_prefix="/admin/cohorts/<cohort_id>/groups")

COHORT = Permission.COHORT_MANAGE


def _cohort(cohort_id: str) -> Cohort:
    cohort = load(Cohort, cohort_id, COHORT)
    g.cohort_zone = cohort.zone
    return cohort


class PeopleForm(Form):
    """Learners, each by address."""

    people = StringField(_l("E-mail address"))

    def find_people(self, session: Session) -> list[Person]:
        """Find who is named; raises `FaultsFound` with every address that is nobody's."""
        people, faults = [], []
        for email in dict.fromkeys(re.split(r"[\s,;]+", self.people.data.strip())):
            person = accounts.look_up(session, email) if email else None
            if person is None:
                faults.append(
                    Fault("people", "No account has the address “%(email)s”.", {"email": email})
                )
            else:
                people.append(person)
        if faults:
            raise FaultsFound(faults)
        return people


class GroupForm(PeopleForm):
    name = StringField(_l("Name"))
    people = TextAreaField(_l("E-mail addresses"))


class ObjectionForm(Form):
    verdict = radio(_l("What is to happen?"))
    answer = TextAreaField(_l("Answer"))

    def offer(self, objection: Objection, days: int) -> Self:
        """Offer what can be decided on an objection, whose maker would have some days to submit alone."""
        take_out = ngettext(
            "Take %(name)s out: they submit on their own within %(num)s day",
            "Take %(name)s out: they submit on their own within %(num)s days",
            days,
            name=objection.person.name,
        )
        self.verdict.choices = options(
            [
                ("dismiss", _("Dismiss it: the project is read as it was handed in")),
                ("take_out", take_out),
            ]
        )
        return self


def render_groups(
    cohort: Cohort,
    *,
    new: GroupForm | None = None,
    placing: Mapping[str, PeopleForm] | None = None,
    deciding: Mapping[str, ObjectionForm] | None = None,
) -> str:
    """Render the groups; ``placing`` and ``deciding`` are forms with a fault, by group and by objection."""
    session = db.session()
    pager = group_members.groups(session, cohort, page=page_number())
    objections_to_decide = group_members.open_objections(session, cohort)
    decisions = {
        objection.id: ObjectionForm.blank(ids=f"{objection.id}-")
        for objection in objections_to_decide
    } | dict(deciding or {})
    return render_template(
        "admin/groups.html",
        cohort=cohort,
        groups=pager.entries,
        rows=group_members.rows_of(session, pager.entries),
        objections=[
            (objection, decisions[objection.id].offer(objection, cohort.plan.group_own_days))
            for objection in objections_to_decide
        ],
        pager=pager,
        new=new or GroupForm.blank(ids="new-"),
        placing={group.id: PeopleForm.blank(ids=f"{group.id}-") for group in pager.entries}
        | dict(placing or {}),
    )


@bp.get("", endpoint="page")
@requires(COHORT)
def list_groups(cohort_id: str) -> ResponseReturnValue:
    """Every group with its members, without a word of what they write."""
    return render_groups(_cohort(cohort_id))


def _done(cohort_id: str, message: str) -> Done:
    return Done(url_for("groups.page", cohort_id=cohort_id), message)


@bp.post("")
@requires(COHORT)
def form(cohort_id: str) -> ResponseReturnValue:
    """Put learners together."""

    def act(session: Session, form: GroupForm) -> Done:
        groups.form(
            session,
            access.person(),
            _cohort(cohort_id),
            form.find_people(session),
            name=form.name.data,
            now=access.now(),
        )
        return _done(cohort_id, _("The group is made. Its members are told."))

    def show(form: GroupForm) -> str:
        return render_groups(_cohort(cohort_id), new=form)

    return form_view(GroupForm(ids="new-"), act, show, refused_at="people")


def _group(session: Session, cohort: Cohort, submission_id: str) -> Submission:
    submission = session.get(Submission, submission_id)
    if submission is None or submission.cohort_id != cohort.id:
        raise NotFound("There is no such group.")
    return submission


@bp.post("/<submission_id>/members")
@requires(COHORT)
def place(cohort_id: str, submission_id: str) -> ResponseReturnValue:
    """Put a learner into a group; they leave the one they were in."""

    def act(session: Session, form: PeopleForm) -> Done:
        group = _group(session, _cohort(cohort_id), submission_id)
        for person in form.find_people(session):
            groups.place(session, access.person(), group, person, now=access.now())
        return _done(cohort_id, _("The group is changed. Its members are told."))

    def show(form: PeopleForm) -> str:
        return render_groups(_cohort(cohort_id), placing={submission_id: form})

    return form_view(PeopleForm(ids=f"{submission_id}-"), act, show, refused_at="people")


@bp.post("/members/<member_id>/take-out")
@requires(COHORT)
def take_out(cohort_id: str, member_id: str) -> ResponseReturnValue:
    """Take somebody out of a group that has not handed in."""

    def act(session: Session, _form: Form) -> Done:
        cohort = _cohort(cohort_id)
        member = session.get(SubmissionMember, member_id)
        if member is None or member.cohort_id != cohort.id:
            raise NotFound("There is no such group.")
        groups.take_out(session, access.person(), member, reason="", now=access.now())
        return _done(cohort_id, _("The group is changed. Its members are told."))

    return form_view(Form(), act)


@bp.post("/objections/<objection_id>")
@requires(COHORT)
def decide(cohort_id: str, objection_id: str) -> ResponseReturnValue:
    """Dismiss an objection, or let the objector work alone."""

    def act(session: Session, form: ObjectionForm) -> Done:
        cohort = _cohort(cohort_id)
        objection = session.get(Objection, objection_id)
        if objection is None or objection.cohort_id != cohort.id:
            raise NotFound("There is no such objection.")
        if form.verdict.data not in ("dismiss", "take_out"):
            raise FaultsFound([Fault("verdict", "Choose what is to happen.")])
        objections.decide(
            session,
            access.person(),
            objection,
            take_out=form.verdict.data == "take_out",
            answer=form.answer.data,
            now=access.now(),
        )
        return _done(
            cohort_id, _("The objection is decided. All members are told, with your answer.")
        )

    def show(form: ObjectionForm) -> str:
        return render_groups(_cohort(cohort_id), deciding={objection_id: form})

    return form_view(ObjectionForm(ids=f"{objection_id}-"), act, show)
