"""Who may read a submission: one set of barriers, for every place that gives, offers or refuses one.

A barrier is written once, as the pairs of submission and person that must not meet. From these come the
condition of SQL, the pairs a draw leaves out, and the reason a person is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from grading.batches import batches
from grading.models import (
    Allocation,
    Cohort,
    ConflictOfInterest,
    Exposure,
    Membership,
    Person,
    Submission,
    SubmissionMember,
)
from grading.models.conditions import takes_part
from grading.phrases import phrase
from grading.workflow.allocation import THIRD_READINGS, AllocationState, Pool, Purpose
from grading.workflow.cohort import Role
from grading.workflow.group import TOOK_PART
from grading.workflow.submission import IN_GRADING, SubmissionState


class Barrier(StrEnum):
    """Why a person may not be given a submission to read."""

    TOOK_PART = "took_part"
    CONFLICT = "conflict"
    READ = "read"
    ATTEMPT_READ = "attempt_read"
    EXPOSED = "exposed"


BARRIER_WORDS: Mapping[Barrier, str] = {
    Barrier.TOOK_PART: phrase("You had a part in this project."),
    Barrier.CONFLICT: phrase("A conflict of interest keeps you apart from one of its learners."),
    Barrier.READ: phrase("You were given this project to read before."),
    Barrier.ATTEMPT_READ: phrase("You were given another attempt of one of its learners to read."),
    Barrier.EXPOSED: phrase("You have seen what others gave this project."),
}

# Names for tables that barriers alone read, so that no enclosing statement can mean the same rows.
_author = aliased(SubmissionMember, name="author")
_elsewhere = aliased(SubmissionMember, name="author_elsewhere")
_given = aliased(Allocation, name="given_before")
_conflict = aliased(ConflictOfInterest, name="conflict")
_exposure = aliased(Exposure, name="exposure_to_scores")
_OWN_TABLES = (_author, _elsewhere, _given, _conflict, _exposure)


def _kept_apart(barrier: Barrier) -> Select[str, Any]:
    """Select the pairs of submission id and person id that a barrier keeps apart."""
    match barrier:
        case Barrier.TOOK_PART:
            return select(_author.submission_id, _author.person_id).where(
                _author.state.in_(TOOK_PART)
            )
        case Barrier.CONFLICT:
            return (
                select(_author.submission_id, _conflict.rater_id)
                .join(
                    _conflict,
                    and_(
                        _conflict.learner_id == _author.person_id,
                        _conflict.cohort_id == _author.cohort_id,
                    ),
                )
                .where(_author.state.in_(TOOK_PART))
            )
        case Barrier.READ:
            # Whatever became of it: also one handed back or let lapse has been seen.
            return select(_given.submission_id, _given.rater_id)
        case Barrier.ATTEMPT_READ:
            return (
                select(_author.submission_id, _given.rater_id)
                .join(_elsewhere, _elsewhere.person_id == _author.person_id)
                .join(_given, _given.submission_id == _elsewhere.submission_id)
                .where(
                    _author.state.in_(TOOK_PART),
                    _elsewhere.state.in_(TOOK_PART),
                    _elsewhere.submission_id != _author.submission_id,
                )
            )
        case Barrier.EXPOSED:
            return select(_exposure.submission_id, _exposure.person_id)


def barriers(
    person_id: str | InstrumentedAttribute[str],
    submission_id: str | InstrumentedAttribute[str] = Submission.id,
) -> dict[Barrier, ColumnElement[bool]]:
    """State each barrier between a person and a submission as a condition.

    Both may be columns of any enclosing statement, however deep the condition stands in it.
    """
    conditions: dict[Barrier, ColumnElement[bool]] = {}
    for barrier in Barrier:
        pairs = _kept_apart(barrier)
        submission_column, person_column = pairs.selected_columns
        conditions[barrier] = (
            pairs.where(submission_column == submission_id, person_column == person_id)
            .correlate_except(*_OWN_TABLES)
            .exists()
        )
    return conditions


def may_read(
    person_id: str | InstrumentedAttribute[str],
    submission_id: str | InstrumentedAttribute[str] = Submission.id,
) -> ColumnElement[bool]:
    """True where a person may be given a submission to read: no barrier stands between them."""
    return and_(*(~barrier for barrier in barriers(person_id, submission_id).values()))


def barriers_of(
    session: Session, person: Person, submission_ids: Iterable[str]
) -> dict[str, Barrier]:
    """Name, by submission id, the first barrier between a person and each submission that has one."""
    first: dict[str, Barrier] = {}
    for ids in batches(submission_ids):
        for barrier in Barrier:
            pairs = _kept_apart(barrier)
            submission_column, person_column = pairs.selected_columns
            kept_apart = pairs.where(submission_column.in_(ids), person_column == person.id)
            for submission_id, _person_id in session.execute(kept_apart):
                first.setdefault(submission_id, barrier)
    return first


def readable(session: Session, person: Person, submission_ids: Iterable[str]) -> set[str]:
    """Keep those of some submissions that a person may be given to read."""
    ids = set(submission_ids)
    return ids - barriers_of(session, person, ids).keys()


def forbidden_pairs(
    session: Session, cohort: Cohort, works: Sequence[Submission], raters: Sequence[Person]
) -> set[tuple[int, int]]:
    """List the positions in ``works`` and ``raters`` of those that a draw must not bring together."""
    work_positions = {work.id: position for position, work in enumerate(works)}
    rater_positions = {rater.id: position for position, rater in enumerate(raters)}
    of_cohort = select(Submission.id).where(Submission.cohort_id == cohort.id)
    kept_apart = []
    for barrier in Barrier:
        pairs = _kept_apart(barrier)
        kept_apart.append(pairs.where(pairs.selected_columns[0].in_(of_cohort)))
    return {
        (work_positions[submission_id], rater_positions[person_id])
        for submission_id, person_id in session.execute(union(*kept_apart))
        if submission_id in work_positions and person_id in rater_positions
    }


def gradable() -> ColumnElement[bool]:
    """Whether an `Allocation` of a `Submission` in the enclosing statement can be rated now.

    A released work can, for an appeal alone; the copy of an anchor paper always.
    """
    return or_(
        Submission.state.in_(IN_GRADING),
        Submission.state == SubmissionState.ANCHOR,
        and_(Submission.state == SubmissionState.RELEASED, Allocation.purpose == Purpose.APPEAL),
    )


def nobody_may_read() -> ColumnElement[bool]:
    """Whether an `Allocation` of the enclosing statement is open, and nobody of its cohort may read it.

    Graders may take any; leads and instructors what settles a dispute.
    """
    somebody = (
        select(Membership.id)
        .where(
            takes_part(cohort_id=Allocation.cohort_id),
            or_(
                Membership.role == Role.GRADER,
                and_(
                    Membership.role.in_((Role.LEAD, Role.INSTRUCTOR)),
                    Allocation.purpose.in_(THIRD_READINGS),
                ),
            ),
            may_read(Membership.person_id, Allocation.submission_id),
        )
        .correlate(Allocation)
    )
    return and_(
        Allocation.state == AllocationState.OPEN,
        Allocation.pool == Pool.PROFESSIONAL,
        ~exists(somebody),
    )
