"""The works eliminated from the joint posterior, and the raters' equations that are left."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from grading.measurement.conjugate_gradients import conjugate_gradients
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import Design, Floats

# Steps after which the raters' equations are taken as solved.
_STEPS = 400


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

    def solve(self, right: Floats, tolerance: float) -> Floats:
        """The raters' equations solved for several right-hand sides, shape (raters, k)."""
        return conjugate_gradients(
            self.apply, right, self.diagonal(), tolerance=tolerance, steps=_STEPS
        )

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
