"""Simulated cohorts with known true scores: what a rule or a plan is tried on before people are.

Every world has works with a normal true score, peers who each read some works of others, and
professionals. A world holds the mark that each professional would give each work, so that two policies
that ask for the same reading get the same mark, and their difference is the policy's.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from grading.measurement.posterior.readings import Readings

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Kind = Literal[
    "plain",
    "shared-error",
    "weak-peers",
    "ring",
    "lazy",
    "regressing",
    "drifting",
    "panels",
    "alike",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
MEAN, SPREAD = 66.0, 11.0
SEVERITY, ERROR = 4.0, 6.0
LENIENCY, BIAS, PEER_ERROR, PEER_ERROR_SPREAD = 5.0, 7.0, 10.0, 0.35
SHARED = 6.0
WEAK_BIAS, WEAK_ERROR = 10.0, 16.0
RING, RINGS_SHARE, RING_MARK = 5, 0.1, 96.0
LAZY_SHARE, LAZY_MARK, LAZY_SPREAD = 0.3, 80.0, 3.0
SLOPE = 0.5
DRIFT, DRIFTING_SHARE = 8.0, 0.5
ALIKE_ERROR = 8.0
CUTS = (50.0, 60.0, 70.0, 80.0)
PASS_MARK = 60.0


@dataclass(frozen=True, eq=False)
class World:
    """A cohort whose truth is known.

    Attributes
    ----------
    kind : str
    truth : ndarray, shape (n_works,)
        True scores of 100.
    peers : Readings
        What the peers gave; works are labelled 0 .. n_works - 1, peers ``"p0"`` and so on.
    marks : ndarray, shape (n_works, n_professionals)
        What each professional would give each work; professionals are labelled ``"r0"`` and so on.
    eligible : ndarray of bool, shape (n_works, n_professionals)
        Who may read what: in the world of two panels only the works of the own panel.
    """

    kind: Kind
    truth: Floats
    peers: Readings
    marks: Floats
    eligible: NDArray[np.bool_]

    @property
    def professionals(self) -> tuple[str, ...]:
        return tuple(f"r{number}" for number in range(self.marks.shape[1]))

    def readings(self, work: Codes, professional: Codes, *, peers: bool = True) -> Readings:
        """The peers' readings, and those of the named works by the named professionals."""
        n = len(self.peers.raters) if peers else 0
        mine = self.marks[work, professional]
        if not peers:
            return Readings(
                np.asarray(work, np.int32),
                np.asarray(professional, np.int32),
                mine,
                self.peers.works,
                self.professionals,
            )
        return Readings(
            np.concatenate([self.peers.work, work]).astype(np.int32),
            np.concatenate([self.peers.rater, n + np.asarray(professional)]).astype(np.int32),
            np.concatenate([self.peers.value, mine]),
            self.peers.works,
            (*self.peers.raters, *self.professionals),
        )


def simulate(
    kind: Kind,
    n_works: int = 2000,
    *,
    n_professionals: int = 40,
    rng: np.random.Generator,
) -> World:
    """Draw a world.

    True scores are N(66, 11²); marks are clipped to 0 to 100 and rounded. Professionals have a
    severity of SD 4 and an error of SD 6. Unless the world says otherwise, four peers read a work: 5
    points lenient, bias of SD 7, an error whose SD is log-normal about 10 (.35).

    ============= ==========================================================================
    plain         nothing else
    shared-error  all peers of a work share an error of SD 6
    weak-peers    three peers, bias of SD 10, error about 16
    ring          one learner in ten belongs to a ring of five who give each other about 96
    lazy          three peers in ten give about 80 to whatever they read
    regressing    peers move half a point for a point of truth
    drifting      half of all raters move by 8 points between the first work and the last
    panels        two halves of works, peers and professionals that never meet
    alike         raters do not differ: no bias, an error of SD 8 for everyone
    ============= ==========================================================================

    Parameters
    ----------
    n_works : int
        At least 20, and as many peers, each the author of one work.
    n_professionals : int
        At least 2, in the world of two panels at least 4.

    Raises
    ------
    ValueError
        Too few works or professionals, or an unknown world.

    Examples
    --------
    >>> world = simulate("plain", 100, rng=np.random.default_rng(1))
    >>> world.truth.shape, len(world.peers.value), world.marks.shape
    ((100,), 400, (100, 40))
    """
    if kind not in KINDS:
        raise ValueError(f"unknown world {kind!r}: one of {', '.join(KINDS)}")
    if n_works < 20 or n_professionals < (4 if kind == "panels" else 2):
        raise ValueError("a world needs 20 works and 2 professionals, two panels 4")
    truth = rng.normal(MEAN, SPREAD, n_works)
    work, peer = _meet(kind, n_works, 3 if kind == "weak-peers" else 4, rng)
    weak, alike = kind == "weak-peers", kind == "alike"
    bias = rng.normal(0.0, WEAK_BIAS if weak else BIAS, n_works)
    error = (WEAK_ERROR if weak else PEER_ERROR) * rng.lognormal(0.0, PEER_ERROR_SPREAD, n_works)
    noise = rng.normal(size=len(work))
    severity = rng.normal(0.0, SEVERITY, n_professionals)
    professional_noise = rng.normal(size=(n_works, n_professionals))
    if alike:
        value = truth[work] + ALIKE_ERROR * noise
        marks = truth[:, None] + ALIKE_ERROR * professional_noise
    else:
        seen = MEAN + SLOPE * (truth - MEAN) if kind == "regressing" else truth
        value = seen[work] + LENIENCY + bias[peer] + error[peer] * noise
        marks = truth[:, None] + severity + ERROR * professional_noise
    if kind == "shared-error":
        value += rng.normal(0.0, SHARED, n_works)[work]
    elif kind == "ring":
        value = _ring(work, peer, value, rng)
    elif kind == "lazy":
        lazy = rng.random(n_works) < LAZY_SHARE
        idle = LAZY_MARK + LAZY_SPREAD * noise
        value = np.where(lazy[peer], idle, value)
    elif kind == "drifting":
        # Works are read in the order in which they came in.
        when = np.arange(n_works) / n_works - 0.5
        moves = rng.choice([-DRIFT, DRIFT], n_works) * (rng.random(n_works) < DRIFTING_SHARE)
        value += moves[peer] * when[work]
        moves = rng.choice([-DRIFT, DRIFT], n_professionals)
        moves[rng.random(n_professionals) >= DRIFTING_SHARE] = 0.0
        marks += when[:, None] * moves
    eligible = np.ones(marks.shape, dtype=bool)
    if kind == "panels":
        half = np.arange(n_works) < n_works // 2
        eligible = half[:, None] == (np.arange(n_professionals) < n_professionals // 2)
    return World(
        kind,
        truth,
        Readings(
            work,
            peer,
            np.rint(np.clip(value, 0.0, 100.0)),
            tuple(range(n_works)),
            tuple(f"p{number}" for number in range(n_works)),
        ),
        np.rint(np.clip(marks, 0.0, 100.0)),
        eligible,
    )


def _meet(kind: Kind, n: int, per_work: int, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Each peer reads as many works as a work has readers; nobody reads their own, or one twice."""
    if kind == "panels":
        half = n // 2
        parts = [_draw(half, per_work, rng), _draw(n - half, per_work, rng) + half]
        readers = np.concatenate(parts)
    else:
        readers = _draw(n, per_work, rng)
    work = np.repeat(np.arange(n, dtype=np.int32), per_work)
    return work, readers.ravel().astype(np.int32)


def _draw(n: int, per_work: int, rng: np.random.Generator) -> NDArray[np.int64]:
    readers = np.empty((n, per_work), dtype=np.int64)
    own = np.arange(n)
    for column in range(per_work):
        drawn = rng.permutation(n)
        while True:
            wrong = (drawn == own) | np.any(readers[:, :column] == drawn[:, None], axis=1)
            if not np.any(wrong):
                break
            for row in np.flatnonzero(wrong).tolist():
                other = int(rng.integers(n))
                drawn[row], drawn[other] = drawn[other], drawn[row]
        readers[:, column] = drawn
    return readers


def _ring(work: Codes, peer: Codes, value: Floats, rng: np.random.Generator) -> Floats:
    """Rings of five: their works' readers become the other four, who give them about 96.

    Readings are exchanged in place, so that loads change a little outside the rings.
    """
    n, per_work = int(work.max()) + 1, int(np.bincount(work).max())
    members = rng.permutation(n)[: max(1, int(RINGS_SHARE * n) // RING) * RING].reshape(-1, RING)
    readers = peer.reshape(n, per_work)
    marks = value.reshape(n, per_work).copy()
    for ring in members:
        for learner in ring:
            readers[learner] = [other for other in ring if other != learner][:per_work]
            marks[learner] = RING_MARK + rng.normal(0.0, LAZY_SPREAD, per_work)
    return marks.ravel()
