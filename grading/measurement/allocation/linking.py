"""Which raters the works they share link into one group."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]


def components(works: ArrayLike, raters: ArrayLike, n_raters: int) -> list[IntArray]:
    """Group raters by the works they share, directly or through others.

    Parameters
    ----------
    works, raters : int (n_pairs,), who read what
    n_raters : how many raters there are; one without works is a group of one

    Returns
    -------
    Sorted arrays of raters, ordered by their smallest member.

    Raises
    ------
    ValueError
        Arrays of different length or a rater out of range.
    """
    of_work = np.asarray(works, dtype=np.int64)
    of_rater = np.asarray(raters, dtype=np.int64)
    if of_work.ndim != 1 or of_work.shape != of_rater.shape:
        raise ValueError("works and raters must be of one length")
    if of_rater.size and not (of_rater.min() >= 0 and of_rater.max() < n_raters):
        raise ValueError(f"raters must lie between 0 and {n_raters - 1}")
    codes, nodes = np.unique(of_work, return_inverse=True)
    forest = Forest(n_raters + len(codes))
    for work, rater in zip(nodes.tolist(), of_rater.tolist(), strict=True):
        forest.join(n_raters + work, rater)
    groups: dict[int, list[int]] = {}
    for rater in range(n_raters):
        groups.setdefault(forest.root(rater), []).append(rater)
    return [np.array(group, dtype=np.int64) for group in groups.values()]


class Forest:
    """Disjoint sets, with path halving."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, one: int, other: int) -> bool:
        """Join two sets; False when they already were one, so that this edge closes a cycle."""
        one, other = self.root(one), self.root(other)
        self._parent[one] = other
        return one != other
