"""Henderson's mixed-model equations with the largest effect absorbed.

The rest is solved exactly where it is some thousands of levels, else by conjugate gradients with traces
from fixed random probes.

References
----------
Henderson 1953, doi:10.2307/3001853; Hutchinson 1990, doi:10.1080/03610919008812866.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse

from grading.measurement.agreement.weights import Table
from grading.measurement.components.effects import Effects
from grading.measurement.conjugate_gradients import conjugate_gradients

# Up to this many levels beside the absorbed effect the equations are solved exactly.
EXACT_LEVELS = 2500
PROBES = 12


class Solved(NamedTuple):
    """The mixed-model equations at given components.

    ``effects`` are the predicted effects, ``traces`` of the blocks of the inverse;
    ``average`` is the average information.
    """

    effects: list[Table]
    residual: Table
    traces: Table
    average: Table


class Equations:
    """Henderson's mixed-model equations with the largest effect absorbed."""

    def __init__(self, model: Effects, seed: int) -> None:
        self.model = model
        sizes = [len(effect.sizes) for effect in model.effects]
        self.big = int(np.argmax(sizes))
        self.rest = [i for i in range(len(sizes)) if i != self.big]
        self.starts = np.cumsum([0] + [sizes[i] for i in self.rest])
        self.q = int(self.starts[-1]) + 1  # the mean is the last column
        n = len(model.y)
        rows = [np.arange(n, dtype=np.int32)] * (len(self.rest) + 1)
        columns = [
            model.effects[i].codes.astype(np.int32) + np.int32(start)
            for i, start in zip(self.rest, self.starts, strict=False)
        ]
        columns.append(np.full(n, self.q - 1, np.int32))
        absorbed = model.effects[self.big]
        self.sizes = absorbed.sizes
        # How often a level of the absorbed effect meets each other level, and these each other.
        self.cross = sparse.csr_matrix(
            (
                np.ones(n * len(columns)),
                (absorbed.codes[np.concatenate(rows)], np.concatenate(columns)),
            ),
            shape=(len(absorbed.sizes), self.q),
        )
        self.cross.sum_duplicates()
        design = sparse.csr_matrix(
            (np.ones(n * len(columns)), (np.concatenate(rows), np.concatenate(columns))),
            shape=(n, self.q),
        )
        self.gram = (design.T @ design).tocsr()
        self.exact = self.q <= EXACT_LEVELS
        if not self.exact:
            self.across = self.cross.T.tocsr()
            rng = np.random.default_rng(seed)
            self.probes = rng.choice([-1.0, 1.0], size=(self.q, PROBES))
            self.last: Table | None = None

    def _summed(self, y: Table) -> tuple[Table, Table]:
        """Sums of y by level: of the absorbed effect, and of the rest with the mean."""
        effects = self.model.effects
        big = np.bincount(effects[self.big].codes, weights=y, minlength=len(self.sizes))
        rest = [
            np.bincount(effects[i].codes, weights=y, minlength=len(effects[i].sizes))
            for i in self.rest
        ]
        return np.asarray(big, float), np.concatenate([*rest, [float(y.sum())]])

    def _fitted(self, big: Table, rest: Table) -> Table:
        effects = self.model.effects
        fitted = big[effects[self.big].codes] + rest[-1]
        for i, start in zip(self.rest, self.starts, strict=False):
            fitted += rest[start + effects[i].codes]
        return np.asarray(fitted)

    def solve(self, values: Table) -> Solved:
        """Solve at these components: the effects, the traces and the average information."""
        effects, c = self.model.effects, len(self.model.effects)
        error = float(values[c])
        # All multiplied by the residual variance, which keeps the counts whole.
        diagonal = self.sizes + error / values[self.big]
        penalty = np.zeros(self.q)
        for i, start in zip(self.rest, self.starts, strict=False):
            penalty[start : start + len(effects[i].sizes)] = error / values[i]
        solver = (self._dense if self.exact else self._iterated)(diagonal, penalty)

        def best(y: Table) -> tuple[Table, Table]:
            """Predict the absorbed effect and the rest from y."""
            of_big, of_rest = self._summed(y)
            rest = solver.solve(of_rest - self.cross.T @ (of_big / diagonal))
            return (of_big - self.cross @ rest) / diagonal, rest

        big, rest = best(self.model.y)
        residual = self.model.y - self._fitted(big, rest)
        predicted: list[Table] = [np.zeros(0)] * c
        predicted[self.big] = big
        traces = np.empty(c)
        traces[self.big] = error * (float((1 / diagonal).sum()) + solver.absorbed)
        for i, start in zip(self.rest, self.starts, strict=False):
            block = slice(start, start + len(effects[i].sizes))
            predicted[i] = rest[block]
            traces[i] = error * float(solver.inverse_diagonal[block].sum())
        working = [
            u[effect.codes] / value
            for u, effect, value in zip(predicted, effects, values, strict=False)
        ]
        working.append(residual / error)
        projected = [(w - self._fitted(*best(w))) / error for w in working]
        average = np.array([[float(w @ p) / 2 for p in projected] for w in working])
        return Solved(predicted, residual, traces, (average + average.T) / 2)

    def _dense(self, diagonal: Table, penalty: Table) -> "_Solver":
        scaled = sparse.csr_matrix(sparse.diags_array(1 / diagonal) @ self.cross)
        reduced = self.gram.toarray() + np.diag(penalty) - (self.cross.T @ scaled).toarray()
        factor = linalg.cho_factor(reduced)
        inverse = linalg.cho_solve(factor, np.eye(self.q))
        absorbed = float((inverse * (scaled.T @ scaled).toarray()).sum())
        return _Solver(
            lambda right: np.asarray(linalg.cho_solve(factor, right)),
            np.diag(inverse),
            absorbed,
        )

    def _iterated(self, diagonal: Table, penalty: Table) -> "_Solver":
        squares = self.cross.multiply(self.cross)
        scale = self.gram.diagonal() + penalty - squares.T @ (1 / diagonal)
        scale = np.maximum(scale, 1e-12 * float(scale.max()))

        def times(x: Table) -> Table:
            weighed = np.asarray(self.cross @ x) / diagonal[:, None]
            return np.asarray(self.gram @ x + penalty[:, None] * x - self.across @ weighed)

        def solve(right: Table, start: Table | None = None) -> Table:
            return conjugate_gradients(times, right, scale, start, tolerance=1e-6, steps=500)

        self.last = solve(self.probes, self.last)
        met = np.asarray(self.cross @ self.last) / diagonal[:, None]
        sent = np.asarray(self.cross @ self.probes) / diagonal[:, None]
        return _Solver(
            lambda right: solve(right[:, None])[:, 0],
            np.asarray((self.probes * self.last).mean(axis=1)),
            float((met * sent).sum()) / PROBES,
        )


class _Solver(NamedTuple):
    """Solves the reduced equations; with the inverse's diagonal and what the absorbed effect adds."""

    solve: Callable[[Table], Table]
    inverse_diagonal: Table
    absorbed: float
