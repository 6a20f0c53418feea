"""Numbers that raters gave works, one row a reading, and the two pools in one coding."""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.measurement.posterior.pools import (
    Codes,
    Floats,
)
from grading.measurement.ratings import Ratings


@dataclass(frozen=True, eq=False)
class Readings:
    """Numbers that raters gave works, one row a reading.

    Attributes
    ----------
    work, rater : ndarray of int32, shape (n,)
        Codes into ``works`` and ``raters``.
    value : ndarray of float, shape (n,)
    works, raters : sequences of labels
        A work without a row is kept: its posterior is what is known of any work.
    dropped : int
        Rows without a value, and sheets that lack a criterion. Missing is never zero.
    """

    work: Codes
    rater: Codes
    value: Floats
    works: Sequence[Hashable]
    raters: Sequence[Hashable]
    dropped: int = 0

    @classmethod
    def from_long(
        cls,
        work: Sequence[Hashable],
        rater: Sequence[Hashable],
        value: Sequence[float | None] | NDArray[Any],
    ) -> "Readings":
        """Code rows of any labels.

        Raises
        ------
        ValueError
            Lengths differ, a value is infinite, or a rater read a work twice.

        Examples
        --------
        >>> readings = Readings.from_long(["a", "a", "b"], ["x", "y", "x"], [60, 70, None])
        >>> readings.value.tolist(), readings.dropped
        ([60.0, 70.0], 1)
        """
        if not len(work) == len(rater) == len(value):
            raise ValueError("work, rater and value must have one length")
        given = np.array([math.nan if one is None else float(one) for one in value])
        there = ~np.isnan(given)
        if np.any(np.isinf(given)):
            raise ValueError("a reading is infinite")
        works, raters = coded_labels(work), coded_labels(rater)
        kept = np.flatnonzero(there).tolist()
        readings = cls(
            np.array([works[work[i]] for i in kept], dtype=np.int32),
            np.array([raters[rater[i]] for i in kept], dtype=np.int32),
            given[there],
            tuple(works),
            tuple(raters),
            len(given) - len(kept),
        )
        readings.refuse_repeats()
        return readings

    @classmethod
    def from_ratings(
        cls, ratings: Ratings, *, weights: Mapping[Hashable, float] | None = None
    ) -> "Readings":
        """Each sheet's composite: the weighted mean of its levels over all criteria.

        A sheet that lacks a criterion is dropped and counted, because a mean over the rest would compare
        different things.

        Raises
        ------
        ValueError
            A criterion has no weight, or the weights do not sum to more than zero.
        """
        levels = np.asarray(ratings.levels, dtype=float)
        value = levels[ratings.level] if len(levels) else np.zeros(0)
        k = len(ratings.criteria)
        if k <= 1:
            return cls(
                ratings.work, ratings.rater, value, ratings.works, ratings.raters, ratings.dropped
            )
        missing = [name for name in ratings.criteria if weights is not None and name not in weights]
        if missing:
            raise ValueError(f"no weight for {missing}")
        each = np.array([1.0 if weights is None else weights[name] for name in ratings.criteria])
        if np.any(each < 0) or not each.sum() > 0:
            raise ValueError("weights must be at least 0 and sum to more than 0")
        cell = ratings.work.astype(np.int64) * len(ratings.raters) + ratings.rater
        sheets, index = np.unique(cell, return_inverse=True)
        whole = np.bincount(index, minlength=len(sheets)) == k
        total = np.bincount(index, value * each[ratings.criterion], len(sheets)) / each.sum()
        return cls(
            (sheets // len(ratings.raters)).astype(np.int32)[whole],
            (sheets % len(ratings.raters)).astype(np.int32)[whole],
            total[whole],
            ratings.works,
            ratings.raters,
            ratings.dropped + int(np.sum(~whole)),
        )

    def __len__(self) -> int:
        return len(self.value)

    def refuse_repeats(self) -> None:
        cells = np.sort(self.work.astype(np.int64) * max(len(self.raters), 1) + self.rater)
        twice = np.flatnonzero(cells[1:] == cells[:-1])
        if len(twice):
            work, rater = divmod(int(cells[twice[0]]), len(self.raters))
            raise ValueError(
                f"rater {self.raters[rater]!r} read work {self.works[work]!r} more than once"
            )


def coded_labels(labels: Sequence[Hashable]) -> dict[Hashable, int]:
    index: dict[Hashable, int] = {}
    for label in labels:
        index.setdefault(label, len(index))
    return index


def together(
    ratings: Ratings | Readings,
    professionals: Collection[Hashable] | Ratings | Readings,
    weights: Mapping[Hashable, float] | None,
) -> tuple[Readings, NDArray[np.bool_]]:
    """All readings in one coding, and which raters are professionals."""
    readings = (
        ratings
        if isinstance(ratings, Readings)
        else Readings.from_ratings(ratings, weights=weights)
    )
    if not isinstance(professionals, Ratings | Readings):
        named = frozenset(professionals)
        flags = np.fromiter(
            (label in named for label in readings.raters), bool, len(readings.raters)
        )
        return readings, flags
    others = (
        professionals
        if isinstance(professionals, Readings)
        else Readings.from_ratings(professionals, weights=weights)
    )
    shared = set(readings.raters) & set(others.raters)
    if shared:
        raise ValueError(f"both peer and professional: {sorted(map(str, shared))}")
    index = coded_labels([*readings.works, *others.works])
    recode = np.array([index[label] for label in others.works], dtype=np.int32)
    joined = Readings(
        np.concatenate([readings.work, recode[others.work]]),
        np.concatenate([readings.rater, others.rater + np.int32(len(readings.raters))]),
        np.concatenate([readings.value, others.value]),
        tuple(index),
        (*readings.raters, *others.raters),
        readings.dropped + others.dropped,
    )
    return joined, np.arange(len(joined.raters)) >= len(readings.raters)
