"""A log in memory: for tests, and for serving directories that nobody promotes."""

import threading
from collections import defaultdict
from collections.abc import Iterator

from ..errors import Conflict
from .revision import Revision, decode, encode


class MemoryAliasTable:
    """
    Keeps what a real table would keep, as text: one copy of every revision.

    Thread-safe. Lives as long as the process.
    """

    def __init__(self) -> None:
        self._logs: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()

    def newest(self, model: str) -> Revision | None:
        with self._lock:
            log = self._logs.get(model)
            return decode(log[-1], f"revision {len(log)} of {model}") if log else None

    def get(self, model: str, number: int) -> Revision | None:
        with self._lock:
            log = self._logs.get(model, [])
            if not 1 <= number <= len(log):
                return None
            return decode(log[number - 1], f"revision {number} of {model}")

    def append(self, revision: Revision) -> None:
        text = encode(revision)
        with self._lock:
            log = self._logs[revision.model]
            if revision.number != len(log) + 1:
                raise Conflict(
                    f"revision {revision.number} of {revision.model} is not the next one",
                    winner=len(log),
                )
            log.append(text)

    def log(self, model: str) -> Iterator[Revision]:
        newest = self.newest(model)
        for number in range(newest.number if newest else 0, 0, -1):
            revision = self.get(model, number)
            assert revision is not None, "a log has no gaps"  # noqa: S101 - nothing is deleted
            yield revision

    def models(self) -> list[str]:
        with self._lock:
            return sorted(model for model, log in self._logs.items() if log)

    def close(self) -> None:
        pass
