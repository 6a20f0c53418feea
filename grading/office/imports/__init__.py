"""Imports: rosters, completions, entitlements and conflicts of interest, from CSV by the thousand."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from grading.errors import Fault, FaultsFound, Refused, StaleRecord
from grading.ledger import audit
from grading.models import Cohort, ImportBatch, Person
from grading.office.imports import completions, conflicts, entitlements, roster, tables
from grading.office.imports.common import (
    Change,
    Effect,
    Importer,
    Kept,
    Place,
    Preview,
    Undoing,
)
from grading.workflow.cohort import ImportKind

__all__ = [
    "IMPORTERS",
    "Change",
    "Effect",
    "Kept",
    "Preview",
    "Undoing",
    "carry_out",
    "look_back",
    "preview",
    "undo",
]

IMPORTERS: Mapping[ImportKind, Importer] = {
    ImportKind.ROSTER: roster.IMPORTER,
    ImportKind.COMPLETIONS: completions.IMPORTER,
    ImportKind.ENTITLEMENTS: entitlements.IMPORTER,
    ImportKind.CONFLICTS: conflicts.IMPORTER,
}


def preview(
    session: Session,
    actor: Person | None,
    kind: ImportKind,
    place: Place,
    data: bytes,
    *,
    now: datetime,
) -> Preview:
    """Say what a file would change; nothing is.

    Parameters
    ----------
    place : Cohort or Program
        A cohort for rosters and conflicts of interest, a program for all else.

    Raises
    ------
    FaultsFound
        Every faulty row, with its line and column.
    """
    importer = IMPORTERS[kind]
    rows = tables.read(data, importer.columns, importer.optional)
    if not rows:
        raise FaultsFound([Fault("file", "The file has no rows.")])
    return Preview(kind, len(rows), tuple(importer.plan(session, actor, place, rows, now)))


def carry_out(
    session: Session,
    actor: Person | None,
    kind: ImportKind,
    place: Place,
    data: bytes,
    *,
    seen: str | None = None,
    now: datetime,
) -> tuple[Preview, ImportBatch | None]:
    """Import a file whole; None instead of a batch where nothing was to change.

    Parameters
    ----------
    seen : str, optional
        The digest of the preview somebody looked at.

    Raises
    ------
    FaultsFound
        As `preview`; nothing was changed.
    StaleRecord
        It would do something else by now than what was looked at.
    """
    planned = preview(session, actor, kind, place, data, now=now)
    if seen is not None and seen != planned.digest:
        raise StaleRecord("What this file would change is no longer what you looked at.")
    if not planned.changes:
        return planned, None
    made = IMPORTERS[kind].carry_out(session, actor, place, planned.changes, now)
    cohort = place if isinstance(place, Cohort) else None
    batch = ImportBatch(
        kind=kind,
        program_id=cohort.program_id if cohort else place.id,
        cohort_id=cohort.id if cohort else None,
        by_id=actor.id if actor else None,
        at=now,
        made=[list(entry) for entry in made],
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
    return IMPORTERS[ImportKind(batch.kind)].look_back(session, actor, batch)


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
    IMPORTERS[ImportKind(batch.kind)].take_back(session, actor, batch, undoing.made, now)
    batch.undone_at = now
    session.flush()
    audit.record(
        session,
        actor,
        "import:undo",
        batch,
        now=now,
        after={
            "taken_back": [list(entry[:2]) for entry in undoing.made],
            "kept": len(undoing.kept),
        },
    )
    return undoing
