"""What each professional reading was expected to be without it: the ground monitoring stands on.

The expectation comes from the other readings of the work (peers' and professionals', each less its
rater's bias and with its own error) and from the cohort where there are none. Routing sends doubtful works
to be read again, so a raw mean of what a rater was given would say more of the routing than of the rater.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.pools import PEER, PROFESSIONAL
from grading.measurement.posterior.readings import Readings

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """For each row of the readings; NaN for peers' rows.

    Attributes
    ----------
    expected : ndarray, shape (n,)
        Posterior mean of the work without the row: what a professional without bias would give.
    variance : ndarray, shape (n,)
        Of reading less expectation: the work's posterior variance plus a professional's error.
    residual : ndarray, shape (n,)
        Reading less expectation. It holds the rater's own bias.
    """

    expected: Floats
    variance: Floats
    residual: Floats


def leave_one_out(readings: Readings, found: Aggregation) -> Predictions:
    """Predict every professional reading from all but itself.

    Parameters
    ----------
    readings : Readings
        Peers' and professionals' together; labels of raters as in ``found``.
    found : Aggregation
        Of the same readings: its parameters, pools and biases are used as they are. One reading among
        hundreds hardly moves those; it would move its own work's posterior, so it is left out there.

    Raises
    ------
    ValueError
        A rater is not in ``found``.
    """
    place = {label: index for index, label in enumerate(found.rater_labels)}
    try:
        index = np.array([place[label] for label in readings.raters], dtype=np.int64)
    except KeyError as unknown:
        raise ValueError(f"rater {unknown.args[0]!r} is not in the aggregation") from None
    p = found.parameters
    n_works = len(readings.works)
    pool = found.rater_pool[index][readings.rater]
    bias = np.nan_to_num(found.rater_bias[index])[readings.rater]
    error = np.nan_to_num(found.rater_error[index])[readings.rater] ** 2
    value, work = readings.value, readings.work
    peers, professionals = pool == PEER, pool == PROFESSIONAL

    # Peers' mean of a work sees s (t - m) + g; each peer adds an error and what is unknown of the bias.
    # A more exact peer counts for more.
    weight = (found.rater_precision * p.peer_error_variance)[index][readings.rater]
    weight = np.where(np.isfinite(weight), weight, 1.0)
    count = np.bincount(work[peers], weight[peers], n_works)
    centred = weight * (value - p.prior_mean - p.leniency - bias)
    total = np.bincount(work[peers], centred[peers], n_works)
    unsure = np.bincount(work[peers], (weight**2 * error)[peers], n_works)
    noise = np.full(n_works, np.inf)
    read = count > 0
    noise[read] = (
        p.shared_variance + (p.peer_error_variance + unsure[read] / count[read]) / count[read]
    )
    seen = np.divide(total, count, out=np.zeros(n_works), where=read)

    own = professionals
    number = np.bincount(work[own], minlength=n_works).astype(float)
    sums = np.bincount(work[own], (value - p.prior_mean - bias)[own], n_works)
    uncertain = np.bincount(work[own], error[own], n_works)

    rows = np.flatnonzero(own)
    w = work[rows]
    others = number[w] - 1
    rest = sums[w] - (value - p.prior_mean - bias)[rows]
    doubt = uncertain[w] - error[rows]
    other_noise = p.professional_error_variance + np.divide(
        doubt, others, out=np.zeros(len(rows)), where=others > 0
    )
    precision = 1 / max(p.prior_variance, 1e-12) + p.slope**2 / noise[w] + others / other_noise
    mean = (p.slope * seen[w] / noise[w] + rest / other_noise) / precision
    expected = np.full(len(readings), np.nan)
    variance = np.full(len(readings), np.nan)
    expected[rows] = p.prior_mean + mean
    variance[rows] = 1 / precision + p.professional_error_variance
    return Predictions(expected, variance, value - expected)
