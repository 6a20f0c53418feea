"""What each topic of the outbox does. A handler may run twice and must come to the same end."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template
from sqlalchemy import func, select

from grading.db import transaction
from grading.errors import IllegalTransition
from grading.jobs import upkeep
from grading.jobs.worker import Handler, Task
from grading.models import (
    Allocation,
    Cohort,
    Objection,
    Person,
    Release,
    Submission,
    SubmissionFile,
    SubmissionMember,
    SubmittedCopy,
)
from grading.queries import dates, members
from grading.services import people, releases
from grading.workflow.allocation import HELD, Pool
from grading.workflow.group import ObjectionState
from grading.workflow.release import ReleaseState


def send_mail(task: Task) -> None:
    """Render one mail for one person, and send it."""
    payload = task.payload
    with transaction() as session:
        person = session.get(Person, payload["person"])
        if person is None or not person.active:
            return
        context = _CONTEXT[payload["template"]](session, person, payload["context"])
        zone = ZoneInfo(person.time_zone) if person.time_zone else context.get("zone")
        message = _message(task, payload["template"], person, context | {"zone": zone})
    task.installation.mailer.send(message)


def send_password_mail(task: Task) -> None:
    """Make a token at the moment of sending, so that it stands nowhere but in the mail."""
    with transaction() as session:
        person = session.get(Person, task.payload["person"])
        if person is None or not person.active:
            return
        token = people.issue_reset(session, person, now=task.now)
        message = _message(task, task.payload["template"], person, {"token": token})
    task.installation.mailer.send(message)


def carry_out_release(task: Task) -> None:
    """Carry out a release whose delay has ended; one that was stopped is done."""
    with transaction() as session:
        release = session.get_one(Release, task.payload["release"])
        if release.state == ReleaseState.STOPPED:
            return
        # One that was stopped while this waited for its row has made nothing yet.
        with suppress(IllegalTransition):
            releases.carry_out(session, release, now=task.now)


def keep_up(task: Task) -> None:
    """Do what the clock demands of a cohort."""
    upkeep.run(task.app, task.payload["cohort"], now=task.now)


def _message(task: Task, template: str, person: Person, context: dict[str, Any]) -> EmailMessage:
    """Render ``mail/NAME.txt``: the first line is the subject, the rest the text."""
    settings = task.installation.settings
    with task.app.test_request_context(base_url=settings.base_url):
        text = render_template(
            f"mail/{template}.txt",
            person=person,
            base_url=settings.base_url,
            service_name=settings.service_name,
            **context,
        )
    subject, _, body = text.strip().partition("\n")
    message = EmailMessage()
    message["Subject"] = subject.removeprefix("Subject:").strip()
    message["From"] = settings.mail_from
    message["To"] = person.email
    # The same job sent twice is the same message to whoever sorts mail.
    message["Message-ID"] = f"<{task.id}@{settings.mail_from.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body.strip() + "\n")
    return message


def _receipt(session: Any, person: Person, given: dict[str, Any]) -> dict[str, Any]:
    submission = session.get_one(Submission, given["submission"])
    copy = session.scalars(
        select(SubmittedCopy).where(
            SubmittedCopy.submission_id == submission.id, SubmittedCopy.number == given["copy"]
        )
    ).one()
    files = {
        file.id: file
        for file in session.scalars(
            select(SubmissionFile).where(SubmissionFile.submission_id == submission.id)
        )
    }
    by = session.get(Person, given["by"]) if given.get("by") not in (None, person.id) else None
    late_days, late_points = releases.points_lost(session, submission, at=copy.submitted_at)
    return {
        "cohort": submission.cohort,
        "zone": submission.cohort.zone,
        "copy": copy,
        "files": [files[file_id] for file_id in copy.files],
        "closes_at": dates.window(session, submission)[1],
        "by": by.name if by else None,
        "objections_until": submission.objections_until,
        "late_days": late_days,
        "late_points": late_points,
    }


def _group_invitation(session: Any, _person: Person, given: dict[str, Any]) -> dict[str, Any]:
    member = session.get_one(SubmissionMember, given["member"])
    cohort = member.submission.cohort
    by = member.invited_by.name if member.invited_by else cohort.program.sponsor.name
    return {"cohort": cohort, "zone": cohort.zone, "by": by}


def _group_changed(session: Any, _person: Person, given: dict[str, Any]) -> dict[str, Any]:
    cohort = session.get_one(Submission, given["submission"]).cohort
    return {"cohort": cohort, "zone": cohort.zone}


def _objection(session: Any, person: Person, given: dict[str, Any]) -> dict[str, Any]:
    objection = session.get_one(Objection, given["objection"])
    cohort = objection.submission.cohort
    own = members.newest(session, cohort, person.id)
    return {
        "cohort": cohort,
        "zone": cohort.zone,
        "by": objection.person.name,
        "returned": objection.state == ObjectionState.RETURNED,
        "upheld": objection.state == ObjectionState.UPHELD,
        "own": objection.person_id == person.id,
        "due_at": dates.window(session, own)[0] if own else None,
    }


def _result_ready(session: Any, _person: Person, given: dict[str, Any]) -> dict[str, Any]:
    cohort = session.get_one(Cohort, given["cohort"])
    return {"cohort": cohort, "zone": cohort.zone}


def _items_waiting(session: Any, person: Person, given: dict[str, Any]) -> dict[str, Any]:
    cohort = session.get_one(Cohort, given["cohort"])
    counts = {
        pool: session.scalar(
            select(func.count())
            .select_from(Allocation)
            .where(
                Allocation.cohort_id == cohort.id,
                Allocation.rater_id == person.id,
                Allocation.pool == pool,
                Allocation.state.in_(HELD),
            )
        )
        for pool in Pool
    }
    return {
        "cohort": cohort,
        "zone": cohort.zone,
        "as_grader": counts[Pool.PROFESSIONAL],
        "as_peer": counts[Pool.PEER],
    }


_CONTEXT: Mapping[str, Callable[[Any, Person, dict[str, Any]], dict[str, Any]]] = {
    "receipt": _receipt,
    "result_ready": _result_ready,
    "items_waiting": _items_waiting,
    "group_invitation": _group_invitation,
    "group_changed": _group_changed,
    "group_objection": _objection,
    "objection_decided": _objection,
}

HANDLERS: Mapping[str, Handler] = {
    "mail": send_mail,
    "password_mail": send_password_mail,
    "release": carry_out_release,
    "upkeep": keep_up,
}
