"""A proxy in front of an endpoint that holds some requests up."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


@contextmanager
def slow(endpoint: str, marker: bytes, seconds: float) -> Iterator[str]:
    """
    The URL of a proxy to `endpoint`: what a client sends passes on `seconds` later if
    it holds `marker`, and at once otherwise.
    """
    parts = urlsplit(endpoint)
    assert parts.hostname
    assert parts.port
    target = parts.hostname, parts.port
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(
            target=_accept, args=(listener, target, marker, seconds), daemon=True
        )
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)


def _accept(
    listener: socket.socket, target: tuple[str, int], marker: bytes, seconds: float
) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(target)
        for pump in ((client, server, marker, seconds), (server, client, b"", 0.0)):
            threading.Thread(target=_pump, args=pump, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, marker: bytes, seconds: float) -> None:
    with suppress(OSError), source:
        while data := source.recv(65536):
            if marker and marker in data:
                time.sleep(seconds)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
