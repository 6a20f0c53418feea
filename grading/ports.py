"""What the house asks of the outside world. Adapters fulfil these; only `app` knows which."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol


@dataclass(frozen=True)
class StoredBytes:
    """What a store kept: its size in bytes and the SHA-256 of the bytes, in hexadecimal."""

    size: int
    sha256: str


class FileStore(Protocol):
    """Immutable bytes by key."""

    def put(self, key: str, chunks: Iterable[bytes], *, limit: int) -> StoredBytes:
        """Keep the bytes under a new key.

        Raises
        ------
        Refused
            More than ``limit`` bytes came; nothing was kept.
        StaleRecord
            The key is taken.
        """

    def read(self, key: str) -> Iterator[bytes]:
        """Yield the bytes in chunks; raises `NotFound`."""

    def delete(self, key: str) -> None:
        """Forget the bytes; a key that is not there is no error."""

    def keys(self) -> Iterator[str]:
        """Yield every key, sorted."""


class Mailer(Protocol):
    """Sends one message."""

    @property
    def where(self) -> str:
        """Where mail goes, in words for the health page."""

    def send(self, message: EmailMessage) -> None:
        """Send; raises `PassingFailure` or `PermanentFailure`."""
