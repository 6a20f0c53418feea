"""Joint maximum likelihood of the many-facet model: works and effects together.

References
----------
Linacre 1989, Many-Facet Rasch Measurement. Wright & Masters 1982, Rating Scale Analysis.
"""

from collections.abc import Mapping

import numpy as np
import scipy.sparse

from grading.measurement.severity.design import (
    Design,
    Floats,
    Identification,
    Sparse,
    diagonal,
)
from grading.measurement.severity.model import (
    Estimate,
    adjustments,
    congruent,
    covariance,
    probabilities,
    project,
    solve,
    spread_of_ratings,
    start_values,
)


def joint_estimate(
    design: Design,
    identification: Identification,
    *,
    anchored: Mapping[int, float],
    max_iter: int,
    tol: float,
) -> Estimate:
    """Joint maximum likelihood of works that are not extreme, by Newton with the works eliminated."""
    free, mean = start_values(design, identification)
    adjust = adjustments(design)
    low, high = design.span()

    def by_work(values: Floats) -> Floats:
        return np.bincount(design.work, values, design.n_works).astype(float)

    share = by_work((design.level - low).astype(float)) / np.maximum(
        by_work((high - low).astype(float)), 1
    )
    theta = np.log((share + 0.01) / (1.01 - share)) + mean
    known = np.zeros(design.n_works, dtype=bool)
    known[list(anchored)] = True
    theta[known] = list(anchored.values())
    transform, k = identification.transform, np.arange(design.n_levels)
    rows = np.repeat(design.work, len(k))
    columns = (design.cell[:, None] * len(k) + k).ravel()

    def value(free: Floats, theta: Floats) -> float:
        parameters = transform @ free + identification.offset
        base = design.base(parameters)[design.cell]
        _, norm = probabilities(base, theta[design.work])
        chosen = base[np.arange(len(base)), design.level] + design.level * theta[design.work]
        return float((chosen - norm).sum() + adjust @ parameters)

    def curvature(free: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Sparse, Floats]:
        parameters = transform @ free + identification.offset
        base = design.base(parameters)
        p, _ = probabilities(base[design.cell], theta[design.work])
        expected = p @ k
        information = by_work(p @ k**2 - expected**2)
        score = by_work(design.level - expected)
        counts = np.stack([np.bincount(design.cell, p[:, j], len(base)) for j in k], axis=1)
        slope = design.statistics.T @ (design.observed - counts).ravel() + adjust
        with_theta = (p * (k - expected[:, None])).ravel()
        cross = scipy.sparse.coo_array(
            (with_theta, (rows, columns)), shape=(design.n_works, base.size)
        ).tocsr()
        cross = cross @ design.statistics
        inverse = np.where(known, 0.0, 1 / np.maximum(information, 1e-12))
        weight = diagonal(inverse)
        reduced = congruent(design.statistics, spread_of_ratings(p, design.cell, len(base)))
        reduced = reduced - (cross.T @ (weight @ cross)).toarray()
        slope = slope - cross.T @ (inverse * score)
        return (
            project(reduced, transform), transform.T @ slope, score * inverse, cross, inverse,
        )  # fmt: skip

    size, count, current = np.inf, 0, value(free, theta)
    while count < max_iter:
        count += 1
        information, gradient, own, cross, inverse = curvature(free, theta)
        step = solve(information, gradient)
        move = own - inverse * (cross @ (transform @ step))
        size = float(max(np.abs(step).max(initial=0.0), np.abs(move).max(initial=0.0)))
        shrink = min(1.0, 2.0 / max(size, 1e-12))
        for _ in range(30):
            new = value(free + shrink * step, theta + shrink * move)
            if new >= current - 1e-9 * abs(current):
                break
            shrink /= 2
        free, theta, current = free + shrink * step, theta + shrink * move, new
        if size < tol:
            break
    information, _, _, _, inverse = curvature(free, theta)
    parameters = transform @ free + identification.offset
    nothing = np.full(design.n_works, np.nan)
    return Estimate(
        parameters, covariance(information, transform), theta,
        np.where(known, 0.0, np.sqrt(inverse)), nothing, nothing, nothing, float("nan"),
        -2 * (current - float(adjust @ parameters)), count, size < tol, np.empty(0), (),
    )  # fmt: skip
