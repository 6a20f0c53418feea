"""The demo's projects: a table of bicycle counts that is made up here, and what somebody wrote about it.

What a project says follows from the levels it was drawn to have. A low level says what the table beside it
contradicts (a wrong period, a mean that is not the table's, the wrong day of the week), so that reading a
project and rating it make sense together.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grading.cli.demo import texts

STREETS = (
    "Canal Street", "Mill Bridge", "Station Road", "Harbour Quay", "Orchard Lane", "Tower Hill",
)  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June")
# How the year moves a street's counts, month by month.
_SEASON = np.array([0.78, 0.82, 0.95, 1.05, 1.17, 1.23])

_CRITERIA = tomllib.loads(texts.read("projects.toml"))
TITLES: Mapping[str, str] = {code: said["title"] for code, said in _CRITERIA.items()}
# By criterion and level, lowest first: three ways to say it.
FRAGMENTS: Mapping[str, Sequence[Sequence[str]]] = {
    code: said["levels"] for code, said in _CRITERIA.items()
}
CRITERIA = tuple(FRAGMENTS)


@dataclass(frozen=True)
class Counts:
    """A street's made-up means a day, by month: working days and weekends."""

    street: str
    working: tuple[int, ...]
    weekend: tuple[int, ...]

    @property
    def mean(self) -> int:
        return round(sum(self.working) / len(self.working))

    @property
    def weekend_mean(self) -> int:
        return round(sum(self.weekend) / len(self.weekend))


def count(rng: np.random.Generator) -> Counts:
    """Draw a street's counts; weekends are always below working days, and both rise with the year."""
    base, quiet = rng.uniform(380, 640), rng.uniform(0.45, 0.75)
    working = np.sort(base * _SEASON * rng.uniform(0.98, 1.02, len(MONTHS)))
    weekend = np.sort(quiet * base * _SEASON * rng.uniform(0.97, 1.03, len(MONTHS)))
    street = STREETS[int(rng.integers(len(STREETS)))]
    return Counts(
        street,
        tuple(int(value) for value in working.round()),
        tuple(int(value) for value in weekend.round()),
    )


def _values(counts: Counts, rng: np.random.Generator) -> dict[str, object]:
    mean, half = counts.mean, int(rng.integers(18, 34))
    shift = int(rng.integers(4, 12))
    return {
        "street": counts.street,
        "mean": mean,
        "weekend": counts.weekend_mean,
        "difference": mean - counts.weekend_mean,
        "half": half,
        "low": mean - half,
        "high": mean + half,
        "error": round(half / 1.96),
        "threshold": (mean - half) // 50 * 50,
        "january": counts.working[0],
        "june": counts.working[-1],
        "december": 2 * counts.working[-1] - counts.working[0],
        "mean_plus": mean + int(rng.integers(3, 12)),
        "mean_less": mean - int(rng.integers(3, 12)),
        "mean_filled": mean - int(rng.integers(1, 4)),
        "mean_kept": mean - shift,
        "shift": shift,
        "wrong": mean + 170,
        "missed": int(rng.integers(4, 12)),
        "trikes": int(rng.integers(2, 6)),
        "removed": int(rng.integers(3, 14)),
    }


def write(levels: Mapping[str, int], rng: np.random.Generator) -> tuple[str, str]:
    """Write a project that shows the levels: its title and its text in Markdown."""
    counts = count(rng)
    values = _values(counts, rng)
    table = "\n".join(
        [
            "| Month | working day | weekend day |",
            "|---|---:|---:|",
            *(
                f"| {month} | {working} | {weekend} |"
                for month, working, weekend in zip(
                    MONTHS, counts.working, counts.weekend, strict=True
                )
            ),
            f"| January to June | {counts.mean} | {counts.weekend_mean} |",
        ]
    )
    parts = []
    for code, by_level in FRAGMENTS.items():
        variants = by_level[levels[code]]
        said = variants[int(rng.integers(len(variants)))].format(**values)
        parts.append(f"## {TITLES[code]}\n\n{said}")
        if code == "measurement":
            parts.append(f"Bicycles a day on {counts.street}:\n\n{table}")
    return f"Bicycles on {counts.street}", "\n\n".join(parts)
