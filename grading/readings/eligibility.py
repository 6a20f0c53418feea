"""Who may read a submission: the one condition that batch, claim and staffing share."""

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.models import (
    Allocation,
    ConflictOfInterest,
    Exposure,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import is_member
from grading.workflow.allocation import Purpose
from grading.workflow.group import TOOK_PART
from grading.workflow.submission import IN_GRADING, SubmissionState


def gradable() -> ColumnElement[bool]:
    """Whether an `Allocation` of a `Submission` in the enclosing statement can be rated now.

    A released work can, for an appeal alone; the copy of an anchor paper always.
    """
    return or_(
        Submission.state.in_(IN_GRADING),
        Submission.state == SubmissionState.ANCHOR,
        and_(Submission.state == SubmissionState.RELEASED, Allocation.purpose == Purpose.APPEAL),
    )


def may_read(person_id: str | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether a person may be given a `Submission` of the enclosing statement.

    No part in it at any time, no conflict of interest with any of its members, no allocation of it or
    of another attempt of one of its members before (whatever became of it), and nothing seen of what
    others gave it.
    """
    before = aliased(Allocation)
    member, elsewhere = aliased(SubmissionMember), aliased(SubmissionMember)
    return and_(
        ~is_member(person_id, TOOK_PART),
        ~exists(
            select(ConflictOfInterest.id)
            .join(member, member.person_id == ConflictOfInterest.learner_id)
            .where(
                ConflictOfInterest.cohort_id == Submission.cohort_id,
                ConflictOfInterest.rater_id == person_id,
                member.submission_id == Submission.id,
                member.state.in_(TOOK_PART),
            )
        ),
        ~exists(
            select(before.id)
            .join(elsewhere, elsewhere.submission_id == before.submission_id)
            .join(member, member.person_id == elsewhere.person_id)
            .where(
                member.submission_id == Submission.id,
                member.state.in_(TOOK_PART),
                elsewhere.state.in_(TOOK_PART),
                before.rater_id == person_id,
            )
        ),
        ~exists(
            select(before.id).where(
                before.submission_id == Submission.id, before.rater_id == person_id
            )
        ),
        ~exists(
            select(Exposure.person_id).where(
                Exposure.submission_id == Submission.id, Exposure.person_id == person_id
            )
        ),
    )
