"""Long lists in pieces, each short enough to be the parameters of one statement in every database."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

SIZE = 1_000

Item = TypeVar("Item")


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut items into lists of at most `SIZE`."""
    left = iter(items)
    while batch := list(islice(left, SIZE)):
        yield batch
