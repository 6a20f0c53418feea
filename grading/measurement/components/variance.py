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
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from grading.measurement.components.effects import RESIDUAL, default_effects, effects_of
from grading.measurement.components.moments import moments
from grading.measurement.components.restricted import restricted
from grading.measurement.components.result import VarianceComponents
from grading.measurement.ratings import Ratings
from grading.phrases import phrase

Method = Literal["reml", "moments"]


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
        return _undefined(
            ratings, names, phrase("not enough ratings to tell any effect from the residual")
        )
    model = effects_of(ratings, names)
    start, solved = moments(model)
    levels = {effect.name: len(effect.sizes) for effect in model.effects}
    every = (*names, RESIDUAL)
    blank = np.full((len(every), len(every)), math.nan)
    if not solved:
        return _undefined(ratings, names, phrase("the design cannot tell these effects apart"))
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
    return restricted(model, found, start, seed)


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
