"""Conger's kappa: chance from each rater's own use of the levels."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from grading.measurement.agreement.chance import observed_agreement
from grading.measurement.agreement.coefficient import (
    ONE_LEVEL,
    ONE_WORK,
    Coefficient,
    check_interval,
    undefined,
    with_spread,
)
from grading.measurement.agreement.seen import (
    Asked,
    linearised,
    named,
    seen_as,
    with_paradox,
)
from grading.measurement.agreement.units import Patterns
from grading.measurement.agreement.weights import (
    Weights,
    weighting,
)
from grading.measurement.coding import compact
from grading.measurement.ratings import Ratings


def conger_kappa(
    ratings: Ratings,
    *,
    weights: Weights | ArrayLike = "identity",
    confidence: float = 0.95,
) -> Coefficient:
    """Conger's kappa: chance from each rater's own use of the levels, exact, with missing marks.

    With two raters and complete data it is Cohen's kappa.

    Parameters
    ----------
    ratings : Ratings
        It must be known who rated; a table of counts does not say.
    weights, confidence
        As in `gwet_ac`.

    Returns
    -------
    Coefficient
        NaN where no work was rated twice, there is one rater, or chance agreement is complete.

    Raises
    ------
    ValueError
        Several criteria, or an unknown option.

    References
    ----------
    Conger 1980, doi:10.1037/0033-2909.88.2.322; Gwet 2014, chapter 5.

    Examples
    --------
    >>> ratings = Ratings.from_long(list("vvwwxx"), list("ababab"), [0, 0, 1, 1, 0, 1])
    >>> round(conger_kappa(ratings).estimate, 3)
    0.4
    """
    check_interval("analytic", confidence)
    seen = seen_as(ratings, None)
    found = seen.coefficient(f"Conger's kappa, {named(weights)} weights")
    w = weighting(weights, seen.levels)
    if found.reason:
        return found
    raters, rater = compact(ratings.rater, len(ratings.raters))
    r, q, n = len(raters), len(seen.levels), float(seen.units.times[seen.units.sizes > 0].sum())
    given = np.bincount(rater * np.int64(q) + ratings.level, minlength=r * q).reshape(r, q)
    own = given.sum(1)
    shares = given / own[:, None]
    total = shares.sum(0)
    chance = float(total @ w.times(total) - (shares * w.times(shares)).sum()) / (r * (r - 1))
    agreed, n_paired, parts = observed_agreement(seen.units, w)
    if chance >= 1 - 1e-15:
        return replace(found, reason=ONE_LEVEL)
    kappa = (agreed - chance) / (1 - chance)
    found = with_paradox(replace(found, estimate=kappa), seen)
    # What a rating adds to chance agreement: how it moves its rater's shares against all others'.
    slope = w.times(total - shares)
    middle = (slope * shares).sum(1)
    moved = (slope - middle[:, None]) * (n / own)[:, None]
    by_work = np.bincount(
        ratings.work, weights=moved[rater, ratings.level], minlength=len(ratings.works)
    )
    read = np.bincount(ratings.work, minlength=len(ratings.works)) > 0
    if isinstance(seen.units, Patterns):
        assert seen.units.of_work is not None
        parts, paired = parts[seen.units.of_work], (seen.units.sizes >= 2)[seen.units.of_work]
    else:
        paired = seen.units.sizes >= 2
    e = (by_work + middle.sum()) / (r * (r - 1))
    influence = (n / n_paired * (parts - chance * paired) - 2 * (1 - kappa) * (e - chance)) / (
        1 - chance
    )
    if n < 2:
        return with_spread(found, undefined("linearised over works", ONE_WORK))
    asked = Asked(confidence=confidence)
    return with_spread(
        found, linearised(influence[read], np.ones(int(read.sum())), n, kappa, asked)
    )
