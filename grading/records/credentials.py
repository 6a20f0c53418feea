"""Issuing: a learner's signed credentials are brought in line with their record, one at a time.

Nothing is carried from one run to the next. A run compares what the record calls for with what there is,
ends what no longer stands, and drafts what is missing; a draft is signed outside of any transaction
and kept only if the record still calls for it. So a run that dies anywhere is run again.
"""

import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import contents
from grading.credential import document as documents
from grading.credential import evidence as evidences
from grading.credential import status
from grading.credential.document import Envelope, Issuer, Subject
from grading.errors import NotFound, PassingFailure, Refused
from grading.ledger import audit, outbox
from grading.ledger.transitions import move
from grading.models import (
    IssuedCredential,
    Person,
    SigningKey,
    Sponsor,
    StatusList,
)
from grading.models.codes import new_id
from grading.ports import IssuerKey, Notary
from grading.records import issuers
from grading.records.queries import evidence as gathering
from grading.records.queries import issued_credentials
from grading.records.queries.issued_credentials import PROGRAM, Look, Wanted
from grading.workflow.issued import CredentialKind, IssuedState, KeyKind


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


def draft(
    session: Session,
    program_id: str,
    person_id: str,
    *,
    notary: Notary,
    base_url: str,
    now: datetime,
) -> list[Draft]:
    """End what no longer stands, and draft what is missing; empty when nothing is left to do.

    The program's credential comes last, when all its members are there.
    """
    record = issued_credentials.record_of(session, program_id, person_id, lock=True)
    if record is None:
        return []
    run = issued_credentials.look(session, record)
    missing = [
        one
        for one in run.wanted
        if run.standing(one.about, one.facts) is None and not run.refused(one)
    ]
    _end_unwanted(session, run, waits_for_members=bool(missing), now=now)
    program_wanted = (
        not missing
        and run.program_facts is not None
        and run.standing(PROGRAM, run.program_facts) is None
    )
    if not missing and not program_wanted:
        return []
    maker = _Maker(session, run, notary=notary, base_url=base_url, now=now)
    return [maker.member(one) for one in missing] if missing else [maker.program()]


def _end_unwanted(session: Session, run: Look, *, waits_for_members: bool, now: datetime) -> None:
    """Revoke what the record no longer calls for; what is to be replaced waits for its successor."""
    abouts = {one.about for one in run.wanted}
    for about, one in run.valid.items():
        if about == PROGRAM:
            stands = waits_for_members or run.program_facts is not None
        else:
            stands = about in abouts
        if not stands:
            end(session, one, "revoke", actor=None, reason="the record no longer says so", now=now)


class _Maker:
    """Drafts the credentials of one run."""

    def __init__(
        self, session: Session, run: Look, *, notary: Notary, base_url: str, now: datetime
    ) -> None:
        self._session, self._run, self._now = session, run, now
        self._base = base_url
        sponsor = run.record.program.sponsor
        issuers.make(session, None, sponsor, notary=notary, base_url=base_url, now=now)
        keys = issuers.active(session, sponsor)
        self._key, self._token_key = keys[KeyKind.PROOF], keys[KeyKind.TOKEN]
        self._issuer = Issuer(self._key.did, sponsor.issuer, base_url)
        self._list = _status_list(session, sponsor, base_url=base_url, now=now)
        self._indexes: set[int] = set()
        known = [one.subject for one in run.there]
        self._subject_id = known[-1] if known else f"urn:uuid:{uuid.uuid4()}"

    def member(self, wanted: Wanted) -> Draft:
        evidence: dict[str, Any] | None = None
        if wanted.entry.grade is not None:
            found = gathering.gather(
                self._session,
                wanted.entry.grade,
                salt=secrets.token_urlsafe(24),
                now=self._now,
            )
            evidence = found.to_dict()
        badge = contents.badge(self._run.record, wanted.entry, evidence, base_url=self._base)
        return self._draft(
            wanted.about,
            wanted.kind,
            wanted.facts,
            lambda subject, envelope: documents.badge(self._issuer, subject, badge, envelope),
            achievement=badge.achievement,
            course_id=wanted.entry.course_id,
            grade_id=wanted.entry.grade_id,
            evidence=evidence,
        )

    def program(self) -> Draft:
        members = self._run.member_credentials
        facts = self._run.program_facts
        assert members is not None
        assert facts is not None
        badge = contents.program_badge(self._run.record, base_url=self._base)
        *courses, capstone = [one.document or {} for one in members]
        return self._draft(
            PROGRAM,
            CredentialKind.PROGRAM,
            facts,
            lambda subject, envelope: documents.record(
                self._issuer, subject, badge, courses, capstone, envelope
            ),
            achievement=badge.achievement,
            course_id=None,
            grade_id=None,
            evidence=None,
        )

    def _draft(
        self,
        about: str,
        kind: CredentialKind,
        facts: str,
        build: Callable[[Subject, Envelope], dict[str, Any]],
        *,
        achievement: str,
        course_id: str | None,
        grade_id: str | None,
        evidence: dict[str, Any] | None,
    ) -> Draft:
        record = self._run.record
        before = self._run.valid.get(about) or _last(self._run.there, about)
        valid_from = self._now.replace(microsecond=0)
        if before is not None:
            valid_from = max(valid_from, before.valid_from + timedelta(seconds=1))
        salt = secrets.token_urlsafe(16)
        own_id = new_id()
        index = self._index()
        envelope = Envelope(
            f"{self._base}/credentials/{own_id}",
            valid_from,
            self._list.url,
            index,
            record.expires_on if about == PROGRAM else None,
        )
        subject = Subject(
            self._subject_id, record.name, documents.email_hash(record.person.email, salt), salt
        )
        replaces = self._run.valid.get(about)
        return Draft(
            document=build(subject, envelope),
            columns={
                "id": own_id,
                "url": envelope.id,
                "kind": str(kind),
                "program_id": record.program_id,
                "person_id": record.person_id,
                "about": about,
                "achievement": achievement,
                "course_id": course_id,
                "grade_id": grade_id,
                "record_id": record.id,
                "facts": facts,
                "subject": self._subject_id,
                "salt": salt,
                "status_list_id": self._list.id,
                "status_index": index,
                "key_id": self._key.id,
                "token_key_id": self._token_key.id,
                "evidence": evidence,
                "valid_from": valid_from,
            },
            key=issuers.pair(self._key),
            token_key=issuers.pair(self._token_key),
            method=issuers.method(self._key),
            kid=issuers.method(self._token_key),
            created=documents.instant(self._now),
            replaces=replaces.id if replaces else None,
        )

    def _index(self) -> int:
        """Draw a place in the list that says nothing about when, or to whom, it was given."""
        while True:
            index = secrets.randbelow(self._list.size)
            if index not in self._indexes and not issued_credentials.taken_indexes(
                self._session, self._list, {index}
            ):
                self._indexes.add(index)
                return index


def _last(there: Sequence[IssuedCredential], about: str) -> IssuedCredential | None:
    found = [one for one in there if one.about == about]
    return found[-1] if found else None


def _status_list(session: Session, sponsor: Sponsor, *, base_url: str, now: datetime) -> StatusList:
    found = issued_credentials.open_list(session, sponsor.id)
    if found is not None:
        return found
    number = 1 + len(
        session.scalars(select(StatusList.id).where(StatusList.sponsor_id == sponsor.id)).all()
    )
    made = StatusList(
        sponsor=sponsor,
        number=number,
        url=f"{base_url}/{issuers.PATH}/{sponsor.id}/status/{number}",
        size=status.SIZE,
        created_at=now,
    )
    session.add(made)
    session.flush()
    _renew(session, made, because="new", now=now)
    return made


@dataclass(frozen=True)
class Signed:
    """What the notary gave: the document with its proof, and the token."""

    document: dict[str, Any]
    token: str


def sign(draft: Draft, notary: Notary) -> Signed:
    """Sign a draft in both forms; takes a while, so no transaction should be open."""
    return Signed(
        notary.sign(draft.document, draft.key, method=draft.method, created=draft.created),
        notary.token(documents.claims(draft.document), draft.token_key, kid=draft.kid),
    )


def keep(session: Session, draft: Draft, signed: Signed, *, now: datetime) -> bool:
    """Keep a signed credential and end the one it replaces, if the record still calls for it.

    Returns
    -------
    bool
        False where something changed since it was drafted; nothing is kept then.
    """
    program_id, person_id = draft.columns["program_id"], draft.columns["person_id"]
    record = issued_credentials.record_of(session, program_id, person_id, lock=True)
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
        end(session, present, "replace", actor=None, reason=None, now=now)
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


def end(
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
    _renew(session, credential.status_list, because=credential.id, now=now)


def _renew(session: Session, status_list: StatusList, *, because: str, now: datetime) -> None:
    outbox.post(
        session,
        "status_list",
        {"list": status_list.id},
        key=f"status:{status_list.id}:{because}",
        now=now,
    )


def revoke(
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
    if not reason.strip():
        raise Refused("Give the reason.")
    if credential.person_id == actor.id:
        raise Refused("Nobody decides on their own record.")
    end(session, credential, "revoke", actor=actor, reason=reason.strip(), now=now)
    issuers.ask(
        session,
        credential.program_id,
        credential.person_id,
        because=f"revoked:{credential.id}",
        now=now,
    )


def publish(
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
    """A status list as it is to be signed, and with what."""

    document: dict[str, Any]
    key: IssuerKey
    method: str


def unsigned_list(
    session: Session, list_id: str, *, notary: Notary, base_url: str, now: datetime
) -> UnsignedList:
    """Give a status list with the bits that are set by now."""
    found = session.get_one(StatusList, list_id)
    issuers.make(session, None, found.sponsor, notary=notary, base_url=base_url, now=now)
    key = issuers.active(session, found.sponsor)[KeyKind.PROOF]
    document = status.document(
        found.url,
        key.did,
        status.encode(issued_credentials.ended_indexes(session, found), found.size),
        valid_from=documents.instant(now),
        context=documents.VC,
    )
    return UnsignedList(document, issuers.pair(key), issuers.method(key))


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
    encoded = status.encode(issued_credentials.ended_indexes(session, found), found.size)
    if encoded != signed["credentialSubject"]["encodedList"]:
        return False
    found.document, found.signed_at = signed, now
    return True


def published_successor(credential: IssuedCredential) -> IssuedCredential | None:
    """Find what stands in a credential's place now, if its owner lets anybody fetch it."""
    latest = credential
    while latest.replaced_by is not None:
        latest = latest.replaced_by
    stands = latest is not credential and latest.state == IssuedState.VALID
    return latest if stands and latest.published_at is not None else None
