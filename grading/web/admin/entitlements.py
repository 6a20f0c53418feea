"""Entitlements, for a program office; never for anybody who scores in the program."""

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from grading.db import db
from grading.errors import NotFound
from grading.models import Entitlement, Program
from grading.people import accounts
from grading.records import entitlements
from grading.records.queries import entitlement_lists
from grading.web import access
from grading.web.access import load, requires
from grading.web.admin.common import PROGRAM, bp, find_program
from grading.web.consequences import AmendingForm, amending_view, decided
from grading.web.entering import page_number, search_words
from grading.web.forms import Done, Form, form_view, options, radio
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


class ChangeForm(AmendingForm):
    state = radio(_l("Change to"))
    reason = StringField(_l("Reason"))


def _program(program_id: str) -> Program:
    """Find the program for somebody who does not score in it."""
    program = find_program(program_id)
    entitlements.not_a_scorer(db.session(), access.person(), program)
    return program


@bp.get("/programs/<program_id>/entitlements")
@requires(PROGRAM)
def entitlements_list(program_id: str) -> ResponseReturnValue:
    return _render_list(program_id, EntitlementForm(formdata=None))


def _render_list(program_id: str, form: EntitlementForm) -> str:
    program = _program(program_id)
    form.course.choices = _courses(program)
    state, text = request.args.get("state", ""), search_words()
    pager = entitlement_lists.list_entitlements(
        db.session(), program, state=state, text=text, page=page_number()
    )
    return render_template(
        "admin/entitlements.html",
        program=program,
        rows=pager.entries,
        states=list(EntitlementState),
        chosen=state,
        text=text,
        pager=pager,
        form=form,
    )


def _courses(program: Program) -> Any:
    return options(
        [("", _("The capstone")), *((course.id, course.title) for course in program.courses)]
    )


@bp.post("/programs/<program_id>/entitlements")
@requires(PROGRAM)
def grant_entitlement(program_id: str) -> ResponseReturnValue:
    def act(session: Session, form: EntitlementForm) -> Done:
        program = _program(program_id)
        entitlements.grant_entitlement(
            session,
            access.person(),
            program,
            accounts.find_account(session, form.email.data),
            next((course for course in program.courses if course.id == form.course.data), None),
            EntitlementState(form.state.data),
            note=form.note.data,
            now=access.now(),
        )
        return Done(
            url_for("admin.entitlements_list", program_id=program_id),
            _("The entitlement is noted."),
        )

    def show(form: EntitlementForm) -> str:
        return _render_list(program_id, form)

    form = EntitlementForm()
    form.course.choices = _courses(_program(program_id))
    return form_view(form, act, show, refused_at="email")


@bp.route("/programs/<program_id>/entitlements/<entitlement_id>", methods=["GET", "POST"])
@requires(PROGRAM)
def entitlement(program_id: str, entitlement_id: str) -> ResponseReturnValue:
    """Change one, with a reason; a refund after the credential was issued says what it does."""

    def act(session: Session, form: ChangeForm) -> Done:
        _program(program_id)
        if form.state.data not in set(EntitlementState):
            raise NotFound("There is no such page.")
        entitlements.change_entitlement(
            session,
            access.person(),
            _entitlement(program_id, entitlement_id),
            EntitlementState(form.state.data),
            reason=form.reason.data,
            decided=decided(form.decisions.data),
            now=access.now(),
        )
        return Done(
            url_for("admin.entitlements_list", program_id=program_id),
            _("The entitlement is changed."),
        )

    def show(form: ChangeForm) -> str:
        program, changed = _program(program_id), _entitlement(program_id, entitlement_id)
        states = [
            state
            for state, event in entitlements.EVENTS.items()
            if ENTITLEMENT_MACHINE.allows(changed.state, event)
        ]
        form.state.choices = options((state, ENTITLEMENT_TAGS[state][0]) for state in states)
        form.state.data = form.state.data or next(iter(states), "")
        return render_template(
            "admin/entitlement.html",
            program=program,
            item=changed,
            form=form,
        )

    return amending_view(ChangeForm(), act, show, refused_at="reason")


def _entitlement(program_id: str, entitlement_id: str) -> Entitlement:
    item = load(Entitlement, entitlement_id, PROGRAM)
    if item.program_id != program_id:
        raise NotFound("There is no such page.")
    return item
