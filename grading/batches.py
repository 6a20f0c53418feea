"""Long lists in pieces, each short enough to be the parameters of one statement in every database."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import Row, Select, delete
from sqlalchemy.orm import InstrumentedAttribute, Session

SIZE = 1_000

Item = TypeVar("Item")
Columns = TypeVarTuple("Columns")


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut items into lists of at most `SIZE`."""
    left = iter(items)
    while batch := list(islice(left, SIZE)):
        yield batch


def scalars_in(
    session: Session,
    statement: Select[Item],
    column: InstrumentedAttribute[Any],
    values: Iterable[Any],
) -> Iterator[Item]:
    """Read what a statement asks for where a column has one of many values."""
    for batch in batches(values):
        yield from session.scalars(statement.where(column.in_(batch)))


def rows_in(
    session: Session,
    statement: Select[*Columns],
    column: InstrumentedAttribute[Any],
    values: Iterable[Any],
) -> Iterator[Row[*Columns]]:
    """Read the rows of a statement that asks for several things, as `scalars_in` reads those of one."""
    for batch in batches(values):
        yield from session.execute(statement.where(column.in_(batch)))


def delete_in(session: Session, column: InstrumentedAttribute[Any], values: Iterable[Any]) -> None:
    """Delete the rows of a column's table where it has one of many values."""
    for batch in batches(values):
        session.execute(delete(column.class_).where(column.in_(batch)))
