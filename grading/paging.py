"""Lists one page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, TypeVarTuple

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, lazyload

SIZE = 50

Entry = TypeVar("Entry")
Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class Page(Generic[Entry]):
    """Some of a list's entries.

    Attributes
    ----------
    entries : sequence
    number : int
        Which page this is, from 1.
    total : int
        How many entries the whole list has.
    """

    entries: Sequence[Entry]
    number: int
    total: int

    @property
    def count(self) -> int:
        """How many pages there are: one at least."""
        return max(-(-self.total // SIZE), 1)


def page_of(session: Session, statement: Select[Entry], number: int) -> Page[Entry]:
    """Read one page of the records that a statement lists, and count them all; two queries."""
    records = session.scalars(_cut(statement, number)).all()
    return Page(records, number, _total(session, statement))


def rows_page_of(session: Session, statement: Select[*Columns], number: int) -> Page[Row[*Columns]]:
    """Read one page of the rows of a statement that asks for several things; two queries."""
    rows = session.execute(_cut(statement, number)).all()
    return Page(rows, number, _total(session, statement))


def _cut(statement: Select[*Columns], number: int) -> Select[*Columns]:
    return statement.limit(SIZE).offset((number - 1) * SIZE)


def _total(session: Session, statement: Select[*Columns]) -> int:
    listed = statement.options(lazyload("*")).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(listed)) or 0


def page_in(entries: Sequence[Entry], number: int) -> Page[Entry]:
    """Cut one page out of a list that is held as a whole."""
    return Page(entries[(number - 1) * SIZE : number * SIZE], number, len(entries))
