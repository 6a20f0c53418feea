"""Reading a rubric from TOML; every fault is named at once, with its file, line and path."""

import math
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from grading.errors import Fault, RubricFault
from grading.rubric.definition import Criterion, Level, Rubric
from grading.texts import clean_text

FEWEST_LEVELS, MOST_LEVELS = 2, 12
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_HEADER = re.compile(r"\s*\[(\[)?\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=\s*(.*)$")
_SYNTAX = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


def _lines(text: str) -> dict[str, int]:
    """Map each path of the document (``criteria[2].weight``) to the line it stands on.

    tomllib keeps no lines, so headers and keys are looked for; what stands inside a multi-line string
    is passed over.
    """
    found: dict[str, int] = {"": 1}
    counts: dict[str, int] = {}
    prefix, closing = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            if closing in line:
                closing = ""
            continue
        if header := _HEADER.match(line):
            prefix = _open(header.group(2).replace(" ", ""), bool(header.group(1)), counts)
            found.setdefault(prefix, number)
        elif key := _KEY.match(line):
            path = f"{prefix}.{key.group(1)}" if prefix else key.group(1)
            found.setdefault(path, number)
            value = key.group(2)
            for quotes in ('"""', "'''"):
                if value.startswith(quotes) and quotes not in value[3:]:
                    closing = quotes
    return found


def _open(name: str, is_array: bool, counts: dict[str, int]) -> str:
    """Give the path that a table header opens, counting the tables of an array."""
    path = ""
    parts = name.split(".")
    for depth, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        last = depth == len(parts) - 1
        if last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path


class _Reader:
    """Gathers the faults of one document."""

    def __init__(self, file: str, lines: Mapping[str, int]) -> None:
        self.file = file
        self.lines = lines
        self.faults: list[Fault] = []

    def fault(self, path: str, template: str, **params: object) -> None:
        self.faults.append(
            Fault(f"{self.file}:{self._line(path)} {path}".rstrip(), template, params)
        )

    def _line(self, path: str) -> int:
        """The line of a path, or of the nearest thing around it."""
        if path not in self.lines and f"{path}[0]" in self.lines:
            path += "[0]"
        while path and path not in self.lines:
            cut = max(path.rfind("."), path.rfind("["))
            path = path[: max(cut, 0)]
        return self.lines.get(path, 1)

    def table(self, value: Any, path: str, known: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fault(path, "This must be a table.")
            return {}
        for key in value:
            if key not in known:
                where = f"{path}.{key}" if path else key
                self.fault(where, "No such key; known are %(known)s.", known=", ".join(known))
        return value

    def text(self, table: dict[str, Any], key: str, path: str, *, needed: bool = True) -> str:
        where = f"{path}.{key}" if path else key
        if key not in table:
            if needed:
                self.fault(where, "The key “%(key)s” is missing.", key=key)
            return ""
        value = table[key]
        if not isinstance(value, str):
            self.fault(where, "This must be text.")
            return ""
        if needed and not clean_text(value):
            self.fault(where, "The text is empty.")
        return clean_text(value).strip()

    def number(self, table: dict[str, Any], key: str, path: str) -> float | None:
        where = f"{path}.{key}" if path else key
        if key not in table:
            self.fault(where, "The key “%(key)s” is missing.", key=key)
            return None
        value = table[key]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(where, "This must be a number.")
            return None
        if not math.isfinite(value):
            self.fault(where, "This must be a finite number.")
            return None
        return float(value)

    def tables(self, table: dict[str, Any], key: str, path: str) -> list[Any]:
        where = f"{path}.{key}" if path else key
        value = table.get(key)
        if value is None:
            self.fault(where, "There are no “%(key)s”.", key=key)
            return []
        if not isinstance(value, list):
            self.fault(where, "This must be a list of tables, each headed [[%(key)s]].", key=key)
            return []
        return value


def load(path: Path) -> Rubric:
    """Read a rubric from a file.

    Raises
    ------
    RubricFault
        Every fault, or that the file is no UTF-8 text.
    OSError
        The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RubricFault([Fault(f"{path.name}:1", "The file is not UTF-8 text.")]) from None
    return loads(text, path=path.name)


def loads(text: str, *, path: str = "rubric.toml") -> Rubric:
    """Read a rubric from TOML text; raises `RubricFault` with every fault."""
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise RubricFault([Fault(f"{path}:1", "The tables are nested too deeply.")]) from None
    except ValueError as error:
        place = _SYNTAX.search(str(error))
        line = place.group(1) if place and place.group(1) else str(len(text.splitlines()) or 1)
        what = _SYNTAX.sub("", str(error)).strip()
        raise RubricFault(
            [Fault(f"{path}:{line}", "This is not TOML: %(what)s.", {"what": what})]
        ) from None
    reader = _Reader(path, _lines(text))
    rubric = _rubric(reader, data)
    if reader.faults:
        raise RubricFault(reader.faults)
    return rubric


def _rubric(reader: _Reader, data: dict[str, Any]) -> Rubric:
    table = reader.table(data, "", ("name", "title", "version", "description", "criteria"))
    name = reader.text(table, "name", "")
    if name and not _NAME.fullmatch(name):
        reader.fault("name", "Use a-z, 0-9 and single hyphens.")
    version = table.get("version")
    if "version" not in table:
        reader.fault("version", "The key “%(key)s” is missing.", key="version")
    elif isinstance(version, bool) or not isinstance(version, int) or version < 1:
        reader.fault("version", "This must be a whole number of at least 1.")
    criteria = [
        _criterion(reader, item, f"criteria[{index}]")
        for index, item in enumerate(reader.tables(table, "criteria", ""))
    ]
    _check_criteria(reader, criteria)
    return Rubric(
        name=name,
        title=reader.text(table, "title", ""),
        version=version if isinstance(version, int) else 0,
        description=reader.text(table, "description", "", needed=False),
        criteria=tuple(criteria),
    )


def _check_criteria(reader: _Reader, criteria: list[Criterion]) -> None:
    seen: dict[str, int] = {}
    for index, criterion in enumerate(criteria):
        if criterion.code and criterion.code in seen:
            reader.fault(
                f"criteria[{index}].code",
                "The code “%(code)s” is taken by criteria[%(other)s].",
                code=criterion.code,
                other=seen[criterion.code],
            )
        seen.setdefault(criterion.code, index)
    weights = [criterion.weight for criterion in criteria]
    # Where a weight itself is wrong, their sum says nothing.
    if criteria and all(weight > 0 for weight in weights) and abs(math.fsum(weights) - 100) > 1e-6:
        reader.fault(
            "criteria",
            "The weights are per cent and must sum to 100; they sum to %(sum)s.",
            sum=f"{math.fsum(weights):g}",
        )


def _criterion(reader: _Reader, item: Any, path: str) -> Criterion:
    table = reader.table(item, path, ("code", "title", "guidance", "weight", "courses", "levels"))
    code = reader.text(table, "code", path)
    if code and not _CODE.fullmatch(code):
        reader.fault(f"{path}.code", "Use a-z, 0-9 and _, starting with a letter.")
    weight = reader.number(table, "weight", path)
    if weight is not None and weight <= 0:
        reader.fault(f"{path}.weight", "The weight must be above 0.")
    levels = [
        _level(reader, level, f"{path}.levels[{index}]")
        for index, level in enumerate(reader.tables(table, "levels", path))
    ]
    _check_levels(reader, levels, path)
    return Criterion(
        code=code,
        title=reader.text(table, "title", path),
        guidance=reader.text(table, "guidance", path, needed=False),
        weight=weight or 0.0,
        courses=_courses(reader, table, path),
        levels=tuple(level for level, _ in levels),
    )


def _courses(reader: _Reader, table: dict[str, Any], path: str) -> tuple[str, ...]:
    where = f"{path}.courses"
    value = table.get("courses")
    if not isinstance(value, list) or not value or not all(isinstance(code, str) for code in value):
        reader.fault(where, "This must be a list of course codes, at least one.")
        return ()
    for code in sorted({code for code in value if value.count(code) > 1}):
        reader.fault(where, "The course “%(code)s” stands twice.", code=code)
    return tuple(value)


def _level(reader: _Reader, item: Any, path: str) -> tuple[Level, float | None]:
    table = reader.table(item, path, ("name", "points", "descriptor"))
    points = reader.number(table, "points", path)
    if points is not None and points < 0:
        reader.fault(f"{path}.points", "Points cannot be below 0.")
        points = None
    level = Level(
        name=reader.text(table, "name", path),
        points=points or 0.0,
        descriptor=reader.text(table, "descriptor", path),
    )
    return level, points


def _check_levels(reader: _Reader, levels: list[tuple[Level, float | None]], path: str) -> None:
    if levels and not FEWEST_LEVELS <= len(levels) <= MOST_LEVELS:
        reader.fault(
            f"{path}.levels",
            "A criterion has %(low)s to %(high)s levels; these are %(n)s.",
            low=FEWEST_LEVELS,
            high=MOST_LEVELS,
            n=len(levels),
        )
    names: set[str] = set()
    last: float | None = None
    for index, (level, points) in enumerate(levels):
        if level.name and level.name in names:
            reader.fault(
                f"{path}.levels[{index}].name", "The name “%(name)s” stands twice.", name=level.name
            )
        names.add(level.name)
        if points is None:
            continue
        if last is not None and points <= last:
            reader.fault(
                f"{path}.levels[{index}].points",
                "Levels run from lowest to highest: %(points)s does not exceed %(last)s.",
                points=f"{points:g}",
                last=f"{last:g}",
            )
        last = points


def publishing_faults(rubric: Rubric, course_codes: Collection[str]) -> tuple[Fault, ...]:
    """Say why a rubric cannot be published for a program with these courses.

    A capstone ties the courses together: a course that no criterion draws on would not be tied.
    """
    drawn_on = {code for criterion in rubric.criteria for code in criterion.courses}
    unused = [
        Fault("courses", "No criterion draws on the course “%(code)s”.", {"code": code})
        for code in course_codes
        if code not in drawn_on
    ]
    unknown = [
        Fault(
            f"criteria[{index}].courses",
            "The program has no course “%(code)s”.",
            {"code": code},
        )
        for index, criterion in enumerate(rubric.criteria)
        for code in criterion.courses
        if code not in course_codes
    ]
    return (*unused, *unknown)
