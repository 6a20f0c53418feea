"""Who may read a submission: the one condition that batch, claim and staffing share."""

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.models import Allocation, ConflictOfInterest, Exposure, Submission
from grading.workflow.allocation import Pool, Purpose
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

    Not their own, no conflict of interest, no allocation of it or of another attempt of its learner
    before (whatever became of it), and nothing seen of what others gave it.
    """
    before = aliased(Allocation)
    attempt = aliased(Submission)
    return and_(
        Submission.learner_id != person_id,
        ~exists(
            select(ConflictOfInterest.id).where(
                ConflictOfInterest.cohort_id == Submission.cohort_id,
                ConflictOfInterest.rater_id == person_id,
                ConflictOfInterest.learner_id == Submission.learner_id,
            )
        ),
        ~exists(
            select(before.id)
            .join(attempt, attempt.id == before.submission_id)
            .where(
                attempt.learner_id == Submission.learner_id,
                before.pool == Pool.PROFESSIONAL,
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
