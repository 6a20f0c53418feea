"""The people of a cohort, and who of them must not meet."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from grading.cohorts import cohorts, conflicts, departures
from grading.db import db, transaction
from grading.errors import GradingError, NotFound, Refused
from grading.models import Cohort, ConflictOfInterest, Membership, Person
from grading.models.conditions import has_part
from grading.paging import page_of, rows_page_of
from grading.people import accounts
from grading.web import access
from grading.web.access import load, page_number, requires
from grading.web.admin.common import COHORT, bp, find_cohort
from grading.web.errors import words
from grading.web.forms import Form, options
from grading.web.labels import ROLE_LABELS
from grading.workflow.cohort import Role

_needed = InputRequired(_l("This cannot be empty."))


class MemberForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [Length(max=200)])
    role = SelectField(_l("Part"), choices=options((role, ROLE_LABELS[role]) for role in Role))


class ConflictForm(Form):
    rater = StringField(_l("E-mail address of the rater"), [_needed])
    learner = StringField(_l("E-mail address of the learner"), [_needed])
    reason = StringField(_l("Reason"), [_needed, Length(max=500)])


@bp.get("/cohorts/<cohort_id>/people")
@requires(COHORT)
def members(cohort_id: str) -> Any:
    return _members(find_cohort(cohort_id))


def _members(found: Cohort, form: MemberForm | None = None) -> Any:
    session = db.session()
    form = form or MemberForm(formdata=None)
    role, text = request.args.get("role", ""), request.args.get("text", "").strip()
    present = [has_part(cohort_id=found.id)]
    counts = dict(
        session.execute(
            select(Membership.role, func.count()).where(*present).group_by(Membership.role)
        ).all()
    )
    wanted = list(present)
    if role in counts:
        wanted.append(Membership.role == role)
    if text:
        like = f"%{text.lower()}%"
        wanted.append(or_(func.lower(Person.name).like(like), Person.email.like(like)))
    statement = (
        select(Membership, Person)
        .join(Person, Person.id == Membership.person_id)
        .where(*wanted)
        .order_by(Membership.role, Person.name, Person.email)
    )
    pager = rows_page_of(session, statement, page_number())
    page = render_template(
        "admin/people.html",
        cohort=found,
        counts=counts,
        chosen=role,
        text=text,
        members=pager.entries,
        pager=pager,
        form=form,
        page_error=bool(form.errors),
    )
    return page, 422 if form.errors else 200


@bp.post("/cohorts/<cohort_id>/members")
@requires(COHORT)
def add_member(cohort_id: str) -> Any:
    """Enrol one person; whoever has no account gets one, with an invitation by mail."""
    form = MemberForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                now = access.now()
                actor = access.person()
                place = find_cohort(cohort_id)
                found = accounts.look_up(session, form.email.data)
                if found is None:
                    found = accounts.create_account(
                        session, actor, email=form.email.data, name=form.name.data or "", now=now
                    )
                    accounts.invite(session, found, now=now)
                cohorts.enrol(session, actor, place, found, Role(form.role.data), now=now)
            flash(_("The person is enrolled."))
            return redirect(url_for("admin.members", cohort_id=cohort_id), 303)
        except NotFound:
            raise
        except GradingError as error:
            form.email.errors = [*form.email.errors, words(error)]
    return _members(find_cohort(cohort_id), form)


@bp.route("/cohorts/<cohort_id>/members/<membership_id>/end", methods=["GET", "POST"])
@requires(COHORT)
def end_member(cohort_id: str, membership_id: str) -> Any:
    """End somebody's part, with a reason."""
    found = find_cohort(cohort_id)
    membership = _membership(found, membership_id)
    if request.method == "GET":
        return render_template("admin/end_member.html", cohort=found, membership=membership)
    with transaction() as session:
        departures.end_part(
            session,
            access.person(),
            _membership(find_cohort(cohort_id), membership_id),
            reason=request.form.get("reason", ""),
            now=access.now(),
        )
    flash(
        _("The person has left the cohort, and so has their project, if its result is not out.")
        if membership.role == Role.LEARNER
        else _("The person has left the cohort. What they held goes to others.")
    )
    return redirect(url_for("admin.members", cohort_id=cohort_id), 303)


def _membership(cohort: Cohort, membership_id: str) -> Membership:
    membership = load(Membership, membership_id, COHORT)
    if membership.cohort_id != cohort.id:
        raise NotFound("There is no such page.")
    return membership


@bp.get("/cohorts/<cohort_id>/conflicts", endpoint="conflicts")
@requires(COHORT)
def list_conflicts(cohort_id: str) -> Any:
    return _conflicts(find_cohort(cohort_id))


def _conflicts(
    found: Cohort, form: ConflictForm | None = None, faults: list[str] | None = None
) -> Any:
    session = db.session()
    form = form or ConflictForm(formdata=None)
    statement = (
        select(ConflictOfInterest)
        .where(ConflictOfInterest.cohort_id == found.id)
        .options(selectinload(ConflictOfInterest.rater), selectinload(ConflictOfInterest.learner))
        .order_by(ConflictOfInterest.created_at.desc(), ConflictOfInterest.id)
    )
    pager = page_of(session, statement, page_number())
    failed = bool(form.errors or faults)
    page = render_template(
        "admin/conflicts.html",
        cohort=found,
        conflicts=pager.entries,
        pager=pager,
        form=form,
        faults=faults or [],
        page_error=failed,
    )
    return page, 422 if failed else 200


@bp.post("/cohorts/<cohort_id>/conflicts")
@requires(COHORT)
def declare_conflict(cohort_id: str) -> Any:
    form = ConflictForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                place = find_cohort(cohort_id)
                conflicts.declare_conflict(
                    session,
                    access.person(),
                    place,
                    rater=accounts.find_account(session, form.rater.data),
                    learner=accounts.find_account(session, form.learner.data),
                    reason=form.reason.data,
                    now=access.now(),
                )
            flash(_("The two will not meet."))
            return redirect(url_for("admin.conflicts", cohort_id=cohort_id), 303)
        except NotFound:
            raise
        except GradingError as error:
            form.rater.errors = [*form.rater.errors, words(error)]
    return _conflicts(find_cohort(cohort_id), form)


@bp.post("/cohorts/<cohort_id>/conflicts/<conflict_id>/withdraw")
@requires(COHORT)
def withdraw_conflict(cohort_id: str, conflict_id: str) -> Any:
    try:
        with transaction() as session:
            conflict = load(ConflictOfInterest, conflict_id, COHORT)
            if conflict.cohort_id != cohort_id:
                raise NotFound("There is no such page.")
            conflicts.withdraw_conflict(
                session,
                access.person(),
                conflict,
                reason=request.form.get("reason", ""),
                now=access.now(),
            )
    except Refused as error:
        return _conflicts(find_cohort(cohort_id), faults=[words(error)])
    flash(_("The two may meet again."))
    return redirect(url_for("admin.conflicts", cohort_id=cohort_id), 303)
