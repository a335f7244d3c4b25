"""From a ModelId to a warm servable: fetch, verify, load, warm up."""

from collections.abc import Callable
from threading import BoundedSemaphore

from modelregistry.errors import NotFound, RegistryError
from modelregistry.names import ModelId
from modelregistry.plan import Compiler
from modelregistry.progress import UNWATCHED
from modelregistry.registry import Registry

from .errors import ModelNotFound, ModelUnavailable
from .runtime import SavedModel, Threads
from .servables import Servable

# Loading is mostly reading: more of it at once only makes each slower.
_LOADS_AT_ONCE = 2


def loader(
    registry: Registry, threads: Threads, compiler: Compiler
) -> Callable[[ModelId], Servable]:
    """
    How `Servables` loads from `registry`.

    `compiler` stands in for a plan that is missing or damaged; what it finds is
    used, not stored: a server never writes artifacts. It may take its time without
    holding up the loads of others.
    """
    gate = BoundedSemaphore(_LOADS_AT_ONCE)

    def load(id: ModelId) -> Servable:
        try:
            registry.must_not_be_retired(id)
            directory = registry.artifacts.fetch(id, UNWATCHED)
            plan = registry.artifacts.plan(id) or compiler.compile(directory)
        except NotFound as error:
            raise ModelNotFound(
                f"Servable not found for request: Specific({id.model}, {id.version})"
            ) from error
        except RegistryError as error:
            raise ModelUnavailable(f"{id} cannot be loaded: {error}") from error
        with gate:
            model = SavedModel.load(directory, plan, threads)
            model.warm_up()
        return Servable(id, model, plan, max(plan.memory_bytes, plan.disk_bytes))

    return load
