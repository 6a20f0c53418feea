"""The file store: whole files only, the first one stays."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from grading.adapters.storage import open_store
from grading.errors import NotFound, Refused, StaleRecord


@pytest.fixture(params=["file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory" else f"file://{tmp_path / 'a folder'}"


def test_bytes_come_back_with_their_digest(address: str) -> None:
    store = open_store(address)
    data = bytes(range(256)) * 50_000
    kept = store.put("works/one", (data[i : i + 1_000_000] for i in range(0, len(data), 1_000_000)),
                     limit=len(data))  # fmt: skip
    assert (kept.size, kept.sha256) == (len(data), sha256(data).hexdigest())
    assert b"".join(store.read("works/one")) == data
    assert list(store.keys()) == ["works/one"]


def test_a_key_is_written_once(address: str) -> None:
    store = open_store(address)
    store.put("one", [b"first"], limit=10)
    with pytest.raises(StaleRecord):
        store.put("one", [b"second"], limit=10)
    assert b"".join(store.read("one")) == b"first"


def test_too_much_or_broken_off_leaves_nothing(address: str) -> None:
    store = open_store(address)

    def broken() -> Iterator[bytes]:
        yield b"x" * 100
        raise ConnectionError("gone")

    with pytest.raises(Refused):
        store.put("one", [b"x" * 6, b"x" * 6], limit=10)
    with pytest.raises(ConnectionError):
        store.put("two", broken(), limit=1000)
    assert list(store.keys()) == []


def test_what_is_not_there(address: str) -> None:
    store = open_store(address)
    with pytest.raises(NotFound):
        store.read("nothing")
    store.delete("nothing")
    store.put("one", [b"x"], limit=10)
    store.delete("one")
    assert list(store.keys()) == []
    with pytest.raises(ValueError, match="gopher"):
        open_store("gopher://x")
