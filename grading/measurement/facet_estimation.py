"""Two estimators of the many-facet model: marginal and joint maximum likelihood, with information.

Both maximise over the free coordinates of ``Identification``. Extreme raters, elements and criteria
have no finite estimate; their observed total is moved inwards by ``EXTREME`` score points.

References
----------
Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x (observed information of incomplete data).
Warm 1989, doi:10.1007/BF02294627 (weighted likelihood estimates of a person).
Linacre 1989, Many-Facet Rasch Measurement (the model, its joint estimator, extreme scores).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse

from grading.measurement.facet_design import (
    Design,
    Floats,
    Identification,
    Ints,
    Sparse,
    blocks,
)

EXTREME = 0.3
_CHUNK = 1 << 16  # ratings worked on at a time
_CELLS = 1 << 21  # numbers in one chunk of the missing information
_MOST_NODES = 301


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
    nodes : float (Q,), log_weights : float (W, Q) or (1, Q)
        The quadrature and the prior on it.
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
            return np.bincount(codes, weights=values, minlength=design.n_works)

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


def adjustments(design: Design, identification: Identification) -> Floats:
    """Score points by which extreme elements are moved inwards, as a gradient (P,)."""
    gradient = np.zeros(design.n_parameters)
    for name, where in design.slices().items():
        extreme = design.extremes(design.element_codes(name), where.stop - where.start)
        if len(extreme) > 1:
            gradient[where] = -EXTREME * extreme
    return gradient


def start_values(design: Design, identification: Identification) -> tuple[Floats, float]:
    """Free coordinates to start from, and the mean of the works that goes with them."""
    total = np.zeros((design.n_criteria, design.n_levels))
    np.add.at(total, design.cells[:, 2], design.observed)
    if len(design.support) > 1 and np.array_equal(design.step[0], design.step[-1]):
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


class Marginal:
    """The marginal likelihood of ratings on a grid of nodes, its gradient and its information.

    Coordinates: the free parameters, the mean of each population (M), the log of the works' SD.
    """

    def __init__(self, design: Design, identification: Identification, *, populations: Ints,
                 anchored: Mapping[int, float], nodes: Floats) -> None:  # fmt: skip
        self.design, self.identification, self.nodes = design, identification, nodes
        self.adjust = adjustments(design, identification)
        fixed = np.full(design.n_works, np.nan)
        fixed[list(anchored)] = list(anchored.values())
        self.free = np.isnan(fixed)
        rows = self.free[design.work]
        self.of_work, self.of_block = blocks(design, rows)
        self.to_block = self.of_work.T.tocsr()
        self.to_cell = self.of_block.T.tocsr()
        self.score = np.bincount(design.work, weights=design.level, minlength=design.n_works)
        self.population = populations
        self.n_means = int(populations.max(initial=0)) + 1
        self.fixed_cell = design.cell[~rows]
        self.fixed_theta = fixed[design.work[~rows]]
        self.fixed_score = float((design.level[~rows] * self.fixed_theta).sum())

    def _split(self, x: Floats) -> tuple[Floats, Floats, float]:
        n = self.identification.transform.shape[1]
        parameters = self.identification.transform @ x[:n] + self.identification.offset
        return parameters, x[n:-1], float(np.exp(x[-1]))

    def _posterior(self, x: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, posterior (W, Q) and category probabilities (C, Q, K)."""
        parameters, means, sd = self._split(x)
        base = self.design.base(parameters)
        p, log_norm = probabilities(base[:, None, :], self.nodes[None, :])
        log_post = self.score[:, None] * self.nodes
        log_post -= self.of_work @ (self.of_block @ log_norm)
        prior = self.log_prior(means, sd)
        log_post += prior[0] if self.n_means == 1 else prior[self.population]
        top = log_post.max(axis=1, keepdims=True)
        log_post -= top
        post = np.exp(log_post, out=log_post)
        total = post.sum(axis=1, keepdims=True)
        post /= total
        by_work = (np.log(total) + top)[:, 0]
        found = self.design.observed > 0
        value = float(by_work[self.free].sum())
        value += float((self.design.observed[found] * base[found]).sum())
        if len(self.fixed_cell):
            _, norm = probabilities(base[self.fixed_cell], self.fixed_theta)
            value += self.fixed_score - float(norm.sum())
        post[~self.free] = 0.0
        return value, post, p

    def log_prior(self, means: Floats, sd: float) -> Floats:
        """Log density times spacing at each node, (M, Q): not normalised."""
        z = (self.nodes - means[:, None]) / sd
        spacing = self.nodes[1] - self.nodes[0]
        return np.asarray(-0.5 * z * z - np.log(sd) + np.log(spacing / np.sqrt(2 * np.pi)))

    def _expected(self, post: Floats, p: Floats, base: Floats) -> Floats:
        """Expected ratings of each level in each cell."""
        weight = self.to_cell @ (self.to_block @ post)
        expected = np.einsum("cq,cqk->ck", weight, p)
        if len(self.fixed_cell):
            fixed, _ = probabilities(base[self.fixed_cell], self.fixed_theta)
            np.add.at(expected, self.fixed_cell, fixed)
        return expected

    def value(self, x: Floats) -> tuple[float, Floats]:
        """The negative log-likelihood (with the pull on extremes) and its gradient."""
        parameters, means, sd = self._split(x)
        value, post, p = self._posterior(x)
        expected = self._expected(post, p, self.design.base(parameters))
        slope = self.design.statistics.T @ (self.design.observed - expected).ravel() + self.adjust
        away = (self.nodes - means[:, None]) / sd
        by_population = self._by_population(post)
        gradient = np.concatenate(
            [
                self.identification.transform.T @ slope,
                (by_population * away).sum(axis=1) / sd,
                [(by_population * (away**2 - 1)).sum()],
            ]
        )
        return -(value + float(self.adjust @ parameters)), -gradient

    def _by_population(self, post: Floats) -> Floats:
        if self.n_means == 1:
            return np.asarray(post.sum(axis=0, keepdims=True))
        table = np.zeros((self.n_means, len(self.nodes)))
        np.add.at(table, self.population, post)
        return table

    def deviance(self, x: Floats) -> float:
        return -2 * self._posterior(x)[0]

    def information(self, x: Floats, *, complete: bool = False) -> Floats:
        """Observed information of all coordinates; ``complete``: were the measures known."""
        parameters, means, sd = self._split(x)
        _, post, p = self._posterior(x)
        base = self.design.base(parameters)
        spread = _spread(p, self.to_cell @ (self.to_block @ post))
        if len(self.fixed_cell):
            fixed, _ = probabilities(base[self.fixed_cell], self.fixed_theta)
            spread += _spread_of_ratings(fixed, self.fixed_cell, len(base))
        effects = _congruent(self.design.statistics, spread)
        n, m = len(parameters), self.n_means
        full = np.zeros((n + m + 1, n + m + 1))
        full[:n, :n] = effects
        away = (self.nodes - means[:, None]) / sd
        table = self._by_population(post)
        index = np.arange(n, n + m)
        full[index, index] = np.maximum(table.sum(axis=1), 1e-9) / sd**2
        if not complete:
            full[index, -1] = full[-1, index] = 2 * (table * away).sum(axis=1) / sd
        full[-1, -1] = 2 * (table * away**2).sum() if not complete else 2 * max(table.sum(), 1)
        if not complete:
            full -= self._missing(post, p, away, sd)
        wide = scipy.sparse.block_diag(
            [self.identification.transform, scipy.sparse.eye_array(m + 1)], format="csr"
        )
        return _project(full, wide)

    def _missing(self, post: Floats, p: Floats, away: Floats, sd: float) -> Floats:
        """Posterior covariance of the complete-data score, summed over works (Louis 1982).

        Severities, further effects and means are few per work and many in all: they stay sparse.
        """
        design, q, k = self.design, len(self.nodes), np.arange(self.design.n_levels)
        n, m, many = design.n_parameters, self.n_means, design.n_raters + design.n_facets
        by_block = self.of_block @ (p @ k)  # (B, Q)
        wide = scipy.sparse.kron(self.of_block, np.ones((1, len(k))), format="csr")
        few = design.statistics[:, many:]
        dense = np.stack([-_scaled(wide, p[:, j].ravel(), few) for j in range(q)], axis=1)
        lead = self.of_block.indices[self.of_block.indptr[:-1]]
        element = design.cells[lead, :2] + np.array([0, design.n_raters])
        if design.n_facets == 1:
            element = element[:, :1]  # its one effect is held at nought
        total = np.zeros((n + m + 1, n + m + 1))
        scarce, plenty = np.r_[0:many, n : n + m], np.r_[many:n, n + m]
        corner = np.zeros((len(scarce), len(scarce)))
        side = np.zeros((len(scarce), len(plenty)))
        readings = np.diff(self.of_work.indptr)
        by_size = np.argsort(readings, kind="stable")  # so that padding costs little
        size = max(_CELLS // (max(dense.shape[2] + 1, 8) * q), 1)
        for first in range(0, design.n_works, size):
            works = by_size[first : first + size]
            posterior = post[works]
            root = np.sqrt(posterior)
            incidence = self.of_work[works]
            reader = np.repeat(np.arange(len(works)), np.diff(incidence.indptr))
            place = np.arange(len(reader)) - incidence.indptr[reader]
            own = away[self.population[works]]
            # One row a reading and one for the population's mean, padded with rows of nought.
            rows = np.zeros((len(works), int(readings[works].max(initial=0)) + 1, q))
            rows[:, 0] = own / sd
            rows[reader, place + 1] = by_block[incidence.indices]
            rows -= np.einsum("wq,wrq->wr", posterior, rows)[:, :, None]
            rows *= root[:, None, :]
            full = np.empty((len(works), q, len(plenty)))
            full[:, :, :-1] = (incidence @ dense.reshape(len(dense), -1)).reshape(len(works), q, -1)
            full[:, :, -1] = own**2
            full -= np.einsum("wq,wqd->wd", posterior, full)[:, None, :]
            full *= root[:, :, None]
            flat = full.reshape(len(works) * q, -1)
            total[np.ix_(plenty, plenty)] += flat.T @ flat
            index = np.full((*rows.shape[:2], element.shape[1]), -1)
            index[:, 0, 0] = many + self.population[works]
            index[reader, place + 1] = element[incidence.indices]
            among = np.matmul(rows, rows.transpose(0, 2, 1))
            beside = np.matmul(rows, full)
            for one in range(element.shape[1]):
                _add_rows(side, index[:, :, one], beside)
                for other in range(element.shape[1]):
                    _add_pairs(corner, index[:, :, one], index[:, :, other], among)
        total[np.ix_(scarce, scarce)] = corner
        total[np.ix_(scarce, plenty)] = side
        total[np.ix_(plenty, scarce)] = side.T
        return total


def _add_rows(total: Floats, index: Ints, values: Floats) -> None:
    there = index.ravel() >= 0
    pick = scipy.sparse.coo_array(
        (np.ones(int(there.sum())), (index.ravel()[there], np.flatnonzero(there))),
        shape=(len(total), index.size),
    ).tocsr()
    total += pick @ values.reshape(index.size, -1)


def _add_pairs(total: Floats, first: Ints, second: Ints, values: Floats) -> None:
    one = np.broadcast_to(first[:, :, None], values.shape)
    other = np.broadcast_to(second[:, None, :], values.shape)
    there = (one >= 0) & (other >= 0)
    n = len(total)
    flat = np.bincount(one[there] * n + other[there], weights=values[there], minlength=n * n)
    total += flat.reshape(n, n)


def _centred(values: Floats, weights: Floats) -> Floats:
    return values - np.einsum("nq,nq->n", values, weights)[:, None]


def _scaled(left: Sparse, middle: Floats, right: Sparse) -> Floats:
    """``left @ diag(middle) @ right``, dense."""
    scaled = scipy.sparse.csr_array(
        (left.data * middle[left.indices], left.indices, left.indptr), shape=left.shape
    )
    return np.asarray((scaled @ right).toarray())


def _spread(p: Floats, weight: Floats) -> Floats:
    """Covariance of a cell's category indicators summed over nodes: (C, K, K)."""
    weighted = p * weight[:, :, None]
    spread = -np.matmul(weighted.transpose(0, 2, 1), p)
    k = np.arange(p.shape[2])
    spread[:, k, k] += weighted.sum(axis=1)
    return np.asarray(spread)


def _spread_of_ratings(p: Floats, cell: Ints, n_cells: int) -> Floats:
    """The same summed over ratings with probabilities ``p`` (n, K)."""
    n_levels = p.shape[1]
    spread = np.empty((n_cells, n_levels, n_levels))
    for k in range(n_levels):
        for h in range(k, n_levels):
            both = p[:, k] * ((k == h) - p[:, h])
            spread[:, k, h] = spread[:, h, k] = np.bincount(cell, both, n_cells)
    return spread


def _congruent(statistics: Sparse, spread: Floats) -> Floats:
    """``S' blockdiag(spread) S``, dense."""
    n = len(spread)
    middle = scipy.sparse.bsr_array((spread, np.arange(n), np.arange(n + 1))).tocsr()
    return np.asarray((statistics.T @ (middle @ statistics)).toarray())


def _solve(information: Floats, gradient: Floats) -> Floats:
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(information), gradient))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(information, gradient, rcond=None)[0])


def _covariance(information: Floats, transform: Sparse) -> Floats:
    """Covariance of all parameters; NaN where the information is not that of a maximum."""
    n = transform.shape[1]
    try:
        root = scipy.linalg.cholesky(information, lower=True)
    except np.linalg.LinAlgError:
        return np.full((transform.shape[0],) * 2, np.nan)
    inverse, _ = scipy.linalg.lapack.dpotri(root, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    return np.asarray(_project(inverse[:n, :n], transform.T))


def _project(matrix: Floats, transform: Sparse) -> Floats:
    """``transform' @ matrix @ transform`` for a symmetric matrix."""
    half = transform.T @ matrix
    return np.asarray(transform.T @ half.T)


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
    bounds = [(None, None)] * (len(x) - 1) + [((floor - start[-1]) * last, 5 * last)]
    found = scipy.optimize.minimize(
        goal, np.zeros_like(x), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": max_iter, "gtol": gtol, "ftol": 1e-14, "maxcor": 20},
    )  # fmt: skip
    return unfold(found.x), int(found.nit)


def _polish(
    marginal: Marginal, x: Floats, *, floor: float, tol: float, max_iter: int
) -> tuple[Floats, Floats, int, float]:
    """Newton steps with the observed information, which is returned with the last step's size."""
    value, gradient = marginal.value(x)
    for count in range(1, max_iter + 1):
        information = marginal.information(x)
        loose = np.ones(len(x), dtype=bool)
        loose[-1] = x[-1] > floor or gradient[-1] < 0
        step = np.zeros_like(x)
        step[loose] = -_solve(information[np.ix_(loose, loose)], gradient[loose])
        size = float(np.abs(step).max(initial=0.0))
        if size < tol:
            return x, information, count, size
        step *= min(1.0, 1.0 / size)
        for _ in range(30):
            trial = x + step
            trial[-1] = max(trial[-1], floor)
            trial_value, trial_gradient = marginal.value(trial)
            if trial_value <= value + 1e-9 * abs(value):
                break
            step /= 2
        x, value, gradient = trial, trial_value, trial_gradient
    return x, marginal.information(x), max_iter, size


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
) -> tuple[Estimate, Floats]:
    """Marginal maximum likelihood with a normal population of works; also the posterior (W, Q).

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
    if not nodes:
        for _ in range(6):
            grid = _wider(marginal, x)
            marginal, floor = at(grid)
            x[-1] = max(x[-1], floor)
            x, more = _climb(marginal, x, floor=floor, gtol=1e-2, max_iter=max_iter)
            iterations += more
            finer, _ = at(_wider(marginal, x, finer=True))
            rough, exact = marginal.deviance(x), finer.deviance(x)
            if abs(rough - exact) <= 1e-6 * abs(exact) or len(grid) >= _MOST_NODES:
                break
    x, information, more, size = _polish(
        marginal, x, floor=floor, tol=tol, max_iter=max(max_iter - iterations, 1)
    )
    if x[-1] <= floor + 1e-9:
        notes.append("works hardly differ: their variance is at the least the quadrature can see")
    parameters, means, sd = marginal._split(x)
    covariance = _covariance(information, identification.transform)
    _, posterior, _ = marginal._posterior(x)
    eap = posterior @ grid
    posterior_sd = np.sqrt(np.maximum(posterior @ grid**2 - eap**2, 0.0))
    nothing = np.full(design.n_works, np.nan)
    eap[~marginal.free] = posterior_sd[~marginal.free] = np.nan
    return Estimate(
        parameters, covariance, nothing, nothing, eap, posterior_sd, means[populations], sd**2,
        marginal.deviance(x), iterations + more, size < tol, grid, tuple(notes),
    ), posterior  # fmt: skip


def _wider(marginal: Marginal, x: Floats, *, finer: bool = False) -> Floats:
    """A grid that covers population and works; spacing near the narrowest posterior's SD."""
    _, means, sd = marginal._split(x)
    _, post, p = marginal._posterior(x)
    k = np.arange(p.shape[2])
    variance = p @ k**2 - (p @ k) ** 2
    information = marginal.of_work @ (marginal.of_block @ variance)
    expected = np.einsum("wq,wq->w", post, information)[marginal.free] + sd**-2
    middle = (post @ marginal.nodes)[marginal.free]
    width = 1 / np.sqrt(expected)
    low = min(float(means.min()) - 5.5 * sd, float((middle - 6 * width).min()))
    high = max(float(means.max()) + 5.5 * sd, float((middle + 6 * width).max()))
    spacing = min(1.5 * float(width.min()), sd) / (2 if finer else 1)
    nodes = int(np.ceil((high - low) / spacing)) + 1
    return _grid((low, high), min(max(nodes, 21), _MOST_NODES * (2 if finer else 1)))


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
    adjust = adjustments(design, identification)
    low, high = design.span()

    def by_work(values: Floats) -> Floats:
        return np.bincount(design.work, weights=values, minlength=design.n_works)

    share = by_work(design.level - low + 0.0) / np.maximum(by_work(high - low + 0.0), 1)
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
        weight = scipy.sparse.dia_array((inverse[None, :], [0]), (design.n_works,) * 2)
        reduced = _congruent(design.statistics, _spread_of_ratings(p, design.cell, len(base)))
        reduced = reduced - (cross.T @ (weight @ cross)).toarray()
        slope = slope - cross.T @ (inverse * score)
        return (
            _project(reduced, transform), transform.T @ slope, score * inverse, cross, inverse,
        )  # fmt: skip

    size, count, current = np.inf, 0, value(free, theta)
    while count < max_iter:
        count += 1
        information, gradient, own, cross, inverse = curvature(free, theta)
        step = _solve(information, gradient)
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
        parameters, _covariance(information, transform), theta,
        np.where(known, 0.0, np.sqrt(inverse)), nothing, nothing, nothing, float("nan"),
        -2 * (current - float(adjust @ parameters)), count, size < tol, np.empty(0), (),
    )  # fmt: skip


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
