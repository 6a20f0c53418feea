"""The many-facet model as arrays: its cells and statistics, and what its design can tell apart.

Additive effects (rater, a further facet, criterion) and works are nodes of one design. What no
data can tell is found as the null space of that design's normal matrix after the works have been
eliminated; two raters can be compared exactly when every null vector gives both the same entry.
Disjoint subsets of works and raters are the common case, raters nested in criteria another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Sparse = Any  # scipy.sparse.csr_array; its stubs do not carry the shape through products
Model = Literal["partial_credit", "rating_scale"]

_PIVOT = 1e-9  # share of an effect's ratings below which a pivot is nought
TIE = 1e-7  # null vectors' entries nearer than this are the same
_BITS = 62  # criteria that fit into one key


@dataclass(frozen=True, eq=False)
class Design:
    """Ratings as the estimators need them. R raters, F elements of the further facet, I criteria.

    Attributes
    ----------
    work, rater, facet, criterion, level, cell : int (n,)
        Compact codes of each rating; ``cell`` is its combination of rater, facet and criterion.
    n_works, n_raters, n_facets, n_criteria : int
    cells : int (C, 3)
        Rater, facet and criterion of each cell.
    support : bool (I, K)
        Levels that the model gives a probability: for partial credit those that occur on the criterion.
    step : int (I, K)
        Index of the step parameter of a level, -1 for none: the lowest and highest level have none.
    statistics : sparse (C * K, P)
        Derivative of a cell's category logits by the parameters, which are severities (R), effects
        of the further facet (F), difficulties (I) and steps.
    observed : float (C, K)
        Ratings of each level in each cell.
    model : "partial_credit" or "rating_scale"
    """

    work: Ints
    rater: Ints
    facet: Ints
    criterion: Ints
    level: Ints
    cell: Ints
    n_works: int
    n_raters: int
    n_facets: int
    n_criteria: int
    cells: Ints
    support: Bools
    step: Ints
    statistics: Sparse
    observed: Floats
    model: Model

    @property
    def n_levels(self) -> int:
        return int(self.support.shape[1])

    @property
    def n_effects(self) -> int:
        """Severities, effects of the further facet and difficulties."""
        return self.n_raters + self.n_facets + self.n_criteria

    @property
    def n_parameters(self) -> int:
        return int(self.statistics.shape[1])

    def slices(self) -> dict[str, slice]:
        """Where each facet's effects stand among the parameters."""
        r, f = self.n_raters, self.n_facets
        return {
            "rater": slice(0, r),
            "facet": slice(r, r + f),
            "criterion": slice(r + f, self.n_effects),
        }

    def base(self, parameters: Floats) -> Floats:
        """Category logits of each cell at a work measure of 0; -inf where a level has no support."""
        logits = (self.statistics @ parameters).reshape(len(self.cells), self.n_levels)
        return np.where(self.support[self.cells[:, 2]], logits, -np.inf)

    def element_codes(self, name: str) -> Ints:
        codes: Ints = {"rater": self.rater, "facet": self.facet, "criterion": self.criterion}[name]
        return codes

    def span(self) -> tuple[Ints, Ints]:
        """Lowest and highest level that each rating could have had, (n,) each."""
        low = self.support.argmax(axis=1)
        high = self.n_levels - 1 - self.support[:, ::-1].argmax(axis=1)
        return low[self.criterion], high[self.criterion]

    def extremes(self, codes: Ints, n: int, rows: Bools | None = None) -> Ints:
        """Per element +1 where all its ratings are as high as they can be, -1 as low, else 0."""
        low, high = self.span()
        keep = np.ones(len(self.level), dtype=bool) if rows is None else rows
        kept = codes[keep]
        above = np.bincount(kept, weights=(self.level - low)[keep], minlength=n)
        below = np.bincount(kept, weights=(high - self.level)[keep], minlength=n)
        return np.where(above == 0, -1, np.where(below == 0, 1, 0))


def build(work: Ints, rater: Ints, facet: Ints, criterion: Ints, level: Ints, *, n_levels: int,
          model: Model) -> Design:  # fmt: skip
    """Lay out ratings whose codes are compact (each code from 0 occurs)."""
    sizes = [int(codes.max(initial=-1)) + 1 for codes in (work, rater, facet, criterion)]
    n_works, n_raters, n_facets, n_criteria = sizes
    keys = (rater * n_facets + facet) * n_criteria + criterion
    kinds, cell = np.unique(keys, return_inverse=True)
    cells = np.column_stack(
        [kinds // (n_facets * n_criteria), kinds // n_criteria % n_facets, kinds % n_criteria]
    )
    observed = np.bincount(cell * n_levels + level, minlength=len(cells) * n_levels).reshape(
        len(cells), n_levels
    )
    seen = np.zeros((n_criteria, n_levels), dtype=bool)
    seen[criterion, level] = True
    if model == "rating_scale":
        seen[:] = seen.any(axis=0)
    step = _steps(seen, model, n_raters + n_facets + n_criteria)
    return Design(
        work, rater, facet, criterion, level, cell, n_works, n_raters, n_facets, n_criteria, cells,
        seen, step, _statistics(cells, step, n_raters, n_facets, n_criteria), observed.astype(float),
        model,
    )  # fmt: skip


def _steps(support: Bools, model: Model, first: int) -> Ints:
    """Number the interior levels of each criterion, or of the common scale."""
    step = np.full(support.shape, -1, dtype=np.int64)
    for i in range(1 if model == "rating_scale" else len(support)):
        interior = np.flatnonzero(support[i])[1:-1]
        step[i, interior] = first + np.arange(len(interior))
        first += len(interior)
    if model == "rating_scale":
        step[:] = step[0]
    return step


def _statistics(cells: Ints, step: Ints, n_raters: int, n_facets: int, n_criteria: int) -> Sparse:
    n_cells, n_levels = len(cells), step.shape[1]
    k = np.tile(np.arange(n_levels, dtype=float), n_cells)
    rows = np.arange(n_cells * n_levels)
    starts = np.array([0, n_raters, n_raters + n_facets])
    effects = np.repeat(cells + starts, n_levels, axis=0)
    of_step = step[cells[:, 2]].ravel()
    there = of_step >= 0
    n_parameters = max(n_raters + n_facets + n_criteria, int(step.max(initial=-1)) + 1)
    matrix = scipy.sparse.coo_array(
        (
            np.concatenate([-k, -k, -k, np.ones(int(there.sum()))]),
            (
                np.concatenate([rows, rows, rows, rows[there]]),
                np.concatenate([*effects.T, of_step[there]]),
            ),
        ),
        shape=(n_cells * n_levels, n_parameters),
    )
    return matrix.tocsr()


def blocks(design: Design, rows: Bools) -> tuple[Sparse, Sparse]:
    """Readings as works x blocks and blocks x cells, for the ratings in ``rows``.

    A block is a rater (and element of the further facet) with a set of criteria. Its normalising sum
    is added up once for all works, so that an E-step costs one term a reading, not one a rating.
    """
    reading = (design.work[rows] * design.n_raters + design.rater[rows]) * design.n_facets
    readings, of_reading = np.unique(reading + design.facet[rows], return_inverse=True)
    if design.n_criteria <= _BITS:
        mask = np.zeros(len(readings), dtype=np.int64)
        np.add.at(mask, of_reading, np.int64(1) << design.criterion[rows])
    else:
        mask = np.arange(len(readings))
    pair = np.column_stack([readings % (design.n_raters * design.n_facets), mask])
    kinds, first, block = np.unique(pair, axis=0, return_index=True, return_inverse=True)
    block = block.ravel()
    ones = np.ones(len(readings))
    work = readings // (design.n_raters * design.n_facets)
    incidence = scipy.sparse.coo_array(
        (ones, (work, block)), shape=(design.n_works, len(kinds))
    ).tocsr()
    lead = first[block[of_reading]] == of_reading
    content = scipy.sparse.coo_array(
        (np.ones(int(lead.sum())), (block[of_reading][lead], design.cell[rows][lead])),
        shape=(len(kinds), len(design.cells)),
    ).tocsr()
    return incidence, content


@dataclass(frozen=True, eq=False)
class Identification:
    """What is held fixed so that the model has one answer, and what can be compared.

    Attributes
    ----------
    free : int (free,)
        Parameters that vary of themselves.
    transform : sparse (P, free)
    offset : float (P,)
        Parameters are ``transform @ parameters[free] + offset``.
    groups : facet -> int codes
        Elements of one group can be compared; "work" is among the keys.
    """

    free: Ints
    transform: Sparse
    offset: Floats
    groups: Mapping[str, Ints]


def identify(design: Design, anchors: Mapping[str, Mapping[int, float]]) -> Identification:
    """Centre each group of each facet that nothing anchors.

    Parameters
    ----------
    anchors : "work", "rater", "facet" or "criterion" -> element's code -> logits
    """
    free_works = np.ones(design.n_works, dtype=bool)
    free_works[list(anchors.get("work", {}))] = False
    free = np.ones(design.n_effects, dtype=bool)
    offset = np.zeros(design.n_parameters)
    for name, where in design.slices().items():
        for code, value in anchors.get(name, {}).items():
            free[where.start + code] = False
            offset[where.start + code] = value
    null = None if any(anchors.values()) else _plain_null(design)
    normal, of_work = _normal(design, free_works)
    size = np.asarray(of_work.sum(axis=0))
    if null is None or not _is_whole(normal, null, size):
        null = _null(normal, free, size)
    shifts = -(of_work @ null) / np.maximum(of_work.sum(axis=1) / 3, 1)[:, None]
    shifts[~free_works] = 0.0
    scale = float(np.abs(null).max(initial=1.0))
    groups = {"work": _alike(_tie(shifts) / scale)}
    held: list[Ints] = []
    rest = null
    for name, where in design.slices().items():
        groups[name] = _alike(_tie(null[where]) / scale)
        found, rest = _centre(rest, where, scale)
        held += found
    keep = np.concatenate([free, np.ones(design.n_parameters - design.n_effects, dtype=bool)])
    keep[[members[-1] for members in held]] = False
    transform = scipy.sparse.eye_array(design.n_parameters, format="lil")
    for members in held:
        transform[members[-1], members[-1]] = 0.0
        transform[members[-1], members[:-1]] = -1.0
    columns = np.flatnonzero(keep)
    return Identification(columns, transform.tocsr()[:, columns], offset, groups)


def _plain_null(design: Design) -> Floats:
    """The null space if nothing but disjoint works and raters hides anything."""
    graph = scipy.sparse.coo_array(
        (np.ones(len(design.work)), (design.work, design.n_works + design.rater)),
        shape=(design.n_works + design.n_raters,) * 2,
    )
    n, label = scipy.sparse.csgraph.connected_components(graph.tocsr(), directed=False)
    null = np.zeros((design.n_effects, n + 2))
    null[np.arange(design.n_raters), label[design.n_works :]] = 1.0
    where = design.slices()
    null[where["facet"], n] = 1.0
    null[where["criterion"], n + 1] = 1.0
    return null


def _normal(design: Design, free_works: Bools) -> tuple[Floats, Sparse]:
    """Normal matrix of the effects with the free works eliminated; ratings of each work by effect."""
    starts = np.array([0, design.n_raters, design.n_raters + design.n_facets])
    effects = design.cells + starts
    shape = (len(effects), design.n_effects)
    of_cell = scipy.sparse.coo_array(
        (np.ones(effects.size), (np.repeat(np.arange(len(effects)), 3), effects.ravel())), shape
    ).tocsr()
    counts = diagonal(design.observed.sum(axis=1))
    of_work = scipy.sparse.coo_array(
        (
            np.ones(3 * len(design.work)),
            (np.repeat(design.work, 3), effects[design.cell].ravel()),
        ),
        shape=(design.n_works, design.n_effects),
    ).tocsr()
    size = np.maximum(of_work.sum(axis=1) / 3, 1)
    weight = diagonal(free_works / size)
    normal = of_cell.T @ counts @ of_cell - of_work.T @ (weight @ of_work)
    return normal.toarray(), of_work


def diagonal(values: Floats) -> Sparse:
    """A sparse diagonal matrix."""
    return scipy.sparse.diags_array(values, format="csr")


def _is_whole(normal: Floats, null: Floats, size: Floats) -> bool:
    """Whether ``null``, of indicator columns, is the whole null space; ``size`` in ratings."""
    keep = np.ones(len(normal), dtype=bool)
    keep[null.argmax(axis=0)] = False
    if not keep.any():
        return True
    part = normal[np.ix_(keep, keep)]
    try:
        pivots = np.diag(scipy.linalg.cholesky(part, lower=True)) ** 2
    except np.linalg.LinAlgError:
        return False
    return bool(np.all(pivots > _PIVOT * size[keep]))


def _null(normal: Floats, free: Bools, size: Floats) -> Floats:
    scale = 1 / np.sqrt(size[free])
    values, vectors = scipy.linalg.eigh(normal[np.ix_(free, free)] * scale[:, None] * scale)
    chosen = vectors[:, values < _PIVOT] * scale[:, None]
    null = np.zeros((len(normal), chosen.shape[1]))
    null[free] = chosen / np.abs(chosen).max(axis=0, initial=1e-300)
    return null


def _tie(rows: Floats) -> Floats:
    """Rows as single numbers that are equal only where the rows are (but for a chance of nought)."""
    direction = np.random.default_rng(0).normal(size=rows.shape[1])
    return np.asarray(rows @ direction)


def _alike(ties: Floats) -> Ints:
    """Group what is equal up to rounding; groups are numbered by first appearance."""
    order = np.argsort(ties, kind="stable")
    label = np.empty(len(ties), dtype=np.int64)
    label[order] = np.cumsum(np.diff(ties[order], prepend=ties[order[:1]]) > TIE)
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse])


def _centre(null: Floats, where: slice, scale: float) -> tuple[list[Ints], Floats]:
    """Groups of one facet to be centred, as few as hold it still, and what then is left of the null."""
    rows = null[where]
    if not rows.shape[1] or not np.any(np.abs(rows) > TIE * scale):
        return [], null
    label = _alike(_tie(rows) / scale)
    _, first, sizes = np.unique(label, return_index=True, return_counts=True)
    table = rows[first]
    order = np.argsort(-sizes, kind="stable")
    chosen: list[int] = []
    for group in order.tolist():  # large groups first
        trial = table[[*chosen, group]]
        if np.linalg.matrix_rank(trial, tol=1e-6 * scale) == len(trial):
            chosen.append(group)
        if len(chosen) == rows.shape[1]:
            break
    held = [np.flatnonzero(label == group) + where.start for group in chosen]
    return held, null @ scipy.linalg.null_space(table[chosen], rcond=1e-9)
