"""Ratings in the orientation of the model: a higher level is a better work."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grading.measurement.ratings import Ratings
from grading.measurement.severity.design import Bools, Design, Floats, Ints, Model, build
from grading.measurement.severity.result import FacetName

Anchors = Mapping[tuple[FacetName, Hashable], float]


@dataclass(frozen=True, eq=False)
class Frame:
    """All ratings in their own codes; the level rises with quality."""

    ratings: Ratings
    work: Ints
    rater: Ints
    facet: Ints
    criterion: Ints
    level: Ints
    facets: tuple[Hashable, ...]
    values: Floats
    reverse: bool

    @classmethod
    def from_ratings(
        cls, ratings: Ratings, facet: Sequence[Hashable] | None, reverse: bool
    ) -> "Frame":
        level = ratings.level.astype(np.int64)
        values = np.asarray(ratings.levels, dtype=float)
        if reverse:
            level, values = len(values) - 1 - level, values[::-1]
        index: dict[Hashable, int] = {}
        of_facet = np.zeros(len(ratings), dtype=np.int64)
        if facet is not None:
            of_facet = np.array(
                [index.setdefault(label, len(index)) for label in facet], dtype=np.int64
            )
        return cls(
            ratings, ratings.work.astype(np.int64), ratings.rater.astype(np.int64), of_facet,
            ratings.criterion.astype(np.int64), level, tuple(index), values, reverse,
        )  # fmt: skip

    @property
    def labels(self) -> dict[str, Sequence[Hashable]]:
        r = self.ratings
        return {"work": r.works, "rater": r.raters, "facet": self.facets, "criterion": r.criteria}

    def codes(self, name: str) -> Ints:
        codes: Ints = {
            "work": self.work, "rater": self.rater, "facet": self.facet, "criterion": self.criterion
        }[name]  # fmt: skip
        return codes

    def anchors(self, anchors: Anchors) -> dict[str, dict[int, float]]:
        held: dict[str, dict[int, float]] = {name: {} for name in self.labels}
        index = {
            name: {labels[code]: code for code in np.unique(self.codes(name)).tolist()}
            for name, labels in self.labels.items()
            if labels and any(facet == name for facet, _ in anchors)
        }
        for (name, label), value in anchors.items():
            if name not in held:
                raise ValueError(f"cannot anchor {name!r}: not one of {', '.join(held)}")
            if label not in index.get(name, {}):
                raise ValueError(f"the anchored {name} {label!r} has no ratings")
            if not math.isfinite(value):
                raise ValueError(f"the anchor of {name} {label!r} is not a finite number")
            held[name][index[name][label]] = float(value)
        return held

    def usable(self, model: Model, rows: Bools) -> tuple[Bools, Ints]:
        """Rows that say something, and the criteria on which every rating is the same level."""
        single: list[int] = []
        keep = rows.copy()
        if model == "partial_credit":
            for code in np.unique(self.criterion[rows]).tolist():
                mine = rows & (self.criterion == code)
                if np.ptp(self.level[mine]) == 0:
                    single.append(code)
                    keep &= ~mine
        if not keep.any() or np.ptp(self.level[keep]) == 0:
            raise ValueError("all ratings are the same level: nothing to estimate")
        return keep, np.array(single, dtype=np.int64)

    def extreme_works(self, rows: Bools) -> Ints:
        """Per work +1 where its ratings in ``rows`` all are the highest given, -1 the lowest, else 0."""
        low = np.full(len(self.ratings.criteria), len(self.values))
        high = np.full(len(self.ratings.criteria), -1)
        np.minimum.at(low, self.criterion[rows], self.level[rows])
        np.maximum.at(high, self.criterion[rows], self.level[rows])
        level, criterion, work = self.level[rows], self.criterion[rows], self.work[rows]
        n = len(self.ratings.works)
        above = np.bincount(work, weights=level - low[criterion], minlength=n)
        below = np.bincount(work, weights=high[criterion] - level, minlength=n)
        return np.where(above == 0, -1, np.where(below == 0, 1, 0))

    def for_joint(self, model: Model, rows: Bools, anchored: set[int]) -> tuple[Bools, Ints]:
        """As ``usable``, without the works that have no finite joint estimate."""
        hold = np.zeros(len(self.ratings.works), dtype=bool)
        hold[list(anchored)] = True
        single: list[int] = []
        while True:
            extreme = (self.extreme_works(rows) != 0) & ~hold
            fewer = rows & ~extreme[self.work]
            if not fewer.any():
                raise ValueError("every work has only lowest or only highest ratings")
            fewer, more = self.usable(model, fewer)
            single += more.tolist()
            if fewer.sum() == rows.sum():
                return rows, np.array(single, dtype=np.int64)
            rows = fewer

    def design(self, rows: Bools, model: Model) -> tuple[Design, dict[str, Ints]]:
        """The design of the ratings in ``rows``, and the original codes of its elements."""
        present = {name: np.unique(self.codes(name)[rows]) for name in self.labels}

        def compact(name: str) -> Ints:
            place = np.zeros(int(present[name].max()) + 1, dtype=np.int64)
            place[present[name]] = np.arange(len(present[name]))
            return np.asarray(place[self.codes(name)[rows]])

        return build(
            compact("work"), compact("rater"), compact("facet"), compact("criterion"),
            self.level[rows], n_levels=len(self.values), model=model,
        ), present  # fmt: skip
