"""Ratings in long form: work, rater and level as integer codes, one row a rating."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Ratings:
    """What raters gave works, on one criterion or several of one scale.

    Attributes
    ----------
    work, rater, criterion : ndarray of int32, shape (n,)
        Codes into ``works``, ``raters`` and ``criteria``.
    level : ndarray of int32, shape (n,)
        Index into ``levels``, from lowest to highest.
    works, raters, criteria : tuple
        Labels, in order of first appearance.
    levels : tuple of float
        The values of the scale, rising.
    dropped : int
        Rows without a level (None or NaN). A missing mark is never a zero.
    """

    work: Codes
    rater: Codes
    criterion: Codes
    level: Codes
    works: tuple[Hashable, ...]
    raters: tuple[Hashable, ...]
    criteria: tuple[Hashable, ...]
    levels: tuple[float, ...]
    dropped: int

    @classmethod
    def from_long(
        cls,
        work: Sequence[Hashable],
        rater: Sequence[Hashable],
        level: Sequence[Any] | NDArray[Any],
        *,
        criterion: Sequence[Hashable] | None = None,
        levels: Sequence[float] | None = None,
    ) -> "Ratings":
        """Code rows of any labels.

        Parameters
        ----------
        work, rater, level, criterion : sequences of one length
            ``criterion`` may be left out where there is one.
        levels : sequence of numbers, optional
            The scale, rising; by default the values that occur.

        Raises
        ------
        ValueError
            Lengths differ, a level is not on the scale, or a rater rated a work twice on a criterion.
        """
        n = len(work)
        criteria: list[Hashable] = [""] * n if criterion is None else list(criterion)
        if not len(rater) == len(level) == len(criteria) == n:
            raise ValueError("work, rater, level and criterion must have one length")
        given = np.array([np.nan if value is None else float(value) for value in level])
        there = ~np.isnan(given)
        scale = np.unique(given[there]) if levels is None else np.asarray(levels, dtype=float)
        if np.any(np.diff(scale) <= 0):
            raise ValueError("the levels must rise")
        index = np.searchsorted(scale, given[there])
        on_scale = (
            (index < len(scale)) & (scale[np.minimum(index, len(scale) - 1)] == given[there])
            if len(scale)
            else index == 0
        )
        if not np.all(on_scale):
            stray = sorted(set(given[there][~on_scale].tolist()))
            raise ValueError(f"not on the scale: {stray}")
        kept = np.flatnonzero(there).tolist()
        work_codes, works = _coded([work[i] for i in kept])
        rater_codes, raters = _coded([rater[i] for i in kept])
        criterion_codes, names = _coded([criteria[i] for i in kept])
        ratings = cls(
            work_codes,
            rater_codes,
            criterion_codes,
            index.astype(np.int32),
            works,
            raters,
            names,
            tuple(scale.tolist()),
            int(n - len(kept)),
        )
        ratings._refuse_duplicates()
        return ratings

    def _refuse_duplicates(self) -> None:
        cells = (self.work.astype(np.int64) * max(len(self.raters), 1) + self.rater) * max(
            len(self.criteria), 1
        ) + self.criterion
        _, first, counts = np.unique(cells, return_index=True, return_counts=True)
        if np.any(counts > 1):
            row = first[counts > 1][0]
            raise ValueError(
                f"rater {self.raters[self.rater[row]]!r} rated work {self.works[self.work[row]]!r} more "
                f"than once on criterion {self.criteria[self.criterion[row]]!r}"
            )

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
        )

    def on(self, criterion: Hashable) -> "Ratings":
        """Keep the rows of one criterion; one that nobody rated has none."""
        if criterion not in self.criteria:
            return self.where(np.zeros(len(self), dtype=bool))
        return self.where(self.criterion == self.criteria.index(criterion))


def _coded(labels: Sequence[Hashable]) -> tuple[Codes, tuple[Hashable, ...]]:
    index: dict[Hashable, int] = {}
    codes = np.fromiter(
        (index.setdefault(label, len(index)) for label in labels), np.int32, len(labels)
    )
    return codes, tuple(index)
