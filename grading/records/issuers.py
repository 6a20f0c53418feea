"""A sponsor as an issuer: its keys, made, rotated, retired and withdrawn."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.credential import issuer
from grading.errors import Fault, FaultsFound, PermanentFailure, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.models import IssuedCredential, Person, SigningKey, Sponsor
from grading.ports import IssuerKey, Notary
from grading.workflow.issued import IssuedState, KeyKind, KeyState

PATH = "issuers"


def own_did(base_url: str, sponsor: Sponsor) -> str:
    """Give the did:web of a sponsor at our own address."""
    return issuer.did_web(base_url, PATH, sponsor.id)


def keys(session: Session, sponsor: Sponsor) -> Sequence[SigningKey]:
    """List all keys of a sponsor, the oldest first."""
    return session.scalars(
        select(SigningKey)
        .where(SigningKey.sponsor_id == sponsor.id)
        .order_by(SigningKey.created_at, SigningKey.id)
    ).all()


def active(session: Session, sponsor: Sponsor) -> dict[str, SigningKey]:
    """Find the keys a sponsor signs with now, by kind."""
    return {key.kind: key for key in keys(session, sponsor) if key.state == KeyState.ACTIVE}


def method(key: SigningKey) -> str:
    """Give the address of a key in its issuer's DID document."""
    return issuer.method(key.did, key.fragment)


def pair(key: SigningKey) -> IssuerKey:
    """Give a key as the notary wants it."""
    return IssuerKey(key.kind, key.public, key.sealed)


def make(
    session: Session,
    actor: Person | None,
    sponsor: Sponsor,
    *,
    notary: Notary,
    base_url: str,
    now: datetime,
    did: str | None = None,
) -> list[SigningKey]:
    """Make the keys that a sponsor lacks: one for proofs, one for tokens.

    Parameters
    ----------
    did : str, optional
        A did:web on the sponsor's own domain, where it puts the document itself. By default the one it
        has signed as before, else the one at our address.

    Raises
    ------
    Refused
        It has keys under another DID: rotate them.
    """
    before = keys(session, sponsor)
    have = {key.kind: key for key in before if key.state == KeyState.ACTIVE}
    name = issuer.check_did(did or (before[-1].did if before else own_did(base_url, sponsor)))
    if any(key.did != name for key in have.values()):
        raise Refused("The sponsor signs as %(did)s. Rotate its keys.", did=before[-1].did)
    made = []
    for kind in KeyKind:
        if kind in have:
            continue
        new = notary.make(str(kind))
        key = SigningKey(
            sponsor=sponsor,
            kind=str(kind),
            did=name,
            fragment=new.public
            if kind == KeyKind.PROOF
            else issuer.thumbprint(issuer.read(new.public)),
            public=new.public,
            sealed=new.sealed,
            created_at=now,
        )
        audit.add(
            session,
            actor,
            "key:make",
            key,
            now=now,
            after={"sponsor": sponsor.id, "did": name, "kind": key.kind, "key": key.fragment},
        )
        made.append(key)
    return made


def rotate(
    session: Session,
    actor: Person | None,
    sponsor: Sponsor,
    *,
    notary: Notary,
    base_url: str,
    now: datetime,
    did: str | None = None,
) -> list[SigningKey]:
    """Retire the present keys and make new ones; what the old ones signed stays good."""
    for key in active(session, sponsor).values():
        retire(session, actor, key, now=now)
    session.flush()
    return make(session, actor, sponsor, notary=notary, base_url=base_url, did=did, now=now)


def retire(session: Session, actor: Person | None, key: SigningKey, *, now: datetime) -> None:
    """Sign no more with a key; it stays in the DID document."""
    move(session, key, "retire", actor=actor, now=now, ended_at=now)


def withdraw(
    session: Session, actor: Person | None, key: SigningKey, *, reason: str, now: datetime
) -> int:
    """Take a key that fell into other hands out of the DID document, and issue anew what it signed.

    Returns
    -------
    int
        How many learners' credentials are issued anew, by jobs.

    Raises
    ------
    Refused
        No reason.
    """
    if not reason.strip():
        raise Refused("Give the reason.")
    move(session, key, "withdraw", actor=actor, now=now, ended_at=now, reason=reason.strip())
    session.flush()
    affected = session.execute(
        select(IssuedCredential.program_id, IssuedCredential.person_id)
        .where(
            IssuedCredential.state == IssuedState.VALID,
            (IssuedCredential.key_id == key.id) | (IssuedCredential.token_key_id == key.id),
        )
        .distinct()
    ).all()
    for program_id, person_id in affected:
        ask(session, program_id, person_id, because=f"withdrawn:{key.id}", now=now)
    return len(affected)


def reseal(
    session: Session, actor: Person | None, *, notary: Notary, old_secret: str, now: datetime
) -> int:
    """Seal every private half anew with the installation's present secret: all of them, or none.

    Returns
    -------
    int
        How many were sealed with the old one; those that were sealed anew before are left.

    Raises
    ------
    FaultsFound
        Every key that neither secret opens, by its id.
    """
    faults: list[Fault] = []
    count = 0
    for key in session.scalars(select(SigningKey).order_by(SigningKey.created_at, SigningKey.id)):
        try:
            new = notary.reseal(pair(key), old_secret)
        except PermanentFailure:
            faults.append(
                Fault(
                    key.id,
                    "The key %(key)s of %(sponsor)s was sealed with neither secret.",
                    {"key": key.fragment, "sponsor": key.sponsor.name},
                )
            )
            continue
        if new.sealed != key.sealed:
            key.sealed = new.sealed
            audit.record(session, actor, "key:reseal", key, now=now, after={"kind": key.kind})
            count += 1
    if faults:
        raise FaultsFound(faults)
    return count


def ask(session: Session, program_id: str, person_id: str, *, because: str, now: datetime) -> None:
    """Have a learner's credentials brought in line with their record, once the act is committed.

    ``because`` names the act, so that it asks once and another act asks again.
    """
    key, payload = _job(program_id, person_id, because)
    outbox.post(session, "credentials", payload, key=key, now=now)


def ask_new(
    session: Session, program_id: str, acts: Iterable[tuple[str, str]], *, now: datetime
) -> None:
    """Do so for many (person, act) at once; nobody can have named these acts before."""
    jobs = [_job(program_id, person_id, act) for person_id, act in acts]
    outbox.post_new(session, "credentials", jobs, now=now)


def _job(program_id: str, person_id: str, because: str) -> tuple[str, dict[str, Any]]:
    key = f"credentials:{because}:{program_id}:{person_id}"
    return key, {"program": program_id, "person": person_id}


def public_keys(
    session: Session, sponsor: Sponsor, did: str | None = None
) -> list[issuer.PublicKey]:
    """List the keys that vouch for what an issuer signed, as one DID or any: all but withdrawn ones."""
    return [
        issuer.PublicKey(method(key), key.kind, key.public)
        for key in keys(session, sponsor)
        if did in (None, key.did) and key.state != KeyState.WITHDRAWN
    ]


def did_document(session: Session, sponsor: Sponsor, did: str) -> dict[str, Any] | None:
    """Give the DID document of a sponsor; None before it has signed as this DID."""
    found = public_keys(session, sponsor, did)
    return issuer.did_document(did, found) if found else None


def jwks(session: Session, sponsor: Sponsor) -> dict[str, Any] | None:
    """Give the key set for tokens, as whatever DID they were signed; None before there is one."""
    found = public_keys(session, sponsor)
    return issuer.jwks(found) if found else None
