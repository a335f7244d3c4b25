"""One client that asks a local server so many times a second, or as fast as it answers."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """`seconds` since it was due; `version` and `status` as the server said; `at` by monotonic."""

    seconds: float
    version: str
    status: int
    at: float


class Client:
    """Keeps its connection. `request` is as `bench.load.post` makes it."""

    def __init__(self, port: int, request: bytes) -> None:
        head, _, self._body = request.partition(b"\r\n\r\n")
        self._path = head.split()[1].decode()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)

    def ask(self, due: float) -> Answer:
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", self._path, self._body, headers)
        answer = self._connection.getresponse()
        answer.read()
        now = time.monotonic()
        version = answer.getheader("x-model-version", "")
        return Answer(now - due, version, answer.status, now)

    def close(self) -> None:
        self._connection.close()


def steadily(port: int, request: bytes, rate: float, seconds: float) -> list[Answer]:
    """`rate` requests a second, whether the one before was answered in time or not."""
    client = Client(port, request)
    for _ in range(int(rate / 2)):
        client.ask(time.monotonic())
    began, found = time.monotonic(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        found.append(client.ask(due))
    client.close()
    return found


class Steady(threading.Thread):
    """A client that asks every `pace` seconds until it is stopped, and keeps the answers."""

    def __init__(self, port: int, request: bytes, pace: float) -> None:
        super().__init__(daemon=True)
        self.answers: list[Answer] = []
        self.failed = 0
        self._client = Client(port, request)
        self._pace = pace
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._pace):
            try:
                answer = self._client.ask(time.monotonic())
            except (OSError, http.client.HTTPException):
                self.failed += 1
                self._client.close()
            else:
                self.failed += answer.status != 200
                self.answers.append(answer)

    def stop(self) -> None:
        self._stopping.set()
        self.join(_PATIENCE)
        self._client.close()


@contextmanager
def clients(port: int, request: bytes, count: int, pace: float) -> Iterator[list[Steady]]:
    """So many of them, for the duration."""
    found = [Steady(port, request, pace) for _ in range(count)]
    for client in found:
        client.start()
    try:
        yield found
    finally:
        for client in found:
            client.stop()
