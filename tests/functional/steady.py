"""Clients that ask `sample` steadily, while something happens to its server."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic, sleep

from .terminal import NO_HEADERS, PATIENCE, Answer, Client

BODY = {"instances": [[1.0], [5.0]]}
ANSWER = {"predictions": [[2.5], [4.5]]}


def is_half_plus_two(answer: Answer) -> bool:
    return (answer.status, answer.document) == (200, ANSWER)


class Load(threading.Thread):
    """
    One client that asks every `pace` seconds, and remembers who answered and what went wrong.
    """

    def __init__(
        self,
        port: int,
        is_right: Callable[[Answer], bool],
        pace: float,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(daemon=True)
        self._headers = headers
        self._is_right = is_right
        self._pace = pace
        self.versions: list[str] = []
        self.revisions: list[str] = []
        self.failures: list[object] = []
        self._client = Client(port)
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._pace):
            try:
                answer = self._client.ask("/v1/models/sample:predict", BODY, self._headers)
            except OSError as error:
                self.failures.append(error)
                return
            if not self._is_right(answer):
                self.failures.append(answer)
            self.versions.append(answer.headers.get("x-model-version", ""))
            self.revisions.append(answer.headers.get("x-alias-revision", ""))

    def stop(self) -> None:
        self._stopping.set()
        self.join(PATIENCE)
        self._client.close()


def until_all_answer(loads: list[Load], version: str) -> float:
    """Wait until each client's newest answer came from `version`; the seconds it took."""
    started = monotonic()
    while {load.versions[-1] if load.versions else "" for load in loads} != {version}:
        assert monotonic() < started + PATIENCE, f"version {version} never answered"
        sleep(0.01)
    return monotonic() - started


def changes(versions: list[str]) -> list[str]:
    """`["1", "1", "2", "2", "1"]` → `["1", "2", "1"]`."""
    return [v for i, v in enumerate(versions) if i == 0 or versions[i - 1] != v]


@contextmanager
def steady(
    port: int,
    clients: int = 3,
    *,
    is_right: Callable[[Answer], bool] = is_half_plus_two,
    pace: float = 0.0,
    keys: Sequence[str] = (),
) -> Iterator[list[Load]]:
    """
    So many clients, none of which may see a failure; and then one for each of `keys`, with
    that as its routing key.
    """
    loads = [Load(port, is_right, pace) for _ in range(clients)]
    loads += [Load(port, is_right, pace, {"x-routing-key": key}) for key in keys]
    for load in loads:
        load.start()
    try:
        yield loads
    finally:
        for load in loads:
            load.stop()
    assert [] == [failure for load in loads for failure in load.failures]
