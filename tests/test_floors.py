"""The house's floors: a room imports only from floors below it, and the table has no circle."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "grading"

# Top down, as the architecture draws it. Rooms of one floor do not import each other.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"wsgi", "__main__"}),
    frozenset({"app"}),
    frozenset({"cli"}),
    frozenset({"web", "jobs"}),
    frozenset({"services"}),
    frozenset({"authorization", "queries", "db", "migrations"}),
    frozenset({"models"}),
    frozenset({"workflow", "rubric", "settings", "adapters"}),
    frozenset({"credential"}),
    frozenset({"measurement", "errors", "ports", "assets"}),
)
# A pair on one floor or upwards that is wanted all the same, with its reason.
EXCEPTIONS = {
    ("cli", "jobs"): "a command runs workers; it stands above them",
}
NO_FLASK = {
    "models", "services", "workflow", "rubric", "credential", "measurement", "queries",
    "authorization",
}  # fmt: skip
FLASK = (
    "flask",
    "werkzeug",
    "wtforms",
    "flask_login",
    "flask_wtf",
    "flask_babel",
    "flask_sqlalchemy",
)
# Only the edges may look at the clock or the environment.
EDGES = {"cli", "web", "jobs", "__main__", "wsgi", "adapters"}
EDGE_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("os", "environ"),
    ("os", "getenv"),
}


def level(room: str) -> int:
    return next(index for index, floor in enumerate(FLOORS) if room in floor)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        if path == PACKAGE / "__init__.py":
            continue
        yield parts[0].removesuffix(".py"), path
    yield "wsgi", PACKAGE.parent / "wsgi.py"


def imported(tree: ast.AST, path: Path) -> Iterator[str]:
    """Every module a file imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            if node.module == "grading":
                yield from (f"grading.{alias.name}" for alias in node.names)


def faults_of(room: str, source: str, name: str = "x.py") -> list[str]:
    """What one file does that its room may not."""
    tree = ast.parse(source)
    found = []
    for module in imported(tree, Path(name)):
        top, _, rest = module.partition(".")
        target = rest.partition(".")[0]
        if top == "grading" and target and target != room:
            down = level(target) > level(room)
            if not down and (room, target) not in EXCEPTIONS:
                found.append(f"{room} imports {target}")
            if target == "adapters" and room != "app":
                found.append(f"{room} knows adapters")
        if room in NO_FLASK and top in FLASK:
            found.append(f"{room} loads {top}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in EDGE_CALLS and room not in EDGES:
                found.append(f"{room} uses {node.value.id}.{node.attr}")
            if node.attr == "commit" and room in {"services", "models"}:
                found.append(f"{room} commits")
    return found


ALL = list(modules())


@pytest.mark.parametrize(
    ("room", "path"), ALL, ids=[str(path.relative_to(PACKAGE.parent)) for _, path in ALL]
)
def test_a_room_looks_down_only(room: str, path: Path) -> None:
    assert faults_of(room, path.read_text(encoding="utf-8"), str(path)) == []


def test_every_room_is_in_the_table_and_every_row_is_a_room() -> None:
    listed = [room for floor in FLOORS for room in floor]
    assert len(listed) == len(set(listed))
    assert {room for room, _ in ALL} == set(listed)


@pytest.mark.parametrize(
    ("room", "source", "fault"),
    [
        ("services", "from grading.jobs import worker", "services imports jobs"),
        ("services", "import flask", "services loads flask"),
        ("services", "def f():\n    from grading.web import access", "services imports web"),
        ("measurement", "from grading import errors", "measurement imports errors"),
        ("models", "from grading.db import db", "models imports db"),
        ("web", "from grading.adapters.mail import open_mailer", "web knows adapters"),
        ("services", "session.commit()", "services commits"),
        ("queries", "from datetime import datetime\ndatetime.now()", "queries uses datetime.now"),
        ("rubric", "from grading.workflow import plan", "rubric imports workflow"),
    ],
)
def test_the_check_has_teeth(room: str, source: str, fault: str) -> None:
    assert fault in faults_of(room, source)
