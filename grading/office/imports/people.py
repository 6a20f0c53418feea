"""A row of a roster."""

from dataclasses import dataclass
from typing import Annotated

from grading.cohorts import groups
from grading.office.imports.cells import label, name, new_account, one_of
from grading.office.imports.common import ImportedRow
from grading.workflow.cohort import Role


@dataclass(frozen=True)
class RosterRow(ImportedRow):
    """Somebody has a part, and a learner may be in a group."""

    email: Annotated[str, new_account]
    name: Annotated[str, name]
    role: Annotated[Role, one_of(Role)]
    group: Annotated[str, label(groups.LONGEST_NAME)] = ""
