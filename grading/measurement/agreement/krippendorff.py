"""Krippendorff's alpha, for any number of raters, missing marks and four metrics."""

from dataclasses import replace
from functools import partial
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.agreement.additive import (
    Additive,
    alpha_of,
    coincidences,
    ordinal_alpha,
    weighted_pairs,
)
from grading.measurement.agreement.coefficient import (
    ONE_LEVEL,
    ONE_WORK,
    Coefficient,
    undefined,
    with_spread,
)
from grading.measurement.agreement.seen import (
    Asked,
    Data,
    Intervals,
    linearised,
    resampled,
    seen_as,
    with_paradox,
)
from grading.measurement.agreement.weights import (
    Metric,
    metric_weighting,
)


def krippendorff_alpha(
    data: Data,
    *,
    metric: Metric = "ordinal",
    levels: ArrayLike | None = None,
    **options: Unpack[Intervals],
) -> Coefficient:
    """Krippendorff's alpha, for any number of raters and missing marks.

    Parameters
    ----------
    data : Ratings, Units, or array_like of shape (works, q)
        Works rated once are passed over.
    metric : {"nominal", "ordinal", "interval", "ratio"}
    levels, **options
        As in `percent_exact`. The analytic standard error is Gwet's, the metric taken as given.

    Returns
    -------
    Coefficient
        NaN where no work was rated twice, or all their ratings are one level.

    Raises
    ------
    ValueError
        Several criteria, counts that are none, or an unknown option.

    References
    ----------
    Krippendorff, Content Analysis (2019), chapter 12, doi:10.4135/9781071878781.

    Examples
    --------
    >>> round(krippendorff_alpha([[2, 0], [0, 2], [1, 1]]).estimate, 3)
    0.444
    """
    asked = Asked(**options)
    seen = seen_as(data, levels)
    units = seen.units.select(seen.units.sizes >= 2)
    found = seen.coefficient(f"Krippendorff's alpha, {metric}")
    margins = units.margins if len(units.times) else np.zeros(len(seen.levels))
    w = metric_weighting(metric, seen.levels, margins)
    if found.reason:
        return found
    n, total = float(units.times.sum()), float(margins.sum())
    expected = float(margins @ w.times(margins)) / total**2
    if np.count_nonzero(margins) < 2 or expected >= 1:
        return replace(found, reason=ONE_LEVEL)
    sizes = units.sizes
    pairs = (units.agreeing(w) - sizes) / (sizes - 1)
    agreed = float(units.times @ pairs) / total
    # One pair of ratings in total is drawn without putting the first back.
    observed = (1 - 1 / total) * agreed + 1 / total
    alpha = (observed - expected) / (1 - expected)
    found = with_paradox(replace(found, estimate=alpha), seen)
    if asked.interval == "analytic":
        if n < 2:
            return with_spread(found, undefined("linearised over works", ONE_WORK))
        mean = total / n
        excess = (sizes - mean) / mean
        o = pairs / mean - observed * excess
        e = units.sums(w.times(margins / total)) / mean - expected * excess
        # Without the correction for small samples, which the variance does not need.
        plain = (agreed - expected) / (1 - expected)
        influence = (o - expected - 2 * (1 - plain) * (e - expected)) / (1 - expected)
        spread = linearised(influence + alpha - plain, units.times, n, alpha, asked)
        return with_spread(found, spread)
    if metric == "ordinal":
        q = len(seen.levels)
        additive = Additive(coincidences, partial(ordinal_alpha, q), q * q + q, 2)
    else:
        width = len(seen.levels) + 1
        additive = Additive(partial(weighted_pairs, w), partial(alpha_of, w), width, 2)
    return with_spread(found, resampled(seen, additive, asked))
