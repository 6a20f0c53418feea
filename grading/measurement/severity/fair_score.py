"""What a severity fit gives the rest: fair scores, predictions, residuals, interactions."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from grading.measurement.ratings import Ratings
from grading.measurement.severity.design import TIE, Floats, Ints
from grading.measurement.severity.model import EXTREME, moments, probabilities
from grading.measurement.severity.result import (
    Disconnected,
    FacetName,
    Parameters,
    SeverityFit,
)

_CHUNK = 1 << 16


@dataclass(frozen=True)
class FairScore:
    """A work's score as raters of average severity would give it, on the scale of the ratings.

    Attributes
    ----------
    score, standard_error : float
        Mean over criteria of the expected value.
    raw_mean : float
        Mean of the values given.
    criteria : mapping of label to float
        Expected value on each criterion, those the work was not rated on included.
    rater_severity : float
        Mean severity of its raters in logits; positive: they were strict, so the score was raised.
    n : int
        Ratings.
    group : int
        Scores of different groups rest on different raters and cannot be compared.
    extreme : str or None
    """

    score: float
    standard_error: float
    raw_mean: float
    criteria: Mapping[Hashable, float]
    rater_severity: float
    n: int
    group: int
    extreme: str | None


@dataclass(frozen=True, eq=False)
class Prediction:
    """Expected value of ratings and its variance, (n,) each; NaN where something has no measure."""

    expected: Floats
    variance: Floats


@dataclass(frozen=True, eq=False)
class Residuals:
    """Ratings against what the other raters of the work lead one to expect; one entry a rating.

    Attributes
    ----------
    expected, variance : float (n,)
        Of the value, before it was given; ``variance`` includes what is not known of the work.
    residual, standardised : float (n,)
        Value minus expected, and that over the square root of the variance. Negative: stricter than
        the model says of this rater.
    others : int (n,)
        Ratings of the work by other raters; where 0, only the population speaks.
    """

    expected: Floats
    variance: Floats
    residual: Floats
    standardised: Floats
    others: Ints


@dataclass(frozen=True)
class Interaction:
    """One cell of two facets.

    Attributes
    ----------
    bias, standard_error, t : float
        Logits beyond the two main effects, positive is stricter; NaN with the reason where the cell
        has no ratings that tell. ``t`` has about n - 1 degrees of freedom.
    n : int
    observed_average, expected_average : float
        Values of the ratings and what main effects predict.
    reason : str or None
    """

    bias: float
    standard_error: float
    t: float
    n: int
    observed_average: float
    expected_average: float
    reason: str | None


def expected_points(
    parameters: Parameters, theta: Floats, criterion: int | None = None
) -> tuple[Floats, Floats]:
    """Expected value from a rater of severity 0 at ``theta`` (n,), and its slope.

    On one criterion, or the mean over all that have a measure.
    """
    usable = np.flatnonzero(parameters.measured_criteria)
    chosen = usable if criterion is None else np.array([criterion])
    mean, slope = np.zeros(len(theta)), np.zeros(len(theta))
    k = np.arange(len(parameters.values))
    known = np.isfinite(theta)
    for code in chosen.tolist():
        p, _ = probabilities(
            np.broadcast_to(parameters.category[code], (int(known.sum()), len(k))), theta[known]
        )
        expected = p @ parameters.values
        mean[known] += expected
        slope[known] += p @ (parameters.values * k) - expected * (p @ k)
    mean[~known] = slope[~known] = np.nan
    return mean / len(chosen), slope / len(chosen)


def fair_scores(fit: SeverityFit) -> dict[Hashable, FairScore]:
    """The score of each work, corrected for the severity of those who rated it.

    The expected value at the work's measure from a rater of severity 0, averaged over criteria, with
    the standard error of the measure carried over by its slope. Within a group that nothing
    anchors, severity 0 is the average rater of that group.

    Examples
    --------
    >>> from grading.measurement.ratings import Ratings
    >>> from grading.measurement.severity import fit
    >>> found = fit(Ratings.from_long(
    ...     list("abcdef") + list("abcdeg"), ["Ann"] * 6 + ["Ben"] * 6,
    ...     [1, 2, 3, 1, 0, 2, 0, 1, 2, 2, 0, 2],
    ... ))
    >>> scores = fair_scores(found)
    >>> scores["g"].score > scores["f"].score  # the same raw mark, from the stricter rater
    True
    """
    parameters = fit.parameters
    labels = [label for label, found in fit.criteria.items() if found.reason is None]
    codes = np.flatnonzero(parameters.measured_criteria).tolist()
    theta = np.array([work.measure for work in fit.works.values()])
    table = np.column_stack([expected_points(parameters, theta, code)[0] for code in codes])
    return {
        label: FairScore(
            work.fair_average, work.fair_standard_error, work.observed_average,
            dict(zip(labels, row, strict=True)), work.rater_severity, work.n, work.group, work.extreme,
        )
        for (label, work), row in zip(fit.works.items(), table.tolist(), strict=True)
    }  # fmt: skip


def _shift(parameters: Parameters, rater: Ints, facet: Ints | None) -> Floats:
    shift = parameters.severity[rater]
    return shift if facet is None else shift + parameters.effect[facet]


def predict(
    fit: SeverityFit,
    work: ArrayLike,
    rater: ArrayLike,
    criterion: ArrayLike,
    *,
    facet: ArrayLike | None = None,
) -> Prediction:
    """Expected values of ratings, by the codes of the ratings that were fitted.

    Parameters
    ----------
    work, rater, criterion, facet : int (n,)
        ``facet`` codes follow the order of first appearance; without them its effect is taken as 0.

    Raises
    ------
    Disconnected
        The ratings do not tell what would be expected: the work and the rater, say, belong to groups
        that nothing connects.
    """
    parameters = fit.parameters
    w, r, c = (np.atleast_1d(np.asarray(x, dtype=np.int64)) for x in (work, rater, criterion))
    f = None if facet is None else np.atleast_1d(np.asarray(facet, dtype=np.int64))
    _refuse_untold(fit, w, r, c, f)
    shift, theta = _shift(parameters, r, f), parameters.theta[w]
    base = parameters.category[c]
    known = np.isfinite(shift) & np.isfinite(theta) & np.isfinite(base).any(axis=1)
    p, _ = probabilities(base[known], (theta - shift)[known])
    expected, variance = np.full(len(w), np.nan), np.full(len(w), np.nan)
    expected[known] = p @ parameters.values
    variance[known] = p @ parameters.values**2 - expected[known] ** 2
    return Prediction(expected, variance)


def _refuse_untold(
    fit: SeverityFit, work: Ints, rater: Ints, criterion: Ints, facet: Ints | None
) -> None:
    ties = fit.parameters.ties
    other = np.nanmean(ties["facet"]) if facet is None else ties["facet"][facet]
    total = ties["work"][work] + ties["rater"][rater] + ties["criterion"][criterion] + other
    bad = np.flatnonzero(np.abs(total) > 10 * TIE)
    if len(bad):
        group = fit.parameters.severity_group[rater[bad[0]]]
        of_work = fit.parameters.work_group[work[bad[0]]]
        raise Disconnected(
            "no prediction across",
            (
                tuple(label for label, found in fit.raters.items() if found.group == group),
                tuple(label for label, found in fit.works.items() if found.group == of_work),
            ),
        )


def _facet_codes(facet: Sequence[Hashable] | None, n: int) -> Ints | None:
    if facet is None:
        return None
    if len(facet) != n:
        raise ValueError(f"facet must have {n} entries, not {len(facet)}")
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(label, len(index)) for label in facet], dtype=np.int64)


def _levels(fit: SeverityFit, ratings: Ratings) -> Ints:
    level = ratings.level.astype(np.int64)
    return len(fit.parameters.values) - 1 - level if fit.parameters.reverse else level


def leave_one_rater_out_residuals(
    fit: SeverityFit, ratings: Ratings, *, facet: Sequence[Hashable] | None = None
) -> Residuals:
    """What each rating should have been, judged without the rater who gave it.

    A work's posterior is taken from the other raters' ratings, severities and difficulties held;
    the prediction averages over it. A rater cannot hide behind a work that only they have moved.

    Parameters
    ----------
    ratings : Ratings
        Those of the fit (or rows of them: the codes must be the same).
    facet : sequence (n,), optional
        The further facet's labels, where the fit has one.

    Raises
    ------
    ValueError
        The fit is a joint one, which has no population to fall back on.
    """
    parameters, q = fit.parameters, len(fit.parameters.nodes)
    if not q:
        raise ValueError("residuals without the rater need the marginal estimator")
    n, level = len(ratings), _levels(fit, ratings)
    f = _facet_codes(facet, n)
    if f is None:
        f = np.zeros(n, dtype=np.int64)
    expected, variance = np.full(n, np.nan), np.full(n, np.nan)
    usable = np.isfinite(parameters.severity)[ratings.rater]
    usable &= np.isfinite(parameters.effect)[f]
    usable &= parameters.measured_criteria[ratings.criterion]
    usable &= np.isfinite(parameters.theta)[ratings.work]
    work, rater = ratings.work[usable].astype(np.int64), ratings.rater[usable].astype(np.int64)
    n_facets, n_criteria = len(parameters.effect), len(parameters.category)
    key = (rater * n_facets + f[usable]) * n_criteria + ratings.criterion[usable]
    kinds, cell = np.unique(key, return_inverse=True)
    of_rater, of_facet = kinds // (n_facets * n_criteria), kinds // n_criteria % n_facets
    k = np.arange(len(parameters.values))
    base = (
        parameters.category[kinds % n_criteria]
        - k * _shift(parameters, of_rater, of_facet)[:, None]
    )
    p, norm = probabilities(base[:, None, :], parameters.nodes[None, :])
    means = p @ parameters.values
    squares = p @ parameters.values**2
    pairs, pair = np.unique(work * len(parameters.severity) + rater, return_inverse=True)
    pair_work = pairs // len(parameters.severity)
    count = scipy.sparse.coo_array(
        (np.ones(len(cell)), (pair, cell)), shape=(len(pairs), len(kinds))
    ).tocsr()
    score = np.bincount(pair, weights=level[usable], minlength=len(pairs))
    logs = score[:, None] * parameters.nodes - count @ norm
    n_works = len(parameters.theta)
    gather = scipy.sparse.coo_array(
        (np.ones(len(pairs)), (pair_work, np.arange(len(pairs)))), shape=(n_works, len(pairs))
    ).tocsr()
    total = gather @ logs
    place = np.flatnonzero(usable)
    for start in range(0, len(pairs), _CHUNK):
        mine = slice(start, start + _CHUNK)
        of = pair_work[mine]
        log_post = total[of] - logs[mine]
        log_post -= 0.5 * ((parameters.nodes - parameters.mean[of][:, None]) / parameters.sd) ** 2
        log_post -= log_post.max(axis=1, keepdims=True)
        post = np.exp(log_post)
        post /= post.sum(axis=1, keepdims=True)
        known = parameters.anchored_works[of]
        if known.any():  # the work's measure is given: nothing of it rests on this rater
            away = np.abs(parameters.nodes - parameters.theta[of[known]][:, None])
            post[known] = away == away.min(axis=1, keepdims=True)
            post[known] /= post[known].sum(axis=1, keepdims=True)
        rows = np.flatnonzero((pair >= start) & (pair < start + len(of)))
        weight = post[pair[rows] - start]
        expected[place[rows]] = np.einsum("nq,nq->n", weight, means[cell[rows]])
        variance[place[rows]] = np.einsum("nq,nq->n", weight, squares[cell[rows]])
    variance -= expected**2
    residual = parameters.values[level] - expected
    per_work = np.bincount(work, minlength=n_works)
    per_pair = np.bincount(pair, minlength=len(pairs))
    others = np.zeros(n, dtype=np.int64)
    others[place] = per_work[work] - per_pair[pair]
    with np.errstate(invalid="ignore", divide="ignore"):
        standardised = np.where(variance > 0, residual / np.sqrt(variance), np.nan)
    return Residuals(expected, variance, residual, standardised, others)


@dataclass(frozen=True)
class ExactAgreement:
    """How often two raters of a work gave a criterion the same level, and how often they should have.

    Attributes
    ----------
    observed, expected : float
        Shares of pairs; NaN without pairs. More agreement than expected says that raters do not judge
        independently, as the model has it.
    n_pairs : int
    """

    observed: float
    expected: float
    n_pairs: int


def exact_agreement(
    fit: SeverityFit, ratings: Ratings, *, facet: Sequence[Hashable] | None = None
) -> ExactAgreement:
    """Exact agreement of pairs of raters, observed and expected at the fitted measures.

    References
    ----------
    Linacre 1989; Eckes 2015, ch. 5.
    """
    parameters, n, level = fit.parameters, len(ratings), _levels(fit, ratings)
    shift = _shift(parameters, ratings.rater.astype(np.int64), _facet_codes(facet, n))
    theta, base = parameters.theta[ratings.work], parameters.category[ratings.criterion]
    usable = np.isfinite(shift) & np.isfinite(theta) & np.isfinite(base).any(axis=1)
    p, _ = probabilities(base[usable], (theta - shift)[usable])
    given = np.zeros_like(p)
    given[np.arange(len(p)), level[usable]] = 1.0
    key = ratings.work.astype(np.int64) * len(parameters.category) + ratings.criterion
    _, cell, size = np.unique(key[usable], return_inverse=True, return_counts=True)
    n_pairs = int((size * (size - 1) // 2).sum())
    if not n_pairs:
        return ExactAgreement(math.nan, math.nan, 0)

    def pairs(values: Floats) -> float:
        """Sum over pairs and levels of the product of two raters' entries."""
        total = sum(
            float((np.bincount(cell, column) ** 2).sum() - (column**2).sum()) for column in values.T
        )
        return total / 2

    return ExactAgreement(pairs(given) / n_pairs, pairs(p) / n_pairs, n_pairs)


def interaction(
    fit: SeverityFit,
    ratings: Ratings,
    *,
    between: tuple[FacetName, FacetName] = ("rater", "criterion"),
    facet: Sequence[Hashable] | None = None,
) -> dict[tuple[Hashable, Hashable], Interaction]:
    """How much stricter each cell of two facets is than its main effects say.

    All measures are held; a cell's bias makes its expected total equal the observed one. A cell whose
    ratings are all extreme has its total moved inwards by 0.3 of a score point. Extreme works are
    left out: they fit by construction.

    References
    ----------
    Linacre 1989; Myford & Wolfe 2003, J. Applied Measurement 4, 386-422 (bias analysis).

    Examples
    --------
    >>> from grading.measurement.ratings import Ratings
    >>> from grading.measurement.severity import fit
    >>> rows = Ratings.from_long(
    ...     list("abcdef") * 4, list("A" * 12 + "B" * 12),
    ...     [0, 1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 3, 0, 1, 2, 2, 2, 3, 0, 0, 1, 1, 2, 2],
    ...     criterion=(["style"] * 6 + ["proof"] * 6) * 2)
    >>> found = interaction(fit(rows), rows)
    >>> found["B", "proof"].bias > 0 > found["A", "proof"].bias
    True
    """
    parameters, n, level = fit.parameters, len(ratings), _levels(fit, ratings)
    f = _facet_codes(facet, n)
    table: dict[str, tuple[NDArray[np.int64], Sequence[Hashable]]] = {
        "work": (ratings.work.astype(np.int64), ratings.works),
        "rater": (ratings.rater.astype(np.int64), ratings.raters),
        "criterion": (ratings.criterion.astype(np.int64), ratings.criteria),
    }
    if f is not None and facet is not None:
        table["facet"] = (f, tuple(dict.fromkeys(facet)))
    for name in between:
        if name not in table:
            raise ValueError(f"no such facet in these ratings: {name!r}")
    shift = _shift(parameters, ratings.rater.astype(np.int64), f)
    theta = parameters.theta[ratings.work]
    base = parameters.category[ratings.criterion]
    ends = {label for label, work in fit.works.items() if work.extreme}
    extreme = np.array([label in ends for label in ratings.works])
    usable = np.isfinite(shift) & np.isfinite(theta) & np.isfinite(base).any(axis=1)
    usable &= ~extreme[ratings.work]
    (first, first_labels), (second, second_labels) = (table[name] for name in between)
    cells, cell = np.unique(first * len(second_labels) + second, return_inverse=True)
    count = np.bincount(cell, minlength=len(cells))
    rows = np.flatnonzero(usable)
    of, at, logits = cell[rows], theta[rows] - shift[rows], base[rows]
    support = np.isfinite(logits)
    low, high = support.argmax(axis=1), logits.shape[1] - 1 - support[:, ::-1].argmax(axis=1)

    def total(values: ArrayLike) -> Floats:
        return np.bincount(of, np.asarray(values, dtype=float), len(cells)).astype(float)

    target = np.clip(total(level[rows]), total(low) + EXTREME, total(high) - EXTREME)
    bias, index = np.zeros(len(cells)), np.arange(len(rows))
    for _ in range(100):
        mean, variance, _, _ = moments(logits, index, at - bias[of])
        information = np.maximum(total(variance), 1e-12)
        step = np.where(total(variance) > 0, (total(mean) - target) / information, 0.0)
        bias += np.clip(step, -1, 1)
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    p, _ = probabilities(logits, at)
    used = total(np.ones(len(rows)))
    values = parameters.values
    with np.errstate(invalid="ignore", divide="ignore"):
        observed, expected = total(values[level[rows]]) / used, total(p @ values) / used
        error = 1 / np.sqrt(information)
    out: dict[tuple[Hashable, Hashable], Interaction] = {}
    for i, key in enumerate(cells.tolist()):
        label = (first_labels[key // len(second_labels)], second_labels[key % len(second_labels)])
        if not used[i]:
            nan = math.nan
            reason = "no ratings of works that tell"
            out[label] = Interaction(nan, nan, nan, int(count[i]), nan, nan, reason)
            continue
        out[label] = Interaction(
            float(bias[i]), float(error[i]), float(bias[i] / error[i]), int(count[i]),
            float(observed[i]), float(expected[i]), None,
        )  # fmt: skip
    return out
