"""Sending a learner's signed credentials to a partner: to whom and what they said yes to, once, on record.

Nothing is tried again by itself. What failed, or may have arrived, says so and waits for the learner; a
newer version of the record, or another partner, needs another yes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from grading.credential.evidence import digest as document_digest
from grading.errors import Fault, FaultsFound, GradingError, NotFound, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    CredentialRecord,
    IssuedCredential,
    Partner,
    PartnerConsent,
    PartnerSending,
    Person,
    Sponsor,
)
from grading.ports import PartnerGateway
from grading.records import disclosures
from grading.records.queries import issued_credentials
from grading.texts import email_address
from grading.workflow.credential import RecordState
from grading.workflow.issued import CredentialKind, IssuedState
from grading.workflow.privacy import (
    Disclosed,
    Ground,
    PartnerGets,
    PartnerKind,
    SendingState,
)

TOPIC = "partner_sending"
LONGEST_NAME = 200
LONGEST_ADDRESS = 400
LONGEST_PATHWAY = 2_000
_KINDS = {
    PartnerGets.PROGRAM: (CredentialKind.PROGRAM,),
    PartnerGets.CAPSTONE: (CredentialKind.CAPSTONE,),
    PartnerGets.ALL: tuple(CredentialKind),
}


def make_partner(
    session: Session,
    actor: Person,
    sponsor: Sponsor,
    *,
    name: str,
    kind: str,
    address: str,
    gets: str,
    pathway: str,
    gateway: PartnerGateway,
    now: datetime,
) -> Partner:
    """Add a partner to a sponsor's list.

    Raises
    ------
    FaultsFound
        Every field that cannot stand, with what is wrong.
    """
    name, address, pathway = name.strip(), address.strip(), pathway.strip()
    faults = []
    if not name or len(name) > LONGEST_NAME:
        faults.append(Fault("name", "Give a name of at most 200 characters."))
    if not pathway or len(pathway) > LONGEST_PATHWAY:
        faults.append(
            Fault("pathway", "Say in at most 2,000 characters what the partner does with it.")
        )
    if gets not in set(PartnerGets):
        faults.append(Fault("gets", "Choose what is sent."))
    if len(address) > LONGEST_ADDRESS:
        faults.append(Fault("address", "The address is too long."))
    elif kind == PartnerKind.HTTPS:
        faults += _address_faults(address, gateway)
    elif kind == PartnerKind.MAIL:
        try:
            address = email_address(address)
        except Refused as error:
            faults.append(Fault("address", error.template, error.params))
    else:
        faults.append(Fault("kind", "Choose how it is sent."))
    if faults:
        raise FaultsFound(faults)
    made = Partner(
        sponsor_id=sponsor.id,
        name=name,
        kind=kind,
        address=address,
        gets=gets,
        pathway=pathway,
        created_at=now,
    )
    audit.add(
        session,
        actor,
        "partner:make",
        made,
        now=now,
        after={"sponsor": sponsor.id, "kind": kind, "gets": gets},
    )
    return made


def _address_faults(address: str, gateway: PartnerGateway) -> list[Fault]:
    try:
        gateway.check(address)
    except GradingError as error:
        return [Fault("address", error.template, error.params)]
    return []


def end_partner(session: Session, actor: Person, partner: Partner, *, now: datetime) -> None:
    """Take a partner off the list; what was consented to is not sent any more."""
    take_turns(session, partner)
    if partner.ended_at is not None:
        return
    partner.ended_at = now
    audit.record(session, actor, "partner:end", partner, now=now)


def partners_of(session: Session, sponsor_id: str) -> Sequence[Partner]:
    """List a sponsor's partners by name."""
    return session.scalars(
        select(Partner)
        .where(Partner.sponsor_id == sponsor_id, Partner.ended_at.is_(None))
        .order_by(Partner.name, Partner.id)
    ).all()


@dataclass(frozen=True)
class Offer:
    """What would be sent to a partner at this moment.

    Attributes
    ----------
    credentials : sequence
        Empty where what the partner gets is not there (yet).
    digest : str
        Of the partner's terms and of every document: the version that a consent is for.
    """

    partner: Partner
    record: CredentialRecord
    credentials: Sequence[IssuedCredential]
    digest: str

    @property
    def body(self) -> dict[str, Any]:
        return body_of(self.credentials)


def body_of(credentials: Sequence[IssuedCredential]) -> dict[str, Any]:
    """Give what is sent: the signed documents, as they are."""
    return {"credentials": [one.document for one in credentials]}


def offer_of(session: Session, record: CredentialRecord, partner: Partner) -> Offer:
    """Say what a partner would be sent of a record now."""
    found = [
        one
        for one in issued_credentials.issued(session, record.program_id, record.person_id)
        if one.state == IssuedState.VALID
        and one.document is not None
        and CredentialKind(one.kind) in _KINDS[PartnerGets(partner.gets)]
    ]
    terms = [partner.id, partner.name, partner.kind, partner.address, partner.gets, partner.pathway]
    documents = [document_digest(one.document or {}) for one in found]
    text = json.dumps([terms, documents], separators=(",", ":"))
    return Offer(partner, record, found, hashlib.sha256(text.encode()).hexdigest())


def send_record(
    session: Session,
    learner: Person,
    record: CredentialRecord,
    partner: Partner,
    *,
    digest: str,
    now: datetime,
) -> PartnerSending:
    """Consent to one partner and one version of the record, and have it sent.

    The same version is sent again only when the last try is known to have failed, or may have.

    Parameters
    ----------
    digest : str
        Of the offer that the learner saw.

    Raises
    ------
    NotFound
        The record is not theirs, or the partner not of its sponsor.
    Refused
        It changed since they looked; there is nothing to send; or it was sent, or is being sent.
    """
    if record.person_id != learner.id or partner.sponsor_id != record.program.sponsor_id:
        raise NotFound("There is no such page.")
    if partner.ended_at is not None:
        raise Refused("This partner is no longer on the list.")
    if record.state != RecordState.VALID:
        raise Refused("Only a valid record can be sent.")
    # Two tabs take turns: the second sees what the first did.
    session.get_one(CredentialRecord, record.id, with_for_update=True)
    offered = offer_of(session, record, partner)
    if not offered.credentials:
        raise Refused("There is no signed credential to send yet.")
    if offered.digest != digest:
        raise Refused(
            "Your record or the partner changed since you looked. Look again, then decide."
        )
    consent = consent_in_force(session, learner.id, partner.id)
    if consent is not None and consent.digest != digest:
        _end(session, learner, consent, now=now)
        session.flush()
        consent = None
    if consent is None:
        consent = PartnerConsent(
            partner=partner,
            person_id=learner.id,
            record=record,
            digest=digest,
            credential_ids=[one.id for one in offered.credentials],
            given_at=now,
        )
        audit.add(
            session,
            learner,
            "partner_consent:give",
            consent,
            now=now,
            after={"partner": partner.id, "digest": digest},
        )
    last = consent.sendings[-1] if consent.sendings else None
    if last is not None and last.state not in (SendingState.FAILED, SendingState.UNKNOWN):
        if last.state == SendingState.SENT:
            raise Refused("This version was sent to this partner already.")
        if last.state == SendingState.CANCELLED:
            raise Refused("The sending of this version was called off.")
        raise Refused("This version is being sent to this partner.")
    made = PartnerSending(consent=consent, number=last.number + 1 if last else 1, asked_at=now)
    session.add(made)
    session.flush()
    outbox.post(session, TOPIC, {"sending": made.id}, key=f"{TOPIC}:{made.id}", now=now)
    return made


def consent_in_force(session: Session, person_id: str, partner_id: str) -> PartnerConsent | None:
    """Find the consent that stands between a person and a partner."""
    return session.scalar(
        select(PartnerConsent).where(
            PartnerConsent.person_id == person_id,
            PartnerConsent.partner_id == partner_id,
            PartnerConsent.withdrawn_at.is_(None),
        )
    )


def withdraw_consent(
    session: Session, learner: Person, consent: PartnerConsent, *, now: datetime
) -> None:
    """Take a consent back: nothing goes to this partner from now on; what was sent cannot be called back."""
    take_turns(session, consent)
    if consent.person_id != learner.id:
        raise NotFound("There is no such page.")
    if consent.withdrawn_at is None:
        _end(session, learner, consent, now=now)


def _end(session: Session, learner: Person, consent: PartnerConsent, *, now: datetime) -> None:
    consent.withdrawn_at = now
    audit.record(session, learner, "partner_consent:withdraw", consent, now=now)
    for sending in consent.sendings:
        if sending.state == SendingState.WAITING:
            move(session, sending, "cancel", actor=learner, now=now, ended_at=now)


def consents_of(session: Session, person_id: str, program_id: str) -> Sequence[PartnerConsent]:
    """List a person's consents for a program with their sendings, newest first."""
    return (
        session.scalars(
            select(PartnerConsent)
            .join(CredentialRecord, CredentialRecord.id == PartnerConsent.record_id)
            .options(joinedload(PartnerConsent.partner), joinedload(PartnerConsent.sendings))
            .where(PartnerConsent.person_id == person_id, CredentialRecord.program_id == program_id)
            .order_by(PartnerConsent.given_at.desc(), PartnerConsent.id)
        )
        .unique()
        .all()
    )


@dataclass(frozen=True)
class Parcel:
    """A sending that has begun: to whom, what, and under which key the other side knows it again."""

    sending_id: str
    kind: PartnerKind
    address: str
    partner: str
    body: bytes
    key: str


def begin_sending(session: Session, sending_id: str, *, now: datetime) -> Parcel | None:
    """Begin a sending; None where there is nothing (more) to send.

    One that had begun before was cut off in the middle, so it may have arrived: it is not sent again.
    """
    sending = session.get_one(PartnerSending, sending_id, with_for_update=True)
    consent = sending.consent
    if sending.state == SendingState.SENDING:
        note_loss(session, sending_id, "We stopped while it was being sent.", now=now)
        return None
    if sending.state != SendingState.WAITING:
        return None
    credentials = [session.get_one(IssuedCredential, one) for one in consent.credential_ids]
    stale = any(one.state != IssuedState.VALID or one.document is None for one in credentials)
    if consent.withdrawn_at is not None or consent.partner.ended_at is not None or stale:
        move(
            session,
            sending,
            "cancel",
            actor=None,
            now=now,
            ended_at=now,
            error="The record changed before it was sent." if stale else None,
        )
        return None
    move(session, sending, "begin", actor=None, now=now, begun_at=now)
    return Parcel(
        sending.id,
        PartnerKind(consent.partner.kind),
        consent.partner.address,
        consent.partner.name,
        json.dumps(body_of(credentials), ensure_ascii=False).encode(),
        # Of the content, not of the try: the same documents are known again however often they come.
        key=f"{consent.id}-{consent.digest[:16]}",
    )


def note_arrival(session: Session, sending_id: str, *, now: datetime) -> None:
    """Note that the partner has it."""
    _finish(session, sending_id, "arrive", None, given=True, now=now)


def note_failure(
    session: Session, sending_id: str, why: str, *, given: bool, now: datetime
) -> None:
    """Note that it was not taken; ``given`` says whether it left the house all the same."""
    _finish(session, sending_id, "fail", why, given=given, now=now)


def note_loss(session: Session, sending_id: str, why: str, *, now: datetime) -> None:
    """Note that nobody can say whether it arrived."""
    _finish(session, sending_id, "lose", why, given=True, now=now)


def _finish(
    session: Session,
    sending_id: str,
    event: str,
    why: str | None,
    *,
    given: bool,
    now: datetime,
) -> None:
    sending = session.get_one(PartnerSending, sending_id, with_for_update=True)
    if sending.state != SendingState.SENDING:
        return
    move(session, sending, event, actor=None, now=now, ended_at=now, error=why)
    if given:
        disclosures.log_disclosure(
            session,
            sending.consent.person_id,
            Disclosed.CREDENTIALS,
            recipient=sending.consent.partner.name,
            ground=Ground.CONSENT,
            by=None,
            note="" if event == "arrive" else str(sending.state),
            now=now,
        )
