"""Who may look at a record, where, and what they see there."""

import hashlib
import math
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from grading.errors import Fault, FaultsFound, NotFound, Refused, TooMany
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import (
    BulkCheck,
    CredentialRecord,
    IssuedCredential,
    Person,
    Program,
    PublicView,
    ShareLink,
)
from grading.models.conditions import is_current_record
from grading.workflow.credential import USUALLY_SHOWN, RecordFact, RecordState, chosen_facts

LONGEST_LABEL = 100
MOST_LINKS = 50
# Politeness: so many ids in one go, and in an hour from one place.
MOST_AT_ONCE = 100
MOST_AN_HOUR = 500
WINDOW = timedelta(hours=1)
# Checking signatures takes the machine some work, so of single pages there is a limit too.
MOST_A_MINUTE = 60
PAGE_WINDOW = timedelta(minutes=1)
PAGE = "page:"


@dataclass(frozen=True)
class SharedAddress:
    """A public address that stands: the record it leads to, and the facts that its owner chose to show.

    ``newer`` is the address of what replaced the record, if there is one that can be seen and it bears the
    same name: whoever knows the old name is not led to the new one.
    """

    public_id: str
    record: CredentialRecord
    newer: str | None
    shows: frozenset[RecordFact]


def make_link(
    session: Session,
    learner: Person,
    record: CredentialRecord,
    *,
    label: str,
    shows: Iterable[str] = USUALLY_SHOWN,
    now: datetime,
) -> ShareLink:
    """Make one more address of a record, which shows no more than its owner chose.

    Raises
    ------
    FaultsFound
        No label, or one that is too long.
    Refused
        The record is revoked or replaced, or has as many links as it may.
    """
    take_turns(session, record)
    if record.person_id != learner.id:
        raise NotFound("There is no such record.")
    if record.state != RecordState.VALID:
        raise Refused("Only a valid record can be shared.")
    label = label.strip()
    if not label or len(label) > LONGEST_LABEL:
        raise FaultsFound(
            [
                Fault(
                    "label",
                    "Say in at most %(n)s characters who or what the link is for.",
                    {"n": LONGEST_LABEL},
                )
            ]
        )
    if sum(link.withdrawn_at is None for link in record.links) >= MOST_LINKS:
        raise Refused("You have %(n)s links. Withdraw one first.", n=MOST_LINKS)
    link = ShareLink(
        record=record,
        label=label,
        shows=chosen_facts(shows),
        created_at=now,
    )
    session.add(link)
    session.flush()
    # Labels name employers; they belong to the learner, not to the chain.
    audit.record(
        session,
        learner,
        "share_link:make",
        link,
        now=now,
        after={"record": record.id, "shows": link.shows},
    )
    return link


def withdraw_link(session: Session, learner: Person, link: ShareLink, *, now: datetime) -> None:
    """Take a link back, with what it replaced and what replaces it: from then on there is nothing."""
    take_turns(session, link)
    if link.record.person_id != learner.id:
        raise NotFound("There is no such link.")
    for one in _chain(_links_of_people(session, [learner.id]), link):
        if one.withdrawn_at is None:
            one.withdrawn_at = now
            audit.record(session, learner, "share_link:withdraw", one, now=now)


def _links_of_people(session: Session, people: Iterable[str]) -> list[ShareLink]:
    return list(
        session.scalars(
            select(ShareLink)
            .join(CredentialRecord, CredentialRecord.id == ShareLink.record_id)
            .where(CredentialRecord.person_id.in_(list(people)))
        )
    )


def _chain(known: Iterable[ShareLink], link: ShareLink) -> list[ShareLink]:
    """List what a link replaced and what replaces it, oldest first."""
    known = list(known)
    before = {one.id: one for one in known}
    after = {one.replaces_id: one for one in known if one.replaces_id}
    found = [link]
    while found[0].replaces_id:
        found.insert(0, before[found[0].replaces_id])
    while found[-1].id in after:
        found.append(after[found[-1].id])
    return found


def carry_over(
    session: Session, before: CredentialRecord, newer: CredentialRecord, *, now: datetime
) -> None:
    """Give the record that replaces one a new link for each that still stands."""
    for link in before.links:
        if link.withdrawn_at is None:
            session.add(
                ShareLink(
                    record=newer,
                    label=link.label,
                    shows=link.shows,
                    created_at=now,
                    replaces_id=link.id,
                )
            )


def find(session: Session, public_id: str) -> SharedAddress:
    """Find what stands at an address; hidden, withdrawn and unknown ones are alike.

    Raises
    ------
    NotFound
    """
    found = find_many(session, [public_id]).get(public_id)
    if found is None:
        raise NotFound("We cannot find that credential.")
    return found


def find_many(session: Session, public_ids: Sequence[str]) -> dict[str, SharedAddress]:
    """Find what stands at several addresses, in a fixed number of queries; the others are left out."""
    whole = (
        joinedload(CredentialRecord.program).joinedload(Program.sponsor),
        selectinload(CredentialRecord.entries),
    )
    own_links = session.scalars(
        select(CredentialRecord)
        .options(*whole)
        .where(CredentialRecord.public_id.in_(public_ids), CredentialRecord.shared_at.is_not(None))
    ).all()
    links = session.scalars(
        select(ShareLink)
        .options(joinedload(ShareLink.record).options(*whole))
        .where(ShareLink.public_id.in_(public_ids), ShareLink.withdrawn_at.is_(None))
    ).all()
    replaced = {
        (record.program_id, record.person_id)
        for record in (*own_links, *(link.record for link in links))
        if record.state == RecordState.REPLACED
    }
    # The records in force of those people, and all their links: one query each.
    current = (
        {
            (record.program_id, record.person_id): record
            for record in session.scalars(
                select(CredentialRecord).where(
                    CredentialRecord.person_id.in_({person for _, person in replaced}),
                    is_current_record(),
                )
            )
        }
        if replaced
        else {}
    )
    chains = _links_of_people(session, {person for _, person in replaced}) if replaced else []

    def successor(record: CredentialRecord) -> CredentialRecord | None:
        newer = current.get((record.program_id, record.person_id))
        if newer is None or record.state != RecordState.REPLACED or newer.name != record.name:
            return None
        return newer

    addresses = {}
    for record in own_links:
        newer = successor(record)
        leads_to = newer.public_id if newer is not None and newer.shared_at else None
        addresses[record.public_id] = _address(record, record, leads_to)
    for link in links:
        leads_to = None
        if successor(link.record) is not None:
            last = _chain(chains, link)[-1]
            leads_to = last.public_id if last.id != link.id and not last.withdrawn_at else None
        addresses[link.public_id] = _address(link, link.record, leads_to)
    return {one: addresses[one] for one in public_ids if one in addresses}


def _address(
    place: CredentialRecord | ShareLink, record: CredentialRecord, leads_to: str | None
) -> SharedAddress:
    shows = frozenset(RecordFact(fact) for fact in place.shows)
    return SharedAddress(place.public_id, record, leads_to, shows)


def count_views(
    session: Session, public_ids: Iterable[str], *, on: date, own: Container[str] = ()
) -> None:
    """Count that addresses were looked at on a day; nothing else about it is kept.

    Parameters
    ----------
    own : container of str
        Those that were looked at by their owner, or by our own page; they are counted apart.
    """
    for public_id in public_ids:
        counted = PublicView.own if public_id in own else PublicView.count
        for _ in range(2):
            added = session.execute(
                update(PublicView)
                .where(PublicView.public_id == public_id, PublicView.on == on)
                .values({counted: counted + 1})
                .returning(counted)
            )
            if added.first() is not None:
                break
            try:
                with session.begin_nested():
                    session.add(PublicView(public_id=public_id, on=on, **{counted.key: 1}))
                break
            except IntegrityError:
                # Somebody counted the first one in between; now it can be added to.
                continue


def owned(session: Session, person_id: str, public_ids: Sequence[str]) -> set[str]:
    """Say which of some addresses lead to a person's own records and signed files."""
    of_record = select(CredentialRecord.public_id).where(
        CredentialRecord.person_id == person_id, CredentialRecord.public_id.in_(public_ids)
    )
    of_link = (
        select(ShareLink.public_id)
        .join(CredentialRecord, CredentialRecord.id == ShareLink.record_id)
        .where(CredentialRecord.person_id == person_id, ShareLink.public_id.in_(public_ids))
    )
    of_file = select(IssuedCredential.id).where(
        IssuedCredential.person_id == person_id, IssuedCredential.id.in_(public_ids)
    )
    return set(session.scalars(of_record.union_all(of_link, of_file)))


def views(session: Session, public_ids: Sequence[str]) -> dict[str, list[PublicView]]:
    """List how often addresses were looked at, by day, newest first."""
    found: dict[str, list[PublicView]] = {public_id: [] for public_id in public_ids}
    for view in session.scalars(
        select(PublicView)
        .where(PublicView.public_id.in_(public_ids))
        .order_by(PublicView.on.desc())
    ):
        found[view.public_id].append(view)
    return found


def id_in(word: str) -> str:
    """Give the id that a pasted id or address ends with; empty where there is none."""
    return re.split("[?#]", word)[0].rstrip("/").rpartition("/")[2].strip(" <>\"'.")


def asked_ids(text: str) -> list[str]:
    """Read ids or addresses, one a line or parted by spaces or commas; each once, in their order.

    Raises
    ------
    FaultsFound
        None, or more than can be checked at once.
    """
    ids: dict[str, None] = {}
    for word in re.split(r"[\s,;]+", text):
        if public_id := id_in(word):
            ids[public_id[:64]] = None
    if not ids:
        raise FaultsFound([Fault("ids", "Paste at least one ID or link.")])
    if len(ids) > MOST_AT_ONCE:
        raise FaultsFound(
            [
                Fault(
                    "ids",
                    "These are %(count)s IDs. Check at most %(most)s at once.",
                    {"count": len(ids), "most": MOST_AT_ONCE},
                )
            ]
        )
    return list(ids)


def check_many(
    session: Session, ids: Sequence[str], *, address: str, now: datetime
) -> dict[str, SharedAddress]:
    """Find many ids at once, within a polite limit for each place that asks.

    Raises
    ------
    TooMany
        The limit is reached; ``params["minutes"]`` says after how long it is not.
    """
    session.execute(delete(BulkCheck).where(BulkCheck.at <= now - WINDOW))
    key = hashlib.sha256(address.encode()).hexdigest()
    earlier = session.execute(
        select(BulkCheck.at, BulkCheck.ids).where(BulkCheck.key == key).order_by(BulkCheck.at)
    ).all()
    over = sum(count for _, count in earlier) + len(ids) - MOST_AN_HOUR
    if over > 0:
        free_at = now
        for at, count in earlier:
            free_at, over = at + WINDOW, over - count
            if over <= 0:
                break
        minutes = max(math.ceil((free_at - now) / timedelta(minutes=1)), 1)
        raise TooMany(
            "That is more than %(most)s IDs within an hour. Try again in %(minutes)s minutes.",
            most=MOST_AN_HOUR,
            minutes=minutes,
        )
    session.add(BulkCheck(key=key, at=now, ids=len(ids)))
    return find_many(session, ids)


def count_check(session: Session, *, address: str, now: datetime) -> None:
    """Count one look at a single page, within a polite limit for each place that asks.

    What is kept of the place is a hash, for a minute.

    Raises
    ------
    TooMany
        ``params["minutes"]`` says after how long it is not.
    """
    session.execute(
        delete(BulkCheck).where(
            BulkCheck.key.startswith(PAGE, autoescape=True), BulkCheck.at <= now - PAGE_WINDOW
        )
    )
    key = PAGE + hashlib.sha256(address.encode()).hexdigest()
    looks = session.scalar(select(func.count()).select_from(BulkCheck).where(BulkCheck.key == key))
    if (looks or 0) >= MOST_A_MINUTE:
        raise TooMany("Too many checks. Try again in %(minutes)s minute.", minutes=1)
    session.add(BulkCheck(key=key, at=now, ids=1))


def links_of(session: Session, record: CredentialRecord) -> list[ShareLink]:
    """List a record's links that stand, oldest first."""
    return list(
        session.scalars(
            select(ShareLink)
            .where(ShareLink.record_id == record.id, ShareLink.withdrawn_at.is_(None))
            .order_by(ShareLink.created_at, ShareLink.id)
        )
    )
