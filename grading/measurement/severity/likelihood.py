"""The marginal likelihood of the many-facet model on a grid of measures, its gradient and its information.

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
    Sparse,
    blocks,
)
from grading.measurement.severity.model import (
    adjustments,
    congruent,
    probabilities,
    project,
    spread_of_ratings,
)

_CELLS = 1 << 21  # numbers in one chunk of the missing information


class Marginal:
    """The marginal likelihood of ratings on a grid of nodes, its gradient and its information.

    Coordinates: the free parameters, the mean of each population (M), the log of the works' SD.
    """

    def __init__(self, design: Design, identification: Identification, *, populations: Ints,
                 anchored: Mapping[int, float], nodes: Floats) -> None:  # fmt: skip
        self.design, self.identification, self.nodes = design, identification, nodes
        self.adjust = adjustments(design)
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

    def split(self, x: Floats) -> tuple[Floats, Floats, float]:
        n = self.identification.transform.shape[1]
        parameters = self.identification.transform @ x[:n] + self.identification.offset
        return parameters, x[n:-1], float(np.exp(x[-1]))

    def posterior(self, x: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, posterior (W, Q) and category probabilities (C, Q, K)."""
        parameters, means, sd = self.split(x)
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
        expected: Floats = np.einsum("cq,cqk->ck", weight, p)
        if len(self.fixed_cell):
            fixed, _ = probabilities(base[self.fixed_cell], self.fixed_theta)
            np.add.at(expected, self.fixed_cell, fixed)
        return expected

    def value(self, x: Floats) -> tuple[float, Floats]:
        """The negative log-likelihood (with the pull on extremes) and its gradient."""
        parameters, means, sd = self.split(x)
        value, post, p = self.posterior(x)
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
        return -2 * self.posterior(x)[0]

    def information(self, x: Floats, *, complete: bool = False) -> Floats:
        """Observed information of all coordinates; ``complete``: were the measures known."""
        parameters, means, sd = self.split(x)
        _, post, p = self.posterior(x)
        base = self.design.base(parameters)
        spread = _spread(p, self.to_cell @ (self.to_block @ post))
        if len(self.fixed_cell):
            fixed, _ = probabilities(base[self.fixed_cell], self.fixed_theta)
            spread += spread_of_ratings(fixed, self.fixed_cell, len(base))
        effects = congruent(self.design.statistics, spread)
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
        return project(full, wide)

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
    total += np.asarray(pick @ values.reshape(index.size, -1))


def _add_pairs(total: Floats, first: Ints, second: Ints, values: Floats) -> None:
    one = np.broadcast_to(first[:, :, None], values.shape)
    other = np.broadcast_to(second[:, None, :], values.shape)
    there = (one >= 0) & (other >= 0)
    n = len(total)
    flat = np.bincount(one[there] * n + other[there], weights=values[there], minlength=n * n)
    total += flat.reshape(n, n)


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
