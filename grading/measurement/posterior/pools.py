"""The readings of peers and professionals as the sums that the joint model's algebra needs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]

PEER, PROFESSIONAL = 0, 1
# Above these the raters' matrix is not inverted: its cost grows with their cube.
EXACT_RATERS, EXACT_CELLS = 200, 20_000_000
# Above this many readings nothing is kept that has a number for each and is not needed.
LARGE = 1_000_000


def summed(codes: Codes, weights: Floats, n: int) -> Floats:
    """Sum of weights by code, shape (n,)."""
    return np.bincount(codes, weights, n).astype(np.float64, copy=False)


@dataclass(frozen=True, eq=False)
class Pool:
    """The readings of one pool, as the sums that the algebra needs.

    ``value`` is as it was read, in the matrix's order; all sums are of values less the centre, and
    weighted where raters are: a reading of weight w has the pool's error variance divided by w.
    """

    matrix: Any  # csr_array of weights, works x raters
    value: Floats
    by_work: Floats
    by_rater: Floats
    square: float
    in_work: Floats
    in_rater: Floats

    @classmethod
    def from_rows(
        cls,
        work: Codes,
        rater: Codes,
        value: Floats,
        centre: float,
        n_works: int,
        n_raters: int,
    ) -> "Pool":
        if np.any(work[1:] < work[:-1]):
            order = np.argsort(work, kind="stable")
            work, rater, value = work[order], rater[order], value[order]
        bounds = np.zeros(n_works + 1, np.int32 if len(work) < 2**31 else np.int64)
        # An empty pool's zeros are never written to, so at scale they take no room.
        in_work, by_work = np.zeros(n_works), np.zeros(n_works)
        if len(work):
            in_work = np.bincount(work, minlength=n_works).astype(float)
            np.cumsum(np.bincount(work, minlength=n_works), out=bounds[1:])
            by_work = summed(work, value, n_works) - centre * in_work
        ones: Any = np.ones(len(work))
        matrix = sparse.csr_array(
            (ones, np.asarray(rater, np.int32), bounds), shape=(n_works, n_raters)
        )
        in_rater = np.bincount(rater, minlength=n_raters).astype(float)
        return cls(
            matrix,
            value,
            by_work,
            summed(rater, value, n_raters) - centre * in_rater,
            float(np.sum((value - centre) ** 2)),
            in_work,
            in_rater,
        )

    @property
    def n(self) -> int:
        return len(self.value)

    def weighted(self, weight: Floats, centre: float) -> "Pool":
        """The same readings with a weight a rater, shape (n_raters,)."""
        (n_works, n_raters), columns = self.matrix.shape, self.matrix.indices
        each, rows, value = weight[columns], self.rows(), self.value - centre
        return Pool(
            sparse.csr_array((each, columns, self.matrix.indptr), shape=self.matrix.shape),
            self.value,
            summed(rows, each * value, n_works),
            summed(columns, each * value, n_raters),
            float(each @ value**2),
            summed(rows, each, n_works),
            summed(columns, each, n_raters),
        )

    @cached_property
    def transposed(self) -> Any:
        """The matrix, raters x works: a view, made once."""
        return self.matrix.T

    @cached_property
    def squared(self) -> Any:
        """Squared weights, raters x works, in the order of the readings (SciPy's own power sorts)."""
        matrix = self.matrix
        if np.all(matrix.data == 1.0):
            return self.transposed
        parts = (matrix.data**2, matrix.indices, matrix.indptr)
        return sparse.csr_array(parts, shape=matrix.shape).T

    def rows(self) -> Codes:
        """Work of each reading."""
        return np.repeat(
            np.arange(self.matrix.shape[0], dtype=np.int32), np.diff(self.matrix.indptr)
        )


@dataclass(frozen=True, eq=False)
class Design:
    """Who read what and how: both pools, about one ``centre``."""

    pools: tuple[Pool, Pool]
    centre: float
    n_works: int

    @classmethod
    def from_rows(
        cls,
        work: tuple[Codes, Codes],
        rater: tuple[Codes, Codes],
        value: tuple[Floats, Floats],
        n_works: int,
        n_raters: tuple[int, int],
    ) -> "Design":
        anchor = value[PROFESSIONAL] if len(value[PROFESSIONAL]) else value[PEER]
        centre = float(np.mean(anchor)) if len(anchor) else 0.0
        peers, professionals = (
            Pool.from_rows(work[p], rater[p], value[p], centre, n_works, n_raters[p])
            for p in (0, 1)
        )
        return cls((peers, professionals), centre, n_works)

    def weighted(self, peers: Floats) -> "Design":
        """The same readings with a weight for each peer."""
        own, professionals = self.pools
        return Design((own.weighted(peers, self.centre), professionals), self.centre, self.n_works)

    @property
    def is_small(self) -> bool:
        raters = sum(pool.matrix.shape[1] for pool in self.pools)
        return bool(raters <= EXACT_RATERS and raters * self.n_works <= EXACT_CELLS)
