"""Which rows are about a person: one table of parts, from which the export is written.

A part names the columns by which its rows are somebody's, or says by a condition of its own whose they are.
Every column of a part is given unless it is withheld for a stated reason; whoever else a row names becomes
“somebody else”. A table that names people or works and is no part stands in `NOT_EXPORTED` with its
reason; `tests/office/test_exporting.py` walks the metadata so that none is forgotten.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from grading.models import (
    Absence,
    Alarm,
    Allocation,
    AnchorMarking,
    AnchorPaper,
    Appeal,
    Approval,
    Base,
    CalibrationAttempt,
    Completion,
    ConflictOfInterest,
    CredentialRecord,
    Disclosure,
    Discrepancy,
    Entitlement,
    ErasureRequest,
    Evidence,
    Explanation,
    Exposure,
    Extension,
    Grade,
    GradeSeen,
    IdentityCheck,
    ImportBatch,
    IssuedCredential,
    KeptTranscript,
    MemberPoints,
    Membership,
    MisconductCase,
    Objection,
    PartnerConsent,
    PartnerSending,
    Passkey,
    PasswordReset,
    Person,
    PersonalExport,
    Quarantine,
    QueuePause,
    Rating,
    RecordEntry,
    Review,
    Score,
    ShareLink,
    SignIn,
    SignInLink,
    SignOff,
    SponsorMember,
    Standing,
    StruckReading,
    Submission,
    SubmissionFile,
    SubmissionMember,
    SubmittedCopy,
)
from grading.workflow.allocation import AllocationState
from grading.workflow.group import MemberState
from grading.workflow.misconduct import MisconductState

SOMEBODY_ELSE = "somebody else"
ROWS = 200
# Whose the content is; one who left a group has no part in what was handed in.
HAVE_PART = (MemberState.JOINED, MemberState.WITHDRAWN, MemberState.AUTHOR)

Row = dict[str, Any]

_READER = "It would tell who read, or let two readers be matched."
_READ = "It would tell whose work was read."
_CHECKS = "It would tell which items are check items while these are in use."
_OTHERS_WORDS = "These are the words of the other person."


def works_of(person_id: str) -> Select[str]:
    """Select the ids of the works a person has a part in."""
    return select(SubmissionMember.submission_id).where(
        SubmissionMember.person_id == person_id, SubmissionMember.state.in_(HAVE_PART)
    )


def released_to(person_id: str) -> Select[str]:
    """Select the ids of the works whose result a person has; before that nothing of it is theirs to see."""
    return select(Grade.submission_id).where(Grade.person_id == person_id)


def _sheets_on(person_id: str) -> Select[str]:
    return select(Allocation.id).where(
        Allocation.submission_id.in_(released_to(person_id)),
        Allocation.state == AllocationState.SEALED,
    )


def _sheets_by(person_id: str) -> Select[str]:
    return select(Allocation.id).where(Allocation.rater_id == person_id)


def _records_of(person_id: str) -> Select[str]:
    return select(CredentialRecord.id).where(CredentialRecord.person_id == person_id)


def heard_cases(person_id: str) -> Select[str]:
    """Select the suspicions about a person's works that were put to them."""
    return select(MisconductCase.id).where(
        MisconductCase.submission_id.in_(works_of(person_id)),
        MisconductCase.allegation.is_not(None),
    )


def _undecided(row: Row) -> Row:
    """Leave out what a first of two deciders proposed."""
    if row["state"] in (MisconductState.UPHELD, MisconductState.DISMISSED):
        return row
    hidden: Row = {"outcome": None, "reason": None}
    if row["state"] == MisconductState.PROPOSED:
        hidden["state"] = str(MisconductState.HEARD)
    return row | hidden


@dataclass(frozen=True)
class Part:
    """One kind of rows about a person.

    Attributes
    ----------
    name : str
        What it is called in the export.
    by : tuple of str
        Columns that name the person.
    where : callable, optional
        ``person_id -> condition``, in place of or beside ``by``.
    withheld : Mapping
        Column to the reason why it is not given.
    row : callable, optional
        Changes a row before it is given.
    kept_by_law : bool
        Whether it is still given when the person was erased.
    """

    name: str
    model: type[Base]
    by: tuple[str, ...] = ()
    where: Callable[[str], ColumnElement[bool]] | None = None
    withheld: Mapping[str, str] = field(default_factory=dict)
    row: Callable[[Row], Row] | None = None
    kept_by_law: bool = False

    def whose(self, person_id: str) -> ColumnElement[bool]:
        """Give the condition of the person's rows."""
        named = [getattr(self.model, column) == person_id for column in self.by]
        if self.where is None:
            return or_(*named)
        own = self.where(person_id)
        return and_(or_(*named), own) if named else own


def _in(column: InstrumentedAttribute[Any], chosen: Callable[[str], Select[Any]]) -> Any:
    return lambda person_id: column.in_(chosen(person_id))


_ON_MY_WORK = {
    "blind_code": _READER,
    "hold_until": _READER,
    "held_since": _READER,
    "covers_until": _READER,
    "replaced": _READER,
}

PARTS: tuple[Part, ...] = (
    Part(
        "account",
        Person,
        ("id",),
        withheld={"password_hash": "A secret, and of no use to anybody but us."},
    ),
    Part("sign_ins", SignIn, ("person_id",), withheld={"token_hash": "A secret."}),
    Part("password_resets", PasswordReset, ("person_id",), withheld={"token_hash": "A secret."}),
    Part("sign_in_links", SignInLink, ("person_id",)),
    Part(
        "passkeys",
        Passkey,
        ("person_id",),
        withheld=dict.fromkeys(
            ("credential", "public_key"), "A key of one device, of no use elsewhere."
        ),
    ),
    Part(
        "passkeys_removed_for_others",
        Passkey,
        ("removed_by",),
        withheld=dict.fromkeys(("name", "credential", "public_key"), "The other person's key."),
    ),
    Part("roles", Membership, ("person_id",)),
    Part("program_offices", SponsorMember, ("person_id",)),
    Part(
        "conflicts_of_interest",
        ConflictOfInterest,
        ("rater_id", "learner_id"),
        withheld={"reason": "It is about the other person as well."},
    ),
    Part("completions", Completion, ("person_id",)),
    Part("entitlements", Entitlement, ("person_id",)),
    Part("extensions", Extension, ("person_id",)),
    Part("extensions_granted", Extension, ("granted_by_id",), withheld={"reason": _OTHERS_WORDS}),
    Part("absences", Absence, ("person_id",)),
    Part("absences_covered", Absence, ("cover_id",)),
    Part("identity_checks", IdentityCheck, ("person_id",)),
    Part(
        "identity_checks_made",
        IdentityCheck,
        ("by_id",),
        withheld={"name": "The name of the other person.", "submission_id": _READ},
    ),
    Part(
        "submissions",
        Submission,
        where=_in(Submission.id, works_of),
        withheld={"join_code": "Whoever has it can join the group."},
    ),
    Part("submission_files", SubmissionFile, where=_in(SubmissionFile.submission_id, works_of)),
    Part("submitted_copies", SubmittedCopy, where=_in(SubmittedCopy.submission_id, works_of)),
    Part("parts_in_works", SubmissionMember, ("person_id",)),
    Part("objections", Objection, ("person_id",)),
    Part(
        "objections_decided",
        Objection,
        ("decided_by_id",),
        withheld={"reason": _OTHERS_WORDS, "submission_id": _READ},
    ),
    Part("member_points", MemberPoints, ("person_id",)),
    Part("member_points_given", MemberPoints, ("by_id",), withheld={"submission_id": _READ}),
    Part(
        "examples_of_my_work",
        AnchorPaper,
        where=_in(AnchorPaper.source_id, works_of),
        withheld={
            "levels": "Graders are still trained by them.",
            "reasons": "Graders are still trained by them.",
            "submission_id": _CHECKS,
            "use": _CHECKS,
            "set_number": _CHECKS,
        },
    ),
    Part(
        "examples_proposed",
        AnchorPaper,
        ("proposed_by_id", "agreed_by_id"),
        withheld={"source_id": _READ, "submission_id": _READ},
    ),
    Part("examples_marked", AnchorMarking, ("person_id",)),
    Part("grades", Grade, ("person_id",)),
    Part(
        "grades_seen",
        GradeSeen,
        where=lambda person_id: GradeSeen.grade_id.in_(
            select(Grade.id).where(Grade.person_id == person_id)
        ),
    ),
    Part(
        "scores",
        Score,
        where=_in(Score.submission_id, released_to),
        withheld={"adjustment": "It says how strict each reader is."},
    ),
    Part("third_readings", Discrepancy, where=_in(Discrepancy.submission_id, released_to)),
    Part(
        "sheets_on_my_work",
        Allocation,
        where=_in(Allocation.id, _sheets_on),
        withheld={**_ON_MY_WORK, "decline_note": _OTHERS_WORDS},
    ),
    Part("comments_on_my_work", Review, where=_in(Review.allocation_id, _sheets_on)),
    Part("levels_on_my_work", Rating, where=_in(Rating.allocation_id, _sheets_on)),
    Part(
        "my_sheets",
        Allocation,
        ("rater_id",),
        withheld={"submission_id": _READ, "purpose": _CHECKS},
    ),
    Part(
        "my_comments",
        Review,
        where=_in(Review.allocation_id, _sheets_by),
        withheld={"digest": _READ},
    ),
    Part(
        "my_levels",
        Rating,
        where=_in(Rating.allocation_id, _sheets_by),
        withheld={"submission_id": _READ},
    ),
    Part("scores_looked_at", Exposure, ("person_id",), withheld={"submission_id": _READ}),
    Part("appeals", Appeal, ("learner_id",)),
    Part(
        "appeals_decided",
        Appeal,
        ("decided_by_id",),
        withheld={"reason": _OTHERS_WORDS, "submission_id": _READ, "grade_id": _READ},
    ),
    Part("explanations", Explanation, ("learner_id",)),
    Part(
        "explanations_answered",
        Explanation,
        ("owner_id", "answered_by_id"),
        withheld={"question": _OTHERS_WORDS, "submission_id": _READ, "grade_id": _READ},
    ),
    Part("misconduct", MisconductCase, where=_in(MisconductCase.id, heard_cases), row=_undecided),
    Part("misconduct_evidence", Evidence, where=_in(Evidence.case_id, heard_cases)),
    Part(
        "misconduct_dealt_with",
        MisconductCase,
        ("opened_by_id", "proposed_by_id", "decided_by_id"),
        withheld={"submission_id": _READ, "answer": _OTHERS_WORDS, "allegation": _OTHERS_WORDS},
    ),
    Part("misconduct_reported", Evidence, ("by_id",), withheld={"digest": _READ}),
    Part("readings_struck", StruckReading, ("by_id",)),
    Part("sign_offs", SignOff, ("person_id",)),
    Part("approvals", Approval, ("person_id",), withheld={"records": "Results of other people."}),
    Part("imports", ImportBatch, ("by_id",), withheld={"made": "Rows about other people."}),
    Part("calibration_attempts", CalibrationAttempt, ("person_id",)),
    Part("standings", Standing, ("person_id",)),
    Part("standings_given_by_me", Standing, ("cleared_by_id",)),
    Part(
        "alarms",
        Alarm,
        ("person_id",),
        withheld={"allocation_id": _CHECKS, "since_id": _CHECKS, "detail": _CHECKS},
    ),
    Part("alarms_answered", Alarm, ("answered_by_id",), withheld={"detail": _READER}),
    Part("queue_pauses", QueuePause, ("person_id",)),
    Part("queue_pauses_made", QueuePause, ("by_id", "ended_by_id")),
    Part("readings_set_aside", Quarantine, ("person_id",)),
    Part("readings_set_aside_by_me", Quarantine, ("by_id", "lifted_by_id")),
    Part("records", CredentialRecord, ("person_id",)),
    Part("record_entries", RecordEntry, where=_in(RecordEntry.record_id, _records_of)),
    Part("share_links", ShareLink, where=_in(ShareLink.record_id, _records_of)),
    Part("credentials", IssuedCredential, ("person_id",)),
    Part("partner_consents", PartnerConsent, ("person_id",)),
    Part(
        "partner_sendings",
        PartnerSending,
        where=lambda person_id: PartnerSending.consent_id.in_(
            select(PartnerConsent.id).where(PartnerConsent.person_id == person_id)
        ),
    ),
    Part("disclosures", Disclosure, ("person_id",), kept_by_law=True),
    Part("disclosures_made", Disclosure, ("by_id",), withheld={"note": _OTHERS_WORDS}),
    Part("exports", PersonalExport, ("person_id",), withheld={"key": "Where we keep the file."}),
    Part(
        "exports_of_others", PersonalExport, ("asked_by_id",), withheld={"key": "Where it is kept."}
    ),
    Part("erasure_requests", ErasureRequest, ("person_id",), kept_by_law=True),
    Part(
        "erasures_dealt_with",
        ErasureRequest,
        ("asked_by_id", "prepared_by_id", "ended_by_id"),
        withheld={"answer": _OTHERS_WORDS},
    ),
    Part("kept_transcript", KeptTranscript, ("person_id",), kept_by_law=True),
)

# What somebody did by their office for or about others: such rows are theirs to see, not to take away.
OF_OFFICE = frozenset(
    {
        "absences_covered",
        "approvals",
        "alarms_answered",
        "appeals_decided",
        "disclosures_made",
        "erasures_dealt_with",
        "examples_marked",
        "examples_proposed",
        "explanations_answered",
        "exports_of_others",
        "extensions_granted",
        "identity_checks_made",
        "imports",
        "member_points_given",
        "misconduct_dealt_with",
        "misconduct_reported",
        "objections_decided",
        "passkeys_removed_for_others",
        "queue_pauses_made",
        "standings_given_by_me",
        "readings_set_aside_by_me",
        "readings_struck",
        "sign_offs",
    }
)

# Tables that name people or works, and why no row of theirs is given.
NOT_EXPORTED: Mapping[str, str] = {
    "release_item": "A line of a release; the grade that came of it is given.",
    "anchor_reading": _CHECKS,
    "challenge": "It lives for minutes; what came of it is given as an approval.",
}
# Columns that name a person of whom the row is not.
NOT_ABOUT: Mapping[str, str] = {
    "challenge.person_id": "As its table.",
    "submission.learner_id": "Whose a work is stands in its members.",
    "submission_member.invited_by_id": "The row is about who was invited.",
}
