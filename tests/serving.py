"""A server on loopback for the length of a test."""

import threading
from collections.abc import Callable
from socketserver import BaseServer


def serve(server: BaseServer) -> Callable[[], None]:
    """Serve on a thread of its own; gives what ends it, without the half second that is usual."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
