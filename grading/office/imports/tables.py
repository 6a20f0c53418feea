"""Reading CSV that people made: every faulty row is named, and the reader changes nothing."""

import csv
import io
from dataclasses import dataclass

from grading.errors import Fault, FaultsFound

LONGEST_IMPORT = 5_000_000


@dataclass(frozen=True)
class TableRow:
    """One row with the number of the line it ends on, as an editor shows it."""

    line: int
    values: dict[str, str]

    def place(self, column: str) -> str:
        """Name a cell as faults do."""
        return f"line {self.line}, {column}"

    def fault(self, column: str, template: str, **params: object) -> Fault:
        return Fault(self.place(column), template, params)


def read(data: bytes, columns: tuple[str, ...], optional: tuple[str, ...] = ()) -> list[TableRow]:
    """Read rows with the named columns, in any order; blank rows are passed over.

    Raises
    ------
    FaultsFound
        Not UTF-8, too large, columns missing, unknown or twice, or rows with too many cells.
    """
    if len(data) > LONGEST_IMPORT:
        raise FaultsFound([Fault("file", "The file is larger than 5 MB. Split it.")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FaultsFound(
            [Fault(f"line {line}", "This is not UTF-8 text. Save the file as CSV UTF-8.")]
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    faults: list[Fault] = []
    rows: list[TableRow] = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        known = columns + optional
        faults += [
            Fault("line 1", "The column “%(name)s” is missing.", {"name": name})
            for name in columns
            if name not in header
        ]
        faults += [
            Fault("line 1", "No column is called “%(name)s”.", {"name": name})
            for name in header
            if name not in known
        ]
        faults += [
            Fault("line 1", "The column “%(name)s” stands twice.", {"name": name})
            for name in sorted({name for name in header if header.count(name) > 1})
        ]
        if faults:
            raise FaultsFound(faults)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                faults.append(
                    Fault(
                        f"line {reader.line_num}", "The row has more cells than there are columns."
                    )
                )
                continue
            values = dict.fromkeys(header, "") | {
                name: cell.strip() for name, cell in zip(header, cells, strict=False)
            }
            rows.append(TableRow(reader.line_num, values))
    except csv.Error as error:
        faults.append(
            Fault(
                f"line {reader.line_num}", "The row cannot be read: %(why)s.", {"why": str(error)}
            )
        )
    if faults:
        raise FaultsFound(faults)
    return rows
