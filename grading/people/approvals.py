"""Approvals: a list is put before somebody, they show that it is them, and their yes is kept.

The order of an act with a step-up: `lay_before` makes a challenge over the exact list; `by_passkey` or
`by_password` checks who answers; and the act itself calls `accept` with the list as it is then, in the
same transaction. Whatever is refused on the way leaves nothing behind, and the challenge good.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from argon2 import PasswordHasher
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session, joinedload

from grading.errors import ListChanged, Refused
from grading.ledger import audit
from grading.models import Approval, AuditEntry, Challenge, Cohort, Person
from grading.people import passkeys, passwords
from grading.people.passkeys import Assertion
from grading.settings import RelyingParty
from grading.workflow.approval import Action, Proof, StepUp, changes, way

# Long enough to read a list, short enough that a page left open signs nothing.
LASTS = timedelta(minutes=15)


@dataclass(frozen=True)
class Answer:
    """Somebody has shown that it is them, for one challenge; ``assertion`` is None for a password."""

    challenge: Challenge
    proof: Proof
    assertion: Assertion | None = None


def way_of(
    session: Session, person: Person, asked: StepUp, party: RelyingParty | None
) -> Proof | None:
    """Say how a person shows that it is them; None when they need a passkey first."""
    has = party is not None and bool(passkeys.passkeys_of(session, person, party))
    return way(asked, possible=party is not None, has_passkey=has)


def lay_before(
    session: Session,
    person: Person,
    action: Action,
    subject_id: str,
    *,
    cohort_id: str | None,
    records: Sequence[Mapping[str, Any]],
    note: Mapping[str, Any],
    now: datetime,
    entered: Mapping[str, Any] | None = None,
) -> Challenge:
    """Make a challenge over what a person is about to approve; their old ones that lapsed are dropped.

    Parameters
    ----------
    records : sequence of dict
        The exact list; each has ``submission``, ``person``, ``value`` and ``band``, and what else binds it.
    note : dict
        What is decided besides, as reasons.
    entered : dict, optional
        Text that the act keeps elsewhere; ``note`` has its `text_digest`.
    """
    session.execute(
        delete(Challenge).where(Challenge.person_id == person.id, Challenge.expires_at < now)
    )
    challenge = Challenge(
        action=action,
        subject_id=subject_id,
        cohort_id=cohort_id,
        person_id=person.id,
        nonce=secrets.token_urlsafe(32),
        records=[dict(one) for one in records],
        note=dict(note),
        entered=dict(entered) if entered is not None else None,
        made_at=now,
        expires_at=now + LASTS,
    )
    session.add(challenge)
    session.flush()
    return challenge


def forget_lapsed(session: Session, *, now: datetime) -> None:
    """Take away what was put before people and not signed in time, with the text they had entered."""
    session.execute(delete(Challenge).where(Challenge.expires_at < now))


def claim(session: Session, challenge: Challenge, *, now: datetime) -> None:
    """Use a challenge up; of two who try at once, one succeeds.

    Raises
    ------
    Refused
        It was used, or is too old.
    """
    claimed = session.execute(
        update(Challenge)
        .where(
            Challenge.id == challenge.id, Challenge.used_at.is_(None), Challenge.expires_at > now
        )
        .values(used_at=now, entered=None)
    )
    if cast(CursorResult[Any], claimed).rowcount == 1:
        return
    session.refresh(challenge)
    if challenge.used_at is not None:
        raise Refused("This was signed already. Nothing was done a second time.")
    raise Refused("This page was open for too long. Nothing was signed. Begin again.")


def by_passkey(
    session: Session,
    person: Person,
    challenge: Challenge,
    answer: str,
    *,
    party: RelyingParty,
    now: datetime,
) -> Answer:
    """Check what a passkey signed; raises as `passkeys.check` does."""
    _own(person, challenge)
    found = passkeys.check_assertion(session, person, challenge, answer, party=party, now=now)
    return Answer(challenge, Proof.PASSKEY, found)


def by_password(
    session: Session,
    person: Person,
    challenge: Challenge,
    password: str,
    *,
    hasher: PasswordHasher,
    now: datetime,
) -> Answer | None:
    """Check a password; None when it is wrong, which is counted.

    Raises
    ------
    TooMany
        Too many failures.
    Refused
        The person has no password.
    """
    _own(person, challenge)
    if person.password_hash is None:
        raise Refused("Your account has no password. Have a link mailed on the sign-in page first.")
    right = passwords.confirm_password(session, person, password, hasher=hasher, now=now)
    return Answer(challenge, Proof.PASSWORD) if right else None


def _own(person: Person, challenge: Challenge) -> None:
    if challenge.person_id != person.id:
        raise Refused("This was put before another person.")


def accept(
    session: Session,
    person: Person,
    answer: Answer | None,
    action: Action,
    subject_id: str,
    *,
    cohort_id: str,
    records: Sequence[Mapping[str, Any]],
    note: Mapping[str, Any],
    now: datetime,
) -> Approval:
    """Keep a person's yes to a list, if it is still the list that they answered.

    Parameters
    ----------
    answer : Answer or None
        None where somebody tries without.
    records, note
        As they are now.

    Raises
    ------
    ListChanged
        The list is no longer what was put before them.
    Refused
        No answer, one to something else, or one that was used or is too old.
    """
    if answer is None:
        raise Refused("The plan asks whoever signs this to show that it is them.")
    challenge = answer.challenge
    _own(person, challenge)
    if (challenge.action, challenge.subject_id) != (action, subject_id):
        raise Refused("What was signed is something else. Nothing was done.")
    if found := changes(challenge.records, records):
        raise ListChanged(found)
    if challenge.note != dict(note):
        raise Refused(
            "What was to be signed changed since it was shown. Nothing was signed. Begin again."
        )
    claim(session, challenge, now=now)
    assertion = answer.assertion
    approval = Approval(
        cohort_id=cohort_id,
        action=action,
        subject_id=subject_id,
        person_id=person.id,
        at=now,
        nonce=challenge.nonce,
        records=challenge.records,
        note=challenge.note,
        digest=challenge.statement.challenge.hex(),
        proof=answer.proof,
        passkey_id=assertion.passkey.id if assertion else None,
        origin=assertion.origin if assertion else None,
        authenticator_data=assertion.authenticator_data if assertion else None,
        client_data=assertion.client_data if assertion else None,
        signature=assertion.signature if assertion else None,
    )
    # The entry names the approval, which has its id once it is written.
    session.add(approval)
    session.flush()
    audit.record(
        session,
        person,
        "approval:give",
        approval,
        now=now,
        after=_entered(approval),
    )
    return approval


def accept_where_asked(
    session: Session,
    person: Person,
    answer: Answer | None,
    action: Action,
    subject_id: str,
    *,
    cohort: Cohort,
    records: Sequence[Mapping[str, Any]],
    note: Mapping[str, Any],
    now: datetime,
) -> None:
    """Keep a person's yes where the cohort's plan asks for one; raises as `accept`."""
    if cohort.plan.step_up == StepUp.OFF:
        return
    accept(
        session,
        person,
        answer,
        action,
        subject_id,
        cohort_id=cohort.id,
        records=records,
        note=note,
        now=now,
    )


def _entered(approval: Approval) -> dict[str, Any]:
    """Say of an approval what the audit chain holds fast."""
    return {
        "approval": approval.id,
        "action": approval.action,
        "subject": approval.subject_id,
        "step_up": approval.proof,
        "passkey": approval.passkey_id,
        "digest": approval.digest,
        "signature": _sha256(approval.signature),
    }


def _sha256(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def approvals_of(session: Session, subject_id: str) -> Sequence[Approval]:
    """List the approvals of a record, oldest first."""
    return list(
        session.scalars(
            select(Approval)
            .options(joinedload(Approval.passkey))
            .where(Approval.subject_id == subject_id)
            .order_by(Approval.at, Approval.id)
        )
    )


def faults_of(session: Session, approval: Approval) -> tuple[str, ...]:
    """Check an approval from what is kept: challenge, signature, and its entry in the audit chain.

    Returns
    -------
    tuple of str
        What does not agree; empty when all does.
    """
    faults = []
    challenge = approval.statement.challenge
    if challenge.hex() != approval.digest:
        faults.append("the list, the reasons or the nonce are not what the challenge was made of")
    if approval.proof == Proof.PASSKEY:
        passkey = approval.passkey
        if passkey is None or passkey.person_id != approval.person_id:
            faults.append("the passkey is not the person's")
        elif not passkeys.is_signed_by(
            passkey,
            challenge,
            origin=approval.origin or "",
            authenticator_data=approval.authenticator_data or "",
            client_data=approval.client_data or "",
            signature=approval.signature or "",
        ):
            faults.append("the signature is not the passkey's over this list")
    entry = session.scalar(
        select(AuditEntry).where(
            AuditEntry.chain == approval.cohort_id,
            AuditEntry.action == "approval:give",
            AuditEntry.subject_id == approval.id,
        )
    )
    if entry is None:
        faults.append("the audit chain has no entry of it")
    elif entry.actor_id != approval.person_id or json.loads(entry.after or "{}") != _entered(
        approval
    ):
        faults.append("the audit chain says otherwise")
    return tuple(faults)


@dataclass(frozen=True)
class Verified:
    """What checking every approval found; ``faults_of`` name the approval."""

    count: int
    by_passkey: int
    faults: tuple[str, ...]


def verify(session: Session) -> Verified:
    """Check every approval there is."""
    count = by_key = 0
    found: list[str] = []
    for approval in session.scalars(
        select(Approval)
        .options(joinedload(Approval.passkey))
        .order_by(Approval.at, Approval.id)
        .execution_options(yield_per=100)
    ):
        count += 1
        by_key += approval.proof == Proof.PASSKEY
        found += [f"approval {approval.id}: {fault}" for fault in faults_of(session, approval)]
    return Verified(count, by_key, tuple(found))
