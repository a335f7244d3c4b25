"""Time that passes while a container is frozen, too."""

import threading
import time
from collections.abc import Callable


class Clock:
    """
    Seconds since some moment; never runs backwards.

    A frozen container's monotonic clock stands still, and a wall clock may be set
    back: each step is the larger of the two. Thread-safe.
    """

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        self._before = monotonic(), wall()
        self._seconds = 0.0

    def __call__(self) -> float:
        with self._lock:
            now = self._monotonic(), self._wall()
            steps = (after - before for after, before in zip(now, self._before, strict=True))
            self._seconds += max(0.0, *steps)
            self._before = now
            return self._seconds
