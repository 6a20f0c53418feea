"""Ids and codes: drawn so that nobody can guess them, or from a seed where a story is to be retold."""

import base64
import hashlib
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Without 0, 1, I, L, O and U nobody misreads a code or finds a word in it.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

_below: ContextVar[Callable[[int], int]] = ContextVar("below", default=secrets.randbelow)


def new_id() -> str:
    """Make an opaque, unguessable id (96 bits) that is safe in a URL and as a command's argument."""
    return _drawn(12, _below.get())


def new_public_id() -> str:
    """Make the id of a public page: 128 bits nobody can guess."""
    return _drawn(16, _below.get())


def new_job_id() -> str:
    """Make an id that is never retold: how many jobs there are hangs on the day, and no story does."""
    return _drawn(12, secrets.randbelow)


def _drawn(length: int, below: Callable[[int], int]) -> str:
    while True:
        number = below(1 << 8 * length)
        text = base64.urlsafe_b64encode(number.to_bytes(length)).decode().rstrip("=")
        # A command would take what begins with a dash for an option.
        if not text.startswith("-"):
            return text


def new_code(letters: int) -> str:
    """Make a code that people read to each other, of so many letters (4.9 bits each)."""
    below = _below.get()
    return "".join(ALPHABET[below(len(ALPHABET))] for _ in range(letters))


@contextmanager
def retold(seed: int) -> Iterator[None]:
    """Draw ids and codes from a seed: acts told again in the same order get the same ones.

    What is drawn this way can be guessed. It is for data that is nobody's.
    """
    before = _below.set(random.Random(seed).randrange)
    try:
        yield
    finally:
        _below.reset(before)


def case_code(submission_id: str) -> str:
    """Name a submission to staff without naming its learner; the same code on every page."""
    digest = hashlib.blake2b(submission_id.encode(), digest_size=8).hexdigest().upper()
    return f"C-{digest[:6]}"
