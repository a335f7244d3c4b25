"""
From the names in a request to a ModelId, following the alias table.

Every process keeps, per model, the newest revision it has seen and the routes it
answers with. They differ for as long as a new version takes to load: it is loaded
and warmed beside the one in place, and then the route flips, alias by alias.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait

from modelregistry.aliases import changes
from modelregistry.aliases.caller import VERSION_HEADER
from modelregistry.aliases.decision import decide
from modelregistry.aliases.revision import Revision
from modelregistry.aliases.state import Alias, State
from modelregistry.errors import InvalidInput, NoRegistry, NotFound, RegistryError
from modelregistry.names import HIGHEST, ModelId, model_name
from modelregistry.registry import EMPTY, Registry, alias_flag

from . import standin
from .asked import Asked, Routed
from .errors import InvalidRequest, ModelNotFound, ModelUnavailable, ServingError, UnknownLabel
from .followed import NEVER, Followed, Moment, Route, Standing, versions_of
from .observer import UNOBSERVED, Observer
from .servables import Servable, Servables, expected_size

_log = logging.getLogger(__name__)
# No alias can be called this: whatever the revision says that the default is.
_DEFAULT = "?"


class Router:
    """
    Resolves names, and sees to it that what they lead to is loaded.

    A look at the table is made on the request path, at most once in `ttl` seconds
    a model; one request makes it while the others go on with what is known. A
    table that cannot be reached leaves the last known routes in force. The artifact
    store is asked only where the table cannot answer: a flip to a version that is
    loaded needs no store.

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
        observer: Observer = UNOBSERVED,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._servables = servables
        self._ttl = ttl
        self._swap_wait = swap_wait
        self._observer = observer
        self._monotonic = monotonic
        self._wall = wall
        self._models: dict[str, Followed] = {}
        self._sizes: dict[ModelId, int] = {}
        self._lock = threading.Lock()

    def resolve(self, asked: Asked) -> Routed:
        """
        What answers `asked`: its version, or what its label or the model's default leads to.

        Who sees a new revision of an alias waits for the version in place, and who gets
        another one for that: `swap_wait`, but no longer than half of the time that is left.
        Raises ModelNotFound or UnknownLabel with TensorFlow Serving's texts, ModelUnavailable
        where the table was never reached, and InvalidRequest for a wish that is none.
        """
        model, version, label = asked.model, asked.version, asked.label
        if version is not None:
            id = self._specific(model, self.look(model), version)
            wished = asked.caller.value(VERSION_HEADER) is not None
            return Routed(id, override="ignored" if wished else "")
        patience = self._patience(asked)
        followed = self.look(model, label or _DEFAULT, patience)
        if label is not None:
            route = followed.routes.get(label) if followed and label != HIGHEST else None
            if followed is None or route is None:
                raise UnknownLabel(f"Unrecognized servable version label: {label}")
            return self._through(followed, label, route, asked)
        if followed is None:
            raise ModelNotFound(f"Servable not found for request: Latest({model})")
        return self._default(followed, asked)

    def look(self, model: str, alias: str = "", patience: float = 0.0) -> Followed | None:
        """
        Follow `model`'s log if the last look is too old. None if there is no such model.

        Raises ModelUnavailable if the first look at the table fails.
        """
        followed = self._models.get(model)
        if followed is None:
            return self._first_look(model)
        # One looks, the rest go on with what is known.
        if self._is_old(followed.looked) and followed.looking.acquire(blocking=False):
            try:
                self._look_again(followed, alias, patience)
            finally:
                followed.looking.release()
        return followed

    def routes(self, model: str) -> Mapping[str, Alias]:
        """What each alias of `model` answers with now, in this process."""
        followed = self.look(model)
        return self._answering(followed) if followed else {}

    def newest(self, model: str) -> Revision | None:
        """The newest revision of `model`, as far as its log was followed."""
        followed = self.look(model)
        return followed.newest if followed else None

    def published(self, model: str) -> list[int]:
        """
        The versions of `model`, ascending; the last known ones if the store is down.

        Raises ModelUnavailable where they were never listed.
        """
        followed = self.look(model)
        if followed is None:
            return []
        if followed.published is None or self._is_old(followed.listed):
            try:
                self._list(followed, followed.state)
            except RegistryError as error:
                if followed.published is None:
                    raise ModelUnavailable(
                        f"the versions of {model} cannot be listed: {error}"
                    ) from error
        return [v for v in followed.published or [] if v not in followed.state.retired]

    def knows(self, model: str) -> bool:
        """Whether `model` exists, as far as anybody has asked for it."""
        return model in self._models

    def standings(self) -> list[Standing]:
        """How every followed model stands, without another look at its log."""
        with self._lock:
            found = [
                (
                    model,
                    {name: (route.alias, route.revision) for name, route in f.routes.items()},
                    f,
                )
                for model, f in self._models.items()
            ]
        return [Standing(model, routes, self._age(f.known)) for model, routes, f in found]

    def wanted(self, model: str) -> list[ModelId]:
        """
        What `model`'s aliases point to. First the versions in place, that of the default
        before all: they must not wait for those that are being tried.
        """
        followed = self.look(model)
        if followed is None:
            return []
        aliases = dict(followed.wanted())
        default = aliases.pop(followed.state.default, None)
        ordered = [*([default] if default else []), *aliases.values()]
        in_place = [alias.in_place() for alias in ordered]
        others = [version for alias in ordered for version in sorted(alias.answering())]
        ids = [ModelId(model, version) for version in dict.fromkeys([*in_place, *others])]
        there = followed.there(set(ids))
        return [id for id in ids if id in there]

    def preload(self, model: str) -> None:
        """
        Begin to load what `model`'s aliases point to, so that no request has to wait for it.

        What would cost another model its place is left to the first request. As long as a
        version in place loads, those that are being tried are left to the next call.
        """
        followed = self.look(model)
        self._preload([followed] if followed else [])

    def refresh(self, model: str) -> None:
        """`preload` after a look at `model`'s log, however old the last one is."""
        if followed := self._models.get(model):
            followed.looked = NEVER
        self.preload(model)

    def preload_all(self) -> list[str]:
        """`preload` every model that has a log. Returns what kept it from some of them."""
        problems, found = [], []
        try:
            models = self._registry.aliases.models()  # the others point to nothing
        except RegistryError as error:
            return [str(error)]
        for model in models:
            try:
                found.append(self.look(model))
            except ServingError as error:
                problems.append(f"{model}: {error}")
        self._preload([followed for followed in found if followed])
        return problems

    def _preload(self, models: list[Followed]) -> None:
        in_place = {id for followed in models for id in followed.in_place()}
        others = {id for followed in models for id in followed.targets()} - in_place
        for ids in in_place, others:
            for id in sorted(ids):
                if not self._servables.is_loaded(id):
                    self._servables.start_if_it_fits(id, self._size(id))
            if any(self._servables.is_loading(id) for id in ids):
                return

    def _first_look(self, model: str) -> Followed | None:
        followed = Followed(model)
        try:
            model_name(model)
            newest = self._registry.aliases.newest(model)
            if newest is None or newest.state.default == HIGHEST:
                self._list(followed, newest.state if newest else EMPTY)
        except InvalidInput:
            return None
        except RegistryError as error:
            raise ModelUnavailable(f"the alias table cannot be read: {error}") from error
        if newest is None and not followed.published:
            return None  # nothing to follow; whoever invents names fills no memory
        # Filled before anybody else can see it. Who looks first at the same time
        # does this twice, and one of the two is forgotten.
        self._adopt(followed, newest)
        with self._lock:
            return self._models.setdefault(model, followed)

    def _look_again(self, followed: Followed, alias: str, patience: float) -> None:
        try:
            newest = self._registry.aliases.newest(followed.model)
        except RegistryError as error:
            self._report(followed, f"keeping the last known aliases: {error}")
            return
        if followed.newest is not None and newest is None:
            self._report(followed, "its log is gone: keeping the last known aliases")
            return
        if newest is not None and newest.state.default == HIGHEST:
            try:
                self._list(followed, newest.state)
            except RegistryError as error:
                self._report(followed, f"keeping the last known versions: {error}")
            else:
                followed.problem = ""
        else:
            followed.problem = ""
        loads = self._adopt(followed, newest)
        if alias == _DEFAULT:
            alias = followed.state.default
        wanted = followed.wanted().get(alias)
        awaited = loads.get(ModelId(followed.model, wanted.in_place())) if wanted else None
        if awaited and patience:
            wait([awaited], timeout=patience)
            self._flip(followed)

    def _list(self, followed: Followed, state: State) -> None:
        published = self._registry.versions(followed.model, state)
        followed.highest = self._registry.highest(followed.model, state, published)
        followed.published = published
        followed.seen &= set(published)
        followed.listed = self._now()

    def _adopt(
        self, followed: Followed, newest: Revision | None
    ) -> Mapping[ModelId, "Future[Servable]"]:
        """
        Take what was read as the newest; flip what is loaded, load what is not.

        Returns the loads under way.
        """
        known = followed.newest
        if known and newest and newest.number < known.number:
            # A log never shrinks: somebody put another in its place, and means it.
            _log.error(
                "%s: the alias table went back from revision %d to %d; following it",
                followed.model,
                known.number,
                newest.number,
            )
        if newest and (known is None or newest.number != known.number):
            self._servables.reconsider(followed.model)
        followed.newest = newest
        followed.looked = followed.known = self._now()
        loads = {id: self._servables.start(id) for id in self._flip(followed)}
        for load in loads.values():
            load.add_done_callback(lambda _: self._flip(followed))
        for id in followed.targets():
            if self._servables.failure(id):
                self._servables.start(id)  # as often as its retries allow
        return loads

    def _flip(self, followed: Followed) -> set[ModelId]:
        """
        Answer with every alias of the newest revision whose versions are loaded.

        An alias that has nothing loaded in place is taken over at once: its requests
        would wait for a load anyway. Once its version in place is loaded others need not be
        where those who get them wait for that, or where they cannot be loaded: the version
        in place stands in for them. Returns what has to be loaded for the rest.
        """
        model = followed.model
        missing: set[ModelId] = set()
        swaps: list[tuple[str, Alias, Alias, float]] = []
        with self._lock:
            wanted = followed.wanted()
            number = followed.newest.number if followed.newest else 0
            now = self._monotonic()
            for name in [name for name in followed.routes if name not in wanted]:
                del followed.routes[name]
                followed.coming.pop(name, None)
            for name, alias in wanted.items():
                route = followed.routes.get(name)
                needed = versions_of(model, alias)
                absent = {id for id in needed if not self._servables.is_loaded(id)}
                loadable = followed.there(absent)
                settled = (
                    route is None
                    or route.alias == alias
                    or not absent
                    or (loadable == absent and self._is_idle(model, route))
                )
                in_place = ModelId(model, alias.in_place())
                if covered := not settled and self._can_stand_in(in_place, absent):
                    missing |= loadable
                if settled or covered:
                    _, since = followed.coming.pop(name, (alias, now))
                    if route and route.alias != alias:
                        changed = changes.alias_differences(name, route.alias, alias)
                        _log.info("%s: %s", model, "; ".join(changed))
                    if route and not route.alias.goes_where(alias):
                        swaps.append((name, route.alias, alias, now - since))
                    followed.routes[name] = Route(alias, number)
                else:
                    missing |= loadable
                    if followed.coming.get(name, (None,))[0] != alias:
                        followed.coming[name] = alias, now
            # What is still to be flipped to is pinned too: loading the second of two
            # versions must not evict the first.
            coming = set().union(*(versions_of(model, alias) for alias in wanted.values()))
            pinned = followed.targets() | followed.there(coming)
            # And so is what is gone from the store, until it is flipped away from.
            for name in followed.coming:
                pinned |= versions_of(model, followed.routes[name].alias)
            self._servables.pin(model, frozenset(pinned))
        for name, before, after, seconds in swaps:
            self._observer.swapped(model, name, before, after, seconds)
        return missing

    def _answering(self, followed: Followed) -> Mapping[str, Alias]:
        with self._lock:
            return {name: r.alias for name, r in followed.routes.items() if name != HIGHEST}

    def _report(self, followed: Followed, problem: str) -> None:
        """A look that told nothing new. Said once, not at every look."""
        followed.looked = self._now()
        if problem != followed.problem:
            _log.error("%s: %s", followed.model, problem)
        followed.problem = problem
        stale = self._age(followed.known)
        self._observer.look_failed(followed.model, self._answering(followed), stale, problem)

    def _is_idle(self, model: str, route: Route) -> bool:
        return not any(self._servables.is_loaded(id) for id in versions_of(model, route.alias))

    def _can_stand_in(self, in_place: ModelId, absent: set[ModelId]) -> bool:
        if not self._servables.is_loaded(in_place):
            return False
        return self._swap_wait > 0 or all(self._servables.failure(id) for id in absent)

    def _default(self, followed: Followed, asked: Asked) -> Routed:
        model = followed.model
        name = followed.state.default
        route = followed.routes.get(name)
        if route is None and name == HIGHEST and followed.published is None:
            raise ModelUnavailable(f"the versions of {model} are not known: {followed.problem}")
        if route is None and name == HIGHEST:
            raise ModelNotFound(f"Servable not found for request: Latest({model})")
        if route is None:
            raise ModelNotFound(
                f"Servable not found for request: Latest({model}). Its default alias {name!r} is"
                f" not set; set it with: deploy promote {model} VERSION{alias_flag(name)}"
            )
        return self._through(followed, name, route, asked)

    def _specific(self, model: str, followed: Followed | None, version: int) -> ModelId:
        """
        A published version; one that is loaded or was found before is not looked up again.

        One that appeared since the last look is found, too.
        """
        id = ModelId(model, version)
        if followed is None or version in followed.state.retired:
            found = False
        else:
            resident = version in followed.seen or self._servables.is_loaded(id)
            found = resident or self._is_published(id)
        if followed is None or not found:
            raise ModelNotFound(f"Servable not found for request: Specific({model}, {version})")
        if not followed.reachable(version):
            raise ModelNotFound(
                f"Servable not found for request: Specific({model}, {version}). No alias of"
                f" {model} routes to that version, and others cannot be asked for"
            )
        followed.seen.add(version)
        return id

    def _is_published(self, id: ModelId) -> bool:
        try:
            self._registry.artifacts.manifest(id)
        except RegistryError as error:
            if isinstance(error, NotFound) and not isinstance(error, NoRegistry):
                return False
            raise ModelUnavailable(f"{id} cannot be looked up: {error}") from error
        return True

    def _through(self, followed: Followed, name: str, route: Route, asked: Asked) -> Routed:
        model, alias = followed.model, "" if name == HIGHEST else name
        try:
            wanted = decide(model, name, route.alias, asked.caller, lambda: asked.at)
        except InvalidInput as error:
            raise InvalidRequest(f"{error}; {error.hint}") from error
        except NotFound as error:
            raise ModelNotFound(f"{error}; {error.hint}") from error
        id = ModelId(model, wanted.version)
        sole = wanted.override == "taken" or id.version == route.alias.in_place()
        if sole and not (followed.there({id}) or self._servables.is_loaded(id)):
            raise ModelNotFound(f"Servable not found for request: Specific({model}, {id.version})")
        if wanted.override == "taken":
            return Routed(id, alias, route.revision, override=wanted.override)
        patience = self._patience(asked)
        version = standin.answering(self._servables, model, route.alias, wanted, patience)
        return Routed(
            ModelId(model, version),
            alias,
            route.revision,
            0 if version == wanted.version else wanted.version,
            wanted.override,
        )

    def _patience(self, asked: Asked) -> float:
        """Seconds that `asked` may wait for a load; what answers then needs the other half."""
        return min(self._swap_wait, asked.remaining() / 2)

    def _size(self, id: ModelId) -> int:
        """How much memory `id` is going to take; 0 where that cannot be known now."""
        if id not in self._sizes:
            try:
                self._sizes[id] = expected_size(self._registry.artifacts, id)
            except RegistryError:
                return 0
        return self._sizes[id]

    def _is_old(self, moment: Moment) -> bool:
        return self._age(moment) >= self._ttl

    def _age(self, moment: Moment) -> float:
        monotonic, wall = self._now()
        return max(monotonic - moment[0], wall - moment[1])

    def _now(self) -> Moment:
        return self._monotonic(), self._wall()
