"""Long lists of ids in pieces that every database takes as the parameters of one statement."""

from collections.abc import Iterable, Iterator

SIZE = 1_000


def batches(ids: Iterable[str]) -> Iterator[list[str]]:
    """Cut ids into lists of at most `SIZE`."""
    every = list(ids)
    for start in range(0, len(every), SIZE):
        yield every[start : start + SIZE]
