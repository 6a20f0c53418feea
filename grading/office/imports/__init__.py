"""Imports: rosters, completions, entitlements and conflicts of interest, from tables by the thousand."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from grading.errors import FaultsFound, Refused, StaleRecord
from grading.ledger import audit
from grading.models import Cohort, ImportBatch, Person, Program
from grading.office.imports import cells, completions, conflicts, entitlements, roster, touched
from grading.office.imports.common import (
    Change,
    Desk,
    Effect,
    Importer,
    Kept,
    Place,
    Preview,
    Undoing,
)
from grading.office.imports.tables import (
    DELIMITERS,
    ENCODINGS,
    LONGEST_IMPORT,
    Choice,
    DayOrder,
    Table,
    read_table,
    sheets_of,
)
from grading.people import accounts, consequences
from grading.people.consequences import UNDECIDED, Decided
from grading.workflow.approval import Action
from grading.workflow.cohort import ImportKind

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "IMPORTERS",
    "LONGEST_IMPORT",
    "Change",
    "Choice",
    "DayOrder",
    "Effect",
    "Kept",
    "Preview",
    "Table",
    "Undoing",
    "carry_out",
    "columns_of",
    "look_back",
    "place_of",
    "preview",
    "sheets_of",
    "undo",
]

IMPORTERS: Mapping[ImportKind, Importer[Any, Any]] = {
    ImportKind.ROSTER: roster.IMPORTER,
    ImportKind.COMPLETIONS: completions.IMPORTER,
    ImportKind.ENTITLEMENTS: entitlements.IMPORTER,
    ImportKind.CONFLICTS: conflicts.IMPORTER,
}


def columns_of(kind: ImportKind) -> tuple[str, ...]:
    """Name the columns of a kind of import, those that may be left out last."""
    return tuple(column.name for column in cells.columns_of(IMPORTERS[kind].row))


def preview(
    session: Session,
    actor: Person | None,
    kind: ImportKind,
    place: Place,
    data: bytes,
    *,
    choice: Choice = Choice(),
    now: datetime,
) -> Preview:
    """Say what a file would change; nothing is.

    Parameters
    ----------
    place : Cohort or Program
        A cohort for rosters and conflicts of interest, a program for all else.
    choice : Choice
        How the file is to be read, as far as somebody chose.

    Raises
    ------
    FaultsFound
        Every faulty row, with its line and column.
    """
    return _look(Desk(session, actor, place, now), kind, data, choice)[1]


def _look(
    desk: Desk[Any], kind: ImportKind, data: bytes, choice: Choice
) -> tuple[Desk[Any], Preview]:
    importer = IMPORTERS[kind]
    columns = {column.name: column.optional for column in cells.columns_of(importer.row)}
    table = read_table(data, columns, choice)
    days = DayOrder(choice.days) if choice.days else cells.day_order(table, importer.row)
    known = accounts.by_address(desk.session, cells.addresses(table, importer.row))
    desk = replace(desk, known=known, days=days)
    rows, faults = cells.read_rows(desk, table, importer.row)
    changes, more = importer.plan(desk, rows)
    if faults := [*table.faults, *faults, *more]:
        raise FaultsFound(sorted(faults, key=cells.place_in(importer.row)))
    return desk, Preview(kind, table, days, tuple(changes))


def carry_out(
    session: Session,
    actor: Person | None,
    kind: ImportKind,
    place: Place,
    data: bytes,
    *,
    choice: Choice = Choice(),
    seen: str | None = None,
    take: Collection[str] | None = None,
    decided: Decided = UNDECIDED,
    now: datetime,
) -> tuple[Preview, ImportBatch | None]:
    """Import a file whole; None instead of a batch where nothing was to change.

    Parameters
    ----------
    seen : str, optional
        The digest of the preview somebody looked at.
    take : collection of str, optional
        Of whom the changes that are only offered are taken, by address; None for those that stand chosen.

    Raises
    ------
    FaultsFound
        As `preview`; nothing was changed.
    StaleRecord
        It would do something else by now than what was looked at.
    Undecided, Unsigned
        Results or records rest on what it changes: as `consequences.settle`.
    """
    desk, planned = _look(Desk(session, actor, place, now), kind, data, choice)
    if seen is not None and seen != planned.digest:
        raise StaleRecord("What this file would change is no longer what you looked at.")
    changes = planned.chosen(take)
    if not changes:
        return planned, None
    made = list(IMPORTERS[kind].carry_out(desk, changes))
    cohort = place if isinstance(place, Cohort) else None
    consequences.settle(
        session,
        actor,
        touched.consequences_of(desk, kind, made),
        decided,
        action=Action.DECLARE_CONFLICT,
        cohort=cohort,
        now=now,
    )
    batch = ImportBatch(
        kind=kind,
        program_id=cohort.program_id if cohort else place.id,
        cohort_id=cohort.id if cohort else None,
        by_id=actor.id if actor else None,
        at=now,
        made=[item.to_json() for item in made],
    )
    audit.add(
        session,
        actor,
        "import:carry_out",
        batch,
        now=now,
        after={"kind": str(kind), "rows": planned.rows, "made": len(made)},
    )
    return planned, batch


def look_back(session: Session, actor: Person | None, batch: ImportBatch) -> Undoing:
    """Say what undoing an import would take back, and what stays because it was used since.

    Raises
    ------
    Refused
        It is undone already.
    """
    if batch.undone_at is not None:
        raise Refused("This import is undone already.")
    desk = Desk(session, actor, place_of(session, batch), batch.at)
    return IMPORTERS[ImportKind(batch.kind)].look_back(desk, batch)


def place_of(session: Session, batch: ImportBatch) -> Place:
    """Give the cohort or the program that an import was made for."""
    if batch.cohort_id is not None:
        return session.get_one(Cohort, batch.cohort_id)
    return session.get_one(Program, batch.program_id)


def undo(session: Session, actor: Person | None, batch: ImportBatch, *, now: datetime) -> Undoing:
    """Take back what an import made and nobody used since.

    Raises
    ------
    Refused
        It is undone already, or everything it made has been used.
    """
    undoing = look_back(session, actor, batch)
    if not undoing.made:
        raise Refused("Everything this import made has been used since, so nothing is undone.")
    desk = Desk(session, actor, place_of(session, batch), now)
    IMPORTERS[ImportKind(batch.kind)].take_back(desk, undoing)
    batch.undone_at = now
    session.flush()
    audit.record(
        session,
        actor,
        "import:undo",
        batch,
        now=now,
        after={
            "taken_back": [[item.word, item.id] for item in undoing.made],
            "kept": len(undoing.kept),
        },
    )
    return undoing
