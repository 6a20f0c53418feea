"""Works as an agreement coefficient sees them: how often each level was given, by whom is no matter.

Two works whose counts are the same count the same. With a handful of levels there are at most some
thousands of such patterns, however many works, and every coefficient, its standard error and its
resampling then cost next to nothing. With many levels and many works the rows themselves are kept.

Both kinds answer alike: ``sizes`` is the number of ratings of a work of each group and ``times`` the
number of works in it; ``margins`` the number of ratings on each level; ``sums`` adds a value per level
over each work's ratings; ``agreeing`` the weights of all ordered pairs of a work's ratings, each with
itself too.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from grading.measurement.agreement.weights import Table, Weighting
from grading.measurement.coding import Codes
from grading.measurement.ratings import Ratings

# Above this many numbers a table of works by levels is not made.
LARGE = 20_000_000
# Whole numbers are exact in double precision up to here.
EXACT = 2.0**52
BLOCK = 1 << 16


@dataclass(frozen=True, eq=False)
class Patterns:
    """Distinct vectors of counts, and how many works have each.

    Attributes
    ----------
    counts : ndarray, shape (patterns, q)
    times : ndarray, shape (patterns,)
    of_work : ndarray of int32, shape (works,), or None
        The pattern of each coded work, where it is known.
    """

    counts: Table
    times: Table
    of_work: Codes | None = None

    @cached_property
    def sizes(self) -> Table:
        return np.asarray(self.counts.sum(1))

    @property
    def margins(self) -> Table:
        return np.asarray(self.times @ self.counts)

    def sums(self, values: Table) -> Table:
        return np.asarray(self.counts @ values)

    def agreeing(self, weighting: Weighting) -> Table:
        return np.asarray((weighting.times(self.counts) * self.counts).sum(1))

    def select(self, groups: NDArray[np.bool_]) -> "Patterns":
        return Patterns(self.counts[groups], self.times[groups])


@dataclass(frozen=True, eq=False)
class Rows:
    """Works with their rows of levels, for scales of many values.

    Attributes
    ----------
    work, level : ndarray of int32, shape (n,)
    n_works, q : int
    """

    work: Codes
    level: Codes
    n_works: int
    q: int

    @cached_property
    def sizes(self) -> Table:
        return np.bincount(self.work, minlength=self.n_works).astype(float)

    @cached_property
    def times(self) -> Table:
        return np.ones(self.n_works)

    @cached_property
    def margins(self) -> Table:
        return np.bincount(self.level, minlength=self.q).astype(float)

    def sums(self, values: Table) -> Table:
        return np.asarray(
            np.bincount(self.work, weights=values[self.level], minlength=self.n_works), float
        )

    def agreeing(self, weighting: Weighting) -> Table:
        if weighting.name == "quadratic":
            if not weighting.span:
                return np.asarray(self.sizes**2)
            x = weighting.values - weighting.values.mean()
            spread = self.sizes * self.sums(x**2) - self.sums(x) ** 2
            return np.asarray(self.sizes**2 - 2 * spread / weighting.span)
        table = sparse.csr_matrix(
            (np.ones(len(self.work)), (self.work, self.level)), shape=(self.n_works, self.q)
        )
        if weighting.table is None:
            return np.asarray(table.multiply(table).sum(1)).ravel()
        found = np.empty(self.n_works)
        for start in range(0, self.n_works, BLOCK):
            block = table[start : start + BLOCK].toarray()
            found[start : start + BLOCK] = (weighting.times(block) * block).sum(1)
        return found

    def select(self, groups: NDArray[np.bool_]) -> "Rows":
        kept = groups[self.work]
        place = np.cumsum(groups, dtype=np.int32) - 1
        return Rows(place[self.work[kept]], self.level[kept], int(groups.sum()), self.q)


Units: TypeAlias = Patterns | Rows


def units_of(ratings: Ratings) -> Units:
    """Group the works of ratings on one criterion.

    Raises
    ------
    ValueError
        The ratings are of several criteria.
    """
    if "units" not in ratings.known:
        if not ratings.one_criterion:
            raise ValueError("agreement is of one criterion at a time")
        ratings.known["units"] = _grouped(ratings)
    found: Units = ratings.known["units"]
    return found


def _grouped(ratings: Ratings) -> Units:
    q, n_works, work = len(ratings.levels), len(ratings.works), ratings.work
    if not len(ratings):
        return Patterns(np.zeros((0, max(q, 1))), np.zeros(0))
    ordered = bool(np.all(work[1:] >= work[:-1]))
    if ordered:
        ends = np.flatnonzero(work[1:] != work[:-1])
        most = int(np.diff(ends, prepend=-1, append=len(work) - 1).max())
    else:
        most = int(np.bincount(work).max())
    # A work's counts, read as the digits of one number.
    base = float(most + 1)
    if base**q < EXACT:
        powers = base ** np.arange(q)
        if not ordered:
            whole = np.bincount(work, weights=powers[ratings.level], minlength=n_works)
            return _patterns(np.asarray(whole, float), base, q)
        keys = np.zeros(n_works)
        # Block by block, so that each stays in the processor's cache.
        for start in range(0, len(work), BLOCK):
            rows = slice(start, start + BLOCK)
            low = int(work[start])
            part = np.bincount(work[rows] - low, weights=powers[ratings.level[rows]])
            keys[low : low + len(part)] += part
        return _patterns(keys, base, q)
    if n_works * q <= LARGE:
        cells = work * np.int64(q) + ratings.level
        counts = np.bincount(cells, minlength=n_works * q).reshape(n_works, q).astype(float)
        return Patterns(counts, np.ones(n_works), np.arange(n_works, dtype=np.int32))
    return Rows(work, ratings.level, n_works, q)


def units_from_counts(counts: ArrayLike) -> Patterns:
    """Group works given as a table of counts, a row a work and a column a level.

    Raises
    ------
    ValueError
        The table has another shape, or counts below 0 or not whole.
    """
    table = np.asarray(counts, dtype=float)
    if table.ndim != 2:
        raise ValueError("the counts must have a row a work and a column a level")
    if np.any(table < 0) or np.any(table != np.floor(table)):
        raise ValueError("counts must be whole numbers from 0")
    q = table.shape[1]
    base = float(table.max(initial=0.0) + 1)
    if not len(table) or base**q >= EXACT:
        return Patterns(table, np.ones(len(table)), np.arange(len(table), dtype=np.int32))
    return _patterns(table @ base ** np.arange(q), base, q)


def _patterns(keys: Table, base: float, q: int) -> Patterns:
    largest = keys.max()
    if largest < max(4 * len(keys), 1 << 16):
        whole = keys.astype(np.int32)
        times = np.bincount(whole)
        present = np.flatnonzero(times)
        place = np.zeros(len(times), np.int32)
        place[present] = np.arange(len(present), dtype=np.int32)
        of_work, times, keys = place[whole], times[present], present.astype(float)
    else:
        keys, inverse, times = np.unique(keys, return_inverse=True, return_counts=True)
        of_work = inverse.astype(np.int32)
    counts = np.empty((len(keys), q))
    for level in range(q):
        keys, counts[:, level] = np.divmod(keys, base)
    return Patterns(counts, times.astype(float), of_work)
