"""Who may read a submission: the one condition that batch, claim and staffing share."""

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import InstrumentedAttribute

from grading.models import Allocation, ConflictOfInterest, Exposure, Submission


def may_read(person_id: str | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether a person may be given a `Submission` of the enclosing statement.

    Not their own, no conflict of interest, no allocation of it before (whatever became of it), and
    nothing seen of what others gave it.
    """
    before = aliased(Allocation)
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
