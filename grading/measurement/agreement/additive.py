"""Coefficients as functions of sums over works, so that works can be weighted, redrawn or left out.

Each work adds its features to the sums, whatever the others are; each coefficient is then a function of
the sums alone, vectorised over any number of resamples. ``own`` counts, by level, the pairs of a rating
with itself, which are no pairs: the counts again, unless ratings are weighted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grading.measurement.agreement.weights import Table, Weighting

Features = Callable[[Table, Table], Table]
Estimate = Callable[[Table], Table]
# Chance agreement from the shares of the levels, over the last axis; and how fast it changes with each.
Chance = Callable[[Table, Weighting], tuple[Table, Table]]


@dataclass(frozen=True)
class Additive:
    """A coefficient that depends on sums over works alone.

    Attributes
    ----------
    features : callable, (patterns, q), (patterns, q) -> (patterns, s)
        What a work with these counts adds. The second table counts, by level, the pairs of a rating
        with itself, which are no pairs: the counts again, unless ratings are weighted.
    estimate : callable, (…, s) -> (…)
        The coefficient from the sums; NaN where undefined.
    width : int
        s, for a look at memory before anything is built.
    smallest : int
        The fewest ratings with which a work counts.
    """

    features: Features
    estimate: Estimate
    width: int
    smallest: int


def pair_sums(w: Weighting, counts: Table, own: Table) -> Table:
    """Weighted agreeing pairs, and all pairs."""
    alike = (w.times(counts) * counts).sum(1) - own.sum(1)
    return np.column_stack([alike, counts.sum(1) ** 2 - own.sum(1)])


def ratio(sums: Table) -> Table:
    """Share of agreeing pairs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def agreeing(w: Weighting, counts: Table, own: Table) -> Table:
    """A work's agreement, whether it was rated twice and at all, and its shares of the levels."""
    pair = pair_sums(w, counts, own)
    paired, sizes = pair[:, 1] > 0, counts.sum(1)
    read = sizes > 0
    parts = np.divide(pair[:, 0], pair[:, 1], out=np.zeros(len(pair)), where=paired)
    shares = np.divide(counts, sizes[:, None], out=np.zeros(counts.shape), where=read[:, None])
    return np.column_stack([parts, paired, read, shares])


def beyond(w: Weighting, chance: Chance, sums: Table) -> Table:
    """Agreement beyond chance, from the sums of `agreeing`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = sums[..., 0] / sums[..., 1]
        expected, _ = chance(sums[..., 3:] / sums[..., 2, None], w)
        return np.asarray(
            np.where(expected < 1 - 1e-15, (agreed - expected) / (1 - expected), np.nan)
        )


def weighted_pairs(w: Weighting, counts: Table, own: Table) -> Table:
    """Krippendorff's agreeing pairs and margins, under a metric that stays."""
    pair = pair_sums(w, counts, own)
    paired, sizes = pair[:, 1] > 0, counts.sum(1)
    part = np.divide(pair[:, 0] * sizes, pair[:, 1], out=np.zeros(len(pair)), where=paired)
    return np.column_stack([part, counts * paired[:, None]])


def alpha_of(w: Weighting, sums: Table) -> Table:
    """Krippendorff's alpha, from the sums of `weighted_pairs`."""
    margins = sums[..., 1:]
    total = margins.sum(-1)
    observed = total - sums[..., 0]
    expected = (total**2 - (margins * w.times(margins)).sum(-1)) / (total - 1)
    return _one_less(observed, expected, total)


def coincidences(counts: Table, own: Table) -> Table:
    """Krippendorff's coincidences and margins, for a metric that depends on them."""
    sizes, q = counts.sum(1), counts.shape[1]
    pairs = sizes**2 - own.sum(1)
    paired = pairs > 0
    factor = np.divide(sizes, pairs, out=np.zeros(len(sizes)), where=paired)
    table = counts[:, :, None] * counts[:, None, :]
    table[:, np.arange(q), np.arange(q)] -= own
    flat = (table * factor[:, None, None]).reshape(len(counts), q * q)
    return np.column_stack([flat, counts * paired[:, None]])


def ordinal_alpha(q: int, sums: Table) -> Table:
    """Krippendorff's ordinal alpha, its metric anew for each of the sums of `coincidences`."""
    table = sums[..., : q * q].reshape(*sums.shape[:-1], q, q)
    margins = sums[..., q * q :]
    ranks = np.cumsum(margins, axis=-1) - margins / 2
    total = margins.sum(-1)
    ranks = ranks - ((margins * ranks).sum(-1) / np.maximum(total, 1))[..., None]
    squares = (margins * ranks**2).sum(-1)
    across = (ranks * (table @ ranks[..., None])[..., 0]).sum(-1)
    return _one_less(squares - across, total * squares / (total - 1), total)


def _one_less(observed: Table, expected: Table, total: Table) -> Table:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 1e-12 * total, 1 - observed / expected, np.nan))
