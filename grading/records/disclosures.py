"""The log of what of a person was given to somebody outside: a row each time, and looks counted by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.ledger import audit
from grading.models import (
    CredentialRecord,
    Disclosure,
    IssuedCredential,
    Person,
    PublicView,
    ShareLink,
)
from grading.workflow.deadlines import NO_ZONE, day_begins
from grading.workflow.privacy import Disclosed, Ground

LONGEST_RECIPIENT = 300


@dataclass(frozen=True)
class DisclosureLine:
    """One line of the log.

    Attributes
    ----------
    at : datetime
        For looks, the beginning of their day (UTC).
    recipient : str
        As far as it is known; whoever opens a shared address is not.
    times : int
        How often that day; 1 for everything that is not a look.
    """

    at: datetime
    what: Disclosed
    recipient: str
    ground: Ground
    times: int = 1
    note: str = ""
    looks: bool = False


def log_disclosure(
    session: Session,
    person_id: str,
    what: Disclosed,
    *,
    recipient: str,
    ground: Ground,
    by: Person | None,
    now: datetime,
    note: str = "",
) -> Disclosure:
    """Note that something of a person is given to somebody, in the transaction that gives it."""
    made = Disclosure(
        person_id=person_id,
        at=now,
        what=what,
        recipient=recipient[:LONGEST_RECIPIENT],
        ground=ground,
        by_id=by.id if by else None,
        note=note,
    )
    session.add(made)
    return made


def disclosures_of(session: Session, person_id: str) -> list[DisclosureLine]:
    """Give a person's whole log, newest first, in four queries: what was given, and looks by day."""
    given = [
        DisclosureLine(
            one.at, Disclosed(one.what), one.recipient, Ground(one.ground), note=one.note
        )
        for one in session.scalars(select(Disclosure).where(Disclosure.person_id == person_id))
    ]
    return sorted((*given, *_looks(session, person_id)), key=lambda one: one.at, reverse=True)


def _looks(session: Session, person_id: str) -> Sequence[DisclosureLine]:
    of_record = (
        select(PublicView.on, PublicView.count, func.coalesce(ShareLink.label, ""))
        .join(ShareLink, ShareLink.public_id == PublicView.public_id, isouter=True)
        .join(
            CredentialRecord,
            (CredentialRecord.public_id == PublicView.public_id)
            | (CredentialRecord.id == ShareLink.record_id),
        )
        .where(CredentialRecord.person_id == person_id, PublicView.count > 0)
    )
    of_file = (
        select(PublicView.on, PublicView.count)
        .join(IssuedCredential, IssuedCredential.id == PublicView.public_id)
        .where(IssuedCredential.person_id == person_id, PublicView.count > 0)
    )
    pages = [
        (Disclosed.RECORD_PAGE, label, on, count)
        for on, count, label in session.execute(of_record).all()
    ]
    fetched = [
        (Disclosed.CREDENTIAL_FILE, "", on, count) for on, count in session.execute(of_file).all()
    ]
    return [
        DisclosureLine(
            day_begins(on, NO_ZONE),
            what,
            label,
            Ground.CONSENT,
            count,
            looks=True,
        )
        for what, label, on, count in (*pages, *fetched)
    ]


def export_credentials(
    session: Session,
    actor: Person | None,
    credentials: Sequence[IssuedCredential],
    *,
    recipient: str,
    now: datetime,
) -> None:
    """Note that staff took signed credentials out of the house; one line a person."""
    people = dict.fromkeys(one.person_id for one in credentials)
    for person_id in people:
        log_disclosure(
            session,
            person_id,
            Disclosed.CREDENTIALS,
            recipient=recipient,
            ground=Ground.CONTRACT,
            by=actor,
            now=now,
        )
    for one in credentials:
        audit.record(session, actor, "credential:export", one, now=now)
