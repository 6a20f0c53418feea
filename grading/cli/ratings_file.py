"""A file of ratings as the statistics' commands read it: its columns, its scale, who is professional."""

import csv
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click
import numpy as np

from grading.cli.edge import as_json
from grading.errors import Fault, FaultsFound, Refused
from grading.measurement.files import Columns, FaultyRows, read_csv, read_parquet, tidy
from grading.measurement.ratings import Ratings, combined

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# A file of this size or more says on the way how far it is.
LARGE = 50_000_000
ROLES = ("professional", "grader", "professional grader", "instructor", "expert")


@dataclass(frozen=True)
class Source:
    """Ratings from a file, and who of the raters are professionals."""

    ratings: Ratings
    professional: np.ndarray | None
    own_scale: bool

    def on(self, criterion: Any) -> Ratings:
        """One criterion, on the scale asked for or else the levels that occur on it."""
        found = self.ratings.on(criterion)
        return found if self.own_scale else found.on_levels_used()


class Scale(click.ParamType[tuple[float, float]]):
    """``LOWEST:HIGHEST``."""

    name = "lowest:highest"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        low, colon, high = str(value).partition(":")
        try:
            scale = float(low), float(high)
        except ValueError:
            scale = math.nan, math.nan
        steps = scale[1] - scale[0]
        if not colon or not math.isfinite(steps) or steps < 1 or steps != int(steps):
            self.fail("give it as LOWEST:HIGHEST in whole steps, such as 0:3", param, ctx)
        return scale


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers, comma between."""

    name = "numbers"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail("give numbers with commas between, such as 50,60,70", param, ctx)


def reads_file(act: Callable[..., None]) -> Callable[..., None]:
    """Give a command FILE with the options about its columns and its scale."""

    @click.argument("file", type=FILE)
    @click.option("--work-column", default="work", show_default=True)
    @click.option("--rater-column", default="rater", show_default=True)
    @click.option("--score-column", default="score", show_default=True)
    @click.option("--criterion-column", default="criterion", show_default=True)
    @click.option("--role-column", help="Column that tells professionals from peers.")
    @click.option(
        "--professional-role",
        multiple=True,
        default=ROLES,
        help="What the role column says of a professional; may be given again.",
    )
    @click.option(
        "--professionals",
        type=FILE,
        help="Professional ratings like FILE's, or a list of the raters who are professionals.",
    )
    @click.option("--criterion", multiple=True, help="Only this criterion; may be given again.")
    @click.option("--scale", type=Scale(), help="Lowest and highest level, such as 0:3.")
    @click.option("--reverse", is_flag=True, help="The scale runs from best to worst.")
    @as_json
    @wraps(act)
    def command(
        file: Path,
        work_column: str,
        rater_column: str,
        score_column: str,
        criterion_column: str,
        role_column: str | None,
        professional_role: tuple[str, ...],
        professionals: Path | None,
        criterion: tuple[str, ...],
        scale: tuple[float, float] | None,
        reverse: bool,
        **options: Any,
    ) -> None:
        names = Columns(work_column, rater_column, score_column, criterion_column)
        with faults_in(file):
            ratings = _read(
                file, names, scale, reverse, extra=(role_column,) if role_column else ()
            )
        pool: np.ndarray | None = None
        if role_column:
            roles = ratings.columns[role_column]
            wanted = {role.strip().lower() for role in professional_role}
            is_wanted = np.array([str(label).strip().lower() in wanted for label in roles.labels])
            pool = is_wanted[roles.codes] if len(roles.labels) else np.zeros(0, dtype=bool)
        if professionals is not None:
            ratings, pool = _with_professionals(professionals, names, ratings, scale, pool)
        if criterion:
            ratings, pool = _only(ratings, pool, criterion)
        act(Source(ratings, pool, scale is not None), **options)

    return command


@contextmanager
def faults_in(path: Path) -> Iterator[None]:
    """Say what is wrong in a file as every command does."""
    try:
        yield
    except FaultyRows as error:
        faults = [
            Fault(
                f"{path.name}, {error.unit} {fault.line}" if fault.line else path.name,
                "%(message)s",
                {"message": fault.message},
            )
            for fault in error.faults
        ]
        if error.count > len(faults):
            more = error.count - len(faults)
            faults.append(Fault(path.name, "%(more)s further faults", {"more": more}))
        raise FaultsFound(faults) from error
    except ImportError as error:
        raise Refused("%(message)s", message=str(error)) from error
    except ValueError as error:
        raise Refused("%(name)s: %(message)s", name=path.name, message=str(error)) from error


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return [name.strip() for name in next(csv.reader(file), [])]


def _read(
    path: Path,
    names: Columns,
    scale: tuple[float, float] | None,
    reverse: bool,
    *,
    extra: tuple[str, ...] = (),
) -> Ratings:
    progress = _progress if path.stat().st_size >= LARGE else None
    if path.suffix.lower() in (".parquet", ".pq"):
        return read_parquet(
            path,
            columns=replace(names, extra=extra),
            scale=scale,
            reverse=reverse,
            progress=progress,
        )
    # A file of one criterion need not name it, unless the column was asked for by another name.
    optional = names.criterion == "criterion" and "criterion" not in _header(path)
    columns = replace(names, extra=extra, criterion=None if optional else names.criterion)
    return read_csv(path, columns=columns, scale=scale, reverse=reverse, progress=progress)


def _progress(rows: int, share: float) -> None:
    click.echo(f"\r{rows:,} rows read ({share:.0%})", nl=share >= 1, err=True)


def _with_professionals(
    path: Path,
    names: Columns,
    ratings: Ratings,
    scale: tuple[float, float] | None,
    pool: np.ndarray | None,
) -> tuple[Ratings, np.ndarray]:
    """Add professional ratings from a file of them, or mark raters whom a list names."""
    header = _header(path)
    if names.work in header and names.score in header:
        with faults_in(path):
            more = _read(path, names, scale, ratings.reverse)
            both, added = combined(replace(ratings, columns={}), more)
        mask = added.copy()
        if pool is not None:
            mask[: len(ratings)] |= pool
        return both, mask
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row and row[0].strip()]
    listed = list(tidy([row[0] for row in rows]))
    if listed and listed[0] == names.rater:
        listed = listed[1:]
    unknown = [label for label in listed if label not in set(ratings.raters)]
    if unknown:
        raise FaultsFound(
            [
                Fault(path.name, "no rater of the file is called “%(name)s”", {"name": name})
                for name in unknown
            ]
        )
    wanted = np.array([label in set(listed) for label in ratings.raters], dtype=bool)
    mask = wanted[ratings.rater]
    return ratings, mask if pool is None else mask | pool


def _only(
    ratings: Ratings, pool: np.ndarray | None, criteria: tuple[str, ...]
) -> tuple[Ratings, np.ndarray | None]:
    unknown = [name for name in criteria if name not in ratings.criteria]
    if unknown:
        raise Refused(
            "There is no criterion “%(name)s”; the file has %(all)s.",
            name=unknown[0],
            all=", ".join(str(name) for name in ratings.criteria),
        )
    wanted = np.array([name in criteria for name in ratings.criteria])
    rows = wanted[ratings.criterion]
    return ratings.where(rows), None if pool is None else pool[rows]


def criteria_of(ratings: Ratings) -> list[Any]:
    """The criteria that have ratings, in the order of the file."""
    present = set(np.unique(ratings.criterion).tolist())
    return [name for code, name in enumerate(ratings.criteria) if code in present]
