"""Questions about a result: asked one at a time, answered by a reader, the score untouched."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.disputes import appeals, explanations
from grading.errors import FaultsFound, IllegalTransition, NotFound, Refused
from grading.models import Absence, Explanation, Grade, Job, Membership, Submission
from tests import stories
from tests.database import NOW
from tests.disputes.test_appeals import at_once
from tests.stories import ANSWER, Released

STATES = ("open", "answered", "withdrawn")
EXPECTED: dict[str, dict[str, Any]] = {
    "ask": {"open": Refused, "answered": "open", "withdrawn": "open"},
    "answer": {
        "open": "answered",
        "answered": IllegalTransition,
        "withdrawn": IllegalTransition,
    },
    "withdraw": {
        "open": "withdrawn",
        "answered": IllegalTransition,
        "withdrawn": IllegalTransition,
    },
}


def do(session: Session, told: Released, question: Explanation, act: str) -> Explanation:
    if act == "ask":
        return stories.question_in(session, told, "open")
    if act == "answer":
        explanations.answer_question(session, told.reader, question, text=ANSWER, now=told.now)
    else:
        explanations.withdraw_question(session, told.learner, question, now=told.now)
    return question


@pytest.mark.parametrize("act", EXPECTED)
@pytest.mark.parametrize("state", STATES)
def test_every_act_in_every_state(session: Session, state: str, act: str) -> None:
    told = stories.a_result(session)
    question = stories.question_in(session, told, state)
    expected = EXPECTED[act][state]
    if isinstance(expected, str):
        assert do(session, told, question, act).state == expected
    else:
        with pytest.raises(expected):
            do(session, told, question, act)
        assert question.state == state


def test_the_table_is_whole() -> None:
    assert all(set(row) == set(STATES) for row in EXPECTED.values())


def test_a_reader_of_the_work_owns_it_and_no_score_changes(session: Session) -> None:
    told = stories.a_result(session)
    question = stories.question_in(session, told, "answered")
    assert question.owner_id == told.reader.id
    assert question.answer_by > told.now
    assert session.scalar(select(func.count()).select_from(Grade)) == 1
    mails = [job.payload["template"] for job in session.scalars(select(Job)) if job.topic == "mail"]
    assert mails.count("explanation_answered") == 1


def test_it_is_freed_when_its_owner_cannot_answer(session: Session) -> None:
    told = stories.a_result(session)
    question = stories.question_in(session, told, "open")
    free = explanations.may_take_question
    assert not free(session, question, now=told.now)
    assert free(session, question, now=question.answer_by + timedelta(minutes=1))
    away = Absence(
        cohort_id=told.work.cohort_id,
        person=told.reader,
        starts_at=told.now,
        ends_at=told.now + timedelta(days=2),
        declared_at=NOW,
    )
    session.add(away)
    session.flush()
    assert free(session, question, now=told.now + timedelta(hours=1))
    away.ended_at = told.now
    session.flush()
    assert not free(session, question, now=told.now + timedelta(hours=1))
    part = session.scalars(select(Membership).where(Membership.person_id == told.reader.id)).one()
    part.ended_at = told.now
    session.flush()
    assert free(session, question, now=told.now)


def test_one_can_ask_as_long_as_one_can_appeal(session: Session) -> None:
    told = stories.a_result(session, wait=timedelta(minutes=1))
    assert stories.question_in(session, told, "answered").state == "answered"
    _opens, told.now = appeals.appeal_window(told.cast.cohort, told.grade)
    assert stories.question_in(session, told, "answered").state == "answered"
    told.now += timedelta(minutes=1)
    with pytest.raises(Refused):
        stories.question_in(session, told, "open")


def test_neither_side_is_named_and_nobody_asks_or_answers_for_another(session: Session) -> None:
    told = stories.a_result(session)
    ask = {"criteria": ["method"], "now": told.now}
    with pytest.raises(FaultsFound):
        explanations.request_explanation(
            session, told.learner, told.work, told.grade, question="Why is Alder below it?", **ask
        )
    with pytest.raises(NotFound):
        explanations.request_explanation(
            session, told.reader, told.work, told.grade, question="Why is it below that?", **ask
        )
    question = stories.question_in(session, told, "open")
    with pytest.raises(NotFound):
        explanations.answer_question(session, told.learner, question, text=ANSWER, now=told.now)
    with pytest.raises(NotFound):
        explanations.withdraw_question(session, told.reader, question, now=told.now)
    name = told.reader.name.split()[1]
    with pytest.raises(FaultsFound):
        explanations.answer_question(
            session, told.reader, question, text=f"{name} says: look at page two.", now=told.now
        )


def test_two_questions_at_once_are_one(
    app: Flask, any_database: str, act: Callable[[], Any]
) -> None:
    with act() as session:
        told = stories.a_result(session)
        work_id, grade_id, now = told.work.id, told.grade.id, told.now

    def ask(session: Session) -> None:
        work = session.get_one(Submission, work_id)
        explanations.request_explanation(
            session,
            work.learner,
            work,
            session.get_one(Grade, grade_id),
            criteria=["method"],
            question="What would the next level look like?",
            now=now,
        )

    assert sorted(at_once(app, [ask] * 4)) == ["Refused"] * 3 + ["done"]
