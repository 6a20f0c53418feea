"""The rules by which several professional readings become one number, and how sure it is.

A new rule is a member of `Resolution`: type checking then names each `match` that has to know it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from enum import StrEnum

from grading.measurement.scoring.scale import CriterionScale


class Resolution(StrEnum):
    """How professional readings become one number.

    Severity is the mean until all readings of the cohort are in; then how strict each grader is comes off.
    """

    MEAN = "mean"
    MEDIAN = "median"
    SEVERITY = "severity"

    def combine(self, values: Sequence[float]) -> float:
        """Give one number for the readings of a work."""
        match self:
            case Resolution.MEAN | Resolution.SEVERITY:
                return statistics.fmean(values)
            case Resolution.MEDIAN:
                return float(statistics.median(values))

    def is_mean_of(self, n: int) -> bool:
        """Whether the number of so many readings is their mean; of two, median and mean are the same."""
        match self:
            case Resolution.MEAN | Resolution.SEVERITY:
                return True
            case Resolution.MEDIAN:
                return n <= 2

    def standard_error(self, composites: Sequence[float]) -> float:
        """Give the standard error of a work's composite from its readings' composites.

        NaN for fewer than two readings, and for a median of more than two.
        """
        n = len(composites)
        if n < 2 or not self.is_mean_of(n):
            return math.nan
        return statistics.stdev(composites) / math.sqrt(n)

    def shares(
        self, readings: Mapping[str, Mapping[str, int]], criteria: Sequence[CriterionScale]
    ) -> dict[str, float]:
        """Say how much of the composite is each reading's; the shares add up to 1.

        Of a median of more than two no reading has a share of its own: what is given is the mean's.

        Parameters
        ----------
        readings : mapping
            Levels by criterion, by the reading's key; a reading may lack criteria.
        """
        total = math.fsum(criterion.weight for criterion in criteria)
        share = dict.fromkeys(readings, 0.0)
        for criterion in criteria:
            given = [key for key, levels in readings.items() if criterion.code in levels]
            for key in given:
                share[key] += criterion.weight / total / len(given)
        return share

    @property
    def method(self) -> str:
        """What a score is called that was resolved by the rule, work by work."""
        match self:
            case Resolution.MEAN | Resolution.SEVERITY:
                return "mean-of-professional-readings"
            case Resolution.MEDIAN:
                return MEDIAN_METHOD

    @property
    def adjusted_method(self) -> str:
        """What a score is called once graders' severities are known."""
        match self:
            case Resolution.MEAN | Resolution.MEDIAN:
                return self.method
            case Resolution.SEVERITY:
                return "severity-corrected-mean"


MEDIAN_METHOD = "median-of-professional-readings"
PEER_METHOD = "median-of-peer-readings"


class NoRange(StrEnum):
    """Why no likely range is given with a score."""

    PEERS_ONLY = "peers_only"
    ONE_READING = "one_reading"
    ALIKE = "alike"
    MEDIAN = "median"
    UNKNOWN_ERROR = "unknown_error"


def why_no_range(
    standard_error: float | None, *, professionals: int, method: str
) -> NoRange | None:
    """Say why a score has no likely range; None where it has one.

    Parameters
    ----------
    standard_error : float or None
        NaN or None where it is undefined. Of 0 no range is given: readings agree by chance too.
    professionals : int
        Professional readings the score rests on.
    method : str
        Name of the computation, as it is kept with the score.
    """
    if standard_error and math.isfinite(standard_error):
        return None
    if professionals == 0:
        return NoRange.PEERS_ONLY
    if professionals == 1:
        return NoRange.ONE_READING
    if standard_error == 0:
        return NoRange.ALIKE
    return NoRange.MEDIAN if method.startswith(MEDIAN_METHOD) else NoRange.UNKNOWN_ERROR
