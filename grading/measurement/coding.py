"""Labels of any kind to integer codes, in order of first appearance, over any number of blocks."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Labels = Sequence[Hashable]
# Rows that are turned into Python objects at a time.
BLOCK = 1 << 18


@dataclass(frozen=True, eq=False)
class Column:
    """A further column of the ratings: the time, the role of the rater.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Index into ``labels``.
    labels : sequence
        In order of first appearance.
    """

    codes: Codes
    labels: Labels


def compact(codes: Codes, size: int) -> tuple[NDArray[np.int64], Codes]:
    """Renumber codes below ``size`` without gaps: the codes that occur, and where each row's stands."""
    there = np.zeros(size, dtype=bool)
    there[codes] = True
    place = np.cumsum(there, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(there), place[codes]


class Coder:
    """Labels to codes in order of first appearance, over any number of blocks."""

    def __init__(self) -> None:
        self.labels: Labels = ()
        self._index: dict[Hashable, int] | None = None
        self._blocks: list[Codes] = []

    def keep(self, values: Any, name: str) -> None:
        codes = self.add(values)
        if len(codes) and codes.min() < 0:
            raise ValueError(f"row {int(np.argmin(codes)) + 1} has no {name}")
        self._blocks.append(codes)

    def column(self, relabel: Callable[[Labels], Labels] | None) -> Column:
        codes = joined(self._blocks)
        if relabel is None:
            labels = self.labels
            return Column(codes, labels if isinstance(labels, range) else tuple(labels))
        index: dict[Hashable, int] = {}
        place = [index.setdefault(label, len(index)) for label in relabel(self.labels)]
        if len(index) < len(place):
            codes = np.asarray(place, np.int32)[codes]
        return Column(codes, tuple(index))

    def add(self, values: Any) -> Codes:
        """Code the values; what is missing (None, NaN, null) becomes -1."""
        if hasattr(values, "chunks"):  # a pyarrow ChunkedArray
            return joined([self.add(chunk) for chunk in values.chunks])
        if hasattr(values, "dictionary_encode"):
            return self._merged(*_coded_arrow(values))
        if isinstance(values, np.ndarray) and values.dtype.kind in "iub":
            return self._merged(*_coded_integers(values))
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            return joined(
                [
                    self._merged(*_coded_floats(values[start : start + BLOCK]))
                    for start in range(0, len(values), BLOCK)
                ]
            )
        return joined(
            [self._coded(values[start : start + BLOCK]) for start in range(0, len(values), BLOCK)]
        )

    def _coded(self, values: Any) -> Codes:
        """Code Python objects one by one."""
        index = self._indexed()
        values = values.tolist() if hasattr(values, "tolist") else values
        codes = np.empty(len(values), np.int32)
        for row, label in enumerate(values):
            if label is None or label != label:  # noqa: PLR0124 - NaN alone differs from itself
                codes[row] = -1
            else:
                codes[row] = index.setdefault(label, len(index))
        self.labels = _Keys(index)
        return codes

    def _merged(self, codes: Codes, labels: Labels) -> Codes:
        """Fit a block's own coding into the coding so far."""
        if not self.labels and not self._index:
            self.labels = labels
            return codes
        index = self._indexed()
        moved = np.empty(len(labels) + 1, np.int32)
        for code, label in enumerate(labels):
            moved[code] = index.setdefault(label, len(index))
        moved[-1] = -1
        self.labels = _Keys(index)
        return np.asarray(moved[codes])

    def _indexed(self) -> dict[Hashable, int]:
        if self._index is None:
            self._index = {label: code for code, label in enumerate(self.labels)}
        return self._index


class _Keys(Sequence[Hashable]):
    """A growing dict's keys, counted and listed without a copy."""

    def __init__(self, index: dict[Hashable, int]) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Any:
        return iter(self._index)

    def __getitem__(self, position: Any) -> Any:
        return list(self._index)[position]


def _coded_integers(values: NDArray[Any]) -> tuple[Codes, Labels]:
    """Code whole numbers by a table where their range allows, else by sorting."""
    n = len(values)
    if not n:
        return np.zeros(0, np.int32), ()
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * n + 1024:
        return _coded_sorted(values)
    offset = values if low == 0 else values - low
    first = np.full(high - low + 1, n, np.int64)
    # Backwards, so that the first row with a value is the one that stays.
    first[offset[::-1]] = np.arange(n - 1, -1, -1)
    present = np.flatnonzero(first < n)
    order = present[np.argsort(first[present])]
    if len(order) == len(first) and np.array_equal(order, np.arange(len(first))):
        return offset.astype(np.int32), range(low, high + 1)
    place = np.empty(len(first), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[offset], tuple((order + low).tolist())


def _coded_arrow(values: Any) -> tuple[Codes, Labels]:
    """Code a pyarrow array; labels that only a filter left in its dictionary are passed over."""
    coded = values if hasattr(values, "indices") else values.dictionary_encode()
    labels = coded.dictionary.to_pylist()
    missing = [label is None or label != label for label in labels]  # noqa: PLR0124
    given = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    there = ~np.append(np.array(missing, dtype=bool), True)[given]
    codes = np.full(len(given), -1, np.int32)
    codes[there], present = _coded_integers(given[there])
    return codes, tuple(labels[place] for place in present)


def _coded_floats(values: NDArray[Any]) -> tuple[Codes, Labels]:
    missing = np.isnan(values)
    if not missing.any():
        return _coded_sorted(values)
    codes = np.full(len(values), -1, np.int32)
    codes[~missing], labels = _coded_sorted(values[~missing])
    return codes, labels


def _coded_sorted(values: NDArray[Any]) -> tuple[Codes, Labels]:
    labels, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[inverse], tuple(labels[order].tolist())


def kept_rows(values: Any, rows: NDArray[np.bool_]) -> Any:
    if isinstance(values, np.ndarray):
        return values[rows]
    if hasattr(values, "dictionary_encode"):
        return values.take(np.flatnonzero(rows))
    return [values[row] for row in np.flatnonzero(rows).tolist()]


def joined(blocks: list[Codes]) -> Codes:
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int32)
