"""What is wrong in a file of ratings, every fault with its line."""

from collections.abc import Sequence
from dataclasses import dataclass

# Faults that are listed; all are counted.
LISTED = 100


@dataclass(frozen=True)
class RowFault:
    """One thing wrong in a file.

    Attributes
    ----------
    line : int
        Line of a CSV file, row of a Parquet file; both from 1.
    message : str
    """

    line: int
    message: str


class FaultyRows(ValueError):
    """A file that cannot be used.

    Attributes
    ----------
    faults : tuple of RowFault
        The first of them, by line.
    count : int
        How many there are.
    unit : str
        ``line`` or ``row``.
    """

    def __init__(self, faults: Sequence[RowFault], count: int, unit: str = "line") -> None:
        super().__init__("\n".join(f"{unit} {fault.line}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)
        self.count = count
        self.unit = unit


class Faults:
    """Faults as they are found: the first are kept, all are counted."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.kept: list[RowFault] = []
        self.count = 0

    def add(self, line: int, message: str) -> None:
        self.count += 1
        if len(self.kept) < LISTED:
            self.kept.append(RowFault(line, message))

    def refuse(self) -> None:
        if self.count:
            kept = sorted(self.kept, key=lambda fault: fault.line)
            raise FaultyRows(kept, self.count, self.unit)
