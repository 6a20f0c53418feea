"""Variance components by moments: Henderson's first method, a few sums over the rows whatever their number.

References
----------
Henderson 1953, doi:10.2307/3001853.
"""

import math

import numpy as np

from grading.measurement.agreement.weights import Table
from grading.measurement.components.effects import Effect, Effects


def moments(model: Effects) -> tuple[Table, bool]:
    """Solve for the components by equating sums of squares to what is expected of them."""
    effects, n = model.effects, len(model.y)
    c = len(effects)
    squares = np.empty(c + 1)
    expected = np.empty((c + 1, c + 1))
    for row, one in enumerate(effects):
        sums = np.bincount(one.codes, weights=model.y, minlength=len(one.sizes))
        squares[row] = float((sums**2 / one.sizes).sum())
        for column, other in enumerate(effects):
            expected[row, column] = _shared(model, one, other)
        expected[row, c] = len(one.sizes)
    squares[c] = float(model.y @ model.y)
    expected[c] = n
    # The mean's own sum of squares is 0, as the scores are about it; what it expects is not.
    expected[:, :c] -= [float(effect.sizes @ effect.sizes) / n for effect in effects]
    expected[:, c] -= 1
    if np.linalg.matrix_rank(expected / np.abs(expected).max(axis=0)) < c + 1:
        return np.full(c + 1, math.nan), False
    return np.asarray(np.linalg.solve(expected, squares), float), True


def _shared(model: Effects, one: Effect, other: Effect) -> float:
    """Sum over the levels of one of the squared counts it shares with each level of the other, by
    its own count."""
    n = len(model.y)
    if one.facets >= other.facets:
        return float(n)
    if model.cell <= one.facets | other.facets:
        return float(len(one.sizes))
    if one.facets <= other.facets:
        first = np.empty(len(other.sizes), np.int64)
        first[other.codes] = one.codes
        return float((other.sizes**2 / one.sizes[first]).sum())
    cells = one.codes * np.int64(len(other.sizes)) + other.codes
    if len(one.sizes) * len(other.sizes) <= 4 * n + 1024:
        counts = np.bincount(cells)
        present = np.flatnonzero(counts)
        counts = counts[present]
    else:
        present, counts = np.unique(cells, return_counts=True)
    return float((counts.astype(float) ** 2 / one.sizes[present // len(other.sizes)]).sum())
