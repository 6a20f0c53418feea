"""Variance components by restricted maximum likelihood, climbed by average information.

References
----------
Gilmour, Thompson & Cullis 1995, doi:10.2307/2533274; Patterson & Thompson 1971,
doi:10.1093/biomet/58.3.545.
"""

import math
from dataclasses import replace

import numpy as np

from grading.measurement.agreement.weights import Table
from grading.measurement.components.effects import Effects
from grading.measurement.components.mixed_model import Equations
from grading.measurement.components.result import VarianceComponents

# A component below this share of the total variance, and still falling, is nothing.
NOTHING = 1e-6


def restricted(
    model: Effects, found: VarianceComponents, start: Table, seed: int
) -> VarianceComponents:
    """Climb the restricted likelihood; a component that runs into 0 is taken out and stays 0."""
    total = float(np.abs(start).sum()) or 1.0
    values = np.maximum(start, 0.02 * total)
    names = [effect.name for effect in model.effects]
    gone: set[str] = set()
    while True:
        kept = model.without(gone)
        index = [i for i, name in enumerate(names) if name not in gone] + [len(names)]
        if not kept.effects:
            values = np.zeros(len(names) + 1)
            values[-1] = float(model.y @ model.y) / (len(model.y) - 1)
            inverse, converged = np.full((1, 1), math.nan), True
            nothing: set[str] = set()
        else:
            values[index], inverse, converged, nothing = _climb(kept, values[index], seed)
        if not nothing:
            break
        gone |= nothing
    values[[i for i, name in enumerate(names) if name in gone]] = 0.0
    covariance = np.zeros((len(values), len(values)))
    covariance[np.ix_(index, index)] = inverse
    note = None
    if gone:
        note = f"no variance was found for {', '.join(name for name in names if name in gone)}"
    return replace(
        found,
        components=dict(zip(found.names, values.tolist(), strict=True)),
        covariance=covariance,
        method="REML",
        converged=converged,
        note=note,
    )


def _climb(model: Effects, values: Table, seed: int) -> tuple[Table, Table, bool, set[str]]:
    """Climb by average information; give components, their covariance, whether it came to rest, and
    the effects whose variance fell to nothing."""
    n, c = len(model.y), len(model.effects)
    equations = Equations(model, seed)
    tolerance = 1e-9 if equations.exact else 1e-4
    levels = np.array([len(effect.sizes) for effect in model.effects], float)
    converged = False
    solved = equations.solve(values)
    for _ in range(100):
        squares = np.array([float(u @ u) for u in solved.effects])
        random, error = values[:c], values[c]
        score = np.empty(c + 1)
        score[:c] = -(levels / random - (solved.traces + squares) / random**2) / 2
        free = (n - 1 - float((levels - solved.traces / random).sum())) / error
        score[c] = -(free - float(solved.residual @ solved.residual) / error**2) / 2
        step = np.linalg.lstsq(solved.average, score, rcond=None)[0]
        # Expectation-maximisation, slow and safe, where the fast step would leave the parameter space.
        safe = np.append(
            (squares + solved.traces) / levels, float(model.y @ solved.residual) / (n - 1)
        )
        new = values + step
        # No predicted effect differs from 0: the information is nothing, and so would be the step.
        weak = np.append(np.diag(solved.average)[:c] * random**2 < 1e-9 * levels, False)
        bad = (new <= 0) | (weak & (score < 0))
        new = np.where(bad, np.minimum(safe, values), new)
        change = float(np.max(np.abs(new - values)) / new.sum())
        falling = (new[:c] < NOTHING * new.sum()) & (score[:c] <= 0)
        values = new
        if falling.any():
            nothing = {effect.name for effect, f in zip(model.effects, falling, strict=True) if f}
            return values, np.full((c + 1, c + 1), math.nan), False, nothing
        if change < tolerance:
            converged = True
            break
        if bad[:c].any():
            # The fast step points below 0 where the likelihood is highest at 0 itself.
            values[:c][bad[:c]] *= 0.1
        solved = equations.solve(values)
    return values, np.asarray(np.linalg.pinv(solved.average), float), converged, set()
