"""The people of a cohort, and who of them must not meet."""

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from grading.authorization.permissions import Permission
from grading.authorization.policy import permits
from grading.cohorts import conflicts, departures, parts
from grading.db import db
from grading.errors import NotFound
from grading.models import Cohort, ConflictOfInterest, Membership, Person
from grading.models.conditions import has_part
from grading.paging import page_of, rows_page_of
from grading.people import accounts
from grading.people.approvals import Answer
from grading.releases import amendments
from grading.web import access, downloads
from grading.web.access import load, requires
from grading.web.admin.common import COHORT, bp, find_cohort
from grading.web.consequences import AmendingForm, amending_view, decided
from grading.web.entering import page_number, search_words
from grading.web.forms import Done, Form, form_view, options
from grading.web.labels import ROLE_LABELS
from grading.workflow.cohort import Role

_needed = InputRequired(_l("This cannot be empty."))


class MemberForm(Form):
    email = StringField(_l("E-mail address"), [_needed])
    name = StringField(_l("Name"), [Length(max=200)])
    role = SelectField(_l("Part"), choices=options((role, ROLE_LABELS[role]) for role in Role))


class ConflictForm(AmendingForm):
    rater = StringField(_l("E-mail address of the rater"), [_needed])
    learner = StringField(_l("E-mail address of the learner"), [_needed])
    reason = StringField(_l("Reason"), [_needed, Length(max=500)])

    def people(self, session: Session) -> tuple[Person, Person]:
        """Give the rater and the learner; raises `Refused` where there is no such account."""
        return (
            accounts.find_account(session, self.rater.data),
            accounts.find_account(session, self.learner.data),
        )


class EndPartForm(Form):
    reason = StringField(_l("Reason"))


class WithdrawForm(Form):
    reason = StringField(_l("Reason"))


@bp.get("/cohorts/<cohort_id>/people")
@requires(COHORT)
def members(cohort_id: str) -> ResponseReturnValue:
    return _render_members(cohort_id, MemberForm(formdata=None))


def _render_members(cohort_id: str, form: MemberForm) -> str:
    cohort = find_cohort(cohort_id)
    session = db.session()
    role, text = request.args.get("role", ""), search_words()
    present = [has_part(cohort_id=cohort.id)]
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
    return render_template(
        "admin/people.html",
        cohort=cohort,
        counts=counts,
        chosen=role,
        text=text,
        members=pager.entries,
        clashing=parts.clashing_people(session, cohort_id=cohort.id),
        pager=pager,
        form=form,
    )


@bp.post("/cohorts/<cohort_id>/members")
@requires(COHORT)
def add_member(cohort_id: str) -> ResponseReturnValue:
    """Enrol one person; whoever has no account gets one, with an invitation by mail."""

    def act(session: Session, form: MemberForm) -> Done:
        cohort, actor, now = find_cohort(cohort_id), access.person(), access.now()
        person = accounts.look_up(session, form.email.data)
        if person is None:
            person = accounts.create_account(
                session, actor, email=form.email.data, name=form.name.data, now=now
            )
            accounts.invite(session, person, now=now)
        parts.enrol(session, actor, cohort, person, Role(form.role.data), now=now)
        return Done(
            url_for("admin.members", cohort_id=cohort_id),
            _("The person is enrolled."),
            *downloads.printing_note(person.name),
        )

    def show(form: MemberForm) -> str:
        return _render_members(cohort_id, form)

    return form_view(MemberForm(), act, show, refused_at="email")


@bp.route("/cohorts/<cohort_id>/members/<membership_id>/end", methods=["GET", "POST"])
@requires(COHORT)
def end_member(cohort_id: str, membership_id: str) -> ResponseReturnValue:
    """End somebody's part, with a reason."""

    def act(session: Session, form: EndPartForm) -> Done:
        membership = _membership(find_cohort(cohort_id), membership_id)
        departures.end_part(
            session, access.person(), membership, reason=form.reason.data, now=access.now()
        )
        return Done(
            url_for("admin.members", cohort_id=cohort_id),
            _("The person has left the cohort, and so has their project, if its result is not out.")
            if membership.role == Role.LEARNER
            else _("The person has left the cohort. What they held goes to others."),
        )

    def show(form: EndPartForm) -> str:
        cohort = find_cohort(cohort_id)
        membership = _membership(cohort, membership_id)
        return render_template(
            "admin/end_member.html", cohort=cohort, membership=membership, form=form
        )

    return form_view(EndPartForm(), act, show, refused_at="reason")


def _membership(cohort: Cohort, membership_id: str) -> Membership:
    membership = load(Membership, membership_id, COHORT)
    if membership.cohort_id != cohort.id:
        raise NotFound("There is no such page.")
    return membership


@bp.get("/cohorts/<cohort_id>/conflicts", endpoint="conflicts")
@requires(COHORT)
def list_conflicts(cohort_id: str) -> ResponseReturnValue:
    return _render_conflicts(cohort_id)


def _render_conflicts(
    cohort_id: str,
    form: ConflictForm | None = None,
    refused: Mapping[str, WithdrawForm] | None = None,
) -> str:
    """Render the conflicts; ``refused`` is the withdrawal with a fault, by its conflict."""
    cohort = find_cohort(cohort_id)
    session = db.session()
    statement = (
        select(ConflictOfInterest)
        .where(ConflictOfInterest.cohort_id == cohort.id)
        .options(selectinload(ConflictOfInterest.rater), selectinload(ConflictOfInterest.learner))
        .order_by(ConflictOfInterest.created_at.desc(), ConflictOfInterest.id)
    )
    pager = page_of(session, statement, page_number())
    return render_template(
        "admin/conflicts.html",
        cohort=cohort,
        conflicts=pager.entries,
        pager=pager,
        values=permits(access.identity(cohort.id), Permission.SCORES_READ),
        form=form or ConflictForm(formdata=None),
        withdrawals={
            conflict.id: WithdrawForm(formdata=None, ids=f"{conflict.id}-")
            for conflict in pager.entries
        }
        | dict(refused or {}),
    )


@bp.post("/cohorts/<cohort_id>/conflicts")
@requires(COHORT)
def declare_conflict(cohort_id: str) -> ResponseReturnValue:
    """Keep two apart; what the one has read of the other's is decided on in the same act."""

    def entered(form: ConflictForm) -> tuple[dict[str, Any], dict[str, Any]]:
        rater, learner = form.people(db.session())
        note = amendments.conflict_note(rater, learner, reason=form.reason.data)
        return note, note | {"reason": form.reason.data}

    def act(session: Session, form: ConflictForm) -> Done:
        return keep_apart(session, cohort_id, entered(form)[1] | {"sent": form.decisions.data})

    def show(form: ConflictForm) -> str:
        return _render_conflicts(cohort_id, form)

    return amending_view(ConflictForm(), act, show, entered=entered, refused_at="rater")


def keep_apart(
    session: Session, cohort_id: str, entered: Mapping[str, Any], signed: Answer | None = None
) -> Done:
    """Declare the conflict that was entered, with what was decided on the results that rest on it."""
    amendments.declare_conflict(
        session,
        access.person(),
        find_cohort(cohort_id),
        rater=session.get_one(Person, entered["rater"]),
        learner=session.get_one(Person, entered["learner"]),
        reason=str(entered["reason"]),
        decided=decided(entered["sent"], signed),
        now=access.now(),
    )
    return Done(url_for("admin.conflicts", cohort_id=cohort_id), _("The two will not meet."))


@bp.post("/cohorts/<cohort_id>/conflicts/<conflict_id>/withdraw")
@requires(COHORT)
def withdraw_conflict(cohort_id: str, conflict_id: str) -> ResponseReturnValue:
    def act(session: Session, form: WithdrawForm) -> Done:
        conflict = load(ConflictOfInterest, conflict_id, COHORT)
        if conflict.cohort_id != cohort_id:
            raise NotFound("There is no such page.")
        conflicts.withdraw_conflict(
            session, access.person(), conflict, reason=form.reason.data, now=access.now()
        )
        return Done(url_for("admin.conflicts", cohort_id=cohort_id), _("The two may meet again."))

    def show(form: WithdrawForm) -> str:
        return _render_conflicts(cohort_id, refused={conflict_id: form})

    return form_view(WithdrawForm(ids=f"{conflict_id}-"), act, show, refused_at="reason")
