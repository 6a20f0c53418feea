"""How alike two levels are: 1 for the same level, falling with distance.

A weighting that depends on differences of scores alone is kept as the scores, never as a table, so
that a scale of a hundred or a hundred thousand values costs no more than one of four.

References
----------
Gwet, Handbook of Inter-Rater Reliability (2014), chapter 4; Fleiss & Cohen 1973,
doi:10.1177/001316447303300309; Krippendorff, Content Analysis (2019), chapter 12,
doi:10.4135/9781071878781.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Table = NDArray[np.float64]
Weights = Literal[
    "identity", "linear", "quadratic", "ordinal", "radical", "ratio", "circular", "bipolar"
]
Metric = Literal["nominal", "ordinal", "interval", "ratio"]
# Above this many levels a table of weights would be larger than what it is to weigh.
MANY = 2000


@dataclass(frozen=True, eq=False)
class Weighting:
    """Weights of agreement between q levels.

    Attributes
    ----------
    name : str
    values : ndarray, shape (q,)
        The scores of the levels.
    table : ndarray, shape (q, q), or None
        None for the two kinds that need none: ``identity`` and ``quadratic``.
    """

    name: str
    values: Table
    table: Table | None

    @property
    def span(self) -> float:
        """The largest squared difference, which is what weights 0."""
        return float((self.values.max() - self.values.min()) ** 2) if len(self.values) else 0.0

    def times(self, shares: Table) -> Table:
        """Weigh shares of levels: ``W @ shares`` over the last axis."""
        if self.table is not None:
            return np.asarray(shares @ self.table.T)
        if self.name == "identity":
            return shares
        if not self.span:
            return np.asarray(np.broadcast_to(shares.sum(-1, keepdims=True), shares.shape))
        x = self.values - self.values.mean()
        total, first, second = shares.sum(-1), shares @ x, shares @ x**2
        gaps = total[..., None] * x**2 - 2 * first[..., None] * x + second[..., None]
        return np.asarray(total[..., None] - gaps / self.span)

    def total(self) -> float:
        """Sum of all weights."""
        q = len(self.values)
        return float(self.times(np.ones(q)).sum())

    def full(self) -> Table:
        """The weights as a table."""
        if self.table is not None:
            return np.asarray(self.table.T)
        q = len(self.values)
        if self.name == "identity":
            return np.eye(q)
        if not self.span:
            return np.ones((q, q))
        return np.asarray(1.0 - (self.values[:, None] - self.values) ** 2 / self.span)


def weighting(kind: Weights | ArrayLike, values: ArrayLike) -> Weighting:
    """Make a weighting of levels with these scores.

    Parameters
    ----------
    kind : str or array_like, shape (q, q)
        ``identity``; ``linear`` and ``quadratic``, falling with the (squared) difference;
        ``ordinal``, ``radical``, ``ratio``, ``circular``, ``bipolar`` (Gwet 2014); or a table of
        weights of one's own, 1 on the diagonal and symmetric.
    values : array_like, shape (q,)

    Raises
    ------
    ValueError
        The kind is unknown, the table does not fit, or there are too many levels for a table.
    """
    x = np.asarray(values, dtype=float)
    q = len(x)
    if not isinstance(kind, str):
        table = np.asarray(kind, dtype=float)
        if table.shape != (q, q) or not np.allclose(table, table.T) or np.any(np.diag(table) != 1):
            raise ValueError(f"weights must be symmetric with 1 on the diagonal, {q} by {q}")
        return Weighting("custom", x, table)
    if kind not in get_args(Weights):
        raise ValueError(f"weights must be one of {', '.join(get_args(Weights))}")
    if kind in ("identity", "quadratic"):
        return Weighting(kind, x, None)
    if q > MANY:
        raise ValueError(f"{kind} weights need at most {MANY} levels; there are {q}")
    gaps = _gaps(kind, x)
    largest = float(gaps.max(initial=0.0))
    return Weighting(kind, x, 1.0 - gaps / largest if largest > 0 else np.ones((q, q)))


def _gaps(kind: str, x: Table) -> Table:
    """Disagreement between levels, on any scale."""
    q = len(x)
    apart = np.abs(x[:, None] - x[None, :])
    both = x[:, None] + x[None, :]
    if kind == "linear":
        return apart
    if kind == "radical":
        return np.asarray(np.sqrt(apart))
    if kind == "ordinal":
        levels = np.abs(np.subtract.outer(np.arange(q), np.arange(q))) + 1
        return np.asarray(levels * (levels - 1) / 2.0)
    if kind == "circular":
        around = x.max() - x.min() + 1 if q else 1.0
        return np.asarray(np.sin(math.pi * apart / around) ** 2)
    if kind == "ratio":
        return np.where(both == 0, 0.0, (apart / np.where(both == 0, 1.0, both)) ** 2)
    # bipolar: a gap counts the more, the nearer it lies to an end of the scale
    ends = (both - 2 * x.min()) * (2 * x.max() - both) if q else both
    return np.where(apart == 0, 0.0, apart**2 / np.where(apart == 0, 1.0, ends))


def metric_weighting(metric: Metric, values: ArrayLike, margins: Table) -> Weighting:
    """Krippendorff's metric differences as weights.

    The ordinal difference of two levels is the number of ratings from the one to the other, half of
    those on the two themselves, squared: the interval difference of their mean ranks.

    Raises
    ------
    ValueError
        The metric is unknown.
    """
    x = np.asarray(values, dtype=float)
    if metric == "nominal":
        return Weighting("identity", x, None)
    if metric == "interval":
        return Weighting("quadratic", x, None)
    if metric == "ordinal":
        return Weighting("quadratic", np.cumsum(margins) - margins / 2, None)
    if metric == "ratio":
        return weighting("ratio", x)
    raise ValueError(f"metric must be one of {', '.join(get_args(Metric))}")
