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

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from grading.measurement.posterior.elimination import Works
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import PEER, Design, Floats
from grading.measurement.posterior.spread import Messages, exact_spread, propagated_spread


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
        solved, spread = inverse @ right, exact_spread(works, factor, inverse)
    else:
        solved = works.solve(right, tolerance)
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
