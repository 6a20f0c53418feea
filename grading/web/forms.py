"""Forms: what every one has, and the one way in which it is shown, refused and acted on.

A page with one form shows it under GET and takes it under POST::

    class AnswerForm(Form):
        answer = TextAreaField(_l("Your answer"))

    @bp.route("/question/<question_id>", methods=["GET", "POST"])
    @requires(READ)
    def question(question_id: str) -> ResponseReturnValue:
        def act(session: Session, form: AnswerForm) -> Done:
            asked = find_question(question_id)
            explanations.answer(session, access.person(), asked, text=form.answer.data, now=access.now())
            return Done(url_for("sign_in.home"), _("Your answer is with the learner."))

        return form_view(AnswerForm(), act, lambda form: render_question(question_id, form))

A page with several forms gives each its own address, class and ``form_view``. Its ``render_…`` function
takes the form that was refused as a keyword and shows the others with ``blank()``::

    def render_group(
        cohort: Cohort, *, invite: InviteForm | None = None, join: JoinForm | None = None
    ) -> str:
        return render_template(
            "learner/group.html", invite=invite or InviteForm.blank(), join=join or JoinForm.blank()
        )

A form that stands once a row gets ``ids=f"{row.id}-"``, so that ids on the page differ while the names
of the fields stay. A form whose fields depend on data (a level for each criterion of a rubric) is a
class made by a function: ``type("SheetForm", (Form,), fields)``; where a service names places other than
its fields, it overrides `Form.field_of`.

Rules of the field stay in the services; a form cleans texts, converts (dates, numbers), and says what
cannot be read.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    FloatField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput

from grading import texts
from grading.db import transaction
from grading.errors import Fault, FaultsFound, GradingError, HoldLost, NotFound, Refused
from grading.web.errors import fault_words, status_of, words

# No count, no number of points and no version comes near it, and every column holds it.
LARGEST = 1_000_000_000


def options(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    """Give (value, label) pairs as a select field wants them."""
    return [SelectChoice(str(value), label) for value, label in pairs]


def checkboxes(label: Any = "", **kwargs: Any) -> SelectMultipleField:
    """Several of a list, each a box to tick; the service judges what was ticked."""
    given: dict[str, Any] = {"choices": [], "validate_choice": False, **kwargs}
    return SelectMultipleField(label, option_widget=CheckboxInput(), **given)


def several(label: Any = "", **kwargs: Any) -> SelectMultipleField:
    """Several texts under one name, whatever they are."""
    return SelectMultipleField(label, default=[], choices=[], validate_choice=False, **kwargs)


def radio(label: Any = "", **kwargs: Any) -> RadioField:
    """One of a list, each a button; the service judges what was chosen, or that nothing was."""
    return RadioField(label, **{"choices": [], "validate_choice": False, **kwargs})


def yes_field(label: Any = "", **kwargs: Any) -> BooleanField:
    """A box, or a hidden word of a button's form, that says yes or no."""
    return BooleanField(label, false_values=(False, "false", "", "no"), **kwargs)


def _cleaned(clean: Callable[[str], str]) -> Callable[[Any], Any]:
    """Make a field's filter of a cleaner: what it refuses is the field's fault, in its words."""

    def filtered(data: Any) -> Any:
        if isinstance(data, list):
            return [filtered(text) for text in data]
        try:
            return clean(data) if isinstance(data, str) else data
        except Refused as error:
            raise ValueError(words(error)) from None

    return filtered


def _fits(number: Any) -> Any:
    if number is not None and not abs(number) < LARGEST:
        raise ValueError(_("Give a smaller number."))
    return number


# What each kind of field takes, the first that fits; a password is what somebody typed.
_FILTERS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((PasswordField,), str),
    ((TextAreaField,), _cleaned(texts.clean_text)),
    ((StringField, SelectField), _cleaned(texts.clean_line)),
    ((IntegerField, FloatField), _fits),
)


class Form(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """A form that is protected against forgery, and whose fields take the faults that a service found.

    Text that was not sent is the empty string, as services want it; what was sent is clean (`grading.texts`).

    Parameters
    ----------
    ids : str
        What the id of every field begins with, where one form stands several times on a page.
    """

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # flask-wtf has no types
        def bind_field(self, form: Any, unbound_field: Any, options: Mapping[str, Any]) -> Any:
            kind = unbound_field.field_class
            own = unbound_field.kwargs
            if issubclass(kind, (StringField, SelectField)):
                own.setdefault("default", "")
            for kinds, clean in _FILTERS:
                if issubclass(kind, kinds):
                    own.setdefault("filters", [clean])
            return super().bind_field(form, unbound_field, options)

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            # A form comes as a form: JSON has its own doors, and may be anything.
            if request.is_json and not isinstance(formdata, MultiDict):
                return None
            return super().wrap_formdata(form, formdata)

    def __init__(self, *args: Any, ids: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if ids:
            for field in self:
                field.id = field.label.field_id = f"{ids}{field.name}"

    @classmethod
    def blank(cls, **kwargs: Any) -> Self:
        """Give the form as it stands before anything is entered, whatever was sent with the request."""
        return cls(formdata=None, **kwargs)

    def field_of(self, where: str) -> str:
        """Give the name of the field that stands for a place that a service names."""
        return where

    def take(self, error: FaultsFound) -> list[str]:
        """Put each fault beside the field it names; give the messages that name none."""
        rest = []
        for fault in error.faults:
            field: Any = self._fields.get(self.field_of(fault.where))
            if field is not None:
                field.errors = [*field.errors, fault_words(fault)]
            else:
                rest.append(
                    f"{fault.where}: {fault_words(fault)}" if fault.where else fault_words(fault)
                )
        return rest

    def refuse(self, error: FaultsFound | Refused, field: str | None = None) -> int:
        """Say on the form why the act was refused; give the status of the answer.

        Parameters
        ----------
        field : str, optional
            Where a refusal is shown that counts as a fault; `HEAD` is the head of the form. Without it, a
            refusal stands at the head, and the answer has its own status.
        """
        if isinstance(error, FaultsFound):
            self.form_errors.extend(self.take(error))
        elif field is not None:
            fault = Fault(field, error.template, error.params)
            self.form_errors.extend(self.take(FaultsFound([fault])))
            return 422 if type(error) is Refused else status_of(error)
        else:
            self.form_errors.append(words(error))
        return status_of(error)


F = TypeVar("F", bound=Form)
# Where a refusal is shown that is a fault of what was entered, and of no one field.
HEAD = ""


class Done:
    """Where an act leads: the page to go on with, and what is said there.

    Parameters
    ----------
    url : str
        The next page.
    *messages : str
        What it says at its head.
    then : callable, optional
        Called once the act is kept, for what is no part of the transaction, such as signing in.
    """

    def __init__(self, url: str, *messages: str, then: Callable[[], object] | None = None) -> None:
        self.url, self.messages, self.then = url, messages, then

    def response(self) -> ResponseReturnValue:
        """Answer with the one redirect after an act."""
        if self.then is not None:
            self.then()
        for message in self.messages:
            flash(message)
        return redirect(self.url, 303)


class Shown:
    """What an act leads to where that is no other page: what was found, or that a mail is on its way."""

    def __init__(self, body: ResponseReturnValue) -> None:
        self.body = body

    def response(self) -> ResponseReturnValue:
        return self.body


def form_view(
    form: F,
    act: Callable[[Session, F], Done | Shown | FaultsFound],
    show: Callable[[F], str] | None = None,
    *,
    refused_at: str | None = None,
    leave: tuple[type[GradingError], ...] = (HoldLost,),
) -> ResponseReturnValue:
    """Show a form; or do what it asks in one transaction, and go on; or show it again with its faults.

    Parameters
    ----------
    act : callable
        Runs in the transaction, where records must be loaded. What it returns is said and followed once
        the transaction is kept. Faults that it raises keep nothing; those it returns are shown although
        what it did is kept, as that a sign-in failed.
    show : callable, optional
        Renders the page with the form. Without it, as for a form that is one button, a refusal gets a page
        of its own.
    refused_at : str, optional
        The field beside which a `Refused` is shown as a fault, or `HEAD`.
    leave : tuple
        Errors that the view answers by a page of its own.
    """
    if not form.is_submitted():
        return _shown(form, show)
    try:
        if form.validate():
            with transaction() as session:
                done = act(session, form)
            if not isinstance(done, FaultsFound):
                return done.response()
            if show is None:
                raise done
            return refused(form, done, show)
    except leave:
        raise
    except (FaultsFound, Refused) as error:
        if show is None:
            raise
        return refused(form, error, show, field=refused_at)
    g.page_error = True
    return _shown(form, show), 422


def refused(
    form: F, error: FaultsFound | Refused, show: Callable[[F], str], *, field: str | None = None
) -> ResponseReturnValue:
    """Show the form again with why its act was refused, and what was typed."""
    status = form.refuse(error, field)
    g.page_error = True
    try:
        return show(form), status
    except NotFound:
        # What refused the act also closed the page, and says why.
        raise error from None


def _shown(form: F, show: Callable[[F], str] | None) -> str:
    if show is None:
        raise FaultsFound(
            Fault(name, str(message))
            for name, messages in form.errors.items()
            for message in messages
        )
    return show(form)
