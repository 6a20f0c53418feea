"""How much a rater has: every reading but practice and qualification counts, finished ones included."""

from collections.abc import Sequence

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session, aliased

from grading.models import Allocation, Cohort, Person
from grading.workflow.allocation import ATTEMPTED, ENDED, Pool

_counted = aliased(Allocation, name="counted_reading")
_counts = (_counted.state.not_in(ENDED), _counted.purpose.not_in(ATTEMPTED))


def load_of(rater: Person, cohort: Cohort, pool: Pool) -> ScalarSelect[int]:
    """Count, within another statement, what a rater has of a pool in a cohort."""
    return (
        select(func.count())
        .select_from(_counted)
        .where(
            _counted.rater_id == rater.id,
            _counted.cohort_id == cohort.id,
            _counted.pool == pool,
            *_counts,
        )
        .correlate(None)
        .scalar_subquery()
    )


def loads(session: Session, cohort: Cohort, pool: Pool, raters: Sequence[Person]) -> list[int]:
    """Count what each rater has of a pool in a cohort."""
    counted = dict(
        session.execute(
            select(_counted.rater_id, func.count())
            .where(_counted.cohort_id == cohort.id, _counted.pool == pool, *_counts)
            .group_by(_counted.rater_id)
        ).all()
    )
    return [counted.get(rater.id, 0) for rater in raters]
