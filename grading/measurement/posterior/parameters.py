"""What the joint model knows about a cohort."""

from dataclasses import dataclass

import numpy as np

from grading.measurement.posterior.pools import Floats


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
