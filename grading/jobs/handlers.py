"""What each topic of the outbox does. A handler may run twice and must come to the same end."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template
from sqlalchemy import select

from grading.cohorts.queries import calendars, group_members
from grading.db import transaction
from grading.errors import IllegalTransition
from grading.jobs import credentials, privacy, upkeep
from grading.jobs.worker import Handler, Task
from grading.models import (
    Appeal,
    Cohort,
    Explanation,
    Membership,
    MisconductCase,
    Objection,
    Person,
    QueuePause,
    Release,
    Submission,
    SubmissionFile,
    SubmissionMember,
    SubmittedCopy,
)
from grading.office import needs
from grading.people import passwords
from grading.readings.queries import standings
from grading.releases import releases, results
from grading.scores import statistics
from grading.texts import mail_address, seen_line
from grading.workflow.group import ObjectionState
from grading.workflow.release import ReleaseState

Context = dict[str, Any]


def send_mail(task: Task) -> None:
    """Render one mail for one person, and send it."""
    payload = task.payload
    with transaction() as session:
        person = session.get(Person, payload["person"])
        if person is None or not person.active:
            return
        given = payload["context"]
        context = _CONTEXT[payload["template"]](session, person, given, task.now)
        if context is None:
            return
        zone = ZoneInfo(person.time_zone) if person.time_zone else context.get("zone")
        message = _message(task, payload["template"], person, context | {"zone": zone})
    task.installation.mailer.send(message)


def send_password_mail(task: Task) -> None:
    """Make a token at the moment of sending, so that it stands nowhere but in the mail."""
    with transaction() as session:
        person = session.get(Person, task.payload["person"])
        if person is None or not person.active:
            return
        token = passwords.issue_reset(session, person, now=task.now)
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


def compute_statistics(task: Task) -> None:
    """Compute a cohort's statistics; what is not older than the ratings is left."""
    with transaction() as session:
        cohort = session.get_one(Cohort, task.payload["cohort"])
        statistics.compute(session, cohort, now=task.now)


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
    message["Subject"] = seen_line(subject.removeprefix("Subject:"))
    message["From"] = settings.mail_from
    message["To"] = mail_address(person.email)
    # The same job sent twice is the same message to whoever sorts mail.
    message["Message-ID"] = f"<{task.id}@{settings.mail_from.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body.strip() + "\n")
    return message


def _receipt(session: Any, person: Person, payload: Context, _now: datetime) -> Context:
    submission = session.get_one(Submission, payload["submission"])
    copy = session.scalars(
        select(SubmittedCopy).where(
            SubmittedCopy.submission_id == submission.id, SubmittedCopy.number == payload["copy"]
        )
    ).one()
    files = {
        file.id: file
        for file in session.scalars(
            select(SubmissionFile).where(SubmissionFile.submission_id == submission.id)
        )
    }
    by = session.get(Person, payload["by"]) if payload.get("by") not in (None, person.id) else None
    late_days, late_points = results.points_lost(session, submission, at=copy.submitted_at)
    return {
        "cohort": submission.cohort,
        "zone": submission.cohort.zone,
        "copy": copy,
        "files": [files[file_id] for file_id in copy.files],
        "closes_at": calendars.window(session, submission)[1],
        "by": by.name if by else None,
        "objections_until": submission.objections_until,
        "late_days": late_days,
        "late_points": late_points,
    }


def _group_invitation(session: Any, _person: Person, given: Context, _now: datetime) -> Context:
    member = session.get_one(SubmissionMember, given["member"])
    cohort = member.submission.cohort
    by = member.invited_by.name if member.invited_by else cohort.program.sponsor.name
    return {"cohort": cohort, "zone": cohort.zone, "by": by}


def _group_changed(session: Any, _person: Person, given: Context, _now: datetime) -> Context | None:
    # The office can have undone the roster that made it.
    submission = session.get(Submission, given["submission"])
    if submission is None:
        return None
    return {"cohort": submission.cohort, "zone": submission.cohort.zone}


def _overseers_added(
    session: Any, _person: Person, given: Context, _now: datetime
) -> Context | None:
    memberships = list(
        session.scalars(select(Membership).where(Membership.id.in_(given["memberships"])))
    )
    # The roster that made them can have been undone.
    if not memberships:
        return None
    by = session.get(Person, given["by"]) if given["by"] else None
    cohort = memberships[0].cohort
    return {
        "cohort": cohort,
        "zone": cohort.zone,
        "memberships": memberships,
        "by": by.name if by else None,
    }


def _objection(session: Any, person: Person, given: Context, _now: datetime) -> Context:
    objection = session.get_one(Objection, given["objection"])
    cohort = objection.submission.cohort
    own = group_members.newest(session, cohort, person.id)
    return {
        "cohort": cohort,
        "zone": cohort.zone,
        "by": objection.person.name,
        "returned": objection.state == ObjectionState.RETURNED,
        "upheld": objection.state == ObjectionState.UPHELD,
        "own": objection.person_id == person.id,
        "due_at": calendars.window(session, own)[0] if own else None,
    }


def _result_ready(session: Any, _person: Person, given: Context, _now: datetime) -> Context:
    cohort = session.get_one(Cohort, given["cohort"])
    return {"cohort": cohort, "zone": cohort.zone}


# A mail that a worker comes to later than this speaks of a day that is over.
STALE = timedelta(hours=20)


def _appeal(session: Any, _person: Person, given: Context, _now: datetime) -> Context:
    appeal = session.get_one(Appeal, given["appeal"])
    cohort = appeal.submission.cohort
    return {"cohort": cohort, "zone": cohort.zone, "appeal": appeal}


def _explanation(session: Any, _person: Person, given: Context, _now: datetime) -> Context:
    cohort = session.get_one(Explanation, given["explanation"]).submission.cohort
    return {"cohort": cohort, "zone": cohort.zone}


def _case(session: Any, _person: Person, given: Context, _now: datetime) -> Context:
    case = session.get_one(MisconductCase, given["case"])
    cohort = case.submission.cohort
    return {"cohort": cohort, "zone": cohort.zone, "case": case}


def _own_dates(session: Any, person: Person, given: Context, _now: datetime) -> Context:
    cohort = session.get_one(Cohort, given["cohort"])
    calendar = calendars.of_learner(session, cohort, person.id)
    return {"cohort": cohort, "zone": cohort.zone, "calendar": calendar}


def _pause(session: Any, person: Person, given: Context, _now: datetime) -> Context | None:
    """Find the latest pause: a queue that is open by now is not said to be paused, nor the reverse."""
    cohort = session.get_one(Cohort, given["cohort"])
    paused = session.scalars(
        select(QueuePause)
        .where(QueuePause.cohort_id == cohort.id, QueuePause.person_id == person.id)
        .order_by(QueuePause.since.desc())
    ).first()
    return None if paused is None else {"cohort": cohort, "zone": cohort.zone, "paused": paused}


def _still_paused(session: Any, person: Person, given: Context, now: datetime) -> Context | None:
    context = _pause(session, person, given, now)
    return None if context is None or context["paused"].ended_at is not None else context


def _open_again(session: Any, person: Person, given: Context, now: datetime) -> Context | None:
    context = _pause(session, person, given, now)
    return None if context is None or context["paused"].ended_at is None else context


def _cleared_by_hand(session: Any, person: Person, given: Context, now: datetime) -> Context | None:
    """Say who cleared them and why; nothing where the standing is no longer that one."""
    cohort = session.get_one(Cohort, given["cohort"])
    held = standings.of_person(session, cohort, person.id).values()
    standing = next((one for one in held if one.cleared_by_id and one.clears(now)), None)
    return {"cohort": cohort, "standing": standing, "zone": cohort.zone} if standing else None


def _digest(session: Any, person: Person, given: Context, now: datetime) -> Context | None:
    """Say what waits at this moment; nothing, or on another day than its own, writes no mail."""
    morning = datetime.fromisoformat(given["morning"])
    if not person.digest or now > morning + STALE:
        return None
    found = needs.needs_of(session, needs.parts_of(session, person), now=now)
    waiting = [need for need in found if not need.optional]
    return {"needs": waiting, "zone": ZoneInfo(given["zone"])} if waiting else None


def _as_given(_session: Any, _person: Person, given: Context, _now: datetime) -> Context:
    return given


# Each gives what its template needs, or None where there is nothing to write.
_CONTEXT: Mapping[str, Callable[[Any, Person, Context, datetime], Context | None]] = {
    "receipt": _receipt,
    "result_ready": _result_ready,
    "digest": _digest,
    "result_amended": _result_ready,
    "appeal_received": _appeal,
    "appeal_decided": _appeal,
    "explanation_answered": _explanation,
    "misconduct_hearing": _case,
    "misconduct_decided": _case,
    "dates_changed": _own_dates,
    "group_invitation": _group_invitation,
    "group_changed": _group_changed,
    "overseers_added": _overseers_added,
    "group_objection": _objection,
    "objection_decided": _objection,
    "queue_paused": _still_paused,
    "queue_resumed": _open_again,
    "password_set": _as_given,
    "sign_in_linked": _as_given,
    "cleared_by_hand": _cleared_by_hand,
    "passkey_added": _as_given,
    "passkey_removed": _as_given,
    "passkey_taken": _as_given,
}

HANDLERS: Mapping[str, Handler] = {
    "mail": send_mail,
    "password_mail": send_password_mail,
    "release": carry_out_release,
    "upkeep": keep_up,
    "credentials": credentials.issue,
    "status_list": credentials.renew_status_list,
    "statistics": compute_statistics,
    "personal_export": privacy.make_export,
    "erasure": privacy.finish_erasure,
    "retention": privacy.keep_periods,
    "partner_sending": privacy.send_to_partner,
}
