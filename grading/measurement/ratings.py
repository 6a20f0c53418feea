"""Ratings in long form: work, rater and level as integer codes, one row a rating.

Nothing here ever builds a rater x work table: a million works and twenty thousand raters are three
columns of integers. Labels of any kind are coded once, on the way in.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.measurement.coding import (
    BLOCK,
    Coder,
    Codes,
    Column,
    Labels,
    compact,
    joined,
    kept_rows,
)

# Faults of one kind that are kept by name.
LISTED = 1000


@dataclass(frozen=True, eq=False)
class Ratings:
    """What raters gave works, on one criterion or several of one scale.

    Attributes
    ----------
    work, rater, criterion : ndarray of int32, shape (n,)
        Codes into ``works``, ``raters`` and ``criteria``.
    level : ndarray of int32, shape (n,)
        Index into ``levels``, from the worst to the best.
    works, raters, criteria : sequence
        Labels, in order of first appearance: tuples, or a range where the labels are one.
    levels : tuple of float
        The values of the scale, rising.
    dropped : int
        Rows without a level (None or NaN). A missing mark is never a zero.
    reverse : bool
        Whether the scale ran from best to worst as it came. ``levels`` are then mirrored
        (lowest + highest - value), so that more is always better.
    columns : mapping of str to Column
        What else was given with each rating.
    """

    work: Codes
    rater: Codes
    criterion: Codes
    level: Codes
    works: Labels
    raters: Labels
    criteria: Labels
    levels: tuple[float, ...]
    dropped: int
    reverse: bool = False
    columns: Mapping[str, Column] = field(default_factory=dict)
    # What was worked out from these very rows, so that ten coefficients group the works once.
    known: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def from_long(
        cls,
        work: Any,
        rater: Any,
        level: Any,
        *,
        criterion: Any = None,
        levels: Sequence[float] | None = None,
        scale: tuple[float, float] | None = None,
        reverse: bool = False,
        columns: Mapping[str, Any] | None = None,
    ) -> "Ratings":
        """Code rows of any labels.

        Parameters
        ----------
        work, rater, level, criterion : sequences, NumPy or pyarrow arrays of one length
            Labels may be anything hashable. ``criterion`` may be left out where there is one.
        levels : sequence of numbers, optional
            The scale, rising; by default the values that occur.
        scale : (lowest, highest), optional
            The same for whole steps: ``(0, 3)`` is ``levels=[0, 1, 2, 3]``.
        reverse : bool, optional
            The scale runs from best to worst, as German school marks do.
        columns : mapping of str to array, optional
            Further columns, kept with each rating.

        Raises
        ------
        ValueError
            Lengths differ, a label is missing, a level is not on the scale, or (`RatedTwice`) a rater
            rated a work twice on a criterion.

        Examples
        --------
        >>> found = Ratings.from_long(["w1", "w1"], ["a", "b"], [1, None], scale=(0, 3))
        >>> len(found), found.dropped, found.levels
        (1, 1, (0.0, 1.0, 2.0, 3.0))
        """
        collector = Collector()
        collector.add(work, rater, level, criterion=criterion, columns=columns)
        return collector.ratings(levels=levels, scale=scale, reverse=reverse)

    def __len__(self) -> int:
        return len(self.level)

    def where(self, rows: NDArray[np.bool_]) -> "Ratings":
        """Keep the rows of a mask; codes and scale stay."""
        return replace(
            self,
            work=self.work[rows],
            rater=self.rater[rows],
            criterion=self.criterion[rows],
            level=self.level[rows],
            columns={
                name: Column(column.codes[rows], column.labels)
                for name, column in self.columns.items()
            },
        )

    def on(self, criterion: Hashable) -> "Ratings":
        """Keep the rows of one criterion; one that nobody rated has none."""
        if criterion not in self.criteria:
            return self.where(np.zeros(len(self), dtype=bool))
        return self.where(self.criterion == self.criteria.index(criterion))

    @property
    def n_raters(self) -> int:
        """Raters who have a rating among these rows."""
        if "n_raters" not in self.known:
            there = np.zeros(len(self.raters), dtype=bool)
            # Block by block: most often the first million rows have shown everybody.
            for start in range(0, len(self), BLOCK):
                there[self.rater[start : start + BLOCK]] = True
                if there.all():
                    break
            self.known["n_raters"] = np.count_nonzero(there)
        return int(self.known["n_raters"])

    @property
    def one_criterion(self) -> bool:
        """Whether the rows are of one criterion at most."""
        return len(self.criteria) < 2 or len(np.unique(self.criterion)) < 2

    def on_levels_used(self) -> "Ratings":
        """Keep of the scale the levels that occur, for criteria whose scales differ."""
        used, level = compact(self.level, len(self.levels))
        return replace(self, level=level, levels=tuple(self.levels[i] for i in used.tolist()))

    def values(self) -> NDArray[np.float64]:
        """The value of each rating on the scale, mirrored where the scale came reversed."""
        return np.asarray(self.levels, dtype=float)[self.level]

    def facet(self, name: str) -> Column:
        """Codes and labels of ``work``, ``rater``, ``criterion`` or a further column.

        Raises
        ------
        ValueError
            There is no such column.
        """
        own = {
            "work": (self.work, self.works),
            "rater": (self.rater, self.raters),
            "criterion": (self.criterion, self.criteria),
        }
        if name in own:
            return Column(*own[name])
        if name not in self.columns:
            raise ValueError(f"the ratings have no column {name!r}")
        return self.columns[name]


def combined(one: Ratings, other: Ratings) -> tuple[Ratings, NDArray[np.bool_]]:
    """Put two sets of ratings into one coding, matched by label; the mask marks the other's rows.

    Further columns are kept where both have them.

    Raises
    ------
    ValueError
        As in `Ratings.from_long`; one scale is reversed and the other is not.

    Examples
    --------
    >>> one = Ratings.from_long(["w"], ["a"], [1])
    >>> both, others = combined(one, Ratings.from_long(["w"], ["b"], [2]))
    >>> both.raters, both.levels, others.tolist()
    (('a', 'b'), (1.0, 2.0), [False, True])
    """
    if one.reverse != other.reverse:
        raise ValueError("one scale is reversed and the other is not")
    levels = tuple(sorted({*one.levels, *other.levels}))
    places = {level: place for place, level in enumerate(levels)}
    level = [
        np.array([places[value] for value in ratings.levels], np.int32)[ratings.level]
        for ratings in (one, other)
    ]
    columns = {
        name: _merged(one.facet(name), other.facet(name))
        for name in (
            "work",
            "rater",
            "criterion",
            *(name for name in one.columns if name in other.columns),
        )
    }
    own = {name: columns.pop(name) for name in ("work", "rater", "criterion")}
    found = Ratings(
        own["work"].codes,
        own["rater"].codes,
        own["criterion"].codes,
        np.concatenate(level),
        own["work"].labels,
        own["rater"].labels,
        own["criterion"].labels,
        levels,
        one.dropped + other.dropped,
        one.reverse,
        columns,
    )
    _refuse_duplicates(found)
    return found, np.arange(len(found)) >= len(one)


def _merged(one: Column, other: Column) -> Column:
    index = {label: code for code, label in enumerate(one.labels)}
    place = np.array([index.setdefault(label, len(index)) for label in other.labels], np.int32)
    moved = place[other.codes] if len(place) else other.codes
    return Column(np.concatenate([one.codes, moved]), tuple(index))


class RatedTwice(ValueError):
    """A rater rated a work more than once on a criterion.

    Attributes
    ----------
    cells : list of (work, rater, criterion)
        The first of them, by label.
    """

    def __init__(self, cells: list[tuple[Hashable, Hashable, Hashable]]) -> None:
        work, rater, criterion = cells[0]
        super().__init__(
            f"rater {rater!r} rated work {work!r} more than once on criterion {criterion!r}"
        )
        self.cells = cells


class Collector:
    """Codes rows as they come, block by block, so that a file or a query never lies in memory whole.

    Attributes
    ----------
    dropped : int
        Rows without a level so far.

    Examples
    --------
    >>> collector = Collector()
    >>> collector.add(["w1", "w2"], ["a", "a"], [0, 1])
    >>> collector.add(["w1"], ["b"], [1])
    >>> collector.ratings().works
    ('w1', 'w2')
    """

    def __init__(self) -> None:
        self._coders: dict[str, Coder] = {}
        self._level = Coder()
        self._levels: list[Codes] = []
        self.dropped = 0
        self._names: frozenset[str] | None = None

    def __len__(self) -> int:
        return sum(len(block) for block in self._levels)

    def add(
        self,
        work: Any,
        rater: Any,
        level: Any,
        *,
        criterion: Any = None,
        columns: Mapping[str, Any] | None = None,
    ) -> None:
        """Add rows; parameters and errors as in `Ratings.from_long`."""
        given = {"work": work, "rater": rater, **(columns or {})}
        if criterion is not None:
            given["criterion"] = criterion
        if self._names is None:
            self._names = frozenset(given)
        elif self._names != frozenset(given):
            raise ValueError("every block must have the same columns")
        if any(len(values) != len(level) for values in given.values()):
            raise ValueError("work, rater, level and criterion must have one length")
        codes = self._level.add(level)
        there = codes >= 0
        if not there.all():
            self.dropped += int(len(codes) - there.sum())
            given = {name: kept_rows(values, there) for name, values in given.items()}
            codes = codes[there]
        for name, values in given.items():
            self._coders.setdefault(name, Coder()).keep(values, name)
        self._levels.append(codes)

    def ratings(
        self,
        *,
        levels: Sequence[float] | None = None,
        scale: tuple[float, float] | None = None,
        reverse: bool = False,
        relabel: Callable[[Labels], Labels] | None = None,
    ) -> Ratings:
        """Give what was collected; parameters and errors as in `Ratings.from_long`.

        ``relabel`` gives each column's labels their final form; those that become alike are one.
        """
        level = joined(self._levels)
        if scale is not None:
            levels = whole_steps(scale)
        index, values = _on_scale(self._level.labels, levels)
        level = index[level]
        if reverse:
            level = (len(values) - 1 - level).astype(np.int32)
            values = tuple(values[0] + values[-1] - value for value in reversed(values))
        coded = {name: coder.column(relabel) for name, coder in self._coders.items()}
        nobody = Column(np.zeros(0, np.int32), ())
        # A column of one criterion costs nothing: all its rows are one number.
        one = Column(np.broadcast_to(np.int32(0), len(level)), ("",) if len(level) else ())
        criterion = coded.pop("criterion", one)
        work, rater = coded.pop("work", nobody), coded.pop("rater", nobody)
        ratings = Ratings(
            work.codes,
            rater.codes,
            criterion.codes,
            level,
            work.labels,
            rater.labels,
            criterion.labels,
            values,
            self.dropped,
            reverse,
            coded,
        )
        _refuse_duplicates(ratings)
        return ratings


def whole_steps(scale: tuple[float, float]) -> list[float]:
    """The levels of a scale from its lowest to its highest in whole steps; raises ValueError."""
    low, high = scale
    steps = high - low
    if not (math.isfinite(steps) and steps >= 0 and steps == int(steps)):
        raise ValueError("the scale must run in whole steps from its lowest to its highest level")
    return [low + step for step in range(int(steps) + 1)]


def _on_scale(given: Labels, levels: Sequence[float] | None) -> tuple[Codes, tuple[float, ...]]:
    """Where each value that occurs stands on the scale, and the scale."""
    values = np.array([float(value) for value in given])  # type: ignore[arg-type]
    scale = np.unique(values) if levels is None else np.asarray(levels, dtype=float)
    if np.any(~np.isfinite(scale)) or np.any(np.diff(scale) <= 0):
        raise ValueError("the levels must rise")
    index = np.searchsorted(scale, values)
    near = scale[np.minimum(index, len(scale) - 1)] if len(scale) else values + 1
    if np.any(near != values):
        raise ValueError(f"not on the scale: {sorted(set(values[near != values].tolist()))}")
    return index.astype(np.int32), tuple(scale.tolist())


def _refuse_duplicates(ratings: Ratings) -> None:
    cells = ratings.work * np.int64(max(len(ratings.raters), 1))
    cells += ratings.rater
    if len(ratings.criteria) > 1:
        cells *= len(ratings.criteria)
        cells += ratings.criterion
    ordered = np.sort(cells)
    if not np.any(ordered[1:] == ordered[:-1]):
        return
    _, first, counts = np.unique(cells, return_index=True, return_counts=True)
    raise RatedTwice(
        [
            (
                ratings.works[ratings.work[row]],
                ratings.raters[ratings.rater[row]],
                ratings.criteria[ratings.criterion[row]],
            )
            for row in np.sort(first[counts > 1])[:LISTED].tolist()
        ]
    )
