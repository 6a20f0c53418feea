"""When the next item is a check item: at random, first of the day, and again after a miss.

Whoever grades cannot tell: the choice depends on a hash of rater and number, never on a pattern.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """What decides whether a rater's next item is a check item.

    Attributes
    ----------
    sheets : items the rater has finished in the cohort, check items among them
    checks : check items among them
    today : items finished or at hand since the day began, in the rater's zone
    missed : whether the last check item was outside the tolerance
    alarmed : whether an alarm about the rater is open, or a standing is provisional
    """

    sheets: int
    checks: int
    today: int
    missed: bool
    alarmed: bool


def draw(rater_id: str, cohort_id: str, number: int) -> float:
    """Draw a number in [0, 1) that rater, cohort and number fix and nobody can foresee without them."""
    digest = hashlib.sha256(f"{cohort_id}:{rater_id}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def due(
    facts: Facts, *, every: int, early_every: int, early: int, first_of_day: bool, chance: float
) -> bool:
    """Say whether the next item is a check item.

    Parameters
    ----------
    every : int
        One in so many; 0 gives none at all.
    early_every, early : int
        One in ``early_every`` among a rater's first ``early`` sheets, after a miss and while alarmed.
    chance : float
        From `draw`.

    Examples
    --------
    >>> usual = dict(every=10, early_every=5, early=30, first_of_day=True, chance=0.15)
    >>> due(Facts(sheets=40, checks=5, today=3, missed=False, alarmed=False), **usual)
    False
    >>> due(Facts(sheets=40, checks=5, today=3, missed=True, alarmed=False), **usual)
    True
    """
    if every <= 0:
        return False
    if first_of_day and facts.today == 0 and facts.sheets > 0:
        return True
    often = facts.sheets < early or facts.missed or facts.alarmed
    rate = 1 / (min(early_every, every) if often else every)
    return chance < rate
