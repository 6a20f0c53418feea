"""Components of variance of one kind of rating."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grading.measurement.agreement.weights import Table


@dataclass(frozen=True)
class VarianceComponents:
    """Components of variance of one kind of rating.

    Attributes
    ----------
    components : mapping of str to float
        By effect, ``residual`` last. Moments may be negative; REML is 0 or more.
    covariance : ndarray, shape (c, c)
        Of the components in that order; NaN where it is not known.
    levels : mapping of str to int
        Levels of each effect.
    n : int
        Ratings.
    mean : float
        Mean rating, weighted as the method does.
    method : str
    converged : bool
    dropped : int
        Missing marks.
    reason : str or None
        Why the components are NaN.
    note : str or None
    """

    components: Mapping[str, float]
    covariance: Table
    levels: Mapping[str, int]
    n: int
    mean: float
    method: str
    converged: bool
    dropped: int
    reason: str | None = None
    note: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The effects, the residual last."""
        return tuple(self.components)

    @property
    def standard_errors(self) -> Mapping[str, float]:
        """Large-sample standard error of each component."""
        errors = np.sqrt(np.diag(self.covariance))
        return dict(zip(self.names, errors.tolist(), strict=True))
