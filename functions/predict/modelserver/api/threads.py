"""Threads for requests: started when they are needed, and kept."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class Threads:
    """
    At most `most` daemon threads, so that the end of the process waits for no graph:
    for those of `ThreadPoolExecutor` it does.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._started = 0
        self._idle = threading.Semaphore(0)
        self._starting = threading.Lock()
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()

    def submit(self, work: Callable[[], _T]) -> "Future[_T]":
        """
        What `work` returns or raises; cancelled before it has begun, it does not begin.

        Raises RuntimeError if there is no thread, and the system gives none.
        """
        future: Future[_T] = Future()
        self._work.put((future, work))
        if not self._idle.acquire(blocking=False):
            try:
                self._start()
            except RuntimeError:
                # One that is there will come to it.
                if not self._started:
                    future.cancel()
                    raise
        return future

    def _start(self) -> None:
        with self._starting:
            if self._started < self._most:
                name = f"{self._name}-{self._started + 1}"
                threading.Thread(target=self._run, name=name, daemon=True).start()
                self._started += 1

    def _run(self) -> None:
        while True:
            _do(*self._work.get())
            self._idle.release()


def _do(future: "Future[Any]", work: Callable[[], Any]) -> None:
    """In a frame of its own: a thread that waits holds on to nobody's answer."""
    try:
        if future.set_running_or_notify_cancel():
            future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - whoever waits for it has to know
        future.set_exception(error)
    finally:
        # An exception knows this frame: with them in it, it would keep itself and the body.
        del future, work
