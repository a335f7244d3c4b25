"""
Several things at a time: transfers, and digests, which let go of the GIL.

In daemon threads, not in `concurrent.futures`: the end of the process waits for no
transfer that was begun.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from .progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

# What this process may run on, which may be fewer than the machine has.
CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(work: Callable[[Item], Result], items: Sequence[Item], threads: int) -> list[Result]:
    """
    `work` done on every item, on up to `threads` at a time; its results in their order.

    The first failure is raised, once the items under way have ended; no other is begun.
    """
    if len(items) <= 1:
        return [work(item) for item in items]
    waiting = deque(enumerate(items))
    results: dict[int, Result] = {}
    failures: list[BaseException] = []

    def run() -> None:
        while not failures:
            try:
                index, item = waiting.popleft()
            except IndexError:
                return
            try:
                results[index] = work(item)
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                failures.append(error)

    workers = [threading.Thread(target=run, daemon=True) for _ in range(min(threads, len(items)))]
    for worker in workers:
        worker.start()
    try:
        _join(workers)
    except BaseException as error:  # Ctrl-C: whoever cleans up must know what was done
        failures.append(error)
        _join(workers)
        raise
    if failures:
        raise failures[0]
    return [results[index] for index in range(len(items))]


def begin(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin `work` in a thread of its own. What is returned waits for it, and gives its result."""
    results: list[Result] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            failures.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()

    def result() -> Result:
        worker.join()
        if failures:
            raise failures[0]
        return results[0]

    return result


class Shared:
    """A `Progress` that many threads may tell of theirs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()

    def start(self, what: str, total: int) -> None:
        with self._lock:
            self._progress.start(what, total)

    def advance(self, count: int) -> None:
        with self._lock:
            self._progress.advance(count)


def _join(workers: Sequence[threading.Thread]) -> None:
    for worker in workers:
        worker.join()
