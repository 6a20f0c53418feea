"""Reading tables that people made: text in any usual form, or a sheet of a workbook; nothing is changed.

What the file does not say is found out (encoding, delimiter, where the header stands), kept with the table so
that the person sees how it was read, and can be chosen otherwise.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from grading.errors import Fault, FaultsFound
from grading.office.imports.workbook import read_workbook

LONGEST_IMPORT = 1_400_000
# A header is looked for so far down: above it may stand a title, or lines that say what the list is.
HEADER_WITHIN = 20
DELIMITERS = (",", ";", "\t", "|")
UTF_8, UTF_16, WINDOWS = "utf-8", "utf-16", "windows-1252"
ENCODINGS = (
    UTF_8, UTF_16, WINDOWS, "windows-1250", "windows-1251", "windows-1253", "windows-1254",
    "windows-1255", "windows-1256", "mac-roman", "shift_jis", "euc-kr", "gb18030", "big5",
)  # fmt: skip
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UNUSUAL_SHOWN = 12


class DayOrder(StrEnum):
    """Which number of a date such as 3/4/2026 is the day."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True)
class Choice:
    """How somebody wants a file to be read; what is empty is found out."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    days: str = ""


@dataclass(frozen=True)
class TableRow:
    """One row with the number of the line it ends on, as an editor or a spreadsheet shows it."""

    line: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """What was read, and how.

    Attributes
    ----------
    header_line : int
        Where the names of the columns stand.
    left_out : tuple of str
        Columns that no import of the kind knows.
    faults : tuple of Fault
        Rows that do not fit the header.
    encoding, delimiter : str
        Empty for a workbook.
    assumed : bool
        Whether the encoding was assumed, since nothing in the file says it.
    unusual : tuple of str
        Cells that read otherwise in another encoding, where it was assumed.
    sheet : str
        Empty for a text.
    """

    rows: tuple[TableRow, ...]
    header_line: int
    left_out: tuple[str, ...]
    faults: tuple[Fault, ...]
    encoding: str = ""
    delimiter: str = ""
    assumed: bool = False
    unusual: tuple[str, ...] = ()
    sheet: str = ""
    sheets: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    number: int
    cells: list[str]

    @property
    def names(self) -> list[str]:
        return [cell.strip().lower() for cell in self.cells]

    def at(self, place: int) -> str:
        return self.cells[place].strip() if place < len(self.cells) else ""

    @property
    def blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


def read_table(data: bytes, columns: Mapping[str, bool], choice: Choice = Choice()) -> Table:
    """Read the rows below the header that names the columns, in any order; blank rows are passed over.

    Parameters
    ----------
    columns : dict of bool
        The columns that a kind of import knows, each with whether it may be left out.

    Raises
    ------
    FaultsFound
        Too large, no text in the encoding, no rows, or columns missing or twice.
    """
    if len(data) > LONGEST_IMPORT:
        raise _fault("file", "This is larger than %(n)s KB. Split it.", n=LONGEST_IMPORT // 1000)
    if data.startswith(_WORKBOOKS):
        workbook = read_workbook(data, choice.sheet)
        if workbook is None:
            raise _fault("file", "The workbook cannot be read. Save the sheet as CSV.")
        lines = [_Line(number, cells) for number, cells in enumerate(workbook.rows, 1)]
        return replace(
            _below_header(lines, columns),
            sheet=choice.sheet or workbook.sheets[0],
            sheets=tuple(workbook.sheets),
        )
    encoding, assumed = _encoding(data, choice.encoding)
    text, skipped, named = _without_separator_line(_decoded(data, encoding))
    delimiter = choice.delimiter or named or _best_delimiter(text, columns)
    lines = list(_lines(text, delimiter, skipped))
    table = _below_header(lines, columns)
    cells = (cell for row in table.rows for cell in row.values.values())
    return replace(
        table,
        encoding=encoding,
        delimiter=delimiter,
        assumed=assumed,
        unusual=tuple(dict.fromkeys(cell for cell in cells if not cell.isascii()))[:_UNUSUAL_SHOWN]
        if assumed
        else (),
    )


def sheets_of(data: bytes) -> list[str]:
    """Name the sheets of a workbook; none where a file is no workbook, or cannot be read."""
    workbook = read_workbook(data, "") if data.startswith(_WORKBOOKS) else None
    return workbook.sheets if workbook else []


def _fault(where: str, template: str, **params: object) -> FaultsFound:
    return FaultsFound([Fault(where, template, params)])


def _encoding(data: bytes, chosen: str) -> tuple[str, bool]:
    """Give the encoding of a text, and whether it is assumed: Windows writes its own and does not say so."""
    if chosen in ENCODINGS:
        return chosen, False
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF_16, False
    try:
        data.decode(UTF_8)
    except UnicodeDecodeError:
        return WINDOWS, True
    return UTF_8, False


def _decoded(data: bytes, encoding: str) -> str:
    """Read a text in an encoding; nothing is put in place of what cannot be read."""
    try:
        text = data.decode("utf-8-sig" if encoding == UTF_8 else encoding)
    except UnicodeDecodeError as error:
        raise _fault(
            "encoding",
            "Line %(line)s is no text in %(encoding)s. Choose another encoding, or save as CSV UTF-8.",
            line=data[: error.start].count(b"\n") + 1,
            encoding=encoding,
        ) from None
    if "\0" in text:
        raise _fault(
            "encoding",
            "This is no text in %(encoding)s. Choose another encoding, such as UTF-16.",
            encoding=encoding,
        )
    return text


def _without_separator_line(text: str) -> tuple[str, int, str]:
    """Take off the line ``sep=;`` that a spreadsheet is told its delimiter by."""
    first, _, rest = text.partition("\n")
    first = first.strip('\r"')
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        return rest, 1, first[-1]
    return text, 0, ""


def _lines(text: str, delimiter: str, skipped: int = 0) -> Iterator[_Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield _Line(reader.line_num + skipped, cells)
    except csv.Error as error:
        line = reader.line_num + skipped
        raise _fault(f"line {line}", "The row cannot be read: %(why)s.", why=str(error)) from None


def _best_delimiter(text: str, columns: Iterable[str]) -> str:
    """Give the delimiter under which the most names of columns stand in one line."""
    head = "\n".join(text.splitlines()[:HEADER_WITHIN])
    names = set(columns)

    def most_names(delimiter: str) -> int:
        lines = csv.reader(io.StringIO(head), delimiter=delimiter)
        return max((len(names & set(_Line(0, cells).names)) for cells in lines), default=0)

    return max(DELIMITERS, key=most_names)


def _below_header(lines: list[_Line], columns: Mapping[str, bool]) -> Table:
    """Find the header, and read the rows below it."""
    filled = [line for line in lines if not line.blank]
    if not filled:
        raise _fault("file", "The file has no rows.")
    header = max(filled[:HEADER_WITHIN], key=lambda line: len(set(columns) & set(line.names)))
    names, where = header.names, f"line {header.number}"
    faults = [
        Fault(where, "The column “%(name)s” is missing.", {"name": name})
        for name, optional in columns.items()
        if not optional and name not in names
    ]
    faults += [
        Fault(where, "The column “%(name)s” stands twice.", {"name": name})
        for name in columns
        if names.count(name) > 1
    ]
    if faults:
        raise FaultsFound(faults)
    body = filled[filled.index(header) + 1 :]
    if not body:
        raise _fault("file", "The file has no rows.")
    rows = tuple(
        TableRow(
            line.number,
            dict.fromkeys(columns, "")
            | {name: line.at(place) for place, name in enumerate(names) if name in columns},
        )
        for line in body
    )
    too_long = tuple(
        Fault(f"line {line.number}", "The row has more cells than there are columns.")
        for line in body
        if any(cell.strip() for cell in line.cells[len(names) :])
    )
    # A column without a name that holds nothing is what spreadsheets leave behind.
    left_out = tuple(
        name or str(place + 1)
        for place, name in enumerate(names)
        if name not in columns and (name or any(line.at(place) for line in body))
    )
    return Table(rows, header.number, left_out, too_long)
