"""Peers together with professionals: what a work is worth, how sure that is, and what each rater is worth.

The model is that of ``posterior``; this module decides whether the readings support it, and says what it
found. Where raters do not differ by more than chance the plain mean is used instead, and the result
says so: on real cohorts no aggregation rule has beaten the mean peer grade everywhere (Sajjadi, Alamgir &
von Luxburg 2016, doi:10.1145/2876034.2876036).
"""

import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from grading.measurement.posterior.difference import difference
from grading.measurement.posterior.fitting import (
    Fit,
    at_parameters,
    fit,
    learnable,
    reweighted,
)
from grading.measurement.posterior.joint import Parameters
from grading.measurement.posterior.large import fit_large
from grading.measurement.posterior.pools import (
    LARGE,
    PEER,
    PROFESSIONAL,
    Codes,
    Design,
    Floats,
)
from grading.measurement.posterior.precision import Precision, precision_of
from grading.measurement.ratings import Ratings

NO_READINGS = "no readings"
NO_REPEAT = "no work was read twice, so the size of the error is unknown"
SAME = "all readings are the same number, so the size of the error is unknown"
FLAT = "each pool's readings are all the same number, so the size of the error is unknown"
ALIKE = "raters do not differ by more than chance: every reading counts the same"
ASKED = "the mean was asked for: every reading counts the same"
NO_PROFESSIONALS = (
    "no professional reading: scores are on the peers' scale, and what peers share is not seen"
)
NO_OVERLAP = (
    "no work was read by both pools: how far peers follow the truth is assumed, not learned"
)
_POOLS: tuple[Literal["peer", "professional"], ...] = ("peer", "professional")


@dataclass(frozen=True, eq=False)
class Readings:
    """Numbers that raters gave works, one row a reading.

    Attributes
    ----------
    work, rater : ndarray of int32, shape (n,)
        Codes into ``works`` and ``raters``.
    value : ndarray of float, shape (n,)
    works, raters : sequences of labels
        A work without a row is kept: its posterior is what is known of any work.
    dropped : int
        Rows without a value, and sheets that lack a criterion. Missing is never zero.
    """

    work: Codes
    rater: Codes
    value: Floats
    works: Sequence[Hashable]
    raters: Sequence[Hashable]
    dropped: int = 0

    @classmethod
    def from_long(
        cls,
        work: Sequence[Hashable],
        rater: Sequence[Hashable],
        value: Sequence[float | None] | NDArray[Any],
    ) -> "Readings":
        """Code rows of any labels.

        Raises
        ------
        ValueError
            Lengths differ, a value is infinite, or a rater read a work twice.

        Examples
        --------
        >>> readings = Readings.from_long(["a", "a", "b"], ["x", "y", "x"], [60, 70, None])
        >>> readings.value.tolist(), readings.dropped
        ([60.0, 70.0], 1)
        """
        if not len(work) == len(rater) == len(value):
            raise ValueError("work, rater and value must have one length")
        given = np.array([math.nan if one is None else float(one) for one in value])
        there = ~np.isnan(given)
        if np.any(np.isinf(given)):
            raise ValueError("a reading is infinite")
        works, raters = _index(work), _index(rater)
        kept = np.flatnonzero(there).tolist()
        readings = cls(
            np.array([works[work[i]] for i in kept], dtype=np.int32),
            np.array([raters[rater[i]] for i in kept], dtype=np.int32),
            given[there],
            tuple(works),
            tuple(raters),
            len(given) - len(kept),
        )
        readings.refuse_repeats()
        return readings

    @classmethod
    def of(cls, ratings: Ratings, *, weights: Mapping[Hashable, float] | None = None) -> "Readings":
        """Each sheet's composite: the weighted mean of its levels over all criteria.

        A sheet that lacks a criterion is dropped and counted, because a mean over the rest would compare
        different things.

        Raises
        ------
        ValueError
            A criterion has no weight, or the weights do not sum to more than zero.
        """
        levels = np.asarray(ratings.levels, dtype=float)
        value = levels[ratings.level] if len(levels) else np.zeros(0)
        k = len(ratings.criteria)
        if k <= 1:
            return cls(
                ratings.work, ratings.rater, value, ratings.works, ratings.raters, ratings.dropped
            )
        missing = [name for name in ratings.criteria if weights is not None and name not in weights]
        if missing:
            raise ValueError(f"no weight for {missing}")
        each = np.array([1.0 if weights is None else weights[name] for name in ratings.criteria])
        if np.any(each < 0) or not each.sum() > 0:
            raise ValueError("weights must be at least 0 and sum to more than 0")
        cell = ratings.work.astype(np.int64) * len(ratings.raters) + ratings.rater
        sheets, index = np.unique(cell, return_inverse=True)
        whole = np.bincount(index, minlength=len(sheets)) == k
        total = np.bincount(index, value * each[ratings.criterion], len(sheets)) / each.sum()
        return cls(
            (sheets // len(ratings.raters)).astype(np.int32)[whole],
            (sheets % len(ratings.raters)).astype(np.int32)[whole],
            total[whole],
            ratings.works,
            ratings.raters,
            ratings.dropped + int(np.sum(~whole)),
        )

    def __len__(self) -> int:
        return len(self.value)

    def refuse_repeats(self) -> None:
        cells = np.sort(self.work.astype(np.int64) * max(len(self.raters), 1) + self.rater)
        twice = np.flatnonzero(cells[1:] == cells[:-1])
        if len(twice):
            work, rater = divmod(int(cells[twice[0]]), len(self.raters))
            raise ValueError(
                f"rater {self.raters[rater]!r} read work {self.works[work]!r} more than once"
            )


@dataclass(frozen=True)
class WorkPosterior:
    """What is known of one work: mean, standard error, probability of each band, and by how many."""

    mean: float
    standard_error: float
    bands: tuple[float, ...]
    n_peers: int
    n_professionals: int


@dataclass(frozen=True)
class RaterPosterior:
    """What is known of one rater.

    Attributes
    ----------
    bias : points above the professionals' mean (above the peers' where no professional read)
    standard_error : of the bias
    precision : 1 / error variance, the rater's own drawn to the pool's by as much as chance explains
    n : readings
    """

    pool: Literal["peer", "professional"]
    bias: float
    standard_error: float
    precision: float
    n: int


@dataclass(frozen=True, eq=False)
class Aggregation:
    """What the readings say about works, raters and the cohort.

    Attributes
    ----------
    labels : sequence
        The works' labels, in the order of the arrays.
    mean, standard_error : ndarray, shape (n_works,)
        Posterior mean (within ``scale``) and standard deviation; NaN where undefined, see ``note``.
    bands : ndarray, shape (n_works, n_cuts + 1)
        Probability of each band, lowest first; no column without cuts.
    n_peers, n_professionals : ndarray of int, shape (n_works,)
    rater_labels : sequence
    rater_pool : ndarray of int
        0 peer, 1 professional; so for the other ``rater_`` arrays ``bias``, ``error``, ``precision``, ``n``.
    parameters : Parameters
        What was learned of the cohort.
    rule : "model" or "mean"
    note : str or None
        Why the rule is the mean, or what the readings cannot tell.
    groups : int
        Parts of the cohort that no rater connects; 1 in a linked design.
    cuts : tuple of float
    fit : Fit or None
        Where a later call with a few more readings may start (``start=``).
    """

    labels: Sequence[Hashable]
    mean: Floats
    standard_error: Floats
    bands: Floats
    n_peers: NDArray[np.int64]
    n_professionals: NDArray[np.int64]
    rater_labels: Sequence[Hashable]
    rater_pool: NDArray[np.int8]
    rater_bias: Floats
    rater_error: Floats
    rater_precision: Floats
    rater_n: NDArray[np.int64]
    parameters: Parameters
    rule: Literal["model", "mean"]
    note: str | None
    groups: int
    cuts: tuple[float, ...]
    dropped: int
    fit: Fit | None

    @cached_property
    def works(self) -> dict[Hashable, WorkPosterior]:
        """By label; the arrays hold the same in less room."""
        return {
            label: WorkPosterior(
                float(self.mean[i]),
                float(self.standard_error[i]),
                tuple(self.bands[i].tolist()),
                int(self.n_peers[i]),
                int(self.n_professionals[i]),
            )
            for i, label in enumerate(self.labels)
        }

    @cached_property
    def raters(self) -> dict[Hashable, RaterPosterior]:
        """By label."""
        return {
            label: RaterPosterior(
                _POOLS[self.rater_pool[i]],
                float(self.rater_bias[i]),
                float(self.rater_error[i]),
                float(self.rater_precision[i]),
                int(self.rater_n[i]),
            )
            for i, label in enumerate(self.rater_labels)
        }


def band_probabilities(mean: Floats, standard_error: Floats, cuts: Sequence[float]) -> Floats:
    """Probability of each band, shape (n, len(cuts) + 1), of a normal posterior.

    A band holds its lower cut. Where grades are rounded half up to whole points, pass each cut less
    half a point.
    """
    edges = np.asarray(cuts, dtype=float)
    if np.any(np.diff(edges) <= 0):
        raise ValueError("cuts must rise")
    below = np.empty((len(mean), len(edges) + 2))
    below[:, 0], below[:, -1] = 0.0, 1.0
    # A posterior without spread lies in one band for certain.
    width = np.maximum(standard_error, 1e-9)[:, None]
    below[:, 1:-1] = ndtr((edges - np.asarray(mean)[:, None]) / width)
    probabilities = np.diff(below, axis=1)
    probabilities[np.isnan(mean) | np.isnan(standard_error)] = np.nan
    return np.asarray(probabilities)


def aggregate(
    ratings: Ratings | Readings,
    *,
    professionals: Collection[Hashable] | Ratings | Readings = (),
    scale: tuple[float, float] | None = None,
    cuts: Sequence[float] = (),
    weights: Mapping[Hashable, float] | None = None,
    rule: Literal["auto", "model", "mean"] = "auto",
    parameters: Parameters | None = None,
    start: Aggregation | None = None,
    report: Callable[[int], None] | None = None,
) -> Aggregation:
    """Posterior of every work from peers' and professionals' readings.

    Parameters
    ----------
    ratings : Ratings or Readings
        Ratings on several criteria are read as sheets: see ``Readings.of``.
    professionals : collection of rater labels, or Ratings or Readings
        Which raters are professionals, or the professionals' readings apart; the works are matched by
        label. Professionals define the scale: their mean bias is zero.
    scale : (lowest, highest), optional
        Posterior means are kept inside.
    cuts : rising numbers
        Where bands begin; see ``band_probabilities``.
    weights : mapping from criterion to weight, optional
    rule : "auto", "model" or "mean"
        "auto" uses the model where raters differ by more than chance; "model" wherever the size of an
        error can be known at all.
    parameters : Parameters, optional
        Slope and variances from elsewhere, such as an earlier cohort; nothing but biases, mean and
        leniency is then learned, and one reading is enough.
    start : Aggregation, optional
        Of nearly the same readings: saves time, changes nothing else.
    report : callable, optional
        Told the number of each evaluation of the likelihood.

    Returns
    -------
    Aggregation

    Raises
    ------
    ValueError
        A rater label stands in both pools, a rater read a work twice, or cuts do not rise.

    Notes
    -----
    Peers whose residuals spread by more than chance are weighted by how exact each is (see
    ``precision``), up to a million readings; professionals' errors are taken as alike.

    Undefined (NaN, with a note) without readings; the standard error also where no work was read twice
    or each pool gave one number throughout. Standard errors contain the uncertainty of the rater's
    biases, the mean, the leniency, the slope and the variances (Laplace), not that the model may be
    wrong.

    References
    ----------
    See ``posterior``; Kass & Steffey 1989, doi:10.1080/01621459.1989.10478825 (Laplace's correction).

    Examples
    --------
    >>> works = ["a", "a", "a", "b", "b", "b"]
    >>> result = aggregate(Readings.from_long(works, ["x", "y", "z"] * 2, [60, 62, 64, 70, 74, 72]))
    >>> result.rule, result.works["a"].mean, result.works["b"].n_peers
    ('mean', 62.0, 3)
    """
    readings, is_professional = _together(ratings, professionals, weights)
    pool = is_professional[readings.rater]
    number, sizes = _within_pool(is_professional)
    # Without professionals the readings are taken as they lie: no copy of millions of rows.
    parts: tuple[Any, Any] = (~pool, pool) if np.any(pool) else (slice(None), slice(0))
    rater = number[readings.rater]
    design = Design.of(
        (readings.work[parts[0]], readings.work[parts[1]]),
        (rater[parts[0]], rater[parts[1]]),
        (readings.value[parts[0]], readings.value[parts[1]]),
        len(readings.works),
        sizes,
    )
    found = difference(design) if len(readings) else None
    groups = _groups(design)
    reason = None
    fitted: Fit | None = None
    peers: Precision | None = None
    if found is None:
        reason = NO_READINGS
    elif parameters is None:
        if math.isnan(found.error_variance):
            reason = NO_REPEAT
        elif not any(pool.n and np.ptp(pool.value) > 0 for pool in design.pools):
            # Nothing in it has a size, so even the model that was asked for has no scale.
            reason = SAME if np.ptp(readings.value) == 0 else FLAT
        elif found.error_variance == 0.0 and rule != "model":
            reason = ALIKE
        elif rule == "mean":
            reason = ASKED
        elif rule == "auto" and not found.is_real:
            reason = ALIKE
    if reason is None:
        if parameters is not None:
            fitted = at_parameters(design, parameters)
        elif len(readings) > LARGE:
            fitted = fit_large(design)
        else:
            fitted = fit(design, start=start.fit if start else None, report=report)
            peers = precision_of(design, fitted.joint, PEER)
            if peers.spread > 0:
                fitted = reweighted(design, peers.weight, fitted)
        joint = fitted.joint
        mean, error = joint.mean, np.sqrt(fitted.variance)
        notes = _limits(design, parameters, groups)
        learned = joint.parameters
        bias, bias_error = (
            np.concatenate(parts)
            for parts in (joint.bias, [np.sqrt(part) for part in joint.bias_variance])
        )
        if peers is None:
            peers = precision_of(design, joint, PEER)
        exact = (peers.weight, precision_of(design, joint, PROFESSIONAL).weight)
        precision = np.concatenate(
            [exact[p] / max(learned.error_variance(p), 1e-12) for p in (PEER, PROFESSIONAL)]
        )
    else:
        variance = math.nan if found is None or reason in (SAME, FLAT) else found.error_variance
        mean, error, learned = _mean(design, variance)
        notes = [reason]
        n_raters = sum(sizes)
        known = reason in (ALIKE, ASKED)
        bias = np.full(n_raters, 0.0 if known else math.nan)
        bias_error = np.full(n_raters, math.nan)
        precision = np.full(n_raters, 1.0 / variance if known and variance > 0 else math.nan)
    # Back from the pools' own numbering to the raters' order.
    place = np.where(is_professional, sizes[PEER] + number, number)
    n_readings = np.concatenate([part.in_rater for part in design.pools]).astype(np.int64)
    return Aggregation(
        readings.works,
        np.clip(mean, *scale) if scale is not None else mean,
        error,
        band_probabilities(mean, error, cuts) if len(cuts) else np.empty((len(mean), 0)),
        design.pools[PEER].in_work.astype(np.int64),
        design.pools[PROFESSIONAL].in_work.astype(np.int64),
        readings.raters,
        is_professional.astype(np.int8),
        bias[place],
        bias_error[place],
        precision[place],
        n_readings[place],
        learned,
        "model" if fitted is not None else "mean",
        "; ".join(notes) or None,
        groups,
        tuple(float(cut) for cut in cuts),
        readings.dropped,
        fitted,
    )


def _index(labels: Sequence[Hashable]) -> dict[Hashable, int]:
    index: dict[Hashable, int] = {}
    for label in labels:
        index.setdefault(label, len(index))
    return index


def _together(
    ratings: Ratings | Readings,
    professionals: Collection[Hashable] | Ratings | Readings,
    weights: Mapping[Hashable, float] | None,
) -> tuple[Readings, NDArray[np.bool_]]:
    """All readings in one coding, and which raters are professionals."""
    readings = ratings if isinstance(ratings, Readings) else Readings.of(ratings, weights=weights)
    if not isinstance(professionals, Ratings | Readings):
        named = frozenset(professionals)
        flags = np.fromiter(
            (label in named for label in readings.raters), bool, len(readings.raters)
        )
        return readings, flags
    others = (
        professionals
        if isinstance(professionals, Readings)
        else Readings.of(professionals, weights=weights)
    )
    shared = set(readings.raters) & set(others.raters)
    if shared:
        raise ValueError(f"both peer and professional: {sorted(map(str, shared))}")
    index = _index([*readings.works, *others.works])
    recode = np.array([index[label] for label in others.works], dtype=np.int32)
    joined = Readings(
        np.concatenate([readings.work, recode[others.work]]),
        np.concatenate([readings.rater, others.rater + np.int32(len(readings.raters))]),
        np.concatenate([readings.value, others.value]),
        tuple(index),
        (*readings.raters, *others.raters),
        readings.dropped + others.dropped,
    )
    return joined, np.arange(len(joined.raters)) >= len(readings.raters)


def _within_pool(is_professional: NDArray[np.bool_]) -> tuple[Codes, tuple[int, int]]:
    """Each rater's number within the own pool, and the pools' sizes."""
    there = np.cumsum(is_professional, dtype=np.int32)
    here = np.cumsum(~is_professional, dtype=np.int32)
    number = np.where(is_professional, there, here).astype(np.int32) - np.int32(1)
    n = int(there[-1]) if len(there) else 0
    return number, (len(is_professional) - n, n)


def _groups(design: Design) -> int:
    """Parts of the graph of works and raters, leaving out works that nobody read.

    Every rater starts as a group of its own; works hand the lowest number among their readers round
    until nothing changes, which in a linked design takes a handful of rounds.
    """
    pools = [pool for pool in design.pools if pool.n]
    first = np.cumsum([0] + [pool.matrix.shape[1] for pool in pools])
    first = first.astype(np.int32)
    label = np.arange(first[-1], dtype=np.int32)
    highest = np.int32(first[-1])
    while True:
        before = label.copy()
        lowest = np.full(design.n_works, highest)
        for pool, start in zip(pools, first, strict=False):
            read = np.flatnonzero(pool.in_work)
            mine = label[start : start + pool.matrix.shape[1]][pool.matrix.indices]
            mine = np.minimum.reduceat(mine, pool.matrix.indptr[read])
            lowest[read] = np.minimum(lowest[read], mine)
        for pool, start in zip(pools, first, strict=False):
            part = label[start : start + pool.matrix.shape[1]]
            told = np.repeat(lowest, np.diff(pool.matrix.indptr))
            np.minimum.at(part, pool.matrix.indices, told)
        # A label is a rater's number: follow it, so that chains shorten by half each round.
        label = label[label]
        # All in the first rater's group is as linked as a design can be.
        if np.array_equal(label, before) or not label.any():
            break
    used = np.concatenate([pool.in_rater > 0 for pool in pools]) if pools else np.zeros(0, bool)
    return len(np.unique(label[used]))


def _limits(design: Design, parameters: Parameters | None, groups: int) -> list[str]:
    peers, professionals = design.pools
    notes = []
    if peers.n and not professionals.n:
        notes.append(NO_PROFESSIONALS)
    elif peers.n and parameters is None and not learnable(design)[1]:
        notes.append(NO_OVERLAP)
    if groups > 1:
        notes.append(
            f"{groups} groups of raters share no work: biases are comparable within a group only"
        )
    return notes


def _mean(design: Design, variance: float) -> tuple[Floats, Floats, Parameters]:
    """Mean of all readings a work; a work without one has the cohort's mean and spread."""
    peers, professionals = design.pools
    count = peers.in_work + professionals.in_work
    total = peers.by_work + professionals.by_work
    read = count > 0
    if not np.any(read):
        nothing = np.full(design.n_works, math.nan)
        return nothing, nothing.copy(), Parameters(math.nan, math.nan)
    mean = np.full(design.n_works, math.nan)
    mean[read] = total[read] / count[read] + design.centre
    centre = float(np.mean(mean[read]))
    between = math.nan
    if np.sum(read) > 1:
        chance = variance * float(np.mean(1.0 / count[read]))
        between = float(np.fmax(np.var(mean[read], ddof=1) - chance, 0.0 * chance))
    error = np.full(design.n_works, math.sqrt(between))
    error[read] = np.sqrt(variance / count[read])
    mean[~read] = centre
    return (
        mean,
        error,
        Parameters(
            centre,
            between,
            peer_error_variance=variance,
            professional_error_variance=variance,
        ),
    )
