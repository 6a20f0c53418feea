"""What a page says of where somebody stands: a cell of a table, with its dates and numbers filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from grading.web import rendering
from grading.workflow.capstone_page import Cell


@dataclass(frozen=True)
class Told:
    """A cell and what goes into the places of its sentence."""

    cell: Cell
    places: Mapping[str, Any]

    @property
    def sentence(self) -> Markup:
        return Markup(escape(rendering.said(self.cell.sentence))) % self.places
