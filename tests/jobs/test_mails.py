"""Every mail a service asks for has a template, a context and words without a score."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from flask import Flask, render_template

import grading
from grading import assets
from grading.cohorts import extensions, parts
from grading.jobs import handlers
from grading.jobs.worker import Worker
from grading.readings import monitoring
from grading.workflow.calendar import ExtensionKind
from grading.workflow.cohort import Role
from tests import factories, stories
from tests.database import NOW

NAMED = re.compile(r"outbox\.mail\(\s*session,\s*\"(\w+)\"")


def asked() -> set[str]:
    folder = Path(next(iter(grading.__path__)))
    return {name for path in folder.rglob("*.py") for name in NAMED.findall(path.read_text())}


def test_each_has_a_template_and_a_context() -> None:
    assert asked() >= {"receipt", "appeal_received", "appeal_decided", "misconduct_hearing"}
    for name in asked():
        assert (assets.folder("templates") / "mail" / f"{name}.txt").is_file(), name
        assert name in handlers._CONTEXT, name


def test_the_mails_of_disputes(app: Flask, act: Callable[[], Any], tmp_path: Path) -> None:
    """One each, in the learner's zone with the course's beside it, and never a score in them."""
    with act() as session:
        told = stories.a_result(session)
        told.learner.time_zone = "America/New_York"
        stories.question_in(session, told, "answered")
        stories.appeal_in(session, told, "upheld")
        told.now += timedelta(hours=25)
        told.appeal += 1
        stories.appeal_in(session, told, "dismissed")
        stories.case_in(session, told.cast, told.work, "upheld", now=told.now)
        extensions.grant(
            session,
            told.cast.coordinator,
            told.cast.cohort,
            told.learner,
            kind=ExtensionKind.EXTENSION,
            days=3,
            reason="Ill for a week.",
            now=told.now,
        )
        address, now = told.learner.email, told.now
    mails = {k: v for k, v in handlers.HANDLERS.items() if k == "mail"}

    def send(task: Any) -> None:
        if task.payload["template"] != "digest":
            mails["mail"](task)

    Worker(app, {**handlers.HANDLERS, "mail": send, "upkeep": lambda task: None}).run_until_idle(
        now + timedelta(minutes=1)
    )
    sent = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((tmp_path / "mail").rglob("*.eml"))
    ]
    mine = [message for message in sent if message["To"] == address]
    texts = {str(message["Subject"]): message.get_content() for message in mine}
    assert {
        "We have your appeal",
        "Your result has changed",
        "Your appeal is decided",
        "Your question is answered",
        "A question about your project needs your answer",
        "The question about your project is decided",
        "Your dates for Spring have changed",
    } <= set(texts)
    assert "New York time" in texts["We have your appeal"]
    assert "London time" in texts["We have your appeal"]
    assert "New York time" in texts["Your dates for Spring have changed"]
    for text in texts.values():
        assert not re.search(r"\b(33|67|100)\b", text)
        assert "Ill for a week" not in text
        assert "copying" not in text.lower()


def test_a_paused_grader_is_written_to_and_again_when_it_is_answered(
    app: Flask, act: Callable[[], Any]
) -> None:
    """The first says when an answer is owed; a pause that was ended in the meantime writes no first."""

    with act() as session:
        cast = factories.a_cast(session, now=NOW)
        lead, grader, cohort = cast.lead, cast.graders[0], cast.cohort
        paused = monitoring.pause(session, lead, cohort, grader, reason="A look.", now=NOW)
        given = {"cohort": cohort.id}
        context = handlers._CONTEXT["queue_paused"](session, grader, given, NOW)
        assert context is not None
        assert handlers._CONTEXT["queue_resumed"](session, grader, given, NOW) is None
        with app.test_request_context():
            first = app.jinja_env.get_template("mail/queue_paused.txt").render(
                person=grader, base_url="", service_name="S", **context
            )
        assert "You are owed an answer by" in first
        assert "A look." not in first
        monitoring.resume(session, lead, paused, answer="All is well.", now=NOW)
        assert handlers._CONTEXT["queue_paused"](session, grader, given, NOW) is None
        context = handlers._CONTEXT["queue_resumed"](session, grader, given, NOW)
        assert context is not None
        with app.test_request_context():
            second = app.jinja_env.get_template("mail/queue_resumed.txt").render(
                person=grader, base_url="", service_name="S", **context
            )
        assert "All is well." in second


def test_who_oversees_reads_who_else_does_and_who_made_them_so(
    app: Flask, act: Callable[[], Any]
) -> None:
    with act() as session:
        cohort = factories.a_cohort(session, now=NOW)
        opal = factories.a_member(session, cohort, "Opal", Role.INSTRUCTOR, now=NOW)
        office = factories.a_person(session, "Office", administrator=True, now=NOW)
        fresh = factories.a_person(session, "Fresh", now=NOW)
        membership = parts.enrol(session, office, cohort, fresh, Role.LEAD, now=NOW)
        given = {"memberships": [membership.id], "by": office.id}
        context = handlers._CONTEXT["overseers_added"](session, opal, given, NOW)
        assert context is not None
        with app.test_request_context():
            mail = render_template(
                "mail/overseers_added.txt", person=opal, base_url="", service_name="S", **context
            )
        assert "Fresh <fresh@example.org>, Lead" in mail
        assert "Office made them so." in mail
        session.delete(membership)
        session.flush()
        assert handlers._CONTEXT["overseers_added"](session, opal, given, NOW) is None
