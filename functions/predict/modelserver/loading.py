"""From a ModelId to a warm servable: fetch, verify, load, warm up."""

import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import BoundedSemaphore
from time import monotonic

from modelregistry.errors import NoRegistry, NotFound, RegistryError
from modelregistry.manifest import Manifest
from modelregistry.names import ModelId
from modelregistry.plan import Compiler, RecordedRequest
from modelregistry.progress import UNWATCHED
from modelregistry.registry import Registry

from .errors import ModelNotFound, ModelUnavailable, ServingError
from .observer import UNOBSERVED, Observer
from .runtime import SavedModel, Threads
from .servables import Servable, size_of
from .warmup.requests import unpack

# Loading is mostly reading: more of it at once only makes each slower.
_LOADS_AT_ONCE = 2


def loader(
    registry: Registry,
    threads: Threads,
    compiler: Compiler,
    *,
    warm_ups: int = 1,
    observer: Observer = UNOBSERVED,
) -> Callable[[ModelId], Servable]:
    """
    How `Servables` loads from `registry`; what was recorded runs `warm_ups` times, 0 for no
    warm-up at all.

    `compiler` stands in for a plan that is missing or damaged; what it finds is
    used, not stored: a server never writes artifacts. It may take its time without
    holding up the loads of others.
    """
    gate = BoundedSemaphore(_LOADS_AT_ONCE)

    def load(id: ModelId) -> Servable:
        with ExitStack() as files:
            try:
                registry.must_not_be_retired(id)
                version = files.enter_context(registry.artifacts.fetch(id, UNWATCHED))
                plan = version.plan or compiler.compile(version.directory)
            except RegistryError as error:
                if isinstance(error, NotFound) and not isinstance(error, NoRegistry):
                    raise ModelNotFound(
                        f"Servable not found for request: Specific({id.model}, {id.version})"
                    ) from error
                raise ModelUnavailable(f"{id} cannot be loaded: {error}") from error
            with gate:
                recorded, plan = plan.recorded, replace(plan, recorded=())  # used only once
                model = SavedModel.load(version.directory, plan, threads)
                if warm_ups:
                    seconds = _warm_up(id, model, recorded, warm_ups)
                    if recorded:
                        observer.warmed_up(id, seconds)
            if _has_assets(version.manifest):
                weakref.finalize(model, files.pop_all().close)
        return Servable(id, model, plan, size_of(plan))

    return load


def _warm_up(
    id: ModelId, model: SavedModel, recorded: Sequence[RecordedRequest], times: int
) -> float:
    """
    Run what was recorded, and the other signatures on made-up input. Returns how long the
    former took, in seconds.

    Raises ModelUnavailable if anything of it fails, as upstream fails the load.
    """
    started = monotonic()
    for request in recorded:
        inputs = unpack(request)
        try:
            for _ in range(times):
                model.run(request.signature, inputs)
        except ServingError as error:
            raise ModelUnavailable(f"{id} does not warm up: {request.source}: {error}") from error
    seconds = monotonic() - started
    model.warm_up(besides={request.signature for request in recorded})
    return seconds


def _has_assets(manifest: Manifest) -> bool:
    """Graph and variables are read once, by the load; a graph may open its assets at any run."""
    return any(file.path.startswith("assets/") for file in manifest.files)
