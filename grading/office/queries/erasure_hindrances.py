"""What stands against forgetting a person now: whatever others still wait for."""

from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from grading.models import (
    Alarm,
    Allocation,
    Appeal,
    Base,
    Discrepancy,
    Explanation,
    MisconductCase,
    Objection,
    PartnerConsent,
    PartnerSending,
    Person,
    QueuePause,
    Release,
    ReleaseItem,
    Submission,
)
from grading.office.queries.personal_data import works_of
from grading.office.queries.personal_rows import counts
from grading.phrases import phrase
from grading.workflow.adjudication import DiscrepancyState
from grading.workflow.allocation import AllocationState
from grading.workflow.appeal import PENDING, ExplanationState
from grading.workflow.group import ObjectionState
from grading.workflow.misconduct import PENDING as CASE_PENDING
from grading.workflow.monitoring import AlarmState
from grading.workflow.privacy import SENDING_UNDECIDED
from grading.workflow.release import ReleaseState
from grading.workflow.submission import IN_GRADING, SubmissionState

# A reading of theirs that may still come, or still be undone.
LIVE = (AllocationState.ALLOCATED, AllocationState.BEGUN, AllocationState.FINISHED)
UNDER_WAY = (
    *IN_GRADING,
    SubmissionState.CONTESTABLE,
    SubmissionState.CONTESTED,
    SubmissionState.RESOLVED,
)

WORDS: Mapping[str, str] = {
    "last_administrator": phrase("They are the last administrator."),
    "allocations": phrase(
        "Items that they hold or have just finished: %(n)s. They end, or go to others first."
    ),
    "works": phrase(
        "Projects of theirs that are being graded: %(n)s. Release their results or withdraw "
        "them first."
    ),
    "releases": phrase("Releases under way with a project of theirs: %(n)s."),
    "appeals": phrase("Appeals of theirs that are not decided: %(n)s."),
    "explanations": phrase("Questions about a result, by them or for them to answer: %(n)s."),
    "third_readings": phrase("Third readings of their projects that are not done: %(n)s."),
    "misconduct": phrase("Suspicions about their projects that are not decided: %(n)s."),
    "objections": phrase("Objections in their groups that are not decided: %(n)s."),
    "monitoring": phrase(
        "Alarms, pauses or set-aside readings of theirs that wait for an answer: %(n)s."
    ),
    "sendings": phrase("Records being sent to a partner at this moment: %(n)s."),
}

_CHECKS: tuple[tuple[str, type[Base], Callable[[str], ColumnElement[bool]]], ...] = (
    (
        "allocations",
        Allocation,
        lambda me: (Allocation.rater_id == me) & Allocation.state.in_(LIVE),
    ),
    (
        "works",
        Submission,
        lambda me: Submission.id.in_(works_of(me)) & Submission.state.in_(UNDER_WAY),
    ),
    (
        "releases",
        ReleaseItem,
        lambda me: (
            ReleaseItem.submission_id.in_(works_of(me))
            & ReleaseItem.release_id.in_(
                select(Release.id).where(
                    Release.state.in_((ReleaseState.PROPOSED, ReleaseState.SCHEDULED))
                )
            )
        ),
    ),
    (
        "appeals",
        Appeal,
        lambda me: (
            ((Appeal.learner_id == me) | Appeal.submission_id.in_(works_of(me)))
            & Appeal.state.in_(PENDING)
        ),
    ),
    (
        "explanations",
        Explanation,
        lambda me: (
            ((Explanation.learner_id == me) | (Explanation.owner_id == me))
            & (Explanation.state == ExplanationState.OPEN)
        ),
    ),
    (
        "third_readings",
        Discrepancy,
        lambda me: (
            Discrepancy.submission_id.in_(works_of(me))
            & (Discrepancy.state == DiscrepancyState.OPEN)
        ),
    ),
    (
        "misconduct",
        MisconductCase,
        lambda me: (
            MisconductCase.submission_id.in_(works_of(me)) & MisconductCase.state.in_(CASE_PENDING)
        ),
    ),
    (
        "objections",
        Objection,
        lambda me: (
            ((Objection.person_id == me) | Objection.submission_id.in_(works_of(me)))
            & (Objection.state == ObjectionState.OPEN)
        ),
    ),
    ("monitoring", Alarm, lambda me: (Alarm.person_id == me) & (Alarm.state == AlarmState.OPEN)),
    (
        "monitoring",
        QueuePause,
        lambda me: (QueuePause.person_id == me) & QueuePause.ended_at.is_(None),
    ),
    (
        "sendings",
        PartnerSending,
        lambda me: (
            PartnerSending.state.in_(SENDING_UNDECIDED)
            & PartnerSending.consent_id.in_(
                select(PartnerConsent.id).where(PartnerConsent.person_id == me)
            )
        ),
    ),
)


def hindrances_to_erasure(session: Session, person: Person) -> dict[str, int]:
    """Say what stands against erasing a person, by kind; empty when nothing does."""
    found: dict[str, int] = {}
    if person.administrator and not session.scalar(
        select(Person.id)
        .where(Person.administrator.is_(True), Person.active.is_(True), Person.id != person.id)
        .limit(1)
    ):
        found["last_administrator"] = 1
    wanted = [(kind, model, condition(person.id)) for kind, model, condition in _CHECKS]
    for kind, count in counts(session, wanted):
        if count:
            found[kind] = found.get(kind, 0) + count
    return found
