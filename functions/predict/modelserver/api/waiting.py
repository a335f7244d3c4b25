"""Blocking work beside the event loop, and the end of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from modelserver.asked import Asked
from modelserver.errors import PredictionTimeout, StillLoading

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")


async def in_thread(
    asked: Asked, work: Callable[[], _T], limiter: CapacityLimiter | None = None
) -> _T:
    """
    Run blocking `work` beside the event loop, until the deadline at the latest.

    A load is waited for here and not in the thread: threads are few, and one slow
    version must not take them all. Then `work` is done again from its start.
    """
    loading: StillLoading | None = None
    with anyio.move_on_after(asked.remaining()):
        while True:
            try:
                return await run_sync(work, abandon_on_cancel=True, limiter=limiter)
            except StillLoading as error:
                loading = error
            await _done(loading.load)
            loading = None
    raise loading or PredictionTimeout("Timed out waiting for notification")


async def _done(load: "Future[Any]") -> None:
    """Wait until `load` is done, well or badly. Who gives up waiting does not cancel it."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    load.add_done_callback(wake)
    await done.wait()
