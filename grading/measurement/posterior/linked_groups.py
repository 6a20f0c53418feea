"""How many parts of a cohort no rater connects."""

import numpy as np

from grading.measurement.posterior.pools import Design


def linked_groups(design: Design) -> int:
    """Parts of the graph of works and raters, leaving out works that nobody read.

    Every rater starts as a group of its own; works hand the lowest number among their readers round
    until nothing changes, which in a linked design takes a handful of rounds. SciPy's connected
    components would copy the graph of ten million readings, for which there is no room.
    """
    pools = [pool for pool in design.pools if pool.n]
    first = np.cumsum([0] + [pool.matrix.shape[1] for pool in pools])
    first = first.astype(np.int32)
    label = np.arange(first[-1], dtype=np.int32)
    highest = np.int32(first[-1])
    while True:
        before = label.copy()
        lowest = np.full(design.n_works, highest)
        for pool, start in zip(pools, first, strict=False):
            read = np.flatnonzero(pool.in_work)
            mine = label[start : start + pool.matrix.shape[1]][pool.matrix.indices]
            mine = np.minimum.reduceat(mine, pool.matrix.indptr[read])
            lowest[read] = np.minimum(lowest[read], mine)
        for pool, start in zip(pools, first, strict=False):
            part = label[start : start + pool.matrix.shape[1]]
            told = np.repeat(lowest, np.diff(pool.matrix.indptr))
            np.minimum.at(part, pool.matrix.indices, told)
        # A label is a rater's number: follow it, so that chains shorten by half each round.
        label = label[label]
        # All in the first rater's group is as linked as a design can be.
        if np.array_equal(label, before) or not label.any():
            break
    used = np.concatenate([pool.in_rater > 0 for pool in pools]) if pools else np.zeros(0, bool)
    return len(np.unique(label[used]))
