"""How a form is shown, refused and followed, whatever it asks."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, get_flashed_messages, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField

import grading.web
from grading.errors import Fault, FaultsFound, HoldLost, NotFound, Refused, TooMany
from grading.models import Person
from grading.web.forms import HEAD, Done, Form, Shown, checkboxes, form_view, options, yes_field
from tests.database import NOW


class NoteForm(Form):
    name = StringField("Name")
    text = TextAreaField("Text")
    parts = checkboxes("Parts", choices=options([("a", "A"), ("b", "B")]))
    public = yes_field("Public")


@pytest.fixture
def post(app: Flask) -> Callable[..., Any]:
    """Send fields to a `form_view` of `NoteForm`; what it answers, and what it said for the next page."""

    def send(act: Any, show: Any = None, *, refused_at: str | None = None, **fields: Any) -> Any:
        with app.test_request_context(method="POST", data=fields):
            form = NoteForm(meta={"csrf": False})
            show = show or (lambda shown: "|".join(map(str, [shown.text.data, shown.errors])))
            answer = form_view(form, act, show, refused_at=refused_at)
            return answer, get_flashed_messages()

    return send


def raising(error: Exception) -> Callable[..., Any]:
    def act(session: Session, form: NoteForm) -> Done:
        session.add(Person(name="New", email="new@example.org"))
        raise error

    return act


def test_an_act_is_followed_by_one_redirect_and_its_word(post: Any) -> None:
    (answer, said) = post(lambda session, form: Done("/next", "It is kept."))
    assert answer.status_code == 303
    assert answer.location == "/next"
    assert said == ["It is kept."]


def test_faults_stand_at_their_fields_and_what_was_typed_stays(post: Any) -> None:
    error = FaultsFound([Fault("name", "Say a name."), Fault("row 7", "No.")])
    ((page, status), said) = post(raising(error), text="typed")
    assert status == 422
    assert page == "typed|{'name': ['Say a name.'], '': ['row 7: No.']}"
    assert said == []


def test_a_refusal_stands_at_the_head_with_its_own_status(post: Any) -> None:
    ((page, status), _said) = post(raising(Refused("Closed.")), text="typed")
    assert (page, status) == ("typed|{'': ['Closed.']}", 409)


@pytest.mark.parametrize(("error", "status"), [(Refused("No."), 422), (TooMany("No."), 429)])
def test_a_refusal_stands_at_the_field_that_the_view_names(
    post: Any, error: Refused, status: int
) -> None:
    ((page, found), _said) = post(raising(error), refused_at="name")
    assert (page, found) == ("|{'name': ['No.']}", status)


def test_a_refusal_of_what_was_entered_stands_at_the_head_as_a_fault(post: Any) -> None:
    ((page, status), _said) = post(raising(Refused("Closed.")), refused_at=HEAD, text="typed")
    assert (page, status) == ("typed|{'': ['Closed.']}", 422)


def test_nothing_of_a_refused_act_is_kept(app: Flask, post: Any, act: Any) -> None:
    post(raising(Refused("No.")))
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 0


def test_faults_that_are_returned_are_shown_and_what_was_done_is_kept(post: Any, act: Any) -> None:
    def failing(session: Session, form: NoteForm) -> FaultsFound:
        session.add(Person(name="New", email="new@example.org", created_at=NOW))
        return FaultsFound([Fault("name", "Wrong.")])

    ((page, status), _said) = post(failing)
    assert (page, status) == ("|{'name': ['Wrong.']}", 422)
    with act() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1


def test_an_error_that_the_view_answers_itself_is_left_to_it(app: Flask) -> None:
    with app.test_request_context(method="POST"):
        form = NoteForm(meta={"csrf": False})
        with pytest.raises(TooMany):
            form_view(form, raising(TooMany("No.")), lambda form: "", leave=(TooMany,))


def test_an_act_may_lead_to_what_it_found(post: Any) -> None:
    (answer, _said) = post(lambda session, form: Shown("found"))
    assert answer == "found"


def test_a_refusal_that_closed_the_page_says_why(post: Any) -> None:
    def gone(form: NoteForm) -> str:
        raise NotFound("There is no such page.")

    with pytest.raises(Refused, match="Closed"):
        post(raising(Refused("Closed.")), gone)


def test_a_lost_hold_has_a_page_of_its_own(post: Any) -> None:
    with pytest.raises(HoldLost):
        post(raising(HoldLost("expired", "It is gone.")))


def test_a_form_that_is_one_button_is_refused_by_a_page_of_its_own(app: Flask) -> None:
    with app.test_request_context(method="POST"), pytest.raises(Refused):
        form_view(NoteForm(meta={"csrf": False}), raising(Refused("No.")))


def test_what_was_not_sent_is_empty_and_lines_end_alike(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"text": "a\r\nb"}):
        form = NoteForm(meta={"csrf": False})
        assert (form.name.data, form.text.data, form.parts.data) == ("", "a\nb", [])
        assert form.public.data is False


@pytest.mark.parametrize(("sent", "meant"), [("yes", True), ("no", False), ("", False)])
def test_a_word_of_a_button_says_yes_or_no(app: Flask, sent: str, meant: bool) -> None:
    with app.test_request_context(method="POST", data={"public": sent}):
        assert NoteForm(meta={"csrf": False}).public.data is meant


def test_a_blank_form_leaves_what_was_sent_to_its_neighbour(app: Flask) -> None:
    with app.test_request_context(method="POST", data={"name": "typed"}):
        assert request.form["name"] == "typed"
        blank = NoteForm.blank(ids="second-", meta={"csrf": False})
        assert blank.name.data == ""
        assert (blank.name.id, blank.name.name) == ("second-name", "name")
        assert 'for="second-name"' in str(blank.name.label())


def test_what_was_sent_is_read_by_a_form_class() -> None:
    web = Path(grading.web.__file__).parent
    by_hand = re.compile(r"request\.(form|values|files)\b")
    read = [
        path.relative_to(web).as_posix()
        for path in sorted(web.rglob("*.py"))
        if by_hand.search(path.read_text())
    ]
    assert read == []
