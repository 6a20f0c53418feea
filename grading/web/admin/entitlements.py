"""Entitlements, for a program office; never for anybody who scores in the program."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from grading.db import db, transaction
from grading.errors import GradingError, NotFound
from grading.models import Entitlement, Program
from grading.people import accounts
from grading.records import entitlements
from grading.records.queries import entitlement_lists
from grading.web import access
from grading.web.access import load, page_number, requires
from grading.web.admin.common import PROGRAM, bp, find_program
from grading.web.errors import words
from grading.web.forms import Form, options
from grading.web.labels import ENTITLEMENT_TAGS
from grading.workflow.credential import ENTITLEMENT_MACHINE, EntitlementState

_needed = InputRequired(_l("This cannot be empty."))


class EntitlementForm(Form):
    email = StringField(_l("E-mail address of the learner"), [_needed])
    course = SelectField(_l("For"))
    state = SelectField(
        _l("Entitlement"),
        choices=options(
            (state, ENTITLEMENT_TAGS[state][0])
            for state in EntitlementState
            if state != EntitlementState.REFUNDED
        ),
    )
    note = StringField(_l("Note"), [Length(max=500)])


def _program(program_id: str) -> Program:
    """Find the program for somebody who does not score in it."""
    found = find_program(program_id)
    entitlements.not_a_scorer(db.session(), access.person(), found)
    return found


@bp.get("/programs/<program_id>/entitlements")
@requires(PROGRAM)
def entitlements_list(program_id: str) -> Any:
    return _page(_program(program_id))


def _page(found: Program, form: EntitlementForm | None = None) -> Any:
    form = form or EntitlementForm(formdata=None)
    form.course.choices = _courses(found)
    state, text = request.args.get("state", ""), request.args.get("text", "").strip()
    pager = entitlement_lists.list_entitlements(
        db.session(), found, state=state, text=text, page=page_number()
    )
    page = render_template(
        "admin/entitlements.html",
        program=found,
        rows=pager.entries,
        states=list(EntitlementState),
        chosen=state,
        text=text,
        pager=pager,
        form=form,
        page_error=bool(form.errors),
    )
    return page, 422 if form.errors else 200


def _courses(found: Program) -> Any:
    return options(
        [("", _("The capstone")), *((course.id, course.title) for course in found.courses)]
    )


@bp.post("/programs/<program_id>/entitlements")
@requires(PROGRAM)
def grant_entitlement(program_id: str) -> Any:
    form = EntitlementForm()
    form.course.choices = _courses(_program(program_id))
    if form.validate_on_submit():
        try:
            with transaction() as session:
                found = _program(program_id)
                entitlements.grant_entitlement(
                    session,
                    access.person(),
                    found,
                    accounts.find_account(session, form.email.data),
                    next((item for item in found.courses if item.id == form.course.data), None),
                    EntitlementState(form.state.data),
                    note=form.note.data or "",
                    now=access.now(),
                )
            flash(_("The entitlement is noted."))
            return redirect(url_for("admin.entitlements_list", program_id=program_id), 303)
        except NotFound:
            raise
        except GradingError as error:
            form.email.errors = [*form.email.errors, words(error)]
    return _page(_program(program_id), form)


@bp.route("/programs/<program_id>/entitlements/<entitlement_id>", methods=["GET", "POST"])
@requires(PROGRAM)
def entitlement(program_id: str, entitlement_id: str) -> Any:
    """Change one, with a reason; a refund after the credential was issued says what it does."""
    faults: list[str] = []
    if request.method == "POST":
        try:
            with transaction() as session:
                _program(program_id)
                word = request.form.get("state", "")
                if word not in set(EntitlementState):
                    raise NotFound("There is no such page.")
                entitlements.change_entitlement(
                    session,
                    access.person(),
                    _entitlement(program_id, entitlement_id),
                    EntitlementState(word),
                    reason=request.form.get("reason", ""),
                    revoke=request.form.get("revoke") == "yes",
                    now=access.now(),
                )
            flash(_("The entitlement is changed."))
            return redirect(url_for("admin.entitlements_list", program_id=program_id), 303)
        except NotFound:
            raise
        except GradingError as error:
            faults = [words(error)]
    found = _program(program_id)
    item = _entitlement(program_id, entitlement_id)
    page = render_template(
        "admin/entitlement.html",
        program=found,
        item=item,
        next_states=[
            state
            for state, event in entitlements.EVENTS.items()
            if ENTITLEMENT_MACHINE.allows(item.state, event)
        ],
        issued=entitlements.issued_on(db.session(), item) is not None,
        reason=request.form.get("reason", ""),
        faults=faults,
        page_error=bool(faults),
    )
    return page, 422 if faults else 200


def _entitlement(program_id: str, entitlement_id: str) -> Entitlement:
    item = load(Entitlement, entitlement_id, PROGRAM)
    if item.program_id != program_id:
        raise NotFound("There is no such page.")
    return item
