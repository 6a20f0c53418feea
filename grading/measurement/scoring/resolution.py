"""From several readings of one work to one score, or to what still has to happen first.

Everything here is pure and on plain data. Whatever is asked about the cut score is asked of the rounded
value (`scale`): "passed", "across the cut" and "near the cut" alike, so that no reading is sent to a third
reader over a difference that nobody will ever see. Tolerances on criteria and on the total are asked of the
unrounded numbers.

References
----------
Johnson, Penny & Gordon (2000). The relation between score resolution methods and interrater
reliability. Applied Measurement in Education 13(2), 121-138. doi:10.1207/S15324818AME1302_1
(the mean of all readings, "parity", is used after adjudication; tertium quid is not offered).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

from grading.measurement.scoring.combining import (
    PEER_METHOD,
    NoRange,
    Resolution,
    why_no_range,
)
from grading.measurement.scoring.scale import (
    NOISE,
    CriterionScale,
    composite_of,
    passed,
    rounded,
)

PEERS = "peers"
PROFESSIONALS = "professionals"


@dataclass(frozen=True)
class Reading:
    """One rater's complete reading: a level index for each criterion code.

    Levels on the criteria in ``set_aside`` do not count. A reading with any is whole no longer: what is
    left of it enters its criteria's means, but it is none of the readings that a result needs.
    """

    key: str
    pool: Literal["professional", "peer"]
    adjudication: bool
    levels: Mapping[str, int]
    set_aside: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        return not self.set_aside

    def __post_init__(self) -> None:
        if self.pool not in ("professional", "peer"):
            raise ValueError(f"reading {self.key}: unknown pool {self.pool!r}")
        if self.adjudication and self.pool != "professional":
            raise ValueError(f"reading {self.key}: only a professional adjudicates")
        if self.key in (PEERS, PROFESSIONALS):
            raise ValueError(f"a reading cannot be called {self.key!r}")


@dataclass(frozen=True)
class Rule:
    """The part of a grading plan that resolution needs.

    Attributes
    ----------
    peers_needed : peer readings before peers count, as a score or as a check
    professional_readings : professional readings before there is a result; with 0 and no
        professional reading at hand the peers' median is the score
    tolerance_levels : largest difference in level index on one criterion that is no discrepancy
    tolerance_total : the same for the composite, in points of 100
    across_cut : whether two readings on different sides of the cut are a discrepancy
    cut : the cut score, of 100
    resolution : how professional readings become one number
    near_cut : values this close to the cut, in points of 100 (inclusive), are near it
    readings_near_cut : professional readings a value near the cut needs
    readings_before_not_passed : professional readings a value below the cut needs
    decimals : decimal places of the grade scale, on which the cut is asked
    """

    peers_needed: int
    professional_readings: int
    tolerance_levels: int
    tolerance_total: float
    across_cut: bool
    cut: float
    resolution: Resolution
    near_cut: float
    readings_near_cut: int
    readings_before_not_passed: int
    decimals: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.resolution, Resolution):
            raise ValueError(f"resolution must be a Resolution, not {self.resolution!r}")
        numbers = {
            "peers_needed": self.peers_needed,
            "professional_readings": self.professional_readings,
            "tolerance_levels": self.tolerance_levels,
            "tolerance_total": self.tolerance_total,
            "cut": self.cut,
            "near_cut": self.near_cut,
            "readings_near_cut": self.readings_near_cut,
            "readings_before_not_passed": self.readings_before_not_passed,
            "decimals": self.decimals,
        }
        for name, number in numbers.items():
            if not (math.isfinite(number) and number >= 0):
                raise ValueError(f"{name} must be a number, at least 0")


@dataclass(frozen=True)
class Waiting:
    """Too few readings for any result; ``reason`` is the pool waited for.

    ``peers_short`` counts up to the peers needed, also while a professional is waited for.
    """

    reason: Literal["professional", "peers"]
    professional_short: int
    peers_short: int


@dataclass(frozen=True)
class Finding:
    """Two sides further apart than the rule allows.

    ``sides`` are reading keys in sorted order; against the peers' median the second is ``"peers"``
    and the first the professional reading's key, or ``"professionals"`` for several combined.
    ``gap`` is in levels for a criterion, in points of 100 for the total and the cut.
    """

    kind: Literal["criterion", "total", "cut"]
    criterion: str | None
    sides: tuple[str, str]
    gap: float


@dataclass(frozen=True)
class Discrepant:
    """Readings too far apart: someone who has not read the work adjudicates."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class NeedsReading:
    """The readings agree, but this result may not rest on so few professional ones."""

    reason: Literal["near_cut", "not_passed"]
    professional_short: int


@dataclass(frozen=True)
class Resolved:
    """A score.

    Attributes
    ----------
    points : combined points by criterion code, unrounded
    levels : combined level index by criterion code, unrounded
    composite : of 100, unrounded
    keys : the readings the score rests on, sorted
    standard_error : of the mean of the professional readings' composites, in points of 100; NaN
        where undefined. Two readings that agree by chance give 0.
    n_professional, n_peer : how many of ``keys`` come from each pool
    method : name and version of the computation
    """

    points: Mapping[str, float]
    levels: Mapping[str, float]
    composite: float
    keys: tuple[str, ...]
    standard_error: float
    n_professional: int
    n_peer: int
    method: str

    @property
    def no_range(self) -> NoRange | None:
        """Why no likely range is given with the score."""
        return why_no_range(
            self.standard_error, professionals=self.n_professional, method=self.method
        )


class _Side(NamedTuple):
    """One opinion on a work, of one reading or of several combined."""

    name: str
    levels: dict[str, float]
    points: dict[str, float]
    composite: float


def resolve(
    readings: Iterable[Reading], criteria: Sequence[CriterionScale], rule: Rule
) -> Waiting | Discrepant | NeedsReading | Resolved:
    """Say what the readings of one work amount to under a rule.

    In this order: `Waiting` for too few readings; `Discrepant` while nobody has adjudicated;
    `NeedsReading` near or below the cut; else `Resolved`. Two peers may differ freely: peers are
    compared with professionals only, as the median of at least ``peers_needed`` readings. The score
    is the professional readings' combination, an adjudicator's among them; without any it is the
    peers' median. Neither the order of readings nor of criteria matters.

    Parameters
    ----------
    readings : complete readings of one work; a missing one is simply not there, never a zero
    criteria : every criterion of the rubric
    rule : see `Rule`

    Raises
    ------
    ValueError
        A reading without a level on some criterion, with an unknown criterion or level, two
        readings with one key, two criteria with one code, or no criterion with a weight.
    """
    ordered = sorted(readings, key=lambda reading: reading.key)
    _check(ordered, criteria)
    given = [reading for reading in ordered if reading.pool == "professional"]
    professionals = [reading for reading in given if reading.whole]
    peers = [reading for reading in ordered if reading.pool == "peer" and reading.whole]

    waiting = _waiting(len(professionals), len(peers), rule)
    if waiting is not None:
        return waiting

    if professionals:
        used, score = given, _combine(given, criteria, rule.resolution)
        method = rule.resolution.method
    else:
        used, score = peers, _combine(peers, criteria, Resolution.MEDIAN)
        method = PEER_METHOD

    if not any(reading.adjudication for reading in professionals):
        findings = _findings(professionals, peers, score, criteria, rule)
        if findings:
            return Discrepant(findings)

    needs = _needs_reading(score.composite, len(professionals), rule)
    if needs is not None:
        return needs

    singles = [_single(reading, criteria).composite for reading in professionals]
    return Resolved(
        points=score.points,
        levels=score.levels,
        composite=score.composite,
        keys=tuple(reading.key for reading in used),
        standard_error=rule.resolution.standard_error(singles),
        n_professional=len(professionals),
        n_peer=0 if professionals else len(peers),
        method=f"{method}/1",
    )


def _check(readings: Sequence[Reading], criteria: Sequence[CriterionScale]) -> None:
    codes = [criterion.code for criterion in criteria]
    if len(set(codes)) != len(codes):
        raise ValueError("two criteria have one code")
    if not any(criterion.weight > 0 for criterion in criteria):
        raise ValueError("no criterion has a weight")
    for one, other in pairwise(readings):
        if one.key == other.key:
            raise ValueError(f"two readings are called {one.key}")
    for reading in readings:
        for code in reading.levels:
            if code not in codes:
                raise ValueError(f"reading {reading.key} has an unknown criterion {code}")
        for criterion in criteria:
            if criterion.code not in reading.levels:
                raise ValueError(
                    f"reading {reading.key} is incomplete: no level on criterion {criterion.code}"
                )
            level = reading.levels[criterion.code]
            if isinstance(level, bool) or level not in range(len(criterion.points)):
                raise ValueError(
                    f"reading {reading.key}: criterion {criterion.code} has no level {level!r}"
                )


def _waiting(n_professional: int, n_peer: int, rule: Rule) -> Waiting | None:
    professional_short = max(0, rule.professional_readings - n_professional)
    if professional_short:
        return Waiting("professional", professional_short, max(0, rule.peers_needed - n_peer))
    # Where nothing is asked for, a score still needs something to rest on.
    peers_short = max(1, rule.peers_needed) - n_peer
    if not n_professional and peers_short > 0:
        return Waiting("peers", 0, peers_short)
    return None


def _combine(
    readings: Sequence[Reading],
    criteria: Sequence[CriterionScale],
    resolution: Resolution,
    name: str | None = None,
) -> _Side:
    levels: dict[str, float] = {}
    points: dict[str, float] = {}
    for criterion in criteria:
        given = [
            int(reading.levels[criterion.code])
            for reading in readings
            if criterion.code not in reading.set_aside
        ]
        levels[criterion.code] = resolution.combine(given)
        points[criterion.code] = resolution.combine([criterion.points[level] for level in given])
    alone = readings[0].key if len(readings) == 1 else PROFESSIONALS
    return _Side(name or alone, levels, points, composite_of(points, criteria))


def _single(reading: Reading, criteria: Sequence[CriterionScale]) -> _Side:
    return _combine([reading], criteria, Resolution.MEAN)


def _findings(
    professionals: Sequence[Reading],
    peers: Sequence[Reading],
    score: _Side,
    criteria: Sequence[CriterionScale],
    rule: Rule,
) -> tuple[Finding, ...]:
    singles = [_single(reading, criteria) for reading in professionals]
    pairs = list(combinations(singles, 2))
    if professionals and peers and len(peers) >= rule.peers_needed:
        pairs.append((score, _combine(peers, criteria, Resolution.MEDIAN, PEERS)))
    return tuple(finding for pair in pairs for finding in _apart(*pair, rule))


def _apart(one: _Side, other: _Side, rule: Rule) -> Iterable[Finding]:
    sides = (one.name, other.name)
    for code in sorted(one.levels):
        gap = round(abs(one.levels[code] - other.levels[code]), NOISE)
        if gap > rule.tolerance_levels:
            yield Finding("criterion", code, sides, gap)
    gap = round(abs(one.composite - other.composite), NOISE)
    if gap > rule.tolerance_total:
        yield Finding("total", None, sides, gap)
    passes = [passed(side.composite, rule.cut, decimals=rule.decimals) for side in (one, other)]
    if rule.across_cut and passes[0] != passes[1]:
        yield Finding("cut", None, sides, gap)


def _needs_reading(number: float, n_professional: int, rule: Rule) -> NeedsReading | None:
    near = abs(rounded(number, rule.decimals) - Decimal(str(rule.cut))) <= Decimal(
        str(rule.near_cut)
    )
    failed = not passed(number, rule.cut, decimals=rule.decimals)
    near_short = rule.readings_near_cut - n_professional if near else 0
    failed_short = rule.readings_before_not_passed - n_professional if failed else 0
    if near_short > 0:
        return NeedsReading("near_cut", max(near_short, failed_short))
    if failed_short > 0:
        return NeedsReading("not_passed", failed_short)
    return None
