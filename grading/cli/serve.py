"""grading serve: the web service, and the worker beside it.

The server is Waitress. It buffers requests and answers, so that a slow client holds no thread; what it
lacks is added here: a request has to come in time, connections that wait make room for new ones, and only
who is signed in may send large bodies.
"""

import copy
import errno
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from http.cookies import CookieError, SimpleCookie
from types import FrameType
from typing import Any

import click
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from grading import migrations
from grading.cli.edge import CreateApp, service
from grading.db import MOST_WRITERS, db
from grading.errors import Refused
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker
from grading.ledger import security
from grading.settings import SMALL_BODY, Installation

# Writers take turns on SQLite; while they do, as many threads go on reading.
THREADS = 2 * MOST_WRITERS
CONNECTIONS = 400
LARGEST_HEADERS = 32_768
# Seconds: between requests, until the headers of one are there, and between looks at who waits.
IDLE = 30
HEADERS_WITHIN = 15
LOOK_EVERY = 5
# A body comes at least as fast as a poor telephone line brings it, in bytes a second.
LEAST_PACE = 2_000


class Request(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Takes small bodies of anybody, and large ones of whoever bears a sign-in that this service signed."""

    def __init__(self, adjustments: Adjustments, is_known: Callable[[str], bool]) -> None:
        super().__init__(adjustments)
        self._adjustments, self._is_known = adjustments, is_known

    def received(self, data: bytes) -> int:
        taken: int = super().received(data)
        if self.error is not None:
            # Waitress would say “continue” all the same, and then take the body.
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if not self._is_known(self.headers.get("COOKIE", "")):
            smaller = copy.copy(self._adjustments)
            smaller.max_request_body_size = SMALL_BODY
            self.adj = smaller


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that knows since when it waits for the rest of a request."""

    began = 0.0

    def __init__(self, server: "Server", *arguments: Any, **named: Any) -> None:
        self.parser_class = server.request_class
        super().__init__(server, *arguments, **named)

    def received(self, data: bytes) -> Any:
        before = self.request
        taken = super().received(data)
        if self.request is not before:
            self.began = time.time()
        return taken

    def handle_close(self) -> None:
        # What came of a body lies in a temporary file.
        if self.request is not None:
            self.request.close()
        super().handle_close()

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is done for it, and nothing is on its way to it."""
        return not (self.requests or self.total_outbufs_len)

    @property
    def waits_since(self) -> float:
        return self.last_activity if self.request is None else self.began

    def is_late(self, now: float) -> bool:
        """Whether a request that began should be here by now."""
        if self.request is None or not self.is_waiting:
            return False
        received: int = self.request.body_bytes_received
        return now - self.began > HEADERS_WITHIN + received / LEAST_PACE


class Server(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Closes connections whose request comes too slowly; where all are taken, those that wait longest."""

    channel_class = Channel

    def __init__(self, app: Flask, **named: Any) -> None:
        self.request_class = partial(Request, is_known=partial(is_signed_in, app))
        super().__init__(app, **named)

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for channel in self.active_channels.values():
            channel.will_close = channel.will_close or channel.is_late(now)

    def readable(self) -> bool:
        if len(self._map) >= self.adj.connection_limit:
            waiting = [channel for channel in self.active_channels.values() if channel.is_waiting]
            waiting.sort(key=lambda channel: channel.waits_since)
            for channel in waiting[: CONNECTIONS // 10]:
                channel.will_close = True
        return bool(super().readable())


def is_signed_in(app: Flask, cookies: str) -> bool:
    """Say whether the cookies of a request hold a sign-in that this service signed; the app asks the rest."""
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    try:
        morsel = SimpleCookie(cookies).get(app.config["SESSION_COOKIE_NAME"])
        return bool(morsel and signer and "_user_id" in signer.loads(morsel.value))
    except (BadSignature, CookieError):
        return False


def open_server(app: Flask, host: str, port: int) -> Server:
    """Listen; raises `Refused` where the port is taken."""
    installation: Installation = app.extensions["grading"]
    adjustments = Adjustments(
        host=host,
        port=port,
        ident=None,
        threads=THREADS,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        channel_timeout=IDLE,
        cleanup_interval=LOOK_EVERY,
        max_request_header_size=LARGEST_HEADERS,
        max_request_body_size=installation.settings.largest_body,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    sockets: dict[int, Any] = {}
    try:
        # A name may stand for several addresses; all are served by one loop over the same sockets.
        servers = [
            Server(app, map=sockets, dispatcher=dispatcher, adj=adjustments, sockinfo=address)
            for address in adjustments.listen
        ]
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise Refused(
            "Port %(port)s is taken, or not allowed. Choose another with --port.", port=port
        ) from None
    return servers[0]


def run(app: Flask, host: str, port: int, *, worker: bool) -> None:
    """Serve until told to stop by SIGTERM or SIGINT.

    Raises
    ------
    Refused
        The port is taken.
    """
    server = open_server(app, host, port)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        # Waitress has no stop of its own; its loop ends on this.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    thread = None
    if worker:
        thread = threading.Thread(target=Worker(app, HANDLERS).run, args=(stop,))
        thread.start()
    try:
        server.run()
    finally:
        stop.set()
        server.close()
        if thread is not None:
            thread.join()


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--worker", is_flag=True, help="Also carry out jobs, in this process.")
@click.option("--access-log", is_flag=True, help="Write a line for each request to standard error.")
@click.pass_obj
def command(create_app: CreateApp, host: str, port: int, worker: bool, access_log: bool) -> None:
    """Serve the web pages."""
    with service(create_app) as app:
        with db.engine.connect() as connection:
            migrations.require_current(connection)
            if app.extensions["grading"].settings.demo and not migrations.is_demo(connection):
                raise Refused(
                    "GRADING_DEMO opens the doors of a demo, and this database is none. Unset it, or begin "
                    "a demo with “grading demo”."
                )
        if access_log:
            security.open_log(security.ACCESS, security.STANDARD_ERROR)
        click.echo(f"Serving on http://{host}:{port}")
        run(app, host, port, worker=worker)
