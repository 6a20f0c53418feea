"""What every import has in common: a look at what it would change, the change itself, and undoing it.

An import is planned from the file and the database as they are, and changes nothing while it is. What
was shown can be carried out only if it would still do the same. What it made is kept in an
`ImportBatch`, so that it can be undone; what was used since stays, and is named.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Self, TypeVar

from sqlalchemy.orm import Session

from grading.errors import Fault
from grading.ledger import seals
from grading.models import Cohort, ImportBatch, Person, Program
from grading.office.imports.tables import DayOrder, Table
from grading.workflow.cohort import ImportKind

Place = Cohort | Program
PlaceT = TypeVar("PlaceT", bound=Cohort | Program)
RowT = TypeVar("RowT", bound="ImportedRow")


class Effect(StrEnum):
    """What one row does."""

    ACCOUNT = "account"
    RENAME = "rename"
    NAME_STAYS = "name_stays"
    ENROL = "enrol"
    ENROL_AGAIN = "enrol_again"
    GROUP = "group"
    COMPLETE = "complete"
    RENEW = "renew"
    GRANT = "grant"
    CHANGE = "change"
    KEEP_APART = "keep_apart"


@dataclass(frozen=True)
class ImportedRow:
    """What the rows of all kinds have: the line on which they stand."""

    line: int

    def fault(self, column: str, template: str, **params: object) -> Fault:
        return Fault(f"line {self.line}, {column}", template, params)


@dataclass(frozen=True)
class Desk(Generic[PlaceT]):
    """What every step of an import works with.

    Attributes
    ----------
    known : dict of Person
        The accounts there are of the addresses in the file.
    days : DayOrder or None
        How dates such as 3/4/2026 are read; None where nobody can say.
    """

    session: Session
    actor: Person | None
    place: PlaceT
    now: datetime
    known: Mapping[str, Person] = field(default_factory=dict)
    days: DayOrder | None = None


@dataclass(frozen=True)
class Change(Generic[RowT]):
    """One thing an import would do.

    Attributes
    ----------
    who : str
        The address of the person it is about.
    detail : str
        A role, a course, a state: what the effect's words leave open.
    before : str
        What stands there now, where that is replaced.
    offered : bool or None
        Where it is done only if the person chooses it: whether it is chosen until they say otherwise.
    """

    row: RowT
    who: str
    effect: Effect
    detail: str
    before: str = ""
    offered: bool | None = None

    @property
    def line(self) -> int:
        return self.row.line


@dataclass(frozen=True)
class Preview:
    """What an import would change: nothing was changed yet.

    Attributes
    ----------
    table : Table
        What was read, and how.
    days : DayOrder or None
        How its dates were read, where they are not written as 2026-11-30.
    changes : tuple of Change
        Rows that hold already make none.
    """

    kind: ImportKind
    table: Table
    days: DayOrder | None
    changes: tuple[Change[Any], ...]

    @property
    def rows(self) -> int:
        return len(self.table.rows)

    @property
    def counts(self) -> dict[Effect, int]:
        return dict(Counter(change.effect for change in self.changes))

    @property
    def offers(self) -> list[Change[Any]]:
        return [change for change in self.changes if change.offered is not None]

    def chosen(self, addresses: Collection[str] | None) -> list[Change[Any]]:
        """List what is done: of the offers those for some people, or those that stand chosen."""
        return [
            change
            for change in self.changes
            if (change.offered is not False if addresses is None else change.who in addresses)
            or change.offered is None
        ]

    @property
    def unchanged(self) -> int:
        """How many rows hold already."""
        return self.rows - len({change.line for change in self.changes})

    @property
    def digest(self) -> str:
        """Names what would change, so that nothing else is carried out than what was looked at."""
        text = seals.canonical([asdict(change) for change in self.changes])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Made:
    """One thing an import made or changed, with what it was before."""

    word: str
    id: str
    before: Mapping[str, str | None] | None = None

    def to_json(self) -> list[Any]:
        """Give the form in which an `ImportBatch` keeps it."""
        return [self.word, self.id, *([dict(self.before)] if self.before else [])]

    @classmethod
    def from_json(cls, entry: Sequence[Any]) -> Self:
        """Read what an `ImportBatch` keeps."""
        word, key, *before = entry
        if len(before) == 2:
            # Entitlements were kept with two words once: the state before and the one after.
            before = [dict(zip(("state", "changed_to"), before, strict=True))]
        return cls(word, key, *before)


@dataclass(frozen=True)
class Kept:
    """Something an import made that cannot be undone: whose it is, and why."""

    who: str
    template: str


@dataclass(frozen=True)
class Undoing:
    """What undoing an import would take back, and what stays."""

    made: tuple[Made, ...]
    kept: tuple[Kept, ...]

    def ids(self, word: str) -> list[str]:
        """List what is taken back under one word."""
        return [item.id for item in self.made if item.word == word]

    def before(self, word: str) -> dict[str, Mapping[str, str | None]]:
        """Give what was before, of everything taken back under one word."""
        return {item.id: item.before or {} for item in self.made if item.word == word}


@dataclass(frozen=True)
class Importer(Generic[PlaceT, RowT]):
    """One kind of import: the form of its rows, and its four steps.

    Attributes
    ----------
    plan : callable
        Gives what rows would change, and what is wrong with them beyond their cells.
    carry_out : callable
        Does it, and gives what it made.
    look_back : callable
        Gives what can be taken back.
    take_back : callable
        Takes it back.
    """

    row: type[RowT]
    plan: Callable[[Desk[PlaceT], Sequence[RowT]], tuple[list[Change[RowT]], list[Fault]]]
    carry_out: Callable[[Desk[PlaceT], Sequence[Change[RowT]]], Iterable[Made]]
    look_back: Callable[[Desk[PlaceT], ImportBatch], Undoing]
    take_back: Callable[[Desk[PlaceT], Undoing], None]


def made_of(batch: ImportBatch, *words: str) -> dict[str, Made]:
    """Give what a batch made under some words, by id."""
    return {entry[1]: Made.from_json(entry) for entry in batch.made if entry[0] in words}
