"""The planted faults have their places: a rule that was rewritten takes its fault along."""

from collections.abc import Iterator
from pathlib import Path

from tests.planted_faults import FAULTS, places

ROOT = Path(__file__).resolve().parents[1]


def misplaced() -> Iterator[str]:
    sources = [path.read_text("utf-8") for path in (ROOT / "grading").rglob("*.py")]
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for fault in FAULTS:
        count = sum(len(places(fault.old).findall(source)) for source in sources)
        if count != 1:
            yield f"{fault.name}: its place is there {count} times"
        yield from (f"{fault.name}: no {name}" for name in fault.tests if name not in files)


def test_every_planted_fault_has_its_place_and_its_tests() -> None:
    assert list(misplaced()) == []
