"""The fixtures that tests lean on keep what they promise."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text

from tests import servers

ROOT = Path(__file__).resolve().parents[1]


def test_the_database_is_empty_and_speaks_unicode(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
        assert connection.scalar(text("SELECT lower('ÅGÖ')")) == "ågö"
    engine.dispose()


def test_two_databases_of_one_server_know_nothing_of_each_other(postgres_url: str) -> None:
    with servers.empty_database(postgres_url) as url:
        assert url != postgres_url
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE basalt (id integer)"))
        assert inspect(engine).get_table_names() == ["basalt"]
        engine.dispose()
    there = create_engine(postgres_url)
    assert "basalt" not in inspect(there).get_table_names()
    there.dispose()


KEEPER = """
import signal
from tests import servers
with servers.own_server(servers.binaries()) as url:
    print(url, flush=True)
    signal.pause()
"""


@pytest.mark.postgres
def test_a_server_ends_with_the_tests_that_were_killed() -> None:
    if servers.binaries() is None:
        pytest.skip("no PostgreSQL of our own: only the named one")
    tests = subprocess.Popen(
        [sys.executable, "-c", KEEPER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with tests:
        assert tests.stdout is not None
        url = tests.stdout.readline().strip().replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            os.kill(tests.pid, signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT pg_sleep(250)")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "grading.example"])
@pytest.mark.parametrize("name", ["connect", "connect_ex"])
def test_no_test_leaves_this_machine(host: str, name: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family) as outside,
        pytest.raises(RuntimeError, match=f"reached for {host}"),
    ):
        getattr(outside, name)((host, 9))


def test_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        accepted.sendall(b"granite")
        assert client.recv(7) == b"granite"
