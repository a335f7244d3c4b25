"""
What is known of the version directories that are served in place.

A version is *settled* when nothing about it changed for a while, *complete* when it is
settled, all its values are there and it has compiled, and *refused* when it settled as
something that cannot be served; that holds until it changes.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modelregistry.aliases import changes
from modelregistry.configuration import ModelConfig
from modelregistry.errors import ModelRefused, NotFound, RegistryError, Unavailable
from modelregistry.names import ModelId
from modelregistry.plan import Compiler, Plan

from .checkpoint import incomplete
from .listing import Print, base_directory, fingerprint, versions

_log = logging.getLogger(__name__)

# Compiling takes a core each.
_AT_ONCE = 2
# What failed through no fault of the version is tried again without a change of it.
_RETRY_SECONDS = 30.0
_UNREADABLE = "its files cannot be read: "

Outcome = Literal["complete", "refused", "changed", "known"]


@dataclass(frozen=True)
class Complete:
    """A version as it compiled: where, what its files were, and its plan."""

    directory: Path
    print: Print
    plan: Plan


@dataclass
class _Version:
    """
    One directory. `print` is as of the last look and stands since `since`; `good` is the
    last that compiled, which may be older. `refused` says why `print` cannot be served,
    and `retry` when that is to be doubted.
    """

    directory: Path
    print: Print
    since: float
    settled: bool = False
    good: Complete | None = None
    refused: str = ""
    retry: float = math.inf
    reported: str = ""
    compiling: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_good(self) -> bool:
        """Whether it is complete as it lies there."""
        return self.good is not None and self.good.print == self.print

    @property
    def is_undecided(self) -> bool:
        return self.settled and not self.refused and not self.is_good


@dataclass
class _Model:
    """
    `highest` is what the default means; `problem` why its base path was not listed, and
    `told` what the last look said of it.
    """

    config: ModelConfig
    base: Path
    versions: dict[int, _Version] = field(default_factory=dict)
    highest: int | None = None
    problem: str = ""
    told: tuple[int | None, Collection[int]] = (None, frozenset())


class Catalogue:
    """
    The models of a configuration, and their versions as of the last look.

    `settle` seconds without a change make a version settled. Thread-safe: looking and
    compiling happen without the lock, and what they find counts only for the files
    that it was found of.
    """

    def __init__(
        self,
        compiler: Compiler,
        *,
        settle: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._compiler = compiler
        self._settle = settle
        self._clock = clock
        self._models: dict[str, _Model] = {}
        self._lock = threading.RLock()
        self._gate = threading.BoundedSemaphore(_AT_ONCE)

    def configure(self, configs: Iterable[ModelConfig]) -> list[ModelId]:
        """
        From now on these models, and no others. Returns the versions that are gone with
        their models. Raises InvalidInput, changing nothing, for a base path elsewhere.
        """
        wanted = {config.name: config for config in configs}
        bases = {name: base_directory(c.base_path, name) for name, c in wanted.items()}
        with self._lock:
            left_out = [name for name in self._models if name not in wanted]
            gone = [ModelId(name, v) for name in left_out for v in self._models[name].versions]
            for name in left_out:
                del self._models[name]
            for name, config in wanted.items():
                model = self._models.setdefault(name, _Model(config, bases[name]))
                model.config, model.base = config, bases[name]
                self._choose(model)
        return gone

    def models(self) -> list[str]:
        with self._lock:
            return sorted(self._models)

    def look(self, name: str) -> tuple[list[ModelId], bool]:
        """
        See what lies under the model's base path now.

        Returns the versions that are gone, and whether anything is different for
        requests since the last look. A base path that cannot be listed leaves everything as
        it was.
        """
        model = self._models.get(name)
        if model is None:
            return [], False
        now = self._clock()
        try:
            there = versions(model.base)
        except OSError as error:
            self._report(name, model, f"{error.strerror}: {model.base}")
            return [], False
        self._report(name, model, "" if there else f"there is no version in {model.base}")
        seen = {version: (place, _print(place)) for version, place in there.items()}
        with self._lock:
            gone = [v for v in model.versions if v not in seen]
            for version in gone:
                del model.versions[version]
            for version, (place, taken) in seen.items():
                self._see(model, ModelId(name, version), place, taken, now)
            self._choose(model)
            before, model.told = model.told, self._standing(model)
            return [ModelId(name, v) for v in gone], before != model.told

    def undecided(self, name: str) -> list[ModelId]:
        """The versions that the policy or a label wants, and that are still to be compiled."""
        with self._lock:
            model = self._models.get(name)
            if model is None:
                return []
            hopeful = [v for v, found in model.versions.items() if _is_hopeful(found)]
            wanted = {*changes.kept(model.config.policy, hopeful), *model.config.labels.values()}
            return [
                ModelId(name, version)
                for version in sorted(wanted, reverse=True)
                if version in model.versions and model.versions[version].is_undecided
            ]

    def is_settled(self) -> bool:
        """Whether no version has changed between the last two looks."""
        with self._lock:
            return all(v.settled for m in self._models.values() for v in m.versions.values())

    def compile(self, id: ModelId) -> Outcome:
        """
        Find out whether `id` can be served. Takes a second or more.

        `known`: somebody else has found out. `changed`: it has while that was found out,
        or it is no version any more.
        """
        found = self._find(id)
        if found is None:
            return "changed"
        with found.compiling, self._gate:
            with self._lock:
                taken = found.print
                if not found.is_undecided:
                    return "known"
            plan, refusal, retry = self._try(found.directory)
            with self._lock:
                if self._find(id) is not found or not taken == found.print == _print(
                    found.directory
                ):
                    return "changed"
                if plan is not None:
                    found.good, found.reported = Complete(found.directory, taken, plan), ""
                else:
                    self._refuse(id, found, refusal, retry)
                self._choose(self._models[id.model])
        return "refused" if plan is None else "complete"

    def complete(self, id: ModelId) -> Complete:
        """
        `id` as it can be loaded now, compiled if nobody has.

        Raises NotFound where there is no such version, ModelRefused with the reason,
        and Unavailable while its files change.
        """
        found = self._find(id)
        if found is None:
            raise NotFound(f"{id} is not there")
        if found.is_undecided:
            self.compile(id)
        with self._lock:
            good = found.good
            if good is not None and good.print == _print(good.directory):
                return good
            if found.refused:
                raise ModelRefused(found.refused)
        raise Unavailable(f"the files of {found.directory} are changing")

    def versions(self, name: str) -> list[int]:
        """What a request can ask for by number, ascending: all that is not known to be unfit."""
        with self._lock:
            model = self._models.get(name)
            if model is None:
                return []
            found = {v for v, f in model.versions.items() if f.good or f.is_undecided}
            return sorted(found if model.highest is None else found | {model.highest})

    def highest(self, name: str) -> int | None:
        """What a request means that names neither version nor label."""
        with self._lock:
            model = self._models.get(name)
            return model.highest if model else None

    def refused(self, name: str) -> dict[int, str]:
        """The versions that cannot be served as they are, and why."""
        with self._lock:
            model = self._models.get(name)
            found = model.versions if model else {}
            return {v: f.refused for v, f in found.items() if f.refused and not f.good}

    def directory(self, id: ModelId) -> Path | None:
        found = self._find(id)
        return found.directory if found else None

    def plan(self, id: ModelId) -> Plan | None:
        found = self._find(id)
        return found.good.plan if found and found.good else None

    def files(self, id: ModelId) -> Print | None:
        found = self._find(id)
        return found.print if found else None

    def _find(self, id: ModelId) -> _Version | None:
        with self._lock:
            model = self._models.get(id.model)
            return model.versions.get(id.version) if model else None

    def _see(self, model: _Model, id: ModelId, place: Path, taken: Print, now: float) -> None:
        found = model.versions.get(id.version)
        if found is None:
            model.versions[id.version] = _Version(place, taken, now)
            return
        if (place, taken) != (found.directory, found.print):
            found.directory, found.print, found.since = place, taken, now
            found.settled, found.refused, found.retry = False, "", math.inf
        elif now >= found.retry:
            found.refused, found.retry = "", math.inf
        if not found.settled and now - found.since >= self._settle:
            found.settled = True
            if not found.is_good and (missing := _missing(place, taken)):
                self._refuse(id, found, missing, math.inf)

    def _refuse(self, id: ModelId, found: _Version, reason: str, retry: float) -> None:
        found.refused, found.retry = reason, retry
        if reason != found.reported:
            again = "when it changes" if retry == math.inf else f"in {_RETRY_SECONDS:.0f} s"
            _log.error("%s is not served: %s; it is tried again %s", id, reason, again)
        found.reported = reason

    def _try(self, directory: Path) -> tuple[Plan | None, str, float]:
        try:
            return self._compiler.compile(directory), "", math.inf
        except ModelRefused as error:
            return None, _sentence(error), math.inf
        except RegistryError as error:
            return None, _sentence(error), self._clock() + _RETRY_SECONDS
        except OSError as error:
            return None, f"{directory}: {error}", self._clock() + _RETRY_SECONDS

    def _choose(self, model: _Model) -> None:
        """
        What the default means: the highest complete version that the policy keeps.

        While what it keeps is not complete, the version in place stays, even one that is
        gone or that the policy left behind: it answers from memory.
        """
        hopeful = [v for v, found in model.versions.items() if _is_hopeful(found)]
        kept = changes.kept(model.config.policy, hopeful)
        ready = [version for version in kept if model.versions[version].good]
        if ready:
            model.highest = ready[-1]
        elif not changes.kept(model.config.policy, model.versions):
            model.highest = None

    @staticmethod
    def _standing(model: _Model) -> tuple[int | None, Collection[int]]:
        reachable = (v for v, f in model.versions.items() if f.good or f.is_undecided)
        return model.highest, frozenset(reachable)

    @staticmethod
    def _report(name: str, model: _Model, problem: str) -> None:
        if problem and problem != model.problem:
            _log.warning("%s: %s", name, problem)
        model.problem = problem


def _is_hopeful(found: _Version) -> bool:
    """Complete, or to be compiled: what a policy chooses from."""
    return found.good is not None or found.is_undecided


def _print(place: Path) -> Print:
    """What a version that cannot be looked into has instead of a fingerprint is the reason."""
    try:
        return fingerprint(place)
    except OSError as error:
        return ((f"{_UNREADABLE}{error}", 0, 0, 0),)


def _missing(place: Path, taken: Print) -> str:
    if taken[0][0].startswith(_UNREADABLE):
        return taken[0][0]
    try:
        return incomplete(place)
    except OSError as error:
        return f"{_UNREADABLE}{error}"


def _sentence(error: RegistryError) -> str:
    return f"{error}: {error.hint}" if error.hint else str(error)
