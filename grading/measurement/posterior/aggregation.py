"""Peers together with professionals: what a work is worth, how sure that is, and what each rater is worth.

The model is that of ``posterior``; this module decides whether the readings support it, and says what it
found. Where raters do not differ by more than chance the plain mean is used instead, and the result
says so: on real cohorts no aggregation rule has beaten the mean peer grade everywhere (Sajjadi, Alamgir &
von Luxburg 2016, doi:10.1145/2876034.2876036).
"""

import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from grading.measurement.posterior.beliefs import Aggregation
from grading.measurement.posterior.difference import difference
from grading.measurement.posterior.fitting import (
    Fit,
    at_parameters,
    fit,
    learnable,
    reweighted,
)
from grading.measurement.posterior.large import fit_large
from grading.measurement.posterior.linked_groups import linked_groups
from grading.measurement.posterior.parameters import Parameters
from grading.measurement.posterior.pools import (
    LARGE,
    PEER,
    PROFESSIONAL,
    Codes,
    Design,
    Floats,
)
from grading.measurement.posterior.precision import Precision, precision_of
from grading.measurement.posterior.readings import Readings, together
from grading.measurement.ratings import Ratings
from grading.measurement.scoring.decision import band_probabilities
from grading.phrases import phrase

NO_READINGS = phrase("no readings")
NO_REPEAT = phrase("no work was read twice, so the size of the error is unknown")
SAME = phrase("all readings are the same number, so the size of the error is unknown")
FLAT = phrase("each pool's readings are all the same number, so the size of the error is unknown")
ALIKE = phrase("raters do not differ by more than chance: every reading counts the same")
ASKED = phrase("the mean was asked for: every reading counts the same")
NO_PROFESSIONALS = phrase(
    "no professional reading: scores are on the peers' scale, and what peers share is not seen"
)
NO_OVERLAP = phrase(
    "no work was read by both pools: how far peers follow the truth is assumed, not learned"
)


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
        Ratings on several criteria are read as sheets: see ``Readings.from_ratings``.
    professionals : collection of rater labels, or Ratings or Readings
        Which raters are professionals, or the professionals' readings apart; the works are matched by
        label. Professionals define the scale: their mean bias is zero.
    scale : (lowest, highest), optional
        Posterior means are kept inside.
    cuts : rising numbers
        Where bands begin; see ``band_probabilities``. Where grades are rounded half up to whole points,
        each cut less half a point.
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
    readings, is_professional = together(ratings, professionals, weights)
    pool = is_professional[readings.rater]
    number, sizes = _within_pool(is_professional)
    # Without professionals the readings are taken as they lie: no copy of millions of rows.
    parts: tuple[Any, Any] = (~pool, pool) if np.any(pool) else (slice(None), slice(0))
    rater = number[readings.rater]
    design = Design.from_rows(
        (readings.work[parts[0]], readings.work[parts[1]]),
        (rater[parts[0]], rater[parts[1]]),
        (readings.value[parts[0]], readings.value[parts[1]]),
        len(readings.works),
        sizes,
    )
    found = difference(design) if len(readings) else None
    groups = linked_groups(design)
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


def _within_pool(is_professional: NDArray[np.bool_]) -> tuple[Codes, tuple[int, int]]:
    """Each rater's number within the own pool, and the pools' sizes."""
    there = np.cumsum(is_professional, dtype=np.int32)
    here = np.cumsum(~is_professional, dtype=np.int32)
    number = np.where(is_professional, there, here).astype(np.int32) - np.int32(1)
    n = int(there[-1]) if len(there) else 0
    return number, (len(is_professional) - n, n)


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
