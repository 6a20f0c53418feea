"""The ``group`` of a roster: learners whom it names alike work together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.batches import delete_in, scalars_in
from grading.cohorts import groups
from grading.errors import Fault, FaultsFound, GradingError
from grading.models import (
    Cohort,
    ImportBatch,
    Objection,
    Person,
    Submission,
    SubmissionFile,
    SubmissionMember,
)
from grading.office.imports.common import Change, Effect, of_kind
from grading.office.imports.tables import TableRow
from grading.texts import address_sought
from grading.workflow.cohort import Role
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.submission import SubmissionState


def plan(
    session: Session, cohort: Cohort, known: Mapping[str, Person], rows: Sequence[TableRow]
) -> tuple[list[Change], list[Fault]]:
    """Say who would be put into which group; whoever is in it already makes no change."""
    named = [row for row in rows if row.values.get("group")]
    if not named:
        return [], []
    most = cohort.plan.group_size
    if most < 2:
        return [], [
            named[0].fault(
                "group", "The plan lets everybody work alone. Set how large a group may be first."
            )
        ]
    places = _places(session, cohort)
    changes: list[Change] = []
    faults: list[Fault] = []
    of_label: dict[str, set[str]] = {}
    of_person: dict[str, str] = {}
    for label, address in places.values():
        if label:
            of_label.setdefault(label, set()).add(address)
    for row in named:
        label, email = row.values["group"], address_sought(row.values["email"])
        if row.values["role"].lower() != Role.LEARNER:
            faults.append(row.fault("group", "Only learners are in groups."))
            continue
        if len(label) > groups.LONGEST_NAME:
            faults.append(
                row.fault("group", "Use at most %(n)s characters.", n=groups.LONGEST_NAME)
            )
            continue
        if of_person.setdefault(email, label) != label:
            faults.append(row.fault("group", "The same person stands above in another group."))
            continue
        person = known.get(email)
        if person is not None and places.get(person.id, ("", ""))[0] == label:
            continue
        members = of_label.setdefault(label, set())
        members.add(email)
        if len(members) == most + 1:
            faults.append(row.fault("group", "A group has at most %(most)s members.", most=most))
        changes.append(Change(row.line, email, Effect.GROUP, label))
    return changes, faults


def _places(session: Session, cohort: Cohort) -> dict[str, tuple[str, str]]:
    """Give the group's name and the address of everybody who holds a place in a first attempt."""
    rows = session.execute(
        select(Person.id, Submission.group_name, Person.email)
        .join(SubmissionMember, SubmissionMember.person_id == Person.id)
        .join(Submission, Submission.id == SubmissionMember.submission_id)
        .where(
            Submission.cohort_id == cohort.id,
            Submission.attempt == 1,
            SubmissionMember.state.in_(PRESENT),
        )
    )
    return {person: (label, email) for person, label, email in rows}


def carry_out(
    session: Session,
    actor: Person | None,
    cohort: Cohort,
    known: Mapping[str, Person],
    changes: Sequence[Change],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Put the learners together; gives the works that were begun for it.

    Raises
    ------
    FaultsFound
        Somebody has handed in, or cannot be moved; nothing may be kept of what was done.
    """
    if not changes:
        return []
    before = set(session.scalars(select(Submission.id).where(Submission.cohort_id == cohort.id)))
    of_label: dict[str, list[Change]] = {}
    for change in changes:
        of_label.setdefault(change.detail, []).append(change)
    made: list[tuple[Any, ...]] = []
    faults: list[Fault] = []
    for label, listed in of_label.items():
        where = f"line {listed[-1].line}, group"
        group = [known[change.who] for change in listed]
        try:
            work = groups.form_named(session, actor, cohort, group, name=label, now=now)
        except FaultsFound as found:
            faults += [Fault(where, fault.template, fault.params) for fault in found.faults]
        except GradingError as error:
            faults.append(Fault(where, error.template, error.params))
        else:
            if work.id not in before:
                made.append(("group", work.id))
    if faults:
        raise FaultsFound(faults)
    return made


def untouched(session: Session, batch: ImportBatch) -> list[str]:
    """List the works of a batch in which nobody has written anything, or changed who is in them."""
    files = select(SubmissionFile.id).where(SubmissionFile.submission_id == Submission.id)
    objected = select(Objection.id).where(Objection.submission_id == Submission.id)
    changed = select(SubmissionMember.id).where(
        SubmissionMember.submission_id == Submission.id,
        (SubmissionMember.state != MemberState.JOINED) | (SubmissionMember.since > batch.at),
    )
    untouched = select(Submission.id).where(
        Submission.state == SubmissionState.DRAFT,
        Submission.saved_at <= batch.at,
        func.length(Submission.title) + func.length(Submission.text) == 0,
        ~files.exists(),
        ~objected.exists(),
        ~changed.exists(),
    )
    groups_made = (key for (key,) in of_kind(batch, "group"))
    return list(scalars_in(session, untouched, Submission.id, groups_made))


def take_back(session: Session, works: Sequence[str]) -> None:
    """Remove groups as if they had never been made."""
    delete_in(session, SubmissionMember.submission_id, works)
    delete_in(session, Submission.id, works)
