"""Who rates what: balanced, linked, no conflicts.

Works and raters are integer codes from 0. The design is a bipartite graph; three facts about flows
in such graphs carry the module.

- Readings are placed in rounds, the first of every work before the second of any. Augmenting paths
  make each round as full as it can be and never take a reading from a work, so as many readings as
  possible are placed, and no work gets two where another could have got its first.
- Loads are as even as they can be exactly when no alternating path leads from a rater to one with
  at least two fewer (Harvey et al. 2006). Then the largest load is the smallest possible and the
  smallest load the largest possible.
- While raters fall into several groups and enough works are shared to join them, some reading lies
  on a cycle; exchanging it with a reading of another group joins the two and changes no load.

References
----------
Harvey, Ladner, Lovasz & Tamir (2006). Semi-matchings for bipartite graphs and load balancing.
Journal of Algorithms 59(1), 53-78. doi:10.1016/j.jalgor.2005.01.003
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.allocation.linking import IntArray
from grading.measurement.allocation.placing import Allocation, Placement

__all__ = ["Allocation", "allocate"]

Pairs = Iterable[tuple[int, int]] | IntArray
_DRAWS = 8  # fresh draws when conflicts kept the raters apart


def allocate(
    n_works: int,
    n_raters: int,
    readings: ArrayLike,
    *,
    forbidden: Pairs = (),
    load: ArrayLike | None = None,
    already: ArrayLike | None = None,
    existing: Pairs = (),
    link: bool = False,
    rng: np.random.Generator,
) -> Allocation:
    """Give each work its raters, at random within what balance, conflicts and caps ask for.

    As many readings are placed as conflicts and caps allow, and loads (``already`` included) are as
    even as they can be then: within one of each other where nothing forbids. The result depends on
    the arguments and on ``rng`` alone, not on the order in which pairs are given.

    Parameters
    ----------
    n_works, n_raters : how many there are
    readings : int (n_works,), new readings each work needs, each by another rater
    forbidden : (work, rater) pairs never allowed: own work, conflict of interest
    load : int (n_raters,) or one int for all, most readings of a rater, ``already`` included;
        None for no cap
    already : int (n_raters,), readings each rater has before, balanced on top of
    existing : (work, rater) pairs read before; never repeated, and they link raters; loads count
        them only through ``already``
    link : join raters into as few groups as possible through works with two readings or more,
        ``existing`` among them. This never places fewer readings. Where conflicts leave no exchange
        that keeps the balance, it makes loads less even. The fewest groups are certain where
        nothing is forbidden or existing, else searched for; the result's ``components`` say.
    rng : source of all chance; the same state gives the same result

    Raises
    ------
    ValueError
        Negative numbers, arrays of a wrong shape or type, pairs out of range.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> own = [(person, person) for person in range(6)]
    >>> drawn = allocate(6, 6, [2] * 6, forbidden=own, rng=rng)
    >>> drawn.loads
    array([2, 2, 2, 2, 2, 2])
    """
    if n_works < 0 or n_raters < 0:
        raise ValueError("there cannot be fewer than no works or raters")
    if not isinstance(rng, np.random.Generator):
        raise ValueError("rng must be a numpy random Generator")
    needed = _counts("readings", readings, n_works)
    before = _counts("already", 0 if already is None else already, n_raters)
    cap = None if load is None else _counts("load", load, n_raters)
    conflicts = _pairs("forbidden", forbidden, n_works, n_raters)
    old = _pairs("existing", existing, n_works, n_raters)

    best: tuple[int, Placement] | None = None
    for _ in range(_DRAWS if link else 1):
        design = Placement(
            needed, already=before, cap=cap, forbidden=conflicts, existing=old, rng=rng
        )
        design.place()
        design.balance()
        if not link:
            return design.result()
        groups = design.link()
        if best is None or groups < best[0]:
            best = groups, design
        if groups <= design.fewest_groups():
            break
    assert best is not None
    return best[1].result()


def _counts(name: str, values: ArrayLike, n: int) -> IntArray:
    """Read n whole numbers of at least 0, or one that stands for all."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be whole numbers")
    if array.shape not in ((), (n,)):
        raise ValueError(f"{name} must have {n} entries, not shape {array.shape}")
    if array.size and array.min() < 0:
        raise ValueError(f"{name} must be at least 0")
    return np.broadcast_to(array, (n,)).astype(np.int64)


def _pairs(name: str, pairs: Pairs, n_works: int, n_raters: int) -> IntArray:
    """Read distinct (work, rater) pairs, sorted."""
    array = np.asarray(pairs if isinstance(pairs, np.ndarray) else list(pairs))
    if array.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be pairs of whole numbers")
    if array.min() < 0 or (array.max(axis=0) >= (n_works, n_raters)).any():
        raise ValueError(f"{name} has a work or rater out of range")
    return np.unique(array.astype(np.int64), axis=0)
