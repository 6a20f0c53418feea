"""What the readings say about works, raters and the cohort."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from grading.measurement.posterior.fitting import (
    Fit,
)
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import (
    Floats,
)

_POOLS: tuple[Literal["peer", "professional"], ...] = ("peer", "professional")


@dataclass(frozen=True)
class WorkPosterior:
    """What is known of one work: mean, standard error, probability of each band, and by how many."""

    mean: float
    standard_error: float
    bands: tuple[float, ...]
    n_peers: int
    n_professionals: int


@dataclass(frozen=True)
class RaterPosterior:
    """What is known of one rater.

    Attributes
    ----------
    bias : points above the professionals' mean (above the peers' where no professional read)
    standard_error : of the bias
    precision : 1 / error variance, the rater's own drawn to the pool's by as much as chance explains
    n : readings
    """

    pool: Literal["peer", "professional"]
    bias: float
    standard_error: float
    precision: float
    n: int


@dataclass(frozen=True, eq=False)
class Aggregation:
    """What the readings say about works, raters and the cohort.

    Attributes
    ----------
    labels : sequence
        The works' labels, in the order of the arrays.
    mean, standard_error : ndarray, shape (n_works,)
        Posterior mean (within ``scale``) and standard deviation; NaN where undefined, see ``note``.
    bands : ndarray, shape (n_works, n_cuts + 1)
        Probability of each band, lowest first; no column without cuts.
    n_peers, n_professionals : ndarray of int, shape (n_works,)
    rater_labels : sequence
    rater_pool : ndarray of int
        0 peer, 1 professional; so for the other ``rater_`` arrays ``bias``, ``error``, ``precision``, ``n``.
    parameters : Parameters
        What was learned of the cohort.
    rule : "model" or "mean"
    note : str or None
        Why the rule is the mean, or what the readings cannot tell.
    groups : int
        Parts of the cohort that no rater connects; 1 in a linked design.
    cuts : tuple of float
    fit : Fit or None
        Where a later call with a few more readings may start (``start=``).
    """

    labels: Sequence[Hashable]
    mean: Floats
    standard_error: Floats
    bands: Floats
    n_peers: NDArray[np.int64]
    n_professionals: NDArray[np.int64]
    rater_labels: Sequence[Hashable]
    rater_pool: NDArray[np.int8]
    rater_bias: Floats
    rater_error: Floats
    rater_precision: Floats
    rater_n: NDArray[np.int64]
    parameters: Parameters
    rule: Literal["model", "mean"]
    note: str | None
    groups: int
    cuts: tuple[float, ...]
    dropped: int
    fit: Fit | None

    @cached_property
    def works(self) -> dict[Hashable, WorkPosterior]:
        """By label; the arrays hold the same in less room."""
        return {
            label: WorkPosterior(
                float(self.mean[i]),
                float(self.standard_error[i]),
                tuple(self.bands[i].tolist()),
                int(self.n_peers[i]),
                int(self.n_professionals[i]),
            )
            for i, label in enumerate(self.labels)
        }

    @cached_property
    def raters(self) -> dict[Hashable, RaterPosterior]:
        """By label."""
        return {
            label: RaterPosterior(
                _POOLS[self.rater_pool[i]],
                float(self.rater_bias[i]),
                float(self.rater_error[i]),
                float(self.rater_precision[i]),
                int(self.rater_n[i]),
            )
            for i, label in enumerate(self.rater_labels)
        }
