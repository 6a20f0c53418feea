"""Infit and outfit: how far the ratings of an element are from what the model expects.

References
----------
Wright & Masters 1982, Rating Scale Analysis.
"""

from dataclasses import dataclass

import numpy as np

from grading.measurement.severity.design import (
    Floats,
    Ints,
)


@dataclass(frozen=True, eq=False)
class MeanSquares:
    """Mean-squares of the elements of one facet."""

    infit: Floats
    outfit: Floats
    infit_z: Floats
    outfit_z: Floats

    @classmethod
    def by_element(
        cls, codes: Ints, n: int, residual: Floats, variance: Floats, fourth: Floats
    ) -> "MeanSquares":
        def total(values: Floats) -> Floats:
            return np.bincount(codes, values, n).astype(float)

        count = np.bincount(codes, minlength=n)
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = total(variance)
            infit = total(residual**2) / weight
            outfit = total(residual**2 / variance) / count
            infit_q = np.sqrt(total(fourth - variance**2)) / weight
            outfit_q = np.sqrt(np.maximum(total(fourth / variance**2) - count, 0)) / count
            return cls(infit, outfit, _deviate(infit, infit_q), _deviate(outfit, outfit_q))

    def at(self, code: int) -> tuple[float, float, float, float]:
        return (
            float(self.infit[code]), float(self.outfit[code]),
            float(self.infit_z[code]), float(self.outfit_z[code]),
        )  # fmt: skip


def _deviate(mean_square: Floats, q: Floats) -> Floats:
    """Wilson and Hilferty's cube root."""
    found = (np.cbrt(mean_square) - 1) * 3 / q + q / 3
    return np.where(q > 0, found, np.nan)
