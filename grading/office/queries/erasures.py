"""What an erasure takes and what it leaves: one table, with the reason beside what stays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import aliased

from grading.models import (
    Allocation,
    Appeal,
    Base,
    ConflictOfInterest,
    CredentialRecord,
    Disclosure,
    Entitlement,
    Evidence,
    Explanation,
    Extension,
    IdentityCheck,
    IssuedCredential,
    MemberPoints,
    MisconductCase,
    Objection,
    Person,
    PersonalExport,
    Quarantine,
    QueuePause,
    Rating,
    Review,
    ShareLink,
    Standing,
    Submission,
    SubmissionFile,
    SubmissionMember,
    SubmittedCopy,
)
from grading.office.queries import personal_data
from grading.office.queries.personal_data import HAVE_PART
from grading.workflow.allocation import Pool
from grading.workflow.misconduct import MisconductState

# A file's key when there is no file any more.
NO_FILE = "erased"
# What is written where there must be a text: nothing, and only where there was one.
EMPTIED = object()


def alone(person_id: str) -> Select[str]:
    """Select the works in which nobody but the person, or others who are erased, has a part."""
    other = aliased(SubmissionMember)
    return personal_data.works_of(person_id).where(
        ~exists(
            select(other.id)
            .join(Person, Person.id == other.person_id)
            .where(
                other.submission_id == SubmissionMember.submission_id,
                other.person_id != person_id,
                other.state.in_(HAVE_PART),
                Person.erased_at.is_(None),
            )
        )
    )


def _sheets_as_peer(person_id: str) -> Select[str]:
    return select(Allocation.id).where(
        Allocation.rater_id == person_id, Allocation.pool == Pool.PEER
    )


def records_of(person_id: str) -> Select[str]:
    return select(CredentialRecord.id).where(CredentialRecord.person_id == person_id)


@dataclass(frozen=True)
class Gone:
    """Columns that lose what they hold.

    Attributes
    ----------
    kind : str
        What it is called in the preview.
    whose : callable
        ``person_id -> condition``.
    values : Mapping
        Column to what stands there afterwards.
    """

    kind: str
    model: type[Base]
    whose: Callable[[str], ColumnElement[bool]]
    values: Mapping[str, Any]


def _by(column: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda person_id: column == person_id


def _of(column: Any, chosen: Callable[[str], Select[str]]) -> Callable[[str], ColumnElement[bool]]:
    return lambda person_id: column.in_(chosen(person_id))


GONE: tuple[Gone, ...] = (
    Gone(
        "works",
        Submission,
        _of(Submission.id, alone),
        {"title": "", "text": "", "links": [], "group_name": "", "join_code": None},
    ),
    Gone(
        "works",
        SubmittedCopy,
        _of(SubmittedCopy.submission_id, alone),
        {"title": "", "text": "", "links": []},
    ),
    Gone(
        "files",
        SubmissionFile,
        _of(SubmissionFile.submission_id, alone),
        {"name": NO_FILE, "key": NO_FILE},
    ),
    Gone(
        "peer_words",
        Review,
        _of(Review.allocation_id, _sheets_as_peer),
        {"comments": {}, "comment": ""},
    ),
    Gone("peer_words", Rating, _of(Rating.allocation_id, _sheets_as_peer), {"comment": ""}),
    Gone("own_words", Allocation, _by(Allocation.rater_id), {"decline_note": None}),
    Gone("own_words", Appeal, _by(Appeal.learner_id), {"reason": "", "answer": EMPTIED}),
    Gone(
        "own_words", Explanation, _by(Explanation.learner_id), {"question": "", "answer": EMPTIED}
    ),
    Gone("own_words", Objection, _by(Objection.person_id), {"reason": "", "answer": EMPTIED}),
    Gone(
        "misconduct", MisconductCase, _of(MisconductCase.submission_id, alone), {"answer": EMPTIED}
    ),
    Gone(
        "misconduct",
        MisconductCase,
        lambda person_id: and_(
            MisconductCase.submission_id.in_(alone(person_id)),
            MisconductCase.state == MisconductState.DISMISSED,
        ),
        {"allegation": EMPTIED, "reason": EMPTIED},
    ),
    Gone(
        "misconduct",
        Evidence,
        lambda person_id: Evidence.case_id.in_(
            select(MisconductCase.id).where(
                MisconductCase.submission_id.in_(alone(person_id)),
                MisconductCase.state == MisconductState.DISMISSED,
            )
        ),
        {"text": "", "source": ""},
    ),
    Gone("words_about", MemberPoints, _by(MemberPoints.person_id), {"reason": ""}),
    Gone("words_about", Extension, _by(Extension.person_id), {"reason": ""}),
    Gone(
        "words_about",
        ConflictOfInterest,
        lambda person_id: or_(
            ConflictOfInterest.rater_id == person_id, ConflictOfInterest.learner_id == person_id
        ),
        {"reason": ""},
    ),
    Gone("words_about", Entitlement, _by(Entitlement.person_id), {"note": ""}),
    Gone("words_about", Standing, _by(Standing.person_id), {"reason": EMPTIED}),
    Gone("words_about", QueuePause, _by(QueuePause.person_id), {"reason": "", "answer": EMPTIED}),
    Gone("words_about", Quarantine, _by(Quarantine.person_id), {"reason": ""}),
    Gone("identity", IdentityCheck, _by(IdentityCheck.person_id), {"name": "", "document": None}),
    Gone("sharing", ShareLink, _of(ShareLink.record_id, records_of), {"label": ""}),
    Gone(
        "credentials",
        IssuedCredential,
        _by(IssuedCredential.person_id),
        {"document": None, "token": None, "salt": None, "evidence": None, "published_at": None},
    ),
    Gone("exports", PersonalExport, _by(PersonalExport.person_id), {"ground": ""}),
    Gone("sharing", Disclosure, _by(Disclosure.person_id), {"note": ""}),
)

# Texts that stay, and why: the rest of what people write about each other here.
_OFFICE = "Said by office, and part of the grounds of a decision about somebody else."
_NOT_PERSONAL = "Says nothing of a person."
KEPT_WORDS: Mapping[str, str] = {
    "submission.group_name": "Goes with the last member of the group.",
    "misconduct_case.allegation": "Of an upheld case: the grounds on which a credential was refused.",
    "misconduct_case.reason": "Of an upheld case: the grounds on which a credential was refused.",
    "evidence.text": "Of an upheld case, or about somebody else.",
    "struck_reading.fault": _OFFICE,
    "struck_reading.criteria": _NOT_PERSONAL,
    "anchor_paper.levels": _NOT_PERSONAL,
    "anchor_paper.reasons": "Written by leads about a work whose text is gone.",
    "anchor_marking.levels": _NOT_PERSONAL,
    "anchor_marking.reasons": _OFFICE,
    "review.levels": "The levels are what others' results rest on.",
    "score.criteria": _NOT_PERSONAL,
    "score.rating_ids": _NOT_PERSONAL,
    "score.adjustment": _NOT_PERSONAL,
    "submitted_copy.files": _NOT_PERSONAL,
    "discrepancy.findings": _NOT_PERSONAL,
    "alarm.detail": _NOT_PERSONAL,
    "calibration_attempt.outcome": _NOT_PERSONAL,
    "appeal.criteria": _NOT_PERSONAL,
    "explanation.criteria": _NOT_PERSONAL,
    "import_batch.made": _NOT_PERSONAL,
    "grade.detail": "Numbers, and the rubric's words; the reason of own points goes.",
    "record_entry.detail": "Numbers, and the rubric's words; the reason of own points goes.",
    "partner_consent.credential_ids": _NOT_PERSONAL,
    "credential_record.shows": _NOT_PERSONAL,
    "share_link.shows": _NOT_PERSONAL,
    "partner_sending.error": _NOT_PERSONAL,
    "erasure_request.answer": "Why an erasure was refused must be shown to whoever asks.",
    "kept_transcript.content": "What the law keeps; it goes when its period is over.",
    "person.password_hash": "Goes with the account.",
    "approval.records": _NOT_PERSONAL,
    "approval.note": _OFFICE,
    **dict.fromkeys(
        (
            "approval.origin",
            "approval.authenticator_data",
            "approval.client_data",
            "approval.signature",
            "passkey.credential",
            "passkey.public_key",
        ),
        "Whoever doubts a release checks with it who signed.",
    ),
}
