"""Gwet's intraclass correlations where a rater may read a work several times, and marks are missing.

References
----------
Gwet, Handbook of Inter-Rater Reliability (2014), chapters 8 to 10; Henderson 1953,
doi:10.2307/3001853.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy import sparse, special

from grading.measurement.agreement.weights import Table
from grading.measurement.components.variance import RESIDUAL, variance_components
from grading.measurement.ratings import Codes, Ratings, compact

Model = Literal["1A", "2", "2_without_interaction", "3", "3_without_interaction"]


@dataclass(frozen=True)
class ReplicateICC:
    """Intraclass correlation between and within raters.

    Attributes
    ----------
    between_raters : float
        Correlation of readings of a work by two raters.
    within_raters : float
        Correlation of two readings of a work by one rater; NaN in model 1A.
    interval : (float, float)
        Of ``between_raters``; given for model 1A alone.
    work, rater, interaction, error : float
        Components of variance, 0 or more; NaN where the model has none.
    model : str
    n_works, n_raters, n_ratings, dropped : int
    reason : str or None
        Why the values are NaN.
    """

    between_raters: float
    within_raters: float
    interval: tuple[float, float]
    work: float
    rater: float
    interaction: float
    error: float
    model: str
    n_works: int
    n_raters: int
    n_ratings: int
    dropped: int
    reason: str | None = None


class _Sums(NamedTuple):
    """Counts and sums of squares about the mean."""

    n: int
    r: int
    cells: int
    total: float
    works: float
    raters: float
    both: float
    by_work: Table
    by_rater: Table
    by_cell: Table
    work_of: Codes
    rater_of: Codes
    sums: Table


def replicate_icc(
    ratings: Ratings, *, model: Model = "2", confidence: float = 0.95
) -> ReplicateICC:
    """Gwet's ICC of a design with replicates.

    Parameters
    ----------
    ratings : Ratings
        ``criterion`` tells a rater's several readings of a work apart.
    model : {"1A", "2", "2_without_interaction", "3", "3_without_interaction"}
        1A: works random, raters not modelled (Gwet's equation 8.1.3, with his divisor, which counts
        works within raters). 2: works and raters random. 3: works random, these very raters.

    Returns
    -------
    ReplicateICC
        NaN with a reason where there are too few works, raters or replicates for the model.

    Raises
    ------
    ValueError
        An unknown model.

    Examples
    --------
    >>> rows = [(w, r, t, w + r * t) for w in range(4) for r in range(2) for t in range(2)]
    >>> work, rater, trial, level = zip(*rows)
    >>> found = replicate_icc(Ratings.from_long(work, rater, level, criterion=trial))
    >>> round(found.between_raters, 3)
    0.816
    """
    if model not in get_args(Model):
        raise ValueError(f"model must be one of {', '.join(get_args(Model))}")
    nan = math.nan
    n_ratings, dropped = len(ratings), ratings.dropped
    sums = _sums(ratings) if n_ratings else None
    reason = None
    if sums is None or sums.n < 2 or (sums.r < 2 and model != "1A"):
        reason = "fewer than two works or raters"
    elif model in ("2", "3") and n_ratings == sums.cells:
        reason = "no rater read a work twice, so interaction cannot be told from error"
    elif n_ratings <= sums.n + (0 if model == "1A" else sums.r - 1):
        reason = "not enough ratings for this model"
    if sums is None or reason:
        n, r = (sums.n, sums.r) if sums else (0, 0)
        return ReplicateICC(
            nan, nan, (nan, nan), nan, nan, nan, nan, model, n, r, n_ratings, dropped, reason
        )
    interval = nan, nan
    rater = interaction = nan
    if model == "1A":
        work, error, interval = _one_way(sums, n_ratings, confidence)
        between, within = work / (work + error), nan
    elif model.startswith("2"):
        work, rater, interaction, error = _random(ratings, model == "2")
        total = work + rater + (interaction if model == "2" else 0.0) + error
        between, within = work / total, (total - error) / total
        if model != "2":
            interaction = nan
    else:
        work, interaction, error = _mixed(sums, n_ratings, model == "3")
        total = work + interaction + error
        between = (work - interaction / (sums.r - 1)) / total
        within = (work + interaction) / total
        if model != "3":
            interaction = nan
    return ReplicateICC(
        between,
        within,
        interval,
        work,
        rater,
        interaction,
        error,
        model,
        sums.n,
        sums.r,
        n_ratings,
        dropped,
    )


def _sums(ratings: Ratings) -> _Sums:
    y = ratings.values()
    y = y - y.mean()
    works, work = compact(ratings.work, len(ratings.works))
    raters, rater = compact(ratings.rater, len(ratings.raters))
    cells, cell = np.unique(work * np.int64(len(raters)) + rater, return_inverse=True)
    by_work, by_rater, by_cell = (np.bincount(codes).astype(float) for codes in (work, rater, cell))
    of_work, of_rater, of_cell = (np.bincount(codes, weights=y) for codes in (work, rater, cell))
    return _Sums(
        len(works),
        len(raters),
        len(cells),
        float(y @ y),
        float((of_work**2 / by_work).sum()),
        float((of_rater**2 / by_rater).sum()),
        float((of_cell**2 / by_cell).sum()),
        by_work,
        by_rater,
        by_cell,
        (cells // len(raters)).astype(np.int32),
        (cells % len(raters)).astype(np.int32),
        np.asarray(of_cell, float),
    )


def _one_way(s: _Sums, m: int, confidence: float) -> tuple[float, float, tuple[float, float]]:
    error = (s.total - s.works) / (m - s.n)
    divisor = m - float((s.by_cell**2 / s.by_rater[s.rater_of]).sum())
    work = max(0.0, (s.works - (s.n - 1) * error) / divisor)
    if error <= 0:
        return work, error, (math.nan, math.nan)
    f = s.works / (s.n - 1) / error
    tail = (1 + confidence) / 2
    low = f / float(special.fdtri(s.n - 1, m - s.n, tail))
    high = f * float(special.fdtri(m - s.n, s.n - 1, tail))
    mean = m / s.n
    limits = (max(0.0, (x - 1) / (mean + x - 1)) for x in (low, high))
    return work, error, (next(limits), next(limits))


def _random(ratings: Ratings, interaction: bool) -> tuple[float, float, float, float]:
    """Henderson's first method; negative components become 0, as Gwet has it."""
    effects = ("work", "rater", "work:rater") if interaction else ("work", "rater")
    found = variance_components(ratings, effects=effects, method="moments").components
    work, rater, rest, error = (
        max(0.0, found.get(name, 0.0)) for name in ("work", "rater", "work:rater", RESIDUAL)
    )
    return work, rater, rest, error


def _mixed(s: _Sums, m: int, interaction: bool) -> tuple[float, float, float]:
    """Works random, raters fixed: what fitting both explains comes from the normal equations."""
    cross = sparse.csr_matrix((s.by_cell, (s.work_of, s.rater_of)), shape=(s.n, s.r))
    given = sparse.csr_matrix((s.sums, (s.work_of, s.rater_of)), shape=(s.n, s.r))
    of_work = np.asarray(given.sum(axis=1)).ravel()
    scaled = sparse.csr_matrix(sparse.diags_array(1 / s.by_work) @ cross)
    # Works absorbed; the equations of the raters lack one rank, which the pseudo-inverse takes up.
    reduced = np.diag(s.by_rater) - (cross.T @ scaled).toarray()
    right = np.asarray(given.sum(axis=0)).ravel() - scaled.T @ of_work
    inverse = np.linalg.pinv(reduced)
    explained = s.works + float(right @ inverse @ right)
    k4 = float((s.by_cell**2 / s.by_rater[s.rater_of]).sum())
    if not interaction:
        error = (s.total - explained) / (m - s.n - s.r + 1)
        work = (explained - s.raters - (s.n - 1) * error) / (m - k4)
        return max(0.0, work), 0.0, max(0.0, error)
    error = (s.total - s.both) / (m - s.cells)
    # How much of the interaction the fit of both takes with it: a trace over the cells.
    contrast = -scaled[s.work_of].toarray()
    contrast[np.arange(s.cells), s.rater_of] += 1
    leverage = 1 / s.by_work[s.work_of] + np.einsum("ij,jk,ik->i", contrast, inverse, contrast)
    rest = (s.both - explained - (s.cells - s.n - s.r + 1) * error) / (
        m - float(s.by_cell**2 @ leverage)
    )
    work = (s.both - s.raters - (s.cells - s.r) * error) / (m - k4) - (s.r - 1) * rest / s.r
    return max(0.0, work), max(0.0, rest), max(0.0, error)
