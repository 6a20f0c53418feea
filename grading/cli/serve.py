"""grading serve: the web service, and the worker beside it."""

import errno
import signal
import threading
from types import FrameType

import click
from flask import Flask
from waitress.server import create_server

from grading import migrations
from grading.cli.edge import CreateApp, service
from grading.db import db
from grading.errors import Refused
from grading.jobs.handlers import HANDLERS
from grading.jobs.worker import Worker

THREADS = 8


def run(app: Flask, host: str, port: int, *, worker: bool) -> None:
    """Serve until told to stop by SIGTERM or SIGINT.

    Raises
    ------
    Refused
        The port is taken.
    """
    try:
        server = create_server(app, host=host, port=port, threads=THREADS, ident=None)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise Refused(
            "Port %(port)s is taken, or not allowed. Choose another with --port.", port=port
        ) from None
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
@click.pass_obj
def command(create_app: CreateApp, host: str, port: int, worker: bool) -> None:
    """Serve the web pages."""
    with service(create_app) as app:
        with db.engine.connect() as connection:
            migrations.require_current(connection)
            if app.extensions["grading"].settings.demo and not migrations.is_demo(connection):
                raise Refused(
                    "GRADING_DEMO opens the doors of a demo, and this database is none. Unset it, or begin "
                    "a demo with “grading demo”."
                )
        click.echo(f"Serving on http://{host}:{port}")
        run(app, host, port, worker=worker)
