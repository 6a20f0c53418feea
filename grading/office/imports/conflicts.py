"""Conflicts of interest: ``rater,learner,reason``, both by address."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from sqlalchemy import select

from grading.batches import delete_in, rows_in
from grading.cohorts import conflicts, parts
from grading.errors import Fault
from grading.models import (
    Allocation,
    Cohort,
    ConflictOfInterest,
    ImportBatch,
    Membership,
    Person,
    SubmissionMember,
)
from grading.office.imports.cells import account, prose
from grading.office.imports.common import (
    Change,
    Desk,
    Effect,
    ImportedRow,
    Importer,
    Kept,
    Made,
    Undoing,
    made_of,
)
from grading.workflow.group import TOOK_PART


@dataclass(frozen=True)
class ConflictRow(ImportedRow):
    """A rater and a learner who must not meet."""

    rater: Annotated[str, account]
    learner: Annotated[str, account]
    reason: Annotated[str, prose(500, needed=True)]


def plan(
    desk: Desk[Cohort], rows: Sequence[ConflictRow]
) -> tuple[list[Change[ConflictRow]], list[Fault]]:
    """Say which pairs would be kept apart that are not yet."""
    parts.not_ended(desk.place)
    members = set(
        desk.session.scalars(
            select(Membership.person_id).where(Membership.cohort_id == desk.place.id)
        )
    )
    declared: set[tuple[str, str]] = {
        (rater, learner)
        for rater, learner in desk.session.execute(
            select(ConflictOfInterest.rater_id, ConflictOfInterest.learner_id).where(
                ConflictOfInterest.cohort_id == desk.place.id
            )
        )
    }
    faults: list[Fault] = []
    changes: list[Change[ConflictRow]] = []
    for row in rows:
        strangers = [
            row.fault(name, "“%(email)s” has no part in the cohort.", email=email)
            for name, email in (("rater", row.rater), ("learner", row.learner))
            if desk.known[email].id not in members
        ]
        faults += strangers
        pair = desk.known[row.rater].id, desk.known[row.learner].id
        if row.rater == row.learner:
            faults.append(
                row.fault("learner", "Nobody ever rates their own work; this needs no entry.")
            )
        elif not strangers and pair not in declared:
            declared.add(pair)
            changes.append(Change(row, row.rater, Effect.KEEP_APART, row.learner))
    return changes, faults


def carry_out(desk: Desk[Cohort], changes: Sequence[Change[ConflictRow]]) -> Iterable[Made]:
    """Declare the pairs."""
    fresh = [
        ConflictOfInterest(
            cohort_id=desk.place.id,
            rater_id=desk.known[change.row.rater].id,
            learner_id=desk.known[change.row.learner].id,
            reason=change.row.reason,
            created_at=desk.now,
        )
        for change in changes
    ]
    desk.session.add_all(fresh)
    desk.session.flush()
    for conflict in fresh:
        conflicts.note_conflict(desk.session, desk.actor, conflict, now=desk.now)
    return [Made("conflict", conflict.id) for conflict in fresh]


def look_back(desk: Desk[Cohort], batch: ImportBatch) -> Undoing:
    """Find the pairs whose learner's work was given to nobody since, so that nothing rests on them."""
    learners_read = set(
        desk.session.scalars(
            select(SubmissionMember.person_id)
            .join(Allocation, Allocation.submission_id == SubmissionMember.submission_id)
            .where(
                SubmissionMember.cohort_id == batch.cohort_id,
                SubmissionMember.state.in_(TOOK_PART),
                Allocation.created_at >= batch.at,
            )
        )
    )
    made: list[Made] = []
    kept: list[Kept] = []
    declared = made_of(batch, "conflict")
    learners = select(ConflictOfInterest, Person.email).join(
        Person, Person.id == ConflictOfInterest.learner_id
    )
    for conflict, email in rows_in(desk.session, learners, ConflictOfInterest.id, declared):
        if desk.actor is not None and desk.actor.id in (conflict.rater_id, conflict.learner_id):
            kept.append(Kept(email, "is kept from you, so a colleague decides this"))
        elif conflict.learner_id in learners_read:
            kept.append(Kept(email, "has readers that were chosen by it"))
        else:
            made.append(declared[conflict.id])
    return Undoing(tuple(made), tuple(kept))


def take_back(desk: Desk[Cohort], undoing: Undoing) -> None:
    """Let the pairs meet again."""
    delete_in(desk.session, ConflictOfInterest.id, undoing.ids("conflict"))


IMPORTER = Importer(ConflictRow, plan, carry_out, look_back, take_back)
