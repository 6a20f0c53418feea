"""Severity of raters: the many-facet Rasch model for long ratings.

A rating of work n by rater j on criterion i is level k rather than the one below with log-odds

    ln(P_nijk / P_nij(k-1)) = theta_n - lambda_j - delta_i - tau_ik

(and minus the effect of a further facet, where one is given): theta the work's measure, lambda the
rater's severity, delta the criterion's difficulty, tau its thresholds, all in logits. **Positive
severity is stricter.** Nothing here holds a table of works by raters.

References
----------
Linacre 1989, Many-Facet Rasch Measurement, MESA Press. Masters 1982, doi:10.1007/BF02296272
(partial credit). Andrich 1978, doi:10.1007/BF02293814 (rating scale). Bock & Aitkin 1981,
doi:10.1007/BF02293801 (marginal maximum likelihood). Warm 1989, doi:10.1007/BF02294627. Wilson &
Masters 1993, doi:10.1007/BF02294473 (levels that never occur). Wright & Masters 1982, Rating Scale
Analysis (fit). Eckes 2015, doi:10.3726/978-3-653-04844-5 (raters).
"""

from collections.abc import Hashable, Sequence
from typing import Literal, get_args

import numpy as np

from grading.measurement.ratings import Ratings
from grading.measurement.severity.design import Ints, Model, identify
from grading.measurement.severity.frame import Anchors, Frame
from grading.measurement.severity.joint import joint_estimate
from grading.measurement.severity.marginal import marginal_estimate
from grading.measurement.severity.report import Report
from grading.measurement.severity.result import SeverityFit

Estimator = Literal["mml", "jmle"]


def fit(
    ratings: Ratings,
    *,
    model: Model = "partial_credit",
    estimator: Estimator = "mml",
    nodes: int | None = None,
    bounds: tuple[float, float] = (-6.0, 6.0),
    facet: Sequence[Hashable] | None = None,
    anchors: Anchors | None = None,
    reverse: bool = False,
    max_iter: int = 500,
    tol: float = 1e-6,
) -> SeverityFit:
    """Fit the many-facet model.

    Parameters
    ----------
    ratings : Ratings
        One row a rating; a missing rating is no row.
    model : "partial_credit" or "rating_scale"
        Thresholds of each criterion's own, or common to all criteria.
    estimator : "mml" or "jmle"
        Marginal maximum likelihood with a normal population of works, mean and variance estimated; or
        joint maximum likelihood, which spreads measures too far where a work has few ratings.
    nodes, bounds : int and pair of logits, optional
        A fixed grid with weights density times spacing, not normalised, as TAM has it with 21 nodes
        on (-6, 6). By default the grid is as wide and as fine as the ratings need, and ``bounds`` is
        not used. Marginal estimator only.
    facet : sequence (n,), optional
        Label of a further facet for each rating, such as time or kind of rater; additive. Positive is
        stricter.
    anchors : {(facet, label): logits}, optional
        Values held fixed; facet is "work", "rater", "criterion" or "facet". What an anchor holds is not
        centred, and anchors connect what ratings do not.
    reverse : bool
        The codes of ``ratings`` run from the best level to the worst.
    max_iter : int
        Most iterations.
    tol : float
        Converged when a Newton step would move no parameter by this many logits.

    Returns
    -------
    SeverityFit
        Every facet but the works is centred on 0 within each connected group that nothing anchors.

    Raises
    ------
    ValueError
        No ratings, an unknown word, an anchor without ratings, or ratings that all are extreme.

    Notes
    -----
    A level never given on a criterion keeps its place in the scale and gets probability 0, which is
    where maximum likelihood leads; its threshold is NaN with the reason. A criterion with a single
    level says nothing about anybody under partial credit: its ratings are left out, with the reason.
    Groups of works without connection each have a population mean of their own (but share one
    variance); a group whose works are all extreme has none and takes the first group's.

    Examples
    --------
    >>> from grading.measurement.ratings import Ratings
    >>> found = fit(Ratings.from_long(
    ...     ["a", "b", "c", "d", "e"] * 2, ["Ann"] * 5 + ["Ben"] * 5, [1, 2, 0, 2, 3, 0, 1, 0, 1, 3]
    ... ))
    >>> found.raters["Ben"].severity > 0 > found.raters["Ann"].severity
    True
    >>> round(found.raters["Ann"].severity + found.raters["Ben"].severity, 9)
    0.0
    """
    _check(ratings, model, estimator, facet, nodes, bounds)
    frame = Frame.from_ratings(ratings, facet, reverse)
    held = frame.anchors(anchors or {})
    rows, single = frame.usable(model, np.ones(len(ratings), dtype=bool))
    extreme = frame.extreme_works(rows)
    if not np.any(extreme[frame.work[rows]] == 0):
        raise ValueError("every work has only lowest or only highest ratings: nothing to estimate")
    in_likelihood = rows
    if estimator == "jmle":
        in_likelihood, more = frame.for_joint(model, rows, set(held["work"]))
        single = np.concatenate([single, more])
    design, codes = frame.design(in_likelihood, model)
    compact = {
        name: {int(np.searchsorted(codes[name], code)): value
               for code, value in held[name].items() if code in set(codes[name].tolist())}
        for name in held
    }  # fmt: skip
    identification = identify(design, compact)
    populations = _populations(identification.groups["work"], extreme[codes["work"]])
    if estimator == "mml":
        estimate = marginal_estimate(
            design, identification, populations=populations, anchored=compact["work"],
            nodes=nodes, bounds=bounds, max_iter=max_iter, tol=tol,
        )  # fmt: skip
        n_population = int(populations.max()) + 2
    else:
        estimate = joint_estimate(
            design, identification, anchored=compact["work"], max_iter=max_iter, tol=tol
        )
        n_population = design.n_works - len(compact["work"])
    return Report(
        frame, rows, design, codes, identification, estimate, held, extreme, single, model, estimator,
        identification.transform.shape[1] + n_population,
    ).result()  # fmt: skip


def _check(
    ratings: Ratings, model: str, estimator: str, facet: Sequence[Hashable] | None,
    nodes: int | None, bounds: tuple[float, float],
) -> None:  # fmt: skip
    if model not in get_args(Model):
        raise ValueError(f"model must be one of {get_args(Model)}")
    if estimator not in get_args(Estimator):
        raise ValueError(f"estimator must be one of {get_args(Estimator)}")
    if facet is not None and len(facet) != len(ratings):
        raise ValueError(f"facet must have {len(ratings)} entries, not {len(facet)}")
    if nodes is not None and (nodes < 3 or not bounds[0] < bounds[1]):
        raise ValueError("the grid needs at least 3 nodes between rising bounds")
    if not len(ratings):
        raise ValueError("not enough ratings: there are none")


def _populations(group: Ints, extreme: Ints) -> Ints:
    """Number the groups of works whose mean is finite; the others take the first one's."""
    alive = np.unique(group[extreme == 0])
    number = np.zeros(int(group.max()) + 1, dtype=np.int64)
    number[alive] = np.arange(len(alive))
    return np.asarray(number[group])
