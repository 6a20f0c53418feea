"""A grade built again from its ratings, and held against everything that was kept about it.

Nothing is changed. Whoever doubts a grade, or the house that gave it, runs this.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from grading.credential import evidence as evidences
from grading.ledger import audit
from grading.measurement.scoring.resolution import Resolved, resolve
from grading.models import (
    Appeal,
    Approval,
    Grade,
    IssuedCredential,
    MemberPoints,
    SigningKey,
    SignOff,
    Submission,
)
from grading.people import approvals
from grading.ports import Notary
from grading.readings.queries import ratings
from grading.readings.queries.ratings import scales
from grading.records.queries import evidence
from grading.releases import resting, results
from grading.scores import adjusting, settling
from grading.workflow.approval import StepUp
from grading.workflow.release import Amended

# Far below what any page or document shows, far above how machines differ.
CLOSE = 1e-9


@dataclass(frozen=True)
class Check:
    """One thing that was kept, and what it comes to now."""

    what: str
    kept: Any
    found: Any

    @property
    def agrees(self) -> bool:
        if isinstance(self.kept, float) and isinstance(self.found, float):
            return math.isclose(self.kept, self.found, rel_tol=CLOSE, abs_tol=CLOSE)
        return bool(self.kept == self.found)


def recompute(session: Session, grade: Grade, *, notary: Notary) -> Sequence[Check]:
    """Rebuild a grade, digit by digit and digest by digest, and check what was signed of it.

    Numbers must agree but for the last digits in which the linear algebra of two machines may differ.
    """
    credentials = session.scalars(
        select(IssuedCredential)
        .where(IssuedCredential.grade_id == grade.id)
        .order_by(IssuedCredential.issued_at, IssuedCredential.id)
    )
    signed = [
        check
        for credential in credentials
        for check in _readable(
            f"credential {credential.id}",
            partial(_credential, session, grade, credential, notary),
        )
    ]
    return [*checks_of(session, grade), *signed]


def checks_of(session: Session, grade: Grade) -> Sequence[Check]:
    """Rebuild a grade from its ratings, and hold it against the audit chain and its approvals."""
    parts: dict[str, Callable[[], list[Check]]] = {
        "numbers": lambda: _numbers(session, grade),
        "digests": lambda: _digests(grade),
        "audit entries": lambda: _trail(session, grade),
        "approvals": lambda: _approved(session, grade),
        "rows": lambda: _rows(session, grade),
    }
    return [check for what, part in parts.items() for check in _readable(what, part)]


def _readable(what: str, part: Callable[[], list[Check]]) -> list[Check]:
    """Give the checks of a part, or the one that fails where what is kept has not even its form any more."""
    try:
        return part()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return [Check(f"{what} can be read", "yes", f"{type(error).__name__}: {error}")]


def _rows(session: Session, grade: Grade) -> list[Check]:
    """Hold what the grade rests on against what the audit chain sealed of it."""
    return [
        Check("rows that are not as they were sealed", [], list(resting.faults(session, grade)))
    ]


def _numbers(session: Session, grade: Grade) -> list[Check]:
    score, cohort = grade.score, grade.submission.cohort
    sealed = ratings.readings_resting_on(session, grade.submission_id, score.rating_ids)
    used = [rating for reading in sealed for rating in reading.rating_ids.values()]
    checks = [Check("ratings on file and sealed", sorted(score.rating_ids), sorted(used))]
    # Whether the readings were near enough, and enough, was asked when the score was made; what they
    # amount to is asked here.
    rule = replace(
        settling.rule(cohort.plan, 0),
        readings_near_cut=0,
        readings_before_not_passed=0,
        peers_needed=0,
    )
    try:
        verdict = resolve(
            [settling.as_reading(reading, third=reading.professional) for reading in sealed],
            scales(cohort.rubric_version.rubric),
            rule,
        )
    except ValueError as error:
        return [*checks, Check("readings that can be computed", "complete", str(error))]
    if not isinstance(verdict, Resolved):
        return [*checks, Check("readings that can be computed", "complete", "too few")]
    composite = verdict.composite
    checks.append(Check("professional readings", score.professionals, verdict.n_professional))
    if score.adjustment is None:
        deviation = None if math.isnan(verdict.standard_error) else verdict.standard_error
        checks += [
            Check("method", score.method, verdict.method),
            Check("composite", score.composite, composite),
            Check("standard error", score.standard_error, deviation),
            Check("peer readings", score.peers, verdict.n_peer),
        ]
    else:
        corrected = adjusting.recomputed(session, score)
        checks += [
            Check("composite before the adjustment", score.adjustment["raw"], composite),
            Check("what severity adds", score.adjustment["shift"], corrected.shift),
            Check("composite", score.composite, corrected.composite),
        ]
        composite = corrected.composite
    for code, kept in sorted(score.criteria.items()):
        checks += [
            Check(f"{code}: level", kept["level"], verdict.levels.get(code)),
            Check(f"{code}: points", kept["points"], verdict.points.get(code)),
        ]
    lost = grade.detail.get("late", {}).get("points", 0.0)
    own = grade.detail.get("own_points", {}).get("points", 0.0)
    value, band = results.on_bands(cohort.plan.bands, composite, late_points=lost, own_points=own)
    return [
        *checks,
        Check(
            "points lost for lateness",
            lost,
            results.points_lost(session, grade.submission, known_at=grade.released_at).points,
        ),
        Check("points of the learner's own", own, _own_points(session, grade)),
        Check("value", grade.value, str(value)),
        Check("band", grade.band, band or results.NOT_PASSED),
        Check("passed", grade.passed, band is not None),
    ]


def _digests(grade: Grade) -> list[Check]:
    cohort, detail = grade.submission.cohort, grade.detail
    rubric, plan = cohort.rubric_version, cohort.plan_version
    return [
        Check("rubric digest", rubric.digest, rubric.rubric.digest),
        Check("rubric digest of the grade", detail["rubric"]["digest"], rubric.rubric.digest),
        Check("plan digest", plan.digest, plan.plan.digest),
        Check("plan digest of the score", grade.score.plan_digest, plan.plan.digest),
        Check("plan digest of the grade", detail["plan"]["digest"], plan.plan.digest),
        Check("method of the grade", detail["method"], grade.score.method),
        Check("composite of the grade", detail["composite"], grade.score.composite),
        Check("standard error of the grade", detail["standard_error"], grade.score.standard_error),
    ]


def _own_points(session: Session, grade: Grade) -> float:
    """Find what a member of a group had more or fewer than the group when the grade was released."""
    points = session.scalar(
        select(MemberPoints.points)
        .where(
            MemberPoints.submission_id == grade.submission_id,
            MemberPoints.person_id == grade.person_id,
            MemberPoints.at <= grade.released_at,
        )
        .order_by(MemberPoints.number.desc())
        .limit(1)
    )
    return points or 0.0


def _trail(session: Session, grade: Grade) -> list[Check]:
    """Find what the audit chain says about the grade: when it was released, or amended."""
    entries = evidence.audit_entries(session, grade)
    changed = [entry.number for entry in entries if audit.hash_of(entry) != entry.hash]
    said = None
    for entry in entries:
        after = json.loads(entry.after) if entry.after else {}
        if not isinstance(after, dict) or "score" not in after:
            continue
        # A release tells of the grades of all members, a later change of one.
        if grade.id in after.get("grades", {}):
            said = {"score": after["score"], "value": after["grades"][grade.id]["value"]}
        elif after.get("grade") == grade.id:
            said = {"score": after["score"], "value": after["value"]}
    return [
        Check("audit entries that were changed", [], changed),
        Check("audit entry of the grade", said, {"score": grade.score_id, "value": grade.value}),
    ]


def _approved(session: Session, grade: Grade) -> list[Check]:
    """Check who signed the release: as many as the plan asks, each over this score and value."""
    plan = grade.submission.cohort.plan
    approvals_given = approvals.approvals_of(session, grade.release_id)
    if plan.step_up == StepUp.OFF and not approvals_given:
        return []
    checks = [
        Check(
            f"approval {approval.id} ({approval.proof})",
            [],
            list(approvals.faults_of(session, approval)),
        )
        for approval in approvals_given
    ]
    signers = sorted({approval.person_id for approval in approvals_given})
    signed_off = sorted(
        session.scalars(select(SignOff.person_id).where(SignOff.release_id == grade.release_id))
    )
    # What was signed with the release is the first of the grade's line.
    first = session.scalars(
        select(Grade).where(
            Grade.submission_id == grade.submission_id,
            Grade.person_id == grade.person_id,
            Grade.number == 1,
        )
    ).one()
    said = sorted(
        {
            (line["score"], line["value"], line["band"])
            for approval in approvals_given
            for line in approval.records
            if (line["submission"], line["person"]) == (first.submission_id, first.person_id)
        }
    )
    return [
        *checks,
        Check("people who signed the release", plan.sign_offs, len(signers)),
        Check("approvals and sign-offs are of the same people", signed_off, signers),
        Check("value that was signed", [(first.score_id, first.value, first.band)], said),
        *(_amendment_signed(session, grade) if grade.amended_for else []),
    ]


def _amendment_signed(session: Session, grade: Grade) -> list[Check]:
    """Check who signed the amendment that made the grade: an appeal's decision, points, another input."""
    if grade.amended_for == Amended.APPEAL:
        subjects = select(Appeal.id).where(Appeal.submission_id == grade.submission_id)
    elif grade.amended_for in (Amended.LATENESS, Amended.CONFLICT):
        subjects = select(Submission.cohort_id).where(Submission.id == grade.submission_id)
    else:
        subjects = select(MemberPoints.id).where(
            MemberPoints.submission_id == grade.submission_id,
            MemberPoints.person_id == grade.person_id,
        )
    approvals_given = list(
        session.scalars(
            select(Approval)
            .options(joinedload(Approval.passkey))
            .where(Approval.subject_id.in_(subjects), Approval.at == grade.released_at)
        )
    )
    said = [
        (line["score"], line["value"], line["band"])
        for approval in approvals_given
        for line in approval.records
        if (line["submission"], line["person"]) == (grade.submission_id, grade.person_id)
    ]
    return [
        *(
            Check(
                f"approval {approval.id} ({approval.proof})",
                [],
                list(approvals.faults_of(session, approval)),
            )
            for approval in approvals_given
        ),
        Check(
            "amendment that was signed",
            [(_score_signed(session, grade), grade.value, grade.band)],
            said,
        ),
    ]


def _score_signed(session: Session, grade: Grade) -> str | None:
    """Give the score that an amendment's signature names: where a reading was taken out, the one before."""
    if grade.amended_for != Amended.CONFLICT:
        return grade.score_id
    return session.scalar(
        select(Grade.score_id).where(
            Grade.submission_id == grade.submission_id,
            Grade.person_id == grade.person_id,
            Grade.number == grade.number - 1,
        )
    )


def _credential(
    session: Session, grade: Grade, credential: IssuedCredential, notary: Notary
) -> list[Check]:
    if credential.document is None or credential.evidence is None:
        return []
    name = f"credential {credential.id}"
    kept = credential.evidence
    entries = evidence.audit_entries(session, grade, through=kept["audit"]["through"])
    now = evidence.gather(session, grade, salt=kept["salt"], now=credential.issued_at).to_dict()
    # Audit entries that came later belong to other grades.
    now["audit"] = {
        "chain": grade.submission.cohort_id,
        "through": kept["audit"]["through"],
        "entries": len(entries),
        "digest": evidences.chain_digest(entry.hash for entry in entries),
    }
    key = session.get_one(SigningKey, credential.key_id)
    result = credential.document["credentialSubject"]["result"]
    return [
        *(Check(f"{name}: evidence, {what}", kept[what], now.get(what)) for what in sorted(kept)),
        Check(
            f"{name}: digest of the evidence",
            credential.document["evidence"][0]["id"],
            evidences.address(evidences.digest(now)),
        ),
        Check(f"{name}: value", result[1]["value"], grade.value),
        Check(f"{name}: signature", True, notary.verifies(credential.document, key.public)),
    ]
