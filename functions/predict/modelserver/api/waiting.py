"""Blocking work for a request, and the end of it."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from modelserver.asked import Asked
from modelserver.errors import PredictionTimeout, StillLoading

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")

# Threads for what must not wait until predictions have left theirs.
_ASIDE = 4
_MOST_THREADS = 40


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
    For a server of many requests at once: anyio's threads.

    A load is waited for in the event loop: threads are few, and one slow version must
    not take them all.
    """

    def __init__(self) -> None:
        self._aside = CapacityLimiter(_ASIDE)

    async def for_answer(self, asked: Asked, work: Callable[[], _T], *, aside: bool = False) -> _T:
        limiter = self._aside if aside else None
        loading: StillLoading | None = None
        with anyio.move_on_after(asked.remaining()):
            while True:
                try:
                    return await run_sync(work, abandon_on_cancel=True, limiter=limiter)
                except StillLoading as error:
                    loading = error
                await _done(loading.load)
                loading = None
        raise loading or _timeout()

    async def to_the_end(self, work: Callable[[], _T]) -> _T:
        return await run_sync(work, limiter=self._aside)


class OneByOne:
    """
    For a process that is sent one request at a time: the event loop, which has nothing
    else to do, stands still meanwhile.

    A thread there still is, for no call into a graph can be ended from outside. It costs
    20 µs; by way of the event loop, whose threads end with each request under Mangum, 300 µs.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MOST_THREADS, "request")

    async def for_answer(
        self,
        asked: Asked,
        work: Callable[[], _T],
        *,
        aside: bool = False,  # noqa: ARG002 - nothing else is under way
    ) -> _T:
        while True:
            answer = self._threads.submit(work)
            try:
                return answer.result(_finite(asked.remaining()))
            except StillLoading as error:
                if not wait([error.load], _finite(asked.remaining())).done:
                    raise
            except TimeoutError:
                if answer.done():  # it is the work's own
                    raise
                raise _timeout() from None

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
