"""The effects of a design: their levels, and which of them the residual leaves to be told."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from grading.measurement.agreement.weights import Table
from grading.measurement.coding import Codes, compact
from grading.measurement.ratings import Ratings

RESIDUAL = "residual"


class Effect(NamedTuple):
    name: str
    facets: frozenset[str]
    codes: Codes
    sizes: Table


@dataclass(frozen=True, eq=False)
class Effects:
    """Scores about their mean, and the effects with more than one rating on a level."""

    y: Table
    mean: float
    effects: tuple[Effect, ...]
    # Facets that tell any two ratings apart.
    cell: frozenset[str] = field(default_factory=frozenset)

    def without(self, names: set[str]) -> "Effects":
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
        effect = effect_of(ratings, name)
        doubled = any(_alike(effect.codes, other) for other in seen)
        if 1 < len(effect.sizes) < len(ratings) and not doubled:
            found.append(name)
            seen.append(effect.codes)
    return tuple(found)


def _alike(one: Codes, other: Codes) -> bool:
    """Whether two codings part the rows in the same way."""
    if int(one.max()) != int(other.max()):
        return False
    partner = np.empty(int(one.max()) + 1, np.int64)
    partner[one] = other
    return bool(np.array_equal(partner[one], other)) and len(np.unique(partner)) == len(partner)


def effect_of(ratings: Ratings, name: str) -> Effect:
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
    return Effect(name, frozenset(facets), place, sizes)


def effects_of(ratings: Ratings, names: Sequence[str]) -> Effects:
    effects = tuple(effect_of(ratings, name) for name in names)
    for effect in effects:
        if len(effect.sizes) == len(ratings):
            raise ValueError(f"each level of {effect.name} has one rating, so it is the residual")
    y = ratings.values()
    mean = float(y.mean())
    cell = {"work", "rater"} | (set() if ratings.one_criterion else {"criterion"})
    return Effects(y - mean, mean, effects, frozenset(cell))
