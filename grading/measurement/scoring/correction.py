"""From a mean of readings to one without the severity of those who gave them, with a standard error.

A professional's reading of a work, as one number of 100, is

    reading = score of the work - severity of the rater + error.

Works are fixed: each keeps a score of its own, so that nothing is drawn towards the class. Raters are
random about their panel's average, so that a severity that few readings tell is taken out only in part.
The work's score is then, exactly, the mean of its readings after each rater's severity is added.

Peers enter, if at all, as the median of a work's peers less the peers' leniency: how much higher they
mark than the professionals on the works that both have read.

References
----------
Patterson & Thompson 1971, doi:10.1093/biomet/58.3.545 (restricted likelihood); Henderson 1975,
doi:10.2307/2529430 (prediction of random effects); Braun 1988, doi:10.3102/10769986013001001 (removing
the severity of essay readers in designs with few links).
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse
from scipy.sparse.csgraph import connected_components

from grading.phrases import phrase

Floats = NDArray[np.float64]

# Readings beyond one a work and one a rater, before a severity is told from error.
LEAST_SPARE = 10
# Works that peers and professionals both read, before peers are centred on the professionals.
LEAST_BOTH = 30

ONE_RATER = phrase("one grader read everything, so there is nobody to compare with")
FEW_LINKS = phrase("too few projects were read by two graders to tell severity from chance")
SEPARATE = phrase("some graders share no project with the others, so nothing tells who is stricter")
FEW_BOTH = phrase(
    "too few projects were read by peers and by graders to tell how much milder peers are"
)


@dataclass(frozen=True)
class Severity:
    """One rater against the panel's average, in points of 100.

    Attributes
    ----------
    shift : float
        Added to the rater's readings; positive: the rater is stricter than the panel.
    standard_error : float
    readings, links : int
        Readings given, and those on works that another rater of the panel read too.
    """

    shift: float
    standard_error: float
    readings: int
    links: int


@dataclass(frozen=True)
class Panel:
    """What the readings tell of a panel's raters.

    Attributes
    ----------
    severities : mapping of rater to Severity
        Empty where ``reason`` says why nothing is corrected.
    severity_variance, error_variance : float
        In squared points; NaN where they cannot be told apart.
    groups : tuple of tuple
        Raters whom works connect, the largest group first; more than one: no correction.
    reason : str or None
    """

    severities: Mapping[Hashable, Severity]
    severity_variance: float
    error_variance: float
    groups: tuple[tuple[Hashable, ...], ...]
    reason: str | None


def severities(
    work: Sequence[Hashable], rater: Sequence[Hashable], score: Sequence[float]
) -> Panel:
    """Find how strict each rater of a panel is, from readings in any design.

    Parameters
    ----------
    work, rater : sequences of labels, one for each reading
    score : sequence of float
        In points of 100, unrounded.

    Returns
    -------
    Panel
        Without severities where there is one rater, where raters fall into groups that no work connects, or
        where fewer than ten readings are to spare beyond one for each work and each rater.

    Raises
    ------
    ValueError
        The lengths differ, or a score is no finite number.

    Notes
    -----
    With works eliminated the readings give R x R equations, M = Z'(I - P)Z; in the basis of its
    eigenvectors the restricted likelihood is a sum, and is climbed in the ratio of the two variances alone.
    No table of works by raters is held.

    Examples
    --------
    >>> works = [w for w in range(12) for _ in range(2)]
    >>> scores = [60 + w % 4 - 3 * (i % 2) for i, w in enumerate(works)]
    >>> found = severities(works, ["Ann", "Ben"] * 12, scores)
    >>> round(found.severities["Ben"].shift, 2), round(found.severities["Ann"].shift, 2)
    (1.5, -1.5)
    """
    y = np.asarray(score, dtype=float)
    if not len(work) == len(rater) == len(y):
        raise ValueError("work, rater and score must have one length")
    if not np.all(np.isfinite(y)):
        raise ValueError("a score must be a finite number")
    works, raters = (_coded(labels) for labels in (work, rater))
    w, r = works[1], raters[1]
    labels, n_works, n_raters = raters[0], len(works[0]), len(raters[0])
    size = np.bincount(w, minlength=n_works)
    readings = np.bincount(r, minlength=n_raters)
    links = np.bincount(r, weights=size[w] >= 2, minlength=n_raters)
    incidence = sparse.csr_array((np.ones(len(y)), (w, r)), shape=(n_works, n_raters))
    groups = _groups(incidence, labels)

    def none(reason: str, severity: float = math.nan, error: float = math.nan) -> Panel:
        return Panel({}, severity, error, groups, reason)

    if n_raters < 2:
        return none(ONE_RATER)
    deviation = y - (np.bincount(w, weights=y, minlength=n_works) / np.maximum(size, 1))[w]
    normal = np.diag(readings.astype(float)) - np.asarray(
        (incidence.T @ sparse.diags_array(1 / np.maximum(size, 1)) @ incidence).toarray()
    )
    values, vectors = np.linalg.eigh(normal)
    known = values > 1e-9 * max(float(values[-1]), 1.0)
    a = values[known]
    turned = vectors[:, known].T @ np.bincount(r, weights=deviation, minlength=n_raters)
    squares, total = turned**2 / a, float(deviation @ deviation)
    free = len(y) - n_works
    spare = free - len(a)
    if spare < LEAST_SPARE:
        return none(SEPARATE if len(groups) > 1 and free >= LEAST_SPARE else FEW_LINKS)
    rest = max(total - float(squares.sum()), 0.0)
    if total <= 1e-9 * len(y):  # all readings of each work are alike
        ratio, error = 0.0, 0.0
    else:
        ratio, error = _variances(a, squares, rest, free)
    if len(groups) > 1:
        return none(SEPARATE, ratio * error, error)
    effect, doubt = np.zeros(n_raters), np.zeros(n_raters)
    if ratio > 0:
        effect = vectors[:, known] @ (turned / (a + 1 / ratio))
        # The panel's average is where severity is 0 by definition, so its own doubt is none.
        doubt = error * (vectors[:, known] ** 2 @ (1 / (a + 1 / ratio)))
    return Panel(
        {
            label: Severity(
                0.0 - float(effect[i]), math.sqrt(float(doubt[i])), int(readings[i]), int(links[i])
            )
            for i, label in enumerate(labels)
        },
        ratio * error,
        error,
        groups,
        None,
    )


def _coded(labels: Sequence[Hashable]) -> tuple[list[Hashable], NDArray[np.int64]]:
    index: dict[Hashable, int] = {}
    codes = np.array([index.setdefault(label, len(index)) for label in labels], dtype=np.int64)
    return list(index), codes


def _groups(
    incidence: sparse.csr_array, labels: Sequence[Hashable]
) -> tuple[tuple[Hashable, ...], ...]:
    _, of_rater = connected_components(incidence.T @ incidence, directed=False)
    groups: dict[int, list[Hashable]] = {}
    for label, group in zip(labels, of_rater.tolist(), strict=True):
        groups.setdefault(group, []).append(label)
    return tuple(tuple(group) for group in sorted(groups.values(), key=len, reverse=True))


def _variances(a: Floats, squares: Floats, rest: float, free: int) -> tuple[float, float]:
    """The ratio of severity to error variance, and the error variance, by restricted likelihood."""

    def error(ratio: float) -> float:
        return (rest + float((squares / (1 + ratio * a)).sum())) / free

    def deviance(ratio: float) -> float:
        return free * math.log(max(error(ratio), 1e-300)) + float(np.log1p(ratio * a).sum())

    grid = np.logspace(-6, 6, 61)
    best = int(np.argmin([deviance(x) for x in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(
        lambda x: deviance(math.exp(x)), bounds=(math.log(low), math.log(high)), method="bounded"
    )
    ratio = math.exp(float(found.x))
    if deviance(0.0) <= deviance(ratio):
        ratio = 0.0
    return ratio, error(ratio)


@dataclass(frozen=True)
class Leniency:
    """How much milder peers mark than professionals, on works that both have read.

    Attributes
    ----------
    shift : float
        Taken off the median of a work's peers; NaN where ``reason`` says why.
    standard_error : float
    variance : float
        Of a centred median about the work's score, in squared points.
    works : int
    reason : str or None
    """

    shift: float
    standard_error: float
    variance: float
    works: int
    reason: str | None


def leniency(gaps: Sequence[float], professional_variance: float) -> Leniency:
    """Centre peers on the professionals.

    Parameters
    ----------
    gaps : sequence of float
        For each work that both have read: the peers' median less the professionals' score, in points.
    professional_variance : float
        Mean error variance of those professional scores; NaN where unknown, then none is taken off.

    Examples
    --------
    >>> leniency([4.0, 6.0] * 20, 0.0).shift
    5.0
    >>> leniency([4.0] * 29, 0.0).reason is None
    False
    """
    gap = np.asarray(gaps, dtype=float)
    n = len(gap)
    if n < LEAST_BOTH:
        return Leniency(math.nan, math.nan, math.nan, n, FEW_BOTH)
    spread = float(gap.var(ddof=1))
    own = 0.0 if math.isnan(professional_variance) else professional_variance
    return Leniency(
        float(gap.mean()), math.sqrt(spread / n), max(spread - own, 0.0), n, None
    )  # fmt: skip


@dataclass(frozen=True)
class Parameters:
    """All that a correction needs beside the readings; kept, so that a score can be computed again.

    Attributes
    ----------
    severity : mapping of rater to (shift, standard error), in points
        Empty: readings count as they were given. One who is missing, such as somebody who came after,
        counts as the panel's average.
    severity_variance, error_variance : float or None
    leniency, leniency_error, peer_variance : float or None
    peer_weight : float
        The peers' share where a work has enough of them; 0 while they are not centred.
    """

    severity: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    severity_variance: float | None = None
    error_variance: float | None = None
    leniency: float | None = None
    leniency_error: float | None = None
    peer_variance: float | None = None
    peer_weight: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give plain data that ``Parameters(**data)`` takes back."""
        return {
            **self.__dict__,
            "severity": {rater: list(pair) for rater, pair in self.severity.items()},
        }


@dataclass(frozen=True)
class Corrected:
    """One work's score, with what moved it, all in points of 100.

    Attributes
    ----------
    raw : float
        What the readings amount to as they were given.
    shift : float
        What the severity of its professionals adds.
    peers, leniency : float or None
        The peers' median and what is taken off it, where peers count.
    weight : float
        The peers' share.
    composite : float
        ``(1 - weight) (raw + shift) + weight (peers - leniency)``, within 0 and 100.
    standard_error : float
        NaN where the readings do not tell.
    """

    raw: float
    shift: float
    peers: float | None
    leniency: float | None
    weight: float
    composite: float
    standard_error: float


def correct(
    raw: float,
    shares: Mapping[str, float],
    parameters: Parameters,
    *,
    peers: float | None = None,
    linear: bool = True,
) -> Corrected:
    """Correct one work's score.

    Parameters
    ----------
    raw : float
        The professionals' composite; without ``shares``, the peers'.
    shares : mapping of rater to float
        How much of ``raw`` is each professional's; they add up to 1. Empty: only peers read the work.
    parameters : Parameters
    peers : float, optional
        The peers' median, where enough of them read the work to count.
    linear : bool
        Whether ``raw`` is a mean; a median of three has no standard error here, and is not shifted.

    Examples
    --------
    >>> found = correct(60.0, {"a": 0.5, "b": 0.5}, Parameters(severity={"a": (3.0, 0.5)}))
    >>> found.composite, found.shift
    (61.5, 1.5)
    """
    severity = parameters.severity if linear else {}
    shift = math.fsum(share * severity.get(rater, (0.0, 0.0))[0] for rater, share in shares.items())
    centred = parameters.leniency is not None
    if not shares:
        peers, weight = raw, 1.0 if centred else 0.0
    else:
        weight = parameters.peer_weight if centred and peers is not None else 0.0
    lenient = parameters.leniency if weight else None
    composite = (1 - weight) * (raw + shift)
    if weight and peers is not None and lenient is not None:
        composite += weight * (peers - lenient)
    own = _own_variance(shares, parameters) if linear else math.nan
    if not shares:
        own = 0.0 if weight else math.nan
    theirs = 0.0
    if weight:
        theirs = (parameters.peer_variance or 0.0) + (parameters.leniency_error or 0.0) ** 2
    return Corrected(
        raw,
        shift,
        peers if weight else None,
        lenient,
        weight,
        min(max(composite, 0.0), 100.0),
        math.sqrt((1 - weight) ** 2 * own + weight**2 * theirs),
    )


def _own_variance(shares: Mapping[str, float], parameters: Parameters) -> float:
    """Error variance of the professionals' part; severities are taken as told apart from each other."""
    error, spread = parameters.error_variance, parameters.severity_variance
    if error is None or spread is None:
        return math.nan
    return math.fsum(
        share**2
        * (error + (parameters.severity[rater][1] ** 2 if rater in parameters.severity else spread))
        for rater, share in shares.items()
    )
