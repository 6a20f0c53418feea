"""Scales: from values to places on a drawing."""

import math
from dataclasses import dataclass

from grading.web.number_words import short_number


@dataclass(frozen=True)
class Linear:
    """A straight line from values to places; either end may be the larger.

    Attributes
    ----------
    low, high : float
        The values at the two ends.
    start, end : float
        Their places, in units of the drawing.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def clipped(self, value: float) -> float:
        """Place a value, one outside at the nearer end."""
        return self(min(max(value, self.low), self.high))


def step_of(span: float, most: int) -> float:
    """Give the smallest step of 1, 2 or 5 times a power of ten that cuts a span into few parts."""
    if not span > 0:
        raise ValueError("a scale needs a span")
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """List round values from ``low`` to ``high``, at most ``most + 1`` of them."""
    step = step_of(high - low, most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    places = max(-math.floor(math.log10(step)), 0)
    return [round(index * step, places) + 0.0 for index in range(first, last + 1)]


def rounded_out(low: float, high: float, most: int = 6) -> tuple[float, float]:
    """Widen a range to round values; one without a span gets one."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = step_of(high - low, most)
    places = max(-math.floor(math.log10(step)), 0)
    return (
        round(math.floor(low / step + 1e-9) * step, places) + 0.0,
        round(math.ceil(high / step - 1e-9) * step, places) + 0.0,
    )


def tick_words(value: float) -> str:
    """Write a tick without zeros that say nothing, with a real minus sign."""
    return short_number(value).replace("-", "\N{MINUS SIGN}")
