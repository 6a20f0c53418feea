"""Sponsors: who stands behind credentials, and who works in their program office."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused
from grading.ledger import audit
from grading.ledger.turns import take_turns
from grading.models import Person, Sponsor, SponsorMember
from grading.people import accounts

LONGEST_NAME = 200
MOST_SIGNATORIES = 4
LARGEST_LOGO = 500_000


def create_sponsor(session: Session, actor: Person | None, *, name: str, now: datetime) -> Sponsor:
    """Set up a sponsor; raises `FaultsFound` for no name, one too long, or one that is taken."""
    name = name.strip()
    if fault := _name_fault(session, name, None):
        raise FaultsFound([fault])
    sponsor = Sponsor(name=name, issuer_name="", signatories=[])
    audit.add(session, actor, "sponsor:create", sponsor, now=now)
    return sponsor


def _name_fault(session: Session, name: str, own_id: str | None) -> Fault | None:
    if not name:
        return Fault("name", "This cannot be empty.")
    if len(name) > LONGEST_NAME:
        return Fault("name", "Use at most %(n)s characters.", {"n": LONGEST_NAME})
    taken = session.scalar(select(Sponsor.id).where(Sponsor.name == name))
    if taken is not None and taken != own_id:
        return Fault("name", "There is a sponsor of that name.")
    return None


def revise_sponsor(
    session: Session,
    actor: Person | None,
    sponsor: Sponsor,
    *,
    name: str,
    issuer_name: str,
    signatories: list[tuple[str, str]],
    now: datetime,
) -> None:
    """Change what stands on the credentials issued from now on.

    Parameters
    ----------
    signatories : list of (name, title)
        Four at most.

    Raises
    ------
    FaultsFound
    """
    take_turns(session, sponsor)
    name, issuer_name = name.strip(), issuer_name.strip()
    faults: list[Fault] = []
    if fault := _name_fault(session, name, sponsor.id):
        faults.append(fault)
    if len(issuer_name) > LONGEST_NAME:
        faults.append(Fault("issuer_name", "Use at most %(n)s characters.", {"n": LONGEST_NAME}))
    if len(signatories) > MOST_SIGNATORIES:
        faults.append(Fault("signatories", "At most %(n)s people sign.", {"n": MOST_SIGNATORIES}))
    for number, (who, title) in enumerate(signatories, 1):
        if not who.strip() or not title.strip() or len(who) + len(title) > 2 * LONGEST_NAME:
            faults.append(
                Fault(f"signatory {number}", "Give a name and a title, 200 characters at most.")
            )
    if faults:
        raise FaultsFound(faults)
    before = _shown(sponsor)
    sponsor.name, sponsor.issuer_name = name, issuer_name
    sponsor.signatories = [
        {"name": who.strip(), "title": title.strip()} for who, title in signatories
    ]
    if (after := _shown(sponsor)) != before:
        audit.record(session, actor, "sponsor:revise", sponsor, now=now, before=before, after=after)


def _shown(sponsor: Sponsor) -> dict[str, Any]:
    # The signatories are people, so the chain keeps how many there are and not who.
    return {
        "name": sponsor.name,
        "issuer_name": sponsor.issuer_name,
        "signatories": len(sponsor.signatories),
    }


def set_logo(
    session: Session,
    actor: Person | None,
    sponsor: Sponsor,
    *,
    key: str | None,
    kind: str | None,
    now: datetime,
) -> str | None:
    """Put a kept picture in place of the logo, or none; gives the key of the one before."""
    take_turns(session, sponsor)
    before = sponsor.logo_key
    sponsor.logo_key, sponsor.logo_kind = key, kind
    audit.record(session, actor, "sponsor:set_logo", sponsor, now=now, after={"kind": kind})
    return before


def add_member(
    session: Session,
    actor: Person | None,
    sponsor: Sponsor,
    *,
    email: str,
    name: str = "",
    now: datetime,
) -> SponsorMember:
    """Take somebody into a sponsor's program office; who has no account gets one, and an invitation."""
    take_turns(session, sponsor)
    person = accounts.look_up(session, email)
    if person is None:
        person = accounts.create_account(session, actor, email=email, name=name, now=now)
        accounts.invite(session, person, now=now)
    if not person.active:
        raise Refused("This account is closed.")
    member = session.scalar(
        select(SponsorMember).where(
            SponsorMember.sponsor_id == sponsor.id, SponsorMember.person_id == person.id
        )
    )
    if member is not None and member.ended_at is None:
        return member
    if member is None:
        member = SponsorMember(sponsor_id=sponsor.id, person_id=person.id, since=now)
        session.add(member)
    member.ended_at = None
    session.flush()
    audit.record(
        session,
        actor,
        "sponsor_member:begin",
        member,
        now=now,
        after={"sponsor": sponsor.id, "person": person.id},
    )
    return member


def end_member(
    session: Session,
    actor: Person | None,
    member: SponsorMember,
    *,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Take somebody out of the program office, at once."""
    take_turns(session, member)
    if member.ended_at is not None:
        return
    member.ended_at = now
    audit.record(
        session,
        actor,
        "sponsor_member:end",
        member,
        now=now,
        after={"sponsor": member.sponsor_id, "person": member.person_id},
        reason=reason,
    )
