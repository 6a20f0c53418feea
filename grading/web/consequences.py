"""Forms of acts that change what results rest on: each result that would change is decided on there.

A view of such an act goes through `amending_view`, its act takes ``decided(form)``, and its page has the
macro ``consequences`` within the form.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from wtforms import Field

from grading.db import transaction
from grading.errors import HoldLost
from grading.models import Challenge, Cohort
from grading.people import approvals
from grading.people.approvals import Answer
from grading.people.consequences import Decided, Decision, Undecided, Unsigned
from grading.web import access, step_up
from grading.web.errors import fault_words
from grading.web.forms import Done, Form, Shown, form_view

_CHOICE = re.compile("(?:decision|because)-(.+)")
OTHERWISE = "otherwise"


class DecisionsField(Field):  # type: ignore[misc]  # wtforms has no types
    """What was chosen and written on each result, by the name of the choice; ids are not known before."""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(formdata, *args, **kwargs)
        self.data = {name: formdata[name] for name in formdata or () if _CHOICE.fullmatch(name)}


class AmendingForm(Form):
    """A form whose act may change results.

    Attributes
    ----------
    asked : tuple of Consequence
        What has to be decided on; empty until the act found something.
    decision_faults : dict
        What is wrong with a decision, by the key of its consequence.
    """

    decisions = DecisionsField()
    asked: tuple[Any, ...] = ()
    decision_faults: Mapping[str, str] = {}

    def ask(self, question: Undecided) -> None:
        """Put what an act would change on the form."""
        self.asked = question.consequences
        self.decision_faults = {fault.where: fault_words(fault) for fault in question.faults}
        self.form_errors.extend(self.decision_faults.values())


def decided(sent: Mapping[str, str], signed: Answer | None = None) -> Decided:
    """Read what was decided from the `DecisionsField` of a form."""
    decisions = {
        name.removeprefix("decision-"): Decision(
            word == "amend", sent.get(f"because-{name.removeprefix('decision-')}", "")
        )
        for name, word in sent.items()
        if name.startswith("decision-") and word in ("amend", "leave")
    }
    return Decided(decisions, decisions.pop(OTHERWISE, None), signed)


F = TypeVar("F", bound=AmendingForm)


def amending_view(
    form: F,
    act: Callable[[Session, F], Done | Shown],
    show: Callable[[F], str],
    *,
    entered: Callable[[F], tuple[Mapping[str, Any], Mapping[str, Any]]] | None = None,
    refused_at: str | None = None,
) -> ResponseReturnValue:
    """Show a form and do what it asks, as `form_view`; ask on the same page what is not decided on.

    Parameters
    ----------
    entered : callable, optional
        Gives the note that is signed, and what the act needs besides, where results are amended by it.
    """
    try:
        return form_view(
            form, act, show, refused_at=refused_at, leave=(HoldLost, Undecided, Unsigned)
        )
    except Undecided as question:
        form.ask(question)
        g.page_error = bool(question.faults)
        return show(form), 422 if question.faults else 200
    except Unsigned as unsigned:
        if entered is None:
            raise
        note, besides = entered(form)
        with transaction() as session:
            challenge = _lay_before(
                session, unsigned, note, {**besides, "sent": form.decisions.data}
            )
            return Done(url_for("approving.page", challenge_id=challenge.id)).response()


def _lay_before(
    session: Session, unsigned: Unsigned, note: Mapping[str, Any], entered: Mapping[str, Any]
) -> Challenge:
    step_up.asked(session, session.get_one(Cohort, unsigned.cohort_id))
    return approvals.lay_before(
        session,
        access.person(),
        unsigned.action,
        unsigned.cohort_id,
        cohort_id=unsigned.cohort_id,
        records=unsigned.records,
        note=note,
        entered=entered,
        now=access.now(),
    )


def lay_again(session: Session, challenge: Challenge, act: Callable[[], object]) -> Challenge:
    """Put what an act would amend now before the same person, with what they entered."""
    entered, note = dict(challenge.entered or {}), dict(challenge.note)
    try:
        with session.begin_nested():
            act()
    except Unsigned as unsigned:
        return _lay_before(session, unsigned, note, entered)
    raise AssertionError("an act that was signed wants no signature any more")


def would_change(act: Callable[[Session], object]) -> Undecided | None:
    """Do an act and leave everything as it was: gives what would have to be decided on, if anything."""
    try:
        with transaction() as session:
            act(session)
            raise _Rehearsed
    except Undecided as question:
        return question
    except (_Rehearsed, Unsigned):
        return None


class _Rehearsed(Exception):
    """Ends a rehearsal, so that nothing of it is kept."""
