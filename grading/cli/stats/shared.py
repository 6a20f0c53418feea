"""What the statistics' commands share: their options, their refusals, and how numbers are printed."""

import json
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from grading.cli.plain import plain
from grading.errors import Refused


def choice(name: str, words: Sequence[str], *, default: str, **options: Any) -> Callable[..., Any]:
    """An option that is one of some words."""
    return click.option(
        name, type=click.Choice(words), default=default, show_default=True, **options
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Refuse in the words of the statistic what it cannot be computed from."""
    try:
        yield
    except ValueError as error:
        raise Refused("%(message)s", message=str(error)) from error


def number(value: float, digits: int = 3) -> str:
    """A number for a table; what is undefined is a dash."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def ends(interval: Sequence[float]) -> str:
    """Both ends of an interval for a table."""
    return " to ".join(map(number, interval))


def echo(result: Any, *, leave: Collection[str] = ()) -> None:
    """Print a result as JSON, without the attributes to leave out."""
    data = plain(result, leave=leave)
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
