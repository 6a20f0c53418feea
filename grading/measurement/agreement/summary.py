"""The agreement of a set of raters in the four figures that pages and gates use."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grading.measurement.agreement.coefficient import (
    PARADOX,
    PARADOX_EXACT,
    PARADOX_VALUE,
    Coefficient,
)
from grading.measurement.agreement.kappa import cohen_kappa, pairs_between, pairs_within
from grading.measurement.agreement.krippendorff import krippendorff_alpha
from grading.measurement.agreement.units import Units, units_from_counts, units_of
from grading.measurement.agreement.weights import Table
from grading.measurement.ratings import Ratings


@dataclass(frozen=True)
class Agreement:
    """How far a set of raters agree.

    Attributes
    ----------
    exact, adjacent : float
        Shares of pairs on the same level, and at most one level apart; NaN without pairs.
    quadratic_kappa, alpha : Coefficient
        ``alpha`` is Krippendorff's, ordinal.
    n_works : int
        Works with at least one pair.
    n_pairs, dropped : int
    note : str or None
        Says so where percent agreement and kappa part because nearly all ratings are alike.
    """

    exact: float
    adjacent: float
    quadratic_kappa: Coefficient
    alpha: Coefficient
    n_works: int
    n_pairs: int
    dropped: int
    note: str | None


def within(ratings: Ratings) -> Agreement:
    """Agreement of raters among each other, on one criterion.

    Raises
    ------
    ValueError
        The ratings are of several criteria.
    """
    units = units_of(ratings)
    return _agreement(
        pairs_within(ratings),
        ratings,
        units,
        int(units.times[units.sizes >= 2].sum()),
        independent=len(np.unique(ratings.rater)) == 2,
    )


def between(one: Ratings, other: Ratings) -> Agreement:
    """Agreement of two pools on the same works: every pair across, none within.

    Alpha is of the two pools' medians on works that both read, as if each pool were one rater.
    """
    units = units_between(one, other)
    n_works = len(np.intersect1d(one.work, other.work))
    return _agreement(pairs_between(one, other), one, units, n_works, independent=False)


def units_between(one: Ratings, other: Ratings) -> Units:
    """Count, for the works that both pools read, the two pools' medians as ratings of two raters."""
    both = np.intersect1d(one.work, other.work)
    counts = np.zeros((len(both), len(one.levels)))
    for pool in (one, other):
        counts[np.arange(len(both)), _medians(pool, both)] += 1
    return units_from_counts(counts)


def _agreement(
    table: Table, ratings: Ratings, units: Units, n_works: int, *, independent: bool
) -> Agreement:
    total = float(table.sum())
    i, j = np.indices(table.shape)
    exact = float(np.trace(table)) / total if total else math.nan
    kappa = cohen_kappa(table, weights="quadratic", levels=ratings.levels)
    if not independent:
        # Pairs that share a rating are not independent, and the formula would claim too much.
        kappa = replace(kappa, standard_error=math.nan, interval=(math.nan, math.nan))
    return Agreement(
        exact=exact,
        adjacent=float(table[np.abs(i - j) <= 1].sum()) / total if total else math.nan,
        quadratic_kappa=kappa,
        alpha=krippendorff_alpha(units, levels=ratings.levels if ratings.levels else None),
        n_works=n_works,
        n_pairs=round(total),
        dropped=ratings.dropped,
        note=PARADOX if exact >= PARADOX_EXACT and not kappa.estimate >= PARADOX_VALUE else None,
    )


def _medians(ratings: Ratings, works: NDArray[np.int32]) -> NDArray[np.int64]:
    """The lower median level of each of the works."""
    rows = np.isin(ratings.work, works)
    order = np.lexsort((ratings.level[rows], ratings.work[rows]))
    work, level = ratings.work[rows][order], ratings.level[rows][order]
    starts = np.searchsorted(work, works)
    sizes = np.searchsorted(work, works, side="right") - starts
    return np.asarray(level[starts + (sizes - 1) // 2], dtype=np.int64)
