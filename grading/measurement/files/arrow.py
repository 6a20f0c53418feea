"""Files of ratings read by pyarrow: Parquet, and clean CSV some times faster than row by row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
)
from grading.measurement.files.faults import Faults
from grading.measurement.ratings import Collector, RatedTwice, Ratings, whole_steps


def read_clean_csv(
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
    collector, scores = Collector(), ScoreTexts(levels)
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
            if not collect_batch(collector, batch, columns, scores):
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


def collect_batch(collector: Collector, batch: Any, columns: Columns, scores: ScoreTexts) -> bool:
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
    levels = levels if scale is None else whole_steps(scale)
    file = parquet.ParquetFile(path)
    header = list(file.schema_arrow.names)
    if columns is None:
        columns = Columns(criterion="criterion" if "criterion" in header else None)
    check_header(header, columns)
    total = max(file.metadata.num_rows, 1)
    faults, scores, collector = Faults("row"), ScoreTexts(levels), Collector()
    done = 0
    for batch in file.iter_batches(batch_size=ROWS, columns=list(columns.named)):
        text = pa.RecordBatch.from_arrays(
            [batch.column(name).cast(pa.string()) for name in columns.named], list(columns.named)
        )
        if not collect_batch(collector, text, columns, scores):
            cells = {
                name: [t or "" for t in text.column(name).to_pylist()] for name in columns.named
            }
            rows = list(range(done + 1, done + batch.num_rows + 1))
            collect(collector, Block(rows, cells), columns, scores, faults)
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
