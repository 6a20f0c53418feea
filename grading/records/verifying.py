"""Verifying a record or a single credential in front of whoever looks at it.

What the page shows is held against what was signed. Whoever changes a line of a record without a key is
found out here; what becomes of a document alone is `checking`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from grading.cohorts import contents
from grading.credential import content
from grading.credential import document as documents
from grading.credential.document import Envelope, Issuer, Subject
from grading.errors import PermanentFailure
from grading.models import CredentialRecord, IssuedCredential, RecordEntry
from grading.ports import Notary
from grading.records.checking import Checked, Checker, CheckOutcome
from grading.records.queries import issued_credentials
from grading.records.queries.issued_credentials import PROGRAM, Look, Wanted
from grading.workflow.credential import PublicStatus, RecordState
from grading.workflow.issued import IssuedState


@dataclass(frozen=True)
class Verdict:
    """What became of a record.

    Attributes
    ----------
    checked : tuple of Checked
        Courses first, then the capstone, then the program.
    unsigned : int
        How much the record says that no credential vouches for yet; an issuing job is under way.
    revoked_at : datetime or None
        When, at last, a credential that the record calls for was revoked; None where none was.
    """

    checked: tuple[Checked, ...] = ()
    unsigned: int = 0
    revoked_at: datetime | None = None

    @property
    def outcome(self) -> CheckOutcome:
        found = {one.outcome for one in self.checked}
        if CheckOutcome.BAD in found:
            return CheckOutcome.BAD
        return (
            CheckOutcome.OPEN
            if self.unsigned or CheckOutcome.OPEN in found or not (found or self.revoked_at)
            else CheckOutcome.GOOD
        )

    @property
    def ended(self) -> bool:
        """Whether the time of a signed document is over."""
        return any(step.facts.get("ended") for one in self.checked for step in one.steps)


def check(
    session: Session, record: CredentialRecord, *, notary: Notary, base_url: str, now: datetime
) -> Verdict:
    """Check everything that vouches for a record."""
    return check_all(session, [record], notary=notary, base_url=base_url, now=now)[record.id]


def check_all(
    session: Session,
    records: Sequence[CredentialRecord],
    *,
    notary: Notary,
    base_url: str,
    now: datetime,
    whole: bool = True,
) -> dict[str, Verdict]:
    """Check several records, in a number of queries that grows with their issuers alone.

    Parameters
    ----------
    whole : bool
        False leaves out the proofs over the documents, which take a hundred times as long as the
        tokens that say the same; for lists.

    Returns
    -------
    dict
        Record's id to verdict; a record that is not in force has one without a step.
    """
    verdicts = {record.id: Verdict() for record in records}
    in_force = [record for record in records if record.state == RecordState.VALID]
    if not in_force:
        return verdicts
    looks = issued_credentials.looks(session, in_force)
    # Held here until the end, so that the steps find them without asking again.
    grades = issued_credentials.graded(session, in_force)
    checkers: dict[str, Checker] = {}
    for record in in_force:
        sponsor = record.program.sponsor
        if sponsor.id not in checkers:
            checkers[sponsor.id] = Checker(
                session, sponsor, notary=notary, base_url=base_url, now=now, whole=whole
            )
        verdicts[record.id] = _check(record, looks[record.id], checkers[sponsor.id], base_url)
    del grades
    return verdicts


def check_credential(
    session: Session,
    credential: IssuedCredential,
    *,
    notary: Notary,
    base_url: str,
    now: datetime,
) -> Verdict:
    """Check one credential as it stands alone, for a page that shows nothing but its document.

    Of a program's, the members come first: it stays signed and valid while one of them is revoked. One
    that no longer holds makes it ``unsigned``, until the job that follows has ended it too.
    """
    if credential.state != IssuedState.VALID:
        return Verdict()
    checker = Checker(
        session,
        credential.program.sponsor,
        notary=notary,
        base_url=base_url,
        now=now,
        whole=True,
    )
    inside = (credential.document or {}).get("credentialSubject", {}).get("verifiableCredential")
    members = [one for one in _by_url(session, inside) if one.state == IssuedState.VALID]
    # The document holds its members' own documents; they are checked as they are given out alone.
    same = inside is None or [one.document for one in members] == inside
    return Verdict(
        tuple(checker.steps(one) for one in (*members, credential)),
        unsigned=0 if same else 1,
    )


def _by_url(session: Session, documents: Any) -> list[IssuedCredential]:
    """Find the credentials of a document's members, in its order."""
    urls = [one["id"] for one in documents or () if isinstance(one, dict) and "id" in one]
    if not urls:
        return []
    found = {
        one.url: one
        for one in session.scalars(
            select(IssuedCredential)
            .options(joinedload(IssuedCredential.status_list))
            .where(IssuedCredential.url.in_(urls))
        )
    }
    return [found[url] for url in urls if url in found]


def _check(record: CredentialRecord, look: Look, checker: Checker, base_url: str) -> Verdict:
    checked: list[Checked] = []
    unsigned, revoked = 0, False
    for wanted in look.wanted:
        credential = _vouching(look, wanted)
        if credential is not None:
            shown = credential.facts == wanted.facts and _says(
                credential, _member(record, wanted.entry, credential, base_url)
            )
            checked.append(checker.steps(credential, shown=shown))
        elif look.refused(wanted):
            revoked = True
        else:
            unsigned += 1
    if record.completed_at is not None and not unsigned and not revoked:
        facts = look.program_facts
        program = look.standing(PROGRAM, facts) if facts else None
        if program is not None:
            shown = _says(program, _program(record, look, program))
            checked.append(checker.steps(program, shown=shown))
        elif facts is not None:
            unsigned += 1
        revoked = look.program_refused
    ended = [
        one.ended_at for one in look.there if one.state == IssuedState.REVOKED and one.ended_at
    ]
    return Verdict(tuple(checked), unsigned, max(ended) if revoked else None)


def word(state: str, verdict: Verdict) -> PublicStatus:
    """Give the word that a page may say first: by the state of a record or credential, and by the verdict."""
    if state != RecordState.VALID:
        return PublicStatus(state)
    if verdict.outcome == CheckOutcome.BAD:
        return PublicStatus.BROKEN
    if verdict.outcome == CheckOutcome.OPEN:
        return PublicStatus.UNSIGNED
    if verdict.revoked_at is not None:
        return PublicStatus.PARTLY_REVOKED if verdict.checked else PublicStatus.REVOKED
    return PublicStatus.EXPIRED if verdict.ended else PublicStatus.VALID


def _vouching(look: Look, wanted: Wanted) -> IssuedCredential | None:
    """Find the credential that vouches for a line of the record, or was made to.

    Lines are never rewritten, so one that was issued from this very line and says something else shows
    that either was tampered with. Otherwise an issuing job has yet to follow.
    """
    credential = look.standing(wanted.about, wanted.facts)
    if credential is not None:
        return credential
    present = look.valid.get(wanted.about)
    same_line = present is not None and (
        present.record_id,
        present.course_id,
        present.grade_id,
    ) == (look.record.id, wanted.entry.course_id, wanted.entry.grade_id)
    withdrawn = present is not None and {present.key_id, present.token_key_id} & look.withdrawn
    return present if same_line and not withdrawn else None


def _says(credential: IssuedCredential, shown: Mapping[str, Any]) -> bool:
    """Whether a document says what the record says, in the document's own form."""
    read: Callable[[Mapping[str, Any]], dict[str, Any]] = (
        _essence_of_program if credential.about == PROGRAM else _essence
    )
    try:
        signed = read(credential.document or {})
    except (KeyError, IndexError, TypeError, PermanentFailure):
        return False
    compared = {name for name in signed if signed[name] or name not in _SAID_SINCE}
    return all(name in shown and signed[name] == shown[name] for name in compared)


def _member(
    record: CredentialRecord, entry: RecordEntry, credential: IssuedCredential, base_url: str
) -> dict[str, Any]:
    """Say what the credential of a course or the capstone must hold, from the record's line."""
    try:
        badge = contents.badge(record, entry, credential.evidence, base_url=base_url)
    except (KeyError, IndexError, TypeError, ValueError):
        # A line that cannot even be read again is not the one that was signed.
        return {}
    return _essence(documents.badge(_NOBODY, _subject(record), badge, _envelope(credential)))


def _program(record: CredentialRecord, found: Look, credential: IssuedCredential) -> dict[str, Any]:
    """Say what the program's credential must hold: its members, as they are given out alone."""
    assert record.completed_at is not None
    signed = (credential.document or {}).get("awardedDate")
    # Documents of before say the day in UTC.
    days = (contents.completion_day(record), record.completed_at.date())
    awarded = [f"{day.isoformat()}T00:00:00Z" for day in days]
    return {
        "id": credential.url,
        "awardedDate": signed if signed in awarded else awarded[0],
        "name of the learner": record.name,
        "name words": contents.name_words(record),
        "validUntil": f"{record.expires_on.isoformat()}T23:59:59Z" if record.expires_on else None,
        "members": [one.document for one in found.member_credentials or ()],
    }


_NOBODY = Issuer("", "", "")
# Documents of before do not say these, so no page shows them of those.
_SAID_SINCE = ("name words", "bands")


def _subject(record: CredentialRecord) -> Subject:
    return Subject("", record.name, contents.name_words(record), "", "")


def _envelope(credential: IssuedCredential) -> Envelope:
    return Envelope(
        credential.url,
        credential.valid_from,
        credential.status_list.url,
        credential.status_index,
    )


def _essence(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a record's page says, as a document of a course or the capstone holds it.

    Names of programs and issuers are left out: they may be put right without all being signed anew.
    """
    about, said = document["credentialSubject"], content.read(document)
    achievement = about["achievement"]
    band = documents.band_address(achievement["id"])
    return {
        "id": document["id"],
        "name": document["name"],
        "awardedDate": document["awardedDate"],
        "name of the learner": said.learner,
        "name words": said.name_words,
        "achievement": (achievement["id"], achievement["name"]),
        "results": [result for result in about["result"] if result["resultDescription"] != band],
        "bands": said.bands,
        "identity": said.identity,
    }


def _essence_of_program(document: Mapping[str, Any]) -> dict[str, Any]:
    about, said = document["credentialSubject"], content.read(document)
    return {
        "id": document["id"],
        "awardedDate": document["awardedDate"],
        "name of the learner": said.learner,
        "name words": said.name_words,
        "validUntil": document.get("validUntil"),
        "members": about["verifiableCredential"],
    }
