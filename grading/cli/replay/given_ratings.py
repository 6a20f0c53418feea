"""Ratings that people really gave, read from a file, and the rubric that they amount to."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from grading.errors import Fault, FaultsFound
from grading.rubric.definition import Criterion, Level, Rubric

COURSES = [("first", "First course"), ("second", "Second course"), ("third", "Third course")]


@dataclass(frozen=True)
class GivenRatings:
    """What people really gave: ``levels[work][rater][criterion]`` as level index.

    ``values`` are the scores of the file in rising order; a level index points into them.
    """

    levels: dict[str, dict[str, dict[str, int]]]
    criteria: tuple[str, ...]
    raters: tuple[str, ...]
    values: tuple[float, ...]

    def mean(self, work: str, raters: set[str] | None = None) -> float:
        """The mean score of a work over criteria and raters, on the file's own scale."""
        given = [
            self.values[level]
            for rater, levels in self.levels[work].items()
            if raters is None or rater in raters
            for level in levels.values()
        ]
        return math.fsum(given) / len(given) if given else math.nan


def read_ratings(path: Path) -> GivenRatings:
    """Read ``work,rater,criterion,score``; further columns are passed over.

    A rater's reading of a work counts when it has every criterion.

    Raises
    ------
    FaultsFound
        Columns missing, a score that is no number, the same rating twice.
    """
    faults: list[Fault] = []
    given: dict[tuple[str, str, str], float] = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"work", "rater", "criterion", "score"} - set(reader.fieldnames or ())
        if missing:
            raise FaultsFound(
                [
                    Fault("line 1", "The column “%(name)s” is missing.", {"name": name})
                    for name in sorted(missing)
                ]
            )
        for row in reader:
            key = (row["work"].strip(), row["rater"].strip(), row["criterion"].strip())
            where = f"line {reader.line_num}"
            if not row["score"].strip():
                continue
            try:
                score = float(row["score"])
            except ValueError:
                faults.append(
                    Fault(where, "The score “%(text)s” is no number.", {"text": row["score"]})
                )
                continue
            if key in given:
                faults.append(Fault(where, "This rating stands in the file twice."))
            given[key] = score
    if not given and not faults:
        faults.append(Fault(path.name, "The file has no ratings."))
    if faults:
        raise FaultsFound(faults)
    values = tuple(sorted(set(given.values())))
    criteria = tuple(sorted({criterion for _, _, criterion in given}))
    index = {value: level for level, value in enumerate(values)}
    levels: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for (work, rater, criterion), score in given.items():
        levels[work][rater][criterion] = index[score]
    complete = {
        work: {rater: sheet for rater, sheet in sheets.items() if len(sheet) == len(criteria)}
        for work, sheets in levels.items()
    }
    raters = tuple(sorted({rater for _, rater, _ in given}))
    return GivenRatings(dict(sorted(complete.items())), criteria, raters, values)


def rubric_of(ratings: GivenRatings) -> Rubric:
    low = ratings.values[0]
    levels = tuple(
        Level(f"Level {value:g}", value - low, f"The level that raters scored {value:g}.")
        for value in ratings.values
    )
    weights = [round(100 / len(ratings.criteria), 6)] * len(ratings.criteria)
    weights[-1] = 100 - math.fsum(weights[:-1])
    codes = [code for code, _ in COURSES]
    return Rubric(
        name="replay",
        title="Replayed ratings",
        version=1,
        description="The criteria and the scale of the file.",
        criteria=tuple(
            Criterion(
                criterion_code(name), name, f"What {name} stands for.", weight, tuple(codes), levels
            )
            for name, weight in zip(ratings.criteria, weights, strict=True)
        ),
    )


def criterion_code(name: str) -> str:
    """Give a criterion's name as a code; one that is a code already stays."""
    plain = "".join(
        letter if letter.isalnum() and letter.isascii() else "_" for letter in name.lower()
    )
    return plain if plain[:1].isalpha() else f"c_{plain}"
