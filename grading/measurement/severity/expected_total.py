"""Between logits and points: what a measure is expected to get, and where a pass mark lies."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.severity.design import Floats
from grading.measurement.severity.model import probabilities
from grading.measurement.severity.result import Parameters, SeverityFit

# The farthest a pass mark is looked for, in logits, and how finely.
REACH, STEPS = 12.0, 2401


def expected_points(
    parameters: Parameters, theta: Floats, criterion: int | None = None
) -> tuple[Floats, Floats]:
    """Expected value from a rater of severity 0 at ``theta`` (n,), and its slope.

    On one criterion, or the mean over all that have a measure.
    """
    usable = np.flatnonzero(parameters.measured_criteria)
    chosen = usable if criterion is None else np.array([criterion])
    mean, slope = np.zeros(len(theta)), np.zeros(len(theta))
    k = np.arange(len(parameters.values))
    known = np.isfinite(theta)
    for code in chosen.tolist():
        p, _ = probabilities(
            np.broadcast_to(parameters.category[code], (int(known.sum()), len(k))), theta[known]
        )
        expected = p @ parameters.values
        mean[known] += expected
        slope[known] += p @ (parameters.values * k) - expected * (p @ k)
    mean[~known] = slope[~known] = np.nan
    return mean / len(chosen), slope / len(chosen)


def expected_total(
    fit: SeverityFit, measures: ArrayLike, worth: Mapping[Hashable, Sequence[float]]
) -> Floats:
    """Expected total of works at given measures, from a rater of severity 0.

    Parameters
    ----------
    fit : SeverityFit
    measures : float (n,)
        Logits. A rater's severity, taken off, gives what that rater would give.
    worth : mapping of criterion to sequence of float
        What each level, from the lowest code up, adds to the total.

    Returns
    -------
    ndarray (n,)
        A criterion without a measure, because all its ratings are alike, adds what its level is worth.

    Raises
    ------
    ValueError
        A criterion of the fit has no worth.
    """
    theta = np.atleast_1d(np.asarray(measures, dtype=float))
    total = np.zeros(len(theta))
    parameters = fit.parameters
    codes = iter(np.flatnonzero(parameters.measured_criteria).tolist())
    for label, criterion in fit.criteria.items():
        if label not in worth:
            raise ValueError(f"criterion {label!r} has no worth")
        given = np.asarray(worth[label], dtype=float)
        if criterion.reason is not None:
            level = np.interp(criterion.observed_average, np.arange(len(given)), given)
            total += float(level)
            continue
        logits = parameters.category[next(codes)]
        adds = np.zeros(len(logits))
        adds[: len(given)] = given
        p, _ = probabilities(np.broadcast_to(logits, (len(theta), len(logits))), theta)
        total += p @ adds
    return total


def measure_of_total(
    fit: SeverityFit, total: float, worth: Mapping[Hashable, Sequence[float]]
) -> float | None:
    """Find the measure whose expected total is a given one; None where the scale does not reach it."""
    grid = np.linspace(-REACH, REACH, STEPS)
    expected = expected_total(fit, grid, worth)
    if not expected[0] <= total <= expected[-1]:
        return None
    return float(np.interp(total, np.maximum.accumulate(expected), grid))
