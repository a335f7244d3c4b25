"""Whole registries, each an artifact store and an alias table that belong together."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from modelregistry.artifacts.cache import ArtifactCache
from modelregistry.opening import open_registry
from modelregistry.registry import Registry
from tests.aws import aws
from tests.fakes import FakeClock, memory_registry


@contextmanager
def local(directory: Path, now: FakeClock) -> Iterator[Registry]:
    registry = open_registry((directory / "registry").as_uri(), create=True)
    registry.now, registry.who = now, lambda: "ann@laptop"
    yield registry
    registry.aliases.close()


@contextmanager
def on_aws(directory: Path, now: FakeClock) -> Iterator[Registry]:
    with aws() as made:
        cache = ArtifactCache(directory / "cache", 100_000_000)
        registry = open_registry(made.url, create=True, cache=cache)
        registry.now, registry.who = now, lambda: "ann@laptop"
        yield registry
        registry.aliases.close()


@contextmanager
def memory(directory: Path, now: FakeClock) -> Iterator[Registry]:
    yield memory_registry(directory / "cache", now=now)


REGISTRIES: dict[str, Callable[[Path, FakeClock], AbstractContextManager[Registry]]] = {
    "aws": on_aws,
    "local": local,
    "memory": memory,
}
