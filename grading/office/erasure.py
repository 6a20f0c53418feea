"""Erasure: a person becomes a pseudonym, for good.

What goes and what stays is one table (`office.queries.erasures`); docs/privacy.md says why, in words. All
rows change in one transaction; files and mails are deleted by a job after it, which goes on where it died.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    case,
    delete,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Session

from grading.cohorts import departures
from grading.errors import Fault, FaultsFound
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.models import (
    Allocation,
    AnchorPaper,
    Challenge,
    CredentialRecord,
    Disclosure,
    DoomedFile,
    ErasureRequest,
    Grade,
    IssuedCredential,
    Job,
    JobState,
    Membership,
    PartnerConsent,
    Passkey,
    Person,
    PersonalExport,
    Rating,
    RecordEntry,
    SignInAttempt,
    SignInLink,
    SponsorMember,
    Submission,
    SubmissionFile,
    SubmissionMember,
)
from grading.models.codes import new_id
from grading.office import erasure_requests
from grading.office.queries import erasure_hindrances, personal_data, personal_rows
from grading.office.queries.erasures import EMPTIED, GONE, NO_FILE, Gone, alone, records_of
from grading.people import sign_ins, sponsors, throttle
from grading.readings import anchors
from grading.records import credentials, transcripts
from grading.texts import address_sought
from grading.workflow.calibration import AnchorState
from grading.workflow.credential import RecordState
from grading.workflow.issued import IssuedState
from grading.workflow.privacy import ExportState

TOPIC = "erasure"


@dataclass(frozen=True)
class Preview:
    """What an erasure would do.

    Attributes
    ----------
    going : dict
        Kind to the number of records that lose what they hold.
    staying : dict
        Kind to the number of records that stay under the pseudonym.
    hindrances : dict
        What stands against it, by kind.
    transcript : dict or None
        What the law keeps under the name.
    """

    going: Mapping[str, int]
    staying: Mapping[str, int]
    hindrances: Mapping[str, int]
    transcript: Mapping[str, Any] | None
    transcript_until: datetime | None


def preview_erasure(session: Session, person: Person, *, now: datetime) -> Preview:
    """Say what would go, what would stay, and what stands against it; nothing is changed."""
    me = person.id
    takes = [(gone.kind, gone.model, gone.whose(me)) for gone in GONE]
    takes.append(("mails", Job, personal_rows.mailed_to(me)))
    going: dict[str, int] = {"account": 1}
    for kind, count in personal_rows.counts(session, takes):
        going[kind] = going.get(kind, 0) + count
    sheets = select(Allocation.id).where(Allocation.rater_id == me)
    shared = personal_data.works_of(me).where(SubmissionMember.submission_id.not_in(alone(me)))
    staying = dict(
        personal_rows.counts(
            session,
            [
                ("grades", Grade, Grade.person_id == me),
                ("sheets", Allocation, Allocation.rater_id == me),
                ("levels", Rating, Rating.allocation_id.in_(sheets)),
                ("group_works", Submission, Submission.id.in_(shared)),
                ("status", IssuedCredential, IssuedCredential.person_id == me),
                ("disclosures", Disclosure, Disclosure.person_id == me),
            ],
        )
    )
    content, until = transcripts.content_of(session, person, now=now)
    return Preview(
        {kind: count for kind, count in going.items() if count},
        {kind: count for kind, count in staying.items() if count},
        erasure_hindrances.hindrances_to_erasure(session, person),
        content,
        until if content else None,
    )


def confirm_erasure(
    session: Session, actor: Person, request: ErasureRequest, *, typed: str, now: datetime
) -> None:
    """Erase: the second step. It cannot be undone.

    Parameters
    ----------
    typed : str
        The person's e-mail address, written by whoever confirms.

    Raises
    ------
    FaultsFound
        The address is not theirs, or something stands against it.
    Refused
        It is oneself, or they are erased already.
    IllegalTransition
        The first step was not taken, or the request is decided.
    """
    person = session.get_one(
        Person, request.person_id, with_for_update=True, populate_existing=True
    )
    erasure_requests.see_that_may_erase(session, actor, person)
    if address_sought(typed) != person.email.lower():
        raise FaultsFound([Fault("typed", "Write the person's e-mail address as it stands above.")])
    transcript = transcripts.keep_transcript(session, person, now=now)
    subjects = personal_rows.subjects_of(session, person.id)
    _end_credentials(session, person, now=now)
    _end_parts(session, person, now=now)
    address = person.email
    _doom_files(session, person.id, now=now)
    _end_exports(session, person.id, now=now)
    session.flush()
    for gone in GONE:
        _blank(session, gone, person.id)
    _forget_details(session, person.id)
    _forget_account(session, person, now=now)
    session.flush()
    session.expire_all()
    erased, old = audit.erase_words(session, subjects, now=now)
    move(
        session,
        request,
        "confirm",
        actor=actor,
        now=now,
        ended_at=now,
        ended_by_id=actor.id,
        note={
            "person": person.id,
            "transcript": transcript.id if transcript else None,
            "words_erased": erased,
            "words_in_old_entries": old,
        },
    )
    outbox.post(
        session,
        TOPIC,
        {"erasure": request.id, "address": address},
        key=f"{TOPIC}:{request.id}",
        now=now,
    )


def _end_credentials(session: Session, person: Person, *, now: datetime) -> None:
    """Revoke what is signed, and unlist the record; the status list says so as for anybody."""
    for record in session.scalars(
        select(CredentialRecord).where(CredentialRecord.person_id == person.id).with_for_update()
    ):
        if record.state == RecordState.VALID:
            move(session, record, "revoke", actor=None, now=now, reason="erased", revoked_at=now)
        record.shared_at = None
        for link in record.links:
            link.withdrawn_at = link.withdrawn_at or now
    for one in session.scalars(
        select(IssuedCredential).where(
            IssuedCredential.person_id == person.id, IssuedCredential.state == IssuedState.VALID
        )
    ):
        credentials.end_credential(session, one, "revoke", actor=None, reason="erased", now=now)
    session.execute(
        update(PartnerConsent)
        .where(PartnerConsent.person_id == person.id, PartnerConsent.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )


def _end_parts(session: Session, person: Person, *, now: datetime) -> None:
    for membership in _current(session, Membership, person):
        departures.end_part(session, None, membership, reason="erased", now=now)
    for member in _current(session, SponsorMember, person):
        sponsors.end_member(session, None, member, reason="erased", now=now)
    for anchor in session.scalars(
        select(AnchorPaper).where(
            AnchorPaper.source_id.in_(alone(person.id)), AnchorPaper.state != AnchorState.WITHDRAWN
        )
    ):
        anchors.withdraw(session, None, anchor, reason="its author was erased", now=now)


def _current(session: Session, model: Any, person: Person) -> Sequence[Any]:
    found: Sequence[Any] = session.scalars(
        select(model).where(model.person_id == person.id, model.ended_at.is_(None))
    ).all()
    return found


def doom_files(session: Session, files: Select[str], *, now: datetime) -> int:
    """Have stored files deleted that nothing but some rows refers to; gives how many.

    Parameters
    ----------
    files : select
        Ids of the `SubmissionFile` rows that give up their file.
    """
    keys = set(
        session.scalars(
            select(SubmissionFile.key).where(
                SubmissionFile.id.in_(files), SubmissionFile.key != NO_FILE
            )
        )
    )
    # A copy of a work shares its files.
    keys -= set(
        session.scalars(
            select(SubmissionFile.key).where(
                SubmissionFile.key.in_(keys), SubmissionFile.id.not_in(files)
            )
        )
    )
    known = set(session.scalars(select(DoomedFile.key).where(DoomedFile.key.in_(keys))))
    session.add_all(DoomedFile(key=key, since=now) for key in sorted(keys - known))
    session.flush()
    return len(keys)


def _doom_files(session: Session, person_id: str, *, now: datetime) -> None:
    own = select(SubmissionFile.id).where(SubmissionFile.submission_id.in_(alone(person_id)))
    doom_files(session, own, now=now)


def _end_exports(session: Session, person_id: str, *, now: datetime) -> None:
    for export in session.scalars(
        select(PersonalExport).where(
            PersonalExport.person_id == person_id, PersonalExport.state != ExportState.EXPIRED
        )
    ):
        if export.key is not None:
            session.add(DoomedFile(key=export.key, since=now))
        move(session, export, "expire", actor=None, now=now, key=None)


def _blank(session: Session, gone: Gone, person_id: str) -> None:
    mapper = inspect(gone.model)
    values: dict[str, Any] = {
        name: case((getattr(gone.model, name).is_not(None), ""), else_=None)
        if value is EMPTIED
        else value
        for name, value in gone.values.items()
    }
    if mapper.version_id_col is not None:
        # Whoever has the record open must not write back what is erased here.
        values[str(mapper.version_id_col.key)] = mapper.version_id_col + 1
    session.execute(
        update(gone.model)
        .where(gone.whose(person_id))
        .values(values)
        .execution_options(synchronize_session=False)
    )


def _forget_details(session: Session, person_id: str) -> None:
    """Take the one free text out of what a grade tells; its numbers stay."""
    grades = session.scalars(select(Grade).where(Grade.person_id == person_id)).all()
    entries = session.scalars(
        select(RecordEntry).where(RecordEntry.record_id.in_(records_of(person_id)))
    ).all()
    told: tuple[Grade | RecordEntry, ...] = (*grades, *entries)
    for one in told:
        if one.detail.get("own_points", {}).get("reason"):
            own = one.detail["own_points"] | {"reason": ""}
            one.detail = one.detail | {"own_points": own}


def _forget_account(session: Session, person: Person, *, now: datetime) -> None:
    sign_ins.end_ways_in(session, person)
    for model in (SignInLink, Challenge):
        session.execute(delete(model).where(model.person_id == person.id))
    # What it signed can still be checked; it signs nothing more.
    session.execute(
        update(Passkey)
        .where(Passkey.person_id == person.id)
        .values(name="", removed_at=func.coalesce(Passkey.removed_at, now))
    )
    session.execute(
        delete(SignInAttempt).where(SignInAttempt.key == throttle.account_key(person.email))
    )
    session.execute(
        delete(Job)
        .where(personal_rows.mailed_to(person.id), Job.state != JobState.RUNNING)
        .execution_options(synchronize_session=False)
    )
    pseudonym = f"Erased {secrets.token_hex(3).upper()}"
    session.execute(
        update(CredentialRecord)
        .where(CredentialRecord.person_id == person.id)
        .values(name=pseudonym)
        .execution_options(synchronize_session=False)
    )
    person.name = pseudonym
    person.email = f"{new_id().lower()}@erased.invalid"
    person.password_hash = None
    person.administrator = False
    person.active = False
    person.time_zone = None
    person.digest = False
    person.erased_at = now
    audit.record(session, None, "person:erase", person, now=now)
