"""
Looks at the directories and the configuration, again and again, and tells the server.
"""

import logging
import math
import queue
import threading
import time
from collections.abc import Callable, Iterable

from modelregistry.configuration import ModelConfig
from modelregistry.errors import RegistryError
from modelregistry.names import ModelId
from modelserver.errors import ServingError
from modelserver.routing import Router
from modelserver.servables import Servables

from .catalogue import AT_ONCE, Catalogue, Outcome
from .configfile import ConfigFile
from .inplace import PlainRegistry

_log = logging.getLogger(__name__)

# Versions that have just changed are looked at again this soon, however rare the polls.
_SOON = 1.0


def settle_seconds(poll: float) -> float:
    """How long nothing may change until a version counts as settled: one poll, or this long."""
    return min(poll, _SOON) if poll > 0 else _SOON


class _Workers:
    """Do what they are told in so many threads, begun by the first of it."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def __call__(self, work: Callable[[], None]) -> None:
        """Do `work` when one of them is free."""
        self._todo.put(work)
        while self._count:
            self._count -= 1
            # A daemon: the end of the process waits for no compiler.
            threading.Thread(target=self._run, name="compile", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._todo.get()()


class Watcher:
    """
    What changes in a directory or a configuration reaches requests through here: the
    next version is loaded beside the one in place, and what is gone is let go of.

    `run` looks until it is told to stop, every `poll` seconds: 0 means once, a negative
    number never. `file`, if there is one, is read again every `file_poll` seconds; 0
    means never. One model's trouble stops no other.
    """

    def __init__(
        self,
        registry: PlainRegistry,
        catalogue: Catalogue,
        servables: Servables,
        router: Router,
        *,
        poll: float,
        file: ConfigFile | None = None,
        file_poll: float = 0.0,
        start: Callable[[Callable[[], None]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._servables = servables
        self._router = router
        self._poll = poll
        self._file = file
        self._file_poll = file_poll
        self._start = start or _Workers(AT_ONCE)
        self._clock = clock
        self._compiling: set[ModelId] = set()
        self._lock = threading.Lock()
        self._looks = 0  # at the configuration that is in force
        self._reported: set[tuple[str, str, int]] = set()
        # Set once it is known what each default and label that was there at the start means.
        self.ready = threading.Event()

    def configure(self, configs: Iterable[ModelConfig]) -> None:
        """Serve these models from now on. Raises InvalidInput, changing nothing."""
        self._forget(self._registry.configure(configs))
        self._looks = 0

    def run(self, stopping: threading.Event) -> None:
        """Look until `stopping` is set."""
        next_look = self._clock() if self._poll >= 0 else math.inf
        next_read = self._clock() + self._file_poll if self._rereads else math.inf
        if next_look == math.inf:
            _log.warning("version directories are not looked for: nothing is going to be found")
            self.ready.set()
        while True:
            now = self._clock()
            if now >= next_read:
                next_read = now + self._file_poll
                if self.reread() and self._poll >= 0:
                    next_look = now
            if now >= next_look:
                self.look()
                next_look = self._clock() + self._pause()
            if stopping.wait(max(0.0, min(next_look, next_read, now + 3600) - self._clock())):
                return

    def reread(self) -> bool:
        """Take over what the file says now. Returns whether that is something else."""
        configs = self._file.changed() if self._file else None
        if configs is None:
            return False
        _log.info("the configuration has changed: it lists %d models", len(configs))
        self.configure(configs)
        for name in self._registry.aliases.models():
            self._refresh(name)
        return True

    def look(self) -> None:
        """One look at everything that is configured."""
        for name in self._catalogue.models():
            try:
                self._look_at(name)
            except Exception:  # noqa: BLE001 - one model must not stop the others
                _log.exception("%s: looking for its versions failed", name)
        self._looks += 1
        self._check_ready()

    def _look_at(self, name: str) -> None:
        gone, differs = self._catalogue.look(name)
        for id in gone:
            _log.info("%s is gone", id)
        self._forget(gone)
        if differs:
            self._refresh(name)
        self._compile_wanted(name)
        self._report_labels(name)

    def _compile_wanted(self, name: str) -> None:
        """Begin to compile its newest; the many versions of one model hold up no other."""
        for id in self._catalogue.undecided(name):
            with self._lock:
                begun = sum(other.model == name for other in self._compiling)
                if begun == AT_ONCE or id in self._compiling:
                    continue
                self._compiling.add(id)
            self._start(lambda id=id: self._compile(id))  # type: ignore[misc] # bound now, not later

    def _compile(self, id: ModelId) -> None:
        outcome: Outcome = "changed"
        try:
            outcome = self._catalogue.compile(id)
            if outcome == "complete":
                self._servables.renew(id)  # of what was there under this number before
            if outcome != "changed":
                self._refresh(id.model)
        except Exception:  # noqa: BLE001 - the next look tries again
            _log.exception("%s: finding out whether it can be served failed", id)
        finally:
            with self._lock:
                self._compiling.discard(id)
        if outcome != "changed":
            self._compile_wanted(id.model)  # the next best
        self._check_ready()

    def _refresh(self, name: str) -> None:
        try:
            self._router.refresh(name)
        except (ServingError, RegistryError) as error:
            _log.warning("%s: %s", name, error)

    def _forget(self, gone: Iterable[ModelId]) -> None:
        for id in gone:
            self._servables.forget(id)

    def _report_labels(self, name: str) -> None:
        """Say once of each label that leads nowhere that it does."""
        newest = self._registry.aliases.newest(name)
        there = self._catalogue.versions(name)
        for label, alias in newest.state.aliases.items() if newest and self._looks else ():
            for version in sorted(alias.versions()):
                found = name, label, version
                if version in there:
                    self._reported.discard(found)
                elif found not in self._reported:
                    self._reported.add(found)
                    _log.warning("%s: label %r is for version %d, which is not there", *found)

    def _check_ready(self) -> None:
        if self._looks > 1 and self._catalogue.is_decided():
            self.ready.set()

    def _pause(self) -> float:
        """Until the next look."""
        if self._looks < 2 or (self._poll and not self._catalogue.is_settled()):
            return settle_seconds(self._poll)
        return self._poll or math.inf

    @property
    def _rereads(self) -> bool:
        return self._file is not None and self._file_poll > 0
