"""The cells of a file of ratings: what its columns are called, and what their texts mean."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grading.measurement.coding import Labels
from grading.measurement.files.faults import Faults
from grading.measurement.ratings import Collector

# What stands for a mark that was not given; compared without case.
MISSING = frozenset({"", ".", "na", "n/a", "nan", "null", "none", "-"})
ROWS = 1 << 17
Progress = Callable[[int, float], None]


@dataclass(frozen=True)
class Columns:
    """What the columns of a file are called.

    Attributes
    ----------
    work, rater, score : str
    criterion : str or None
        None where the file has one criterion and no column for it.
    extra : tuple of str
        Further columns to keep.
    """

    work: str = "work"
    rater: str = "rater"
    score: str = "score"
    criterion: str | None = "criterion"
    extra: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """All columns that the file must have."""
        own = (self.work, self.rater, self.score)
        return (*own, *((self.criterion,) if self.criterion else ()), *self.extra)


def tidy(labels: Labels) -> Labels:
    """Give labels of a text column their final form.

    Blanks at the ends go. Whole numbers that came through a spreadsheet as ``840.0`` become ``840``,
    unless the column has real fractions: then ``2.0`` may well be a version and stays.

    Examples
    --------
    >>> tidy(["840.0", " 801", "x"])
    ['840', '801', 'x']
    >>> tidy(["2.0", "2.5"])
    ['2.0', '2.5']
    """
    texts = [str(label).strip() for label in labels]
    fractions = False
    for text in texts:
        whole, point, rest = text.partition(".")
        if point and rest.isdigit() and rest.strip("0") and whole.lstrip("-").isdigit():
            fractions = True
            break
    if fractions:
        return texts
    return [whole_number(text) for text in texts]


def whole_number(text: str) -> str:
    number, point, rest = text.partition(".")
    if point and rest and not rest.strip("0") and number.lstrip("-").isdigit():
        return number
    return text


class ScoreTexts:
    """What score texts mean, looked at once each."""

    def __init__(self, levels: Sequence[float] | None) -> None:
        self.levels = None if levels is None else {float(level) for level in levels}
        self.seen: dict[str, str | None] = {}

    def fault(self, text: str | None) -> str | None:
        """What is wrong with a score, or None; a missing one is right."""
        if text is None:
            return None
        if text not in self.seen:
            self.seen[text] = self._look(text)
        return self.seen[text]

    def _look(self, text: str) -> str | None:
        if text.strip().lower() in MISSING:
            return None
        try:
            value = float(text)
        except ValueError:
            return f"the score “{text}” is no number"
        if not math.isfinite(value):
            return f"the score “{text}” is no number"
        if self.levels is not None and value not in self.levels:
            return f"the score “{text}” is not on the scale"
        return None


@dataclass(frozen=True)
class Block:
    """Some rows of a file, by column, with the line each ends on."""

    lines: list[int]
    cells: dict[str, list[str]]


def check_header(header: list[str], columns: Columns) -> None:
    faults = Faults("line")
    for name in columns.named:
        if header.count(name) != 1:
            what = "is missing" if name not in header else "stands there twice"
            faults.add(1, f"the column “{name}” {what}")
    faults.refuse()


def collect(
    collector: Collector, block: Block, columns: Columns, scores: ScoreTexts, faults: Faults
) -> None:
    """Code a block; where it has faults they are named and nothing is kept of it."""
    before = faults.count
    cells = block.cells
    given = cells[columns.score]
    if any(scores.fault(text) for text in set(given)):
        for line, text in zip(block.lines, given, strict=True):
            fault = scores.fault(text)
            if fault:
                faults.add(line, fault)
    labels = [columns.work, columns.rater, *([columns.criterion] if columns.criterion else [])]
    for name in labels:
        if any(not text or text.isspace() for text in set(cells[name])):
            for line, text in zip(block.lines, cells[name], strict=True):
                if not text.strip():
                    faults.add(line, f"the column “{name}” is blank")
    if faults.count > before:
        return
    collector.add(
        cells[columns.work],
        cells[columns.rater],
        [None if text.strip().lower() in MISSING else text for text in given],
        criterion=cells[columns.criterion] if columns.criterion else None,
        columns={name: cells[name] for name in columns.extra},
    )
