"""Which credentials a learner's record calls for, and which there are."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from grading.credential import status
from grading.credential.issuer import canonical
from grading.models import (
    Cohort,
    CredentialRecord,
    Grade,
    IssuedCredential,
    RecordEntry,
    SigningKey,
    StatusList,
    Submission,
)
from grading.workflow.credential import RecordState
from grading.workflow.issued import CredentialKind, IssuedState, KeyState

CAPSTONE, PROGRAM = "capstone", "program"


@dataclass(frozen=True)
class Wanted:
    """A credential that a record calls for; ``facts`` is the digest of all that it would say."""

    about: str
    kind: CredentialKind
    entry: RecordEntry
    facts: str


def facts_digest(facts: Any) -> str:
    """Give the SHA-256 of what a credential says, in hexadecimal."""
    return hashlib.sha256(canonical(facts).encode()).hexdigest()


def members(record: CredentialRecord) -> list[Wanted]:
    """Say which credentials of courses and capstone a record calls for, courses first.

    One for each course, and one for the best passed result; what was not passed is the learner's own
    business. A record that no longer stands calls for none.
    """
    if record.state != RecordState.VALID:
        return []
    found = [
        _wanted(record, entry, entry.course_id, CredentialKind.COURSE)
        for entry in record.entries
        if entry.course_id
    ]
    passed = [entry for entry in record.entries if entry.grade_id and entry.detail.get("passed")]
    if passed:
        best = max(passed, key=lambda entry: Decimal(entry.detail["value"]))
        found.append(_wanted(record, best, CAPSTONE, CredentialKind.CAPSTONE))
    return found


def _wanted(
    record: CredentialRecord, entry: RecordEntry, about: str, kind: CredentialKind
) -> Wanted:
    said = {
        **_name(record),
        "course": entry.course_id,
        "grade": entry.grade_id,
        "title": entry.title,
        "on": entry.on.isoformat(),
        "detail": entry.detail,
    }
    return Wanted(about, kind, entry, facts_digest(said))


def _name(record: CredentialRecord) -> dict[str, str]:
    if record.name_how is None or record.name_checked_on is None:
        return {"name": record.name}
    checked_on = record.name_checked_on.isoformat()
    return {"name": record.name, "name_how": record.name_how, "name_checked_on": checked_on}


def program_facts(record: CredentialRecord, standing: Sequence[IssuedCredential]) -> str:
    """Give the digest of what the program's credential says: the name, the members, the end."""
    said: dict[str, Any] = {**_name(record), "members": sorted(one.id for one in standing)}
    if record.expires_on is not None:
        said["until"] = record.expires_on.isoformat()
    return facts_digest(said)


def issued(session: Session, program_id: str, person_id: str) -> Sequence[IssuedCredential]:
    """List every credential a learner was given for a program, the oldest first."""
    return session.scalars(
        select(IssuedCredential)
        .where(IssuedCredential.program_id == program_id, IssuedCredential.person_id == person_id)
        .order_by(IssuedCredential.issued_at, IssuedCredential.valid_from, IssuedCredential.id)
    ).all()


@dataclass
class Look:
    """One look at a record: what it calls for, and what there is."""

    record: CredentialRecord
    there: Sequence[IssuedCredential]
    withdrawn: set[str]
    wanted: list[Wanted]

    @property
    def valid(self) -> dict[str, IssuedCredential]:
        return {one.about: one for one in self.there if one.state == IssuedState.VALID}

    def standing(self, about: str, facts: str) -> IssuedCredential | None:
        """The valid credential that says what is wanted, with a key that is still good."""
        found = self.valid.get(about)
        if found is None or found.facts != facts:
            return None
        return None if {found.key_id, found.token_key_id} & self.withdrawn else found

    def refused(self, wanted: Wanted) -> bool:
        """Whether the very thing was revoked by a person: then it is not given again."""
        return any(
            one.state == IssuedState.REVOKED
            and (one.about, one.course_id, one.grade_id)
            == (wanted.about, wanted.entry.course_id, wanted.entry.grade_id)
            for one in self.there
        )

    @property
    def member_credentials(self) -> list[IssuedCredential] | None:
        """All members, courses first, or None while one of them is missing."""
        found = [self.standing(one.about, one.facts) for one in self.wanted]
        present = [one for one in found if one is not None]
        return present if len(present) == len(found) else None

    @property
    def program_facts(self) -> str | None:
        """What the program's credential would say; None where the program is not complete."""
        return None if self.program_refused else self._complete_facts

    @property
    def program_refused(self) -> bool:
        """Whether the program's credential was revoked by itself: then it is not given again."""
        facts = self._complete_facts
        return facts is not None and any(
            one.about == PROGRAM and one.state == IssuedState.REVOKED and one.facts == facts
            for one in self.there
        )

    @property
    def _complete_facts(self) -> str | None:
        members = self.member_credentials
        if self.record.completed_at is None or not members:
            return None
        if members[-1].kind != CredentialKind.CAPSTONE:
            return None
        return program_facts(self.record, members)


def look(session: Session, record: CredentialRecord) -> Look:
    """Look at a record's credentials."""
    return looks(session, [record])[record.id]


def looks(session: Session, records: Sequence[CredentialRecord]) -> dict[str, Look]:
    """Look at the credentials of several records at once, by the records' ids."""
    there: dict[tuple[str, str], list[IssuedCredential]] = {}
    for one in session.scalars(
        select(IssuedCredential)
        .options(joinedload(IssuedCredential.status_list))
        .where(IssuedCredential.person_id.in_({record.person_id for record in records}))
        .order_by(IssuedCredential.issued_at, IssuedCredential.valid_from, IssuedCredential.id)
    ):
        there.setdefault((one.program_id, one.person_id), []).append(one)
    withdrawn = set(
        session.scalars(
            select(SigningKey.id).where(
                SigningKey.sponsor_id.in_({record.program.sponsor_id for record in records}),
                SigningKey.state == KeyState.WITHDRAWN,
            )
        )
    )
    return {
        record.id: Look(
            record,
            there.get((record.program_id, record.person_id), []),
            withdrawn,
            members(record),
        )
        for record in records
    }


def graded(session: Session, records: Sequence[CredentialRecord]) -> Sequence[Grade]:
    """Load the grades of several records with what their credentials are built from."""
    ids = {entry.grade_id for record in records for entry in record.entries if entry.grade_id}
    return session.scalars(
        select(Grade)
        .options(
            joinedload(Grade.submission)
            .joinedload(Submission.cohort)
            .joinedload(Cohort.rubric_version)
        )
        .where(Grade.id.in_(ids))
    ).all()


def capstones_of_cohort(session: Session, cohort: Cohort) -> Sequence[IssuedCredential]:
    """List the capstone credentials that rest on a cohort's grades, in order of release, then of issue."""
    return session.scalars(
        select(IssuedCredential)
        .join(Grade, Grade.id == IssuedCredential.grade_id)
        .join(Submission, Submission.id == Grade.submission_id)
        .where(
            Submission.cohort_id == cohort.id,
            IssuedCredential.kind == CredentialKind.CAPSTONE,
        )
        .order_by(
            Grade.released_at,
            Submission.submitted_at,
            IssuedCredential.issued_at,
            IssuedCredential.id,
        )
    ).all()


def open_list(session: Session, sponsor_id: str) -> StatusList | None:
    """Find the sponsor's latest status list, unless it is full."""
    latest = session.scalar(
        select(StatusList)
        .where(StatusList.sponsor_id == sponsor_id)
        .order_by(StatusList.number.desc())
        .limit(1)
    )
    if latest is None:
        return None
    taken = session.scalar(
        select(func.count())
        .select_from(IssuedCredential)
        .where(IssuedCredential.status_list_id == latest.id)
    )
    return latest if (taken or 0) < status.FULL else None


def taken_indexes(session: Session, status_list: StatusList, of: set[int]) -> set[int]:
    """Say which of some indexes are given out already."""
    return set(
        session.scalars(
            select(IssuedCredential.status_index).where(
                IssuedCredential.status_list_id == status_list.id,
                IssuedCredential.status_index.in_(of),
            )
        )
    )
