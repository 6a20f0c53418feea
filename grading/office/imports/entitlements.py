"""Entitlements: ``email,course,state,note``; an empty course is the capstone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading.batches import delete_in, rows_in, scalars_in
from grading.errors import Fault, FaultsFound
from grading.ledger.transitions import move
from grading.models import Entitlement, ImportBatch, Person, Program
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
from grading.records import entitlements, records
from grading.records.queries import entitlement_lists
from grading.texts import address_sought
from grading.workflow.credential import ENTITLEMENT_MACHINE, EntitlementState

LONGEST_NOTE = 500


def _present(session: Session, program_id: str) -> dict[tuple[str, str | None], str]:
    return {
        (person, course): state
        for person, course, state in session.execute(
            select(Entitlement.person_id, Entitlement.course_id, Entitlement.state).where(
                Entitlement.program_id == program_id
            )
        )
    }


def plan(
    session: Session,
    actor: Person | None,
    program: Program,
    rows: Sequence[TableRow],
    now: datetime,
) -> list[Change]:
    """Say which entitlements are new, and which change."""
    entitlements.not_a_scorer(session, actor, program)
    known = accounts.by_address(session, (row.values["email"] for row in rows))
    courses = {course.code: course.id for course in program.courses}
    present = _present(session, program.id)
    issued = (
        entitlement_lists.issued_lines(session, program) if program.entitlement_required else set()
    )
    faults: list[Fault] = []
    changes: list[Change] = []
    seen: dict[tuple[str, str | None], int] = {}
    for row in rows:
        person, code = known.get(address_sought(row.values["email"])), row.values["course"]
        state, note = row.values["state"].lower(), row.values.get("note", "")
        before = len(faults)
        if code and code not in courses:
            faults.append(
                row.fault(
                    "course",
                    "The program has no course “%(code)s”. Leave it empty for the capstone.",
                    code=code,
                )
            )
        if person is None:
            faults.append(
                row.fault(
                    "email", "No account has the address “%(email)s”.", email=row.values["email"]
                )
            )
        elif actor is not None and actor.id == person.id:
            faults.append(row.fault("email", "Nobody decides on what they owe themselves."))
        if state not in set(EntitlementState):
            faults.append(
                row.fault(
                    "state",
                    "“%(text)s” is none of %(words)s.",
                    text=state,
                    words=tuple(EntitlementState),
                )
            )
        if len(note) > LONGEST_NOTE:
            faults.append(row.fault("note", "Use at most %(n)s characters.", n=LONGEST_NOTE))
        if person is None or len(faults) > before:
            continue
        key = (person.id, courses.get(code))
        if key in seen:
            faults.append(
                row.fault(
                    "email", "The same learner and course stand on line %(line)s.", line=seen[key]
                )
            )
            continue
        seen[key] = row.line
        held = present.get(key)
        if held == state:
            continue
        if fault := _impossible(row, held, state, key in issued):
            faults.append(fault)
            continue
        changes.append(
            Change(
                row.line,
                person.email,
                Effect.GRANT if held is None else Effect.CHANGE,
                f"{code or 'capstone'}: {state}",
                (*key, state, note, held),
            )
        )
    if faults:
        raise FaultsFound(faults)
    return changes


def _impossible(row: TableRow, held: str | None, state: str, issued: bool) -> Fault | None:
    if state == EntitlementState.REFUNDED and held is None:
        return row.fault("state", "There is nothing to refund.")
    if state == EntitlementState.REFUNDED and issued:
        return row.fault(
            "state", "A credential was issued on this. Refund it on the page of entitlements."
        )
    event = entitlements.EVENTS[EntitlementState(state)]
    if held is not None and not ENTITLEMENT_MACHINE.allows(held, event):
        return row.fault(
            "state", "It is %(held)s, and cannot become %(state)s.", held=held, state=state
        )
    return None


def carry_out(
    session: Session,
    actor: Person | None,
    program: Program,
    changes: Sequence[Change],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Note the entitlements; results that waited for one are entered in their records."""
    made: list[tuple[Any, ...]] = []
    older = {
        (item.person_id, item.course_id): item
        for item in scalars_in(
            session,
            select(Entitlement).where(Entitlement.program_id == program.id),
            Entitlement.person_id,
            {change.values[0] for change in changes if change.effect is Effect.CHANGE},
        )
    }
    fresh: list[Entitlement] = []
    for change in changes:
        person_id, course_id, state, note, held = change.values
        if change.effect is Effect.CHANGE:
            known = older[person_id, course_id]
            made.append(("changed", known.id, held, state))
            move(
                session,
                known,
                entitlements.EVENTS[EntitlementState(state)],
                actor=actor,
                now=now,
                reason=note or "imported",
                recorded_at=now,
            )
            known.note = note
        else:
            fresh.append(
                Entitlement(
                    program_id=program.id,
                    course_id=course_id,
                    person_id=person_id,
                    state=EntitlementState(state),
                    note=note,
                    recorded_at=now,
                )
            )
    session.add_all(fresh)
    session.flush()
    for item in fresh:
        made.append(("entitlement", item.id))
        entitlements.record_grant(session, actor, item, now)
    waiting = entitlement_lists.learners_behind(session, program)
    for person_id in dict.fromkeys(change.values[0] for change in changes):
        if person_id in waiting:
            records.catch_up(session, program, session.get_one(Person, person_id), now=now)
    return made


def look_back(session: Session, actor: Person | None, batch: ImportBatch) -> Undoing:
    """Find the entitlements on which nothing was issued, and that nobody changed since."""
    program = session.get_one(Program, batch.program_id)
    entitlements.not_a_scorer(session, actor, program)
    issued = entitlement_lists.issued_lines(session, program)
    changed = {key: (before, after) for key, before, after in of_kind(batch, "changed")}
    fresh = {key for (key,) in of_kind(batch, "entitlement")}
    made: list[tuple[Any, ...]] = []
    kept: list[Kept] = []
    people = select(Entitlement, Person.email).join(Person, Person.id == Entitlement.person_id)
    for item, email in rows_in(session, people, Entitlement.id, fresh | set(changed)):
        before, after = changed.get(item.id, (None, None))
        if (item.person_id, item.course_id) in issued and before != EntitlementState.PAID:
            kept.append(Kept(email, "has a credential that rests on it"))
        elif item.recorded_at > batch.at or (after is not None and item.state != after):
            kept.append(Kept(email, "was changed since"))
        elif before is None:
            made.append(("entitlement", item.id))
        elif ENTITLEMENT_MACHINE.allows(item.state, entitlements.EVENTS[EntitlementState(before)]):
            made.append(("changed", item.id, before, after))
        else:
            kept.append(Kept(email, "cannot go back to what it was"))
    return Undoing(tuple(made), tuple(kept))


def take_back(
    session: Session,
    actor: Person | None,
    batch: ImportBatch,
    made: Sequence[tuple[Any, ...]],
    now: datetime,
) -> None:
    """Remove what was new, and move back what was changed."""
    before = {entry[1]: entry[2] for entry in made if entry[0] == "changed"}
    delete_in(session, Entitlement.id, (entry[1] for entry in made if entry[0] == "entitlement"))
    for item in scalars_in(session, select(Entitlement), Entitlement.id, before):
        event = entitlements.EVENTS[EntitlementState(before[item.id])]
        move(session, item, event, actor=actor, now=now, reason="undone", recorded_at=now)


IMPORTER = Importer(
    columns=("email", "course", "state"),
    optional=("note",),
    plan=plan,
    carry_out=carry_out,
    look_back=look_back,
    take_back=take_back,
)
