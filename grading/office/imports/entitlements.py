"""Entitlements: ``email,course,state,note``; an empty course is the capstone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from sqlalchemy import select

from grading.batches import delete_in, rows_in, scalars_in
from grading.errors import Fault, Refused
from grading.ledger.transitions import move
from grading.models import Entitlement, ImportBatch, Person, Program
from grading.office.imports.cells import account, one_of, prose
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
from grading.records import entitlements, records
from grading.records.queries import entitlement_lists
from grading.workflow.credential import ENTITLEMENT_MACHINE, EntitlementState


def course_or_capstone(code: str, desk: Desk[Program]) -> str:
    """Read the code of a course of the program, or nothing for the capstone."""
    if code and code not in {course.code for course in desk.place.courses}:
        raise Refused(
            "The program has no course “%(code)s”. Leave it empty for the capstone.", code=code
        )
    return code


@dataclass(frozen=True)
class EntitlementRow(ImportedRow):
    """What somebody has paid, or need not pay."""

    email: Annotated[str, account]
    course: Annotated[str, course_or_capstone]
    state: Annotated[EntitlementState, one_of(EntitlementState)]
    note: Annotated[str, prose(500)] = ""


def _key(desk: Desk[Program], row: EntitlementRow) -> tuple[str, str | None]:
    courses = {course.code: course.id for course in desk.place.courses}
    return desk.known[row.email].id, courses.get(row.course)


def plan(
    desk: Desk[Program], rows: Sequence[EntitlementRow]
) -> tuple[list[Change[EntitlementRow]], list[Fault]]:
    """Say which entitlements are new, and which change."""
    entitlements.not_a_scorer(desk.session, desk.actor, desk.place)
    present = {
        (person, course): state
        for person, course, state in desk.session.execute(
            select(Entitlement.person_id, Entitlement.course_id, Entitlement.state).where(
                Entitlement.program_id == desk.place.id
            )
        )
    }
    issued = (
        entitlement_lists.issued_lines(desk.session, desk.place)
        if desk.place.entitlement_required
        else set()
    )
    faults: list[Fault] = []
    changes: list[Change[EntitlementRow]] = []
    lines: dict[tuple[str, str | None], int] = {}
    for row in rows:
        key = _key(desk, row)
        if key in lines:
            faults.append(
                row.fault(
                    "email", "The same learner and course stand on line %(line)s.", line=lines[key]
                )
            )
            continue
        lines[key] = row.line
        if desk.actor is not None and desk.actor.id == key[0]:
            faults.append(row.fault("email", "Nobody decides on what they owe themselves."))
            continue
        held = present.get(key)
        if held == row.state:
            continue
        if fault := _impossible(row, held, key in issued):
            faults.append(fault)
            continue
        changes.append(
            Change(
                row,
                row.email,
                Effect.GRANT if held is None else Effect.CHANGE,
                f"{row.course or 'capstone'}: {row.state}",
                before=held or "",
            )
        )
    return changes, faults


def _impossible(row: EntitlementRow, held: str | None, issued: bool) -> Fault | None:
    if row.state == EntitlementState.REFUNDED and held is None:
        return row.fault("state", "There is nothing to refund.")
    if row.state == EntitlementState.REFUNDED and issued:
        return row.fault(
            "state", "A credential was issued on this. Refund it on the page of entitlements."
        )
    if held is not None and not ENTITLEMENT_MACHINE.allows(held, entitlements.EVENTS[row.state]):
        return row.fault(
            "state", "It is %(held)s, and cannot become %(state)s.", held=held, state=row.state
        )
    return None


def carry_out(desk: Desk[Program], changes: Sequence[Change[EntitlementRow]]) -> Iterable[Made]:
    """Note the entitlements; results that waited for one are entered in their records."""
    made: list[Made] = []
    older = {
        (item.person_id, item.course_id): item
        for item in scalars_in(
            desk.session,
            select(Entitlement).where(Entitlement.program_id == desk.place.id),
            Entitlement.person_id,
            {desk.known[change.who].id for change in changes if change.effect is Effect.CHANGE},
        )
    }
    fresh: list[Entitlement] = []
    for change in changes:
        row, (person_id, course_id) = change.row, _key(desk, change.row)
        if change.effect is Effect.CHANGE:
            known = older[person_id, course_id]
            words = {"state": str(known.state), "changed_to": str(row.state)}
            made.append(Made("changed", known.id, words))
            move(
                desk.session,
                known,
                entitlements.EVENTS[row.state],
                actor=desk.actor,
                now=desk.now,
                reason=row.note or "imported",
                recorded_at=desk.now,
            )
            known.note = row.note
        else:
            fresh.append(
                Entitlement(
                    program_id=desk.place.id,
                    course_id=course_id,
                    person_id=person_id,
                    state=row.state,
                    note=row.note,
                    recorded_at=desk.now,
                )
            )
    desk.session.add_all(fresh)
    desk.session.flush()
    for item in fresh:
        entitlements.record_grant(desk.session, desk.actor, item, desk.now)
    waiting = entitlement_lists.learners_behind(desk.session, desk.place)
    for email in dict.fromkeys(change.who for change in changes):
        if desk.known[email].id in waiting:
            records.catch_up(desk.session, desk.place, desk.known[email], now=desk.now)
    return made + [Made("entitlement", item.id) for item in fresh]


def look_back(desk: Desk[Program], batch: ImportBatch) -> Undoing:
    """Find the entitlements on which nothing was issued, and that nobody changed since."""
    entitlements.not_a_scorer(desk.session, desk.actor, desk.place)
    issued = entitlement_lists.issued_lines(desk.session, desk.place)
    noted = made_of(batch, "changed", "entitlement")
    made: list[Made] = []
    kept: list[Kept] = []
    people = select(Entitlement, Person.email).join(Person, Person.id == Entitlement.person_id)
    for item, email in rows_in(desk.session, people, Entitlement.id, noted):
        words = noted[item.id].before or {}
        before, after = words.get("state"), words.get("changed_to")
        if (item.person_id, item.course_id) in issued and before != EntitlementState.PAID:
            kept.append(Kept(email, "has a credential that rests on it"))
        elif item.recorded_at > batch.at or (after is not None and item.state != after):
            kept.append(Kept(email, "was changed since"))
        elif before is None or ENTITLEMENT_MACHINE.allows(
            item.state, entitlements.EVENTS[EntitlementState(before)]
        ):
            made.append(noted[item.id])
        else:
            kept.append(Kept(email, "cannot go back to what it was"))
    return Undoing(tuple(made), tuple(kept))


def take_back(desk: Desk[Program], undoing: Undoing) -> None:
    """Remove what was new, and move back what was changed."""
    delete_in(desk.session, Entitlement.id, undoing.ids("entitlement"))
    before = undoing.before("changed")
    for item in scalars_in(desk.session, select(Entitlement), Entitlement.id, before):
        event = entitlements.EVENTS[EntitlementState(before[item.id]["state"] or "")]
        move(
            desk.session, item, event, actor=desk.actor, now=desk.now, reason="undone",
            recorded_at=desk.now,
        )  # fmt: skip


IMPORTER = Importer(EntitlementRow, plan, carry_out, look_back, take_back)
