"""Whether a process is ready for requests, and if not, why."""

from dataclasses import dataclass

from modelregistry.errors import RegistryError
from modelregistry.names import ModelId
from modelregistry.registry import Registry

from .errors import ServingError
from .followed import versions_of
from .routing import Router
from .servables import Servables


@dataclass(frozen=True)
class Health:
    """`problems` keep a process from being ready, or only some of its models from answering."""

    ready: bool
    problems: tuple[str, ...] = ()


def health(registry: Registry, router: Router, servables: Servables) -> Health:
    """
    Ready is who waits for no load of a version in place, and can answer for some model.

    Looks at memory alone once any model is followed: whoever asks every second costs
    the table nothing. What is loaded on demand, or was evicted, is no problem; one
    broken model is none for the others.
    """
    problems = [] if router.standings() else _first_look(registry, router)
    routed: dict[ModelId, None] = {}  # each once, model by model
    in_place: dict[ModelId, None] = {}
    for standing in router.standings():
        for alias, _ in standing.answering.values():
            routed |= dict.fromkeys(versions_of(standing.model, alias))
            in_place[ModelId(standing.model, alias.in_place())] = None
    # For all others there is somebody who stands in.
    loading = [f"{id} is still loading" for id in in_place if servables.is_loading(id)]
    if loading:
        return Health(ready=False, problems=tuple(loading))
    failed = {id: str(failure) for id in routed if (failure := servables.failure(id))}
    problems += [text if str(id) in text else f"{id}: {text}" for id, text in failed.items()]
    if not routed and not problems:
        problems = _refusals(registry, router) or ["no model has a version to answer with"]
    return Health(ready=len(failed) < len(routed), problems=tuple(problems))


def _first_look(registry: Registry, router: Router) -> list[str]:
    """Look at every model there is. Returns what kept it from that."""
    try:
        for model in registry.known_models():
            router.look(model)
    except (RegistryError, ServingError) as error:
        return [str(error)]
    return []


def _refusals(registry: Registry, router: Router) -> list[str]:
    """Why there is nothing to serve, where versions were found that cannot be."""
    return [
        f"{standing.model}:{version} cannot be served: {reason}"
        for standing in router.standings()
        for version, reason in registry.refused(standing.model).items()
    ]
