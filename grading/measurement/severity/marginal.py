"""Marginal maximum likelihood of the many-facet model: a normal population of works.

References
----------
Bock & Aitkin 1981, doi:10.1007/BF02293801. Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x
(observed information of incomplete data).
"""

from collections.abc import Mapping

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse

from grading.measurement.severity.design import (
    Design,
    Floats,
    Identification,
    Ints,
)
from grading.measurement.severity.likelihood import Marginal
from grading.measurement.severity.model import (
    Estimate,
    covariance,
    solve,
    start_values,
)
from grading.phrases import phrase

_MOST_NODES = 301
_MOST_SD = 10.0  # logits; ratings without any chance in them have no finite scale


def _climb(
    marginal: Marginal, x: Floats, *, floor: float, gtol: float, max_iter: int
) -> tuple[Floats, int]:
    """Quasi-Newton in coordinates in which complete data would have unit information."""
    root = scipy.linalg.cholesky(marginal.information(x, complete=True), lower=True)
    start = x.copy()

    def unfold(z: Floats) -> Floats:
        return start + np.asarray(scipy.linalg.solve_triangular(root, z, lower=True, trans="T"))

    def goal(z: Floats) -> tuple[float, Floats]:
        value, gradient = marginal.value(unfold(z))
        return value, np.asarray(scipy.linalg.solve_triangular(root, gradient, lower=True))

    last = float(root[-1, -1])
    ceiling = max(float(np.log(_MOST_SD)), floor)
    limits = ((floor - start[-1]) * last, (ceiling - start[-1]) * last)
    bounds = [(None, None)] * (len(x) - 1) + [limits]
    found = scipy.optimize.minimize(
        goal, np.zeros_like(x), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": max_iter, "gtol": gtol, "ftol": 1e-14, "maxcor": 20},
    )  # fmt: skip
    return unfold(found.x), int(found.nit)


def _polish(
    marginal: Marginal, x: Floats, *, floor: float, tol: float, max_iter: int
) -> tuple[Floats, Floats, int, float]:
    """Newton steps with the observed information, which is returned with the last step's size.

    At its floor or ceiling the SD is held, and its row of the information is that of something known.
    """
    ceiling = max(float(np.log(_MOST_SD)), floor)
    value, gradient = marginal.value(x)
    size, count = np.inf, 0
    while True:
        information = marginal.information(x)
        held = gradient[-1] > 0 if x[-1] <= floor else gradient[-1] < 0 and x[-1] >= ceiling
        if held or not marginal.free.any():
            information[-1] = information[:, -1] = 0.0
            information[-1, -1] = 1.0
            gradient[-1] = 0.0
        if count == max_iter:
            return x, information, count, size
        count += 1
        step = -solve(information, gradient)
        size = float(np.abs(step).max(initial=0.0))
        if size < tol:
            return x, information, count, size
        step *= min(1.0, 1.0 / size)
        for _ in range(30):
            trial = x + step
            trial[-1] = min(max(trial[-1], floor), ceiling)
            trial_value, trial_gradient = marginal.value(trial)
            if trial_value <= value + 1e-9 * abs(value):
                break
            step /= 2
        x, value, gradient = trial, trial_value, trial_gradient


def _grid(bounds: tuple[float, float], nodes: int) -> Floats:
    return np.linspace(bounds[0], bounds[1], nodes)


def marginal_estimate(
    design: Design,
    identification: Identification,
    *,
    populations: Ints,
    anchored: Mapping[int, float],
    nodes: int | None,
    bounds: tuple[float, float],
    max_iter: int,
    tol: float,
) -> Estimate:
    """Marginal maximum likelihood with a normal population of works.

    ``nodes`` of None finds the grid: wide enough for the population and every work, fine enough that
    one twice as fine changes the deviance by less than a millionth.
    """
    free, mean = start_values(design, identification)
    n_means = int(populations.max(initial=0)) + 1
    x = np.concatenate([free, np.full(n_means, mean), [0.0]])
    grid = _grid(bounds, nodes) if nodes else _grid((mean - 6, mean + 6), 21)
    notes: list[str] = []

    def at(grid: Floats) -> tuple[Marginal, float]:
        # A population narrower than the spacing is not seen by the grid.
        return (
            Marginal(
                design, identification, populations=populations, anchored=anchored, nodes=grid
            ),
            float(np.log(0.75 * (grid[1] - grid[0]))),
        )

    marginal, floor = at(grid)
    x[-1] = max(x[-1], floor)
    x, iterations = _climb(marginal, x, floor=floor, gtol=1e-2 if nodes else 1.0, max_iter=max_iter)
    if not nodes and marginal.free.any():
        for _ in range(6):
            grid = _wider(marginal, x)
            marginal, floor = at(grid)
            x[-1] = max(x[-1], floor)
            x, more = _climb(marginal, x, floor=floor, gtol=1e-2, max_iter=max_iter)
            iterations += more
            finer, _ = at(_wider(marginal, x, finer=True))
            rough, exact = marginal.deviance(x), finer.deviance(x)
            accurate = abs(rough - exact) <= 1e-6 * abs(exact)
            if accurate or len(grid) >= _MOST_NODES:
                break
        if not accurate:
            notes.append(
                f"the quadrature is not exact: twice as many nodes change the deviance by "
                f"{exact - rough:.3g}"
            )
    x, information, more, size = _polish(
        marginal, x, floor=floor, tol=tol, max_iter=max(max_iter - iterations, 1)
    )
    if x[-1] <= floor + 1e-9:
        notes.append(
            phrase("works hardly differ: their variance is at the least the quadrature can see")
        )
    if x[-1] >= np.log(_MOST_SD) - 1e-9:
        notes.append(
            "the ratings follow an order with hardly an exception, so that the model has no finite "
            f"scale: the works' standard deviation is held at {_MOST_SD:g} logits"
        )
    parameters, means, sd = marginal.split(x)
    _, posterior, _ = marginal.posterior(x)
    eap = posterior @ grid
    posterior_sd = np.sqrt(np.maximum(posterior @ grid**2 - eap**2, 0.0))
    nothing = np.full(design.n_works, np.nan)
    eap[~marginal.free] = posterior_sd[~marginal.free] = np.nan
    return Estimate(
        parameters, covariance(information, identification.transform), nothing, nothing,
        eap, posterior_sd, means[populations], sd**2,
        marginal.deviance(x), iterations + more, size < tol, grid, tuple(notes),
    )  # fmt: skip


def _wider(marginal: Marginal, x: Floats, *, finer: bool = False) -> Floats:
    """A grid that covers population and works; spacing near the narrowest posterior's SD."""
    _, means, sd = marginal.split(x)
    _, post, p = marginal.posterior(x)
    k = np.arange(p.shape[2])
    variance = p @ k**2 - (p @ k) ** 2
    information = marginal.of_work @ (marginal.of_block @ variance)
    expected = np.einsum("wq,wq->w", post, information)[marginal.free] + sd**-2
    middle = (post @ marginal.nodes)[marginal.free]
    width = 1 / np.sqrt(expected)
    low = min(float(means.min()) - 5.5 * sd, float((middle - 6 * width).min()))
    high = max(float(means.max()) + 5.5 * sd, float((middle + 6 * width).max()))
    # Rounded, so that the grid does not hang on the last digits of where the search stands.
    low, high = np.floor(4 * low) / 4, np.ceil(4 * high) / 4
    spacing = min(1.5 * float(width.min()), sd)
    spacing = 2.0 ** (np.floor(4 * np.log2(spacing)) / 4) / (2 if finer else 1)
    nodes = int(np.ceil((high - low) / spacing)) + 1
    return _grid((low, high), min(max(nodes, 21), _MOST_NODES * (2 if finer else 1)))
