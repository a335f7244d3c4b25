"""
From the names in a request to a ModelId, following the alias table.

Every process keeps, per model, the newest revision it has seen and the routes it
answers with. They differ for as long as a new version takes to load: it is loaded
and warmed beside the one in place, and then the route flips, alias by alias.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field
from typing import NamedTuple

from modelregistry.aliases.changes import whole
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import Alias
from modelregistry.errors import InvalidInput, NotFound, RegistryError
from modelregistry.names import DEFAULT_ALIAS, HIGHEST, ModelId, model_name
from modelregistry.registry import Registry, alias_flag

from .errors import ModelNotFound, ModelUnavailable, ServingError, UnknownLabel
from .servables import Servables

_log = logging.getLogger(__name__)


class Routed(NamedTuple):
    """
    What answers a request: the version, and the alias that led to it, if one did.

    `revision` is the one whose route was taken; 0 where no alias was asked.
    """

    id: ModelId
    alias: str = ""
    revision: int = 0


@dataclass
class _Route:
    """What an alias answers with now, and the revision that said so."""

    alias: Alias
    revision: int


@dataclass
class _Followed:
    """One model, as far as this process has followed its log."""

    newest: Revision | None = None
    published: list[int] = field(default_factory=list)
    routes: dict[str, _Route] = field(default_factory=dict)
    looked: tuple[float, float] = (-math.inf, -math.inf)
    problem: str = ""
    looking: threading.Lock = field(default_factory=threading.Lock)


class Router:
    """
    Resolves names, and sees to it that what they lead to is loaded.

    A look at the table is made on the request path, at most once in `ttl` seconds
    a model; one request makes it while the others go on with what is known. A
    table that cannot be reached leaves the last known routes in force.

    Age is the larger of monotonic and wall time: a frozen container's monotonic
    clock stands still. Thread-safe.
    """

    def __init__(
        self,
        registry: Registry,
        servables: Servables,
        *,
        ttl: float,
        swap_wait: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pick: Callable[[], float] = random.random,
    ) -> None:
        self._registry = registry
        self._servables = servables
        self._ttl = ttl
        self._swap_wait = swap_wait
        self._monotonic = monotonic
        self._wall = wall
        self._pick = pick
        self._models: dict[str, _Followed] = {}
        self._lock = threading.Lock()

    def resolve(self, model: str, version: int | None = None, label: str | None = None) -> Routed:
        """
        What answers `model`, its `version`, its alias `label`, or its default.

        Raises ModelNotFound or UnknownLabel with TensorFlow Serving's texts, and
        ModelUnavailable where the table was never reached.
        """
        followed = self.look(model)
        if version is not None:
            return Routed(self._specific(model, followed, version))
        if label is not None:
            route = followed.routes.get(label) if followed and label != HIGHEST else None
            if route is None:
                raise UnknownLabel(f"Unrecognized servable version label: {label}")
            return self._through(model, label, route)
        if followed is None:
            raise ModelNotFound(f"Servable not found for request: Latest({model})")
        return self._default(model, followed)

    def look(self, model: str) -> _Followed | None:
        """
        Follow `model`'s log if the last look is too old. None if there is no such model.

        Raises ModelUnavailable if the first look at the table fails.
        """
        followed = self._models.get(model)
        if followed is None:
            return self._first_look(model)
        # One looks, the rest go on with what is known.
        if self._is_old(followed) and followed.looking.acquire(blocking=False):
            try:
                self._look_again(model, followed)
            finally:
                followed.looking.release()
        return followed

    def routes(self, model: str) -> Mapping[str, Alias]:
        """What each alias of `model` answers with now, in this process."""
        followed = self.look(model)
        if followed is None:
            return {}
        with self._lock:
            return {name: r.alias for name, r in followed.routes.items() if name != HIGHEST}

    def published(self, model: str) -> list[int]:
        """The versions of `model`, ascending, as of the last look."""
        followed = self.look(model)
        return followed.published if followed else []

    def preload(self, model: str) -> None:
        """Begin to load what `model`'s aliases point to, so that no request has to wait for it."""
        followed = self.look(model)
        for id in _targets(model, followed) if followed else ():
            self._servables.start(id)

    def preload_all(self) -> list[str]:
        """`preload` every model of the registry. Returns what kept it from some of them."""
        problems = []
        try:
            models = self._registry.known_models()
        except RegistryError as error:
            return [str(error)]
        for model in models:
            try:
                self.preload(model)
            except ServingError as error:
                problems.append(f"{model}: {error}")
        return problems

    def _first_look(self, model: str) -> _Followed | None:
        try:
            model_name(model)
            newest, published = self._read(model)
        except InvalidInput:
            return None
        except RegistryError as error:
            raise ModelUnavailable(f"the alias table cannot be read: {error}") from error
        if newest is None and not published:
            return None  # nothing to follow; whoever invents names fills no memory
        # Filled before anybody else can see it. Who looks first at the same time
        # does this twice, and one of the two is forgotten.
        followed = _Followed()
        self._adopt(model, followed, newest, published)
        with self._lock:
            return self._models.setdefault(model, followed)

    def _look_again(self, model: str, followed: _Followed) -> None:
        try:
            newest, published = self._read(model)
        except RegistryError as error:
            self._report(model, followed, f"keeping the last known aliases: {error}")
            return
        if followed.newest is not None and newest is None:
            self._report(model, followed, "its log is gone: keeping the last known aliases")
            return
        followed.problem = ""
        self._adopt(model, followed, newest, published)

    def _read(self, model: str) -> tuple[Revision | None, list[int]]:
        newest = self._registry.aliases.newest(model)
        state = newest.state if newest else None
        return newest, self._registry.versions(model, state)

    def _adopt(
        self, model: str, followed: _Followed, newest: Revision | None, published: list[int]
    ) -> None:
        """Take what was read as the newest; flip what is loaded, load what is not."""
        known = followed.newest
        if known and newest and newest.number < known.number:
            # A log never shrinks: somebody put another in its place, and means it.
            _log.error(
                "%s: the alias table went back from revision %d to %d; following it",
                model,
                known.number,
                newest.number,
            )
        followed.newest, followed.published = newest, published
        followed.looked = self._now()
        missing = self._flip(model, followed)
        if not missing:
            return
        loads = [self._servables.start(id) for id in missing]
        for load in loads:
            load.add_done_callback(lambda _: self._flip(model, followed))
        if self._swap_wait:
            wait(loads, timeout=self._swap_wait)
            self._flip(model, followed)

    def _flip(self, model: str, followed: _Followed) -> set[ModelId]:
        """
        Answer with every alias of the newest revision whose versions are loaded.

        An alias that has nothing loaded in place is taken over at once: its requests
        would wait for a load anyway. Returns what has to be loaded for the rest.
        """
        missing: set[ModelId] = set()
        with self._lock:
            wanted = _wanted(followed)
            number = followed.newest.number if followed.newest else 0
            for name in [name for name in followed.routes if name not in wanted]:
                del followed.routes[name]
            for name, alias in wanted.items():
                route = followed.routes.get(name)
                absent = {id for id in _ids(model, alias) if not self._servables.is_loaded(id)}
                if (
                    route is None
                    or route.alias == alias
                    or not absent
                    or self._is_idle(model, route)
                ):
                    if route and route.alias != alias:
                        _log.info("%s: %s %s → %s", model, name, route.alias, alias)
                    followed.routes[name] = _Route(alias, number)
                else:
                    missing |= absent
            # What is still to be flipped to is pinned too: loading the second of two
            # versions must not evict the first.
            coming = set().union(*(_ids(model, alias) for alias in wanted.values()))
            self._servables.pin(model, frozenset(_targets(model, followed) | coming))
        return missing

    def _report(self, model: str, followed: _Followed, problem: str) -> None:
        """A look that told nothing new. Said once, not at every look."""
        followed.looked = self._now()
        if problem != followed.problem:
            _log.error("%s: %s", model, problem)
        followed.problem = problem

    def _is_idle(self, model: str, route: _Route) -> bool:
        return not any(self._servables.is_loaded(id) for id in _ids(model, route.alias))

    def _default(self, model: str, followed: _Followed) -> Routed:
        name = followed.newest.state.default if followed.newest else DEFAULT_ALIAS
        route = followed.routes.get(name)
        if route is None and name == HIGHEST:
            raise ModelNotFound(f"Servable not found for request: Latest({model})")
        if route is None:
            raise ModelNotFound(
                f"Servable not found for request: Latest({model}). Its default alias {name!r} is"
                f" not set; set it with: deploy promote {model} VERSION{alias_flag(name)}"
            )
        return self._through(model, name, route)

    def _specific(self, model: str, followed: _Followed | None, version: int) -> ModelId:
        """A published version. One that appeared since the last look is found too."""
        id = ModelId(model, version)
        if followed is not None:
            retired = followed.newest.state.retired if followed.newest else ()
            known = version in followed.published or self._is_published(id)
            if known and version not in retired:
                return id
        raise ModelNotFound(f"Servable not found for request: Specific({model}, {version})")

    def _is_published(self, id: ModelId) -> bool:
        try:
            self._registry.published(id)
        except NotFound:
            return False
        except RegistryError as error:
            raise ModelUnavailable(f"{id} cannot be looked up: {error}") from error
        return True

    def _through(self, model: str, name: str, route: _Route) -> Routed:
        at = self._pick() * 100
        chosen = route.alias.routes[-1]
        for share in route.alias.routes:
            at -= float(share.weight)
            if at < 0:
                chosen = share
                break
        alias = "" if name == HIGHEST else name
        return Routed(ModelId(model, chosen.version), alias, route.revision)

    def _is_old(self, followed: _Followed) -> bool:
        monotonic, wall = self._now()
        return max(monotonic - followed.looked[0], wall - followed.looked[1]) >= self._ttl

    def _now(self) -> tuple[float, float]:
        return self._monotonic(), self._wall()


def _wanted(followed: _Followed) -> Mapping[str, Alias]:
    """The newest aliases; a default that means the highest version is one more, `highest`."""
    if followed.newest is None:
        return {}
    state = followed.newest.state
    if state.default == HIGHEST and followed.published:
        return {**state.aliases, HIGHEST: whole(followed.published[-1])}
    return state.aliases


def _ids(model: str, alias: Alias) -> set[ModelId]:
    """What has to be loaded for `alias`: a version at 0 % answers nobody."""
    return {ModelId(model, share.version) for share in alias.routes if share.weight > 0}


def _targets(model: str, followed: _Followed) -> set[ModelId]:
    """The versions that answer now."""
    return set().union(*(_ids(model, route.alias) for route in followed.routes.values()))
