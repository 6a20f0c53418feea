"""Conflicts of interest: ``rater,learner,reason``, both by address."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import delete_in, rows_in
from grading.cohorts import cohorts, conflicts
from grading.errors import Fault, FaultsFound
from grading.models import (
    Allocation,
    Cohort,
    ConflictOfInterest,
    ImportBatch,
    Membership,
    Person,
    SubmissionMember,
)
from grading.office.imports.common import (
    Change,
    Effect,
    Importer,
    Kept,
    Undoing,
    of_kind,
)
from grading.office.imports.tables import TableRow
from grading.people import accounts
from grading.texts import address_sought
from grading.workflow.group import TOOK_PART

LONGEST_REASON = 500


def plan(
    session: Session, actor: Person | None, cohort: Cohort, rows: Sequence[TableRow], now: datetime
) -> list[Change]:
    """Say which pairs would be kept apart that are not yet."""
    cohorts.not_ended(cohort)
    known = accounts.by_address(
        session, (row.values[name] for row in rows for name in ("rater", "learner"))
    )
    members = set(
        session.scalars(select(Membership.person_id).where(Membership.cohort_id == cohort.id))
    )
    declared: set[tuple[str, str]] = {
        (rater, learner)
        for rater, learner in session.execute(
            select(ConflictOfInterest.rater_id, ConflictOfInterest.learner_id).where(
                ConflictOfInterest.cohort_id == cohort.id
            )
        )
    }
    faults: list[Fault] = []
    changes: list[Change] = []
    for row in rows:
        pair = {name: known.get(address_sought(row.values[name])) for name in ("rater", "learner")}
        for name, person in pair.items():
            if person is None or person.id not in members:
                faults.append(
                    row.fault(
                        name, "“%(email)s” has no part in the cohort.", email=row.values[name]
                    )
                )
        reason = row.values["reason"]
        if not reason or len(reason) > LONGEST_REASON:
            faults.append(row.fault("reason", "Give a reason of at most 500 characters."))
        rater, learner = pair["rater"], pair["learner"]
        if rater is None or learner is None:
            continue
        if rater.id == learner.id:
            faults.append(
                row.fault("learner", "Nobody ever rates their own work; this needs no entry.")
            )
        elif (rater.id, learner.id) not in declared:
            declared.add((rater.id, learner.id))
            changes.append(
                Change(
                    row.line,
                    rater.email,
                    Effect.KEEP_APART,
                    learner.email,
                    (rater.id, learner.id, reason),
                )
            )
    if faults:
        raise FaultsFound(faults)
    return changes


def carry_out(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    changes: Sequence[Change],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Declare the pairs."""
    fresh = [
        ConflictOfInterest(
            cohort_id=cohort.id, rater_id=rater, learner_id=learner, reason=reason, created_at=now
        )
        for rater, learner, reason in (change.values for change in changes)
    ]
    session.add_all(fresh)
    session.flush()
    for conflict in fresh:
        conflicts.note_conflict(session, actor, conflict, now=now)
    return [("conflict", conflict.id) for conflict in fresh]


def look_back(session: Session, actor: Person | None, batch: ImportBatch) -> Undoing:
    """Find the pairs whose learner's work was given to nobody since, so that nothing rests on them."""
    learners_read = set(
        session.scalars(
            select(SubmissionMember.person_id)
            .join(Allocation, Allocation.submission_id == SubmissionMember.submission_id)
            .where(
                SubmissionMember.cohort_id == batch.cohort_id,
                SubmissionMember.state.in_(TOOK_PART),
                Allocation.created_at >= batch.at,
            )
        )
    )
    made: list[tuple[Any, ...]] = []
    kept: list[Kept] = []
    declared = (key for (key,) in of_kind(batch, "conflict"))
    learners = select(ConflictOfInterest, Person.email).join(
        Person, Person.id == ConflictOfInterest.learner_id
    )
    for conflict, email in rows_in(session, learners, ConflictOfInterest.id, declared):
        if actor is not None and actor.id in (conflict.rater_id, conflict.learner_id):
            kept.append(Kept(email, "is kept from you, so a colleague decides this"))
        elif conflict.learner_id in learners_read:
            kept.append(Kept(email, "has readers that were chosen by it"))
        else:
            made.append(("conflict", conflict.id))
    return Undoing(tuple(made), tuple(kept))


def take_back(
    session: Session,
    actor: Person | None,
    batch: ImportBatch,
    made: Sequence[tuple[Any, ...]],
    now: datetime,
) -> None:
    """Let the pairs meet again."""
    delete_in(session, ConflictOfInterest.id, (entry[1] for entry in made))


IMPORTER = Importer(
    columns=("rater", "learner", "reason"),
    optional=(),
    plan=plan,
    carry_out=carry_out,
    look_back=look_back,
    take_back=take_back,
)
