"""Rows with a type: a frozen dataclass a kind of import, each field annotated with what reads its cells.

A function for cells gives the value, or raises `Refused`; the fault names line and column, and the faults
of all cells are found at once.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

from grading.errors import Fault, Refused
from grading.office.imports.common import Desk, ImportedRow, RowT
from grading.office.imports.tables import DayOrder, Table
from grading.programs import completions
from grading.texts import address_sought, clean_line, clean_text, email_address, person_name
from grading.workflow.deadlines import has_begun

Word = TypeVar("Word", bound=StrEnum)
CellReader = Callable[[str, Desk[Any]], object]
# 3/4/2026, 3.4.2026 or 3-4-2026: which number is the day, the text does not say.
_NUMBERS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True)
class Column:
    """A column of a kind of row; one with a default may be left out."""

    name: str
    read: CellReader
    optional: bool


def columns_of(row: type[ImportedRow]) -> tuple[Column, ...]:
    """List the columns of a kind of row: its fields, each annotated with what reads its cells."""
    hints = get_type_hints(row, include_extras=True)
    return tuple(
        Column(item.name, hints[item.name].__metadata__[0], item.default is not MISSING)
        for item in fields(row)
        if get_origin(hints[item.name]) is Annotated
    )


def _cells(table: Table, row: type[ImportedRow], readers: tuple[CellReader, ...]) -> Iterator[str]:
    names = [column.name for column in columns_of(row) if column.read in readers]
    return (line.values[name] for line in table.rows for name in names)


def read_rows(desk: Desk[Any], table: Table, row: type[RowT]) -> tuple[list[RowT], list[Fault]]:
    """Read the rows of a table; gives those whose cells are all good."""
    rows: list[RowT] = []
    faults: list[Fault] = []
    columns = columns_of(row)
    for line in table.rows:
        values: dict[str, object] = {}
        for column in columns:
            try:
                values[column.name] = column.read(line.values[column.name], desk)
            except Refused as error:
                where = f"line {line.line}, {column.name}"
                faults.append(Fault(where, error.template, error.params))
        if len(values) == len(columns):
            rows.append(row(line=line.line, **values))
    return rows, faults


def place_in(row: type[ImportedRow]) -> Callable[[Fault], tuple[int, int]]:
    """Make the key that sorts the faults of a table by line and column."""
    names = [column.name for column in columns_of(row)]

    def key(fault: Fault) -> tuple[int, int]:
        line, _, name = fault.where.removeprefix("line ").partition(", ")
        return int(line), names.index(name) if name in names else -1

    return key


def addresses(table: Table, row: type[ImportedRow]) -> Iterator[str]:
    """Give the cells of a table that are addresses of people."""
    return _cells(table, row, (account, new_account))


def day_order(table: Table, row: type[ImportedRow]) -> DayOrder | None:
    """Say how the dates of a table are written, where one of them can be read in one way only."""
    orders = set()
    for match in map(_NUMBERS.fullmatch, _cells(table, row, (past_day,))):
        if match and int(match[1]) > 12:
            orders.add(DayOrder.DAY_FIRST)
        if match and int(match[3]) > 12:
            orders.add(DayOrder.MONTH_FIRST)
    return orders.pop() if len(orders) == 1 else None


def account(text: str, desk: Desk[Any]) -> str:
    """Read the address of an account there is."""
    address = address_sought(text)
    if address not in desk.known:
        raise Refused("No account has the address “%(email)s”.", email=text)
    return address


def new_account(text: str, desk: Desk[Any]) -> str:
    """Read the address of an open account, or of one that can be made."""
    address = address_sought(text)
    person = desk.known.get(address)
    if person is None:
        return email_address(text)
    if not person.active:
        raise Refused("This account is closed.")
    return address


def name(text: str, desk: Desk[Any]) -> str:
    """Read a person's name."""
    return person_name(text)


def label(longest: int) -> CellReader:
    """Make the reader of a cell that holds the name of a thing, or nothing."""

    def read(text: str, desk: Desk[Any]) -> str:
        line = clean_line(text)
        if len(line) > longest:
            raise Refused("Use at most %(n)s characters.", n=longest)
        return line

    return read


def past_day(text: str, desk: Desk[Any]) -> date:
    """Read a day that has begun."""
    day = _day(text, desk.days)
    if not has_begun(day, desk.now):
        raise Refused(completions.FUTURE)
    return day


def _day(text: str, order: DayOrder | None) -> date:
    try:
        match = _NUMBERS.fullmatch(text)
        if match is None:
            return datetime.fromisoformat(text).date()
        if order is not None:
            first, second, year = int(match[1]), int(match[3]), int(match[4])
            if order is DayOrder.DAY_FIRST:
                first, second = second, first
            return date(year, first, second)
    except ValueError:
        raise Refused("“%(text)s” is no date; write it as 2026-11-30.", text=text) from None
    raise Refused(
        "“%(text)s” does not say whether day or month comes first. Choose it, or write it as 2026-11-30.",
        text=text,
    )


def one_of(words: type[Word]) -> CellReader:
    """Make the reader of a cell that holds one of some words."""

    def read(text: str, desk: Desk[Any]) -> Word:
        if text.lower() not in set(words):
            raise Refused("“%(text)s” is none of %(words)s.", text=text, words=tuple(words))
        return words(text.lower())

    return read


def prose(longest: int, *, needed: bool = False) -> CellReader:
    """Make the reader of a cell with words of somebody's own."""

    def read(text: str, desk: Desk[Any]) -> str:
        words = clean_text(text)
        if needed and not words:
            raise Refused("Give a reason of at most %(n)s characters.", n=longest)
        if len(words) > longest:
            raise Refused("Use at most %(n)s characters.", n=longest)
        return words

    return read
