"""
Letting go of connections that may be dead.

A Lambda container is frozen between requests, for minutes. Its peers close the
connections meanwhile, and nothing tells it: the next request on one would hang
until it times out. A frozen monotonic clock does not notice, so age is the larger
of monotonic and wall time.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.client import BaseClient

MAX_IDLE = 20.0  # seconds; a load balancer keeps an idle connection for 60, NAT for 350

Clocks = tuple[Callable[[], float], Callable[[], float]]
CLOCKS: Clocks = (time.monotonic, time.time)


class FreshConnections:
    """
    Drops a client's idle connections before it is used again after `MAX_IDLE`.

    Connections in use are left alone, and close when they are done. Thread-safe.
    """

    def __init__(self, client: "BaseClient", *, clocks: Clocks) -> None:
        self._client = client
        self._clocks = clocks
        self._lock = threading.Lock()
        self._used = self._now()

    def attach(self) -> None:
        # Before and after: an answer that comes in just after a thaw, to a request
        # from before it, must not make the other connections look young.
        self._client.meta.events.register("before-send", self._touch)
        self._client.meta.events.register("response-received", self._received)

    def _touch(self, **_: object) -> None:
        with self._lock:
            now = self._now()
            idle = max(n - used for n, used in zip(now, self._used, strict=True))
            self._used = now
        if idle > MAX_IDLE:
            self._client.close()  # it opens new ones when it is used

    def _received(self, exception: Exception | None = None, **_: object) -> None:
        self._touch()
        if exception is not None:
            self._client.close()  # the others may be as dead as this one

    def _now(self) -> tuple[float, ...]:
        return tuple(clock() for clock in self._clocks)
