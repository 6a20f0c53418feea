"""What privacy asks of a worker: making exports, deleting what was given up, sending to partners."""

from email.message import EmailMessage
from pathlib import PurePosixPath

from sqlalchemy import select

from grading.db import db, transaction
from grading.errors import GradingError, PassingFailure, PermanentFailure, Refused, Unconfirmed
from grading.jobs.worker import Task
from grading.models import DoomedFile, Job, Person, PersonalExport
from grading.office import exporting, retention
from grading.people import approvals, sign_ins
from grading.records import partners, transcripts
from grading.settings import Installation
from grading.texts import mail_address
from grading.workflow.privacy import ExportState, PartnerKind

# A part takes a blink, so not each of them is written down.
REPORTED = 10


def make_export(task: Task) -> None:
    """Write the zip of a person into the store; one that died half-way is begun anew."""
    files, export_id = task.installation.files, task.payload["export"]
    session = db.session()
    export = session.get_one(PersonalExport, export_id)
    if export.state != ExportState.WAITING:
        return
    person = session.get_one(Person, export.person_id)
    key = str(PurePosixPath("exports") / export_id)

    def progress(done: int, total: int) -> None:
        if done % REPORTED and done < total:
            return
        with transaction() as inner:
            inner.get_one(PersonalExport, export_id, with_for_update=True).done = done
            inner.get_one(PersonalExport, export_id).total = total

    files.delete(key)
    # No transaction is open while the file is written: reading takes no lock from those who write.
    chunks = exporting.write_export(session, person, store=files, now=task.now, progress=progress)
    stored = files.put(key, chunks, limit=exporting.LARGEST)
    with transaction() as inner:
        found = inner.get_one(PersonalExport, export_id, with_for_update=True)
        if found.state == ExportState.WAITING:
            exporting.keep_export(inner, found, key, stored, now=task.now)
        else:
            inner.add(DoomedFile(key=key, since=task.now))


def finish_erasure(task: Task) -> None:
    """Delete an erased person's files and kept mails; then forget the address as well."""
    delete_doomed(task.installation)
    if address := task.payload.get("address"):
        task.installation.mailer.forget(address)
    with transaction() as session:
        job = session.scalar(select(Job).where(Job.id == task.id).with_for_update())
        if job is not None:
            job.payload = {"erasure": task.payload["erasure"]}


def delete_doomed(installation: Installation) -> int:
    """Delete every file that nothing refers to any more; run again, it goes on."""
    count = 0
    while True:
        with transaction() as session:
            keys = list(retention.doomed(session))
        if not keys:
            return count
        for key in keys:
            installation.files.delete(key)
        with transaction() as session:
            retention.forget_doomed(session, keys)
        count += len(keys)


def keep_periods(task: Task) -> None:
    """Take away what no period keeps any longer."""
    with transaction() as session:
        due = retention.due_now(session, now=task.now)
    for cohort_id, kind in due:
        while True:
            with transaction() as session:
                if not retention.apply(session, cohort_id, kind, now=task.now):
                    break
    with transaction() as session:
        session.add_all(
            DoomedFile(key=key, since=task.now)
            for key in exporting.expire_exports(session, now=task.now)
        )
        transcripts.end_transcript(session, now=task.now)
        approvals.forget_lapsed(session, now=task.now)
        sign_ins.forget_ended(session, now=task.now)
    delete_doomed(task.installation)


def send_to_partner(task: Task) -> None:
    """Send once. Whatever comes of it is written down, and nothing is tried again."""
    with transaction() as session:
        parcel = partners.begin_sending(session, task.payload["sending"], now=task.now)
    if parcel is None:
        return
    try:
        if parcel.kind is PartnerKind.HTTPS:
            task.installation.partners.send(parcel.address, parcel.body, key=parcel.key)
        else:
            task.installation.mailer.send(_message(task, parcel))
    except Unconfirmed as error:
        with transaction() as session:
            partners.note_loss(session, parcel.sending_id, str(error), now=task.now)
    except PermanentFailure as error:
        with transaction() as session:
            partners.note_failure(session, parcel.sending_id, str(error), given=True, now=task.now)
    except (Refused, PassingFailure) as error:
        _not_sent(task, parcel, error)
    else:
        with transaction() as session:
            partners.note_arrival(session, parcel.sending_id, now=task.now)


def _not_sent(task: Task, parcel: partners.Parcel, error: GradingError) -> None:
    with transaction() as session:
        if parcel.kind is PartnerKind.MAIL:
            # A mail server that breaks off may have taken the message.
            partners.note_loss(session, parcel.sending_id, str(error), now=task.now)
        else:
            partners.note_failure(session, parcel.sending_id, str(error), given=False, now=task.now)


def _message(task: Task, parcel: partners.Parcel) -> EmailMessage:
    settings = task.installation.settings
    message = EmailMessage()
    message["Subject"] = f"Signed credentials from {settings.service_name}"
    message["From"] = settings.mail_from
    message["To"] = mail_address(parcel.address)
    message["Message-ID"] = f"<{parcel.key}@{settings.mail_from.rpartition('@')[2] or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"For {parcel.partner}.\n\nThe file holds signed credentials that their owner sends you. "
        "Anybody can check the signatures; each file says where its status stands.\n"
    )
    message.add_attachment(
        parcel.body, maintype="application", subtype="json", filename="credentials.json"
    )
    return message
