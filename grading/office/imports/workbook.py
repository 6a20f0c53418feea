"""Reads one sheet of a workbook (xlsx, xls, ods) in a process of its own, with bounds on memory and time.

A workbook of a few kilobytes can name a cell so far out that reading it takes all the memory there is. So
this file is run as a script: the workbook comes by standard input, its cells go out as JSON.
"""

import io
import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

MOST_MEMORY = 1_000_000_000
MOST_SECONDS = 20
MOST_ROWS = 50_000


@dataclass(frozen=True)
class Workbook:
    """The names of all sheets, and the rows of one, as text from the first cell on."""

    sheets: list[str]
    rows: list[list[str]]


def read_workbook(data: bytes, sheet: str) -> Workbook | None:
    """Read a sheet by its name, the first where no name is given; None where it cannot be read."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(Path(__file__).resolve()), sheet],
            input=data,
            capture_output=True,
            check=True,
            timeout=2 * MOST_SECONDS,
        )
        return Workbook(**json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError):
        return None


def _cell_text(value: Any) -> str:
    """Write a cell as a spreadsheet shows it in the form that does not depend on a country."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return str(value)


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_object(io.BytesIO(sys.stdin.buffer.read()))
    name = sys.argv[1] or workbook.sheet_names[0]
    rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=MOST_ROWS)
    json.dump(
        {
            "sheets": workbook.sheet_names,
            "rows": [[_cell_text(value) for value in row] for row in rows],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    _main()
