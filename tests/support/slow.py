"""Proxies in front of an endpoint that hold some requests up."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

Hold = Callable[[], object]


@contextmanager
def slow(endpoint: str, marker: bytes, seconds: float) -> Iterator[str]:
    """
    The URL of a proxy to `endpoint`: what a client sends passes on `seconds` later if
    it holds `marker`, and at once otherwise.
    """
    with _between(endpoint, marker, lambda: time.sleep(seconds)) as url:
        yield url


@contextmanager
def held(endpoint: str, marker: bytes) -> Iterator[tuple[str, threading.Event]]:
    """As `slow`, but what holds `marker` passes on only once the event is set."""
    passes = threading.Event()
    try:
        with _between(endpoint, marker, passes.wait) as url:
            yield url, passes
    finally:
        passes.set()


@contextmanager
def _between(endpoint: str, marker: bytes, hold: Hold) -> Iterator[str]:
    parts = urlsplit(endpoint)
    assert parts.hostname
    assert parts.port
    target = parts.hostname, parts.port
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(
            target=_accept, args=(listener, target, marker, hold), daemon=True
        )
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)


def _accept(listener: socket.socket, target: tuple[str, int], marker: bytes, hold: Hold) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        server = socket.create_connection(target)
        for pump in ((client, server, marker, hold), (server, client, b"", hold)):
            threading.Thread(target=_pump, args=pump, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, marker: bytes, hold: Hold) -> None:
    with suppress(OSError), source:
        while data := source.recv(65536):
            if marker and marker in data:
                hold()
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
