"""Drafting: what a learner’s record calls for and is not signed yet, as documents ready to be signed."""

import secrets
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.cohorts import contents
from grading.credential import document as documents
from grading.credential import status
from grading.credential.document import Envelope, Issuer, Subject
from grading.models import (
    IssuedCredential,
    Sponsor,
    StatusList,
)
from grading.models.codes import new_id
from grading.ports import Notary
from grading.records import credentials, issuers
from grading.records.queries import evidence as gathering
from grading.records.queries import issued_credentials, program_record
from grading.records.queries.issued_credentials import PROGRAM, Look, Wanted
from grading.workflow.issued import CredentialKind, KeyKind


def draft_missing(
    session: Session,
    program_id: str,
    person_id: str,
    *,
    notary: Notary,
    base_url: str,
    now: datetime,
) -> list[credentials.Draft]:
    """End what no longer stands, and draft what is missing; empty when nothing is left to do.

    The program's credential comes last, when all its members are there.
    """
    record = program_record.current_record(session, program_id, person_id, lock=True)
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
    maker = DraftMaker(session, run, notary=notary, base_url=base_url, now=now)
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
            credentials.end_credential(
                session, one, "revoke", actor=None, reason="the record no longer says so", now=now
            )


class DraftMaker:
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
        # Another name is another subject, or whoever holds both files could tell that they are one person's.
        known = [one.subject for one in run.there if one.record.name == run.record.name]
        self._subject_id = known[-1] if known else f"urn:uuid:{uuid.uuid4()}"

    def member(self, wanted: Wanted) -> credentials.Draft:
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

    def program(self) -> credentials.Draft:
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
    ) -> credentials.Draft:
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
            self._subject_id,
            record.name,
            contents.name_words(record),
            documents.email_hash(record.person.email, salt),
            salt,
        )
        replaces = self._run.valid.get(about)
        return credentials.Draft(
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
    credentials.renew_status_list(session, made, because="new", now=now)
    return made
