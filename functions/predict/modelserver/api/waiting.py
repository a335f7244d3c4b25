"""Blocking work for a request, and the end of it."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from modelserver.asked import Asked
from modelserver.errors import PredictionTimeout, StillLoading

from .threads import Overdue, Threads

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")

# As many as upstream's --rest_api_num_threads: each CPU has something to do while others wait
# for a lock; more of them only take the interpreter from one another.
THREADS = 4 * (os.cpu_count() or 1)
# Where there is one request at a time, threads are for predictions that nobody waits for any more.
_MOST_LEFT_ALONE = 40
# For what must not wait until predictions have left their threads.
_ASIDE = 4


class Waiting(Protocol):
    """How the event loop has blocking work done."""

    async def for_answer(self, asked: Asked, work: Callable[[], _T], *, aside: bool = False) -> _T:
        """
        What `work` returns, by the deadline at the latest: then it is left alone, and
        PredictionTimeout raised.

        Where it raises StillLoading it is done again from its start, as soon as that load is
        done. `aside` of what is slow.
        """

    async def to_the_end(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, aside of what is slow, however long it takes."""


class InThreads:
    """
    For a server of many requests at once.

    A load is waited for in the event loop: threads are few, and one slow version must
    not take them all.
    """

    def __init__(self) -> None:
        self._threads = Threads(THREADS, "request")
        self._aside = Threads(_ASIDE, "aside")

    async def for_answer(self, asked: Asked, work: Callable[[], _T], *, aside: bool = False) -> _T:
        threads = self._aside if aside else self._threads
        loading: StillLoading | None = None
        limit = asyncio.timeout(_finite(asked.remaining()))
        try:
            async with limit:
                while True:
                    try:
                        return await asyncio.wrap_future(threads.submit(work))
                    except StillLoading as error:
                        loading = error
                    await _done(loading.load)
                    loading = None
        except TimeoutError:
            if not limit.expired():  # it is the work's own
                raise
            raise loading or _timeout() from None

    async def to_the_end(self, work: Callable[[], _T]) -> _T:
        return await asyncio.wrap_future(self._aside.submit(work))


class OneByOne:
    """
    For a process that is sent one request at a time: the event loop, which has nothing
    else to do, stands still meanwhile.

    A thread there still is, for no call into a graph can be ended from outside.
    """

    def __init__(self) -> None:
        self._threads = Threads(_MOST_LEFT_ALONE, "request")
        self._aside = Threads(_ASIDE, "aside")

    async def for_answer(self, asked: Asked, work: Callable[[], _T], *, aside: bool = False) -> _T:
        threads = self._aside if aside else self._threads
        while True:
            try:
                return threads.send(work).result(_finite(asked.remaining()))
            except Overdue:
                raise _timeout() from None
            except StillLoading as error:
                if not wait([error.load], _finite(asked.remaining())).done:
                    raise

    async def to_the_end(self, work: Callable[[], _T]) -> _T:
        return work()


def _finite(seconds: float) -> float:
    return min(seconds, threading.TIMEOUT_MAX)


def _timeout() -> PredictionTimeout:
    return PredictionTimeout("Timed out waiting for notification")


async def _done(load: "Future[Any]") -> None:
    """Wait until `load` is done, well or badly. Who gives up waiting does not cancel it."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    load.add_done_callback(wake)
    await done.wait()
