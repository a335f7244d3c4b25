"""The load waits for whole answers, and refuses every one that is not the right one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.load import ask, content_length, load, post

REQUEST = post("/v1/models/m:predict", {"instances": [1.5]})


def _answer(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def _server(pieces: list[bytes]) -> Iterator[tuple[int, list[int]]]:
    """A server that sends the pieces of an answer, each by itself; and how many it answered."""
    answered: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while connection.recv(len(REQUEST), socket.MSG_WAITALL) == REQUEST:
                for piece in pieces:
                    connection.sendall(piece)
                answered.append(1)

    def accept() -> None:
        try:
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], answered
    finally:
        # A thread in accept() keeps a closed listener open.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_every_answer_is_timed_over_every_connection() -> None:
    whole = _answer(b'{"predictions": [1]}')
    with _server([whole[:10], whole[10:45], whole[45:]]) as (port, answered):
        done = load(port, REQUEST, b'{"predictions": [1]}', connections=3, seconds=0.05)
    assert len(done.seconds) == len(answered)
    assert len(done.seconds) >= 3
    assert all(seconds > 0 for seconds in done.seconds)
    assert done.rate >= 3 / (0.05 + max(done.seconds))


def test_one_answer_can_be_asked_for() -> None:
    with _server([_answer(b"first")]) as (port, _):
        assert ask(port, REQUEST) == b"first"


def test_an_answer_that_differs_ends_the_load() -> None:
    with _server([_answer(b"other")]) as (port, _), pytest.raises(ValueError, match="other"):
        load(port, REQUEST, b"right", connections=1, seconds=5)


def test_a_connection_that_the_server_closes_ends_the_load() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        listener.accept()[0].close()

    threading.Thread(target=hang_up, daemon=True).start()
    with listener, pytest.raises(ConnectionError):
        load(listener.getsockname()[1], REQUEST, b"right", connections=1, seconds=5)


def test_the_length_is_found_however_it_is_spelt() -> None:
    assert content_length(b"HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length:  12") == 12


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2", "503"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", "without content-length"),
    ],
)
def test_another_status_and_an_unknown_length_are_refused(head: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        content_length(head)
