"""Ratings from files: long CSV or Parquet, in blocks, with every fault named at once.

With pyarrow installed a clean CSV file is read by it, some times faster; a file with a fault is read
again row by row, so that what is said of it has the line.
"""

import csv
from collections.abc import Hashable, Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

from grading.measurement.files.arrow import read_clean_csv
from grading.measurement.files.cells import (
    MISSING,
    ROWS,
    Block,
    Columns,
    Progress,
    ScoreTexts,
    check_header,
    collect,
    tidy,
    whole_number,
)
from grading.measurement.files.faults import Faults, FaultyRows, RowFault
from grading.measurement.ratings import Collector, RatedTwice, Ratings, whole_steps


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
    levels = levels if scale is None else whole_steps(scale)
    header = _header(path, columns)
    if columns is None:
        columns = Columns(criterion="criterion" if "criterion" in header else None)
    check_header(header, columns)
    if fast:
        found = read_clean_csv(path, columns, levels, reverse, progress)
        if found is not None:
            return found
    faults = Faults("line")
    collector = Collector()
    scores = ScoreTexts(levels)
    for block in _blocks(path, columns, faults, progress):
        collect(collector, block, columns, scores, faults)
    if not len(collector) and not faults.count and not collector.dropped:
        faults.add(1, "the file has no ratings")
    faults.refuse()
    try:
        return collector.ratings(levels=levels, reverse=reverse, relabel=tidy)
    except RatedTwice as error:
        _name_doubles(path, columns, error, faults)
        faults.refuse()
        raise


def _header(path: Path, columns: Columns | None) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FaultyRows([RowFault(1, f"this is no CSV in UTF-8: {error}")], 1) from error


def _blocks(
    path: Path, columns: Columns, faults: Faults, progress: Progress | None
) -> Iterator[Block]:
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
                yield Block(
                    [line for line, _ in kept],
                    {name: list(by_column[name]) for name in columns.named},
                )
            done += len(rows)
            if progress is not None:
                progress(done, min(raw.tell() / size, 1.0))


def _name_doubles(path: Path, columns: Columns, error: RatedTwice, faults: Faults) -> None:
    """Read the file once more for the lines of ratings that stand there twice."""
    wanted: dict[tuple[Hashable, ...], int] = dict.fromkeys(error.cells, 0)
    names = [columns.work, columns.rater, *([columns.criterion] if columns.criterion else [])]
    for block in _blocks(path, columns, Faults("line"), None):
        parts = [map(whole_number, map(str.strip, block.cells[name])) for name in names]
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
