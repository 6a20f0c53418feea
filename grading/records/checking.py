"""Checking a signed document: key, proof, token, content, status, dates and evidence, one step each.

Nothing is fetched and nothing is kept. Whoever could write in the database but has no key changes a
document, a state or a list, and one of the steps here fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from grading.credential import document as documents
from grading.credential import evidence as evidences
from grading.credential import issuer, status
from grading.errors import PermanentFailure
from grading.models import IssuedCredential, SigningKey, Sponsor, StatusList
from grading.ports import Notary
from grading.records import issuers
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


class CheckOutcome(StrEnum):
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True)
class CheckStep:
    """One step and how it ended; ``facts`` are what a reader can compare elsewhere."""

    what: What
    outcome: CheckOutcome
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """One credential with its steps.

    ``title`` and ``issuer`` are read from the signed document, not from our tables; empty where a step is
    bad.
    """

    credential: IssuedCredential
    title: str
    issuer: str
    steps: tuple[CheckStep, ...]

    @property
    def outcome(self) -> CheckOutcome:
        """Bad if any step is; open if any is and none is bad."""
        found = {step.outcome for step in self.steps}
        return next(
            (one for one in (CheckOutcome.BAD, CheckOutcome.OPEN) if one in found),
            CheckOutcome.GOOD,
        )


class Checker:
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
        self._lists: dict[str, tuple[CheckOutcome, str]] = {}

    def steps(self, credential: IssuedCredential, *, shown: bool | None = None) -> Checked:
        """Check one credential.

        ``shown`` is whether a page says what the document says; None where it shows the document itself.
        """
        document = credential.document
        if document is None:
            return Checked(credential, "", "", (CheckStep(What.PROOF, CheckOutcome.OPEN),))
        key = self._key(document)
        steps = [self._key_step(key, document)]
        if self._whole:
            steps.append(self._proof(document, key))
        steps.append(self._token(credential))
        if shown is not None:
            steps.append(CheckStep(What.CONTENT, CheckOutcome.GOOD if shown else CheckOutcome.BAD))
        steps += [self._status(credential), self._dates(document), *_evidence(credential)]
        checked = Checked(credential, "", "", tuple(steps))
        if checked.outcome == CheckOutcome.BAD:
            # What may be forged is not even named.
            return checked
        signed_by = document.get("issuer", {})
        name = str(signed_by.get("name", "")) if isinstance(signed_by, dict) else ""
        return replace(checked, title=str(document.get("name", "")), issuer=name)

    def _key(self, document: Mapping[str, Any]) -> SigningKey | None:
        found = self._keys.get(str(_proof_of(document).get("verificationMethod", "")))
        return found if found is not None and found.kind == KeyKind.PROOF else None

    def _key_step(self, key: SigningKey | None, document: Mapping[str, Any]) -> CheckStep:
        issued_as = document.get("issuer")
        did = str(issued_as.get("id", "")) if isinstance(issued_as, dict) else str(issued_as)
        facts = {
            "method": str(_proof_of(document).get("verificationMethod", "")),
            "published": issuer.document_url(did) if did.startswith("did:web:") else "",
            "here": did == issuers.own_did(self._base, self._sponsor),
            "retired": key is not None and key.state == KeyState.RETIRED,
        }
        if key is None or key.did != did:
            # What a forged document names is no place to send a reader to.
            return CheckStep(What.KEY, CheckOutcome.BAD)
        return CheckStep(What.KEY, CheckOutcome.GOOD, facts)

    def _proof(self, document: Mapping[str, Any], key: SigningKey | None) -> CheckStep:
        good = key is not None and self._notary.verifies(document, key.public)
        facts = {"made": str(_proof_of(document).get("created", ""))}
        return CheckStep(What.PROOF, CheckOutcome.GOOD if good else CheckOutcome.BAD, facts)

    def _token(self, credential: IssuedCredential) -> CheckStep:
        try:
            claims = self._notary.read_token(credential.token or "", self._jwks)
            good = claims == documents.claims(credential.document or {})
        except (PermanentFailure, KeyError, TypeError, ValueError):
            good = False
        return CheckStep(What.TOKEN, CheckOutcome.GOOD if good else CheckOutcome.BAD)

    def _status(self, credential: IssuedCredential) -> CheckStep:
        entry = (credential.document or {}).get("credentialStatus", {})
        facts = {"list": credential.status_list.url, "bit": credential.status_index}
        outcome, encoded = self._list(credential.status_list)
        named = entry == status.entry(credential.status_list.url, credential.status_index)
        ended = outcome == CheckOutcome.GOOD and status.is_set(encoded, credential.status_index)
        if ended or not named:
            outcome = CheckOutcome.BAD
        return CheckStep(What.STATUS, outcome, facts)

    def _list(self, status_list: StatusList) -> tuple[CheckOutcome, str]:
        """Check a list once; open while it has never been signed."""
        if status_list.id not in self._lists:
            self._lists[status_list.id] = self._read_list(status_list)
        return self._lists[status_list.id]

    def _read_list(self, status_list: StatusList) -> tuple[CheckOutcome, str]:
        document = status_list.document
        if document is None:
            return CheckOutcome.OPEN, ""
        key = self._key(document)
        if (
            key is None
            or document.get("id") != status_list.url
            or document.get("issuer") != key.did
            or not self._notary.verifies(document, key.public)
        ):
            return CheckOutcome.BAD, ""
        return CheckOutcome.GOOD, str(document["credentialSubject"]["encodedList"])

    def _dates(self, document: Mapping[str, Any]) -> CheckStep:
        begins, ends = _instant(document.get("validFrom")), _instant(document.get("validUntil"))
        if begins is None or ("validUntil" in document and ends is None):
            return CheckStep(What.DATES, CheckOutcome.BAD)
        facts = {"from": begins, "until": ends, "ended": ends is not None and ends < self._now}
        # One that replaces another of the same second holds from the next.
        return CheckStep(
            What.DATES, CheckOutcome.GOOD if begins <= self._now else CheckOutcome.OPEN, facts
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


def _evidence(credential: IssuedCredential) -> Iterable[CheckStep]:
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
    yield CheckStep(
        What.EVIDENCE,
        CheckOutcome.GOOD if good else CheckOutcome.BAD,
        {"digest": named[0]} if good else {},
    )


def published(credentials: Sequence[Checked]) -> list[Checked]:
    """List those whose files their owner lets anybody fetch."""
    return [one for one in credentials if one.credential.published_at is not None]


def keys_here(credentials: Sequence[Checked]) -> bool:
    """Say whether an issuer of theirs publishes its keys at our address, not at one of its own."""
    return any(step.facts.get("here") for one in credentials for step in one.steps)
