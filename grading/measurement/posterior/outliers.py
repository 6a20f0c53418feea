"""Single readings that stand out from what the other readings of their works let expect.

Wrong readings hide each other: they widen what seems to be an ordinary error, and each moves what is expected
of the others. So the furthest tenth is first set aside, sound or not, a few at a time with a new fit between.
What was set aside is then judged by the rest: what lies within the limit counts again, the rest is fitted
anew, and so on until nobody comes back.

References
----------
Barnett & Lewis 1994, Outliers in Statistical Data, on masking; Hadi & Simonoff 1993,
doi:10.1080/01621459.1993.10476407, on judging by a clean part that grows.
"""

from collections.abc import Collection, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from grading.measurement.posterior.aggregation import aggregate
from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.prediction import leave_one_out
from grading.measurement.posterior.readings import Readings

# A look at a project costs little, so that one sound reading in so many may be named.
RATE = 1 / 500
# Where so many stand out, it is not single readings that are wrong.
MOST = 0.1
# Fits on the way to the clean part: enough that the worst do not choose who goes with them.
STEPS = 5


@dataclass(frozen=True, eq=False)
class Outliers:
    """What stands out, the furthest first.

    Attributes
    ----------
    index : ndarray of int, shape (n,)
        Rows of the readings.
    residual : ndarray, shape (n,)
        Reading less what all readings but the outliers let expect of this rater.
    distance : ndarray, shape (n,)
        The residual in standard deviations.
    note : str or None
        Why nothing can be said.
    """

    index: NDArray[np.int64]
    residual: NDArray[np.float64]
    distance: NDArray[np.float64]
    note: str | None = None


def outliers(
    readings: Readings,
    *,
    professionals: Collection[Hashable],
    rate: float = RATE,
    most: float = MOST,
    step: float = 0.0,
) -> Outliers:
    """Find the professional readings that no steady reader would give.

    Parameters
    ----------
    readings : Readings
        Of one criterion, or of the total; peers' readings help to say what is expected.
    professionals : collection of rater labels
    rate : float
        Share of sound readings named by mistake, if residuals are normal.
    most : float
        No more than this share of the professional readings is named.
    step : float
        What readings are rounded to, 1 for whole levels. A reading and what is expected of it are each
        known no better than rounding leaves them (variance ``step``² / 12), however well a panel agrees.

    Returns
    -------
    Outliers
        None are named, with a note, where the readings do not allow the model.

    Examples
    --------
    >>> work = [w for w in range(12) for _ in range(3)]
    >>> value = [50.0 + 2 * w + (w * r % 3 - 1) for w in range(12) for r in range(3)]
    >>> value[4] = 90.0
    >>> readings = Readings.from_long(work, ["x", "y", "z"] * 12, value)
    >>> outliers(readings, professionals={"x", "y", "z"}).index.tolist()
    [4]
    """
    known = set(professionals)
    limit = float(stats.norm.isf(rate / 2))
    own = np.flatnonzero(np.array([one in known for one in readings.raters])[readings.rater])
    kept = np.ones(len(readings), dtype=bool)
    found = aggregate(readings, professionals=known, rule="model")
    if not np.isfinite(found.parameters.professional_error_variance):
        return Outliers(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), found.note)
    for share in np.linspace(0, most, STEPS + 1)[1:]:
        count = int(share * len(own)) - int(np.count_nonzero(~kept))
        kept[_furthest(readings, kept, found, count)] = False
        found = _fitted(readings, kept, known)
    while True:
        index = np.flatnonzero(~kept)
        residual, distance = _judged(readings, index, found, step)
        back = index[distance <= limit]
        if not len(back):
            break
        kept[back] = True
        found = _fitted(readings, kept, known)
    order = np.argsort(-distance, kind="stable")
    return Outliers(index[order], residual[order], distance[order])


def _part(readings: Readings, rows: NDArray[Any]) -> Readings:
    return replace(
        readings, work=readings.work[rows], rater=readings.rater[rows], value=readings.value[rows]
    )


def _fitted(
    readings: Readings, kept: NDArray[np.bool_], professionals: set[Hashable]
) -> Aggregation:
    # From the start each time: the narrow errors of a cleaner part are no place to begin.
    return aggregate(_part(readings, kept), professionals=professionals, rule="model")


def _furthest(
    readings: Readings, kept: NDArray[np.bool_], found: Aggregation, count: int
) -> NDArray[np.int64]:
    """Of the rows that are kept, those furthest from what the others let expect; one of a work."""
    rows = np.flatnonzero(kept)
    expected = leave_one_out(_part(readings, rows), found)
    bias, error = _rater(readings, rows, found)
    distance = np.abs(expected.residual - bias) / np.sqrt(expected.variance + error**2)
    order = np.argsort(-np.nan_to_num(distance), kind="stable")
    order = order[np.isfinite(distance[order])]
    _works, first = np.unique(readings.work[rows[order]], return_index=True)
    return np.asarray(rows[order[np.sort(first)]][:count])


def _judged(
    readings: Readings, rows: NDArray[np.int64], found: Aggregation, step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Residuals and distances of readings that the fit has not seen."""
    work = readings.work[rows]
    bias, error = _rater(readings, rows, found)
    residual = readings.value[rows] - found.mean[work] - bias
    variance = (
        found.standard_error[work] ** 2 + found.parameters.professional_error_variance + error**2
    )
    return residual, np.abs(residual) / np.sqrt(np.maximum(variance, step**2 / 6))


def _rater(
    readings: Readings, rows: NDArray[Any], found: Aggregation
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bias and its error; an aggregation keeps the raters in the order of its readings."""
    rater = readings.rater[rows]
    return np.nan_to_num(found.rater_bias[rater]), np.nan_to_num(found.rater_error[rater])
