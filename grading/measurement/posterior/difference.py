"""Do raters differ by more than chance? Asked before anything but the mean is believed."""

import math
from dataclasses import dataclass

import numpy as np

from grading.measurement.posterior.pools import Design

# Two standard errors: of cohorts whose raters are all alike about one in ten is still modelled. That costs
# next to nothing, because the model then finds next to no bias, unless chance made one: three errors off, the
# peers' leniency is believed, and the mean would have been better (by 7 % in one of twenty worlds).
CHANCE = 2.0


@dataclass(frozen=True)
class Difference:
    """How many standard errors the readings are from those of raters who are all alike.

    Attributes
    ----------
    bias : of each rater's summed deviations from the works' means (score test of a bias variance)
    pools : of the peers' means against the professionals' on the works that both read
    error : of the two pools' error variances
    error_variance : pooled over all raters; NaN where no work was read twice
    """

    bias: float
    pools: float
    error: float
    error_variance: float

    @property
    def is_real(self) -> bool:
        return any(value > CHANCE for value in (self.bias, abs(self.pools), abs(self.error)))


def difference(design: Design) -> Difference:
    """Test three ways of differing; 0 where a test has nothing to go on.

    References
    ----------
    Breusch & Pagan 1980, doi:10.2307/2297111 (the score test of a variance component).
    """
    pools = design.pools
    count = pools[0].in_work + pools[1].in_work
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, (pools[0].by_work + pools[1].by_work) / count, 0.0)
        inverse = np.where(count > 0, 1.0 / count, 0.0)
    degrees = float(np.sum(count) - np.sum(count > 0))
    if degrees <= 0:
        return Difference(0.0, 0.0, 0.0, math.nan)
    squares = sum(pool.square for pool in pools)
    variance = (squares - float(np.sum(count * mean**2))) / degrees
    if variance <= 1e-12 * max(squares, 1e-300):
        return Difference(0.0, 0.0, 0.0, 0.0)
    score, expected, spread = 0.0, 0.0, float(np.sum((count - 1.0) * inverse * (count > 0)))
    for pool in pools:
        sums = pool.by_rater - pool.transposed @ mean
        own = pool.in_rater - pool.transposed @ inverse
        score += float(sums @ sums) / variance
        expected += float(np.sum(own))
        spread += float(own @ own)
    bias = (score - expected) / math.sqrt(2.0 * spread)

    both = (pools[0].in_work > 0) & (pools[1].in_work > 0)
    apart, sizes = 0.0, [pool.in_work[both] for pool in pools]
    if np.any(both):
        gap = pools[0].by_work[both] / sizes[0] - pools[1].by_work[both] / sizes[1]
        unit = variance * (1.0 / sizes[0] + 1.0 / sizes[1])
        shift = float(np.sum(gap / unit)) / math.sqrt(float(np.sum(1.0 / unit)))
        m = len(gap)
        apart = max(abs(shift), (float(np.sum(gap**2 / unit)) - m) / math.sqrt(2.0 * m))

    within, free = [], []
    for pool in pools:
        there = pool.in_work > 0
        free.append(float(pool.n - np.sum(there)))
        within.append(pool.square - float(np.sum(pool.by_work[there] ** 2 / pool.in_work[there])))
    error = 0.0
    if min(free) > 0 and min(within) > 0:
        ratio = (within[0] / free[0]) / (within[1] / free[1])
        error = math.log(ratio) / math.sqrt(2.0 / free[0] + 2.0 / free[1])
    return Difference(bias, apart, error, variance)
