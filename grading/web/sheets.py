"""The score sheet's criteria as the macros of the bench want them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from grading.errors import Fault
from grading.readings.reviews import Sheet
from grading.rubric.definition import Criterion, Rubric
from grading.web.errors import fault_words


@dataclass(frozen=True)
class SheetCriterion:
    """A criterion with what the rater put on it."""

    code: str
    title: str
    guidance: str
    levels: tuple[Any, ...]
    chosen: int | None
    comment: str
    error: str | None


def criteria(rubric: Rubric, sheet: Sheet, faults: Iterable[Fault]) -> list[SheetCriterion]:
    """Put a sheet's levels and comments, and what is wrong with them, beside the rubric's criteria."""
    errors = {fault.where: fault_words(fault) for fault in faults}

    def one(criterion: Criterion) -> SheetCriterion:
        return SheetCriterion(
            criterion.code,
            criterion.title,
            criterion.guidance,
            criterion.levels,
            sheet.levels.get(criterion.code),
            sheet.comments.get(criterion.code, ""),
            errors.get(criterion.code),
        )

    return [one(criterion) for criterion in rubric.criteria]
