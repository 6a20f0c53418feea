"""The joint normal posterior of works and raters, for peers and professionals who read the same works.

With t the true score of a work w on the professionals' scale, v a peer and r a professional,

    peer          y = m + d + s (t - m) + g + b_v + e,   g ~ N(0, shared), b_v ~ N(0, peer bias)
    professional  y = t + b_r + e,                       b_r ~ N(0, professional bias)
    t ~ N(m, prior), e ~ N(0, error of the pool)

g is one number a work: what all its peers get wrong together. The mean m and the peers' leniency d
have flat priors and are integrated out (REML); slope and variances are maximised over the marginal
likelihood, whose gradient is the expectation step of EM (Fisher's identity), so the maximum is EM's
and quasi-Newton steps only reach it sooner.

Posterior means are exact always (Cholesky, or conjugate gradients on the raters after the works are
eliminated). Marginal variances and the determinant are exact while the raters' matrix is small; above
that they come from belief propagation on the graph of readings: exact where that graph has no loop, and
close where raters meet each other seldom, which is how large designs are drawn (Weiss & Freeman 2001).

References
----------
Patterson & Thompson 1971, doi:10.1093/biomet/58.3.545; Dempster, Laird & Rubin 1977,
doi:10.1111/j.2517-6161.1977.tb01600.x; Weiss & Freeman 2001, doi:10.1162/089976601750541769;
Piech et al. 2013, arXiv:1307.2579 (the peers' part with slope 1 and no shared error).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import linalg, sparse

from grading.measurement.posterior.pools import PEER, Design, Floats, summed

_SWEEPS, _STEPS = 60, 400


@dataclass(frozen=True)
class Parameters:
    """What the model knows about a cohort; variances are in squared points.

    Attributes
    ----------
    prior_mean, prior_variance : of the works' true scores, on the professionals' scale
    leniency : how much higher peers mark the mean work than professionals do
    slope : points that peers move for one point of the truth; 1 where nothing anchors it
    shared_variance : of the error that all peers of a work make together
    peer_bias_variance, peer_error_variance
    professional_bias_variance, professional_error_variance
        Of a pool that read nothing: what the priors expect, so that a first reading can be weighed.
    """

    prior_mean: float
    prior_variance: float
    leniency: float = 0.0
    slope: float = 1.0
    shared_variance: float = 0.0
    peer_bias_variance: float = 0.0
    peer_error_variance: float = 1.0
    professional_bias_variance: float = 0.0
    professional_error_variance: float = 1.0

    def bias_variance(self, pool: int) -> float:
        return self.professional_bias_variance if pool else self.peer_bias_variance

    def error_variance(self, pool: int) -> float:
        return self.professional_error_variance if pool else self.peer_error_variance

    def signal(self) -> Floats:
        """Covariance, shape (2, 2), of what peers and what professionals see in a work."""
        t, s = self.prior_variance, self.slope
        return np.array([[s * s * t + self.shared_variance, s * t], [s * t, t]])


@dataclass(eq=False)
class Messages:
    """Belief propagation's variances per reading, kept from one evaluation to the next.

    ``spread`` is, a reading, the variance of what was read given every other reading.
    """

    to_rater: list[Floats | None] = field(default_factory=lambda: [None, None])
    spread: list[Floats] = field(default_factory=lambda: [np.zeros(0), np.zeros(0)])


@dataclass(frozen=True, eq=False)
class Spread:
    """The parts of the posterior that do not depend on what was read, given mean and leniency.

    ``weight`` (n_works, 3) holds the entries (uu, ux, xx) of Z'PZ a work, ``of_rater`` and ``of_noise``
    the traces of P over raters and readings of each pool, ``variance`` each rater's posterior variance.
    """

    weight: Floats
    of_rater: tuple[float, float]
    of_noise: tuple[float, float]
    variance: tuple[Floats, Floats]
    log_determinant: float


@dataclass(frozen=True, eq=False)
class Joint:
    """The posterior at given parameters.

    Attributes
    ----------
    mean, variance : ndarray, shape (n_works,)
        Of the true scores, with the uncertainty of mean and leniency in it.
    bias, bias_variance : pairs of ndarray, shape (n_raters of the pool,)
        In points above the professionals' mean; a peer's contains the leniency.
    parameters : Parameters
        With mean and leniency as estimated.
    log_likelihood : float
        Restricted; without the constant.
    gradient : ndarray, shape (7,)
        Of the log likelihood, by the logarithms of standard deviations and by the slope: log prior,
        slope, log shared, log peer bias, log peer error, log professional bias and error.
    """

    mean: Floats
    variance: Floats
    bias: tuple[Floats, Floats]
    bias_variance: tuple[Floats, Floats]
    parameters: Parameters
    log_likelihood: float
    gradient: Floats


class Works:
    """The works eliminated: their 2 x 2 algebra given the raters' biases."""

    def __init__(self, design: Design, parameters: Parameters) -> None:
        self.design = design
        self.errors = [parameters.error_variance(p) for p in (0, 1)]
        self.priors = [max(parameters.bias_variance(p), 1e-12) for p in (0, 1)]
        (self.uu, self.ux), (_, self.xx) = parameters.signal()
        self.a, self.b = (
            pool.in_work / error if pool.n else np.broadcast_to(0.0, design.n_works)
            for pool, error in zip(design.pools, self.errors, strict=True)
        )
        self.minor = self.uu * self.xx - self.ux**2
        determinant = self.determinant()
        # Posterior covariance of (u, x) given the biases.
        self.m = (
            (self.uu + self.b * self.minor) / determinant,
            self.ux / determinant,
            (self.xx + self.a * self.minor) / determinant,
        )

    def determinant(self) -> Floats:
        out = 1.0 + self.uu * self.a
        out += self.xx * self.b
        if self.minor:
            out += self.minor * self.a * self.b
        return np.asarray(out)

    def signal(self, p: int, sums: Sequence[Floats]) -> Floats:
        """Posterior mean of what pool p sees, from sums of residuals a work, shape (n_works, k)."""
        out = np.zeros_like(sums[p])
        for q in (0, 1):
            if self.design.pools[q].n:
                out += (self.m[p + q] / self.errors[q])[:, None] * sums[q]
        return out

    def signals(self, sums: Sequence[Floats]) -> list[Floats]:
        """Both pools' signals; the second is the true score, less the mean."""
        return [self.signal(0, sums), self.signal(1, sums)]

    def apply(self, biases: Floats) -> Floats:
        """The raters' precision matrix times ``biases``, shape (raters of both pools, k)."""
        pools = self.design.pools
        cut = pools[0].matrix.shape[1]
        parts = [biases[:cut], biases[cut:]]
        sums = [pools[p].matrix @ parts[p] for p in (0, 1)]
        out = []
        for p in (0, 1):
            own = (1.0 / self.priors[p] + pools[p].in_rater / self.errors[p])[:, None] * parts[p]
            if pools[p].n:
                own -= (pools[p].transposed @ self.signal(p, sums)) / self.errors[p]
            out.append(own)
        return np.concatenate(out)

    def diagonal(self) -> Floats:
        pools = self.design.pools
        parts = [
            1.0 / self.priors[p]
            + pools[p].in_rater / self.errors[p]
            - (pools[p].squared @ self.m[2 * p]) / self.errors[p] ** 2
            for p in (0, 1)
        ]
        return np.concatenate(parts)

    def matrix(self) -> Floats:
        """The raters' precision matrix, dense."""
        pools, cut = self.design.pools, self.design.pools[0].matrix.shape[1]
        own = [1.0 / self.priors[p] + pools[p].in_rater / self.errors[p] for p in (0, 1)]
        matrix = np.diag(np.concatenate(own))
        place = (slice(cut), slice(cut, None))
        read = [p for p in (0, 1) if pools[p].n]
        scaled = {p: pools[p].matrix / self.errors[p] for p in read}
        for p in read:
            for q in read:
                weighted = sparse.diags_array(self.m[p + q]) @ scaled[q]
                matrix[place[p], place[q]] -= (scaled[p].T @ weighted).toarray()
        return matrix


def conjugate_gradients(
    works: Works, right: Floats, start: Floats | None, tolerance: float
) -> Floats:
    """Solve for several right-hand sides at once, preconditioned by the diagonal."""
    scale = 1.0 / works.diagonal()[:, None]
    x = np.zeros_like(right) if start is None else start.copy()
    residual = right - works.apply(x) if start is not None else right.copy()
    z = scale * residual
    direction = z.copy()
    rho = np.sum(residual * z, axis=0)
    goal = tolerance**2 * np.maximum(np.sum(right * (scale * right), axis=0), 1e-300)
    for _ in range(_STEPS):
        if np.all(rho <= goal):
            break
        image = works.apply(direction)
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


def _exact_spread(works: Works, factor: Any, inverse: Floats) -> Spread:
    pools, cut = works.design.pools, works.design.pools[0].matrix.shape[1]
    a, b = works.a, works.b
    uu, ux, xx = works.m
    blocks = {
        (p, q): inverse[slice(cut * p, None if p else cut), slice(cut * q, None if q else cut)]
        for p, q in ((0, 0), (0, 1), (1, 1))
    }

    def form(p: int, q: int) -> Floats:
        """Covariance of the summed biases of a work's readers in pools p and q, a work."""
        image = pools[p].matrix @ blocks[p, q]
        rows, columns = pools[q].rows(), pools[q].matrix.indices
        each = pools[q].matrix.data * image[rows, columns]
        return summed(rows, each, works.design.n_works) / (works.errors[p] * works.errors[q])

    f00, f01, f11 = form(0, 0), form(0, 1), form(1, 1)

    def through(left: tuple[Floats, Floats], right: tuple[Floats, Floats]) -> Floats:
        return (
            left[0] * right[0] * f00
            + (left[0] * right[1] + left[1] * right[0]) * f01
            + left[1] * right[1] * f11
        )

    u, x = (1.0 - a * uu, -a * ux), (-b * ux, 1.0 - b * xx)
    weight = np.column_stack(
        [
            a - a * a * uu - through(u, u),
            -a * b * ux - through(u, x),
            b - b * b * xx - through(x, x),
        ]
    )
    own = np.diag(inverse)
    variance = (own[:cut], own[cut:])
    noise, of_rater = [], []
    for p, row in ((0, (uu, ux)), (1, (ux, xx))):
        pool, error, prior = pools[p], works.errors[p], works.priors[p]
        single = ((row[0] * f00 + row[1] * f01), (row[0] * f01 + row[1] * f11))[p] * error
        spread = (
            float(pool.in_work @ (works.m[2 * p] + through(row, row)))
            + float(pool.in_rater @ variance[p])
            - 2.0 * float(np.sum(single))
        )
        noise.append(pool.n / error - spread / error**2)
        of_rater.append(float(np.sum((prior - variance[p]) / prior**2)))
    determinant = (
        sum(pools[p].n * np.log(works.errors[p]) for p in (0, 1))
        + np.sum(np.log(works.determinant()))
        + sum(pools[p].matrix.shape[1] * np.log(works.priors[p]) for p in (0, 1))
        + 2.0 * np.sum(np.log(np.diag(factor)))
    )
    return Spread(
        weight, (of_rater[0], of_rater[1]), (noise[0], noise[1]), variance, float(determinant)
    )


def propagated_spread(works: Works, messages: Messages, tolerance: float) -> Spread:
    """Belief propagation: what each work would tell a rater without that rater's own reading."""
    pools, n = works.design.pools, works.design.n_works
    rows = [pool.rows() if pool.n else np.zeros(0, np.int32) for pool in pools]
    columns = [pool.matrix.indices for pool in pools]
    raters = [pool.matrix.shape[1] for pool in pools]
    errors = [error / pool.matrix.data for error, pool in zip(works.errors, pools, strict=True)]
    to_rater = [
        kept if kept is not None else np.full(pool.n, prior)
        for kept, pool, prior in zip(messages.to_rater, pools, (works.uu, works.xx), strict=True)
    ]
    to_work = [np.zeros(0), np.zeros(0)]
    known = [np.zeros(0), np.zeros(0)]
    precise = [np.zeros(n), np.zeros(n)]
    for _ in range(_SWEEPS):
        for p in (0, 1):
            told = 1.0 / (errors[p] + to_rater[p])
            known[p] = summed(columns[p], told, raters[p])
            to_work[p] = 1.0 / (1.0 / works.priors[p] + known[p][columns[p]] - told)
            told = 1.0 / (errors[p] + to_work[p])
            precise[p] = summed(rows[p], told, n)
        change = 0.0
        for p in (0, 1):
            # What the other pool leaves unknown of this pool's signal, then this pool's other readers.
            own, other = ((works.uu, works.xx), (works.xx, works.uu))[p]
            rest = own - works.ux**2 * precise[1 - p] / (1.0 + other * precise[1 - p])
            told = 1.0 / (errors[p] + to_work[p])
            before = to_rater[p]
            to_rater[p] = 1.0 / (1.0 / rest[rows[p]] + precise[p][rows[p]] - told)
            if len(before):
                change = max(change, float(np.max(np.abs(to_rater[p] / before - 1.0))))
        if change < tolerance:
            break
    messages.to_rater = list(to_rater)
    a, b = precise
    determinant = 1.0 + works.uu * a + works.xx * b + works.minor * a * b
    weight = np.column_stack(
        [
            a * (1.0 + works.xx * b) / determinant,
            -works.ux * a * b / determinant,
            b * (1.0 + works.uu * a) / determinant,
        ]
    )
    total = float(np.sum(np.log(determinant)))
    noise, of_rater, variance = [], [], []
    for p in (0, 1):
        edge = errors[p] + to_work[p] + to_rater[p]
        messages.spread[p] = edge
        prior = works.priors[p]
        noise.append(float(np.sum(1.0 / (edge * pools[p].matrix.data))))
        of_rater.append(float(np.sum(known[p] / (1.0 + prior * known[p]))))
        variance.append(prior / (1.0 + prior * known[p]))
        total += float(
            np.sum(np.log((errors[p] + to_work[p]) / edge * (errors[p] + to_rater[p])))
            + np.sum(np.log1p(prior * known[p]))
        )
    return Spread(
        weight, (of_rater[0], of_rater[1]), (noise[0], noise[1]), (variance[0], variance[1]), total
    )


def joint_posterior(
    design: Design,
    parameters: Parameters,
    *,
    messages: Messages | None = None,
    tolerance: float = 1e-7,
    exact: bool | None = None,
) -> Joint:
    """Posterior, restricted likelihood and its gradient at given slope and variances.

    Parameters
    ----------
    design : Design
        At least one reading.
    parameters : Parameters
        Its mean and leniency are not used: they are integrated out.
    messages : Messages, optional
        Carried from one evaluation to the next at scale.
    tolerance : float
        Relative, of conjugate gradients and belief propagation.
    exact : bool, optional
        Whether variances come from the dense inverse; by default where the design is small.
    """
    works, pools = Works(design, parameters), design.pools
    present = [p for p in (0, 1) if pools[p].n]
    fixed = 2 if len(present) == 2 else 1
    # Columns: the values, the mean, and the peers' leniency where both pools read.
    sums, by_rater, inner = [], [], []
    for p in (0, 1):
        pool, flag = pools[p], float(p == PEER)
        sums.append(np.column_stack([pool.by_work, pool.in_work, flag * pool.in_work]))
        by_rater.append(np.column_stack([pool.by_rater, pool.in_rater, flag * pool.in_rater]))
        total, n = float(np.sum(pool.by_rater)), float(np.sum(pool.in_rater))
        product = np.array([[pool.square, total, total], [total, n, n], [total, n, n]])
        inner.append(product * np.array([[1, 1, flag], [1, 1, flag], [flag, flag, flag]]))
        sums[p], by_rater[p] = sums[p][:, : 1 + fixed], by_rater[p][:, : 1 + fixed]
        inner[p] = inner[p][: 1 + fixed, : 1 + fixed]
    seen = works.signals(sums)
    right = np.concatenate(
        [(by_rater[p] - pools[p].transposed @ seen[p]) / works.errors[p] for p in (0, 1)]
    )
    if design.is_small if exact is None else exact:
        factor = linalg.cholesky(works.matrix(), lower=True)
        inverse = linalg.cho_solve((factor, True), np.eye(len(factor)))
        solved, spread = inverse @ right, _exact_spread(works, factor, inverse)
    else:
        solved = conjugate_gradients(works, right, None, tolerance)
        spread = propagated_spread(works, messages or Messages(), tolerance)
    cut = pools[0].matrix.shape[1]
    biases = [solved[:cut], solved[cut:]]
    left = [sums[p] - pools[p].matrix @ biases[p] for p in (0, 1)]
    seen = works.signals(left)
    dual = [(left[p] - pools[p].in_work[:, None] * seen[p]) / works.errors[p] for p in (0, 1)]
    gram, residual = np.zeros_like(inner[0]), []
    for p in (0, 1):
        pool = pools[p]
        one, two = by_rater[p].T @ biases[p], sums[p].T @ seen[p]
        cross = seen[p].T @ (pool.matrix @ biases[p])
        gram += (inner[p] - one - two) / works.errors[p]
        residual.append(
            inner[p]
            - (one + one.T)
            - (two + two.T)
            + (cross + cross.T)
            + biases[p].T @ (pool.in_rater[:, None] * biases[p])
            + seen[p].T @ (pool.in_work[:, None] * seen[p])
        )
    gram = (gram + gram.T) / 2
    known = gram[1:, 1:]
    covariance = linalg.inv(known)
    effects = covariance @ gram[1:, 0]
    mix = np.concatenate([[1.0], -effects])

    # What estimating mean and leniency takes away from, or adds to, each part of the spread.
    def shift(moved: Floats) -> Floats:
        return sum(
            (
                covariance[i, j] * moved[:, i + 1] * moved[:, j + 1]
                for i in range(fixed)
                for j in range(fixed)
            ),
            np.zeros(len(moved)),
        )

    def shifted(one: Floats, other: Floats) -> float:
        return float(np.sum(covariance * (one[:, 1:].T @ other[:, 1:])))

    u, x = dual[0] @ mix, dual[1] @ mix
    slopes = [
        0.5 * (float(one @ other) - float(np.sum(spread.weight[:, k])) + shifted(dual[p], dual[q]))
        for k, (one, other, p, q) in enumerate(((u, u, 0, 0), (u, x, 0, 1), (x, x, 1, 1)))
    ]
    t, s = parameters.prior_variance, parameters.slope
    gradient = np.zeros(7)
    gradient[0] = 2 * t * (s * s * slopes[0] + 2 * s * slopes[1] + slopes[2])
    gradient[1] = 2 * t * (s * slopes[0] + slopes[1])
    gradient[2] = 2 * parameters.shared_variance * slopes[0]
    bias, uncertain = [], []
    for p in (0, 1):
        prior, error = works.priors[p], works.errors[p]
        own = biases[p] @ mix
        trace = spread.of_rater[p] - shifted(biases[p], biases[p]) / prior**2
        gradient[3 + 2 * p] = prior * (float(own @ own) / prior**2 - trace)
        noise = spread.of_noise[p] - float(np.sum(covariance * residual[p][1:, 1:])) / error**2
        gradient[4 + 2 * p] = error * (float(mix @ residual[p] @ mix) / error**2 - noise)
        reported = -biases[p]
        if p == PEER and fixed == 2:
            # Bias is reported against the professionals' mean, so it carries the leniency.
            reported[:, 2] += 1.0
            own = own + effects[1]
        bias.append(own)
        uncertain.append(spread.variance[p] + shift(reported))
    likelihood = -0.5 * (
        spread.log_determinant
        + float(np.linalg.slogdet(known)[1])
        + float(gram[0, 0] - effects @ gram[1:, 0])
    )
    # True score = mean + x; without professionals u = x and the peers' mean is all there is.
    moved_mean = -seen[1].copy()
    moved_mean[:, 1] += 1.0
    k = np.array([works.ux, works.xx])
    uu, ux, xx = spread.weight.T
    variance = works.xx - (k[0] ** 2 * uu + 2 * k[0] * k[1] * ux + k[1] ** 2 * xx)
    return Joint(
        design.centre + effects[0] + seen[1] @ mix,
        np.maximum(variance, 0.0) + shift(moved_mean),
        (bias[0], bias[1]),
        (uncertain[0], uncertain[1]),
        Parameters(
            design.centre + float(effects[0]),
            t,
            float(effects[1]) if fixed == 2 else 0.0,
            s,
            parameters.shared_variance,
            parameters.peer_bias_variance,
            parameters.peer_error_variance,
            parameters.professional_bias_variance,
            parameters.professional_error_variance,
        ),
        likelihood,
        gradient,
    )
