"""What import contracts cannot say of the floors; the contracts stand in pyproject.toml."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "grading"

# Only the edges may look at the clock or the environment, or end a transaction.
EDGES = {"cli", "web", "jobs", "__main__", "adapters"}
EDGE_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("os", "environ"),
    ("os", "getenv"),
}
MAY_COMMIT = EDGES | {"db", "migrations"}


def faults_of(floor: str, source: str) -> Iterator[str]:
    """Name what one file does that its floor may not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"{floor} imports relatively"
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Name) and (node.value.id, node.attr) in EDGE_CALLS:
            if floor not in EDGES:
                yield f"{floor} uses {node.value.id}.{node.attr}"
        elif node.attr == "commit" and floor not in MAY_COMMIT:
            yield f"{floor} commits"


def test_only_the_edges_look_at_the_clock_and_commit() -> None:
    faults = [
        f"{path.relative_to(PACKAGE)}: {fault}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for fault in faults_of(
            path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path.read_text("utf-8")
        )
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("floor", "source", "fault"),
    [
        ("ledger", "session.commit()", "ledger commits"),
        ("scores", "from datetime import datetime\ndatetime.now()", "scores uses datetime.now"),
        ("workflow", "import os\nos.environ['HOME']", "workflow uses os.environ"),
        ("people", "from . import accounts", "people imports relatively"),
    ],
)
def test_the_check_has_teeth(floor: str, source: str, fault: str) -> None:
    assert fault in list(faults_of(floor, source))


# Where a day is taken from an instant other than by `workflow/deadlines`, and why.
SIGNED = "a credential's days are UTC days, as its document says them"
DAYS_ELSEWHERE = {
    "cohorts/contents.py": SIGNED,
    "people/queries/identity_checks.py": SIGNED,
    "records/queries/evidence.py": SIGNED,
    "records/records.py": SIGNED,
    "records/verifying.py": SIGNED,
    "web/public/looks.py": SIGNED,
    "web/privacy/own.py": "looks are counted by UTC days",
    "cli/cohort.py": "the option of a command is a day without a zone",
    "cli/replay/player.py": "a replay lives in UTC",
    "office/imports/cells.py": "a cell of a table has no zone",
    "office/imports/workbook.py": "a cell of a table has no zone",
    "ledger/outbox.py": "the morning is given in the person's zone",
    "web/admin/cohorts.py": "what was typed has no zone yet",
    "web/rendering.py": "the instant is given in the reader's zone",
}


def takes_a_day(source: str) -> bool:
    """Whether a file asks an instant for its day, or makes an instant of day and time, by itself."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            (node.func.attr == "date" and not node.args)
            or (
                node.func.attr == "combine"
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "datetime"
            )
        )
        for node in ast.walk(ast.parse(source))
    )


def test_days_and_instants_are_turned_into_each_other_in_one_place() -> None:
    by_hand = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if takes_a_day(path.read_text("utf-8"))
    }
    known = {*DAYS_ELSEWHERE, "workflow/deadlines.py"}
    assert {path for path in by_hand if not path.startswith("cli/demo/")} == known
