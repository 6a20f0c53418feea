"""Sparse symmetric equations solved for several right-hand sides at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def conjugate_gradients(
    times: Callable[[Floats], Floats],
    right: Floats,
    diagonal: Floats,
    start: Floats | None = None,
    *,
    tolerance: float,
    steps: int,
) -> Floats:
    """Solve ``times(x) = right`` with the diagonal as preconditioner.

    Parameters
    ----------
    times : callable, (n, k) -> (n, k)
        The matrix, which is symmetric and positive, times columns.
    right, start : float (n, k)
        Where there is no ``start``, from nothing.
    diagonal : float (n,)
    tolerance : float
        Each column's remainder as a share of its right-hand side, in the preconditioner's norm.
    steps : int
        At most so many.
    """
    scale = 1.0 / diagonal[:, None]
    x = np.zeros_like(right) if start is None else start.copy()
    residual = right.copy() if start is None else right - times(x)
    direction = scale * residual
    rho = np.sum(residual * direction, axis=0)
    goal = tolerance**2 * np.maximum(np.sum(right * (scale * right), axis=0), 1e-300)
    for _ in range(steps):
        if np.all(rho <= goal):
            break
        image = times(direction)
        curvature = np.sum(direction * image, axis=0)
        step = np.divide(rho, curvature, out=np.zeros_like(rho), where=curvature > 0)
        x += step * direction
        residual -= step * image
        z = scale * residual
        fresh = np.sum(residual * z, axis=0)
        direction *= np.divide(fresh, rho, out=np.zeros_like(rho), where=rho > 0)
        direction += z
        rho = fresh
    return x
