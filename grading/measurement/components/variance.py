"""Variance components of designs of any shape: crossed, nested, sparse and unbalanced.

A rating is the mean, plus one random effect for each of the effects asked for, plus a residual. The
moments are Henderson's first method, a few sums over the rows whatever their number. REML starts from
them and climbs by average information: the largest effect is absorbed, and the rest solved exactly
where it is some thousands of levels, else by conjugate gradients with traces from fixed random probes.

References
----------
Henderson 1953, doi:10.2307/3001853; Gilmour, Thompson & Cullis 1995, doi:10.2307/2533274; Patterson &
Thompson 1971, doi:10.1093/biomet/58.3.545; Hutchinson 1990, doi:10.1080/03610919008812866.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy import linalg, sparse

from grading.measurement.agreement.weights import Table
from grading.measurement.ratings import Codes, Ratings, compact

Method = Literal["reml", "moments"]
RESIDUAL = "residual"
# Up to this many levels beside the absorbed effect the equations are solved exactly.
EXACT_LEVELS = 2500
PROBES = 12
# A component below this share of the total variance, and still falling, is nothing.
NOTHING = 1e-6


@dataclass(frozen=True)
class VarianceComponents:
    """Components of variance of one kind of rating.

    Attributes
    ----------
    components : mapping of str to float
        By effect, ``residual`` last. Moments may be negative; REML is 0 or more.
    covariance : ndarray, shape (c, c)
        Of the components in that order; NaN where it is not known.
    levels : mapping of str to int
        Levels of each effect.
    n : int
        Ratings.
    mean : float
        Mean rating, weighted as the method does.
    method : str
    converged : bool
    dropped : int
        Missing marks.
    reason : str or None
        Why the components are NaN.
    note : str or None
    """

    components: Mapping[str, float]
    covariance: Table
    levels: Mapping[str, int]
    n: int
    mean: float
    method: str
    converged: bool
    dropped: int
    reason: str | None = None
    note: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The effects, the residual last."""
        return tuple(self.components)

    @property
    def standard_errors(self) -> Mapping[str, float]:
        """Large-sample standard error of each component."""
        errors = np.sqrt(np.diag(self.covariance))
        return dict(zip(self.names, errors.tolist(), strict=True))


class _Effect(NamedTuple):
    name: str
    facets: frozenset[str]
    codes: Codes
    sizes: Table


@dataclass(frozen=True, eq=False)
class _Model:
    """Scores about their mean, and the effects with more than one rating on a level."""

    y: Table
    mean: float
    effects: tuple[_Effect, ...]
    # Facets that tell any two ratings apart.
    cell: frozenset[str] = field(default_factory=frozenset)

    def without(self, names: set[str]) -> "_Model":
        kept = tuple(effect for effect in self.effects if effect.name not in names)
        return replace(self, effects=kept)


def default_effects(ratings: Ratings) -> tuple[str, ...]:
    """Name all main effects and interactions that the design can tell from the residual."""
    facets = [
        name
        for name in ("work", "rater", "criterion")
        if len(np.unique(ratings.facet(name).codes)) > 1
    ]
    names = [":".join(some) for size in range(1, 3) for some in combinations(facets, size)]
    found: list[str] = []
    seen: list[Codes] = []
    for name in names:
        effect = _effect(ratings, name)
        doubled = any(_alike(effect.codes, other) for other in seen)
        if 1 < len(effect.sizes) < len(ratings) and not doubled:
            found.append(name)
            seen.append(effect.codes)
    return tuple(found)


def variance_components(
    ratings: Ratings,
    *,
    effects: Sequence[str] | None = None,
    method: Method = "reml",
    seed: int = 0,
) -> VarianceComponents:
    """Estimate the variance of each effect.

    Parameters
    ----------
    ratings : Ratings
        Their values are taken as they stand on the scale.
    effects : sequence of str, optional
        Facets (``work``, ``rater``, ``criterion`` or a further column), or several joined by ``:``
        for an interaction or nesting: p x (r:t) is ``work, criterion, rater:criterion,
        work:criterion``. The effect of a single rating is the residual and is not named. By default
        all main effects and pairs that can be told apart.
    method : {"reml", "moments"}
        Restricted maximum likelihood, or Henderson's first method: the same on balanced data,
        instant on any, but without a covariance. Analysis of variance is what moments give on
        balanced designs.
    seed : int
        Of the probes, which are drawn for very large designs only.

    Returns
    -------
    VarianceComponents
        NaN with a reason where the design cannot tell the effects apart.

    Raises
    ------
    ValueError
        No such column, an effect named twice, or an effect with one rating on each level.

    Examples
    --------
    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> rows = [(w, r, x) for w, given in enumerate(judges) for r, x in enumerate(given)]
    >>> found = variance_components(Ratings.from_long(*zip(*rows)), method="moments")
    >>> {name: round(value, 2) for name, value in found.components.items()}
    {'work': 2.56, 'rater': 5.24, 'residual': 1.02}
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}")
    names = default_effects(ratings) if effects is None else tuple(effects)
    if len(set(names)) != len(names):
        raise ValueError("an effect is named twice")
    if not names or not len(ratings):
        return _undefined(ratings, names, "not enough ratings to tell any effect from the residual")
    model = _model(ratings, names)
    start, solved = _moments(model)
    levels = {effect.name: len(effect.sizes) for effect in model.effects}
    every = (*names, RESIDUAL)
    blank = np.full((len(every), len(every)), math.nan)
    if not solved:
        return _undefined(ratings, names, "the design cannot tell these effects apart")
    found = VarianceComponents(
        dict(zip(every, start.tolist(), strict=True)),
        blank,
        levels,
        len(ratings),
        model.mean,
        "Henderson's first method",
        True,
        ratings.dropped,
    )
    if method == "moments":
        return found
    return _restricted(model, found, start, seed)


def _undefined(ratings: Ratings, names: Sequence[str], reason: str) -> VarianceComponents:
    every = (*names, RESIDUAL)
    return VarianceComponents(
        dict.fromkeys(every, math.nan),
        np.full((len(every), len(every)), math.nan),
        {},
        len(ratings),
        math.nan,
        "none",
        False,
        ratings.dropped,
        reason,
    )


def _alike(one: Codes, other: Codes) -> bool:
    """Whether two codings part the rows in the same way."""
    if int(one.max()) != int(other.max()):
        return False
    partner = np.empty(int(one.max()) + 1, np.int64)
    partner[one] = other
    return bool(np.array_equal(partner[one], other)) and len(np.unique(partner)) == len(partner)


def _effect(ratings: Ratings, name: str) -> _Effect:
    facets = name.split(":")
    columns = [ratings.facet(facet) for facet in facets]
    codes, size = columns[0].codes, len(columns[0].labels)
    for column in columns[1:]:
        joined = codes * np.int64(max(len(column.labels), 1)) + column.codes
        size *= len(column.labels)
        if size > 4 * len(joined) + 1024:
            labels, codes = np.unique(joined, return_inverse=True)
            size = len(labels)
        else:
            codes = joined
    present, place = compact(codes, size)
    sizes = np.bincount(place, minlength=len(present)).astype(float)
    return _Effect(name, frozenset(facets), place, sizes)


def _model(ratings: Ratings, names: Sequence[str]) -> _Model:
    effects = tuple(_effect(ratings, name) for name in names)
    for effect in effects:
        if len(effect.sizes) == len(ratings):
            raise ValueError(f"each level of {effect.name} has one rating, so it is the residual")
    y = ratings.values()
    mean = float(y.mean())
    cell = {"work", "rater"} | (set() if ratings.one_criterion else {"criterion"})
    return _Model(y - mean, mean, effects, frozenset(cell))


# Henderson's first method --------------------------------------------------------------------------


def _moments(model: _Model) -> tuple[Table, bool]:
    """Solve for the components by equating sums of squares to what is expected of them."""
    effects, n = model.effects, len(model.y)
    c = len(effects)
    squares = np.empty(c + 1)
    expected = np.empty((c + 1, c + 1))
    for row, one in enumerate(effects):
        sums = np.bincount(one.codes, weights=model.y, minlength=len(one.sizes))
        squares[row] = float((sums**2 / one.sizes).sum())
        for column, other in enumerate(effects):
            expected[row, column] = _shared(model, one, other)
        expected[row, c] = len(one.sizes)
    squares[c] = float(model.y @ model.y)
    expected[c] = n
    # The mean's own sum of squares is 0, as the scores are about it; what it expects is not.
    expected[:, :c] -= [float(effect.sizes @ effect.sizes) / n for effect in effects]
    expected[:, c] -= 1
    if np.linalg.matrix_rank(expected / np.abs(expected).max(axis=0)) < c + 1:
        return np.full(c + 1, math.nan), False
    return np.asarray(np.linalg.solve(expected, squares), float), True


def _shared(model: _Model, one: _Effect, other: _Effect) -> float:
    """Sum over the levels of one of the squared counts it shares with each level of the other, by
    its own count."""
    n = len(model.y)
    if one.facets >= other.facets:
        return float(n)
    if model.cell <= one.facets | other.facets:
        return float(len(one.sizes))
    if one.facets <= other.facets:
        first = np.empty(len(other.sizes), np.int64)
        first[other.codes] = one.codes
        return float((other.sizes**2 / one.sizes[first]).sum())
    cells = one.codes * np.int64(len(other.sizes)) + other.codes
    if len(one.sizes) * len(other.sizes) <= 4 * n + 1024:
        counts = np.bincount(cells)
        present = np.flatnonzero(counts)
        counts = counts[present]
    else:
        present, counts = np.unique(cells, return_counts=True)
    return float((counts.astype(float) ** 2 / one.sizes[present // len(other.sizes)]).sum())


# Restricted maximum likelihood ---------------------------------------------------------------------


class _Solved(NamedTuple):
    """The mixed-model equations at given components.

    ``effects`` are the predicted effects, ``traces`` of the blocks of the inverse;
    ``average`` is the average information.
    """

    effects: list[Table]
    residual: Table
    traces: Table
    average: Table


def _restricted(
    model: _Model, found: VarianceComponents, start: Table, seed: int
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


def _climb(model: _Model, values: Table, seed: int) -> tuple[Table, Table, bool, set[str]]:
    """Climb by average information; give components, their covariance, whether it came to rest, and
    the effects whose variance fell to nothing."""
    n, c = len(model.y), len(model.effects)
    equations = _Equations(model, seed)
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


class _Equations:
    """Henderson's mixed-model equations with the largest effect absorbed."""

    def __init__(self, model: _Model, seed: int) -> None:
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

    def solve(self, values: Table) -> _Solved:
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
            rest = solver.solve(of_rest - self.cross.T @ (of_big / diagonal), y is self.model.y)
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
        return _Solved(predicted, residual, traces, (average + average.T) / 2)

    def _dense(self, diagonal: Table, penalty: Table) -> "_Solver":
        scaled = sparse.csr_matrix(sparse.diags_array(1 / diagonal) @ self.cross)
        reduced = self.gram.toarray() + np.diag(penalty) - (self.cross.T @ scaled).toarray()
        factor = linalg.cho_factor(reduced)
        inverse = linalg.cho_solve(factor, np.eye(self.q))
        absorbed = float((inverse * (scaled.T @ scaled).toarray()).sum())
        return _Solver(
            lambda right, _: np.asarray(linalg.cho_solve(factor, right)),
            np.diag(inverse),
            absorbed,
        )

    def _iterated(self, diagonal: Table, penalty: Table) -> "_Solver":
        squares = self.cross.multiply(self.cross)
        scale = self.gram.diagonal() + penalty - squares.T @ (1 / diagonal)
        scale = np.maximum(scale, 1e-12 * float(scale.max()))

        def times(x: Table) -> Table:
            penalised = penalty * x if x.ndim == 1 else penalty[:, None] * x
            weighed = np.asarray(self.cross @ x)
            weighed = weighed / (diagonal if x.ndim == 1 else diagonal[:, None])
            return np.asarray(self.gram @ x + penalised - self.across @ weighed)

        self.last = _conjugate_gradients(times, self.probes, scale, self.last)
        met = np.asarray(self.cross @ self.last) / diagonal[:, None]
        sent = np.asarray(self.cross @ self.probes) / diagonal[:, None]
        return _Solver(
            lambda right, _: _conjugate_gradients(times, right, scale, None),
            np.asarray((self.probes * self.last).mean(axis=1)),
            float((met * sent).sum()) / PROBES,
        )


class _Solver(NamedTuple):
    """Solves the reduced equations; with the inverse's diagonal and what the absorbed effect adds."""

    solve: Callable[[Table, bool], Table]
    inverse_diagonal: Table
    absorbed: float


def _conjugate_gradients(
    times: Callable[[Table], Table], right: Table, scale: Table, start: Table | None
) -> Table:
    """Solve for all columns at once, with the diagonal as preconditioner."""
    single = right.ndim == 1
    b = right[:, None] if single else right
    weight = 1 / scale[:, None]
    x = np.zeros_like(b) if start is None else start.copy()
    rest = b - times(x) if start is not None else b.copy()
    direction = weight * rest
    size = (rest * direction).sum(axis=0)
    target = 1e-12 * (b * weight * b).sum(axis=0)
    for _ in range(500):
        if np.all(size <= target):
            break
        moved = times(direction)
        curve = (direction * moved).sum(axis=0)
        length = np.divide(size, curve, out=np.zeros_like(size), where=curve > 0)
        x += length * direction
        rest -= length * moved
        scaled = weight * rest
        new = (rest * scaled).sum(axis=0)
        direction = (
            scaled + np.divide(new, size, out=np.zeros_like(new), where=size > 0) * direction
        )
        size = new
    return x[:, 0] if single else x
