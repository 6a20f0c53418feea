"""The score sheet: as the macros of the bench want it, and as its form sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wtforms import HiddenField, IntegerField, StringField, TextAreaField

from grading.errors import Fault, FaultsFound
from grading.readings.reviews import Sheet
from grading.rubric.definition import Criterion, Rubric
from grading.texts import whole_number
from grading.web.forms import Form


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


def criteria(
    rubric: Rubric, sheet: Sheet, errors: Mapping[str, str] | None = None
) -> list[SheetCriterion]:
    """Put a sheet's levels and comments, and what is wrong with them, beside the rubric's criteria.

    Parameters
    ----------
    errors : mapping, optional
        What is wrong, in words, by the code of a criterion.
    """
    errors = errors or {}

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


def chosen_levels(form: Form, codes: Sequence[str]) -> dict[str, int]:
    """Give the levels that were chosen; one that is no number is none of the rubric's."""
    chosen = {code: form[f"level-{code}"].data for code in codes}
    numbers = {code: whole_number(level) for code, level in chosen.items() if level}
    return {code: -1 if number is None else number for code, number in numbers.items()}


class SheetForm(Form):
    """What was entered on a sheet, with the version the page held. `sheet_form` adds the criteria."""

    version = IntegerField(default=0)
    comment = TextAreaField()
    then = HiddenField()
    codes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def sheet(self) -> Sheet:
        """Give what was entered."""
        levels = chosen_levels(self, self.codes)
        comments = {code: self[f"comment-{code}"].data for code in self.codes}
        return Sheet(levels, comments, self.comment.data)

    def take(self, error: FaultsFound) -> list[str]:
        """Keep the faults for the criteria that the page draws by itself."""
        self.faults = error.faults
        return []


def sheet_form(rubric: Rubric) -> SheetForm:
    """Read the form of a sheet: a level and a comment for each criterion of the rubric."""
    codes = tuple(criterion.code for criterion in rubric.criteria)
    fields: dict[str, Any] = {"codes": codes}
    for code in codes:
        fields |= {f"level-{code}": StringField(), f"comment-{code}": TextAreaField()}
    return cast(SheetForm, type("RubricSheetForm", (SheetForm,), fields)())
