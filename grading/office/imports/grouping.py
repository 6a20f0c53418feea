"""The ``group`` of a roster: learners whom it names alike work together."""

from collections.abc import Mapping, Sequence

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
from grading.office.imports.common import Change, Desk, Effect, Made, made_of
from grading.office.imports.people import RosterRow
from grading.workflow.cohort import Role
from grading.workflow.group import PRESENT, MemberState
from grading.workflow.submission import SubmissionState


def plan(
    desk: Desk[Cohort], rows: Sequence[RosterRow]
) -> tuple[list[Change[RosterRow]], list[Fault]]:
    """Say who would be put into which group; whoever is in it already makes no change."""
    named = [row for row in rows if row.group]
    if not named:
        return [], []
    most = desk.place.plan.group_size
    if most < 2:
        return [], [
            named[0].fault(
                "group", "The plan lets everybody work alone. Set how large a group may be first."
            )
        ]
    places = _places(desk.session, desk.place)
    changes: list[Change[RosterRow]] = []
    faults: list[Fault] = []
    of_label: dict[str, set[str]] = {}
    of_person: dict[str, str] = {}
    for label, address in places.values():
        if label:
            of_label.setdefault(label, set()).add(address)
    for row in named:
        if row.role != Role.LEARNER:
            faults.append(row.fault("group", "Only learners are in groups."))
            continue
        if of_person.setdefault(row.email, row.group) != row.group:
            faults.append(row.fault("group", "The same person stands above in another group."))
            continue
        person = desk.known.get(row.email)
        if person is not None and places.get(person.id, ("", ""))[0] == row.group:
            continue
        members = of_label.setdefault(row.group, set())
        members.add(row.email)
        if len(members) == most + 1:
            faults.append(row.fault("group", "A group has at most %(most)s members.", most=most))
        changes.append(Change(row, row.email, Effect.GROUP, row.group))
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
    desk: Desk[Cohort], known: Mapping[str, Person], changes: Sequence[Change[RosterRow]]
) -> list[Made]:
    """Put the learners together; gives the works that were begun for it.

    Raises
    ------
    FaultsFound
        Somebody has handed in, or cannot be moved; nothing may be kept of what was done.
    """
    if not changes:
        return []
    works = select(Submission.id).where(Submission.cohort_id == desk.place.id)
    before = set(desk.session.scalars(works))
    of_label: dict[str, list[Change[RosterRow]]] = {}
    for change in changes:
        of_label.setdefault(change.detail, []).append(change)
    made: list[Made] = []
    faults: list[Fault] = []
    for label, listed in of_label.items():
        group, last = [known[change.who] for change in listed], listed[-1].row
        try:
            work = groups.form_named(
                desk.session, desk.actor, desk.place, group, name=label, now=desk.now
            )
        except FaultsFound as found:
            faults += [
                last.fault("group", fault.template, **fault.params) for fault in found.faults
            ]
        except GradingError as error:
            faults.append(last.fault("group", error.template, **error.params))
        else:
            if work.id not in before:
                made.append(Made("group", work.id))
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
    return list(scalars_in(session, untouched, Submission.id, made_of(batch, "group")))


def take_back(session: Session, works: Sequence[str]) -> None:
    """Remove groups as if they had never been made."""
    delete_in(session, SubmissionMember.submission_id, works)
    delete_in(session, Submission.id, works)
