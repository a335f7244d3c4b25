"""Threads for requests: started when they are needed, and kept."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")


class Overdue(Exception):
    """Somebody has waited for an errand as long as they would."""


class Errand(Generic[_T]):
    """
    Work for a thread, and one who stands still until it is done.

    There and back takes 22 µs; with a `Future`, which has a Condition for all who might wait, 31.
    """

    __slots__ = ("_given_up", "_outcome", "_work")

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._given_up = False
        self._outcome: SimpleQueue[tuple[BaseException | None, Any]] = SimpleQueue()

    def result(self, timeout: float) -> _T:
        """
        What the work returns or raises. To be called once.

        Raises Overdue after `timeout` seconds: what has not begun by then never does.
        """
        try:
            error, value = self._outcome.get(timeout=timeout)
        except Empty:
            self.cancel()
            raise Overdue from None
        if error is None:
            return value  # type: ignore[no-any-return] # the work's
        try:
            raise error
        finally:
            del error  # it leads here: a cycle that keeps the body

    def cancel(self) -> None:
        """Not to begin, unless it has begun."""
        self._given_up = True

    def do(self) -> None:
        """In the thread."""
        if self._given_up:
            return
        try:
            self._outcome.put((None, self._work()))
        except BaseException as error:  # noqa: BLE001 - whoever waits for it has to know
            self._outcome.put((error, None))
        finally:
            # An exception knows this frame: with it in there, it would keep itself and the body.
            del self


class Threads:
    """
    At most `most` daemon threads, so that the end of the process waits for no graph:
    for those of `ThreadPoolExecutor` it does.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._started = 0
        # One for each idle thread. A Semaphore is made of Python, and takes 2 µs more.
        self._idle: SimpleQueue[None] = SimpleQueue()
        self._starting = threading.Lock()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def submit(self, work: Callable[[], _T]) -> "Future[_T]":
        """
        What `work` returns or raises; cancelled before it has begun, it does not begin.

        Raises RuntimeError if there is no thread, and the system gives none.
        """
        future: Future[_T] = Future()
        self._give(partial(_do, future, work), future.cancel)
        return future

    def send(self, work: Callable[[], _T]) -> Errand[_T]:
        """As `submit`, for one who waits for nothing else."""
        errand = Errand(work)
        self._give(errand.do, errand.cancel)
        return errand

    def _give(self, work: Callable[[], None], cancel: Callable[[], object]) -> None:
        self._work.put(work)
        try:
            self._idle.get_nowait()
        except Empty:
            try:
                self._start()
            except RuntimeError:
                # One that is there will come to it.
                if not self._started:
                    cancel()
                    raise

    def _start(self) -> None:
        with self._starting:
            if self._started < self._most:
                name = f"{self._name}-{self._started + 1}"
                threading.Thread(target=self._run, name=name, daemon=True).start()
                self._started += 1

    def _run(self) -> None:
        while True:
            self._work.get()()
            self._idle.put(None)


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
