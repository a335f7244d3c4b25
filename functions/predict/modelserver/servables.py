"""
Loaded versions, by ModelId, for the life of one process.
"""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from modelregistry.artifacts.store import ArtifactStore
from modelregistry.names import ModelId
from modelregistry.plan import Plan

from .errors import ModelNotFound, ModelUnavailable, ServingError, StillLoading
from .observer import UNOBSERVED, Observer
from .retries import ENDLESS, Retries
from .runtime.tensors import Array

_log = logging.getLogger(__name__)


class Model(Protocol):
    """What can be run: the runtime's SavedModel, or a test's stand-in."""

    def run(self, signature_name: str, inputs: dict[str, Array]) -> dict[str, Array]: ...


@dataclass(frozen=True)
class Servable:
    """One loaded version: warm, and never changing. `size` is what it takes, in bytes."""

    id: ModelId
    model: Model
    plan: Plan
    size: int


@dataclass(frozen=True)
class _Failure:
    """
    What a load failed with, in words: an exception that is kept would keep the frames
    it passed through, and with them half a model or the bodies of requests.
    """

    kind: type[ModelNotFound] | type[ModelUnavailable]
    message: str
    at: float
    count: int
    delay: float

    def error(self) -> ServingError:
        return self.kind(self.message)


class Servables:
    """
    A version never changes once published, so an entry is never stale; it is only
    evicted, least recently used first, to stay within `budget` bytes. What is
    pinned goes last, and only to make room for another model; what answers a request
    is evicted, but its memory goes with the answer.

    Thread-safe. Concurrent callers for one id wait for a single load. If that
    load fails they all see the error and nothing is kept; `retries` says when the
    next load is tried.
    """

    def __init__(
        self,
        load: Callable[[ModelId], Servable],
        *,
        budget: int,
        retries: Retries = ENDLESS,
        clock: Callable[[], float] = time.monotonic,
        observer: Observer = UNOBSERVED,
    ) -> None:
        self._load = load
        self._budget = budget
        self._retries = retries
        self._clock = clock
        self._observer = observer
        self._lock = threading.Lock()
        self._loaded: OrderedDict[ModelId, Servable] = OrderedDict()
        self._loading: dict[ModelId, Future[Servable]] = {}
        self._failures: dict[ModelId, _Failure] = {}
        self._pinned: dict[str, frozenset[ModelId]] = {}
        self._expected: dict[ModelId, int] = {}  # sizes of what is loading, where they are known
        self._doomed: set[ModelId] = set()  # forgotten, and still there

    def get(self, id: ModelId, *, timeout: float | None = None) -> Servable:
        """
        The servable of `id`, loaded if need be.

        Raises what the load raised, at once if it failed a moment ago, and
        StillLoading if it takes longer than `timeout` seconds; it goes on.
        """
        with self._lock:
            if servable := self._found(id):
                return servable
        load = self.start(id)
        try:
            return load.result(timeout)
        except TimeoutError:
            raise StillLoading(f"{id} is still loading; try again", load) from None

    def start(self, id: ModelId, *, size: int = 0) -> Future[Servable]:
        """
        The servable of `id`, or its load, begun if nobody has. Never blocks.

        It will take `size` bytes, as far as is known.
        """
        with self._lock:
            if servable := self._found(id):
                return _done(servable)
            if under_way := self._loading.get(id):
                return under_way
            failure = self._failures.get(id)
            if failure and self._clock() < failure.at + failure.delay:
                return _failed(failure.error())
            future = self._reserve(id, size)
        return self._launch(id, future)

    def start_if_it_fits(self, id: ModelId, size: int) -> bool:
        """
        `start` ahead of any request, unless it is there or would cost another model its place.

        Returns whether it is loaded, or going to be. Nothing counts as used by this.
        """
        with self._lock:
            there = {*self._loaded, *self._loading}
            taken = sum(s.size for s in self._loaded.values()) + sum(self._expected.values())
        others = any(other.model != id.model for other in there)
        if id not in there and others and taken + size > self._budget:
            return False
        if id not in there:
            self.start(id, size=size)
        return True

    def forget(self, id: ModelId) -> None:
        """
        `id` is no version any more: let go of it, as soon as it is not pinned, and of
        what is known about it.
        """
        with self._lock:
            self._failures.pop(id, None)
            if id in self._loaded or id in self._loading:
                self._doomed.add(id)
            evicted = self._evict()
        del evicted

    def renew(self, id: ModelId) -> None:
        """
        The bytes of `id` are others from now on. If it is loaded, it is loaded anew beside
        the old one, which answers meanwhile, and stays where the new one fails.
        """
        with self._lock:
            self._failures.pop(id, None)
            self._doomed.discard(id)
            if under_way := self._loading.get(id):  # of which bytes, nobody can tell
                under_way.add_done_callback(lambda _: self.renew(id))
            future = None if under_way or id not in self._loaded else self._reserve(id)
        if future:
            self._launch(id, future)

    def is_loaded(self, id: ModelId) -> bool:
        with self._lock:
            return id in self._loaded

    def is_loading(self, id: ModelId) -> bool:
        """Whether `id` is on its way, and nothing of it is there yet."""
        with self._lock:
            return id in self._loading and id not in self._loaded

    def loaded(self) -> list[ModelId]:
        """What is loaded, least recently used first."""
        with self._lock:
            return list(self._loaded)

    def resident(self) -> dict[ModelId, int]:
        """How many bytes each loaded version takes."""
        with self._lock:
            return {id: servable.size for id, servable in self._loaded.items()}

    def failure(self, id: ModelId) -> ServingError | None:
        """Why the last load of `id` failed; None if it is loaded or was never tried."""
        with self._lock:
            failure = None if id in self._loaded else self._failures.get(id)
            return failure.error() if failure else None

    def reconsider(self, model: str) -> None:
        """What was given up of `model` is tried again: something about it has changed."""
        with self._lock:
            for id in [id for id in self._failures if id.model == model]:
                if self._failures[id].delay == math.inf:
                    del self._failures[id]

    def pin(self, model: str, ids: frozenset[ModelId]) -> None:
        """From now on `ids`, and nothing else of `model`, stay whatever the model's size."""
        with self._lock:
            self._pinned[model] = ids
            evicted = self._evict()
        del evicted  # outside the lock: freeing a large model takes a while

    def _found(self, id: ModelId) -> Servable | None:
        """What is loaded, and used now. Under the lock."""
        servable = self._loaded.get(id)
        if servable:
            self._loaded.move_to_end(id)
        return servable

    def _reserve(self, id: ModelId, size: int = 0) -> Future[Servable]:
        """Called with the lock held: from now on a load of `id` is under way."""
        future: Future[Servable] = Future()
        future.set_running_or_notify_cancel()  # one waiter's cancelling is not all's
        self._loading[id], self._expected[id] = future, size
        return future

    def _launch(self, id: ModelId, future: Future[Servable]) -> Future[Servable]:
        # A thread of its own, and a daemon: the end of the process waits for no load.
        threading.Thread(
            target=self._run, args=(id, future), name=f"load {id}", daemon=True
        ).start()
        return future

    def _run(self, id: ModelId, future: "Future[Servable]") -> None:
        started = self._clock()
        try:
            servable = self._load(id)
        except ModelNotFound as error:
            self._fail(id, ModelNotFound, str(error), started, future)
        except ServingError as error:
            self._fail(id, ModelUnavailable, str(error), started, future)
        except BaseException as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            _log.exception("loading %s failed", id)
            message = f"{id} failed to load: {error!r}"
            self._fail(id, ModelUnavailable, message, started, future)
        else:
            with self._lock:
                before = self._loaded.get(id)
                self._loaded[id] = servable
                self._failures.pop(id, None)
                del self._loading[id]
                del self._expected[id]
                evicted = self._evict(keep=id)
            del before, evicted  # outside the lock: freeing a large model takes a while
            seconds = self._clock() - started
            _log.info("%s loaded in %.2f s", id, seconds)
            self._observer.loaded(id, seconds, servable.size)
            future.set_result(servable)

    def _fail(
        self,
        id: ModelId,
        kind: type[ModelNotFound] | type[ModelUnavailable],
        message: str,
        started: float,
        future: "Future[Servable]",
    ) -> None:
        with self._lock:
            before = self._failures.get(id)
            count = before.count + 1 if before else 1
            delay = self._retries.delay(count)
            failure = self._failures[id] = _Failure(kind, message, self._clock(), count, delay)
            del self._loading[id]
            del self._expected[id]
            if id not in self._loaded:
                self._doomed.discard(id)
        if delay == math.inf:
            _log.error("%s failed to load %d times, given up: %s", id, count, message)
        else:
            _log.error("%s failed to load, next try in %.0f s: %s", id, delay, message)
        self._observer.load_failed(id, failure.at - started, message)
        future.set_exception(failure.error())

    def _evict(self, keep: ModelId | None = None) -> list[Servable]:
        """
        Called with the lock held; what it returns is to be let go of without it. Memory
        goes when the last request lets go, too.
        """
        evicted: list[Servable] = []
        pinned = frozenset().union(*self._pinned.values())
        for id in [id for id in self._loaded if id in self._doomed and id not in pinned]:
            evicted.append(self._loaded.pop(id))
            self._doomed.discard(id)
            _log.info("%s unloaded", id)
        size = sum(servable.size for servable in self._loaded.values())
        spare = [id for id in self._loaded if id not in pinned and id != keep]
        # Of one model's versions none makes room for another that answers, too.
        others = [id for id in self._loaded if id in pinned and keep and id.model != keep.model]
        for id in spare + others:
            if size <= self._budget:
                break
            evicted.append(self._loaded.pop(id))
            self._doomed.discard(id)
            size -= evicted[-1].size
            _log.info("%s unloaded to stay within the memory budget", id)
        return evicted


def size_of(plan: Plan) -> int:
    """How many bytes of memory a version counts for."""
    return max(plan.memory_bytes, plan.disk_bytes)


def expected_size(artifacts: ArtifactStore, id: ModelId) -> int:
    """`size_of` a version before it is loaded; without a plan, its files. Raises RegistryError."""
    plan = artifacts.plan(id)
    return size_of(plan) if plan else artifacts.manifest(id).size


def _done(servable: Servable) -> "Future[Servable]":
    future: Future[Servable] = Future()
    future.set_result(servable)
    return future


def _failed(error: ServingError) -> "Future[Servable]":
    future: Future[Servable] = Future()
    future.set_exception(error)
    return future
