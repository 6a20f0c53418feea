"""Files: on the local disk or in memory, through one library, so that other stores are an address away."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore

from grading.errors import NotFound, PassingFailure, Refused, StaleRecord
from grading.ports import StoredBytes

_BUFFER = 8 << 20
_CHUNK = 1 << 20


class ObjectFileStore:
    """Immutable bytes by key, in an obstore store. Fulfils `grading.ports.FileStore`."""

    def __init__(self, store: LocalStore | MemoryStore) -> None:
        self._store = store

    def put(self, key: str, chunks: Iterable[bytes], *, limit: int) -> StoredBytes:
        if self._exists(key):
            raise StaleRecord("There is a file with the key %(key)s already.", key=key)
        digest, size = sha256(), 0
        part = f"{key}.part"
        try:
            with obstore.open_writer(self._store, part, buffer_size=_BUFFER) as writer:
                for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise Refused(
                            "The file may have at most %(limit)s MB.", limit=limit // 1_000_000
                        )
                    digest.update(chunk)
                    writer.write(chunk)
            # Only a whole file ever stands under its key, and the first one stays.
            obstore.rename(self._store, part, key, overwrite=False)
        except AlreadyExistsError:
            raise StaleRecord("There is a file with the key %(key)s already.", key=key) from None
        except BaseError as error:
            raise PassingFailure(
                "The file cannot be kept now: the store is full, or closed to the service."
            ) from error
        finally:
            if self._exists(part):
                obstore.delete(self._store, part)
        return StoredBytes(size, digest.hexdigest())

    def _exists(self, key: str) -> bool:
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def read(self, key: str) -> Iterator[bytes]:
        try:
            stream = obstore.get(self._store, key).stream(min_chunk_size=_CHUNK)
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None
        return (bytes(chunk) for chunk in stream)

    def delete(self, key: str) -> None:
        if self._exists(key):
            obstore.delete(self._store, key)

    def keys(self) -> Iterator[str]:
        keys = (item["path"] for batch in obstore.list(self._store) for item in batch)
        return iter(sorted(keys))


def open_store(url: str) -> ObjectFileStore:
    """Open ``file:///folder`` (made if it is not there) or ``memory:``.

    Raises
    ------
    ValueError
        Another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return ObjectFileStore(MemoryStore())
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        folder.mkdir(parents=True, exist_ok=True)
        return ObjectFileStore(LocalStore(folder, mkdir=True))
    raise ValueError(f"no file store is known for {parts.scheme}:")
