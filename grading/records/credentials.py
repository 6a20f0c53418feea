"""Issuing: a learner's signed credentials are brought in line with their record, one at a time.

Nothing is carried from one run to the next. A run compares what the record calls for with what there is,
ends what no longer stands, and drafts what is missing; a draft is signed outside of any transaction
and kept only if the record still calls for it. So a run that dies anywhere is run again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.credential import document as documents
from grading.credential import evidence as evidences
from grading.credential import status
from grading.errors import NotFound, PassingFailure, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.ledger.turns import take_turns
from grading.models import (
    IssuedCredential,
    Person,
    SigningKey,
    StatusList,
)
from grading.ports import IssuerKey, Notary
from grading.records import issuers
from grading.records.queries import issued_credentials, program_record, status_history
from grading.records.queries.issued_credentials import PROGRAM
from grading.workflow.issued import IssuedState, KeyKind


@dataclass(frozen=True)
class Draft:
    """A credential that is wanted, not yet signed.

    Attributes
    ----------
    document : dict
        What is to be signed.
    columns : dict
        The columns of its row but for what signing gives.
    key, token_key : IssuerKey
        Whose signatures it gets.
    method, kid : str
        Their addresses in the issuer's DID document.
    replaces : str or None
        The credential it replaces.
    """

    document: dict[str, Any]
    columns: dict[str, Any]
    key: IssuerKey
    token_key: IssuerKey
    method: str
    kid: str
    created: str
    replaces: str | None


@dataclass(frozen=True)
class Signed:
    """What the notary gave: the document with its proof, and the token."""

    document: dict[str, Any]
    token: str


def sign_draft(draft: Draft, notary: Notary) -> Signed:
    """Sign a draft in both forms; takes a while, so no transaction should be open."""
    return Signed(
        notary.sign(draft.document, draft.key, method=draft.method, created=draft.created),
        notary.token(documents.claims(draft.document), draft.token_key, kid=draft.kid),
    )


def keep_signed(session: Session, draft: Draft, signed: Signed, *, now: datetime) -> bool:
    """Keep a signed credential and end the one it replaces, if the record still calls for it.

    Returns
    -------
    bool
        False where something changed since it was drafted; nothing is kept then.
    """
    program_id, person_id = draft.columns["program_id"], draft.columns["person_id"]
    record = program_record.current_record(session, program_id, person_id, lock=True)
    if record is None:
        return False
    run = issued_credentials.look(session, record)
    about, facts = draft.columns["about"], draft.columns["facts"]
    if about == PROGRAM:
        wanted = run.program_facts == facts
    else:
        wanted = any((one.about, one.facts) == (about, facts) for one in run.wanted)
    present = run.valid.get(about)
    unchanged = (present.id if present else None) == draft.replaces
    key = session.get_one(SigningKey, draft.columns["key_id"])
    if not wanted or not unchanged or key.id in run.withdrawn:
        return False
    if present is not None:
        end_credential(session, present, "replace", actor=None, reason=None, now=now)
        # The old one must be out of force before the new one can be in it.
        session.flush()
    made = IssuedCredential(
        **draft.columns,
        document=signed.document,
        token=signed.token,
        replaces_id=draft.replaces,
        issued_at=now,
    )
    if present is not None:
        made.published_at = present.published_at
    # Its state is set when it is written, and the entry says it.
    session.add(made)
    session.flush()
    audit.record(
        session,
        None,
        "credential:issue",
        made,
        now=now,
        after={
            "state": made.state,
            "person": made.person_id,
            "about": about,
            "grade": made.grade_id,
            "replaces": draft.replaces,
            "digest": evidences.digest(signed.document),
        },
    )
    return True


def end_credential(
    session: Session,
    credential: IssuedCredential,
    event: str,
    *,
    actor: Person | None,
    reason: str | None,
    now: datetime,
) -> None:
    """Replace or revoke a credential, and have its status list signed anew."""
    move(session, credential, event, actor=actor, now=now, reason=reason, ended_at=now)
    renew_status_list(session, credential.status_list, because=credential.id, now=now)


def renew_status_list(
    session: Session, status_list: StatusList, *, because: str, now: datetime
) -> None:
    outbox.post(
        session,
        "status_list",
        {"list": status_list.id},
        key=f"status:{status_list.id}:{because}",
        now=now,
    )


def revoke_credential(
    session: Session, actor: Person, credential: IssuedCredential, *, reason: str, now: datetime
) -> None:
    """Revoke one credential for good; the program's, which holds it, follows.

    Raises
    ------
    Refused
        No reason, or it is the actor's own.
    IllegalTransition
        It is not valid any more.
    """
    take_turns(session, credential)
    if not reason.strip():
        raise Refused("Give the reason.")
    if credential.person_id == actor.id:
        raise Refused("Nobody decides on their own record.")
    end_credential(session, credential, "revoke", actor=actor, reason=reason.strip(), now=now)
    program = session.scalar(
        select(IssuedCredential).where(
            IssuedCredential.program_id == credential.program_id,
            IssuedCredential.person_id == credential.person_id,
            IssuedCredential.about == PROGRAM,
            IssuedCredential.state == IssuedState.VALID,
        )
    )
    if program is not None:
        # At once: no file says “complete” over a part that was revoked.
        end_credential(
            session, program, "revoke", actor=actor, reason="a part of it was revoked", now=now
        )
    issuers.ask(
        session,
        credential.program_id,
        credential.person_id,
        because=f"revoked:{credential.id}",
        now=now,
    )


def set_published(
    session: Session,
    learner: Person,
    credential: IssuedCredential,
    *,
    published: bool,
    now: datetime,
) -> None:
    """Let the signed document, grade and all, be fetched from its address, or no longer.

    Raises
    ------
    NotFound
        It is not the learner's.
    Refused
        It is not valid any more.
    """
    take_turns(session, credential)
    if credential.person_id != learner.id:
        raise NotFound("There is no such credential.")
    if published and credential.state != IssuedState.VALID:
        raise Refused("Only a valid credential can be published.")
    if published != (credential.published_at is not None):
        credential.published_at = now if published else None
        action = "credential:publish" if published else "credential:unpublish"
        audit.record(session, learner, action, credential, now=now)


def achievement(session: Session, achievement_id: str, *, base_url: str) -> dict[str, Any]:
    """Give the achievement of an address, as a signed credential holds it.

    Raises
    ------
    NotFound
        Nothing has been issued for it.
    """
    document = session.scalar(
        select(IssuedCredential.document)
        .where(
            IssuedCredential.achievement == f"{base_url}/achievements/{achievement_id}",
            IssuedCredential.document.is_not(None),
        )
        .order_by(IssuedCredential.issued_at.desc(), IssuedCredential.id)
        .limit(1)
    )
    if document is None:
        raise NotFound("There is no such achievement.")
    found = document["credentialSubject"]["achievement"]
    # A program's credential holds its own achievement first, then those of its parts.
    own: dict[str, Any] = found[0] if isinstance(found, list) else found
    return {"@context": documents.BADGE_CONTEXTS, **own}


@dataclass(frozen=True)
class UnsignedList:
    """A status list as it is to be signed, and with what; and what contradicts its history."""

    document: dict[str, Any]
    key: IssuerKey
    method: str
    contradictions: tuple[str, ...]


def unsigned_list(
    session: Session, list_id: str, *, notary: Notary, base_url: str, now: datetime
) -> UnsignedList:
    """Give a status list with the bits that are set by now."""
    found = session.get_one(StatusList, list_id)
    issuers.make(session, None, found.sponsor, notary=notary, base_url=base_url, now=now)
    key = issuers.active(session, found.sponsor)[KeyKind.PROOF]
    bits = status_history.set_bits(session, found)
    document = status.document(
        found.url,
        key.did,
        status.encode(bits.indexes, found.size),
        valid_from=documents.instant(now),
        context=documents.VC,
    )
    return UnsignedList(document, issuers.pair(key), issuers.method(key), bits.contradictions)


def served_list(status_list: StatusList) -> dict[str, Any]:
    """Give a list as others see it.

    Raises
    ------
    PassingFailure
        It was made a moment ago and is not signed yet.
    """
    if status_list.document is None:
        raise PassingFailure("The list is being signed. Try again in a moment.")
    return status_list.document


def sign_list(unsigned: UnsignedList, notary: Notary, *, now: datetime) -> dict[str, Any]:
    """Sign a status list."""
    return notary.sign(
        unsigned.document, unsigned.key, method=unsigned.method, created=documents.instant(now)
    )


def keep_list(session: Session, list_id: str, signed: dict[str, Any], *, now: datetime) -> bool:
    """Keep a signed list; False where a bit was set since, so that it must be signed again."""
    found = session.get_one(StatusList, list_id, with_for_update=True)
    encoded = status.encode(status_history.set_bits(session, found).indexes, found.size)
    if encoded != signed["credentialSubject"]["encodedList"]:
        return False
    found.document, found.signed_at = signed, now
    return True


def published_successor(credential: IssuedCredential) -> IssuedCredential | None:
    """Find what stands in a credential's place now, if its owner lets anybody fetch it.

    Of one under another name there is none: whoever knows the old name is not led to the new one.
    """
    latest = credential
    while latest.replaced_by is not None:
        latest = latest.replaced_by
    stands = latest.state == IssuedState.VALID and latest.record.name == credential.record.name
    return latest if latest is not credential and stands and latest.published_at else None
