"""The readings of a design placed, balanced and linked, one pair at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.measurement.allocation.linking import Forest, IntArray, components

BoolArray = NDArray[np.bool_]
_FORESTS = 8  # spanning forests tried before two groups are taken to be apart


@dataclass(frozen=True, eq=False)
class Allocation:
    """Who rates what.

    Attributes
    ----------
    works, raters : int arrays (n_pairs,), the new readings, sorted by work, then rater
    loads : int array (n_raters,), readings each rater then has, ``already`` included
    unmet : work -> how many of its readings could not be placed; only works with some missing
    components : groups of raters that no shared work links, each a sorted array, ordered by their
        smallest member; a rater without works is a group of one
    """

    works: IntArray
    raters: IntArray
    loads: IntArray
    unmet: Mapping[int, int]
    components: tuple[IntArray, ...]


class Placement:
    """The pairs chosen so far, seen from the works and from the raters.

    Raters are renumbered at random, so that "the first of several equals" favours nobody.
    """

    def __init__(
        self,
        needed: IntArray,
        *,
        already: IntArray,
        cap: IntArray | None,
        forbidden: IntArray,
        existing: IntArray,
        rng: np.random.Generator,
    ) -> None:
        self._rng = rng
        self._original = rng.permutation(len(already))
        number = np.argsort(self._original)
        self._needed = np.minimum(needed, len(already))
        self._asked = needed
        self._loads = already[self._original]
        self._cap = np.full_like(already, np.iinfo(np.int64).max) if cap is None else cap
        self._cap = self._cap[self._original]
        self._had_room = self._loads < self._cap
        self._raters_of: list[set[int]] = [set() for _ in needed]
        self._works_of: list[set[int]] = [set() for _ in already]
        self._readers: list[list[int]] = [[] for _ in needed]
        for work, rater in existing.tolist():
            self._readers[work].append(int(number[rater]))
        blocked: list[list[int]] = [list(readers) for readers in self._readers]
        for work, rater in forbidden.tolist():
            blocked[work].append(int(number[rater]))
        self._blocked = [np.array(raters, dtype=np.int64) for raters in blocked]

    def result(self) -> Allocation:
        pairs = np.array(
            sorted(
                (work, int(self._original[rater]))
                for work, raters in enumerate(self._raters_of)
                for rater in raters
            ),
            dtype=np.int64,
        ).reshape(-1, 2)
        old = [
            (work, int(self._original[rater]))
            for work, raters in enumerate(self._readers)
            for rater in raters
        ]
        linked = np.concatenate((pairs, np.array(old, dtype=np.int64).reshape(-1, 2)))
        loads = np.empty_like(self._loads)
        loads[self._original] = self._loads
        missing = self._asked - np.bincount(pairs[:, 0], minlength=len(self._asked))
        return Allocation(
            works=pairs[:, 0],
            raters=pairs[:, 1],
            loads=loads,
            unmet={int(work): int(missing[work]) for work in np.flatnonzero(missing)},
            components=tuple(components(linked[:, 0], linked[:, 1], len(loads))),
        )

    # Readings

    def place(self) -> None:
        """Place as many readings as possible, each with the least loaded rater it may have."""
        # Which of several raters with one load comes first is drawn anew after each reading, so
        # that the same raters do not meet again and again.
        key = np.where(
            self._loads < self._cap, self._loads + self._rng.random(self._loads.size), np.inf
        )
        closed = np.zeros(self._loads.size, dtype=bool)
        order = self._rng.permutation(len(self._needed))
        # Works with more readings first: what links raters is then spread evenly over them.
        order = order[np.argsort(-self._needed[order], kind="stable")]
        for turn in range(int(self._needed.max(initial=0))):
            for work in order[self._needed[order] > turn].tolist():
                if len(self._raters_of[work]) < turn:
                    continue  # it could not be given the reading before this one
                wish = np.where(self._open(work), key, np.inf)
                rater = int(wish.argmin())
                if wish[rater] < np.inf:
                    self._give(work, rater)
                else:
                    seen = closed.copy()
                    rater = self._reach({work: -1}, seen, self._loads < self._cap)
                    if rater < 0:
                        closed = seen
                if rater >= 0:
                    room = self._loads[rater] < self._cap[rater]
                    key[rater] = self._loads[rater] + self._rng.random() if room else np.inf

    def balance(self) -> None:
        """Shift readings along alternating paths until no path makes the loads more even."""
        settled = np.zeros(len(self._loads), dtype=bool)
        while not settled.all():
            top = self._loads[~settled].max()
            goal = (self._loads <= top - 2) & (self._loads < self._cap) & ~settled
            if not goal.any():
                return
            busiest = np.flatnonzero((self._loads == top) & ~settled)
            start = {
                work: rater for rater in busiest.tolist() for work in sorted(self._works_of[rater])
            }
            seen = settled.copy()
            seen[busiest] = True
            if self._reach(start, seen, goal) < 0:
                settled = seen

    def _reach(self, start: dict[int, int], seen: BoolArray, goal: BoolArray) -> int:
        """Pass readings on along a shortest path to a rater in ``goal``; -1 where there is none.

        ``start`` gives the works that may change hands first, and who gives each up (-1: nobody,
        the reading is new). Raters met are marked in ``seen``. After a failure they need never be
        searched again: whatever leads to them leads nowhere.
        """
        giver = dict(start)
        work_to: dict[int, int] = {}  # rater -> work by which the search came to them
        queue = list(giver)
        unseen = int(np.count_nonzero(~seen))
        for work in queue:
            if not unseen:
                break
            reached = np.flatnonzero(self._open(work) & ~seen)
            for rater in reached.tolist():
                work_to[rater] = work
            ends = reached[goal[reached]]
            if ends.size:
                end = int(ends[self._loads[ends].argmin()])
                self._pass_on(end, work_to, giver)
                return end
            seen[reached] = True
            unseen -= reached.size
            for rater in reached.tolist():
                for other in sorted(self._works_of[rater]):
                    if other not in giver:
                        giver[other] = rater
                        queue.append(other)
        return -1

    def _pass_on(self, rater: int, work_to: dict[int, int], giver: dict[int, int]) -> None:
        while rater in work_to:
            work = work_to[rater]
            self._give(work, rater)
            rater = giver[work]
            if rater >= 0:
                self._take(work, rater)

    def _open(self, work: int) -> BoolArray:
        """Raters who may be given a work and have not been."""
        mask = np.ones(len(self._loads), dtype=bool)
        mask[self._blocked[work]] = False
        mask[list(self._raters_of[work])] = False
        return mask

    def _may(self, work: int, rater: int) -> bool:
        return rater not in self._raters_of[work] and rater not in self._blocked[work]

    def _give(self, work: int, rater: int) -> None:
        self._raters_of[work].add(rater)
        self._works_of[rater].add(work)
        self._loads[rater] += 1

    def _take(self, work: int, rater: int) -> None:
        self._raters_of[work].remove(rater)
        self._works_of[rater].remove(work)
        self._loads[rater] -= 1

    # Links

    def link(self) -> int:
        """Join groups of raters until there is one or no exchange joins two; give their number."""
        failures = 0
        while True:
            group, spare = self._groups()
            n_groups = len(set(group.tolist()))
            if n_groups <= 1 or failures == _FORESTS:
                return n_groups
            failures = 0 if self._join(group, spare) else failures + 1

    def fewest_groups(self) -> int:
        """A lower bound on the number of groups: what may be shared, and how often it is."""
        n_raters = len(self._loads)
        links = sum(
            max(0, len(self._readers[work]) + len(raters) - 1)
            for work, raters in enumerate(self._raters_of)
        )
        label = np.arange(n_raters)
        for work, raters in enumerate(self._raters_of):
            if len(self._readers[work]) + len(raters) < 2:
                continue
            may = self._had_room & bool(raters)
            may[self._blocked[work]] = False
            may[self._readers[work]] = True
            met = np.unique(label[may])
            label[np.isin(label, met)] = met[0] if met.size else -1
        return max(len(np.unique(label)), n_raters - links)

    def _groups(self) -> tuple[IntArray, list[tuple[int, int]]]:
        """The group of each rater, and new readings that can go without splitting a group."""
        n_raters = len(self._loads)
        forest = Forest(n_raters + len(self._needed))
        shared: list[tuple[int, int]] = []
        for work, raters in enumerate(self._raters_of):
            for rater in self._readers[work]:
                forest.join(n_raters + work, rater)
            if len(raters) + len(self._readers[work]) > 1:
                shared += [(work, rater) for rater in sorted(raters)]
        spare = []
        for index in self._rng.permutation(len(shared)).tolist():
            work, rater = shared[index]
            if not forest.join(n_raters + work, rater):
                spare.append((work, rater))
        return np.array([forest.root(rater) for rater in range(n_raters)], dtype=np.int64), spare

    def _join(self, group: IntArray, spare: list[tuple[int, int]]) -> bool:
        """Join two groups by one exchange, or else by the move that costs the least balance."""
        best: tuple[int, int, int, int] | None = None
        for work, rater in spare:
            others = np.flatnonzero(self._open(work) & (group != group[rater]))
            for other in self._rng.permutation(others).tolist():
                cost = int(self._loads[other] - self._loads[rater])
                if self._loads[other] < self._cap[other] and (best is None or cost < best[0]):
                    best = cost, work, rater, other
                for back in sorted(self._works_of[other]):
                    if self._may(back, rater):
                        self._take(work, rater)
                        self._take(back, other)
                        self._give(work, other)
                        self._give(back, rater)
                        return True
        if best is None:
            return False
        _, work, rater, other = best
        self._take(work, rater)
        self._give(work, other)
        return True
