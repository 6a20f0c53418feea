"""Ratings from files: long CSV or Parquet, in blocks, with every fault named at once.

With pyarrow installed a clean CSV file is read by it, some times faster; a file with a fault is read
again row by row, so that what is said of it has the line.
"""

import csv
import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from grading.measurement.ratings import Collector, Labels, RatedTwice, Ratings

# What stands for a mark that was not given; compared without case.
MISSING = frozenset({"", ".", "na", "n/a", "nan", "null", "none", "-"})
ROWS = 1 << 17
# Faults that are listed; all are counted.
LISTED = 100

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


class _Faults:
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
    return [_whole(text) for text in texts]


def _whole(text: str) -> str:
    number, point, rest = text.partition(".")
    if point and rest and not rest.strip("0") and number.lstrip("-").isdigit():
        return number
    return text


class _Scores:
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


def _on_scale(
    levels: Sequence[float] | None, scale: tuple[float, float] | None
) -> Sequence[float] | None:
    if scale is None:
        return levels
    low, high = scale
    if not (math.isfinite(high - low) and high >= low and (high - low) == int(high - low)):
        raise ValueError("the scale must run in whole steps from its lowest to its highest level")
    return [low + step for step in range(int(high - low) + 1)]


def read_csv(
    path: Path,
    *,
    columns: Columns | None = None,
    levels: Sequence[float] | None = None,
    scale: tuple[float, float] | None = None,
    reverse: bool = False,
    progress: Progress | None = None,
    fast: bool = True,
) -> Ratings:
    """Read a long CSV file, UTF-8, with a header; columns may stand in any order.

    Parameters
    ----------
    path : Path
    columns : Columns, optional
        By default ``work,rater,score`` with ``criterion`` where the file has it.
    levels, scale, reverse
        As in `Ratings.from_long`.
    progress : callable, optional
        Called with the rows read and the share of the file.
    fast : bool
        Use pyarrow where it is installed.

    Returns
    -------
    Ratings
        Labels are text, tidied (`tidy`); scores of `MISSING` are counted as dropped.

    Raises
    ------
    FaultyRows
        Columns are missing, rows are broken, labels are blank, scores are no numbers or off the
        scale, a rating stands in the file twice; each with its line.
    """
    levels = _on_scale(levels, scale)
    header = _header(path, columns)
    if columns is None:
        columns = Columns(criterion="criterion" if "criterion" in header else None)
    _check_header(header, columns)
    if fast:
        found = _read_with_arrow(path, columns, levels, reverse, progress)
        if found is not None:
            return found
    faults = _Faults("line")
    collector = Collector()
    scores = _Scores(levels)
    for block in _blocks(path, columns, faults, progress):
        _collect(collector, block, columns, scores, faults)
    if not len(collector) and not faults.count and not collector.dropped:
        faults.add(1, "the file has no ratings")
    faults.refuse()
    try:
        return collector.ratings(levels=levels, reverse=reverse, relabel=tidy)
    except RatedTwice as error:
        _name_doubles(path, columns, error, faults)
        faults.refuse()
        raise


@dataclass(frozen=True)
class _Block:
    """Some rows of a file, by column, with the line each ends on."""

    lines: list[int]
    cells: dict[str, list[str]]


def _header(path: Path, columns: Columns | None) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FaultyRows([RowFault(1, f"this is no CSV in UTF-8: {error}")], 1) from error


def _check_header(header: list[str], columns: Columns) -> None:
    faults = _Faults("line")
    for name in columns.named:
        if header.count(name) != 1:
            what = "is missing" if name not in header else "stands there twice"
            faults.add(1, f"the column “{name}” {what}")
    faults.refuse()


def _blocks(
    path: Path, columns: Columns, faults: _Faults, progress: Progress | None
) -> Iterator[_Block]:
    """Read the file in blocks; rows of another length than the header are faults and left out."""
    size = max(path.stat().st_size, 1)
    done = 0
    with path.open("rb") as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = [name.strip() for name in next(reader)]
        width = len(header)
        while True:
            try:
                rows = [(reader.line_num, row) for row in islice(reader, ROWS)]
            except UnicodeDecodeError:
                faults.add(reader.line_num + 1, "from here on the file is not in UTF-8")
                return
            except csv.Error as error:
                faults.add(reader.line_num, f"this is no CSV: {error}")
                return
            if not rows:
                return
            for line, row in rows:
                if row and len(row) != width:
                    faults.add(line, f"{len(row)} cells where the header has {width}")
            kept = [(line, row) for line, row in rows if len(row) == width]
            if kept:
                by_column = dict(
                    zip(header, zip(*(row for _, row in kept), strict=True), strict=True)
                )
                yield _Block(
                    [line for line, _ in kept],
                    {name: list(by_column[name]) for name in columns.named},
                )
            done += len(rows)
            if progress is not None:
                progress(done, min(raw.tell() / size, 1.0))


def _collect(
    collector: Collector, block: _Block, columns: Columns, scores: _Scores, faults: _Faults
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


def _name_doubles(path: Path, columns: Columns, error: RatedTwice, faults: _Faults) -> None:
    """Read the file once more for the lines of ratings that stand there twice."""
    wanted: dict[tuple[Hashable, ...], int] = dict.fromkeys(error.cells, 0)
    names = [columns.work, columns.rater, *([columns.criterion] if columns.criterion else [])]
    for block in _blocks(path, columns, _Faults("line"), None):
        parts = [map(_whole, map(str.strip, block.cells[name])) for name in names]
        for line, score, key in zip(
            block.lines, block.cells[columns.score], zip(*parts, strict=True), strict=True
        ):
            full = key if columns.criterion else (*key, "")
            if full not in wanted or score.strip().lower() in MISSING:
                continue
            if wanted[full]:
                work, rater, criterion = full
                of = f" on criterion “{criterion}”" if criterion else ""
                faults.add(
                    line,
                    f"rater “{rater}” rated work “{work}”{of} already in line {wanted[full]}",
                )
            else:
                wanted[full] = line


# With pyarrow -----------------------------------------------------------------------------------------


def _read_with_arrow(
    path: Path,
    columns: Columns,
    levels: Sequence[float] | None,
    reverse: bool,
    progress: Progress | None,
) -> Ratings | None:
    """Read a clean file; None where there is no pyarrow or anything at all is not clean."""
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyarrow import csv as arrow_csv
    except ImportError:
        return None
    size = max(path.stat().st_size, 1)
    collector, scores = Collector(), _Scores(levels)
    try:
        reader = arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(block_size=1 << 23),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(columns.named),
                column_types=dict.fromkeys(columns.named, pa.string()),
                strings_can_be_null=False,
            ),
        )
        done = bytes_read = 0
        for batch in reader:
            if not _collect_batch(collector, batch, columns, scores):
                return None
            done += batch.num_rows
            bytes_read += 1 << 23
            if progress is not None:
                progress(done, min(bytes_read / size, 1.0))
    except (pa.ArrowException, ValueError, KeyError):
        return None
    if not len(collector) and not collector.dropped:
        return None
    try:
        return collector.ratings(levels=levels, reverse=reverse, relabel=tidy)
    except RatedTwice:
        return None


def _collect_batch(collector: Collector, batch: Any, columns: Columns, scores: _Scores) -> bool:
    """Code a batch of text columns; False where it is not clean."""
    coded = {name: batch.column(name).dictionary_encode() for name in columns.named}
    given = coded[columns.score]
    texts = given.dictionary.to_pylist()
    if any(scores.fault(text) for text in texts):
        return False
    for name in (columns.work, columns.rater, columns.criterion):
        if name and any(not (text or "").strip() for text in coded[name].dictionary.to_pylist()):
            return False
    missing = [text is None or text.strip().lower() in MISSING for text in texts]
    level = given
    if any(missing) or given.null_count:
        level = _without(given, np.array(missing, dtype=bool))
    collector.add(
        coded[columns.work],
        coded[columns.rater],
        level,
        criterion=coded[columns.criterion] if columns.criterion else None,
        columns={name: coded[name] for name in columns.extra},
    )
    return True


def _without(coded: Any, missing: Any) -> Any:
    """Null the rows of a dictionary array whose text stands for a missing mark."""
    import pyarrow as pa

    place = np.append(np.where(missing, -1, np.cumsum(~missing) - 1), -1)
    indices = place[coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    kept = [
        text for text, gone in zip(coded.dictionary.to_pylist(), missing, strict=True) if not gone
    ]
    return pa.DictionaryArray.from_arrays(
        pa.array(indices, type=pa.int32(), mask=indices < 0), pa.array(kept, type=pa.string())
    )


def read_parquet(
    path: Path,
    *,
    columns: Columns | None = None,
    levels: Sequence[float] | None = None,
    scale: tuple[float, float] | None = None,
    reverse: bool = False,
    progress: Progress | None = None,
) -> Ratings:
    """Read a long Parquet file; otherwise as `read_csv`, with rows for lines.

    Raises
    ------
    FaultyRows
        As in `read_csv`.
    ImportError
        pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("reading Parquet needs pyarrow: install grading[parquet]") from error
    levels = _on_scale(levels, scale)
    file = parquet.ParquetFile(path)
    header = list(file.schema_arrow.names)
    if columns is None:
        columns = Columns(criterion="criterion" if "criterion" in header else None)
    _check_header(header, columns)
    total = max(file.metadata.num_rows, 1)
    faults, scores, collector = _Faults("row"), _Scores(levels), Collector()
    done = 0
    for batch in file.iter_batches(batch_size=ROWS, columns=list(columns.named)):
        text = pa.RecordBatch.from_arrays(
            [batch.column(name).cast(pa.string()) for name in columns.named], list(columns.named)
        )
        if not _collect_batch(collector, text, columns, scores):
            cells = {
                name: [t or "" for t in text.column(name).to_pylist()] for name in columns.named
            }
            rows = list(range(done + 1, done + batch.num_rows + 1))
            _collect(collector, _Block(rows, cells), columns, scores, faults)
        done += batch.num_rows
        if progress is not None:
            progress(done, done / total)
    if not done:
        faults.add(1, "the file has no ratings")
    faults.refuse()
    try:
        return collector.ratings(levels=levels, reverse=reverse, relabel=tidy)
    except RatedTwice as error:
        for work, rater, criterion in error.cells:
            of = f" on criterion “{criterion}”" if criterion else ""
            faults.add(0, f"rater “{rater}” rated work “{work}”{of} more than once")
        faults.refuse()
        raise
