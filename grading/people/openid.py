"""Whose account a sign-in with an OpenID provider opens, and what it says about who they are."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading import texts
from grading.errors import Refused
from grading.ledger import audit, outbox
from grading.models import IdentityCheck, Person, SignInLink
from grading.people import accounts, identity
from grading.ports import SignedIn
from grading.workflow.credential import IdentityAssurance

# Whoever signs in every day is checked as often, and noted once.
PAUSE = timedelta(days=1)


def link(
    session: Session,
    actor: Person | None,
    person: Person,
    *,
    issuer: str,
    subject: str,
    now: datetime,
) -> SignInLink:
    """Let a subject of a provider sign in to an account; its owner is told by mail.

    Raises
    ------
    Refused
        It signs in to an account already.
    """
    if _linked(session, issuer, subject) is not None:
        raise Refused("This sign-in belongs to an account already.")
    made = SignInLink(issuer=issuer, subject=subject, person=person, linked_at=now)
    audit.add(session, actor, "sign_in:link", made, now=now, after={"person": person.id})
    outbox.mail(session, "sign_in_linked", person.id, key=f"sign_in_linked:{made.id}", now=now)
    return made


def _linked(session: Session, issuer: str, subject: str) -> SignInLink | None:
    return session.scalar(
        select(SignInLink).where(SignInLink.issuer == issuer, SignInLink.subject == subject)
    )


def sign_in(
    session: Session,
    signed_in: SignedIn,
    *,
    by_email: bool,
    assured: tuple[str, ...],
    holds: timedelta,
    now: datetime,
) -> Person:
    """Find the account that a sign-in opens, and note the check of identity that it was, if it was one.

    Parameters
    ----------
    by_email : bool
        Whether a first sign-in may be linked to the account with its verified address.
    assured : tuple of str
        Values of the claim ``acr`` that assert that the provider checked who somebody is.
    holds : timedelta
        How long such a check holds.

    Raises
    ------
    Refused
        No account belongs to it, or that account is closed.
    """
    found = _linked(session, signed_in.issuer, signed_in.subject)
    person = found.person if found else None
    if person is None and by_email and signed_in.email_verified:
        person = accounts.look_up(session, signed_in.email)
        if person is not None and person.active:
            link(
                session,
                person,
                person,
                issuer=signed_in.issuer,
                subject=signed_in.subject,
                now=now,
            )
    if person is None or not person.active:
        raise Refused("No account here belongs to this sign-in. Ask the program office to link it.")
    if signed_in.assurance in assured and signed_in.name.strip():
        _note(session, person, signed_in, holds, now)
    return person


def _note(
    session: Session, person: Person, signed_in: SignedIn, holds: timedelta, now: datetime
) -> None:
    name = texts.seen_line(signed_in.name)[: texts.LONGEST_NAME].rstrip()
    lately = session.scalar(
        select(IdentityCheck.id)
        .where(
            IdentityCheck.person_id == person.id,
            IdentityCheck.issuer == signed_in.issuer,
            IdentityCheck.name == name,
            IdentityCheck.at > now - PAUSE,
        )
        .limit(1)
    )
    if lately is None:
        identity.record_check(
            session,
            None,
            person,
            how=IdentityAssurance.SIGN_IN,
            name=name,
            issuer=signed_in.issuer,
            holds_until=now + holds,
            now=now,
        )
