"""Published examples that several tests use, with their sources."""

import numpy as np

from grading.measurement.agreement.units import Patterns
from grading.measurement.ratings import Ratings

# Landis & Koch 1977, multiple sclerosis patients, two neurologists (R package vcd).
WINNIPEG = [[38, 5, 0, 1], [33, 11, 3, 0], [10, 14, 5, 6], [3, 7, 3, 10]]
NEW_ORLEANS = [[5, 3, 0, 0], [3, 11, 4, 0], [2, 13, 3, 4], [1, 2, 4, 14]]
# Gwet's examples (irrCAC for R 1.0): cont3x3abstractors, cont4x4diagnosis.
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
DIAGNOSIS = [[40, 6, 4, 15], [4, 25, 1, 5], [4, 2, 21, 9], [17, 13, 12, 45]]
# Stuart 1953: unaided vision of 7,477 women.
VISION = [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]

# Fleiss 1971, 30 patients by 6 raters: Depression, Personality, Schizophrenia, Neurosis, Other.
_COUNTS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
FLEISS = [[int(digit) for digit in row] for row in _COUNTS.split()]
# The example of the Wikipedia article on Fleiss' kappa: 10 subjects, 14 raters, 5 categories.
WIKIPEDIA = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip

# Krippendorff's own example, four coders and twelve units; "." is missing. Gwet has the same numbers as
# cac.raw4raters, where the lone mark of unit 12 is coder C's: only Conger's kappa tells the difference.
CODERS = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . .",
    "C": ". 3 3 3 2 3 4 2 2 5 1 3",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}

# Shrout & Fleiss 1979: 6 targets by 4 judges.
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

# Anxiety, 20 subjects by 3 raters (R package irr).
ANXIETY = np.array(
    [
        [int(value) for value in row.split()]
        for row in (
            "3 3 3 4 5 5 2 3 5 2 2 6 1 5 2 2 1 2 4 3",
            "3 6 4 6 2 4 2 4 3 3 2 3 3 3 2 2 1 3 3 4",
            "2 1 4 4 3 2 1 6 1 1 1 2 3 3 1 1 3 3 2 2",
        )
    ]
).T

# Brennan (2001) data set 3.2, 10 persons x (4 raters nested in each of 3 tasks); from R gtheory.
BRENNAN = """
1 5 6 5 5 5 3 4 5 6 7 3 3
2 9 3 7 7 7 5 5 5 7 7 5 2
3 3 4 3 3 5 3 3 5 6 5 1 6
4 7 5 5 3 3 1 4 3 5 3 3 5
5 9 2 9 7 7 7 3 7 2 7 5 3
6 3 4 3 5 3 3 6 3 4 5 1 2
7 7 3 7 7 7 5 5 7 5 5 5 4
8 5 8 5 7 7 5 5 4 3 2 1 1
9 9 9 8 8 6 6 6 5 5 8 1 1
10 4 4 4 3 3 5 6 5 5 7 1 1
"""


def coders() -> Ratings:
    """Krippendorff's example as ratings."""
    return long(
        (unit, coder, None if value == "." else int(value))
        for coder, line in CODERS.items()
        for unit, value in enumerate(line.split())
    )


def judges() -> Ratings:
    """Shrout and Fleiss' example as ratings."""
    return long((w, r, x) for w, given in enumerate(JUDGES) for r, x in enumerate(given))


def brennan() -> Ratings:
    """Brennan's data set 3.2; the criterion is the task."""
    rows = []
    for line in BRENNAN.split("\n"):
        if line:
            person, *scores = line.split()
            rows += [(person, f"r{i}", int(score), i // 4) for i, score in enumerate(scores)]
    work, rater, level, task = (list(column) for column in zip(*rows, strict=True))
    return Ratings.from_long(work, rater, level, criterion=task)


def long(rows: object) -> Ratings:
    """Ratings of (work, rater, level) rows."""
    columns = [list(column) for column in zip(*rows, strict=True)]  # type: ignore[call-overload]
    return Ratings.from_long(*columns)


def units_of_pairs(table: list[list[int]]) -> Patterns:
    """A table of two raters' pairs as works rated twice, for coefficients of any raters.

    Standard errors are then those of raw ratings, with n (n - 1) in the denominator.
    """
    counts = np.asarray(table, dtype=float)
    first, second = (index.ravel() for index in np.indices(counts.shape))
    identity = np.eye(len(counts))
    return Patterns(identity[first] + identity[second], counts.ravel())
