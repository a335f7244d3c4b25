"""
Load for one HTTP server on this machine: requests over kept connections, one at a time on each.

A loop over epoll rather than an HTTP client: with one core for itself it sends more than any
server here answers, so that the server is what is measured. Every answer is checked.
"""

import json
import select
import socket
import time
from dataclasses import dataclass

_HOST = "127.0.0.1"
_CHUNK = 1 << 20
_PATIENCE = 60.0


@dataclass(frozen=True)
class Load:
    """The seconds each request took, and how many the server answered in a second."""

    seconds: tuple[float, ...]
    rate: float


class _Connection:
    """One connection: what has arrived of an answer, and when its request was sent."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((_HOST, port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._arrived = bytearray()
        self._length = -1

    def send(self, request: bytes) -> None:
        self._arrived.clear()
        self._length = -1
        self.sent = time.perf_counter()
        # A body that the socket's buffer cannot take blocks: the server is reading it meanwhile.
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """
        Take what has arrived: the body once all of it is there, or None.

        Raises ValueError for another status than 200 and for an answer without a length.
        """
        arrived = self.socket.recv(_CHUNK)
        if not arrived:
            raise ConnectionResetError("closed by the server")
        self._arrived += arrived
        if self._length < 0:
            end = self._arrived.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._length = end + 4
            self._whole = self._length + content_length(bytes(self._arrived[:end]))
        if len(self._arrived) < self._whole:
            return None
        return bytes(self._arrived[self._length :])


def content_length(head: bytes) -> int:
    """How long the body behind `head` is. Raises ValueError where it says no such thing."""
    status, *lines = head.split(b"\r\n")
    if status.split(b" ")[1:2] != [b"200"]:
        raise ValueError(f"answered {status.decode('latin-1')}")
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without content-length")


def post(path: str, document: object) -> bytes:
    """The bytes of a POST of `document` as JSON."""
    body = json.dumps(document).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {_HOST}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ask(port: int, request: bytes) -> bytes:
    """The body of one answer, over a connection of its own. Raises OSError and ValueError."""
    connection = _Connection(port)
    try:
        connection.send(request)
        while (body := connection.receive()) is None:
            pass
        return body
    finally:
        connection.socket.close()


def load(port: int, request: bytes, expected: bytes, connections: int, seconds: float) -> Load:
    """
    Send `request` over `connections` for about `seconds`, the next as soon as one is answered.

    Raises ValueError for an answer that is not `expected`, byte by byte.
    """
    opened = {
        connection.socket.fileno(): connection
        for connection in (_Connection(port) for _ in range(connections))
    }
    poll = select.epoll()
    taken: list[float] = []
    try:
        for descriptor in opened:
            poll.register(descriptor, select.EPOLLIN)
        began = time.perf_counter()
        for connection in opened.values():
            connection.send(request)
        waiting, now = connections, began
        while waiting:
            ready = poll.poll(_PATIENCE)
            if not ready:
                raise TimeoutError(f"no answer in {_PATIENCE:g} s")
            for descriptor, _ in ready:
                connection = opened[descriptor]
                body = connection.receive()
                if body is None:
                    continue
                now = time.perf_counter()
                taken.append(now - connection.sent)
                if body != expected:
                    raise ValueError(f"answered {body[:200]!r} and not {expected[:200]!r}")
                if now - began < seconds:
                    connection.send(request)
                else:
                    waiting -= 1
        return Load(tuple(taken), len(taken) / (now - began))
    finally:
        poll.close()
        for connection in opened.values():
            connection.socket.close()
