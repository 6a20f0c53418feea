"""What is decided on a true score, and what a wrong decision is expected to cost."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from grading.measurement.posterior.pools import Floats

_POINTS, _POINT_WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_POINT_WEIGHTS = _POINT_WEIGHTS / np.sum(_POINT_WEIGHTS)
# Works whose outcomes are worked out at once: what fits a processor's cache.
_PART = 2048


@dataclass(frozen=True)
class Decisions:
    """What is decided on a true score, and how much each kind of mistake counts.

    Attributes
    ----------
    cuts : rising numbers
        Where bands begin; none means that no band is given.
    pass_mark : float or None
    band_weight, side_weight : float
        Loss of a wrong band and of the wrong side of the pass mark, at least 0.
    error_weight : float
        Loss of a squared point of error, for scores that are released as numbers; at least 0.
    """

    cuts: tuple[float, ...] = ()
    pass_mark: float | None = None
    band_weight: float = 1.0
    side_weight: float = 1.0
    error_weight: float = 0.0

    def __post_init__(self) -> None:
        if np.any(np.diff(self.cuts) <= 0):
            raise ValueError("cuts must rise")
        if not self.cuts and self.pass_mark is None and self.error_weight == 0:
            raise ValueError("there is nothing to decide: neither cuts nor a pass mark")
        if min(self.band_weight, self.side_weight, self.error_weight) < 0:
            raise ValueError("weights must be at least 0")

    def wrong(self, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """Probability of the wrong side and of the wrong band, when the likeliest is taken."""
        width = np.sqrt(np.maximum(variance, 1e-18))
        side, band = np.zeros(np.shape(mean)), np.zeros(np.shape(mean))
        if self.pass_mark is not None:
            side = ndtr(-np.abs(mean - self.pass_mark) / width)
        if self.cuts:
            below, likeliest = np.zeros(np.shape(mean)), np.zeros(np.shape(mean))
            for cut in self.cuts:
                here = ndtr((cut - mean) / width)
                np.maximum(likeliest, here - below, out=likeliest)
                below = here
            band = 1.0 - np.maximum(likeliest, 1.0 - below)
        return side, band

    def expected(
        self, mean: Floats, variance: Floats, precision: Floats | float
    ) -> tuple[Floats, Floats]:
        """The same, expected after readings of a total ``precision`` (1 / variance) are in."""
        left = np.asarray(1.0 / (1.0 / variance + precision))
        spread = np.sqrt(np.maximum(variance - left, 0.0))
        side, band = np.empty(len(mean)), np.empty(len(mean))
        for first in range(0, len(mean), _PART):
            part = slice(first, first + _PART)
            outcomes = mean[part] + _POINTS[:, None] * spread[part]
            one, two = self.wrong(outcomes, left[part])
            side[part], band[part] = _POINT_WEIGHTS @ one, _POINT_WEIGHTS @ two
        return side, band

    def loss(
        self, mean: Floats, variance: Floats, precision: Floats | float | None = None
    ) -> Floats:
        """Loss now, or expected after readings of a total ``precision``."""
        if precision is None:
            left, (side, band) = variance, self.wrong(mean, variance)
        else:
            left = 1.0 / (1.0 / variance + precision)
            side, band = self.expected(mean, variance, precision)
        return np.asarray(
            self.side_weight * side + self.band_weight * band + self.error_weight * left
        )
