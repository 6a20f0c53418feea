"""What every import has in common: a look at what it would change, the change itself, and undoing it.

An import is planned from the file and the database as they are, and changes nothing while it is. What
was shown can be carried out only if it would still do the same. What it made is kept in an
`ImportBatch`, so that it can be undone; what was used since stays, and is named.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from grading.ledger import audit
from grading.models import Cohort, ImportBatch, Person, Program
from grading.office.imports.tables import TableRow
from grading.workflow.cohort import ImportKind

Item = TypeVar("Item")


class Effect(StrEnum):
    """What one row does."""

    ACCOUNT = "account"
    ENROL = "enrol"
    ENROL_AGAIN = "enrol_again"
    GROUP = "group"
    COMPLETE = "complete"
    RENEW = "renew"
    GRANT = "grant"
    CHANGE = "change"
    KEEP_APART = "keep_apart"


@dataclass(frozen=True)
class Change:
    """One thing an import would do.

    Attributes
    ----------
    line : int
        Where it stands in the file.
    who : str
        The address of the person it is about.
    detail : str
        A role, a course, a state: what the effect's words leave open.
    values : tuple
        What carrying it out needs.
    """

    line: int
    who: str
    effect: Effect
    detail: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What an import would change: nothing was changed yet.

    Attributes
    ----------
    rows : int
        How many the file has.
    changes : tuple of Change
        Rows that hold already make none.
    """

    kind: ImportKind
    rows: int
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[Effect, int]:
        return dict(Counter(change.effect for change in self.changes))

    @property
    def unchanged(self) -> int:
        """How many rows hold already."""
        return self.rows - len({change.line for change in self.changes})

    @property
    def digest(self) -> str:
        """Names what would change, so that nothing else is carried out than what was looked at."""
        text = audit.canonical(
            [(c.line, c.who, str(c.effect), c.detail, c.values) for c in self.changes]
        )
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Kept:
    """Something an import made that cannot be undone: whose it is, and why."""

    who: str
    template: str


@dataclass(frozen=True)
class Undoing:
    """What undoing an import would take back, and what stays.

    Attributes
    ----------
    made : tuple
        Entries of ``ImportBatch.made`` that can be taken back.
    """

    made: tuple[tuple[Any, ...], ...]
    kept: tuple[Kept, ...]


Place = Cohort | Program
Plan = Callable[[Session, Person | None, Any, Sequence[TableRow], datetime], list[Change]]
CarryOut = Callable[
    [Session, Person | None, Any, Sequence[Change], datetime], list[tuple[Any, ...]]
]
LookBack = Callable[[Session, Person | None, ImportBatch], Undoing]
TakeBack = Callable[
    [Session, Person | None, ImportBatch, Sequence[tuple[Any, ...]], datetime], None
]


@dataclass(frozen=True)
class Importer:
    """One kind of import."""

    columns: tuple[str, ...]
    optional: tuple[str, ...]
    plan: Plan
    carry_out: CarryOut
    look_back: LookBack
    take_back: TakeBack


def of_kind(batch: ImportBatch, word: str) -> list[tuple[Any, ...]]:
    """List what a batch made under one word, without the word."""
    return [tuple(entry[1:]) for entry in batch.made if entry[0] == word]
