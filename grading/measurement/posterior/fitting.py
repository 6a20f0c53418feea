"""Slope and variances of the joint model by maximum marginal likelihood, with weak priors.

The priors keep a cohort with few professional readings from believing what it cannot know. They are
relative to the spread s of the readings: every standard deviation is log-normal with a factor of e
(2.7) for one SD about .7 s (works), .25 s (shared error), .35 s (bias) and .6 s (error); the
peers' slope is N(1, .3²).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from grading.measurement.posterior.joint import Joint, joint_posterior
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import PROFESSIONAL, Design, Floats
from grading.measurement.posterior.spread import Messages

_FIELDS = (
    "prior_variance",
    "slope",
    "shared_variance",
    "peer_bias_variance",
    "peer_error_variance",
    "professional_bias_variance",
    "professional_error_variance",
)
_SLOPE = 1
# Medians of the standard deviations as shares of the spread; the slope's own mean.
_CENTRES = (0.7, 1.0, 0.25, 0.35, 0.6, 0.35, 0.6)
_WIDTHS = np.array([1.0, 0.3, 1.0, 1.0, 1.0, 1.0, 1.0])
_STEP = 0.02
# A standard deviation e^6 times smaller than expected is as good as none, and below it (raters who agree
# to the point) the algebra runs out of digits; far above it a step would overflow.
_FAR = 6.0


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes
    ----------
    joint : Joint
        The posterior at the fitted parameters.
    learned : ndarray of bool, shape (7,)
        Which of slope and variances the readings could say anything about.
    point, covariance : ndarray, shapes (7,) and (7, 7)
        The fitted values (log standard deviations; slope) and Laplace's approximation to their
        posterior covariance; zero where not learned.
    variance : ndarray, shape (n_works,)
        Of the true scores, with the uncertainty of the parameters in it.
    """

    joint: Joint
    learned: np.ndarray
    point: Floats
    covariance: Floats
    variance: Floats


def learnable(design: Design) -> np.ndarray:
    """Which of slope and variances (in the order of ``Joint.gradient``) can be learned here."""
    peers, professionals = design.pools
    both = bool(np.any((peers.in_work > 0) & (professionals.in_work > 0)))
    return np.array(
        [True, both, both, peers.n > 0, peers.n > 0, professionals.n > 0, professionals.n > 0]
    )


def _spreads(design: Design) -> tuple[float, float]:
    spreads = [float(np.std(pool.value)) if pool.n > 1 else math.nan for pool in design.pools]
    known = [value for value in spreads if value > 0]
    widest = max(known) if known else 1.0
    return tuple(value if value > 0 else widest for value in spreads)  # type: ignore[return-value]


def _centres(design: Design) -> Floats:
    peers, professionals = _spreads(design)
    has_professionals = design.pools[1].n > 2
    works = professionals if has_professionals else peers
    scale = np.array([works, 1.0, peers, peers, peers, professionals, professionals])
    return np.where(
        np.arange(7) == _SLOPE, 1.0, np.log(np.maximum(np.array(_CENTRES) * scale, 1e-9))
    )


def parameters_at(point: Floats, learned: np.ndarray) -> Parameters:
    """Slope and variances of a fitted point; mean and leniency are integrated out."""
    values = {
        name: float(point[k]) if k == _SLOPE else math.exp(2.0 * float(point[k]))
        for k, name in enumerate(_FIELDS)
    }
    if not learned[2]:
        values.update(slope=1.0, shared_variance=0.0)
    return Parameters(prior_mean=0.0, **values)


def fit(
    design: Design,
    *,
    start: Fit | None = None,
    laplace: bool = True,
    tolerance: float = 0.02,
    precision: float = 1e-7,
    report: Callable[[int], None] | None = None,
) -> Fit:
    """Maximise the marginal likelihood with its priors.

    Parameters
    ----------
    design : Design
        With a work that was read twice, or a rater who read two works.
    start : Fit, optional
        Of nearly the same readings: where the search begins, and its scale.
    laplace : bool
        Whether to carry the parameters' uncertainty into the works' variances (seven evaluations).
    tolerance : float
        Largest slope of the log posterior at the end, a posterior standard deviation of a parameter.
    precision : float
        Relative, of each evaluation's equations.
    """
    learned = learnable(design)
    active = np.flatnonzero(learned)
    centres, messages = _centres(design), Messages()
    count = sum(pool.n for pool in design.pools)
    if start is not None and np.array_equal(start.learned, learned):
        origin, shape = start.point.copy(), start.covariance[np.ix_(active, active)]
    else:
        origin, shape = centres.copy(), np.eye(len(active)) * 4.0 / max(count, 4) ** 0.8
    lower = np.linalg.cholesky(shape + 1e-12 * np.eye(len(active)))

    def at(scaled: Floats) -> Floats:
        point = origin.copy()
        point[active] = np.clip(
            point[active] + lower @ scaled, centres[active] - _FAR, centres[active] + _FAR
        )
        return point

    def posterior(point: Floats) -> Joint:
        return joint_posterior(
            design, parameters_at(point, learned), messages=messages, tolerance=precision
        )

    def slopes(point: Floats, joint: Joint) -> Floats:
        return np.asarray(joint.gradient[active] - (point - centres)[active] / _WIDTHS[active] ** 2)

    evaluations = 0

    def objective(scaled: Floats) -> tuple[float, Floats]:
        nonlocal evaluations
        evaluations += 1
        if report is not None:
            report(evaluations)
        point = at(scaled)
        joint = posterior(point)
        penalty = 0.5 * float(np.sum(((point - centres)[active] / _WIDTHS[active]) ** 2))
        return penalty - joint.log_likelihood, -(lower.T @ slopes(point, joint))

    found = optimize.minimize(
        objective,
        np.zeros(len(active)),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": tolerance, "ftol": 1e-10, "maxiter": 100, "maxcor": 7},
    )
    point = at(found.x)
    joint = posterior(point)
    covariance, variance = np.zeros((7, 7)), joint.variance
    if laplace:
        base = slopes(point, joint)
        near = _nearby(posterior, point, active)
        bend = np.column_stack([(base - slopes(*one)) / _STEP for one in near])
        values, vectors = np.linalg.eigh((bend + bend.T) / 2)
        # The prior alone would bend the objective at least this much.
        inner = (vectors / np.maximum(values, 1.0)) @ vectors.T
        covariance[np.ix_(active, active)] = inner
        variance = variance + _moved(joint, near, inner)
    return Fit(joint, learned, point, covariance, variance)


def _nearby(
    posterior: Callable[[Floats], Joint], point: Floats, active: NDArray[np.intp]
) -> list[tuple[Floats, Joint]]:
    """The posterior a step along each parameter that was learned."""
    near = []
    for k in active.tolist():
        moved = point.copy()
        moved[k] += _STEP
        near.append((moved, posterior(moved)))
    return near


def _moved(joint: Joint, near: list[tuple[Floats, Joint]], covariance: Floats) -> Floats:
    """What the parameters' uncertainty adds to each work's variance."""
    moved = np.column_stack([(other.mean - joint.mean) / _STEP for _, other in near])
    return np.asarray(np.sum((moved @ covariance) * moved, axis=1))


def reweighted(design: Design, peers: Floats, fitted: Fit) -> Fit:
    """The posterior with a weight for each peer, at the slope and variances that were fitted without.

    Variances learned again from residuals that also made the weights would come out too small.
    """
    weighted, messages = design.weighted(peers), Messages()

    def posterior(point: Floats) -> Joint:
        return joint_posterior(
            weighted, parameters_at(point, fitted.learned), messages=messages, tolerance=1e-6
        )

    active = np.flatnonzero(fitted.learned)
    joint = posterior(fitted.point)
    near = _nearby(posterior, fitted.point, active)
    added = _moved(joint, near, fitted.covariance[np.ix_(active, active)])
    return replace(fitted, joint=joint, variance=joint.variance + added)


def at_parameters(design: Design, parameters: Parameters) -> Fit:
    """The posterior at parameters that come from elsewhere, such as an earlier cohort.

    Where only peers read, that cohort's leniency is taken off.
    """
    joint = joint_posterior(design, parameters)
    if not design.pools[PROFESSIONAL].n:
        joint = replace(
            joint,
            mean=joint.mean - parameters.leniency,
            bias=(joint.bias[0] + parameters.leniency, joint.bias[1]),
            parameters=replace(
                parameters, prior_mean=joint.parameters.prior_mean - parameters.leniency
            ),
        )
    nothing = np.zeros(len(_FIELDS))
    return Fit(
        joint,
        np.zeros(len(_FIELDS), dtype=bool),
        nothing,
        np.zeros((len(_FIELDS), len(_FIELDS))),
        joint.variance,
    )
