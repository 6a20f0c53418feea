"""Checking a record in front of whoever looks at it: what is stored is held against what was signed.

Nothing is fetched and nothing is kept. Whoever could write in the database but has no key changes a
record, a document or a state, and one of the steps here fails.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from grading.credential import document as documents
from grading.credential import evidence as evidences
from grading.credential import issuer, status
from grading.credential.document import Envelope, Issuer, Subject
from grading.errors import PermanentFailure
from grading.models import (
    CredentialRecord,
    IssuedCredential,
    RecordEntry,
    SigningKey,
    Sponsor,
    StatusList,
)
from grading.ports import Notary
from grading.queries import credentials as queries
from grading.queries.credentials import PROGRAM, Look, Wanted
from grading.services import contents, issuers
from grading.workflow.credential import PublicStatus, RecordState
from grading.workflow.issued import KeyKind, KeyState


class What(StrEnum):
    """A step of checking, in the order of the page."""

    KEY = "key"
    PROOF = "proof"
    TOKEN = "token"
    CONTENT = "content"
    STATUS = "status"
    DATES = "dates"
    EVIDENCE = "evidence"


class Outcome(StrEnum):
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True)
class Step:
    """One step and how it ended; ``facts`` are what a reader can compare elsewhere."""

    what: What
    outcome: Outcome
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """One credential with its steps.

    ``title`` and ``issuer`` are read from the signed document, not from our tables.
    """

    credential: IssuedCredential
    title: str
    issuer: str
    steps: tuple[Step, ...]

    @property
    def outcome(self) -> Outcome:
        """Bad if any step is; open if any is and none is bad."""
        found = {step.outcome for step in self.steps}
        return next((one for one in (Outcome.BAD, Outcome.OPEN) if one in found), Outcome.GOOD)


@dataclass(frozen=True)
class Verdict:
    """What became of a record.

    Attributes
    ----------
    checked : tuple of Checked
        Courses first, then the capstone, then the program.
    unsigned : tuple of str
        Titles of what the record says and no credential vouches for yet; an issuing job is under way.
    revoked : frozenset of int
        Ids of entries whose credential a person revoked: they do not stand.
    """

    checked: tuple[Checked, ...]
    unsigned: tuple[str, ...]
    revoked: frozenset[int]

    @property
    def outcome(self) -> Outcome:
        found = {one.outcome for one in self.checked}
        if Outcome.BAD in found:
            return Outcome.BAD
        return Outcome.OPEN if self.unsigned or Outcome.OPEN in found or not found else Outcome.GOOD

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
    verdicts = {record.id: Verdict((), (), frozenset()) for record in records}
    in_force = [record for record in records if record.state == RecordState.VALID]
    if not in_force:
        return verdicts
    looks = queries.looks(session, in_force)
    # Held here until the end, so that the steps find them without asking again.
    grades = queries.graded(session, in_force)
    checkers: dict[str, _Checker] = {}
    for record in in_force:
        sponsor = record.program.sponsor
        if sponsor.id not in checkers:
            checkers[sponsor.id] = _Checker(
                session, sponsor, notary=notary, base_url=base_url, now=now, whole=whole
            )
        verdicts[record.id] = _check(record, looks[record.id], checkers[sponsor.id])
    del grades
    return verdicts


def _check(record: CredentialRecord, found: Look, checker: "_Checker") -> Verdict:
    checked, unsigned, revoked = [], [], set()
    for wanted in found.wanted:
        credential = _vouching(found, wanted)
        if credential is not None:
            same = credential.facts == wanted.facts
            content = checker.member(record, wanted.entry, credential) if same else {}
            checked.append(checker.steps(credential, content))
        elif found.refused(wanted):
            revoked.add(wanted.entry.id)
        else:
            unsigned.append(wanted.entry.title)
    if record.completed_at is not None and not unsigned and not revoked:
        facts = found.program_facts
        program = found.standing(PROGRAM, facts) if facts else None
        if program is not None:
            checked.append(checker.steps(program, checker.program(record, found, program)))
        elif facts is not None:
            unsigned.append(record.program.name)
    return Verdict(tuple(checked), tuple(unsigned), frozenset(revoked))


def word(status: PublicStatus, verdict: Verdict) -> PublicStatus:
    """Give the word that a page may say first, by a record's state and what checking it found."""
    if status not in (PublicStatus.VALID, PublicStatus.EXPIRED):
        return status
    if verdict.outcome == Outcome.BAD:
        return PublicStatus.BROKEN
    if verdict.outcome == Outcome.OPEN:
        return PublicStatus.UNSIGNED
    return PublicStatus.EXPIRED if verdict.ended else status


def _vouching(found: Look, wanted: Wanted) -> IssuedCredential | None:
    """Find the credential that vouches for a line of the record, or was made to.

    Lines are never rewritten, so one that was issued from this very line and says something else shows
    that either was tampered with. Otherwise an issuing job has yet to follow.
    """
    credential = found.standing(wanted.about, wanted.facts)
    if credential is not None:
        return credential
    present = found.valid.get(wanted.about)
    same_line = present is not None and (
        present.record_id,
        present.course_id,
        present.grade_id,
    ) == (found.record.id, wanted.entry.course_id, wanted.entry.grade_id)
    withdrawn = present is not None and {present.key_id, present.token_key_id} & found.withdrawn
    return present if same_line and not withdrawn else None


class _Checker:
    """Checks several credentials of one issuer; its keys and lists are looked at once."""

    def __init__(
        self,
        session: Session,
        sponsor: Sponsor,
        *,
        notary: Notary,
        base_url: str,
        now: datetime,
        whole: bool,
    ) -> None:
        self._session, self._notary, self._base, self._now = session, notary, base_url, now
        self._whole, self._sponsor = whole, sponsor
        self._keys = {
            issuers.method(key): key
            for key in issuers.keys(session, sponsor)
            if key.state != KeyState.WITHDRAWN
        }
        self._jwks = issuer.jwks(
            [issuer.PublicKey(name, key.kind, key.public) for name, key in self._keys.items()]
        )
        self._lists: dict[str, tuple[Outcome, str]] = {}

    def steps(self, credential: IssuedCredential, content: Mapping[str, Any]) -> Checked:
        """Check one credential; ``content`` is what the record shows, in the document's own form."""
        document = credential.document
        if document is None:
            return Checked(credential, "", "", (Step(What.PROOF, Outcome.OPEN),))
        key = self._key(document)
        steps = [self._key_step(key, document)]
        if self._whole:
            steps.append(self._proof(document, key))
        steps += [self._token(credential), _content(credential, content), self._status(credential)]
        steps += [self._dates(document), *_evidence(credential)]
        stands_with = document.get("issuer", {})
        return Checked(
            credential,
            str(document.get("name", "")),
            str(stands_with.get("name", "")) if isinstance(stands_with, dict) else "",
            tuple(steps),
        )

    def member(
        self, record: CredentialRecord, entry: RecordEntry, credential: IssuedCredential
    ) -> dict[str, Any]:
        """Say what the credential of a course or the capstone must hold, from the record's line."""
        try:
            badge = contents.badge(record, entry, credential.evidence, base_url=self._base)
        except (KeyError, IndexError, TypeError, ValueError):
            # A line that cannot even be read again is not the one that was signed.
            return {}
        made = documents.badge(_NOBODY, _subject(record), badge, _envelope(credential))
        return _essence(made)

    def program(
        self, record: CredentialRecord, found: Look, credential: IssuedCredential
    ) -> dict[str, Any]:
        """Say what the program's credential must hold: its members, as they are given out alone."""
        assert record.completed_at is not None
        members = [one.document for one in found.member_credentials or ()]
        return {
            "id": credential.url,
            "awardedDate": f"{record.completed_at.date().isoformat()}T00:00:00Z",
            "name of the learner": record.name,
            "validUntil": f"{record.expires_on.isoformat()}T23:59:59Z"
            if record.expires_on
            else None,
            "members": members,
        }

    def _key(self, document: Mapping[str, Any]) -> SigningKey | None:
        found = self._keys.get(str(_proof_of(document).get("verificationMethod", "")))
        return found if found is not None and found.kind == KeyKind.PROOF else None

    def _key_step(self, key: SigningKey | None, document: Mapping[str, Any]) -> Step:
        issued_as = document.get("issuer")
        did = str(issued_as.get("id", "")) if isinstance(issued_as, dict) else str(issued_as)
        facts = {
            "method": str(_proof_of(document).get("verificationMethod", "")),
            "published": issuer.document_url(did) if did.startswith("did:web:") else "",
            "here": did == issuers.own_did(self._base, self._sponsor),
            "retired": key is not None and key.state == KeyState.RETIRED,
        }
        good = key is not None and key.did == did
        return Step(What.KEY, Outcome.GOOD if good else Outcome.BAD, facts)

    def _proof(self, document: Mapping[str, Any], key: SigningKey | None) -> Step:
        good = key is not None and self._notary.verifies(document, key.public)
        facts = {"made": str(_proof_of(document).get("created", ""))}
        return Step(What.PROOF, Outcome.GOOD if good else Outcome.BAD, facts)

    def _token(self, credential: IssuedCredential) -> Step:
        try:
            claims = self._notary.read_token(credential.token or "", self._jwks)
            good = claims == documents.claims(credential.document or {})
        except (PermanentFailure, KeyError, TypeError, ValueError):
            good = False
        return Step(What.TOKEN, Outcome.GOOD if good else Outcome.BAD)

    def _status(self, credential: IssuedCredential) -> Step:
        entry = (credential.document or {}).get("credentialStatus", {})
        facts = {"list": credential.status_list.url, "bit": credential.status_index}
        outcome, encoded = self._list(credential.status_list)
        named = entry == status.entry(credential.status_list.url, credential.status_index)
        ended = outcome == Outcome.GOOD and status.is_set(encoded, credential.status_index)
        if ended or not named:
            outcome = Outcome.BAD
        return Step(What.STATUS, outcome, facts)

    def _list(self, status_list: StatusList) -> tuple[Outcome, str]:
        """Check a list once; open while it has never been signed."""
        if status_list.id not in self._lists:
            self._lists[status_list.id] = self._read_list(status_list)
        return self._lists[status_list.id]

    def _read_list(self, status_list: StatusList) -> tuple[Outcome, str]:
        document = status_list.document
        if document is None:
            return Outcome.OPEN, ""
        key = self._key(document)
        if (
            key is None
            or document.get("id") != status_list.url
            or document.get("issuer") != key.did
            or not self._notary.verifies(document, key.public)
        ):
            return Outcome.BAD, ""
        return Outcome.GOOD, str(document["credentialSubject"]["encodedList"])

    def _dates(self, document: Mapping[str, Any]) -> Step:
        begins, ends = _instant(document.get("validFrom")), _instant(document.get("validUntil"))
        if begins is None or ("validUntil" in document and ends is None):
            return Step(What.DATES, Outcome.BAD)
        facts = {"from": begins, "until": ends, "ended": ends is not None and ends < self._now}
        # One that replaces another of the same second holds from the next.
        return Step(What.DATES, Outcome.GOOD if begins <= self._now else Outcome.OPEN, facts)


_NOBODY = Issuer("", "", "")


def _subject(record: CredentialRecord) -> Subject:
    return Subject("", record.name, "", "")


def _envelope(credential: IssuedCredential) -> Envelope:
    return Envelope(
        credential.url,
        credential.valid_from,
        credential.status_list.url,
        credential.status_index,
    )


def _proof_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    proofs = document.get("proof")
    proof = proofs[0] if isinstance(proofs, list) and proofs else proofs
    return proof if isinstance(proof, dict) else {}


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def _essence(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a record's page says, as a document of a course or the capstone holds it.

    Names of programs and issuers are left out: they may be put right without all being signed anew.
    """
    about = document["credentialSubject"]
    return {
        "id": document["id"],
        "name": document["name"],
        "awardedDate": document["awardedDate"],
        "name of the learner": about["identifier"][0]["identityHash"],
        "achievement": (about["achievement"]["id"], about["achievement"]["name"]),
        "results": about["result"],
        "identity": about.get("narrative"),
    }


def _essence_of_program(document: Mapping[str, Any]) -> dict[str, Any]:
    about = document["credentialSubject"]
    return {
        "id": document["id"],
        "awardedDate": document["awardedDate"],
        "name of the learner": about["identifier"][0]["identityHash"],
        "validUntil": document.get("validUntil"),
        "members": about["verifiableCredential"],
    }


def _content(credential: IssuedCredential, shown: Mapping[str, Any]) -> Step:
    """Hold what the record shows against what the document says."""
    read: Callable[[Mapping[str, Any]], dict[str, Any]] = (
        _essence_of_program if credential.about == PROGRAM else _essence
    )
    try:
        good = read(credential.document or {}) == shown
    except (KeyError, IndexError, TypeError):
        good = False
    return Step(What.CONTENT, Outcome.GOOD if good else Outcome.BAD)


def _evidence(credential: IssuedCredential) -> Iterable[Step]:
    """Hold the evidence on file against the digest in the document; courses have none."""
    named = [
        one.get("id")
        for one in (credential.document or {}).get("evidence", ())
        if isinstance(one, dict)
    ]
    if not named and credential.evidence is None:
        return
    on_file = evidences.address(evidences.digest(credential.evidence or {}))
    good = credential.evidence is not None and named == [on_file]
    yield Step(
        What.EVIDENCE, Outcome.GOOD if good else Outcome.BAD, {"digest": named[0] if named else ""}
    )


def published(credentials: Sequence[Checked]) -> list[IssuedCredential]:
    """List those whose files their owner lets anybody fetch."""
    return [one.credential for one in credentials if one.credential.published_at is not None]


def keys_here(credentials: Sequence[Checked]) -> bool:
    """Say whether an issuer of theirs publishes its keys at our address, not at one of its own."""
    return any(step.facts.get("here") for one in credentials for step in one.steps)
