"""The scale of results: criteria to a composite, a composite to the value and band that are printed.

Two quantities are kept apart:

- the *composite*, a float of 100, never rounded: what is averaged, compared and kept;
- the *value*, a Decimal on the grade scale: the composite rounded once, half up, at the very end.

Whatever is asked about the cut score or a band is asked of the value, here and on release alike. So a printed
60 at a cut of 60 is always a pass.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

NOISE = 9  # decimal places beyond which a float's last bits are not a difference
# Values are rounded half up to whole points, so on the unrounded scale a band begins half a point lower.
HALF_POINT = 0.5


@dataclass(frozen=True)
class CriterionScale:
    """One criterion: its weight, and the points of each level by level index.

    Points need not rise with the index: a scale may run from best to worst.
    """

    code: str
    weight: float
    points: tuple[float, ...]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"criterion {self.code}: the weight must be a number, at least 0")
        if not all(math.isfinite(value) and value >= 0 for value in self.points):
            raise ValueError(f"criterion {self.code}: points must be numbers, at least 0")
        if not self.points or max(self.points) <= 0:
            raise ValueError(f"criterion {self.code}: some level must be worth points")


class Graded(NamedTuple):
    """What is released: the rounded value, and the band read from it (None below the lowest)."""

    value: Decimal
    band: str | None


def composite_of(points: Mapping[str, float], criteria: Sequence[CriterionScale]) -> float:
    """Weigh a work's points on each criterion into one number of 100, unrounded.

    ``100 * sum(weight * points / most points) / sum(weight)``

    Raises
    ------
    ValueError
        A criterion without points (never taken as zero), or no criterion with a weight.
    """
    total = math.fsum(criterion.weight for criterion in criteria)
    if not total > 0:
        raise ValueError("no criterion has a weight")
    for criterion in criteria:
        if criterion.code not in points:
            raise ValueError(f"criterion {criterion.code} has no points")
    share = math.fsum(c.weight * (points[c.code] / max(c.points)) for c in criteria)
    return 100 * (share / total)


def level_worth(criteria: Sequence[CriterionScale]) -> dict[Hashable, list[float]]:
    """Give what each level of each criterion adds to a composite; the addends of `composite_of`."""
    total = math.fsum(criterion.weight for criterion in criteria)
    return {
        criterion.code: [
            100 * criterion.weight / total * points / max(criterion.points)
            for points in criterion.points
        ]
        for criterion in criteria
    }


def rounded(composite: float, decimals: int = 0) -> Decimal:
    """Round a composite once, half up, on the grade scale; a float's last bits do not count.

    Raises
    ------
    ValueError
        The composite is NaN or outside 0 to 100.
    """
    if not -1e-9 <= composite <= 100 + 1e-9:
        raise ValueError(f"a composite lies between 0 and 100, not at {composite}")
    plain = Decimal(composite).quantize(Decimal(1).scaleb(-NOISE), ROUND_HALF_EVEN)
    return plain.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) + 0


def passed(composite: float, cut: float, *, decimals: int = 0) -> bool:
    """Whether the value that would be printed reaches the cut: 59.5 is printed 60 and passes 60.

    Raises
    ------
    ValueError
        The composite is NaN or outside 0 to 100.
    """
    return rounded(composite, decimals) >= Decimal(str(cut))


def graded(composite: float, bands: Iterable[tuple[float, str]], *, decimals: int = 0) -> Graded:
    """Round a composite once, half up, and read its band from the rounded value.

    Parameters
    ----------
    composite : of 100, unrounded; differences beyond the ninth decimal place are float noise
    bands : (lowest value, name), in any order
    decimals : decimal places of the grade scale

    Raises
    ------
    ValueError
        The composite is NaN or outside 0 to 100.

    Examples
    --------
    >>> graded(59.5, [(60.0, "Pass"), (85.0, "Pass with distinction")])
    Graded(value=Decimal('60'), band='Pass')
    >>> graded(59.499999, [(60.0, "Pass")])
    Graded(value=Decimal('59'), band=None)
    """
    value = rounded(composite, decimals)
    reached = [name for low, name in sorted(bands) if value >= Decimal(str(low))]
    return Graded(value, reached[-1] if reached else None)


def band_cuts(bands: Iterable[tuple[float, str]]) -> tuple[float, ...]:
    """Say where bands begin on the unrounded scale, for probabilities of a true score."""
    return tuple(low - HALF_POINT for low, _name in bands)
