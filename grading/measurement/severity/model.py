"""The many-facet model at given measures: probabilities, moments, works' measures, information.

Extreme raters, elements and criteria have no finite estimate; their observed total is moved inwards
by ``EXTREME`` score points.

References
----------
Warm 1989, doi:10.1007/BF02294627 (weighted likelihood estimates of a person).
Linacre 1989, Many-Facet Rasch Measurement (extreme scores).
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse

from grading.measurement.severity.design import Design, Floats, Identification, Ints, Sparse

EXTREME = 0.3
_CHUNK = 1 << 16  # ratings worked on at a time


@dataclass(frozen=True, eq=False)
class Estimate:
    """What an estimator found.

    Attributes
    ----------
    parameters : float (P,)
    covariance : float (P, P)
    theta, theta_error : float (W,)
        Joint maximum likelihood only; else NaN.
    eap, posterior_sd : float (W,)
        Marginal maximum likelihood only; else NaN.
    means : float (W,)
        Mean of the population of each work; NaN from the joint estimator.
    variance, deviance : float
    iterations : int
    converged : bool
    nodes : float (Q,)
        The quadrature; empty from the joint estimator.
    notes : tuple of str
    """

    parameters: Floats
    covariance: Floats
    theta: Floats
    theta_error: Floats
    eap: Floats
    posterior_sd: Floats
    means: Floats
    variance: float
    deviance: float
    iterations: int
    converged: bool
    nodes: Floats
    notes: tuple[str, ...]


def probabilities(base: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Category probabilities and log normaliser for logits ``base`` (..., K) shifted by ``k * theta``."""
    logits = base + np.arange(base.shape[-1]) * theta[..., None]
    top = logits.max(axis=-1, keepdims=True)
    np.exp(logits - top, out=logits)
    total = logits.sum(axis=-1, keepdims=True)
    logits /= total
    return logits, (np.log(total) + top)[..., 0]


def moments(base: Floats, cell: Ints, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, variance, third central moment and fourth of each rating's level, ``theta`` per rating."""
    out = np.empty((4, len(cell)))
    k = np.arange(base.shape[1], dtype=float)
    for start in range(0, len(cell), _CHUNK):
        rows = slice(start, start + _CHUNK)
        p, _ = probabilities(base[cell[rows]], theta[rows])
        mean = p @ k
        away = k - mean[:, None]
        power = away * away
        out[0, rows] = mean
        out[1, rows] = np.einsum("nk,nk->n", p, power)
        out[2, rows] = np.einsum("nk,nk,nk->n", p, power, away)
        out[3, rows] = np.einsum("nk,nk,nk->n", p, power, power)
    return out[0], out[1], out[2], out[3]


def weighted_likelihood(
    design: Design, base: Floats, start: Floats, works: Ints
) -> tuple[Floats, Floats]:
    """Warm's estimate and its standard error for ``works``; others keep NaN."""
    theta, error = np.full(design.n_works, np.nan), np.full(design.n_works, np.nan)
    theta[works] = start[works]
    open_works = np.zeros(design.n_works, dtype=bool)
    open_works[works] = True
    for _ in range(100):
        rows = open_works[design.work]
        work, level = design.work[rows], design.level[rows]
        if not len(work):
            break
        mean, variance, third, fourth = moments(base, design.cell[rows], theta[work])

        def total(values: Floats, codes: Ints = work) -> Floats:
            return np.bincount(codes, values, design.n_works).astype(float)

        information = np.maximum(total(variance), 1e-12)
        skew = total(third)
        slope = information - (total(fourth - 3 * variance**2) * information - skew**2) / (
            2 * information**2
        )
        score = total(level - mean) + skew / (2 * information)
        step = np.clip(score / np.maximum(slope, information / 4), -1, 1)
        theta[open_works] += step[open_works]
        error[open_works] = 1 / np.sqrt(information[open_works])
        open_works &= np.abs(step) > 1e-9
    return theta, error


def adjustments(design: Design) -> Floats:
    """Score points by which extreme elements are moved inwards, as a gradient (P,)."""
    gradient = np.zeros(design.n_parameters)
    for name, where in design.slices().items():
        extreme = design.extremes(design.element_codes(name), where.stop - where.start)
        if len(extreme) > 1:
            gradient[where] = EXTREME * extreme
    return gradient


def start_values(design: Design, identification: Identification) -> tuple[Floats, float]:
    """Free coordinates to start from, and the mean of the works that goes with them."""
    total = np.zeros((design.n_criteria, design.n_levels))
    np.add.at(total, design.cells[:, 2], design.observed)
    if design.model == "rating_scale":
        total[:] = total.sum(axis=0)
    k = np.arange(design.n_levels)
    guess = np.zeros(design.n_parameters)
    where = design.slices()
    for i, support in enumerate(design.support):
        levels = k[support]
        logs = np.log(total[i, support] + 0.5)
        logs -= logs[0]
        difficulty = -logs[-1] / max(levels[-1] - levels[0], 1)
        guess[where["criterion"].start + i] = difficulty
        interior = design.step[i, support]
        guess[interior[1:-1]] = (logs + (levels - levels[0]) * difficulty)[1:-1]
    spread = max(float(np.var(design.level)), 0.1)
    by_rater = np.bincount(design.rater, weights=design.level) / np.bincount(design.rater)
    guess[where["rater"]] = (design.level.mean() - by_rater) / spread
    mean = -float(guess[where["criterion"]].mean())
    guess[where["criterion"]] += mean
    return guess[identification.free], mean


def adjusted_measure(
    base: Floats, of_work: Ints, target: Floats, start: Floats
) -> tuple[Floats, Floats]:
    """Measures at which the expected totals are ``target``, and standard errors.

    ``base`` (n, K) are the logits of each rating, ``of_work`` (n,) its work.
    """
    theta, n = start.copy(), len(start)
    index = np.arange(len(base))
    for _ in range(200):
        mean, variance, _, _ = moments(base, index, theta[of_work])
        information = np.maximum(np.bincount(of_work, variance, n), 1e-12)
        step = np.clip((target - np.bincount(of_work, mean, n)) / information, -1, 1)
        theta += step
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    return theta, 1 / np.sqrt(information)


def spread_of_ratings(p: Floats, cell: Ints, n_cells: int) -> Floats:
    """The same summed over ratings with probabilities ``p`` (n, K)."""
    n_levels = p.shape[1]
    spread = np.empty((n_cells, n_levels, n_levels))
    for k in range(n_levels):
        for h in range(k, n_levels):
            both = p[:, k] * ((k == h) - p[:, h])
            spread[:, k, h] = spread[:, h, k] = np.bincount(cell, both, n_cells)
    return spread


def congruent(statistics: Sparse, spread: Floats) -> Floats:
    """``S' blockdiag(spread) S``, dense."""
    n = len(spread)
    middle = scipy.sparse.bsr_array((spread, np.arange(n), np.arange(n + 1))).tocsr()
    return np.asarray((statistics.T @ (middle @ statistics)).toarray())


def solve(information: Floats, gradient: Floats) -> Floats:
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(information), gradient))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(information, gradient, rcond=None)[0])


def covariance(information: Floats, transform: Sparse) -> Floats:
    """Covariance of all parameters; NaN where the information is not that of a maximum."""
    n = transform.shape[1]
    try:
        root = scipy.linalg.cholesky(information, lower=True)
    except np.linalg.LinAlgError:
        return np.full((transform.shape[0],) * 2, np.nan)
    inverse, _ = scipy.linalg.lapack.dpotri(root, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    return np.asarray(project(inverse[:n, :n], transform.T))


def project(matrix: Floats, transform: Sparse) -> Floats:
    """``transform' @ matrix @ transform`` for a symmetric matrix."""
    half = transform.T @ matrix
    return np.asarray(transform.T @ half.T)
